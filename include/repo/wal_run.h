/*
 * repo/wal_run.h - the run of segments that the archiver has seen acknowledged, one behind the other.
 *
 * A segment's descriptor tells with run_from and run_to that everything of its timeline between them had been
 * acknowledged as durable in this very repository when it was stored. So a plan can prove millions of segments whole by
 * a few descriptors instead of listing them all. What the archiver knows of that is one line in the spool:
 *
 * <dir>/<cluster>/run-<tag>  "<LINE> <TLI> <segment bytes> <from> <next> <max> <commit> <loss> <point> <begun> <crc>": every
 *                            segment of this line and timeline that begins in [from, next) was acknowledged. max: the
 *                            newest time of their commits and aborts in microseconds since 1970 UTC, or "-". commit,
 *                            loss, point: the newest commit_lsn, loss_lsn and point_lsn. begun: the first bytes, in hex,
 *                            of a commit or abort that goes on at next, or "-". crc: CRC-32C, 8 hex digits, of the
 *                            repository's place, a NUL, and the text before it.
 * So the run tells what no segment does by itself: the time of a record that crosses from one into the next. Where the
 * server's clock went back a new run begins, so that the newest time of a run is never far ahead of its end. It goes on
 * over no segment whose records were not read or whose WAL is damaged: it ends with that one.
 * A cache: losing it only begins a new run. It is written behind the acknowledgement, never before, and replaced whole;
 * several archivers that share a spool write what is true, each of them, and at worst shorten each other's runs.
 */
#pragma once
#include "repo/layout.h"
#include "repo/object.h"
#include "repo/repo.h"
#include "repo/spool.h"
#include "repo/wal_facts.h"

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

/* A segment whose newest time is this much older than what its run would tell begins a new one. */
#define WAL_RUN_STEP_US INT64_C(10000000)

/*
 * Before the segment of these facts is pushed: sets what f tells of its run, and known, to hand to wal_run_acknowledged.
 * No request, but in a directory: another disk may be mounted there by now, so the segment before must be seen.
 */
void wal_run_recall(const struct spool *s, struct repo *r, const struct layout *l, struct wal_facts *f,
                    struct wal_run_state *known);

/* The store has acknowledged the segment of these facts, as wal_run_recall left them. Best effort: a failure is a debug line. */
void wal_run_acknowledged(const struct spool *s, const struct repo *r, const struct layout *l,
                          const struct wal_facts *f, enum object_outcome outcome,
                          const struct wal_run_state *known);
