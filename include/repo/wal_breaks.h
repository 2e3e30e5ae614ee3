/*
 * repo/wal_breaks.h - where stored WAL breaks off inside a segment: what was damaged when it was archived.
 *
 * A damaged segment ends the archiver's run (repo/wal_run.h), so it is the last one of its run. From the end of a stretch
 * backwards, one descriptor for each run meets them all: one request where the archiver saw the whole stretch stored.
 */
#pragma once
#include "repo/wal_index.h"
#include "repo/wal_object.h"

struct wal_break {
    uint32_t tli;
    uint64_t number; /* of the segment         */
    lsn end;         /* of the valid WAL in it */
};

struct wal_breaks {
    struct wal_break *list; /* ascending in each stretch that was asked for; owned */
    size_t count;
    bool is_partial; /* of some segments nothing is known: too many runs, or a descriptor that can't be had */
};

/*
 * Put what breaks the stretch [first, last] of a timeline behind the rest.
 *   most   descriptors that may be read; what was read is taken off. At 0 the rest of the stretch stays unknown.
 * A descriptor that is absent or corrupt leaves its own segment unknown. ERR_UNREACHABLE, ERR_DENIED and others are errors.
 */
enum err_code wal_breaks_add(const struct wal_place *w, uint32_t tli, uint64_t first, uint64_t last,
                             unsigned *most, struct wal_breaks *out, struct err *e);

void wal_breaks_clear(struct wal_breaks *b);

/* The first break of this timeline in [first, last]; NULL = none is known. */
const struct wal_break *wal_breaks_in(const struct wal_breaks *b, uint32_t tli, uint64_t first,
                                      uint64_t last);
