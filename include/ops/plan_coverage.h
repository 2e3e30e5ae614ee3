/*
 * ops/plan_coverage.h - how far the WAL of a path is whole, from a segment on. PURE.
 *
 * Every segment on a path belongs to one timeline (timeline_of_segment). Each path entry's stretch is matched with the
 * runs of its timeline; where a stretch is not whole, what is reachable ends. If anything of the path lies behind, that
 * is a gap, else simply the end of the archive.
 */
#pragma once
#include "pg/timeline.h"
#include "repo/wal_index.h"
#include <stdbool.h>
#include <stdint.h>

struct plan_coverage {
    bool any;          /* the first segment is there                                                 */
    uint64_t whole_to; /* last segment of the unbroken stretch; meaningful when any                  */
    lsn damaged_at; /* valid WAL ends here, inside segment whole_to: damaged when archived; 0 = it is whole */
    bool has_gap;   /* something of the path lies behind the first missing segment, or behind the damage */
    uint64_t missing; /* the first missing segment; behind what was looked at: nobody knows         */
    uint32_t missing_tli;
    uint64_t stored_bytes; /* of the unbroken stretch                                                */
    bool is_recorded;      /* the archiver's record says that it is whole; not every segment was listed  */
    bool is_unseen;        /* whether WAL was damaged when archived is not known of all of it            */
};

/*
 * From segment `first` on. runs: of every timeline of the path, from there to `last`, or to the end of the archive
 * (last = UINT64_MAX).
 */
struct plan_coverage plan_cover(const struct timeline_path *path, uint32_t segment_bytes, uint64_t first,
                                uint64_t last, const struct wal_runs *runs);

/* The end of the unbroken stretch; its own first segment's start when not even that one is there. */
lsn plan_coverage_end(const struct plan_coverage *c, uint32_t segment_bytes);

/* WAL of the unbroken stretch breaks off at `at`, inside segment `number`: the stretch ends there. */
void plan_coverage_cut(struct plan_coverage *c, const struct timeline_path *path, uint32_t segment_bytes,
                       uint64_t first, uint64_t number, lsn at);

/* Of the unbroken stretch, which begins at `first`, this segment is not there after all, though some behind it are. */
void plan_coverage_lose(struct plan_coverage *c, const struct timeline_path *path, uint32_t segment_bytes,
                        uint64_t first, uint64_t number);

#define PLAN_DAMAGE_TEXT_MAX 160

/* "WAL is damaged at LSN x in segment y, as it was archived"; c: with damaged_at. */
void plan_coverage_damage(const struct plan_coverage *c, const struct timeline_path *path,
                          uint32_t segment_bytes, char out[PLAN_DAMAGE_TEXT_MAX]);

/* The segment behind the last that this entry of a path owns: there the next timeline's copy counts. */
uint64_t plan_stretch_limit(const struct timeline_entry *entry, uint32_t segment_bytes);
