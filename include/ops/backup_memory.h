/*
 * ops/backup_memory.h - how a backup's memory is divided between what it receives and what it uploads. PURE.
 *
 * Batches get a quarter at most: they only have to bridge the moments in which a worker is not ready. The rest is
 * packs: one open, the others being uploaded. Where it does not suffice for two packs of the size wished for, packs are
 * smaller.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define BACKUP_MEMORY_LEAST   ((uint64_t) 32 << 20)
#define BACKUP_MEMORY_DEFAULT ((uint64_t) 256 << 20)

struct backup_memory {
    size_t batches_max; /* at least 2                                   */
    size_t packs_max;   /* at least 2                                   */
    size_t uploads;     /* packs that are uploaded at the same time      */
    size_t pack_bytes;  /* the largest pack, but for one of a single chunk */
};

/*
 * bytes: for all of it, at least BACKUP_MEMORY_LEAST, 0 for BACKUP_MEMORY_DEFAULT; jobs: threads that compress. With
 * the smallest memory and chunks of 4 MiB it is exceeded by less than a chunk for each batch and pack.
 */
struct backup_memory backup_memory_divide(uint64_t bytes, size_t jobs, uint32_t chunk_bytes, uint32_t pack_bytes);
