/*
 * repo/wal_run.h - the run of segments that the archiver has seen acknowledged, one behind the other: what the spool
 * keeps of it.
 *
 * <dir>/<cluster>/run-<tag>  "<LINE> <TLI> <segment bytes> <from> <next> <max> <commit> <loss> <point> <begun>
 *                            <crc>": every segment of this line and timeline that begins in [from, next) was read and
 *                            acknowledged. max: the newest time of their commits and aborts in microseconds since
 *                            1970 UTC, or "-". commit, loss, point: the newest commit_lsn, loss_lsn and point_lsn.
 *                            begun: the first bytes, in hex, of a commit or abort that goes on at next, or "-". crc:
 *                            CRC-32C, 8 hex digits, of the repository's place, a NUL, and the text before it.
 * A cache: losing it only begins a new run. It is replaced whole; several archivers that share a spool write what is
 * true, each of them, and at worst shorten each other's runs.
 */
#pragma once
#include "pg/lsn.h"
#include "pg/walcut.h"
#include "repo/spool.h"

struct wal_run_state {
    uint32_t timeline; /* 0: no run is known */
    uint32_t segment_bytes;
    lsn from;
    lsn next; /* where the segment that would go on with it begins */
    bool has_max;
    int64_t max_us;
    lsn commit;
    lsn loss;
    lsn point;
    struct walcut begun;
};

/* place, line: of the repository and the line it is of. False, and *out untouched, where the spool tells of none. */
bool wal_run_read(const struct spool *s, const char *place, const char *line, struct wal_run_state *out);

/* Replace what the spool tells. Best effort: a failure is a debug line. */
void wal_run_write(const struct spool *s, const char *place, const char *line,
                   const struct wal_run_state *run);
