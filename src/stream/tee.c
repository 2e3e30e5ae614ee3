/*
 * stream/tee.c - see stream/tee.h. `next` hangs in the chain as usual; `side` is freed by the tee itself.
 */
#include "stream/tee.h"

#include <stdlib.h>

struct tee {
    struct sink base;
    struct sink *side;
};

static enum err_code tee_write(struct sink *s, const void *bytes, size_t len, struct err *e)
{
    if (sink_write(((struct tee *) s)->side, bytes, len, e) != ERR_OK)
        return e->code;
    return sink_write(s->next, bytes, len, e);
}

static enum err_code tee_finish(struct sink *s, struct err *e)
{
    if (sink_finish(((struct tee *) s)->side, e) != ERR_OK)
        return e->code;
    return sink_finish(s->next, e);
}

static void tee_free(struct sink *s)
{
    sink_free(((struct tee *) s)->side);
    free(s);
}

static const struct sink_ops ops = {.write = tee_write, .finish = tee_finish, .free = tee_free};

enum err_code tee_new(struct sink *side, struct sink *next, struct sink **out, struct err *e)
{
    struct tee *made = malloc(sizeof(*made));

    if (made == NULL) {
        sink_free(side);
        sink_free(next);
        return err_nomem(e, "a tee");
    }
    *made = (struct tee){.base = {.ops = &ops, .next = next}, .side = side};
    *out = &made->base;
    return ERR_OK;
}
