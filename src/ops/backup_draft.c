/*
 * ops/backup_draft.c - see ops/backup_draft.h.
 *
 * Draft numbers of sources: 0 is this backup, 1 the previous one, 2 … the previous one's own sources from its number 1
 * on. At the end the draft is read by the parser that will read the index one day, and written again with sources
 * renumbered so that only those are named that are used.
 */
#include "ops/backup_draft.h"

#include "base/durable.h"
#include "ops/temp_text.h"
#include "stream/file_sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An earlier backup, and which of its packs this one refers to. */
struct source {
    uint8_t *seen; /* a byte for each pack number met */
    size_t room;
    uint64_t packs;
    uint32_t number; /* in the final index */
};

struct backup_draft {
    char id[BACKUP_ID_MAX];
    const char *dir; /* borrowed from the caller's options */
    struct temp_text draft;
    struct temp_text index; /* the final one, plain */
    struct source *sources; /* by draft number */
    uint32_t source_count;
};

enum err_code backup_draft_record(struct backup_draft *d, const struct index_record *r, struct err *e)
{
    return index_write(&d->draft.sink, r, e);
}

enum err_code backup_draft_text(struct backup_draft *d, const void *text, size_t len, struct err *e)
{
    return sink_write(&d->draft.sink, text, len, e);
}

static enum err_code begin(struct backup_draft *d, const struct backup_previous *previous, struct err *e)
{
    struct index_record r = {.type = INDEX_SOURCE, .number = 0, .id = d->id};

    if (temp_text_open(&d->draft, d->dir, e) != ERR_OK ||
        index_write_begin(&d->draft.sink, d->id, e) != ERR_OK || backup_draft_record(d, &r, e) != ERR_OK)
        return e->code;
    d->source_count = 1;
    while ((r.id = backup_previous_source(previous, d->source_count - 1)) != NULL) {
        r.number = d->source_count++;
        if (backup_draft_record(d, &r, e) != ERR_OK)
            return e->code;
    }
    d->sources = calloc(d->source_count, sizeof(*d->sources));
    return d->sources == NULL ? err_nomem(e, "a list of sources") : ERR_OK;
}

enum err_code backup_draft_new(const char *id, const char *dir, const struct backup_previous *previous,
                               struct backup_draft **out, struct err *e)
{
    struct backup_draft *d = calloc(1, sizeof(*d));

    if (d == NULL)
        return err_nomem(e, "an index");
    (void) snprintf(d->id, sizeof(d->id), "%s", id);
    d->dir = dir;
    d->draft = d->index = TEMP_TEXT_NONE;
    if (begin(d, previous, e) != ERR_OK) {
        backup_draft_free(d);
        return e->code;
    }
    *out = d;
    return ERR_OK;
}

void backup_draft_free(struct backup_draft *d)
{
    if (d == NULL)
        return;
    temp_text_close(&d->draft);
    temp_text_close(&d->index);
    for (size_t i = 0; d->sources != NULL && i < d->source_count; i++)
        free(d->sources[i].seen);
    free(d->sources);
    free(d);
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

enum err_code backup_draft_new_chunk(struct backup_draft *d, const struct index_chunk *c, struct err *e)
{
    return backup_draft_record(d, &(struct index_record){.type = INDEX_CHUNK, .chunk = *c}, e);
}

enum err_code backup_draft_old_chunk(struct backup_draft *d, const struct index_chunk *old, struct err *e)
{
    struct index_record r = {.type = INDEX_CHUNK, .chunk = *old};

    r.chunk.source = old->source + 1;
    return source_use(&d->sources[r.chunk.source], old->pack, e) == ERR_OK ? backup_draft_record(d, &r, e)
                                                                           : e->code;
}

/* ---- the end ---- */

struct final {
    struct backup_draft *d;
    struct backup_info *info;
    uint32_t next; /* source number */
};

static enum err_code final_source(struct final *f, const struct index_record *r, struct err *e)
{
    struct source *source = &f->d->sources[r->number];
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
    return index_write(&f->d->index.sink, &out, e);
}

static enum err_code final_record(const struct index_record *r, void *arg, struct err *e)
{
    struct final *f = arg;
    struct index_record out = *r;

    if (r->type == INDEX_SOURCE)
        return final_source(f, r, e);
    if (r->type == INDEX_CHUNK)
        out.chunk.source = f->d->sources[r->chunk.source].number;
    return index_write(&f->d->index.sink, &out, e);
}

static enum err_code finish(struct backup_draft *d, const struct index_record *end, struct backup_info *info,
                            struct err *e)
{
    CLEANUP(sink_freep) struct sink *parser = NULL;
    struct final f = {.d = d, .info = info};

    if (backup_draft_record(d, end, e) != ERR_OK || temp_text_flush(&d->draft, e) != ERR_OK ||
        temp_text_open(&d->index, d->dir, e) != ERR_OK ||
        index_write_begin(&d->index.sink, d->id, e) != ERR_OK ||
        index_read_sink_new(d->id, final_record, &f, &parser, e) != ERR_OK ||
        temp_text_push(&d->draft, parser, e) != ERR_OK || sink_finish(parser, e) != ERR_OK)
        return e->code;
    return temp_text_flush(&d->index, e);
}

enum err_code backup_draft_store(struct backup_draft *d, const struct index_record *end, struct repo *r,
                                 const struct layout *l, struct backup_info *info, struct err *e)
{
    char key[STORE_KEY_MAX + 1];

    layout_backup_index(l, d->id, key);
    return finish(d, end, info, e) == ERR_OK
               ? temp_text_store(&d->index, r, key, "index", d->id, info->index_sha256, e)
               : e->code;
}

enum err_code backup_draft_keep(const struct backup_draft *d, const char *path, struct err *e)
{
    CLEANUP(durable_discard) struct durable copy = DURABLE_NONE;
    CLEANUP(sink_freep) struct sink *to = NULL;

    if (durable_open(&copy, path, 0600, e) != ERR_OK || file_sink_new(copy.fd, path, &to, e) != ERR_OK ||
        temp_text_push((void *) (uintptr_t) &d->index, to, e) != ERR_OK || sink_finish(to, e) != ERR_OK)
        return e->code;
    return durable_commit_quick(&copy, e);
}
