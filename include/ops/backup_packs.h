/*
 * ops/backup_packs.h - packs that several threads fill with chunks, and others upload.
 *
 * One pack is open; who finds no room in it opens the next, and its last writer hands it to the uploaders. A pack's
 * memory is used again once it is stored, so when all of it waits for the store, adding waits too.
 * Memory    packs_max packs as stored, of which only those are touched that were ever needed at the same time.
 */
#pragma once
#include "base/err.h"
#include "codec/frame.h"
#include "repo/backup_index.h"
#include "repo/layout.h"
#include "repo/repo.h"
#include <stddef.h>
#include <stdint.h>

struct backup_packs_options {
    struct repo *repo;
    const struct layout *layout;
    const char *backup_id; /* all borrowed */
    size_t pack_bytes;     /* the largest object, but for a chunk that is larger by itself */
    uint32_t chunk_bytes;  /* the largest chunk */
    size_t packs_max;      /* in memory at the same time, at least 2 */
    size_t uploads;        /* threads that upload; at least 1 */
};

struct backup_packs;

enum err_code backup_packs_new(const struct backup_packs_options *o, struct backup_packs **out,
                               struct err *e);
/* Stops the uploads. No thread may be adding. NULL is fine. */
void backup_packs_free(struct backup_packs *p);

/*
 * Add a chunk's payload, from any thread: pack, frame, offset and stored of c are filled in, and hold once the flush
 * succeeds. Blocks while no memory is free. After a failure, here or of an upload: that one.
 */
enum err_code backup_packs_add(struct backup_packs *p, const struct frame_payload *payload, struct index_chunk *c,
                               struct err *e);
/* Store what is left and wait until everything is. No thread may be adding. */
enum err_code backup_packs_flush(struct backup_packs *p, struct err *e);

/* After the flush: how many packs there are, and their sizes as stored together. */
uint32_t backup_packs_count(const struct backup_packs *p);
uint64_t backup_packs_stored(const struct backup_packs *p);
/* How many packs' memory was taken at most. */
size_t backup_packs_in_memory(const struct backup_packs *p);
