/*
 * stream/sink.c - see stream/sink.h.
 */
#include "stream/sink.h"

enum err_code sink_write(struct sink *s, const void *bytes, size_t len, struct err *e)
{
    return s->ops->write(s, bytes, len, e);
}

enum err_code sink_finish(struct sink *s, struct err *e)
{
    return s == NULL ? ERR_OK : s->ops->finish(s, e);
}

void sink_free(struct sink *s)
{
    while (s != NULL) {
        struct sink *next = s->next;

        s->ops->free(s);
        s = next;
    }
}

void sink_freep(struct sink **s)
{
    sink_free(*s);
    *s = NULL;
}
