/*
 * ops/backup_store.c - see ops/backup_store.h.
 *
 * What comes between chunks (directories, files, links) is written as the index has it at once and goes through the
 * batches as a note, so that it comes back in its place between the chunks' records.
 */
#include "ops/backup_store.h"

#include "base/grow.h"
#include "codec/crc32c.h"
#include "ops/backup_batch.h"
#include "ops/backup_draft.h"
#include "ops/backup_memory.h"
#include "ops/backup_packs.h"
#include "stream/buf_sink.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_MAX ((size_t) 64 << 10)

struct stored_file {
    char *path;
    uint64_t size;
    uint32_t crc;
};

struct backup_store {
    struct backup_store_options o;
    struct backup_packs *packs;
    struct backup_batches *batches;
    struct backup_draft *draft;
    struct stored_file *files;
    size_t file_count, file_room;
    struct buf record; /* of one */

    /* What is received: of the open file, … */
    uint64_t received;
    uint8_t *room;     /* … and where the open chunk's next bytes go, */
    size_t room_bytes; /* so many                                     */

    /* What comes back. */
    size_t file_at; /* the file that it is of                         */
    uint64_t zeros; /* a stretch of zeros not yet written down        */
    uint32_t crc;   /* of the file so far                             */
    uint64_t bytes, chunks, new_chunks;
};

/* ---- what comes back from the workers ---- */

static enum err_code zeros_flush(struct backup_store *s, struct err *e)
{
    struct index_record r = {.type = INDEX_ZEROS, .size = s->zeros};

    s->zeros = 0;
    return r.size == 0 ? ERR_OK : backup_draft_record(s->draft, &r, e);
}

static enum err_code take_chunk(struct backup_store *s, const struct batch_item *item, struct err *e)
{
    s->crc = crc32c_combine(s->crc, item->crc32c, item->length);
    if (item->is_zeros) {
        s->zeros += item->length;
        return ERR_OK;
    }
    if (zeros_flush(s, e) != ERR_OK)
        return e->code;
    s->chunks++;
    if (item->old != NULL)
        return backup_draft_old_chunk(s->draft, item->old, e);
    s->new_chunks++;
    return backup_draft_new_chunk(s->draft, &item->chunk, e);
}

static enum err_code take_file_end(struct backup_store *s, struct err *e)
{
    struct index_record r = {.type = INDEX_FILE_END, .crc32c = s->crc};

    s->files[s->file_at++].crc = s->crc;
    s->crc = 0;
    return zeros_flush(s, e) == ERR_OK ? backup_draft_record(s->draft, &r, e) : e->code;
}

static enum err_code take(const struct batch_item *item, const char *note, void *arg, struct err *e)
{
    struct backup_store *s = arg;

    switch (item->kind) {
    case BATCH_NOTE:
        return backup_draft_text(s->draft, note, item->length, e);
    case BATCH_CHUNK:
        return take_chunk(s, item, e);
    case BATCH_FILE_END:
        return take_file_end(s, e);
    }
    return ERR_OK;
}

/* ---- what is received ---- */

static enum err_code note(struct backup_store *s, const struct index_record *r, struct err *e)
{
    CLEANUP(sink_freep) struct sink *to = NULL;

    buf_reset(&s->record);
    if (buf_sink_new(&s->record, &to, e) != ERR_OK || index_write(to, r, e) != ERR_OK)
        return e->code;
    return backup_batch_note(s->batches, s->record.data, s->record.len, e);
}

enum err_code backup_store_tablespace(struct backup_store *s, uint32_t oid, const char *path, struct err *e)
{
    return note(s, &(struct index_record){.type = INDEX_TABLESPACE, .number = oid, .path = path}, e);
}

enum err_code backup_store_directory(struct backup_store *s, const char *path, mode_t mode, struct err *e)
{
    return note(s, &(struct index_record){.type = INDEX_DIRECTORY, .mode = mode, .path = path}, e);
}

enum err_code backup_store_link(struct backup_store *s, const char *path, const char *target, struct err *e)
{
    return note(s, &(struct index_record){.type = INDEX_LINK, .path = path, .target = target}, e);
}

enum err_code backup_store_file(struct backup_store *s, const char *path, mode_t mode, uint64_t size,
                                int64_t mtime, struct err *e)
{
    struct stored_file *f;

    if (grow(&s->files, s->file_count, &s->file_room, sizeof(*s->files), "a list of files", e) != ERR_OK)
        return e->code;
    f = &s->files[s->file_count];
    *f = (struct stored_file){.path = strdup(path), .size = size};
    if (f->path == NULL)
        return err_nomem(e, "a path");
    s->file_count++;
    s->received = 0;
    s->room_bytes = 0;
    s->bytes += size;
    backup_previous_file(s->o.previous, path);
    return note(
        s,
        &(struct index_record){.type = INDEX_FILE, .mode = mode, .size = size, .mtime = mtime, .path = path},
        e);
}

static enum err_code wrong_size(const struct backup_store *s, uint64_t came, struct err *e)
{
    const struct stored_file *f = &s->files[s->file_count - 1];

    return err_set(e, ERR_CORRUPT, "file \"%s\" came with %" PRIu64 " bytes instead of %" PRIu64, f->path,
                   came, f->size);
}

/* Chunks begin at multiples of their size; the last one is what is left. */
static enum err_code chunk_begin(struct backup_store *s, struct err *e)
{
    uint64_t left = s->files[s->file_count - 1].size - s->received;
    uint32_t length = left < s->o.chunk_bytes ? (uint32_t) left : s->o.chunk_bytes;

    s->room_bytes = length;
    return backup_batch_chunk(s->batches, length, backup_previous_chunk(s->o.previous, s->received, length),
                              &s->room, e);
}

enum err_code backup_store_data(struct backup_store *s, const void *bytes, size_t len, struct err *e)
{
    const uint8_t *at = bytes;

    if (len > s->files[s->file_count - 1].size - s->received)
        return wrong_size(s, s->received + len, e);
    while (len > 0) {
        size_t part;

        if (s->room_bytes == 0 && chunk_begin(s, e) != ERR_OK)
            return e->code;
        part = len < s->room_bytes ? len : s->room_bytes;
        memcpy(s->room, at, part);
        s->room += part;
        s->room_bytes -= part;
        s->received += part;
        at += part;
        len -= part;
    }
    return ERR_OK;
}

enum err_code backup_store_file_end(struct backup_store *s, struct err *e)
{
    if (s->received != s->files[s->file_count - 1].size)
        return wrong_size(s, s->received, e);
    return backup_batch_file_end(s->batches, e);
}

enum err_code backup_store_check(struct backup_store *s, const struct manifest *m, struct err *e)
{
    if (backup_batch_settle(s->batches, e) != ERR_OK)
        return e->code;
    for (size_t i = 0; i < s->file_count; i++) {
        const struct stored_file *f = &s->files[i];
        const struct manifest_file *promised = manifest_find(m, f->path);

        if (promised == NULL)
            return err_set(e, ERR_CORRUPT, "file \"%s\" was sent, but is not in the server's manifest",
                           f->path);
        if (promised->size != f->size ||
            (promised->algorithm == MANIFEST_CRC32C && !manifest_has_crc32c(promised, f->crc)))
            return err_set(e, ERR_CORRUPT, "file \"%s\" is not what the server's manifest promises", f->path);
    }
    if (s->file_count != m->file_count)
        return err_set(e, ERR_CORRUPT, "the server's manifest names %zu files, but %zu were sent",
                       m->file_count, s->file_count);
    return ERR_OK;
}

enum err_code backup_store_flush(struct backup_store *s, struct err *e)
{
    return backup_batch_settle(s->batches, e) == ERR_OK ? backup_packs_flush(s->packs, e) : e->code;
}

/* ---- the index ---- */

static void fill_info(const struct backup_store *s, struct backup_info *info)
{
    info->files = s->file_count;
    info->chunks = s->chunks;
    info->new_chunks = s->new_chunks;
    info->data_bytes = s->bytes;
    info->packs = backup_packs_count(s->packs);
    info->stored_bytes = backup_packs_stored(s->packs);
}

enum err_code backup_store_index(struct backup_store *s, struct backup_info *info, struct err *e)
{
    const struct index_record end = {
        .type = INDEX_END, .files = s->file_count, .chunks = s->chunks, .size = s->bytes};

    if (backup_draft_store(s->draft, &end, s->o.repo, s->o.layout, info, e) != ERR_OK)
        return e->code;
    fill_info(s, info);
    return ERR_OK;
}

enum err_code backup_store_keep(struct backup_store *s, const char *path, struct err *e)
{
    return backup_draft_keep(s->draft, path, e);
}

/* ---- life ---- */

static enum err_code open_parts(struct backup_store *s, struct err *e)
{
    const struct backup_store_options *o = &s->o;
    const struct backup_memory m =
        backup_memory_divide(o->memory_bytes, o->jobs, o->chunk_bytes, o->pack_bytes);
    const struct backup_packs_options packs = {.repo = o->repo,
                                               .layout = o->layout,
                                               .backup_id = o->id,
                                               .pack_bytes = m.pack_bytes,
                                               .chunk_bytes = o->chunk_bytes,
                                               .packs_max = m.packs_max,
                                               .uploads = m.uploads};
    struct backup_batches_options batches = {.codec = o->repo->codec,
                                             .level = o->repo->level,
                                             .chunk_bytes = o->chunk_bytes,
                                             .batches_max = m.batches_max,
                                             .jobs = o->jobs,
                                             .take = take,
                                             .arg = s};

    if (backup_draft_new(o->id, o->draft_dir, o->previous, &s->draft, e) != ERR_OK ||
        backup_packs_new(&packs, &s->packs, e) != ERR_OK)
        return e->code;
    batches.packs = s->packs;
    return backup_batches_new(&batches, &s->batches, e);
}

enum err_code backup_store_new(const struct backup_store_options *o, struct backup_store **out, struct err *e)
{
    CLEANUP(backup_store_freep) struct backup_store *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return err_nomem(e, "a backup");
    s->o = *o;
    buf_init(&s->record, RECORD_MAX);
    if (open_parts(s, e) != ERR_OK)
        return e->code;
    *out = s;
    s = NULL;
    return ERR_OK;
}

void backup_store_free(struct backup_store *s)
{
    if (s == NULL)
        return;
    backup_batches_free(s->batches); /* its workers use the packs */
    backup_packs_free(s->packs);
    backup_draft_free(s->draft);
    for (size_t i = 0; i < s->file_count; i++)
        free(s->files[i].path);
    free(s->files);
    buf_clear(&s->record);
    free(s);
}

void backup_store_freep(struct backup_store **s)
{
    backup_store_free(*s);
    *s = NULL;
}
