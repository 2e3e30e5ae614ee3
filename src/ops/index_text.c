/*
 * ops/index_text.c - see ops/index_text.h.
 */
#include "ops/index_text.h"

#include "base/durable.h"
#include "stream/buf_sink.h"
#include "stream/file_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NAME         "temporary index"
#define BUFFER_BYTES ((size_t) 1 << 20)

enum err_code index_text_open(struct index_text *t, const char *dir, const char *backup_id, struct err *e)
{
    char path[4096];

    if (snprintf(path, sizeof(path), "%s/" DURABLE_TMP_PREFIX "index-XXXXXX", dir) >= (int) sizeof(path))
        return err_set(e, ERR_USAGE, "directory name \"%.64s…\" is too long", dir);
    t->fd = mkostemp(path, O_CLOEXEC);
    if (t->fd < 0)
        return err_sys(e, ERR_IO, errno, "could not create a temporary file in \"%s\"", dir);
    (void) unlink(path);
    buf_init(&t->buffer, BUFFER_BYTES);
    if (buf_sink_new(&t->buffer, &t->sink, e) != ERR_OK)
        return e->code;
    return index_write_begin(t->sink, backup_id, e);
}

void index_text_close(struct index_text *t)
{
    sink_free(t->sink);
    buf_clear(&t->buffer);
    if (t->fd >= 0)
        (void) close(t->fd);
    *t = INDEX_TEXT_NONE;
}

enum err_code index_text_write(struct index_text *t, const struct index_record *r, struct err *e)
{
    if (index_write(t->sink, r, e) != ERR_OK)
        return e->code;
    return t->buffer.len > BUFFER_BYTES / 2 ? index_text_flush(t, e) : ERR_OK;
}

enum err_code index_text_flush(struct index_text *t, struct err *e)
{
    if (durable_write_all(t->fd, t->buffer.data, t->buffer.len, NAME, e) != ERR_OK)
        return e->code;
    buf_reset(&t->buffer);
    return ERR_OK;
}

enum err_code index_text_push(void *text, struct sink *to, struct err *e)
{
    const struct index_text *t = text;

    if (lseek(t->fd, 0, SEEK_SET) < 0)
        return err_sys(e, ERR_IO, errno, "could not rewind the " NAME);
    return file_push(t->fd, NAME, to, e);
}
