/*
 * repo/pack.h - packs: sealed objects whose frames are chunks of files.
 *
 * A pack is an object of kind "pack" without size and SHA-256 in its descriptor (its chunks have theirs in the index),
 * whose frames differ in size; one PUT each. The chunk in frame k is read by opening frame k alone (repo/pack_read.h).
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "codec/frame.h"
#include "repo/backup_index.h"
#include "repo/layout.h"
#include "repo/repo.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the descriptor of a pack calls it. */
#define PACK_NAME_MAX 64
void pack_name(const char *backup_id, uint32_t number, char out[PACK_NAME_MAX]);

/*
 * A pack being filled, sealed as it is filled: room for a frame is taken one after the other, the frames themselves may
 * be filled in by several threads at once. What is there is used again for the next pack.
 *   pack_new       max_bytes: the object's size is at most this, but a frame of frame_plain_max plain bytes always fits
 *   pack_begin     an empty pack of this number; a data key of its own
 *   pack_reserve   room for the next frame, with a payload of len bytes; false when the pack has no more. Sets pack,
 *                  frame, offset and stored of c. One thread at a time
 *   pack_fill      seals the payload into the room that c names. Any thread
 *   pack_store     when every room is filled: closes the pack and puts it into the repository, one request. stored
 *                  receives the object's size. The key must be free: a pack's ID is this run's own (ERR_CONFLICT
 *                  otherwise), except that an answer lost on the way may show our own pack: equal bytes are accepted
 * Memory    the object, from pack_new on; what is written there first is what first takes memory.
 */
struct pack;

struct pack_options {
    struct repo *repo;
    const struct layout *layout;
    const char *backup_id; /* all borrowed */
    size_t max_bytes;
    uint32_t frame_plain_max;
};

enum err_code pack_new(const struct pack_options *o, struct pack **out, struct err *e);
void pack_free(struct pack *p);
enum err_code pack_begin(struct pack *p, uint32_t number, struct err *e);
enum err_code pack_reserve(struct pack *p, uint32_t len, struct index_chunk *c, bool *has_room, struct err *e);
enum err_code pack_fill(struct pack *p, const struct index_chunk *c, const struct frame_payload *payload,
                        struct err *e);
enum err_code pack_store(struct pack *p, uint64_t *stored, struct err *e);
