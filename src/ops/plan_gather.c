/*
 * ops/plan_gather.c - see ops/plan_gather.h. Which repository and which line of it; ops/plan_line.c does the rest.
 */
#include "ops/plan_gather.h"

#include "base/log.h"
#include "repo/line.h"
#include "repo/replay_rate.h"
#include "repo/restore_rate.h"

#include <stdlib.h>
#include <string.h>

void planned_clear(struct planned *p)
{
    plan_clear(&p->plan);
    line_list_clear(&p->lines);
    wal_timelines_clear(&p->timelines);
    backup_list_clear(&p->backups);
    *p = (struct planned){0};
}

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

enum err_code ops_plan(struct cluster *c, const char *repo, const struct target *t, struct planned *out,
                       struct err *e)
{
    struct err why = ERR_NONE;
    struct repo *only = NULL;

    *out = (struct planned){0};
    if (repo != NULL && cluster_repo(c, repo, &only, e) != ERR_OK)
        return e->code;
    for (size_t i = 0; i < c->repo_count; i++) {
        struct repo *r = only != NULL ? only : c->repos[i];
        uint64_t before = r->store->requests;
        enum err_code code = plan_in(c, r, t, out, &why);

        out->requests = r->store->requests - before;
        if (code == ERR_OK) {
            estimate(c, r, out);
            return ERR_OK;
        }
        err_while(&why, "repository \"%s\"", r->name);
        if (only != NULL || i + 1 == c->repo_count)
            break;
        log_warning("%s, trying the next repository", why.text);
        planned_clear(out);
    }
    *e = why;
    return why.code;
}
