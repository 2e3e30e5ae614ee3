/*
 * repo/pack_ranges.h - which bytes of a pack to ask for, when not all of it is wanted. PURE.
 */
#pragma once
#include "codec/sha256.h"
#include "repo/backup_index.h"
#include <stddef.h>
#include <stdint.h>

/* A chunk wanted from a pack, as the index promises it, and where its bytes go. */
struct pack_want {
    uint64_t offset; /* of its frame in the pack object */
    uint32_t stored; /* whole length of the frame       */
    uint32_t frame;
    uint32_t length; /* plain bytes                     */
    uint32_t file;   /* the caller's: which file …      */
    uint64_t at;     /* … and where in it               */
    uint8_t sha256[SHA256_BYTES];
};

struct pack_want pack_want(const struct index_chunk *c, uint32_t file, uint64_t at);

/*
 * Bytes nobody wants that are downloaded rather than left out by one request more: what one of several downloads at
 * once brings in the time of a round trip, some 10 MB/s and 50 ms. A byte may cost money, too, but a request as much as
 * hundreds of KB.
 */
#define PACK_GAP_BYTES ((uint64_t) 512 << 10)

struct pack_range {
    uint64_t begin;
    uint64_t end;
    size_t count; /* how many of the wants lie in it */
};

/* By offset; those of one offset stay together. */
void pack_wants_sort(struct pack_want *wants, size_t count);

/*
 * The range of the first of these wants, sorted, and of all that follow it without a hole of more than PACK_GAP_BYTES.
 * It begins at the front of the pack, where the descriptor lies, when the hole before the first is no larger either.
 * count > 0; offset and stored are those of a valid index, so their sum does not overflow.
 */
struct pack_range pack_range_first(const struct pack_want *wants, size_t count);
