/*
 * ops/plan_reach.h - how far the stored WAL of a path goes, and whether it is whole, in requests that do not grow
 * with it.
 */
#pragma once
#include "ops/plan_coverage.h"
#include "repo/wal_object.h"

#ifndef PLAN_LIST_MAX /* a test lets it be less */
#define PLAN_LIST_MAX 10000
#endif

/* The last segment stored on the path at or behind `from`; `from` - 1 when there is none. */
enum err_code plan_reach_end(const struct wal_place *w, const struct timeline_path *path, uint64_t from,
                             uint64_t *last, struct err *e);

/*
 * How far the path's WAL can be replayed from segment `first` on, `last` the last that is of interest, which is at
 * least first. Up to PLAN_LIST_MAX segments are listed. Of more the archiver's own record is believed,
 * coverage->is_recorded, where it says that they are whole, and those are listed of which it says only that they were
 * on their way, one request for each run with such; else all are listed: a restore lists them in any case. Where WAL
 * was damaged when it was archived is asked of one descriptor for each run of the archiver, up to 256 of them;
 * coverage->is_unseen where that does not tell.
 */
enum err_code plan_reach(const struct wal_place *w, const struct timeline_path *path, uint64_t first,
                         uint64_t last, struct plan_coverage *out, struct err *e);

/* Which segments there are, however many: all are listed, and what is in them is not asked. */
enum err_code plan_reach_list(const struct wal_place *w, const struct timeline_path *path, uint64_t first,
                              uint64_t last, struct plan_coverage *out, struct err *e);
