/*
 * ops/wal_search.h - find the moment a target names in archived WAL: which transaction is the last kept.
 *
 * Descriptors (clear, one small request each) say between which times a segment's transactions lie; a binary search
 * over them finds the segments where the time is passed, and only those are read. For names and xids the stretch is read
 * in order. A restore point made twice behind `from` is the first, as for PostgreSQL.
 * Limits    the search takes commit times for ascending, but for disorder within some 16 segments; where a clock was
 *           ahead for a while and the target lies in that, the record that decides is the one PostgreSQL would meet in
 *           the segment found, which may not be the first of them all.
 */
#pragma once
#include "ops/plan.h"
#include "repo/wal_object.h"

struct wal_stretch {
    const struct wal_place *place;
    const struct timeline_path *path;
    uint64_t first; /* segment numbers, inclusive: whole and on the path */
    uint64_t last;
    uint64_t look_to; /* a name or an xid is looked for up to here; UINT64_MAX: up to the last */
};

/*
 * Look for target t among the transactions that end behind `from`. Fills moment; moment->known stays false where the
 * WAL can't be read here (no identity for it). A target that is not there is no error: moment->reached is false. WAL in
 * the stretch that is damaged or not valid is ERR_CORRUPT, never "not there".
 */
enum err_code wal_search(const struct wal_stretch *w, const struct target *t, lsn from,
                         struct plan_moment *moment, struct err *e);
