/*
 * ops/plan_gather.c - see ops/plan_gather.h.
 *
 * Order     line (1 listing, 1 GET), timelines (1 listing and their histories), backups (1 listing and 1 GET each), then
 *           for the chosen backup the listing of its WAL and the search for the target in it.
 * A name or xid does not say when it was, so the newest backup is tried first and, when the target is not behind it,
 * the one before, each with the WAL up to the next.
 */
#include "ops/plan_gather.h"

#include "base/log.h"
#include "ops/wal_search.h"
#include "repo/line.h"

#include <stdlib.h>
#include <string.h>

void planned_clear(struct planned *p)
{
    plan_clear(&p->plan);
    wal_timelines_clear(&p->timelines);
    backup_list_clear(&p->backups);
    *p = (struct planned){0};
}

static bool has_wanted(const struct backup_list *backups, const char *id)
{
    for (size_t i = 0; i < backups->count; i++)
        if (id == NULL || strcmp(backups->list[i].id, id) == 0)
            return true;
    return false;
}

static enum err_code read_backups(struct cluster *c, struct planned *p, const char *line, struct err *e)
{
    uint64_t identifier;

    backup_list_clear(&p->backups);
    if (line_parse(line, &identifier, e) != ERR_OK ||
        layout_init(&p->layout, c->name, identifier, e) != ERR_OK)
        return e->code;
    return backup_list_read(p->repo, &p->layout, &p->backups, NULL, e);
}

/* The newest line that has the backup asked for, or any; else the oldest, where planning finds that there is none. */
static enum err_code choose_line(struct cluster *c, struct planned *p, const char *backup_id, struct err *e)
{
    struct line_list lines = {0};
    enum err_code code = line_list(p->repo, c->name, &lines, e);

    if (code == ERR_OK && lines.count == 0)
        code = err_set(e, ERR_REFUSED, "repository \"%s\" has nothing of cluster \"%s\"", p->repo->name,
                       c->name);
    for (size_t i = lines.count; i > 0 && code == ERR_OK; i--) {
        code = read_backups(c, p, lines.lines[i - 1], e);
        if (code == ERR_OK && has_wanted(&p->backups, backup_id))
            break;
    }
    line_list_clear(&lines);
    return code;
}

/*
 * What is stored of the path from a backup's first segment on, and of ancestors that the path left before: what goes on
 * behind the fork, so that a branch that is still alive is told of.
 */
static enum err_code read_runs(struct planned *p, const struct timeline_path *path,
                               const struct backup_info *b, struct wal_runs *out, struct err *e)
{
    uint64_t first = walseg_number(b->start_lsn, b->segment_bytes);

    for (size_t i = 0; i < path->count; i++) {
        const struct timeline_entry *entry = &path->entries[i];
        bool is_left = entry->end <= b->start_lsn;
        uint64_t from = is_left ? walseg_number(entry->end, b->segment_bytes) : first;
        struct wal_runs of_one = {0};

        if (wal_runs_read(p->repo, &p->layout, entry->tli, from, UINT64_MAX, b->segment_bytes, &of_one, e) !=
            ERR_OK)
            return e->code;
        if (wal_runs_append(out, &of_one, e) != ERR_OK) {
            wal_runs_clear(&of_one);
            return e->code;
        }
    }
    return ERR_OK;
}

/* A moment that only the WAL itself can tell. */
static bool needs_search(const struct target *t)
{
    return t->kind != TARGET_LATEST && t->kind != TARGET_IMMEDIATE;
}

/*
 * Plan with this backup. look_to: a name or an xid is of interest up to this LSN only. ERR_REFUSED also when the backup
 * itself is past the time, as its own WAL says; is_late tells that apart.
 */
static enum err_code plan_with(struct planned *p, const struct target *t, const struct timeline_path *path,
                               const struct backup_info *b, lsn look_to, bool *is_late, struct err *e)
{
    CLEANUP(wal_runs_clear) struct wal_runs runs = {0};
    struct plan_moment moment = {0};
    struct wal_stretch w = {.repo = p->repo,
                            .layout = &p->layout,
                            .path = path,
                            .segment_bytes = b->segment_bytes,
                            .first = walseg_number(b->start_lsn, b->segment_bytes),
                            .look_to = walseg_number(look_to, b->segment_bytes)};

    *is_late = false;
    if (read_runs(p, path, b, &runs, e) != ERR_OK)
        return e->code;
    if (needs_search(t) && plan_coverage_end(path, b, &runs, &w.last) &&
        wal_search(&w, t, b->stop_lsn, &moment, e) != ERR_OK)
        return e->code;
    *is_late = moment.backup_is_late;
    if (*is_late)
        return err_set(e, ERR_REFUSED,
                       "the target time lies before the end of backup \"%s\", by the commits in it", b->id);
    return plan_settle(t, b, path, &runs, &moment, &p->plan, e);
}

/* Names and xids: from the newest backup on the path backwards, until one has the target behind it. */
static enum err_code plan_backwards(struct planned *p, const struct target *t,
                                    const struct timeline_path *path, struct err *e)
{
    const struct backup_info *b;
    struct err first = ERR_NONE; /* what the newest backup was refused for says most */
    lsn limit = UINT64_MAX;
    bool is_late;

    for (;;) {
        struct err why = ERR_NONE;
        enum err_code code = plan_backup(t, limit, path, &p->backups, &b, &why);
        const bool is_none = code != ERR_OK;

        if (code == ERR_OK)
            code = plan_with(p, t, path, b, limit, &is_late, &why);
        if (code == ERR_OK)
            return ERR_OK;
        if (first.code == ERR_OK || (!is_none && code != ERR_REFUSED))
            first = why;
        if (is_none || code != ERR_REFUSED || t->backup_id != NULL || b->stop_lsn == 0)
            break;
        limit = b->stop_lsn - 1;
    }
    *e = first;
    return first.code;
}

/* All other targets: the newest backup that ends before them. */
static enum err_code plan_forwards(struct planned *p, const struct target *t,
                                   const struct timeline_path *path, struct err *e)
{
    const struct backup_info *b;
    lsn limit = 0;
    bool is_late = false;
    enum err_code code;

    while ((code = plan_backup(t, limit, path, &p->backups, &b, e)) == ERR_OK) {
        code = plan_with(p, t, path, b, UINT64_MAX, &is_late, e);
        if (code == ERR_OK || !is_late || t->backup_id != NULL)
            break;
        limit = b->stop_lsn - 1;
    }
    return code;
}

static enum err_code make_plan(struct cluster *c, struct planned *p, const struct target *t, struct err *e)
{
    struct timeline_path path = {0};
    enum err_code code;

    if (choose_line(c, p, t->backup_id, e) != ERR_OK)
        return e->code;
    for (size_t i = 0; i < p->backups.damaged_count; i++)
        log_warning("backup %s in repository \"%s\" is damaged: %s, ignoring", p->backups.damaged[i].id,
                    p->repo->name, p->backups.damaged[i].why);
    if (wal_timelines_read(p->repo, &p->layout, &p->timelines, e) != ERR_OK ||
        plan_path(t, &p->backups, &p->timelines, &path, e) != ERR_OK)
        return e->code;
    if (t->kind == TARGET_NAME || t->kind == TARGET_XID)
        code = plan_backwards(p, t, &path, e);
    else
        code = plan_forwards(p, t, &path, e);
    timeline_clear(&path);
    return code;
}

static struct repo *repo_named(const struct cluster *c, const char *name)
{
    for (size_t i = 0; i < c->repo_count; i++)
        if (strcmp(c->repos[i]->name, name) == 0)
            return c->repos[i];
    return NULL;
}

enum err_code ops_plan(struct cluster *c, const char *repo, const struct target *t, struct planned *out,
                       struct err *e)
{
    struct err why = ERR_NONE;

    *out = (struct planned){0};
    for (size_t i = 0; i < c->repo_count; i++) {
        enum err_code code;
        uint64_t before;

        out->repo = repo == NULL ? c->repos[i] : repo_named(c, repo);
        if (out->repo == NULL)
            return err_set(e, ERR_USAGE, "there is no repository \"%s\"", repo);
        before = out->repo->store->requests;
        code = make_plan(c, out, t, &why);
        out->requests = out->repo->store->requests - before;
        if (code == ERR_OK)
            return ERR_OK;
        err_while(&why, "repository \"%s\"", out->repo->name);
        if (repo != NULL || i + 1 == c->repo_count)
            break;
        log_warning("%s, trying the next repository", why.text);
        planned_clear(out);
    }
    *e = why;
    return why.code;
}
