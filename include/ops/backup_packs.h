/*
 * ops/backup_packs.h - packs being filled with chunks, and stored by worker threads.
 *
 * Memory    (jobs + 2) packs plain, jobs packs sealed; 16 bytes a chunk for its place.
 */
#pragma once
#include "base/err.h"
#include "repo/backup_index.h"
#include "repo/layout.h"
#include "repo/pack.h"
#include "repo/repo.h"
#include <stddef.h>
#include <stdint.h>

struct backup_packs_options {
    struct repo *repo;
    const struct layout *layout;
    const char *backup_id; /* all borrowed */
    uint32_t pack_bytes;   /* plain bytes at which a pack is full   */
    uint32_t chunk_bytes;  /* the largest chunk, by which it may be exceeded */
    size_t jobs;
};

struct backup_packs;

enum err_code backup_packs_new(const struct backup_packs_options *o, struct backup_packs **out,
                               struct err *e);
/* Stops the workers. NULL is fine. */
void backup_packs_free(struct backup_packs *p);

/* Add a chunk (copied); fills the pack and frame of c. Blocks while the workers are behind. */
enum err_code backup_packs_add(struct backup_packs *p, const uint8_t *bytes, uint32_t len,
                               struct index_chunk *c, struct err *e);
/* Store what is left and wait until everything is. */
enum err_code backup_packs_flush(struct backup_packs *p, struct err *e);

/* After the flush: where a chunk's frame lies, how many packs there are, and their sizes as stored together. */
const struct pack_place *backup_packs_place(const struct backup_packs *p, uint32_t pack, uint32_t frame);
size_t backup_packs_count(const struct backup_packs *p);
uint64_t backup_packs_stored(const struct backup_packs *p);
