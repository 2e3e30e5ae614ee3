/*
 * codec/seal.h - a stage that seals a stream: descriptor, frames, table, footer.
 *
 * Memory: one frame plain, one sealed, and four bytes for each frame written.
 */
#pragma once
#include "codec/descriptor.h"
#include "codec/frame.h"
#include "stream/sink.h"

#define SEAL_FRAME_DEFAULT (1u << 20)

/*
 * Prepare an object's seal: makes a data key and wraps it for the recipients (none: CRC-32C frames), completes
 * d->keys, formats the descriptor and appends its bytes to out. For writers that place frames themselves (packs).
 */
enum err_code seal_begin(struct descriptor *d, const struct recipients *to, struct frame_seal *s, struct buf *out,
                         struct err *e);

/*
 * The stage. Writes the descriptor to next at once. d->frame_bytes is the plain size of a frame (1 to
 * FRAME_PLAIN_MAX; 0 means SEAL_FRAME_DEFAULT). When d is sized, finish refuses (ERR_CORRUPT) a stream whose length
 * is another; the digest is the caller's care. d is borrowed for the call; its keys are filled in.
 */
enum err_code seal_sink_new(struct descriptor *d, const struct recipients *to, struct sink *next, struct sink **out,
                            struct err *e);
