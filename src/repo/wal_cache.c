/*
 * repo/wal_cache.c - see repo/wal_cache.h.
 */
#include "repo/wal_cache.h"

#include <stdlib.h>

#define PLACES 1024

struct wal_cached {
    bool is_taken;
    struct wal_facts facts;
};

void wal_cache_clear(struct wal_cache *c)
{
    free(c->places);
    *c = (struct wal_cache){.places = NULL};
}

static size_t place_of(uint32_t tli, lsn first_lsn, uint32_t segment_bytes)
{
    return (size_t) ((first_lsn / segment_bytes + tli * UINT64_C(997)) % PLACES);
}

const struct wal_facts *wal_cache_at(const struct wal_cache *c, uint32_t tli, lsn first_lsn,
                                     uint32_t segment_bytes)
{
    const struct wal_cached *kept;

    if (c == NULL || c->places == NULL)
        return NULL;
    kept = &c->places[place_of(tli, first_lsn, segment_bytes)];
    return kept->is_taken && kept->facts.timeline == tli && kept->facts.first_lsn == first_lsn &&
                   kept->facts.segment_bytes == segment_bytes
               ? &kept->facts
               : NULL;
}

void wal_cache_keep(struct wal_cache *c, const struct wal_facts *f)
{
    if (c != NULL && c->places == NULL)
        c->places = calloc(PLACES, sizeof(*c->places));
    if (c == NULL || c->places == NULL)
        return;
    c->places[place_of(f->timeline, f->first_lsn, f->segment_bytes)] = (struct wal_cached){true, *f};
}
