/*
 * ops/backup_stream.c - see ops/backup_stream.h.
 */
#include "ops/backup_stream.h"

#include "base/utf8.h"
#include "codec/tar_read.h"
#include "pg/control.h"
#include "pg/label.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANIFEST_MAX  ((size_t) 1 << 30)
#define MANIFEST_NAME "backup_manifest"
#define PATH_BYTES    4096

void backup_stream_init(struct backup_stream *s, struct backup_info *info)
{
    *s = (struct backup_stream){
        .info = info, .label = {.path = "backup_label"}, .control = {.path = "global/pg_control"}};
    buf_init(&s->label.bytes, LABEL_FILE_MAX);
    buf_init(&s->control.bytes, CONTROL_FILE_BYTES);
}

void backup_stream_clear(struct backup_stream *s)
{
    progress_end(&s->progress);
    basebackup_free(s->stream);
    buf_clear(&s->label.bytes);
    buf_clear(&s->control.bytes);
    manifest_clear(&s->manifest);
}

enum err_code backup_stream_begin(struct backup_stream *s, struct replproto *conn,
                                  const struct basebackup_options *o, struct err *e)
{
    const struct basebackup_start *start;
    uint64_t total = 0;

    if (basebackup_begin(conn, o, &s->stream, e) != ERR_OK)
        return e->code;
    start = basebackup_start(s->stream);
    s->info->timeline = start->tli;
    s->info->start_lsn = start->position;
    for (size_t i = 0; i < start->tablespace_count; i++)
        total += start->tablespaces[i].estimate_kb * 1024;
    progress_begin(&s->progress, "backup", total);
    return ERR_OK;
}

/* ---- the members of an archive ---- */

static enum err_code full_path(const struct backup_stream *s, const char *path, char out[PATH_BYTES],
                               struct err *e)
{
    int len = s->tablespace == 0 ? snprintf(out, PATH_BYTES, "%s", path)
                                 : snprintf(out, PATH_BYTES, "pg_tblspc/%" PRIu32 "/%s", s->tablespace, path);

    return len < PATH_BYTES ? ERR_OK : err_set(e, ERR_CORRUPT, "path \"%.64s…\" is too long", path);
}

static enum err_code member_begin(void *arg, const struct tar_member *m, struct err *e)
{
    struct backup_stream *s = arg;
    char path[PATH_BYTES];

    if (full_path(s, m->path, path, e) != ERR_OK)
        return e->code;
    s->in_file = m->type == TAR_FILE;
    if (m->type == TAR_DIRECTORY)
        return backup_store_directory(s->store, path, m->mode, e);
    if (m->type == TAR_SYMLINK)
        return backup_store_link(s->store, path, m->target, e);
    s->catching = strcmp(path, s->label.path) == 0     ? &s->label
                  : strcmp(path, s->control.path) == 0 ? &s->control
                                                       : NULL;
    return backup_store_file(s->store, path, m->mode, m->size, m->mtime, e);
}

static enum err_code member_data(void *arg, const void *bytes, size_t len, struct err *e)
{
    struct backup_stream *s = arg;

    progress_add(&s->progress, len);
    if (s->catching != NULL && buf_append(&s->catching->bytes, bytes, len, e) != ERR_OK)
        return err_while(e, "file \"%s\"", s->catching->path);
    return backup_store_data(s->store, bytes, len, e);
}

/* Directories and links have an end as well; only a file was begun in the store. */
static enum err_code member_end(void *arg, struct err *e)
{
    struct backup_stream *s = arg;

    s->catching = NULL;
    return s->in_file ? backup_store_file_end(s->store, e) : ERR_OK;
}

/* ---- archives, and what comes behind them ---- */

static enum err_code add_tablespace(struct backup_stream *s, const struct basebackup_tablespace *t,
                                    struct err *e)
{
    struct backup_tablespace *grown;

    if (!utf8_is_valid(t->path)) /* as the label */
        return err_set(e, ERR_REFUSED, "the directory of tablespace %" PRIu32 " has a name that is not UTF-8",
                       t->oid);
    grown = reallocarray(s->info->tablespaces, s->info->tablespace_count + 1, sizeof(*grown));
    if (grown == NULL)
        return err_nomem(e, "a list of tablespaces");
    s->info->tablespaces = grown;
    grown += s->info->tablespace_count;
    *grown =
        (struct backup_tablespace){.oid = t->oid, .path = strdup(t->path), .bytes = t->estimate_kb * 1024};
    if (grown->path == NULL)
        return err_nomem(e, "a path");
    s->info->tablespace_count++;
    return backup_store_tablespace(s->store, t->oid, t->path, e);
}

static enum err_code read_archives(struct backup_stream *s, struct err *e)
{
    struct tar_events events = {member_begin, member_data, member_end, s};
    const struct basebackup_tablespace *archive;
    bool more;

    for (;;) {
        if (basebackup_next_archive(s->stream, &archive, &more, e) != ERR_OK)
            return e->code;
        if (!more)
            return ERR_OK;
        s->tablespace = archive->oid;
        if ((archive->oid != 0 && add_tablespace(s, archive, e) != ERR_OK) ||
            tar_read(basebackup_pull, s->stream, &events, e) != ERR_OK)
            return e->code;
    }
}

static enum err_code take_manifest(struct backup_stream *s, struct buf *text, struct err *e)
{
    if (basebackup_manifest(s->stream, text, e) != ERR_OK ||
        manifest_parse(text->data, text->len, &s->manifest, e) != ERR_OK ||
        backup_store_check(s->store, &s->manifest, e) != ERR_OK ||
        backup_store_file(s->store, MANIFEST_NAME, 0600, text->len, s->info->start_us / 1000000, e) !=
            ERR_OK ||
        backup_store_data(s->store, text->data, text->len, e) != ERR_OK)
        return e->code;
    return backup_store_file_end(s->store, e);
}

enum err_code backup_stream_take(struct backup_stream *s, struct backup_store *store, struct err *e)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(MANIFEST_MAX);

    s->store = store;
    return read_archives(s, e) == ERR_OK ? take_manifest(s, &text, e) : e->code;
}

enum err_code backup_stream_finish(struct backup_stream *s, struct err *e)
{
    struct basebackup_end end;

    if (basebackup_finish(s->stream, &end, e) != ERR_OK)
        return e->code;
    s->info->stop_lsn = end.position;
    s->info->timeline = end.tli;
    progress_end(&s->progress);
    return ERR_OK;
}
