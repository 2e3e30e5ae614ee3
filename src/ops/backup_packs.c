/*
 * ops/backup_packs.c - see ops/backup_packs.h.
 */
#include "ops/backup_packs.h"

#include "base/grow.h"
#include "base/pool.h"
#include "codec/frame.h"

#include <stdlib.h>
#include <string.h>

/* One pack, from being filled to being stored. The worker owns it until it is stored; then only the places stay. */
struct pack {
    const struct backup_packs_options *o;
    uint32_t number;
    uint8_t *plain; /* freed when stored */
    size_t filled;
    uint32_t *lengths; /* likewise */
    size_t count, room;
    struct pack_place *places;
    uint64_t stored;
};

struct backup_packs {
    struct backup_packs_options o;
    struct pool *pool;
    struct pack *open;  /* being filled; NULL = none */
    struct pack **list; /* by number: handed over or stored */
    size_t count;
};

static void pack_free(struct pack *p)
{
    if (p == NULL)
        return;
    free(p->plain);
    free(p->lengths);
    free(p->places);
    free(p);
}

static enum err_code pack_open(struct backup_packs *s, struct err *e)
{
    struct pack *p;

    if (s->count > LAYOUT_PACK_MAX) {
        err_set(e, ERR_REFUSED, "a backup can't have more than %d packs", LAYOUT_PACK_MAX + 1);
        return err_hint(e, "Set a larger pack-size.");
    }
    p = calloc(1, sizeof(*p));
    if (p == NULL || (p->plain = malloc((size_t) s->o.pack_bytes + s->o.chunk_bytes)) == NULL) {
        pack_free(p);
        return err_nomem(e, "a pack");
    }
    p->o = &s->o;
    p->number = (uint32_t) s->count;
    s->open = p;
    return ERR_OK;
}

static enum err_code pack_job(void *arg, struct err *e)
{
    struct pack *p = arg;

    if (pack_write(p->o->repo, p->o->layout, p->o->backup_id, p->number, p->plain, p->lengths, p->count,
                   p->places, &p->stored, e) != ERR_OK)
        return e->code;
    free(p->plain);
    free(p->lengths);
    p->plain = NULL;
    p->lengths = NULL;
    return ERR_OK;
}

/* Hand the open pack to a worker. It stays in the list, which outlives the workers. */
static enum err_code pack_submit(struct backup_packs *s, struct err *e)
{
    struct pack *p = s->open;
    struct pack **grown;
    struct pool_job job = {pack_job, NULL, p};

    if (p == NULL)
        return ERR_OK;
    grown = reallocarray(s->list, s->count + 1, sizeof(struct pack *));
    if (grown == NULL)
        return err_nomem(e, "a list of packs");
    s->list = grown;
    if ((p->places = calloc(p->count, sizeof(*p->places))) == NULL)
        return err_nomem(e, "a pack");
    s->list[s->count++] = p;
    s->open = NULL;
    return pool_submit(s->pool, &job, e);
}

enum err_code backup_packs_add(struct backup_packs *s, const uint8_t *bytes, uint32_t len,
                               struct index_chunk *c, struct err *e)
{
    struct pack *p;

    if (s->open == NULL && pack_open(s, e) != ERR_OK)
        return e->code;
    p = s->open;
    if (grow(&p->lengths, p->count, &p->room, sizeof(*p->lengths), "a pack", e) != ERR_OK)
        return e->code;
    c->pack = p->number;
    c->frame = (uint32_t) p->count;
    memcpy(p->plain + p->filled, bytes, len);
    p->filled += len;
    p->lengths[p->count++] = len;
    return p->filled >= s->o.pack_bytes || p->count == FRAME_COUNT_MAX ? pack_submit(s, e) : ERR_OK;
}

enum err_code backup_packs_flush(struct backup_packs *s, struct err *e)
{
    if (pack_submit(s, e) != ERR_OK)
        return e->code;
    return pool_wait(s->pool, e);
}

const struct pack_place *backup_packs_place(const struct backup_packs *s, uint32_t pack, uint32_t frame)
{
    return &s->list[pack]->places[frame];
}

size_t backup_packs_count(const struct backup_packs *s)
{
    return s->count;
}

uint64_t backup_packs_stored(const struct backup_packs *s)
{
    uint64_t stored = 0;

    for (size_t i = 0; i < s->count; i++)
        stored += s->list[i]->stored;
    return stored;
}

enum err_code backup_packs_new(const struct backup_packs_options *o, struct backup_packs **out, struct err *e)
{
    struct backup_packs *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return err_nomem(e, "a list of packs");
    s->o = *o;
    if (pool_new(o->jobs, 1, &s->pool, e) != ERR_OK) {
        free(s);
        return e->code;
    }
    *out = s;
    return ERR_OK;
}

void backup_packs_free(struct backup_packs *s)
{
    if (s == NULL)
        return;
    pool_free(s->pool);
    pack_free(s->open);
    for (size_t i = 0; i < s->count; i++)
        pack_free(s->list[i]);
    free(s->list);
    free(s);
}
