/*
 * pg/walscan_sink.c - see pg/walscan_sink.h. A stream that ends inside a record is whole: the next segment goes on.
 */
#include "pg/walscan_sink.h"

#include <stdlib.h>

struct walscan_sink {
    struct sink base;
    struct walscan *scan;
};

static enum err_code walscan_sink_write(struct sink *s, const void *bytes, size_t len, struct err *e)
{
    return walscan_push(((struct walscan_sink *) s)->scan, bytes, len, e);
}

static enum err_code walscan_sink_finish(struct sink *s, struct err *e)
{
    (void) s;
    (void) e;
    return ERR_OK;
}

static void walscan_sink_free(struct sink *s)
{
    free(s);
}

static const struct sink_ops walscan_sink_ops = {walscan_sink_write, walscan_sink_finish, walscan_sink_free};

enum err_code walscan_sink_new(struct walscan *scan, struct sink **out, struct err *e)
{
    struct walscan_sink *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return err_nomem(e, "a sink");
    s->base.ops = &walscan_sink_ops;
    s->scan = scan;
    *out = &s->base;
    return ERR_OK;
}
