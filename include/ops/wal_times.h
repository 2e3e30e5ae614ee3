/*
 * ops/wal_times.h - in which segments a time lies, by descriptors alone: one small request each, no identity.
 *
 * Recovery stops at the first record in WAL order that is past the time, and that one is found, whatever the server's
 * clock did: within an archiver's run the running maximum is bisected, which never falls; runs are looked at one after
 * the other; and where a run was past the time before the stretch already, segments are asked one by one until one is
 * past it itself, which takes as long as the clock took to get there again.
 * Only beyond WAL_TIMES_RUNS_MAX runs or WAL_TIMES_WALK_MAX segments asked one by one the segments' own newest times
 * are taken for ascending, but for disorder within some 16 segments: is_estimate tells.
 */
#pragma once
#include "ops/target.h"
#include "pg/timeline.h"
#include "repo/wal_object.h"
#include <stdbool.h>
#include <stdint.h>

struct wal_stretch {
    const struct wal_place *place;
    const struct timeline_path *path;
    uint64_t first; /* segment numbers, inclusive: whole and on the path */
    uint64_t last;
    lsn start;          /* of the backup, in the first segment */
    unsigned major;     /* of the server: what a commit did to relations shows differently */
    bool is_of_standby; /* the backup is: its times are by another clock than the commits' */
    uint64_t look_to;   /* a name or an xid is looked for up to here; UINT64_MAX: up to the last */
};

#define WAL_TIMES_RUNS_MAX 4096
#define WAL_TIMES_WALK_MAX 4096

/* The segments [first, last] of one run, first as the run has it, and what its last one tells. */
struct wal_times_run {
    uint64_t first;
    uint64_t last;
    struct wal_facts at_last;
};

/* Where in a stretch, from segment `first` on, a time is passed. w and t are borrowed. */
struct wal_times {
    const struct wal_stretch *w;
    const struct target *t;
    uint64_t first;
    struct wal_times_run *runs; /* from the last backwards; owned */
    size_t count;
    bool is_estimate; /* an answer was one */
};

/* Does recovery to the target time stop before a commit or abort of this time? */
bool wal_times_is_past(const struct target *t, int64_t us);

/* Reads the runs, a descriptor each. Errors, here and below, are those of reading descriptors: ERR_ABSENT is a gap. */
enum err_code wal_times_open(const struct wal_stretch *w, const struct target *t, uint64_t first,
                             struct wal_times *out, struct err *e);
void wal_times_close(struct wal_times *times);

/*
 * The first segment at or behind `from` in which a commit or abort past the time ends, or may: the records there
 * decide, read from wal_times_kept on. When it is none, ask again from the next one on. last + 1 = there is no more.
 */
enum err_code wal_times_next(struct wal_times *times, uint64_t from, uint64_t *found, struct err *e);

/* Does a commit or abort go on from this segment into the next, or may it? */
bool wal_times_goes_on(const struct wal_facts *f);

/*
 * Behind segment `behind`, does a run begin with a time that is not past where one ends that was, as when the clock was
 * set back? *step is the run that ends; NULL = nowhere that runs tell of. One descriptor for each run there, up to 16.
 */
enum err_code wal_times_again(const struct wal_times *times, uint64_t behind,
                              const struct wal_times_run **step, int64_t *again_us, struct err *e);

/*
 * The segment, at or behind `first`, in which the last commit of the segments before `passing` lies, or from which it
 * may go on into the next; `passing` itself when there is none.
 */
enum err_code wal_times_kept(const struct wal_stretch *w, uint64_t passing, uint64_t first, uint64_t *kept,
                             struct err *e);

/* What the descriptor of a segment on the stretch's path says. */
enum err_code wal_times_facts(const struct wal_stretch *w, uint64_t number, struct wal_facts *f,
                              struct err *e);
