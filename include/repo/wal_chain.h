/*
 * repo/wal_chain.h - the segments that one process stores in one repository, in the archiver's order: what each of
 * them can tell of those before it, while several are on their way at the same time.
 *
 * Each segment is told its run before it is stored: run_from, from where on the archiver read everything without a
 * break, and run_to, up to where all of that had been acknowledged (repo/wal_facts.h). So the first is known of
 * segments whose uploads are still on their way, the second grows with their acknowledgements, in whatever order
 * these come: what lies behind one that is not acknowledged, or failed, does not count. The spool learns of the
 * acknowledged part (repo/wal_run.h), behind the acknowledgement, never before; the next process goes on from there.
 *
 * Where the server's clock went back a new run begins, so that the newest time of a run is never far ahead of its
 * end. A run goes on over no segment whose records were not read or whose WAL is damaged: it ends with that one.
 *
 * Use       wal_chain_next for each segment in order, by one thread; then store it; then wal_chain_acknowledged or
 *           _failed, by any thread, in any order. One that an earlier process stored out of order, and whose facts
 *           were kept, is put in with wal_chain_next and wal_chain_acknowledged, OBJECT_ALREADY_THERE, all the same.
 */
#pragma once
#include "repo/layout.h"
#include "repo/object.h"
#include "repo/repo.h"
#include "repo/spool.h"
#include "repo/wal_facts.h"

struct wal_chain;

/* A segment whose newest time is this much older than what its run would tell begins a new one. */
#define WAL_RUN_STEP_US INT64_C(10000000)

/* Loads what the spool knows. s, r and l are borrowed until wal_chain_free. ERR_IO: no memory. */
enum err_code wal_chain_new(const struct spool *s, struct repo *r, const struct layout *l,
                            struct wal_chain **out, struct err *e);
void wal_chain_free(struct wal_chain *c);
void wal_chain_freep(struct wal_chain **c);

/*
 * The next segment: sets what f tells of its run, whatever it told before. f->crossing must be the segment's own.
 * No request, but in a directory, behind a segment that this process did not store itself: another disk may be
 * mounted there by now, so that one must be seen.
 */
void wal_chain_next(struct wal_chain *c, struct wal_facts *f);

/* The store has acknowledged this segment, which wal_chain_next was given. The spool is told, best effort. */
void wal_chain_acknowledged(struct wal_chain *c, const struct wal_facts *f, enum object_outcome outcome);

/*
 * It was not acknowledged: what follows it in the order is not known to be whole any more, for as long as this process
 * lives.
 */
void wal_chain_failed(struct wal_chain *c, const struct wal_facts *f);
