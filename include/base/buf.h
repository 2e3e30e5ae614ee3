/*
 * base/buf.h - a growing byte buffer with a ceiling.
 *
 * Whatever grows from outside data says how far it may grow: an append beyond `max` is refused (ERR_CORRUPT,
 * since the data broke the bound that was agreed), never silently cut. Embedded by value; buf_clear frees.
 */
#pragma once
#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

struct buf {
    uint8_t *data; /* len bytes, then at least one spare (buf_cstr needs no allocation); NULL when empty */
    size_t len;
    size_t cap;
    size_t max; /* ceiling for len, bytes */
};

/* An empty buffer that may grow to max bytes. Allocates nothing. */
#define BUF_INIT(max_bytes) ((struct buf){.max = (max_bytes)})
void buf_init(struct buf *b, size_t max_bytes);

/* Free the bytes and return to empty; the ceiling stays. NULL and cleared buffers are fine (CLEANUP(buf_clear)). */
void buf_clear(struct buf *b);

/* Forget the bytes, keep the memory. */
void buf_reset(struct buf *b);

/* Make room for extra more bytes behind len. The bytes there may then be written and len raised by hand. */
enum err_code buf_reserve(struct buf *b, size_t extra, struct err *e);

/* Append bytes, a string without its NUL, or formatted text. On failure the buffer is unchanged. */
enum err_code buf_append(struct buf *b, const void *bytes, size_t len, struct err *e);
enum err_code buf_puts(struct buf *b, const char *text, struct err *e);
enum err_code buf_printf(struct buf *b, struct err *e, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The bytes as a NUL-terminated string (the NUL lies behind len). Never NULL; "" for an empty buffer. Borrowed. */
const char *buf_cstr(struct buf *b);

/*
 * Read a whole regular file to the end of b.
 * Fails with ERR_IO (sys_errno says which; ENOENT for no such file) or ERR_CORRUPT when it exceeds the ceiling.
 */
enum err_code buf_read_file(struct buf *b, const char *path, struct err *e);

/* The same from where an open file stands, which stays open. path: what errors call it. */
enum err_code buf_read_fd(struct buf *b, int fd, const char *path, struct err *e);
