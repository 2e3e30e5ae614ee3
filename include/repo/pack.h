/*
 * repo/pack.h - packs: sealed objects whose frames are chunks of files.
 *
 * A pack is an object of kind "pack" without size and SHA-256 in its descriptor (its chunks have theirs in the index),
 * whose frames differ in size; one PUT each. The chunk in frame k is read by opening frame k alone.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "repo/backup_index.h"
#include "repo/layout.h"
#include "repo/repo.h"
#include <stddef.h>
#include <stdint.h>

/*
 * Seal chunks (plain bytes lying one behind the other, lengths[i] each) into one pack and store it.
 *   places   receives each frame's offset and whole length in the object
 *   stored   receives the object's size
 * Safe from several threads. The key must be free: a pack's ID is this run's own (ERR_CONFLICT otherwise), except
 * that an answer lost on the way may show our own pack: equal bytes are accepted.
 */
struct pack_place {
    uint64_t offset;
    uint32_t stored;
};
enum err_code pack_write(struct repo *r, const struct layout *l, const char *backup_id, uint32_t number,
                         const uint8_t *plain, const uint32_t *lengths, size_t count, struct pack_place *places,
                         uint64_t *stored, struct err *e);

/* A chunk wanted from a pack, and where its bytes go. */
struct pack_want {
    struct index_chunk chunk;
    void *arg; /* the caller's: which file, which offset */
};

/* Called with a chunk's verified plain bytes (SHA-256 compared with the index). Order: by offset in the pack. */
typedef enum err_code pack_deliver(const struct pack_want *want, const uint8_t *bytes, size_t len, void *arg,
                                   struct err *e);

/*
 * Read the wanted chunks of one pack: a single request when most of it is wanted, ranges that lie close joined
 * otherwise. wants is sorted by offset here. Memory: the largest joined range, at most the pack.
 */
enum err_code pack_read(struct repo *r, const struct layout *l, const char *backup_id, uint32_t number,
                        struct pack_want *wants, size_t count, pack_deliver *deliver, void *arg, struct err *e);
