/*
 * ops/backup_batch.c - see ops/backup_batch.h.
 *
 * Batches lie in a ring in the order they were submitted in; those handed back are free. The free one used last is
 * filled first, so while the workers keep up only two or three are ever touched and stay in the CPU's caches. The
 * receiving thread waits only for the oldest batch, and only when none is free: a batch behind it that is done already
 * keeps its place.
 */
#include "ops/backup_batch.h"

#include "base/buf.h"
#include "base/grow.h"
#include "base/pool.h"
#include "codec/crc32c.h"
#include "codec/sha256.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_BYTES ((size_t) 1 << 20)
#define ITEMS_MAX   4096
#define NOTES_MAX   ((size_t) 1 << 20)

struct batch {
    struct backup_batches *of;
    uint8_t *bytes; /* the chunks', one behind the other */
    size_t filled;
    struct batch_item *items;
    size_t count, room;
    struct buf notes;
    struct buf packed; /* a chunk, compressed */
    bool is_done;
    bool has_failed; /* done, but without results: the pool knows why */
};

struct backup_batches {
    struct backup_batches_options o;
    struct pool *workers;
    pthread_mutex_t lock;
    pthread_cond_t has_done;
    struct batch *open;  /* being filled; NULL = none */
    struct batch **ring; /* submitted, oldest first   */
    size_t first, submitted;
    struct batch **free; /* a stack */
    size_t free_count;
    struct batch **made;
    size_t made_count;
};

static size_t room_bytes(uint32_t chunk_bytes)
{
    return chunk_bytes > BATCH_BYTES ? chunk_bytes : BATCH_BYTES;
}

size_t backup_batch_bytes(uint32_t chunk_bytes)
{
    return room_bytes(chunk_bytes) + chunk_bytes + chunk_bytes / 64 + (64 << 10);
}

/* ---- a worker ---- */

static bool is_all_zeros(const uint8_t *bytes, size_t len)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0;
}

static enum err_code store_chunk(struct batch *b, const uint8_t *bytes, struct batch_item *item,
                                 struct err *e)
{
    const struct backup_batches_options *o = &b->of->o;
    struct frame_payload payload = {.plain_len = item->length};

    buf_reset(&b->packed);
    if (codec_compress(o->codec, o->level, bytes, item->length, &b->packed, &payload.is_raw, e) != ERR_OK)
        return e->code;
    payload.bytes = payload.is_raw ? bytes : b->packed.data;
    payload.len = payload.is_raw ? item->length : (uint32_t) b->packed.len;
    return backup_packs_add(o->packs, &payload, &item->chunk, e);
}

static enum err_code work_on(struct batch *b, const uint8_t *bytes, struct batch_item *item, struct err *e)
{
    item->crc32c = crc32c(0, bytes, item->length);
    item->is_zeros = is_all_zeros(bytes, item->length);
    if (item->is_zeros)
        return ERR_OK;
    item->chunk.length = item->length;
    if (sha256(bytes, item->length, item->chunk.sha256, e) != ERR_OK)
        return e->code;
    if (item->old != NULL && memcmp(item->old->sha256, item->chunk.sha256, SHA256_BYTES) == 0)
        return ERR_OK;
    item->old = NULL;
    return store_chunk(b, bytes, item, e);
}

static void end(struct batch *b, bool has_failed)
{
    pthread_mutex_lock(&b->of->lock);
    b->has_failed = has_failed;
    b->is_done = true;
    pthread_cond_signal(&b->of->has_done);
    pthread_mutex_unlock(&b->of->lock);
}

static enum err_code work(void *arg, struct err *e)
{
    struct batch *b = arg;
    const uint8_t *bytes = b->bytes;
    enum err_code code = ERR_OK;

    for (size_t i = 0; code == ERR_OK && i < b->count; i++)
        if (b->items[i].kind == BATCH_CHUNK) {
            code = work_on(b, bytes, &b->items[i], e);
            bytes += b->items[i].length;
        }
    end(b, code != ERR_OK);
    return code;
}

static void drop(void *arg)
{
    end(arg, true);
}

/* ---- the receiving thread ---- */

static bool oldest_is_done(struct backup_batches *s)
{
    bool is_done;

    pthread_mutex_lock(&s->lock);
    is_done = s->ring[s->first]->is_done;
    pthread_mutex_unlock(&s->lock);
    return is_done;
}

static enum err_code take_all(struct backup_batches *s, const struct batch *b, struct err *e)
{
    const char *note = (const char *) b->notes.data;

    for (size_t i = 0; i < b->count; i++) {
        const struct batch_item *item = &b->items[i];

        if (s->o.take(item, item->kind == BATCH_NOTE ? note : NULL, s->o.arg, e) != ERR_OK)
            return e->code;
        if (item->kind == BATCH_NOTE)
            note += item->length;
    }
    return ERR_OK;
}

/* The oldest one, waiting until it is done. */
static enum err_code hand_back(struct backup_batches *s, struct err *e)
{
    struct batch *b = s->ring[s->first];

    pthread_mutex_lock(&s->lock);
    while (!b->is_done)
        pthread_cond_wait(&s->has_done, &s->lock);
    pthread_mutex_unlock(&s->lock);
    if (b->has_failed)
        return pool_wait(s->workers, e);
    if (take_all(s, b, e) != ERR_OK)
        return e->code;
    s->first = (s->first + 1) % s->o.batches_max;
    s->submitted--;
    s->free[s->free_count++] = b;
    return ERR_OK;
}

static void batch_free(struct batch *b)
{
    if (b == NULL)
        return;
    free(b->bytes);
    free(b->items);
    buf_clear(&b->notes);
    buf_clear(&b->packed);
    free(b);
}

static enum err_code batch_make(struct backup_batches *s, struct err *e)
{
    struct batch *b = calloc(1, sizeof(*b));

    if (b == NULL || (b->bytes = malloc(room_bytes(s->o.chunk_bytes))) == NULL) {
        batch_free(b);
        return err_nomem(e, "a batch");
    }
    b->of = s;
    buf_init(&b->notes, NOTES_MAX);
    buf_init(&b->packed, s->o.chunk_bytes);
    s->made[s->made_count++] = b;
    s->free[s->free_count++] = b;
    return ERR_OK;
}

/* A free batch becomes the open one. What is done is taken back first, and what is not, when there is no other way. */
static enum err_code batch_open(struct backup_batches *s, struct err *e)
{
    while (s->submitted > 0 && (s->submitted == s->o.batches_max || oldest_is_done(s)))
        if (hand_back(s, e) != ERR_OK)
            return e->code;
    if (s->free_count == 0 && batch_make(s, e) != ERR_OK)
        return e->code;
    s->open = s->free[--s->free_count];
    s->open->filled = s->open->count = 0;
    s->open->is_done = false;
    buf_reset(&s->open->notes);
    return ERR_OK;
}

static enum err_code batch_submit(struct backup_batches *s, struct err *e)
{
    struct batch *b = s->open;

    if (b == NULL)
        return ERR_OK;
    s->open = NULL;
    s->ring[(s->first + s->submitted++) % s->o.batches_max] = b;
    return pool_submit(s->workers, &(struct pool_job){work, drop, b}, e);
}

/* An item in the open batch, with room for so many bytes of a chunk or of notes. */
static enum err_code item_add(struct backup_batches *s, enum batch_kind kind, uint32_t chunk, size_t note,
                              struct batch_item **out, struct err *e)
{
    struct batch *b = s->open;

    if (b != NULL &&
        (b->filled + chunk > room_bytes(s->o.chunk_bytes) || b->notes.len + note > NOTES_MAX ||
         b->count == ITEMS_MAX) &&
        batch_submit(s, e) != ERR_OK)
        return e->code;
    if (s->open == NULL && batch_open(s, e) != ERR_OK)
        return e->code;
    b = s->open;
    if (grow(&b->items, b->count, &b->room, sizeof(*b->items), "a batch", e) != ERR_OK)
        return e->code;
    *out = &b->items[b->count++];
    **out = (struct batch_item){.kind = kind, .length = chunk + (uint32_t) note};
    return ERR_OK;
}

enum err_code backup_batch_chunk(struct backup_batches *s, uint32_t length, const struct index_chunk *old,
                                 uint8_t **room, struct err *e)
{
    struct batch_item *item;

    assert(length > 0 && length <= s->o.chunk_bytes && (old == NULL || old->length == length));
    if (item_add(s, BATCH_CHUNK, length, 0, &item, e) != ERR_OK)
        return e->code;
    item->old = old;
    *room = s->open->bytes + s->open->filled;
    s->open->filled += length;
    return ERR_OK;
}

enum err_code backup_batch_note(struct backup_batches *s, const void *bytes, size_t len, struct err *e)
{
    struct batch_item *item;

    if (item_add(s, BATCH_NOTE, 0, len, &item, e) != ERR_OK)
        return e->code;
    return buf_append(&s->open->notes, bytes, len, e);
}

enum err_code backup_batch_file_end(struct backup_batches *s, struct err *e)
{
    struct batch_item *item;

    return item_add(s, BATCH_FILE_END, 0, 0, &item, e);
}

enum err_code backup_batch_settle(struct backup_batches *s, struct err *e)
{
    if (batch_submit(s, e) != ERR_OK)
        return e->code;
    while (s->submitted > 0)
        if (hand_back(s, e) != ERR_OK)
            return e->code;
    return ERR_OK;
}

size_t backup_batches_in_memory(const struct backup_batches *s)
{
    return s->made_count;
}

/* ---- life ---- */

static enum err_code lists_make(struct backup_batches *s, struct err *e)
{
    size_t max = s->o.batches_max;

    s->ring = calloc(max, sizeof(struct batch *));
    s->free = calloc(max, sizeof(struct batch *));
    s->made = calloc(max, sizeof(struct batch *));
    return s->ring != NULL && s->free != NULL && s->made != NULL ? ERR_OK : err_nomem(e, "a list of batches");
}

enum err_code backup_batches_new(const struct backup_batches_options *o, struct backup_batches **out,
                                 struct err *e)
{
    struct backup_batches *s = calloc(1, sizeof(*s));

    assert(o->batches_max >= 2 && o->jobs >= 1);
    if (s == NULL)
        return err_nomem(e, "a list of batches");
    s->o = *o;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->has_done, NULL);
    if (lists_make(s, e) != ERR_OK || pool_new(o->jobs, o->batches_max, &s->workers, e) != ERR_OK) {
        backup_batches_free(s);
        return e->code;
    }
    *out = s;
    return ERR_OK;
}

void backup_batches_free(struct backup_batches *s)
{
    if (s == NULL)
        return;
    pool_free(s->workers);
    for (size_t i = 0; i < s->made_count; i++)
        batch_free(s->made[i]);
    free(s->ring);
    free(s->free);
    free(s->made);
    pthread_cond_destroy(&s->has_done);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
