/*
 * stream/count.c - see stream/count.h. Bytes count once the next stage has taken them.
 */
#include "stream/count.h"

#include <assert.h>
#include <stdlib.h>

struct count_sink {
    struct sink base;
    uint64_t bytes;
};

static enum err_code count_sink_write(struct sink *s, const void *bytes, size_t len, struct err *e)
{
    if (s->next != NULL && sink_write(s->next, bytes, len, e) != ERR_OK)
        return e->code;
    ((struct count_sink *) s)->bytes += len;
    return ERR_OK;
}

static enum err_code count_sink_finish(struct sink *s, struct err *e)
{
    return sink_finish(s->next, e);
}

static void count_sink_free(struct sink *s)
{
    free(s);
}

static const struct sink_ops ops = {
    .write = count_sink_write, .finish = count_sink_finish, .free = count_sink_free};

enum err_code count_sink_new(struct sink *next, struct sink **out, struct err *e)
{
    struct count_sink *made = malloc(sizeof(*made));

    if (made == NULL) {
        sink_free(next);
        return err_nomem(e, "a counting sink");
    }
    *made = (struct count_sink){.base = {.ops = &ops, .next = next}};
    *out = &made->base;
    return ERR_OK;
}

uint64_t count_sink_bytes(const struct sink *s)
{
    assert(s->ops == &ops);
    return ((const struct count_sink *) s)->bytes;
}
