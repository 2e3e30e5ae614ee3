/*
 * ops/windows.h - which moments can be restored: on each timeline the windows, and the holes between them. PURE.
 *
 * Any moment of a window can be restored: it begins where a backup ends and goes as far as the WAL behind is whole.
 * Backups in one unbroken stretch of WAL share a window, which the first of them begins. What lies between is a hole,
 * with its cause. A timeline is told of what is its own: what it shares with its parent belongs to the parent. A window
 * over the place where it left its parent is told of both; that of the child goes back to the parent's backup.
 */
#pragma once
#include "base/err.h"
#include "repo/backup_list.h"
#include "repo/wal_breaks.h"
#include "repo/wal_index.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What ends a stretch of WAL: missing segments, both ends included, and whose copy was looked for at each end; or
 * damage, and the segments that are missing behind the damaged one, of which there may be none: last is first - 1 then.
 */
struct window_gap {
    uint64_t first;
    uint64_t last;
    uint32_t first_tli;
    uint32_t last_tli;
    lsn damaged_at; /* valid WAL ends here, in the segment before first; 0 = it goes on to that one's end */
    uint32_t damaged_tli;
};

struct window {
    const struct backup_info *backup; /* it begins at the end of this one; borrowed from the facts */
    size_t backups;                   /* that lie in it                                                  */
    uint64_t first;                   /* segments: of the backup's start, and the last whole one         */
    uint64_t last;
    lsn end;          /* of the last whole segment, or of valid WAL in it where it is damaged */
    bool has_last;    /* a transaction ended in it; its time is that up to which         */
    int64_t last_us;  /* any other time can be reached. Who has times fills these        */
    bool is_at_least; /* there may be later ones, which could not be looked at           */
};

enum hole_cause {
    HOLE_GAP, /* segments are missing, or WAL is damaged in the first of gaps, and the next backup ends at `to` */
    HOLE_BEFORE,     /* WAL before the first backup                                     */
    HOLE_NO_BACKUP,  /* the same, and there is no backup behind                         */
    HOLE_NEVER,      /* there is no backup at all whose WAL is whole                    */
    HOLE_NO_HISTORY, /* the timeline's history file is missing: where it lies is not known */
};

struct hole {
    enum hole_cause cause;
    lsn from;
    lsn to; /* the next window's beginning, or the end of the WAL */
    const struct window_gap *gaps;
    size_t gap_count;
};

/* A window, or a hole, in the order they lie on the timeline. */
struct window_piece {
    bool is_hole;
    struct window window;
    struct hole hole;
};

/* A backup of the timeline that nothing can be restored from: its own WAL is not whole. */
struct useless_backup {
    const struct backup_info *backup;
    bool is_other_size; /* its segments are of another size than the line's: they were not looked at */
    uint64_t missing;   /* else the first missing segment, or the damaged one                         */
    uint32_t missing_tli;
    lsn damaged_at; /* where WAL is damaged in it; 0 = it is missing */
};

struct windows_timeline {
    uint32_t tli;
    uint32_t parent; /* 0 = none, or not known */
    lsn begin;       /* where it left it       */
    bool has_wal;    /* of its own             */
    struct window_piece *pieces;
    size_t count;
    struct useless_backup *useless;
    size_t useless_count;
    struct window_gap *gaps; /* of its whole path */
};

struct windows {
    struct windows_timeline *list; /* ascending; owned with all below */
    size_t count;
    uint32_t segment_bytes;
    bool
        is_unseen; /* not of all WAL is it known whether it was damaged when it was archived. Filled like the times */
};

struct windows_facts {
    const struct wal_timelines *timelines;
    const struct backup_list *backups;
    const struct wal_runs *runs;     /* of all timelines, ascending by timeline and segment */
    uint32_t segment_bytes;          /* 0: there is neither WAL nor backup                  */
    const struct wal_breaks *breaks; /* where WAL is damaged, ascending like runs; NULL = nowhere */
};

/* The windows of a line. Borrows the backups; without times. */
enum err_code windows_find(const struct windows_facts *f, struct windows *out, struct err *e);
void windows_clear(struct windows *w);
