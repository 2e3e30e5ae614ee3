/*
 * ops/log_source.h - the archived WAL a log is read from: one timeline's path in one line of one repository.
 *
 * No backup has to be there. The line is the newest that has one, as for a plan, or else the newest.
 */
#pragma once
#include "pg/timeline.h"
#include "repo/backup_list.h"
#include "repo/cluster.h"
#include "repo/line.h"
#include "repo/wal_index.h"
#include "repo/wal_object.h"
#include <stddef.h>
#include <stdint.h>

/* All but repo is owned; place points into layout, so it stays where it was opened. */
struct log_source {
    struct repo *repo; /* borrowed */
    struct layout layout;
    struct line_info line;
    struct line_list lines;     /* all the cluster has there */
    struct backup_list backups; /* fetched as far as it took to choose the path */
    struct wal_timelines timelines;
    struct timeline_path path;
    struct wal_place place;
    uint64_t first; /* segment numbers: the first and the last stored on the path; between may be gaps */
    uint64_t last;
};

/*
 * Open in repository `repo` (NULL = the first that answers). timeline: a number, or 0 for the one that a plan calls
 * latest. ERR_REFUSED when there is no such timeline, or none of its WAL. out is to be cleared in any case.
 */
enum err_code log_source_open(struct cluster *c, const char *repo, uint32_t timeline, struct log_source *out,
                              struct err *e);
void log_source_clear(struct log_source *s);

uint32_t log_source_timeline(const struct log_source *s, uint64_t number);
/* What the descriptor of a segment on the path says. */
enum err_code log_source_facts(const struct log_source *s, uint64_t number, struct wal_facts *f,
                               struct err *e);
/* The first segment of the path that is stored at or behind number; UINT64_MAX when none is. */
enum err_code log_source_next(const struct log_source *s, uint64_t number, uint64_t *next, struct err *e);
