/*
 * stream/sink.h - the push chain: bytes are pushed down, an answer comes back up.
 *
 * libpq COPY, curl downloads and read(2) all push, so the chain pushes: three calls and a `next`. A stage embeds
 * `struct sink base` as its first member. Constructors that take a `next` own it from the call on, also when they
 * fail. sink_free walks the whole chain; freeing without finish means abandoned, and whatever would have been
 * committed by finish (a file, an upload) is then discarded.
 *
 * Threads   a chain belongs to one thread at a time.
 */
#pragma once
#include "base/err.h"
#include <stddef.h>

struct sink;

struct sink_ops {
    /* Take all of the bytes or fail. After a failure only free is legal. len may be 0. */
    enum err_code (*write)(struct sink *s, const void *bytes, size_t len, struct err *e);
    /* The stream is complete: flush, refuse an incomplete one, then sink_finish(s->next). Runs once, top down. */
    enum err_code (*finish)(struct sink *s, struct err *e);
    /* Release own state and s itself, not the next; never flushes. */
    void (*free)(struct sink *s);
};

struct sink {
    const struct sink_ops *ops;
    struct sink *next; /* owned; NULL at the end of the chain */
};

enum err_code sink_write(struct sink *s, const void *bytes, size_t len, struct err *e);
/* NULL is a finished chain: ERR_OK. */
enum err_code sink_finish(struct sink *s, struct err *e);
/* Free s and everything behind it; NULL is fine. */
void sink_free(struct sink *s);
/* For CLEANUP(sink_freep). */
void sink_freep(struct sink **s);
