/*
 * stream/buf_sink.c - see stream/buf_sink.h.
 */
#include "stream/buf_sink.h"

#include <stdlib.h>

struct buf_sink {
    struct sink base;
    struct buf *buf;
};

static enum err_code buf_sink_write(struct sink *s, const void *bytes, size_t len, struct err *e)
{
    return buf_append(((struct buf_sink *) s)->buf, bytes, len, e);
}

static enum err_code buf_sink_finish(struct sink *s, struct err *e)
{
    return sink_finish(s->next, e);
}

static void buf_sink_free(struct sink *s)
{
    free(s);
}

static const struct sink_ops ops = {
    .write = buf_sink_write, .finish = buf_sink_finish, .free = buf_sink_free};

enum err_code buf_sink_new(struct buf *b, struct sink **out, struct err *e)
{
    struct buf_sink *made = malloc(sizeof(*made));

    if (made == NULL)
        return err_nomem(e, "a buffer sink");
    *made = (struct buf_sink){.base.ops = &ops, .buf = b};
    *out = &made->base;
    return ERR_OK;
}
