/*
 * ops/backup_store.c - see ops/backup_store.h.
 *
 * The draft is an index text whose own chunks (source 0) have no true offset and stored length yet. When all
 * packs are stored it is read again by the index parser and written as the real index, places filled in, and sources
 * renumbered so that only those are named that are used.
 *
 * Draft numbers: 0 is this backup, 1 the previous one, 2 … the previous one's own sources from its number 1 on.
 */
#include "ops/backup_store.h"

#include "base/durable.h"
#include "base/grow.h"
#include "codec/crc32c.h"
#include "ops/backup_packs.h"
#include "ops/temp_text.h"
#include "stream/file_sink.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* An earlier backup, and which of its packs this one refers to. */
struct source {
    uint8_t *seen; /* a byte for each pack number met */
    size_t room;
    uint64_t packs;
    uint32_t number; /* in the final index */
};

struct stored_file {
    char *path;
    uint64_t size;
    uint32_t crc;
};

struct backup_store {
    struct backup_store_options o;
    struct backup_packs *packs;
    struct temp_text draft;
    struct temp_text index; /* the final one, plain */
    struct stored_file *files;
    size_t file_count, file_room;
    uint8_t *chunk; /* the chunk being filled */
    size_t chunk_len;
    uint64_t file_at;       /* bytes of the open file behind us, the open chunk's not among them */
    uint64_t zeros;         /* a stretch of zeros not yet written down */
    struct source *sources; /* by draft number */
    uint32_t source_count;
    uint64_t bytes, chunks, new_chunks;
};

/* ---- the draft ---- */

static enum err_code draft(struct backup_store *s, const struct index_record *r, struct err *e)
{
    return index_write(&s->draft.sink, r, e);
}

static enum err_code draft_begin(struct backup_store *s, struct err *e)
{
    struct index_record r = {.type = INDEX_SOURCE, .number = 0, .id = s->o.id};

    if (temp_text_open(&s->draft, s->o.draft_dir, e) != ERR_OK ||
        index_write_begin(&s->draft.sink, s->o.id, e) != ERR_OK || draft(s, &r, e) != ERR_OK)
        return e->code;
    s->source_count = 1;
    while ((r.id = backup_previous_source(s->o.previous, s->source_count - 1)) != NULL) {
        r.number = s->source_count++;
        if (draft(s, &r, e) != ERR_OK)
            return e->code;
    }
    s->sources = calloc(s->source_count, sizeof(*s->sources));
    return s->sources == NULL ? err_nomem(e, "a list of sources") : ERR_OK;
}

/* ---- files and chunks ---- */

enum err_code backup_store_tablespace(struct backup_store *s, uint32_t oid, const char *path, struct err *e)
{
    return draft(s, &(struct index_record){.type = INDEX_TABLESPACE, .number = oid, .path = path}, e);
}

enum err_code backup_store_directory(struct backup_store *s, const char *path, mode_t mode, struct err *e)
{
    return draft(s, &(struct index_record){.type = INDEX_DIRECTORY, .mode = mode, .path = path}, e);
}

enum err_code backup_store_link(struct backup_store *s, const char *path, const char *target, struct err *e)
{
    return draft(s, &(struct index_record){.type = INDEX_LINK, .path = path, .target = target}, e);
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
    s->file_at = s->zeros = 0;
    s->chunk_len = 0;
    s->bytes += size;
    backup_previous_file(s->o.previous, path);
    return draft(
        s,
        &(struct index_record){.type = INDEX_FILE, .mode = mode, .size = size, .mtime = mtime, .path = path},
        e);
}

static bool is_all_zeros(const uint8_t *bytes, size_t len)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0;
}

static enum err_code zeros_flush(struct backup_store *s, struct err *e)
{
    uint64_t zeros = s->zeros;

    s->zeros = 0;
    return zeros == 0 ? ERR_OK : draft(s, &(struct index_record){.type = INDEX_ZEROS, .size = zeros}, e);
}

static enum err_code source_use(struct source *s, uint32_t pack, struct err *e)
{
    if (pack >= s->room) {
        size_t room = (size_t) pack + 1024;
        uint8_t *grown = realloc(s->seen, room);

        if (grown == NULL)
            return err_nomem(e, "a list of packs");
        memset(grown + s->room, 0, room - s->room);
        s->seen = grown;
        s->room = room;
    }
    s->packs += !s->seen[pack];
    s->seen[pack] = 1;
    return ERR_OK;
}

static enum err_code chunk_place(struct backup_store *s, struct index_chunk *c, struct err *e)
{
    const struct index_chunk *old = backup_previous_chunk(s->o.previous, s->file_at, c->length, c->sha256);

    if (old == NULL) {
        s->new_chunks++;
        c->stored = c->length; /* anything the parser takes, until the pack is stored */
        return backup_packs_add(s->packs, s->chunk, c->length, c, e);
    }
    *c = *old;
    c->source = old->source + 1;
    return source_use(&s->sources[c->source], c->pack, e);
}

static enum err_code chunk_end(struct backup_store *s, struct err *e)
{
    struct index_record r = {.type = INDEX_CHUNK, .chunk = {.length = (uint32_t) s->chunk_len}};

    if (s->chunk_len == 0)
        return ERR_OK;
    if (is_all_zeros(s->chunk, s->chunk_len))
        s->zeros += s->chunk_len;
    else if (zeros_flush(s, e) != ERR_OK || sha256(s->chunk, s->chunk_len, r.chunk.sha256, e) != ERR_OK ||
             chunk_place(s, &r.chunk, e) != ERR_OK || draft(s, &r, e) != ERR_OK)
        return e->code;
    else
        s->chunks++;
    s->file_at += s->chunk_len;
    s->chunk_len = 0;
    return ERR_OK;
}

enum err_code backup_store_data(struct backup_store *s, const void *bytes, size_t len, struct err *e)
{
    const uint8_t *at = bytes;
    struct stored_file *f = &s->files[s->file_count - 1];

    f->crc = crc32c(f->crc, bytes, len);
    while (len > 0) {
        size_t room = s->o.chunk_bytes - s->chunk_len;
        size_t part = len < room ? len : room;

        memcpy(s->chunk + s->chunk_len, at, part);
        s->chunk_len += part;
        at += part;
        len -= part;
        if (s->chunk_len == s->o.chunk_bytes && chunk_end(s, e) != ERR_OK)
            return e->code;
    }
    return ERR_OK;
}

enum err_code backup_store_file_end(struct backup_store *s, struct err *e)
{
    const struct stored_file *f = &s->files[s->file_count - 1];

    if (chunk_end(s, e) != ERR_OK || zeros_flush(s, e) != ERR_OK)
        return e->code;
    if (s->file_at != f->size)
        return err_set(e, ERR_CORRUPT, "file \"%s\" came with %" PRIu64 " bytes instead of %" PRIu64, f->path,
                       s->file_at, f->size);
    return draft(s, &(struct index_record){.type = INDEX_FILE_END, .crc32c = f->crc}, e);
}

enum err_code backup_store_check(const struct backup_store *s, const struct manifest *m, struct err *e)
{
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
    return backup_packs_flush(s->packs, e);
}

/* ---- the index ---- */

struct final {
    struct backup_store *s;
    struct backup_info *info;
    uint32_t next; /* source number */
};

static enum err_code final_source(struct final *f, const struct index_record *r, struct err *e)
{
    struct source *source = &f->s->sources[r->number];
    struct index_record out = *r;
    struct backup_source *grown;

    if (r->number > 0 && source->packs == 0)
        return ERR_OK;
    source->number = out.number = f->next++;
    if (r->number > 0) {
        grown = reallocarray(f->info->sources, f->info->source_count + 1, sizeof(*grown));
        if (grown == NULL)
            return err_nomem(e, "a list of sources");
        f->info->sources = grown;
        grown += f->info->source_count++;
        grown->packs = source->packs;
        memcpy(grown->id, r->id, BACKUP_ID_MAX);
    }
    return index_write(&f->s->index.sink, &out, e);
}

static enum err_code final_record(const struct index_record *r, void *arg, struct err *e)
{
    struct final *f = arg;
    struct index_record out = *r;
    struct index_chunk *c = &out.chunk;

    if (r->type == INDEX_SOURCE)
        return final_source(f, r, e);
    if (r->type == INDEX_CHUNK) {
        if (c->source == 0) {
            const struct pack_place *place = backup_packs_place(f->s->packs, c->pack, c->frame);

            c->offset = place->offset;
            c->stored = place->stored;
        }
        c->source = f->s->sources[c->source].number;
    }
    return index_write(&f->s->index.sink, &out, e);
}

/* Draft to final index, through the parser that will read it one day. */
static enum err_code index_finish(struct backup_store *s, struct backup_info *info, struct err *e)
{
    CLEANUP(sink_freep) struct sink *parser = NULL;
    struct final f = {.s = s, .info = info};
    struct index_record end = {
        .type = INDEX_END, .files = s->file_count, .chunks = s->chunks, .size = s->bytes};

    if (draft(s, &end, e) != ERR_OK || temp_text_flush(&s->draft, e) != ERR_OK ||
        temp_text_open(&s->index, s->o.draft_dir, e) != ERR_OK ||
        index_write_begin(&s->index.sink, s->o.id, e) != ERR_OK ||
        index_read_sink_new(s->o.id, final_record, &f, &parser, e) != ERR_OK ||
        temp_text_push(&s->draft, parser, e) != ERR_OK || sink_finish(parser, e) != ERR_OK)
        return e->code;
    return temp_text_flush(&s->index, e);
}

static void fill_info(const struct backup_store *s, struct backup_info *info)
{
    info->files = s->file_count;
    info->chunks = s->chunks;
    info->new_chunks = s->new_chunks;
    info->data_bytes = s->bytes;
    info->packs = (uint32_t) backup_packs_count(s->packs);
    info->stored_bytes = backup_packs_stored(s->packs);
}

enum err_code backup_store_index(struct backup_store *s, struct backup_info *info, struct err *e)
{
    char key[STORE_KEY_MAX + 1];

    layout_backup_index(s->o.layout, s->o.id, key);
    if (index_finish(s, info, e) != ERR_OK ||
        temp_text_store(&s->index, s->o.repo, key, "index", s->o.id, info->index_sha256, e) != ERR_OK)
        return e->code;
    fill_info(s, info);
    return ERR_OK;
}

enum err_code backup_store_keep(struct backup_store *s, const char *path, struct err *e)
{
    CLEANUP(durable_discard) struct durable copy = DURABLE_NONE;
    CLEANUP(sink_freep) struct sink *to = NULL;

    if (durable_open(&copy, path, 0600, e) != ERR_OK || file_sink_new(copy.fd, path, &to, e) != ERR_OK ||
        temp_text_push(&s->index, to, e) != ERR_OK || sink_finish(to, e) != ERR_OK)
        return e->code;
    return durable_commit_quick(&copy, e);
}

/* ---- life ---- */

enum err_code backup_store_new(const struct backup_store_options *o, struct backup_store **out, struct err *e)
{
    CLEANUP(backup_store_freep) struct backup_store *s = calloc(1, sizeof(*s));
    struct backup_packs_options packs = {.repo = o->repo,
                                         .layout = o->layout,
                                         .backup_id = o->id,
                                         .pack_bytes = o->pack_bytes,
                                         .chunk_bytes = o->chunk_bytes,
                                         .jobs = o->jobs};

    if (s == NULL)
        return err_nomem(e, "a backup");
    s->o = *o;
    s->draft = s->index = TEMP_TEXT_NONE;
    if ((s->chunk = malloc(o->chunk_bytes)) == NULL)
        return err_nomem(e, "a chunk");
    if (draft_begin(s, e) != ERR_OK || backup_packs_new(&packs, &s->packs, e) != ERR_OK)
        return e->code;
    *out = s;
    s = NULL;
    return ERR_OK;
}

void backup_store_free(struct backup_store *s)
{
    if (s == NULL)
        return;
    backup_packs_free(s->packs);
    temp_text_close(&s->draft);
    temp_text_close(&s->index);
    for (size_t i = 0; i < s->file_count; i++)
        free(s->files[i].path);
    for (size_t i = 0; s->sources != NULL && i < s->source_count; i++)
        free(s->sources[i].seen);
    free(s->sources);
    free(s->files);
    free(s->chunk);
    free(s);
}

void backup_store_freep(struct backup_store **s)
{
    backup_store_free(*s);
    *s = NULL;
}
