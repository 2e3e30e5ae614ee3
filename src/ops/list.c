/*
 * ops/list.c - see ops/list.h.
 *
 * Requests of a line: line.json, the backups' listing and one GET each, the timelines' listing and their histories,
 * the listing of all segments, and the descriptors at the ends of the archiver's runs and of the restorable windows.
 * How large a segment is says the newest backup; without one, the first WAL object's descriptor.
 */
#include "ops/list.h"

#include "ops/windows_gather.h"
#include "repo/wal_object.h"

#include <stdlib.h>
#include <string.h>

static void line_clear(struct listed_line *l)
{
    backup_list_clear(&l->backups);
    wal_timelines_clear(&l->timelines);
    wal_runs_clear(&l->runs);
    windows_clear(&l->windows);
}

void listed_clear(struct listed *l)
{
    for (size_t i = 0; i < l->repo_count; i++) {
        for (size_t k = 0; k < l->repos[i].line_count; k++)
            line_clear(&l->repos[i].lines[k]);
        free(l->repos[i].lines);
    }
    free(l->repos);
    *l = (struct listed){.repos = NULL};
}

static enum err_code read_segment_bytes(struct repo *r, struct listed_line *line, struct err *e)
{
    if (line->backups.count == 0)
        return wal_object_segment_bytes(r, &line->layout, &line->segment_bytes, e);
    line->segment_bytes = line->backups.list[line->backups.count - 1].segment_bytes;
    return ERR_OK;
}

enum err_code list_runs(const struct wal_place *w, const struct wal_timelines *timelines,
                        struct wal_runs *out, struct err *e)
{
    CLEANUP(wal_runs_clear) struct wal_runs found = {.count = 0};

    for (size_t i = 0; i < timelines->count; i++) {
        CLEANUP(wal_runs_clear) struct wal_runs of_one = {.count = 0};

        if (!timelines->list[i].has_segments)
            continue;
        if (wal_runs_read(w->repo, w->layout, timelines->list[i].tli, 0, UINT64_MAX, w->segment_bytes,
                          &of_one, e) != ERR_OK ||
            wal_runs_append(&found, &of_one, e) != ERR_OK)
            return e->code;
    }
    *out = found;
    found = (struct wal_runs){.count = 0};
    return ERR_OK;
}

static enum err_code read_wal(struct repo *r, struct listed_line *line, struct err *e)
{
    const struct wal_place place = {r, &line->layout, line->segment_bytes, NULL};
    const struct windows_facts facts = {&line->timelines, &line->backups, &line->runs, line->segment_bytes,
                                        NULL};

    if (line->segment_bytes == 0)
        return ERR_OK;
    if (list_runs(&place, &line->timelines, &line->runs, e) != ERR_OK ||
        windows_read(&place, &facts, &line->windows, e) != ERR_OK)
        return e->code;
    return ERR_OK;
}

/* *there is false for what has no line.json: not a line, or not one yet. */
static enum err_code read_line(struct repo *r, struct listed_line *line, bool *there, struct err *e)
{
    struct err why = ERR_NONE;

    *there = line_read(r, &line->layout, &line->info, &why) == ERR_OK;
    if (why.code == ERR_ABSENT)
        return ERR_OK;
    if (why.code != ERR_OK) {
        *e = why;
        return e->code;
    }
    if (backup_list_read(r, &line->layout, &line->backups, &line->unfinished, e) != ERR_OK ||
        wal_timelines_read(r, &line->layout, &line->timelines, e) != ERR_OK ||
        read_segment_bytes(r, line, e) != ERR_OK)
        return e->code;
    return read_wal(r, line, e);
}

/* Each line is counted before it is read, so that what was read of it is cleared with the rest. */
static enum err_code read_lines(const char *cluster, struct repo *r, const struct line_list *names,
                                struct listed_repo *out, struct err *e)
{
    out->lines = calloc(names->count + 1, sizeof(*out->lines));
    if (out->lines == NULL)
        return err_nomem(e, "a list of lines");
    for (size_t i = 0; i < names->count; i++) {
        struct listed_line *line = &out->lines[out->line_count];
        uint64_t identifier;
        bool there;

        if (line_parse(names->lines[i], &identifier, e) != ERR_OK ||
            layout_init(&line->layout, cluster, identifier, e) != ERR_OK)
            return e->code;
        out->line_count++;
        if (read_line(r, line, &there, e) != ERR_OK)
            return err_while(e, "line %s", names->lines[i]);
        if (!there)
            out->line_count--;
    }
    return ERR_OK;
}

static enum err_code read_repo(const char *cluster, struct repo *r, struct listed_repo *out, struct err *e)
{
    struct line_list names = {.count = 0};
    enum err_code code = line_list(r, cluster, &names, e);

    out->repo = r;
    if (code == ERR_OK)
        code = read_lines(cluster, r, &names, out, e);
    line_list_clear(&names);
    return code == ERR_OK ? ERR_OK : err_while(e, "repository \"%s\"", r->name);
}

enum err_code ops_list(struct cluster *c, const char *repo, struct listed *out, struct err *e)
{
    struct repo *only = NULL;

    *out = (struct listed){.repos = calloc(c->repo_count + 1, sizeof(*out->repos))};
    if (out->repos == NULL)
        return err_nomem(e, "a list of repositories");
    if (repo != NULL && cluster_repo(c, repo, &only, e) != ERR_OK)
        return e->code;
    for (size_t i = 0; i < c->repo_count; i++)
        if (only == NULL || c->repos[i] == only)
            if (read_repo(c->name, c->repos[i], &out->repos[out->repo_count++], e) != ERR_OK)
                return e->code;
    return ERR_OK;
}
