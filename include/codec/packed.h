/*
 * codec/packed.h - a stream compressed into frames and kept, until its descriptor is known and it can be sealed.
 *
 * A descriptor tells the hash of the whole content and is bound into every frame: nothing can be sealed before the last
 * byte has passed. Compressing need not wait for that. So the bytes are read once, and what waits in memory is small.
 */
#pragma once
#include "codec/descriptor.h"
#include "codec/frame.h"
#include "stream/sink.h"
#include <stdbool.h>

#define PACKED_FRAME (1u << 20) /* plain bytes of every frame but the last */

struct packed {
    enum codec codec;
    int level;
    struct frame_payload *frames; /* their bytes are owned */
    size_t count;
    size_t room;
    uint64_t plain_bytes;
    uint64_t kept_bytes; /* of all frames, compressed */
    bool is_spent;       /* by the caller: packed_seal frees each frame behind it, so it can be done once */
};

#define PACKED_NONE                \
    {                              \
        .frames = NULL, .count = 0 \
    }

/* For CLEANUP. */
void packed_clear(struct packed *p);

/*
 * The stage: keeps what passes in p, compressed by this codec, and hands it on to next, unless that is NULL. p is empty
 * before, outlives the stage, and is whole after finish.
 */
enum err_code packed_sink_new(struct packed *p, enum codec codec, int level, struct sink *next,
                              struct sink **out, struct err *e);

/* What the sealed object takes at most, but for a descriptor of more than a few KiB. */
uint64_t packed_sealed_most(const struct packed *p);

/*
 * Write the whole sealed object into `to`, and finish it: the same bytes that codec/seal.h would make of the plain
 * ones. d is sized; its codec, level and frame size become those of p, its keys are filled in. May be done again, for
 * another place, unless p is spent.
 */
enum err_code packed_seal(const struct packed *p, struct descriptor *d, const struct recipients *to_whom,
                          struct sink *to, struct err *e);
