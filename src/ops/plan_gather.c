/*
 * ops/plan_gather.c - see ops/plan_gather.h.
 *
 * The plan is made on the first repository that can do it. Where it goes to the end of the archive, each other one is
 * compared with it.
 */
#include "ops/plan_gather.h"

#include "base/log.h"
#include "ops/plan_compare.h"
#include "ops/plan_repo.h"
#include "repo/replay_rate.h"
#include "repo/restore_rate.h"

#include <stdlib.h>

static void estimate(const struct cluster *c, const struct repo *r, struct planned *out)
{
    struct restore_rate restore;
    struct replay_rate replay;

    (void) restore_rate_read(c->spool, repo_place(r), &restore);
    (void) replay_rate_read(c->spool, repo_place(r), &replay);
    out->estimate = plan_estimate(&out->plan, &restore, &replay);
}

/* Does the plan end where the archive does, so that another repository's end matters? */
static bool ends_with_archive(const struct plan *p)
{
    return p->target.kind == TARGET_LATEST ||
           (p->target.kind == TARGET_TIME && p->target.or_latest && !p->moment.reached);
}

static uint64_t all_requests(const struct cluster *c)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < c->repo_count; i++)
        sum += c->repos[i]->store->requests;
    return sum;
}

/* The first repository that can do it; why those before it could not has been told, and is in refusals. */
static enum err_code plan_in_first(struct cluster *c, const struct target *t, struct err *refusals,
                                   struct planned *out, size_t *at, struct err *e)
{
    for (size_t i = 0;; i++) {
        struct err *why = &refusals[i];

        if (plan_repo(c, c->repos[i], t, out, why) == ERR_OK) {
            *at = i;
            return ERR_OK;
        }
        err_while(why, "repository \"%s\"", c->repos[i]->name);
        if (i + 1 == c->repo_count) {
            *e = *why;
            return e->code;
        }
        log_warning("%s, trying the next repository", why->text);
        planned_clear(out);
    }
}

static enum err_code plan_in_any(struct cluster *c, const struct target *t, struct err *refusals,
                                 struct planned *out, struct err *e)
{
    struct plan_notes notes = {.count = 0};
    size_t at;

    if (plan_in_first(c, t, refusals, out, &at, e) != ERR_OK)
        return e->code;
    for (size_t i = 0; i < c->repo_count && ends_with_archive(&out->plan); i++)
        if (i != at)
            plan_compare(c, c->repos[i], t, &refusals[i], out, &notes);
    plan_notes_add(&out->plan, &notes);
    return ERR_OK;
}

static enum err_code plan_in_only(struct cluster *c, const char *name, const struct target *t,
                                  struct planned *out, struct err *e)
{
    struct repo *r = NULL;

    if (cluster_repo(c, name, &r, e) != ERR_OK)
        return e->code;
    return plan_repo(c, r, t, out, e) == ERR_OK ? ERR_OK : err_while(e, "repository \"%s\"", r->name);
}

enum err_code ops_plan(struct cluster *c, const char *repo, const struct target *t, struct planned *out,
                       struct err *e)
{
    const uint64_t before = all_requests(c);
    struct err *refusals = calloc(c->repo_count, sizeof(*refusals));
    enum err_code code;

    *out = (struct planned){0};
    if (refusals == NULL)
        return err_nomem(e, "a plan");
    code = repo != NULL ? plan_in_only(c, repo, t, out, e) : plan_in_any(c, t, refusals, out, e);
    out->requests = all_requests(c) - before;
    if (code == ERR_OK)
        estimate(c, out->repo, out);
    free(refusals);
    return code;
}
