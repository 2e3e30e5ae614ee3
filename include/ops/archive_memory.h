/*
 * ops/archive_memory.h - how much the files that are pushed at the same time may keep in memory, so that all of them
 * stay below one bound and none waits for ever.
 *
 * A file's claim grows while it is read and compressed, at most to `need`; read whole, it is settled and keeps what its
 * compressed form takes until it is stored. Files have numbers in the order in which they were begun. A claim may grow
 * where, of those before it, each may still get all that it may need, and the sum stays within the bound; and always
 * when none is before it. So the first one never waits, and the bound holds: when a later one grew, the need of the
 * first was counted.
 * PURE: who waits, and for what, is the caller's.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARCHIVE_MEMORY_CLAIMS 64 /* at the same time */

struct archive_claim {
    size_t number;
    uint64_t bytes;
    uint64_t need; /* equal to bytes once it is settled */
};

struct archive_memory {
    uint64_t most;
    struct archive_claim claims[ARCHIVE_MEMORY_CLAIMS]; /* those that are open, by number */
    size_t count;
};

/* The bound that lets a second file be begun while the first may still get all its need: `least`, or more. */
uint64_t archive_memory_most(uint64_t least, uint64_t bytes, uint64_t need);

/* May a file of this need be begun behind all others, taking `bytes` at once? */
bool archive_memory_has_room(const struct archive_memory *m, uint64_t bytes, uint64_t need);
/* Begin it. number: higher than any before. */
void archive_memory_begin(struct archive_memory *m, size_t number, uint64_t bytes, uint64_t need);

/* May the claim become this large? Then it is. One that asks for more than it needs never gets more. */
bool archive_memory_grow(struct archive_memory *m, size_t number, uint64_t bytes);
/* It will not grow any more. */
void archive_memory_settle(struct archive_memory *m, size_t number, uint64_t bytes);
void archive_memory_end(struct archive_memory *m, size_t number);
