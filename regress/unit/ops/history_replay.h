/*
 * history_replay.h - what PostgreSQL would make of a made-up history: where recovery from a backup ends.
 *
 * By brute force, record by record along the path, with PostgreSQL's own rules:
 *   time    stop before the first commit or abort past it (exclusive: at or past it)
 *   LSN     stop behind the first record that begins at or behind it (exclusive: before that record)
 *   xid     stop behind the record that ends it (exclusive: before)
 *   name    stop behind the first restore point of this name
 * Source    PostgreSQL src/backend/access/transam/xlogrecovery.c, recoveryStopsBefore/After.
 */
#pragma once
#include "history_model.h"

#include "ops/target.h"

struct history_outcome {
    bool is_consistent; /* the backup's own WAL is whole */
    bool is_reached;    /* the stop was met behind the backup's end; never for a target that is none */
    bool is_late;       /* one that is past the time lies in the backup: PostgreSQL itself would refuse it */
    bool
        is_doubtful; /* a standby's backup, and one that is past the time lies before its WAL: it is in it too */
    bool is_open;    /* the last segment ends inside a record, which is not whole then */
    bool has_gap;    /* the path goes on behind the end of what is whole */
    lsn until;       /* replayed are the records that begin before it */
    lsn until_end; /* end of the last of them */
    lsn kept;      /* start of the last commit among them behind the backup's end, 0 = none */
    uint32_t kept_xid;
    lsn discarded; /* start of the first commit that would have come next, 0 = none */
    lsn discarded_end;
    uint32_t discarded_xid;
    lsn whole_to; /* the end of the last segment in one run with the backup's first */
};

/* Recovery from b along the path of timeline tli, on which it lies. */
struct history_outcome history_replay(const struct history *h, uint32_t tli, const struct history_backup *b,
                                      const struct target *t);

/* Records along a path, from a segment's first on. */
struct history_cursor {
    const struct history *h;
    uint32_t tli; /* whose path */
    uint64_t number;
    struct history_segment segment;
    size_t index;
};

void history_cursor_init(struct history_cursor *c, const struct history *h, uint32_t tli, uint64_t number);
/* The next whole record; NULL where a segment is missing. Borrowed until the next call. */
const struct history_record *history_next(struct history_cursor *c);
