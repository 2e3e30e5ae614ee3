/*
 * ops/plan_gather.c - see ops/plan_gather.h. Which repository and which line of it; ops/plan_line.c does the rest.
 *
 * A plan to the end of the archive is made on the first repository that can do it. Each other one is then asked how far it goes
 * itself: its lines and newest backup, its timelines, and the last segment behind that end; of the segments between
 * nothing is known yet. Where that is further, a plan is made there too, and taken when it does end further.
 */
#include "ops/plan_gather.h"

#include "base/log.h"
#include "ops/plan_reach.h"
#include "repo/line.h"
#include "repo/replay_rate.h"
#include "repo/restore_rate.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Has the line this backup, or any? backups: opened, and kept when it has. */
static enum err_code has_backup(struct repo *r, const struct layout *l, const char *id,
                                struct backup_list *backups, bool *found, struct err *e)
{
    backup_list_clear(backups);
    if (backup_list_open(r, l, backups, e) != ERR_OK)
        return e->code;
    if (id == NULL)
        return backup_list_fetch_newest(r, l, backups, found, e);
    for (size_t i = 0; i < backups->id_count; i++)
        if (strcmp(backups->ids[i].id, id) == 0 && backup_list_fetch(r, l, i, backups, e) != ERR_OK)
            return e->code;
    *found = backups->count > 0;
    return ERR_OK;
}

/* The newest line that has the backup asked for, or any; else the oldest, where planning finds that there is none. */
static enum err_code choose_line(struct cluster *c, struct repo *r, const char *backup_id, struct planned *p,
                                 struct layout *out, struct err *e)
{
    struct line_list *lines = &p->lines;
    bool found = false;

    if (line_list(r, c->name, lines, e) != ERR_OK)
        return e->code;
    if (lines->count == 0)
        return err_set(e, ERR_REFUSED, "repository \"%s\" has nothing of cluster \"%s\"", r->name, c->name);
    for (size_t i = lines->count; i > 0 && !found; i--) {
        uint64_t identifier;

        if (line_parse(lines->lines[i - 1], &identifier, e) != ERR_OK ||
            layout_init(out, c->name, identifier, e) != ERR_OK ||
            has_backup(r, out, backup_id, &p->backups, &found, e) != ERR_OK)
            return e->code;
    }
    return ERR_OK;
}

/* What is refused in the newest line may be possible in another one: before an upgrade, say. */
static void hint_lines(const struct line_list *lines, const struct layout *l, struct err *e)
{
    char before[ERR_HINT_MAX];

    memcpy(before, e->hint, sizeof(before));
    (void) err_hint(
        e,
        "%.250s%sOnly line %s was looked at, of the cluster's %zu: \"pitr list\" shows them, and --backup "
        "ID plans on that backup's line.",
        before, before[0] == '\0' ? "" : " ", l->line, lines->count);
}

static enum err_code plan_in(struct cluster *c, struct repo *r, const struct target *t, struct planned *out,
                             struct err *e)
{
    struct layout layout;

    if (choose_line(c, r, t->backup_id, out, &layout, e) != ERR_OK)
        return e->code;
    if (ops_plan_line(r, &layout, t, out, e) == ERR_OK)
        return ERR_OK;
    if (e->code == ERR_REFUSED && t->backup_id == NULL && out->lines.count > 1)
        hint_lines(&out->lines, &layout, e);
    return e->code;
}

static void estimate(const struct cluster *c, const struct repo *r, struct planned *out)
{
    struct restore_rate restore;
    struct replay_rate replay;

    (void) restore_rate_read(c->spool, repo_place(r), &restore);
    (void) replay_rate_read(c->spool, repo_place(r), &replay);
    out->estimate = plan_estimate(&out->plan, &restore, &replay);
}

/* ---- does another repository go further? ---- */

/* The end of what a repository holds. Lines and timelines come before LSNs. */
struct end {
    char line[LINE_TEXT_MAX];
    uint32_t tli;
    lsn lsn;
};

static uint32_t last_timeline(const struct plan *p)
{
    return p->path.entries[p->path.count - 1].tli;
}

static struct end end_of(const struct planned *p)
{
    struct end end = {.tli = last_timeline(&p->plan), .lsn = p->plan.end_of_archive};

    memcpy(end.line, p->layout.line, sizeof(end.line));
    return end;
}

/* Also where the wished time is reached in one of them only. */
static bool goes_further(const struct planned *a, const struct planned *b)
{
    const struct end of_a = end_of(a), of_b = end_of(b);
    const int lines = strcmp(of_a.line, of_b.line);

    if (lines != 0)
        return lines > 0;
    if (a->plan.moment.reached != b->plan.moment.reached)
        return a->plan.moment.reached;
    return of_a.tli != of_b.tli ? of_a.tli > of_b.tli : of_a.lsn > of_b.lsn;
}

#define END_TEXT_MAX 96

static void end_format(const struct end *end, const struct planned *beside, char out[END_TEXT_MAX])
{
    const bool is_other_line = strcmp(end->line, beside->layout.line) != 0;
    char position[LSN_TEXT_MAX];

    lsn_format(end->lsn, position);
    if (end->lsn == 0)
        (void) snprintf(out, END_TEXT_MAX, "on line %s", end->line);
    else
        (void) snprintf(out, END_TEXT_MAX, "to LSN %s on timeline %" PRIu32 "%s%s", position, end->tli,
                        is_other_line ? " of line " : "", is_other_line ? end->line : "");
}

/* What is told of the other repositories. */
struct notes {
    char text[PLAN_WARNINGS_MAX][sizeof(((struct plan *) 0)->warnings[0])];
    size_t count;
};

static void note(struct notes *n, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void note(struct notes *n, const char *fmt, ...)
{
    va_list args;

    if (n->count == PLAN_WARNINGS_MAX)
        return;
    va_start(args, fmt);
    (void) vsnprintf(n->text[n->count++], sizeof(n->text[0]), fmt, args);
    va_end(args);
}

/* In front of the plan's own warnings, since transactions may be lost by it; where there is no room, the last of those go. */
static void add_notes(struct plan *p, const struct notes *n)
{
    const size_t room = PLAN_WARNINGS_MAX - n->count;
    const size_t kept = p->warning_count < room ? p->warning_count : room;

    memmove(p->warnings[n->count], p->warnings[0], kept * sizeof(p->warnings[0]));
    memcpy(p->warnings[0], n->text[0], n->count * sizeof(p->warnings[0]));
    p->warning_count = n->count + kept;
}

/*
 * The highest timeline of another repository that recovery can follow, when it is higher than the plan's and the plan
 * could not have taken it: not known in its repository, or without a backup on its path there. NULL = none.
 */
static const struct wal_timeline *higher(const struct planned *p, const struct wal_timelines *there,
                                         const struct backup_list *backups)
{
    for (size_t i = there->count; i > 0 && there->list[i - 1].tli > last_timeline(&p->plan); i--) {
        const struct wal_timeline *t = &there->list[i - 1];
        const struct wal_timeline *here = wal_timelines_at(&p->timelines, t->tli);

        if (wal_timeline_can_be_followed(t) &&
            (here == NULL || !wal_timeline_can_be_followed(here) ||
             (backups->count > 0 && plan_is_on_path(&t->path, &backups->list[backups->count - 1]))))
            return t;
    }
    return NULL;
}

/* On the plan's line: the end there, when it lies behind the plan's; else *further stays false. */
static enum err_code ask_line(struct repo *r, const struct planned *p, const struct backup_list *backups,
                              bool *further, struct end *end, struct err *e)
{
    const struct wal_place place = {.repo = r, .layout = &p->layout, .segment_bytes = p->plan.segment_bytes};
    const uint64_t last = walseg_number(p->plan.end_of_archive - 1, place.segment_bytes);
    CLEANUP(wal_timelines_clear) struct wal_timelines there = {.list = NULL};
    const struct timeline_path *path = &p->plan.path;
    const struct wal_timeline *top = NULL;
    uint64_t found;

    if (p->plan.target.timeline == TIMELINE_LATEST) {
        if (wal_timelines_read(r, &p->layout, &there, e) != ERR_OK)
            return e->code;
        top = higher(p, &there, backups);
        path = top != NULL ? &top->path : path;
    }
    if (plan_reach_end(&place, path, top != NULL ? p->plan.first_segment : last + 1, &found, e) != ERR_OK)
        return e->code;
    *further = top != NULL || found > last;
    end->tli = path->entries[path->count - 1].tli;
    end->lsn = walseg_start(found + 1, place.segment_bytes);
    return ERR_OK;
}

static enum err_code ask_repo(struct cluster *c, struct repo *r, const struct planned *p, bool *further,
                              struct end *end, struct err *e)
{
    CLEANUP(planned_clear) struct planned there = {.repo = NULL};
    struct layout newest;
    enum err_code code;
    int lines;

    *end = end_of(p);
    *further = false;
    code = choose_line(c, r, p->plan.target.backup_id, &there, &newest, e);
    if (code != ERR_OK)
        return there.lines.count == 0 && code == ERR_REFUSED ? ERR_OK : code;
    lines = strcmp(newest.line, p->layout.line);
    if (lines <= 0 || there.backups.count == 0) {
        if (lines != 0)
            backup_list_clear(&there.backups);
        return ask_line(r, p, &there.backups, further, end, e);
    }
    memcpy(end->line, newest.line, sizeof(end->line));
    end->lsn = 0;
    *further = true;
    return ERR_OK;
}

/* Plan on that repository instead, when such a plan ends further. */
static enum err_code plan_instead(struct cluster *c, struct repo *r, const struct target *t,
                                  struct planned *p, bool *taken, struct err *e)
{
    CLEANUP(planned_clear) struct planned other = {.repo = NULL};
    struct planned first;

    if (plan_in(c, r, t, &other, e) != ERR_OK)
        return e->code;
    *taken = goes_further(&other, p);
    if (*taken) {
        first = *p;
        *p = other;
        other = first;
    }
    return ERR_OK;
}

static void note_taken(const struct repo *first, const struct end *before, const struct planned *p,
                       struct notes *n)
{
    const struct end now = end_of(p);
    char ends[END_TEXT_MAX], goes[END_TEXT_MAX];

    end_format(before, p, ends);
    end_format(&now, p, goes);
    note(n, "repository \"%s\" goes %s only: this plan is on \"%s\", which goes %s", first->name, ends,
         p->repo->name, goes);
}

static void note_unasked(const struct repo *r, const struct err *why, struct notes *n)
{
    note(n, "repository \"%s\" may go further than this plan, and could not be asked: %s", r->name,
         why->text);
}

/* refused: why no plan could be made on that repository before; ERR_OK = none was tried yet. */
static void look_further(struct cluster *c, struct repo *r, const struct target *t, const struct err *refused,
                         struct planned *p, struct notes *n)
{
    const struct repo *first = p->repo;
    const struct end before = end_of(p);
    char goes[END_TEXT_MAX];
    struct err why = ERR_NONE;
    bool further, taken = false;
    struct end end;

    if (ask_repo(c, r, p, &further, &end, &why) == ERR_OK && !further)
        return;
    if (why.code == ERR_OK && refused->code == ERR_OK)
        (void) plan_instead(c, r, t, p, &taken, &why);
    end_format(&end, p, goes);
    if (taken)
        note_taken(first, &before, p, n);
    else if (why.code == ERR_OK || why.code == ERR_REFUSED)
        note(n,
             "repository \"%s\" goes further than this plan, %s, but no plan on it alone does: "
             "\"--repo %s\" tells why",
             r->name, goes, r->name);
    else
        note_unasked(r, &why, n);
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

        if (plan_in(c, c->repos[i], t, out, why) == ERR_OK) {
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
    struct notes notes = {.count = 0};
    size_t at;

    if (plan_in_first(c, t, refusals, out, &at, e) != ERR_OK)
        return e->code;
    for (size_t i = 0; i < c->repo_count && ends_with_archive(&out->plan); i++) {
        if (i == at)
            continue;
        if (refusals[i].code == ERR_OK || refusals[i].code == ERR_REFUSED)
            look_further(c, c->repos[i], t, &refusals[i], out, &notes);
        else
            note_unasked(c->repos[i], &refusals[i], &notes);
    }
    add_notes(&out->plan, &notes);
    return ERR_OK;
}

static enum err_code plan_in_only(struct cluster *c, const char *name, const struct target *t,
                                  struct planned *out, struct err *e)
{
    struct repo *r = NULL;

    if (cluster_repo(c, name, &r, e) != ERR_OK)
        return e->code;
    return plan_in(c, r, t, out, e) == ERR_OK ? ERR_OK : err_while(e, "repository \"%s\"", r->name);
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
