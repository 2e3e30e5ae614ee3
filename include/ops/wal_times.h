/*
 * ops/wal_times.h - between which segments a time lies, by descriptors alone: one small request each, no identity.
 *
 * Where the archiver's run reaches over the stretch, its running maximum is bisected: it never falls, so the first segment that
 * holds a record past the time is found exactly, whatever the clock did meanwhile. Where it does not (runs broken again and
 * again, a clock that was past the time before the stretch already), the segments' own newest times are: they are taken for
 * ascending, but for disorder within some 16 segments.
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
    unsigned major;   /* of the server: what a commit did to relations shows differently */
    bool is_of_standby; /* the backup is: its times are by another clock than the commits' */
    uint64_t look_to; /* a name or an xid is looked for up to here; UINT64_MAX: up to the last */
};

struct wal_times {
    uint64_t passing; /* the first segment with a commit or abort past the time; last + 1 = none           */
    uint64_t
        kept; /* the last commit before lies in this segment, or goes on from it into the next: read from here on */
    bool is_idle_between; /* and behind that up to `passing` there is no other: it need not be read        */
};

/* Does recovery to the target time stop before a commit or abort of this time? */
bool wal_times_is_past(const struct target *t, int64_t us);

/* Look from segment `first` of the stretch on. Errors are those of reading descriptors: ERR_ABSENT is a gap. */
enum err_code wal_times_find(const struct wal_stretch *w, const struct target *t, uint64_t first,
                             struct wal_times *out, struct err *e);

/*
 * The segment, at or behind `first`, in which the last commit of the segments before `passing` lies, or from which it may go on
 * into the next; `passing` itself when there is none.
 */
enum err_code wal_times_kept(const struct wal_stretch *w, uint64_t passing, uint64_t first, uint64_t *kept,
                             struct err *e);

/* What the descriptor of a segment on the stretch's path says. */
enum err_code wal_times_facts(const struct wal_stretch *w, uint64_t number, struct wal_facts *f,
                              struct err *e);
