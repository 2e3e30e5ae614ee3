/*
 * base/buf.c - see base/buf.h. Grows by doubling, never beyond the ceiling plus the spare byte.
 */
#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUF_FIRST 256

void buf_init(struct buf *b, size_t max_bytes)
{
    *b = BUF_INIT(max_bytes);
}

void buf_clear(struct buf *b)
{
    if (b == NULL)
        return;
    free(b->data);
    *b = BUF_INIT(b->max);
}

void buf_reset(struct buf *b)
{
    b->len = 0;
}

enum err_code buf_reserve(struct buf *b, size_t extra, struct err *e)
{
    /* The largest allocation: ceiling and spare byte. */
    size_t top = b->max < SIZE_MAX ? b->max + 1 : SIZE_MAX;
    size_t need, cap;
    uint8_t *grown;

    if (extra >= top || b->len > top - 1 - extra)
        return err_set(e, ERR_CORRUPT, "data exceeds the limit of %zu bytes", b->max);
    need = b->len + extra + 1;
    if (need <= b->cap)
        return ERR_OK;
    if (need > PTRDIFF_MAX)
        return err_nomem(e, "a buffer"); /* malloc(3) never gives so much */
    cap = b->cap ? b->cap : BUF_FIRST;
    while (cap < need)
        cap = cap > top / 2 ? top : cap * 2;
    grown = realloc(b->data, cap);
    if (grown == NULL)
        return err_nomem(e, "a buffer");
    b->data = grown;
    b->cap = cap;
    return ERR_OK;
}

enum err_code buf_append(struct buf *b, const void *bytes, size_t len, struct err *e)
{
    if (len == 0)
        return ERR_OK;
    if (buf_reserve(b, len, e) != ERR_OK)
        return e->code;
    memcpy(b->data + b->len, bytes, len);
    b->len += len;
    return ERR_OK;
}

enum err_code buf_puts(struct buf *b, const char *text, struct err *e)
{
    return buf_append(b, text, strlen(text), e);
}

enum err_code buf_printf(struct buf *b, struct err *e, const char *fmt, ...)
{
    va_list args;
    int wanted;

    va_start(args, fmt);
    wanted = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (wanted < 0)
        return err_set(e, ERR_IO, "could not format text");
    if (buf_reserve(b, (size_t) wanted, e) != ERR_OK)
        return e->code;
    va_start(args, fmt);
    (void) vsnprintf((char *) b->data + b->len, (size_t) wanted + 1, fmt, args);
    va_end(args);
    b->len += (size_t) wanted;
    return ERR_OK;
}

const char *buf_cstr(struct buf *b)
{
    if (b->data == NULL)
        return "";
    b->data[b->len] = '\0';
    return (const char *) b->data;
}

enum err_code buf_read_fd(struct buf *b, int fd, const char *path, struct err *e)
{
    size_t before = b->len;

    for (;;) {
        size_t room = b->max - b->len < 65536 ? b->max - b->len : 65536;
        uint8_t probe;
        ssize_t got;

        if (room > 0 && buf_reserve(b, room, e) != ERR_OK)
            break;
        got = room > 0 ? read(fd, b->data + b->len, room) : read(fd, &probe, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            err_sys(e, ERR_IO, errno, "could not read file \"%s\"", path);
            break;
        }
        if (got == 0)
            return ERR_OK;
        if (room == 0) {
            err_set(e, ERR_CORRUPT, "file \"%s\" exceeds the limit of %zu bytes", path, b->max);
            break;
        }
        b->len += (size_t) got;
    }
    b->len = before;
    return e->code;
}

enum err_code buf_read_file(struct buf *b, const char *path, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    enum err_code code;

    if (fd < 0)
        return err_sys(e, ERR_IO, errno, "could not open file \"%s\"", path);
    code = buf_read_fd(b, fd, path, e);
    (void) close(fd);
    return code;
}
