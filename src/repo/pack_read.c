/*
 * repo/pack_read.c - see repo/pack_read.h.
 *
 * The reader is the end of a download. It knows where in the object it stands: first come the bytes of the
 * descriptor, which open the pack, then holes, which pass, and frames. A frame that lies whole in the store's bytes is
 * opened there, any other is gathered first. The chunk goes to the receiver before the next byte is taken, so a slow
 * disk slows the download, and nothing piles up.
 */
#include "repo/pack_read.h"

#include "base/secret.h"
#include "codec/frame.h"
#include "codec/unseal.h"
#include "repo/object.h"
#include "repo/pack.h"

#include <inttypes.h>
#include <string.h>

#define FRAME_MAX ((size_t) FRAME_HEAD + FRAME_PLAIN_MAX + FRAME_TAG_MAX)

struct pack_reader {
    struct sink base;
    struct repo *repo;
    const char *key;
    const char *name;
    uint64_t at;      /* where in the object the next byte lies      */
    struct buf front; /* the descriptor, as far as it is here …      */
    size_t need;      /* … and how long it is, as far as that is known */
    bool is_open;
    struct frame_seal seal;
    const struct pack_want *wants; /* still to come in this range */
    size_t count;
    struct buf frame; /* the begin of one */
    struct buf plain;
    pack_deliver *deliver;
    void *arg;
    bool is_refused; /* the receiver failed: its error, about its own disk, not about the object */
};

static size_t at_most(uint64_t wanted, size_t len)
{
    return wanted < len ? (size_t) wanted : len;
}

/* ---- the descriptor ---- */

static enum err_code open_pack(struct pack_reader *p, struct err *e)
{
    CLEANUP(descriptor_clear) struct descriptor d = {0};

    if (unseal_begin(p->front.data, p->front.len, &p->repo->identities, &d, &p->seal, e) != ERR_OK)
        return e->code;
    if (strcmp(d.kind, "pack") != 0 || strcmp(d.name, p->name) != 0)
        return err_set(e, ERR_CORRUPT, "the object says it is %s \"%s\", not pack \"%s\"", d.kind, d.name,
                       p->name);
    if (object_check_sealed(p->repo, &d, e) != ERR_OK)
        return e->code;
    p->is_open = true;
    return ERR_OK;
}

static enum err_code take_front(struct pack_reader *p, const uint8_t *bytes, size_t len, size_t *took,
                                struct err *e)
{
    *took = at_most(p->need - p->front.len, len);
    if (buf_append(&p->front, bytes, *took, e) != ERR_OK)
        return e->code;
    if (p->front.len < p->need)
        return ERR_OK;
    if (p->need == DESCRIPTOR_HEAD) /* only measured: its bytes are also the beginning of the descriptor */
        return descriptor_length(p->front.data, &p->need, e);
    return open_pack(p, e);
}

/* ---- the frames ---- */

static enum err_code deliver_chunk(struct pack_reader *p, const struct pack_want *w, const uint8_t *frame,
                                   struct err *e)
{
    uint8_t digest[SHA256_BYTES];

    buf_reset(&p->plain);
    if (frame_read(&p->seal, w->frame, 0, frame, w->stored, &p->plain, e) != ERR_OK ||
        sha256(p->plain.data, p->plain.len, digest, e) != ERR_OK)
        return err_while(e, "frame %" PRIu32, w->frame);
    if (p->plain.len != w->length || memcmp(digest, w->sha256, SHA256_BYTES) != 0)
        return err_set(e, ERR_CORRUPT, "frame %" PRIu32 " is not the chunk the index promises", w->frame);
    if (p->deliver(w, p->plain.data, p->plain.len, p->arg, e) == ERR_OK)
        return ERR_OK;
    p->is_refused = true;
    return e->code;
}

/* A frame is here. More than one file may want it. */
static enum err_code deliver_all(struct pack_reader *p, const uint8_t *frame, struct err *e)
{
    const struct pack_want *first = p->wants;

    do {
        if (deliver_chunk(p, p->wants, frame, e) != ERR_OK)
            return e->code;
        p->wants++;
        p->count--;
    } while (p->count > 0 && p->wants->offset == first->offset && p->wants->stored == first->stored);
    return ERR_OK;
}

static enum err_code take_frame(struct pack_reader *p, const uint8_t *bytes, size_t len, size_t *took,
                                struct err *e)
{
    size_t whole = p->wants->stored;

    if (p->frame.len == 0 && len >= whole) {
        *took = whole;
        return deliver_all(p, bytes, e);
    }
    *took = at_most(whole - p->frame.len, len);
    if (buf_append(&p->frame, bytes, *took, e) != ERR_OK)
        return e->code;
    if (p->frame.len < whole)
        return ERR_OK;
    if (deliver_all(p, p->frame.data, e) != ERR_OK)
        return e->code;
    buf_reset(&p->frame);
    return ERR_OK;
}

static enum err_code take_wanted(struct pack_reader *p, const uint8_t *bytes, size_t len, size_t *took,
                                 struct err *e)
{
    const struct pack_want *w = p->wants;

    if (p->frame.len > 0 || p->at == w->offset)
        return take_frame(p, bytes, len, took, e);
    if (p->at > w->offset)
        return err_set(e, ERR_CORRUPT, "frame %" PRIu32 " does not lie behind what is before it", w->frame);
    *took = at_most(w->offset - p->at, len);
    return ERR_OK;
}

static enum err_code reader_write(struct sink *s, const void *bytes, size_t len, struct err *e)
{
    struct pack_reader *p = (struct pack_reader *) s;
    const uint8_t *at = bytes;

    while (len > 0) {
        size_t took = len;
        enum err_code code = ERR_OK;

        if (!p->is_open)
            code = take_front(p, at, len, &took, e);
        else if (p->count > 0)
            code = take_wanted(p, at, len, &took, e);
        if (code != ERR_OK)
            return code;
        at += took;
        len -= took;
        p->at += took;
    }
    return ERR_OK;
}

static enum err_code reader_finish(struct sink *s, struct err *e)
{
    (void) s;
    (void) e;
    return ERR_OK;
}

static void reader_free(struct sink *s)
{
    (void) s;
}

static const struct sink_ops reader_ops = {reader_write, reader_finish, reader_free};

/* ---- the requests ---- */

static enum err_code fetch(struct pack_reader *p, uint64_t begin, uint64_t end, struct err *e)
{
    struct store_range range = {begin, end - begin};

    p->at = begin;
    return store_get(p->repo->store, p->key, &range, &p->base, NULL, e);
}

static enum err_code check_open(const struct pack_reader *p, struct err *e)
{
    return p->is_open ? ERR_OK
                      : err_set(e, ERR_CORRUPT, "the object ends inside its descriptor, after %zu bytes",
                                p->front.len);
}

/* The descriptor alone. What of the first bytes lies behind it nobody wants. */
static enum err_code fetch_front(struct pack_reader *p, struct err *e)
{
    if (fetch(p, 0, DESCRIPTOR_FIRST_GET, e) != ERR_OK)
        return e->code;
    if (!p->is_open && p->front.len == DESCRIPTOR_FIRST_GET && fetch(p, p->front.len, p->need, e) != ERR_OK)
        return e->code;
    return check_open(p, e);
}

static enum err_code fetch_wanted(struct pack_reader *p, const struct pack_want *wants, struct pack_range r,
                                  struct err *e)
{
    if (r.begin > 0 && !p->is_open && fetch_front(p, e) != ERR_OK)
        return e->code;
    p->wants = wants;
    p->count = r.count;
    if (fetch(p, r.begin, r.end, e) != ERR_OK || check_open(p, e) != ERR_OK)
        return e->code;
    return p->count == 0 ? ERR_OK
                         : err_set(e, ERR_CORRUPT, "the object ends before frame %" PRIu32, p->wants->frame);
}

static enum err_code check_wants(const struct pack_want *wants, size_t count, struct err *e)
{
    for (size_t i = 0; i < count; i++)
        if (wants[i].stored > FRAME_MAX)
            return err_set(e, ERR_CORRUPT, "frame %" PRIu32 " can't have %" PRIu32 " bytes", wants[i].frame,
                           wants[i].stored);
    return ERR_OK;
}

static enum err_code read_wants(struct pack_reader *p, const struct pack_want *wants, size_t count,
                                struct err *e)
{
    if (check_wants(wants, count, e) != ERR_OK)
        return e->code;
    while (count > 0) {
        struct pack_range r = pack_range_first(wants, count);

        if (fetch_wanted(p, wants, r, e) != ERR_OK)
            return e->code;
        wants += r.count;
        count -= r.count;
    }
    return ERR_OK;
}

enum err_code pack_read(struct repo *r, const struct layout *l, const char *backup_id, uint32_t number,
                        struct pack_want *wants, size_t count, pack_deliver *deliver, void *arg,
                        struct err *e)
{
    char key[STORE_KEY_MAX + 1], name[PACK_NAME_MAX];
    struct pack_reader p = {.base.ops = &reader_ops,
                            .repo = r,
                            .key = key,
                            .name = name,
                            .need = DESCRIPTOR_HEAD,
                            .deliver = deliver,
                            .arg = arg};
    enum err_code code;

    layout_backup_pack(l, backup_id, number, key);
    pack_name(backup_id, number, name);
    buf_init(&p.front, DESCRIPTOR_HEAD + DESCRIPTOR_JSON_MAX + 4);
    buf_init(&p.frame, FRAME_MAX);
    buf_init(&p.plain, FRAME_PLAIN_MAX);
    pack_wants_sort(wants, count);
    code = read_wants(&p, wants, count, e);
    secret_wipe(&p.seal, sizeof(p.seal));
    buf_clear(&p.front);
    buf_clear(&p.frame);
    buf_clear(&p.plain);
    return code == ERR_OK || p.is_refused ? code : err_while(e, "reading object \"%s\"", key);
}
