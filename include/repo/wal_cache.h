/*
 * repo/wal_cache.h - the facts of segments that were asked for a moment ago, so that nobody asks the store twice.
 *
 * For the length of one plan or list: what is stored does not change, but may be removed. Best effort: of two segments
 * that want the same place the later one has it, and without memory nothing is kept.
 */
#pragma once
#include "repo/wal_facts.h"

struct wal_cache {
    struct wal_cached *places; /* owned; NULL until something is kept */
};

void wal_cache_clear(struct wal_cache *c);

/* The facts that were kept of this segment; NULL = none. c may be NULL. Valid until the next is kept. */
const struct wal_facts *wal_cache_at(const struct wal_cache *c, uint32_t tli, lsn first_lsn,
                                     uint32_t segment_bytes);
void wal_cache_keep(struct wal_cache *c, const struct wal_facts *f);
