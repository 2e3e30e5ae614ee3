/*
 * history_model.h - a made-up history of one cluster: timelines, what was written on each, what of it was archived.
 *
 * Nothing is stored for each segment: a timeline is a list of stretches of segments that are alike, and the records of
 * a segment follow from the seed, the timeline and the segment's number, each time the same. So ten million segments
 * cost no more memory than ten. All records lie near the beginning of their segment, which ends with a switch, or with
 * one that goes on in the next segment.
 * The history knows two clocks: the true time, which ascends along every path, and the server's, which may be wrong and
 * is what commits carry.
 */
#pragma once
#include "pg/lsn.h"
#include "pg/walseg.h"
#include "repo/layout.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTORY_SYSTEM        UINT64_C(0x6B01020304050607) /* that of wal_builder.h */
#define HISTORY_PAGE          8192u
#define HISTORY_TIMELINES_MAX 6
#define HISTORY_STRETCHES_MAX 128
#define HISTORY_GAPS_MAX      4
#define HISTORY_BACKUPS_MAX   64
#define HISTORY_OWN_MAX       16 /* records of one timeline in a segment, without the one that ends it */
#define HISTORY_RECORDS_MAX   ((HISTORY_OWN_MAX + 2) * HISTORY_TIMELINES_MAX)
#define HISTORY_NAMES         5 /* restore points are called "p0" to "p4", each more than once */

enum history_kind {
    HISTORY_NOISE,
    HISTORY_COMMIT,
    HISTORY_COMMIT_PREPARED,
    HISTORY_ABORT,
    HISTORY_POINT,
    HISTORY_FILL, /* as long as it takes for the next record to go on in the next segment */
    HISTORY_SWITCH
};

struct history_record {
    enum history_kind kind;
    lsn start;
    lsn end;      /* MAXALIGNed; it may lie in the next segment */
    uint32_t tli; /* the timeline it was written on */
    uint32_t xid; /* of commits and aborts */
    int64_t true_us;
    int64_t time_us; /* by the server's clock */
    unsigned name;   /* of a point */
    uint64_t bytes;  /* of the whole record, its header included */
};

struct history_segment {
    struct history_record records[HISTORY_RECORDS_MAX]; /* those that begin in it */
    size_t count;
};

/* Segments of one timeline, one after the other, in which the same goes on. */
struct history_stretch {
    uint64_t first;     /* segment number; it reaches to the next stretch's */
    int64_t begin_us;   /* true time when the first one begins */
    int64_t segment_us; /* and what each one takes */
    int64_t clock_us;   /* what the server's clock is ahead of it */
    unsigned records;   /* up to so many in each */
    bool is_idle;       /* and none of them a transaction's */
};

struct history_gap {
    uint64_t first; /* both included */
    uint64_t last;
    bool was_stored; /* and acknowledged, then lost; else it was never archived */
    bool was_in_flight; /* it was read, and its upload failed while others went on: up to */
    uint64_t told_to;   /* this segment, they tell of its content                         */
};

struct history_timeline {
    uint32_t parent; /* 0 for timeline 1 */
    lsn begin;       /* where it left its parent; 0 for timeline 1 */
    uint64_t
        first; /* segments written on it, both included: the first may be its copy of what the parent wrote */
    uint64_t last;
    bool has_history; /* the history file is in the archive */
    bool has_partial; /* the segment behind the last is there, as .partial */
    struct history_stretch stretches[HISTORY_STRETCHES_MAX];
    size_t stretch_count;
    struct history_gap gaps[HISTORY_GAPS_MAX];
    size_t gap_count;
    uint64_t breaks[HISTORY_GAPS_MAX]; /* segments before which the archiver forgot what it had stored */
    size_t break_count;
};

struct history_backup {
    char id[BACKUP_ID_MAX];
    uint32_t tli; /* of its end */
    lsn start_lsn;
    lsn stop_lsn;
    int64_t start_us; /* by the server's clock */
    int64_t stop_us;
    bool from_standby;
};

struct history {
    uint64_t seed;
    uint32_t segment_bytes;
    unsigned
        jitter; /* transactions take their time up to so many records before they are written; 0 = in order */
    unsigned crossings; /* of a thousand segments so many end with a record that goes on */
    bool aborts_cross;  /* and that may be an abort's */
    unsigned in_flight; /* up to so many segments before one are still on their way when it is sealed */
    bool has_rival;     /* a second archiver stored some of the segments, and begins its runs elsewhere */
    unsigned bare;      /* of a thousand of so many the records were not read when they were archived */
    struct history_timeline timelines[HISTORY_TIMELINES_MAX + 1]; /* by TLI; [0] is not used */
    uint32_t last_tli;
    struct history_backup backups[HISTORY_BACKUPS_MAX]; /* ascending by id */
    size_t backup_count;
};

/* What must be so for the history to be one; else says what is not, and aborts: there is no check in a benchmark. */
void history_must(bool is_so, const char *what);

/* A number that belongs to this seed, place and purpose. */
uint64_t history_mix(uint64_t seed, uint64_t a, uint64_t b, unsigned purpose);

/* What goes on in a segment. */
const struct history_stretch *history_stretch_at(const struct history_timeline *t, uint64_t number);

bool history_is_commit(const struct history_record *r);
bool history_ends_transaction(const struct history_record *r);

/* The records that begin in the timeline's own copy of a segment: what its parents wrote there first, then its own. */
void history_records(const struct history *h, uint32_t tli, uint64_t number, struct history_segment *out);

/* Does the last record of this segment go on in the next one? */
bool history_crosses(const struct history *h, uint32_t tli, uint64_t number);

/* The segment that this one (of number 1 or later) goes on from: its records, and whose it is. */
uint32_t history_before(const struct history *h, uint32_t tli, uint64_t number, struct history_segment *out);

/* Is the timeline's copy of the segment in the archive? */
bool history_is_stored(const struct history *h, uint32_t tli, uint64_t number);

/* Whose copy of a segment the path of timeline tli runs through; its own throughout when its history file is lost. */
uint32_t history_owner(const struct history *h, uint32_t tli, uint64_t number);

/* Does the path of timeline tli run through position `at` of timeline `on`? */
bool history_is_on_path(const struct history *h, uint32_t tli, uint32_t on, lsn at);
