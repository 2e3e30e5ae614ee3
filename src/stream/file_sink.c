/*
 * stream/file_sink.c - see stream/file_sink.h.
 */
#include "stream/file_sink.h"

#include "base/durable.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define PIECE_BYTES ((size_t) 1 << 20)

struct file_sink {
    struct sink base;
    int fd;
    const char *name;
};

static enum err_code file_sink_write(struct sink *s, const void *bytes, size_t len, struct err *e)
{
    struct file_sink *f = (struct file_sink *) s;

    return durable_write_all(f->fd, bytes, len, f->name, e);
}

static enum err_code file_sink_finish(struct sink *s, struct err *e)
{
    return sink_finish(s->next, e);
}

static void file_sink_free(struct sink *s)
{
    free(s);
}

static const struct sink_ops ops = {
    .write = file_sink_write, .finish = file_sink_finish, .free = file_sink_free};

enum err_code file_sink_new(int fd, const char *name, struct sink **out, struct err *e)
{
    struct file_sink *made = malloc(sizeof(*made));

    if (made == NULL)
        return err_nomem(e, "a file sink");
    *made = (struct file_sink){.base.ops = &ops, .fd = fd, .name = name};
    *out = &made->base;
    return ERR_OK;
}

static void bytes_freep(void **bytes)
{
    free(*bytes);
}

enum err_code file_push(int fd, const char *name, struct sink *to, struct err *e)
{
    CLEANUP(bytes_freep) void *piece = malloc(PIECE_BYTES);

    if (piece == NULL)
        return err_nomem(e, "a read buffer");
    for (;;) {
        ssize_t got = read(fd, piece, PIECE_BYTES);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_sys(e, ERR_IO, errno, "could not read file \"%s\"", name);
        if (got == 0)
            return ERR_OK;
        if (sink_write(to, piece, (size_t) got, e) != ERR_OK)
            return e->code;
    }
}
