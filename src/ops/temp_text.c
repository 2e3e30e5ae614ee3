/*
 * ops/temp_text.c - see ops/temp_text.h.
 */
#include "ops/temp_text.h"

#include "base/durable.h"
#include "repo/object.h"
#include "stream/file_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME         "temporary text"
#define BUFFER_BYTES ((size_t) 1 << 20)

static enum err_code temp_text_write(struct sink *sink, const void *bytes, size_t len, struct err *e)
{
    struct temp_text *t = (struct temp_text *) sink;

    if (len > BUFFER_BYTES - t->buffer.len && temp_text_flush(t, e) != ERR_OK)
        return e->code;
    if (len > BUFFER_BYTES)
        return durable_write_all(t->fd, bytes, len, NAME, e);
    return buf_append(&t->buffer, bytes, len, e);
}

static const struct sink_ops ops = {.write = temp_text_write};

enum err_code temp_text_open(struct temp_text *t, const char *dir, struct err *e)
{
    char path[4096];

    if (snprintf(path, sizeof(path), "%s/" DURABLE_TMP_PREFIX "text-XXXXXX", dir) >= (int) sizeof(path))
        return err_set(e, ERR_USAGE, "directory name \"%.64s…\" is too long", dir);
    t->fd = mkostemp(path, O_CLOEXEC);
    if (t->fd < 0)
        return err_sys(e, ERR_IO, errno, "could not create a temporary file in \"%s\"", dir);
    (void) unlink(path);
    t->sink.ops = &ops;
    buf_init(&t->buffer, BUFFER_BYTES);
    return ERR_OK;
}

void temp_text_close(struct temp_text *t)
{
    buf_clear(&t->buffer);
    if (t->fd >= 0)
        (void) close(t->fd);
    *t = TEMP_TEXT_NONE;
}

enum err_code temp_text_flush(struct temp_text *t, struct err *e)
{
    if (durable_write_all(t->fd, t->buffer.data, t->buffer.len, NAME, e) != ERR_OK)
        return e->code;
    buf_reset(&t->buffer);
    return ERR_OK;
}

enum err_code temp_text_push(void *text, struct sink *to, struct err *e)
{
    const struct temp_text *t = text;

    if (lseek(t->fd, 0, SEEK_SET) < 0)
        return err_sys(e, ERR_IO, errno, "could not rewind the " NAME);
    return file_push(t->fd, NAME, to, e);
}

static enum err_code measure(struct temp_text *t, struct descriptor *d, struct err *e)
{
    CLEANUP(sink_freep) struct sink *hash = NULL;
    struct stat st;

    if (sha256_sink_new(NULL, &hash, e) != ERR_OK || temp_text_push(t, hash, e) != ERR_OK ||
        sink_finish(hash, e) != ERR_OK || sha256_sink_digest(hash, d->sha256, e) != ERR_OK)
        return e->code;
    if (fstat(t->fd, &st) != 0)
        return err_sys(e, ERR_IO, errno, "could not stat the " NAME);
    d->size = (uint64_t) st.st_size;
    d->sized = true;
    return ERR_OK;
}

enum err_code temp_text_store(struct temp_text *t, struct repo *r, const char *key, const char *kind,
                              const char *name, uint8_t digest[SHA256_BYTES], struct err *e)
{
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    enum object_outcome outcome;

    if (temp_text_flush(t, e) != ERR_OK || object_describe_new(r, kind, name, &d, e) != ERR_OK ||
        measure(t, &d, e) != ERR_OK)
        return e->code;
    if (digest != NULL)
        memcpy(digest, d.sha256, SHA256_BYTES);
    return object_put(r, key, &d, temp_text_push, t, &outcome, e);
}
