/*
 * repo/wal_index.h - which WAL a repository holds: timelines, histories, and runs of segments without a gap.
 */
#pragma once
#include "base/err.h"
#include "pg/timeline.h"
#include "pg/walseg.h"
#include "repo/layout.h"
#include "repo/repo.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One timeline found in a repository. */
struct wal_timeline {
    uint32_t tli;
    bool has_segments;         /* a "directory" of its own is there        */
    struct timeline_path path; /* from its history; a single entry for 1 or without history */
    bool has_history;
};

struct wal_timelines {
    struct wal_timeline *list; /* ascending TLI; owned */
    size_t count;
};

/*
 * One listing, and one GET for each history file. A history file that can't be read is an error: branches must not
 * vanish.
 */
enum err_code wal_timelines_read(struct repo *r, const struct layout *l, struct wal_timelines *out,
                                 struct err *e);
void wal_timelines_clear(struct wal_timelines *t);
/* Has it its history, which recovery asks for and gives up without? The first timeline needs none. */
bool wal_timeline_can_be_followed(const struct wal_timeline *t);
const struct wal_timeline *wal_timelines_at(const struct wal_timelines *t, uint32_t tli);

/* A stretch of segments of one timeline without a gap, both ends included. */
struct wal_run {
    uint32_t tli;
    uint64_t first; /* segment number                         */
    uint64_t last;
    uint64_t stored_bytes; /* as stored                              */
    int64_t modified_us;   /* when the last of them was stored       */
};

struct wal_runs {
    struct wal_run *list; /* ascending; owned */
    size_t count;
};

/*
 * The runs of one timeline between two segment numbers (inclusive; last UINT64_MAX = to the end). Memory grows with
 * the number of gaps, not of segments. Complete segments under their own key only: .partial, .backup and whatever lies
 * in a wrong directory are passed over.
 */
enum err_code wal_runs_read(struct repo *r, const struct layout *l, uint32_t tli, uint64_t first,
                            uint64_t last, uint32_t segment_bytes, struct wal_runs *out, struct err *e);
void wal_runs_clear(struct wal_runs *w);

/* Is an object of a listing a complete segment of this timeline, under the very key that fetch will ask for? */
bool wal_index_segment(const struct layout *l, uint32_t tli, uint32_t segment_bytes,
                       const struct store_object *object, uint64_t *number);

/* Put the runs of `from` behind those of `to`; from is empty afterwards, unless there was no memory. */
enum err_code wal_runs_append(struct wal_runs *to, struct wal_runs *from, struct err *e);
