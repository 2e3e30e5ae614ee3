/*
 * repo/wal_breaks.h - what the archiver's runs tell of a stretch: where WAL breaks off inside a segment, for it was
 * damaged when archived, and which segments were on their way when others told of them, so that nobody tells that
 * they came.
 *
 * A damaged segment ends the archiver's run (repo/wal_chain.h), so it is the last one of its run. From the end of a
 * stretch backwards, one descriptor for each run meets them all: one request where the archiver read the whole
 * stretch in order.
 */
#pragma once
#include "repo/wal_index.h"
#include "repo/wal_object.h"

struct wal_break {
    uint32_t tli;
    uint64_t number; /* of the segment         */
    lsn end;         /* of the valid WAL in it */
};

/* Segments of a timeline, both included. Some of them may have been acknowledged all the same. */
struct wal_untold {
    uint32_t tli;
    uint64_t first;
    uint64_t last;
};

struct wal_breaks {
    struct wal_break *list; /* ascending in each stretch that was asked for; owned */
    size_t count;
    struct wal_untold *untold; /* all else that runs reach over was acknowledged; in no order; owned */
    size_t untold_count;
    size_t untold_room;
    bool is_partial; /* of some segments nothing is known: too many runs, or a descriptor that can't be had */
};

/*
 * Put what breaks the stretch [first, last] of a timeline behind the rest.
 *   most   descriptors that may be read; what was read is taken off. At 0 the rest of the stretch stays unknown.
 * A descriptor that is absent or corrupt leaves its own segment unknown. ERR_UNREACHABLE, ERR_DENIED and others are
 * errors.
 */
enum err_code wal_breaks_add(const struct wal_place *w, uint32_t tli, uint64_t first, uint64_t last,
                             unsigned *most, struct wal_breaks *out, struct err *e);

void wal_breaks_clear(struct wal_breaks *b);

/* The first break of this timeline in [first, last]; NULL = none is known. */
const struct wal_break *wal_breaks_in(const struct wal_breaks *b, uint32_t tli, uint64_t first,
                                      uint64_t last);
