/*
 * ops/backup_batch.h - what a backup receives, worked on in batches by several threads and handed back in order.
 *
 * The one thread that receives copies chunks of files into a batch, with notes of its own between them. When the batch
 * is full a worker takes it: CRC-32C of each chunk; is it all zeros? SHA-256; is it the one that the last backup has at
 * this place? If not, it is compressed and added to the packs. Meanwhile the next batch is filled. A batch that is done
 * is handed back, oldest first, to the receiving thread when that needs room, so results come in the order of arrival.
 * Memory    batches_max times a batch's bytes, and one compressed chunk; of batches only those are made that were
 *           needed at the same time.
 */
#pragma once
#include "base/err.h"
#include "codec/compress.h"
#include "ops/backup_packs.h"
#include "repo/backup_index.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum batch_kind { BATCH_NOTE, BATCH_CHUNK, BATCH_FILE_END };

struct batch_item {
    enum batch_kind kind;
    uint32_t length;               /* bytes of the note or of the chunk                              */
    uint32_t crc32c;               /* BATCH_CHUNK, once done                                         */
    bool is_zeros;                 /* nothing is stored                                              */
    const struct index_chunk *old; /* the last backup's chunk at this place; done: NULL unless equal */
    struct index_chunk chunk;      /* where a new one is stored                                      */
};

/* Called by the receiving thread, in order of arrival. note: BATCH_NOTE: the bytes, borrowed for the call. */
typedef enum err_code batch_take(const struct batch_item *item, const char *note, void *arg, struct err *e);

struct backup_batches_options {
    struct backup_packs *packs; /* borrowed */
    enum codec codec;
    int level;
    uint32_t chunk_bytes; /* the largest chunk          */
    size_t batches_max;   /* at least 2                 */
    size_t jobs;          /* threads that work on them  */
    batch_take *take;
    void *arg;
};

struct backup_batches;

/* What a batch takes in memory. */
size_t backup_batch_bytes(uint32_t chunk_bytes);

enum err_code backup_batches_new(const struct backup_batches_options *o, struct backup_batches **out,
                                 struct err *e);
/* Stops the workers. NULL is fine. */
void backup_batches_free(struct backup_batches *b);

/*
 * Room for the next chunk, of exactly length bytes; it must be filled before the next call here.
 *   old   the chunk that may lie here still, of the same length; NULL = none. Outlives the batches
 * Like the next two it may hand back, and fails with what a worker or `take` failed with.
 */
enum err_code backup_batch_chunk(struct backup_batches *b, uint32_t length, const struct index_chunk *old,
                                 uint8_t **room, struct err *e);
/* Bytes that are handed back as they are, in their place between the chunks. */
enum err_code backup_batch_note(struct backup_batches *b, const void *bytes, size_t len, struct err *e);
/* The file that the chunks before belong to ends. */
enum err_code backup_batch_file_end(struct backup_batches *b, struct err *e);
/* Wait until everything so far is worked on, and hand it all back. More may follow. */
enum err_code backup_batch_settle(struct backup_batches *b, struct err *e);

/* How many batches were made. */
size_t backup_batches_in_memory(const struct backup_batches *b);
