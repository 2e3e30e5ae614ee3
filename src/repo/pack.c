/*
 * repo/pack.c - see repo/pack.h.
 *
 * Writing   a frame's length is known once its payload is compressed, so its room is taken then, and sealing can go on in
 *           several rooms at once.
 * Reading   the wanted chunks, sorted by offset, are cut into ranges: two neighbours closer than JOIN_GAP_BYTES share
 *           one. The first range begins at 0, for the descriptor with its wrapped key lies there; when the first chunk is
 *           far from the front, the descriptor is fetched by itself.
 */
#include "repo/pack.h"

#include "base/grow.h"
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

void pack_name(const char *backup_id, uint32_t number, char out[PACK_NAME_MAX])
{
    (void) snprintf(out, PACK_NAME_MAX, "%s/pack-%06" PRIu32, backup_id, number);
}

/* Behind the data frames come table and footer; the table is compressed in place, which may take more than it has. */
static size_t tail_room(size_t frames)
{
    return 4 * frames + frames / 32 + 4096;
}

struct pack {
    struct pack_options o;
    struct buf object; /* never moves: all its memory is taken at once */
    struct frame_seal seal;
    uint32_t number;
    uint32_t *lengths; /* of the frames */
    size_t count, room;
};

enum err_code pack_new(const struct pack_options *o, struct pack **out, struct err *e)
{
    struct pack *p = calloc(1, sizeof(*p));
    size_t least = DESCRIPTOR_HEAD + DESCRIPTOR_JSON_MAX + FRAME_HEAD + (size_t) o->frame_plain_max +
                   FRAME_TAG_MAX + tail_room(1);

    if (p == NULL)
        return err_nomem(e, "a pack");
    p->o = *o;
    buf_init(&p->object, o->max_bytes > least ? o->max_bytes : least);
    if (buf_reserve(&p->object, p->object.max, e) != ERR_OK) {
        pack_free(p);
        return e->code;
    }
    *out = p;
    return ERR_OK;
}

void pack_free(struct pack *p)
{
    if (p == NULL)
        return;
    secret_wipe(&p->seal, sizeof(p->seal));
    buf_clear(&p->object);
    free(p->lengths);
    free(p);
}

enum err_code pack_begin(struct pack *p, uint32_t number, struct err *e)
{
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    char name[PACK_NAME_MAX];

    buf_reset(&p->object);
    p->count = 0;
    p->number = number;
    pack_name(p->o.backup_id, number, name);
    return object_describe_new(p->o.repo, "pack", name, &d, e) == ERR_OK
               ? seal_begin(&d, &p->o.repo->recipients, &p->seal, &p->object, e)
               : e->code;
}

enum err_code pack_reserve(struct pack *p, uint32_t len, struct index_chunk *c, bool *has_room, struct err *e)
{
    size_t whole = frame_whole(&p->seal, len);

    *has_room = p->count == 0 || (p->count < FRAME_COUNT_MAX &&
                                  p->object.len + whole + tail_room(p->count + 1) <= p->o.max_bytes);
    if (!*has_room)
        return ERR_OK;
    if (grow(&p->lengths, p->count, &p->room, sizeof(*p->lengths), "a frame table", e) != ERR_OK)
        return e->code;
    c->pack = p->number;
    c->frame = (uint32_t) p->count;
    c->offset = p->object.len;
    c->stored = (uint32_t) whole;
    p->lengths[p->count++] = c->stored;
    p->object.len += whole;
    return ERR_OK;
}

enum err_code pack_fill(struct pack *p, const struct index_chunk *c, const struct frame_payload *payload,
                        struct err *e)
{
    return frame_seal_payload(&p->seal, c->frame, payload, p->object.data + c->offset, e);
}

enum err_code pack_store(struct pack *p, uint64_t *stored, struct err *e)
{
    char key[STORE_KEY_MAX + 1];

    layout_backup_pack(p->o.layout, p->o.backup_id, p->number, key);
    if (frame_table_write(&p->seal, p->lengths, p->count, &p->object, e) != ERR_OK)
        return e->code;
    *stored = p->object.len;
    return object_put_own(p->o.repo, key, p->object.data, p->object.len, e);
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
    char key[STORE_KEY_MAX + 1], name[PACK_NAME_MAX];
    struct pack_reader p = {.repo = r, .key = key, .name = name};
    enum err_code code;

    if (count == 0)
        return ERR_OK;
    layout_backup_pack(l, backup_id, number, key);
    pack_name(backup_id, number, name);
    buf_init(&p.range, PACK_OBJECT_MAX);
    buf_init(&p.plain, FRAME_PLAIN_MAX);
    qsort(wants, count, sizeof(*wants), by_offset);
    code = read_wants(&p, wants, count, deliver, arg, e);
    secret_wipe(&p.seal, sizeof(p.seal));
    buf_clear(&p.range);
    buf_clear(&p.plain);
    return code == ERR_OK || p.is_refused ? code : err_while(e, "reading object \"%s\"", key);
}
