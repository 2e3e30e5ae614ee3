/*
 * ops/list.h - what is stored: lines, backups, timelines, the stretches of WAL on them, and what can be restored.
 */
#pragma once
#include "base/err.h"
#include "ops/windows.h"
#include "repo/backup_list.h"
#include "repo/cluster.h"
#include "repo/line.h"
#include "repo/wal_index.h"
#include "repo/wal_object.h"
#include <stddef.h>

struct listed_line {
    struct layout layout;
    struct line_info info;
    struct backup_list backups;
    size_t unfinished; /* backup attempts without backup.json */
    struct wal_timelines timelines;
    struct wal_runs runs;   /* of all timelines, ascending by timeline and segment */
    uint32_t segment_bytes; /* 0 when there is no WAL */
    struct windows windows; /* what can be restored   */
};

struct listed_repo {
    const struct repo *repo; /* borrowed */
    struct listed_line *lines;
    size_t line_count;
};

struct listed {
    struct listed_repo *repos;
    size_t repo_count;
};

/* repo: its name, or NULL for all. A repository that can't be read is the error. Cleared by the caller in any case. */
enum err_code ops_list(struct cluster *c, const char *repo, struct listed *out, struct err *e);
void listed_clear(struct listed *l);

/* The segments of all timelines; w says how large they are. */
enum err_code list_runs(const struct wal_place *w, const struct wal_timelines *timelines,
                        struct wal_runs *out, struct err *e);
