/*
 * repo/pack.c - see repo/pack.h.
 *
 * Reading   the wanted chunks, sorted by offset, are cut into ranges: two neighbours closer than JOIN_GAP_BYTES share
 *           one. The first range begins at 0, for the descriptor with its wrapped key lies there; when the first chunk is
 *           far from the front, the descriptor is fetched by itself.
 */
#include "repo/pack.h"

#include "base/secret.h"
#include "codec/seal.h"
#include "codec/unseal.h"
#include "repo/object.h"
#include "stream/buf_sink.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PACK_OBJECT_MAX ((size_t) 256 << 20)
#define JOIN_GAP_BYTES  ((uint64_t) 256 << 10)

static void pack_name(const char *backup_id, uint32_t number, char *out, size_t size)
{
    (void) snprintf(out, size, "%s/pack-%06" PRIu32, backup_id, number);
}

static enum err_code build(const struct repo *r, const char *name, const uint8_t *plain,
                           const uint32_t *lengths, size_t count, struct pack_place *places,
                           struct buf *object, struct err *e)
{
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    struct frame_seal seal;
    uint32_t *wholes = calloc(count + 1, sizeof(*wholes));
    enum err_code code = ERR_OK;

    if (wholes == NULL)
        return err_nomem(e, "a frame table");
    if (object_describe_new(r, "pack", name, &d, e) != ERR_OK ||
        seal_begin(&d, &r->recipients, &seal, object, e) != ERR_OK)
        code = e->code;
    for (size_t i = 0; code == ERR_OK && i < count; i++) {
        size_t before = object->len;

        code = frame_write(&seal, i, 0, plain, lengths[i], object, e);
        places[i] = (struct pack_place){before, (uint32_t) (object->len - before)};
        wholes[i] = places[i].stored;
        plain += lengths[i];
    }
    if (code == ERR_OK)
        code = frame_table_write(&seal, wholes, count, object, e);
    secret_wipe(&seal, sizeof(seal));
    free(wholes);
    return code;
}

enum err_code pack_write(struct repo *r, const struct layout *l, const char *backup_id, uint32_t number,
                         const uint8_t *plain, const uint32_t *lengths, size_t count,
                         struct pack_place *places, uint64_t *stored, struct err *e)
{
    CLEANUP(buf_clear) struct buf object = BUF_INIT(PACK_OBJECT_MAX);
    char key[STORE_KEY_MAX + 1], name[64];

    layout_backup_pack(l, backup_id, number, key);
    pack_name(backup_id, number, name, sizeof(name));
    if (build(r, name, plain, lengths, count, places, &object, e) != ERR_OK)
        return e->code;
    *stored = object.len;
    return object_put_own(r, key, object.data, object.len, e);
}

/* An open pack, as far as its bytes have been read. */
struct pack_reader {
    struct repo *repo;
    const char *key;
    const char *name;
    struct frame_seal seal;
    bool is_open;
    struct buf range; /* the bytes at hand …           */
    uint64_t at;      /* … and where they begin in the object */
    struct buf plain;
    bool is_refused; /* the receiver failed: its error, about its own disk, not about the object */
};

static enum err_code fetch_range(struct pack_reader *p, uint64_t offset, uint64_t end, struct err *e)
{
    struct store_range range = {offset, end - offset};
    CLEANUP(sink_freep) struct sink *to = NULL;

    buf_reset(&p->range);
    p->at = offset;
    if (buf_sink_new(&p->range, &to, e) != ERR_OK ||
        store_get(p->repo->store, p->key, &range, to, NULL, e) != ERR_OK)
        return e->code;
    return ERR_OK;
}

static enum err_code open_descriptor(struct pack_reader *p, struct err *e)
{
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    size_t len;

    if (object_front(p->repo, p->key, &p->range, &len, e) != ERR_OK ||
        unseal_begin(p->range.data, len, &p->repo->identities, &d, &p->seal, e) != ERR_OK)
        return e->code;
    if (strcmp(d.kind, "pack") != 0 || strcmp(d.name, p->name) != 0)
        return err_set(e, ERR_CORRUPT, "the object says it is %s \"%s\", not pack \"%s\"", d.kind, d.name,
                       p->name);
    if (object_check_sealed(p->repo, &d, e) != ERR_OK)
        return e->code;
    p->is_open = true;
    return ERR_OK;
}

static enum err_code deliver_one(struct pack_reader *p, const struct pack_want *w, pack_deliver *deliver,
                                 void *arg, struct err *e)
{
    const struct index_chunk *c = &w->chunk;
    uint8_t digest[SHA256_BYTES];

    if (c->offset < p->at || c->offset + c->stored > p->at + p->range.len)
        return err_set(e, ERR_CORRUPT, "the object ends before frame %" PRIu32, c->frame);
    buf_reset(&p->plain);
    if (frame_read(&p->seal, c->frame, 0, p->range.data + (c->offset - p->at), c->stored, &p->plain, e) !=
            ERR_OK ||
        sha256(p->plain.data, p->plain.len, digest, e) != ERR_OK)
        return err_while(e, "frame %" PRIu32, c->frame);
    if (p->plain.len != c->length || memcmp(digest, c->sha256, SHA256_BYTES) != 0)
        return err_set(e, ERR_CORRUPT, "frame %" PRIu32 " is not the chunk the index promises", c->frame);
    if (deliver(w, p->plain.data, p->plain.len, arg, e) == ERR_OK)
        return ERR_OK;
    p->is_refused = true;
    return e->code;
}

static int by_offset(const void *a, const void *b)
{
    uint64_t x = ((const struct pack_want *) a)->chunk.offset,
             y = ((const struct pack_want *) b)->chunk.offset;

    return (x > y) - (x < y);
}

/* How many wants from the first on lie close enough to share one request. */
static size_t joined(const struct pack_want *wants, size_t count)
{
    size_t n = 1;

    while (n < count &&
           wants[n].chunk.offset <= wants[n - 1].chunk.offset + wants[n - 1].chunk.stored + JOIN_GAP_BYTES)
        n++;
    return n;
}

static enum err_code read_wants(struct pack_reader *p, struct pack_want *wants, size_t count,
                                pack_deliver *deliver, void *arg, struct err *e)
{
    while (count > 0) {
        size_t n = joined(wants, count);
        const struct index_chunk *first = &wants[0].chunk, *last = &wants[n - 1].chunk;
        bool from_front = !p->is_open && first->offset <= JOIN_GAP_BYTES;

        if (!p->is_open && !from_front &&
            (fetch_range(p, 0, DESCRIPTOR_FIRST_GET, e) != ERR_OK || open_descriptor(p, e) != ERR_OK))
            return e->code;
        if (fetch_range(p, from_front ? 0 : first->offset, last->offset + last->stored, e) != ERR_OK ||
            (from_front && open_descriptor(p, e) != ERR_OK))
            return e->code;
        for (size_t i = 0; i < n; i++)
            if (deliver_one(p, &wants[i], deliver, arg, e) != ERR_OK)
                return e->code;
        wants += n;
        count -= n;
    }
    return ERR_OK;
}

enum err_code pack_read(struct repo *r, const struct layout *l, const char *backup_id, uint32_t number,
                        struct pack_want *wants, size_t count, pack_deliver *deliver, void *arg,
                        struct err *e)
{
    char key[STORE_KEY_MAX + 1], name[64];
    struct pack_reader p = {.repo = r, .key = key, .name = name};
    enum err_code code;

    if (count == 0)
        return ERR_OK;
    layout_backup_pack(l, backup_id, number, key);
    pack_name(backup_id, number, name, sizeof(name));
    buf_init(&p.range, PACK_OBJECT_MAX);
    buf_init(&p.plain, FRAME_PLAIN_MAX);
    qsort(wants, count, sizeof(*wants), by_offset);
    code = read_wants(&p, wants, count, deliver, arg, e);
    secret_wipe(&p.seal, sizeof(p.seal));
    buf_clear(&p.range);
    buf_clear(&p.plain);
    return code == ERR_OK || p.is_refused ? code : err_while(e, "reading object \"%s\"", key);
}
