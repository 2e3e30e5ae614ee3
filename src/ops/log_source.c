/*
 * ops/log_source.c - see ops/log_source.h.
 */
#include "ops/log_source.h"

#include "base/log.h"
#include "ops/plan.h"
#include "ops/plan_reach.h"
#include "repo/wal_edge.h"

#include <inttypes.h>

void log_source_clear(struct log_source *s)
{
    line_list_clear(&s->lines);
    backup_list_clear(&s->backups);
    wal_timelines_clear(&s->timelines);
    timeline_clear(&s->path);
    *s = (struct log_source){.repo = NULL};
}

uint32_t log_source_timeline(const struct log_source *s, uint64_t number)
{
    return timeline_of_segment(&s->path, number, s->place.segment_bytes);
}

enum err_code log_source_facts(const struct log_source *s, uint64_t number, struct wal_facts *f,
                               struct err *e)
{
    return wal_object_facts(&s->place, log_source_timeline(s, number), number, f, e);
}

enum err_code log_source_next(const struct log_source *s, uint64_t number, uint64_t *next, struct err *e)
{
    const uint32_t bytes = s->place.segment_bytes;

    for (size_t i = 0; i < s->path.count; i++) {
        const struct timeline_entry *entry = &s->path.entries[i];
        uint64_t begin = walseg_number(entry->begin, bytes), limit = plan_stretch_limit(entry, bytes), found;
        bool any;

        begin = begin > number ? begin : number;
        if (begin >= limit)
            continue;
        if (wal_edge_first(&s->place, entry->tli, begin, &any, &found, e) != ERR_OK)
            return e->code;
        if (any && found < limit) {
            *next = found;
            return ERR_OK;
        }
    }
    *next = UINT64_MAX;
    return ERR_OK;
}

/* ---- opening ---- */

static enum err_code take_line(const char *cluster, size_t i, struct log_source *s, struct err *e)
{
    uint64_t identifier;

    backup_list_clear(&s->backups);
    if (line_parse(s->lines.lines[i], &identifier, e) != ERR_OK ||
        layout_init(&s->layout, cluster, identifier, e) != ERR_OK)
        return e->code;
    return backup_list_open(s->repo, &s->layout, &s->backups, e);
}

/* The newest line that has a backup, as for a plan; else the newest. */
static enum err_code choose_line(const char *cluster, struct log_source *s, struct err *e)
{
    for (size_t i = s->lines.count; i > 0; i--) {
        bool any;

        if (take_line(cluster, i - 1, s, e) != ERR_OK ||
            backup_list_fetch_newest(s->repo, &s->layout, &s->backups, &any, e) != ERR_OK)
            return e->code;
        if (any)
            return ERR_OK;
    }
    return take_line(cluster, s->lines.count - 1, s, e);
}

/* The newest backup on this path; NULL = none. */
static enum err_code newest_backup(struct log_source *s, const struct timeline_path *path,
                                   const struct backup_info **out, struct err *e)
{
    *out = NULL;
    for (size_t i = s->backups.id_count; i > 0 && *out == NULL; i--) {
        if (backup_list_fetch(s->repo, &s->layout, i - 1, &s->backups, e) != ERR_OK)
            return e->code;
        for (size_t k = s->backups.count; k > 0 && *out == NULL; k--)
            if (plan_is_on_path(path, &s->backups.list[k - 1]))
                *out = &s->backups.list[k - 1];
    }
    return ERR_OK;
}

/* The highest timeline with a backup on its path, as for a plan; without any, the highest. */
static enum err_code latest(struct log_source *s, const struct wal_timeline **out, struct err *e)
{
    const struct backup_info *b = NULL;

    *out = NULL;
    for (size_t i = s->timelines.count; i > 0 && b == NULL; i--) {
        if (wal_timeline_can_be_followed(&s->timelines.list[i - 1]) &&
            newest_backup(s, &s->timelines.list[i - 1].path, &b, e) != ERR_OK)
            return e->code;
        if (b != NULL || *out == NULL)
            *out = &s->timelines.list[i - 1];
    }
    return *out != NULL ? ERR_OK : err_set(e, ERR_REFUSED, "there is no archived WAL");
}

static enum err_code choose_path(struct log_source *s, uint32_t timeline, struct err *e)
{
    const struct wal_timeline *chosen = NULL;

    if (timeline == 0) {
        if (latest(s, &chosen, e) != ERR_OK)
            return e->code;
    } else {
        chosen = wal_timelines_at(&s->timelines, timeline);
        if (chosen == NULL) {
            err_set(e, ERR_REFUSED, "timeline %" PRIu32 " is not in the repository", timeline);
            return err_hint(e, "%s", "\"pitr list\" shows the timelines there are.");
        }
    }
    return timeline_copy(&chosen->path, &s->path, e);
}

static enum err_code find_ends(struct log_source *s, struct err *e)
{
    if (wal_object_segment_bytes(s->repo, &s->layout, &s->place.segment_bytes, e) != ERR_OK)
        return e->code;
    if (s->place.segment_bytes != 0) {
        if (log_source_next(s, 1, &s->first, e) != ERR_OK)
            return e->code;
        if (s->first != UINT64_MAX)
            return plan_reach_end(&s->place, &s->path, s->first, &s->last, e);
    }
    return err_set(e, ERR_REFUSED, "no WAL of timeline %" PRIu32 " is stored",
                   s->path.entries[s->path.count - 1].tli);
}

static enum err_code open_in(const char *cluster, struct repo *r, uint32_t timeline, struct log_source *s,
                             struct err *e)
{
    s->repo = r;
    if (line_list(r, cluster, &s->lines, e) != ERR_OK)
        return e->code;
    if (s->lines.count == 0)
        return err_set(e, ERR_REFUSED, "there is nothing of cluster \"%s\"", cluster);
    if (choose_line(cluster, s, e) != ERR_OK || line_read(r, &s->layout, &s->line, e) != ERR_OK ||
        wal_timelines_read(r, &s->layout, &s->timelines, e) != ERR_OK ||
        choose_path(s, timeline, e) != ERR_OK)
        return e->code;
    s->place = (struct wal_place){.repo = r, .layout = &s->layout};
    return find_ends(s, e);
}

enum err_code log_source_open(struct cluster *c, const char *repo, uint32_t timeline, struct log_source *out,
                              struct err *e)
{
    struct repo *only = NULL;
    struct err why = ERR_NONE;

    *out = (struct log_source){.repo = NULL};
    if (repo != NULL && cluster_repo(c, repo, &only, e) != ERR_OK)
        return e->code;
    for (size_t i = 0; i < c->repo_count; i++) {
        struct repo *r = only != NULL ? only : c->repos[i];

        why = ERR_NONE;
        if (open_in(c->name, r, timeline, out, &why) == ERR_OK)
            return ERR_OK;
        err_while(&why, "repository \"%s\"", r->name);
        log_source_clear(out);
        if (only != NULL || i + 1 == c->repo_count)
            break;
        log_warning("%s, trying the next repository", why.text);
    }
    *e = why;
    return why.code;
}
