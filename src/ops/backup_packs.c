/*
 * ops/backup_packs.c - see ops/backup_packs.h.
 *
 * A slot is a pack's memory. It is free, or open, or closed with writers still in it, or with the uploaders. Under the
 * lock a writer only takes room in the open pack; sealing into that room is done outside. The free slot used last is
 * taken first: its memory is the warmest, and slots beyond need are never made.
 */
#include "ops/backup_packs.h"

#include "base/pool.h"
#include "repo/pack.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct slot {
    struct backup_packs *packs;
    struct pack *pack;
    size_t writers; /* who took room and have not filled it */
    bool is_closed; /* no more room is given                */
};

struct backup_packs {
    struct backup_packs_options o;
    pthread_mutex_t lock;
    pthread_cond_t has_free;
    struct pool *uploads;
    struct slot *slots; /* packs_max of them, the first slot_count made */
    size_t slot_count;
    struct slot **free; /* a stack */
    size_t free_count;
    struct slot *open; /* NULL = none */
    uint32_t packs;    /* begun so far: the next number */
    uint64_t stored;
    struct err failure; /* the first */
};

/* The first failure is everybody's, also of those who wait. */
static void fail(struct backup_packs *p, const struct err *e)
{
    pthread_mutex_lock(&p->lock);
    if (p->failure.code == ERR_OK)
        p->failure = *e;
    pthread_cond_broadcast(&p->has_free);
    pthread_mutex_unlock(&p->lock);
}

static enum err_code upload(void *arg, struct err *e)
{
    struct slot *slot = arg;
    struct backup_packs *p = slot->packs;
    uint64_t stored = 0;

    if (pack_store(slot->pack, &stored, e) != ERR_OK) {
        fail(p, e);
        return e->code;
    }
    pthread_mutex_lock(&p->lock);
    p->stored += stored;
    p->free[p->free_count++] = slot;
    pthread_cond_broadcast(&p->has_free);
    pthread_mutex_unlock(&p->lock);
    return ERR_OK;
}

/* All rooms of a closed pack are filled. The queue has room for every slot, so this does not block. */
static enum err_code submit(struct backup_packs *p, struct slot *slot, struct err *e)
{
    return pool_submit(p->uploads, &(struct pool_job){.run = upload, .arg = slot}, e);
}

/* With the lock held, which is given away while all slots are in use. */
static enum err_code slot_take(struct backup_packs *p, struct slot **out, struct err *e)
{
    const struct pack_options o = {.repo = p->o.repo,
                                   .layout = p->o.layout,
                                   .backup_id = p->o.backup_id,
                                   .max_bytes = p->o.pack_bytes,
                                   .frame_plain_max = p->o.chunk_bytes};
    struct slot *slot;

    if (p->free_count > 0) {
        *out = p->free[--p->free_count];
        return ERR_OK;
    }
    slot = &p->slots[p->slot_count];
    slot->packs = p;
    if (pack_new(&o, &slot->pack, e) != ERR_OK)
        return e->code;
    p->slot_count++;
    *out = slot;
    return ERR_OK;
}

static bool must_wait(const struct backup_packs *p)
{
    return p->failure.code == ERR_OK && p->open == NULL && p->free_count == 0 &&
           p->slot_count == p->o.packs_max;
}

/* With the lock held. Another thread may have opened one while this one waited. */
static enum err_code open_slot(struct backup_packs *p, struct err *e)
{
    struct slot *slot;

    while (must_wait(p))
        pthread_cond_wait(&p->has_free, &p->lock);
    if (p->failure.code != ERR_OK) {
        *e = p->failure;
        return e->code;
    }
    if (p->open != NULL)
        return ERR_OK;
    if (p->packs > LAYOUT_PACK_MAX) {
        err_set(e, ERR_REFUSED, "a backup can't have more than %d packs", LAYOUT_PACK_MAX + 1);
        return err_hint(e, "Set a larger pack-size.");
    }
    if (slot_take(p, &slot, e) != ERR_OK || pack_begin(slot->pack, p->packs, e) != ERR_OK)
        return e->code;
    p->packs++;
    slot->is_closed = false;
    p->open = slot;
    pthread_cond_broadcast(&p->has_free); /* who waits for a slot can use this one */
    return ERR_OK;
}

/* With the lock held: no more room is given. *ready: the slot, when nobody is left in it, to be submitted. */
static void close_open(struct backup_packs *p, struct slot **ready)
{
    struct slot *slot = p->open;

    p->open = NULL;
    slot->is_closed = true;
    if (slot->writers == 0)
        *ready = slot;
}

/* With the lock held: room for a payload in *out. *ready as above: the pack that had no more room. */
static enum err_code reserve(struct backup_packs *p, uint32_t len, struct index_chunk *c, struct slot **out,
                             struct slot **ready, struct err *e)
{
    bool has_room;

    for (;;) {
        if (open_slot(p, e) != ERR_OK || pack_reserve(p->open->pack, len, c, &has_room, e) != ERR_OK)
            return e->code;
        if (has_room)
            break;
        close_open(p, ready);
        if (*ready != NULL) /* before waiting for a free slot: it may be the only one that can become free */
            return ERR_OK;
    }
    p->open->writers++;
    *out = p->open;
    return ERR_OK;
}

/* Take room, handing over the packs that turn out to be full. */
static enum err_code room_take(struct backup_packs *p, uint32_t len, struct index_chunk *c, struct slot **out,
                               struct err *e)
{
    for (;;) {
        struct slot *ready = NULL;
        enum err_code code;

        pthread_mutex_lock(&p->lock);
        code = reserve(p, len, c, out, &ready, e);
        pthread_mutex_unlock(&p->lock);
        if (code != ERR_OK || ready == NULL)
            return code;
        if (submit(p, ready, e) != ERR_OK)
            return e->code;
    }
}

static enum err_code room_leave(struct backup_packs *p, struct slot *slot, struct err *e)
{
    bool is_ready;

    pthread_mutex_lock(&p->lock);
    is_ready = --slot->writers == 0 && slot->is_closed;
    pthread_mutex_unlock(&p->lock);
    return is_ready ? submit(p, slot, e) : ERR_OK;
}

static enum err_code add(struct backup_packs *p, const struct frame_payload *payload, struct index_chunk *c,
                         struct err *e)
{
    struct slot *slot;

    if (room_take(p, payload->len, c, &slot, e) != ERR_OK || pack_fill(slot->pack, c, payload, e) != ERR_OK)
        return e->code; /* with a writer left in it, a pack with a hole is never stored */
    return room_leave(p, slot, e);
}

enum err_code backup_packs_add(struct backup_packs *p, const struct frame_payload *payload,
                               struct index_chunk *c, struct err *e)
{
    if (add(p, payload, c, e) == ERR_OK)
        return ERR_OK;
    fail(p, e);
    return e->code;
}

enum err_code backup_packs_flush(struct backup_packs *p, struct err *e)
{
    struct slot *ready = NULL;

    pthread_mutex_lock(&p->lock);
    if (p->open != NULL)
        close_open(p, &ready);
    pthread_mutex_unlock(&p->lock);
    if (ready != NULL && submit(p, ready, e) != ERR_OK)
        return e->code;
    if (pool_wait(p->uploads, e) != ERR_OK)
        return e->code;
    pthread_mutex_lock(
        &p->lock); /* a writer that failed has left a pack with a hole, which was never uploaded */
    if (p->failure.code != ERR_OK)
        *e = p->failure;
    pthread_mutex_unlock(&p->lock);
    return p->failure.code;
}

uint32_t backup_packs_count(const struct backup_packs *p)
{
    return p->packs;
}

uint64_t backup_packs_stored(const struct backup_packs *p)
{
    return p->stored;
}

size_t backup_packs_in_memory(const struct backup_packs *p)
{
    return p->slot_count;
}

enum err_code backup_packs_new(const struct backup_packs_options *o, struct backup_packs **out, struct err *e)
{
    struct backup_packs *p = calloc(1, sizeof(*p));

    assert(o->packs_max >= 2 && o->uploads >= 1);
    if (p == NULL)
        return err_nomem(e, "a list of packs");
    p->o = *o;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->has_free, NULL);
    p->slots = calloc(o->packs_max, sizeof(*p->slots));
    p->free = calloc(o->packs_max, sizeof(struct slot *));
    if (p->slots == NULL || p->free == NULL)
        err_nomem(e, "a list of packs");
    else if (pool_new(o->uploads, o->packs_max, &p->uploads, e) == ERR_OK) {
        *out = p;
        return ERR_OK;
    }
    backup_packs_free(p);
    return e->code;
}

void backup_packs_free(struct backup_packs *p)
{
    if (p == NULL)
        return;
    pool_free(p->uploads);
    for (size_t i = 0; i < p->slot_count; i++)
        pack_free(p->slots[i].pack);
    free(p->slots);
    free(p->free);
    pthread_cond_destroy(&p->has_free);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
