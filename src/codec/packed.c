/*
 * codec/packed.c - see codec/packed.h.
 *
 * Memory: the compressed frames, one plain frame where the writer's pieces are not frames themselves, and one frame's
 * worst case while it is compressed.
 */
#include "codec/packed.h"

#include "base/grow.h"
#include "base/secret.h"
#include "codec/seal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct packed_sink {
    struct sink base;
    struct packed *into;
    struct buf plain;   /* of a frame not yet full */
    struct buf scratch; /* of one frame, compressed */
};

static void frame_drop(struct frame_payload *f)
{
    free((void *) f->bytes);
    f->bytes = NULL;
}

void packed_clear(struct packed *p)
{
    for (size_t i = 0; i < p->count; i++)
        frame_drop(&p->frames[i]);
    free(p->frames);
    *p = (struct packed) PACKED_NONE;
}

static enum err_code keep_frame(struct packed_sink *k, const uint8_t *plain, size_t len, struct err *e)
{
    struct packed *p = k->into;
    struct frame_payload *f;
    const uint8_t *from;
    uint8_t *bytes;
    bool is_raw;

    buf_reset(&k->scratch);
    if (grow(&p->frames, p->count, &p->room, sizeof(*p->frames), "a list of frames", e) != ERR_OK ||
        codec_compress(p->codec, p->level, plain, len, &k->scratch, &is_raw, e) != ERR_OK)
        return e->code;
    f = &p->frames[p->count];
    *f = (struct frame_payload){
        .len = (uint32_t) (is_raw ? len : k->scratch.len), .plain_len = (uint32_t) len, .is_raw = is_raw};
    from = is_raw ? plain : k->scratch.data;
    bytes = malloc(f->len);
    if (bytes == NULL)
        return err_nomem(e, "a frame");
    memcpy(bytes, from, f->len);
    f->bytes = bytes;
    p->count++;
    p->plain_bytes += len;
    p->kept_bytes += f->len;
    return ERR_OK;
}

static enum err_code keep_gathered(struct packed_sink *k, struct err *e)
{
    if (keep_frame(k, k->plain.data, k->plain.len, e) != ERR_OK)
        return e->code;
    buf_reset(&k->plain);
    return ERR_OK;
}

/* A frame that lies whole in the writer's bytes is compressed from there; otherwise it is gathered first. */
static enum err_code packed_write(struct sink *s, const void *bytes, size_t len, struct err *e)
{
    struct packed_sink *k = (struct packed_sink *) s;
    const uint8_t *at = bytes;

    for (size_t left = len, part; left > 0; at += part, left -= part) {
        part = PACKED_FRAME - k->plain.len;
        if (part > left)
            part = left;
        if (part == PACKED_FRAME ? keep_frame(k, at, part, e) != ERR_OK
                                 : buf_append(&k->plain, at, part, e) != ERR_OK)
            return e->code;
        if (k->plain.len == PACKED_FRAME && keep_gathered(k, e) != ERR_OK)
            return e->code;
    }
    return s->next == NULL ? ERR_OK : sink_write(s->next, bytes, len, e);
}

static enum err_code packed_finish(struct sink *s, struct err *e)
{
    struct packed_sink *k = (struct packed_sink *) s;

    if (k->plain.len > 0 && keep_gathered(k, e) != ERR_OK)
        return e->code;
    return sink_finish(s->next, e);
}

static void packed_free(struct sink *s)
{
    struct packed_sink *k = (struct packed_sink *) s;

    buf_clear(&k->plain);
    buf_clear(&k->scratch);
    free(k);
}

static const struct sink_ops packed_ops = {packed_write, packed_finish, packed_free};

enum err_code packed_sink_new(struct packed *p, enum codec codec, int level, struct sink *next,
                              struct sink **out, struct err *e)
{
    struct packed_sink *k = calloc(1, sizeof(*k));

    if (k == NULL) {
        sink_free(next);
        return err_nomem(e, "a packing stage");
    }
    p->codec = codec;
    p->level = level;
    k->base = (struct sink){&packed_ops, next};
    k->into = p;
    buf_init(&k->plain, PACKED_FRAME);
    buf_init(&k->scratch, PACKED_FRAME);
    *out = &k->base;
    return ERR_OK;
}

uint64_t packed_sealed_most(const struct packed *p)
{
    const uint64_t per_frame = FRAME_HEAD + FRAME_TAG_MAX + sizeof(uint32_t); /* the last: in the table */

    return p->kept_bytes + (p->count + 1) * per_frame + SEAL_FOOTER + DESCRIPTOR_HEAD + 8192;
}

static enum err_code write_frames(const struct packed *p, const struct frame_seal *seal, struct buf *sealed,
                                  uint32_t *lengths, struct sink *to, struct err *e)
{
    for (size_t i = 0; i < p->count; i++) {
        buf_reset(sealed);
        if (frame_write_payload(seal, i, &p->frames[i], sealed, e) != ERR_OK)
            return e->code;
        lengths[i] = (uint32_t) sealed->len;
        if (sink_write(to, sealed->data, sealed->len, e) != ERR_OK)
            return e->code;
        if (p->is_spent)
            frame_drop(&p->frames[i]);
    }
    buf_reset(sealed);
    if (frame_table_write(seal, lengths, p->count, sealed, e) != ERR_OK ||
        sink_write(to, sealed->data, sealed->len, e) != ERR_OK)
        return e->code;
    return sink_finish(to, e);
}

enum err_code packed_seal(const struct packed *p, struct descriptor *d, const struct recipients *to_whom,
                          struct sink *to, struct err *e)
{
    CLEANUP(buf_clear)
    struct buf sealed = BUF_INIT((size_t) FRAME_HEAD + FRAME_PLAIN_MAX + FRAME_TAG_MAX + SEAL_FOOTER);
    struct frame_seal seal = {.encrypted = false};
    uint32_t *lengths;
    enum err_code code;

    if (!d->sized || d->size != p->plain_bytes)
        return err_set(e, ERR_CORRUPT,
                       "stream to seal has %" PRIu64 " bytes instead of the %" PRIu64 " promised",
                       p->plain_bytes, d->size);
    d->codec = p->codec;
    d->level = p->level;
    d->frame_bytes = PACKED_FRAME;
    lengths = calloc(p->count + 1, sizeof(*lengths));
    if (lengths == NULL)
        return err_nomem(e, "a frame table");
    code = seal_begin(d, to_whom, &seal, &sealed, e);
    if (code == ERR_OK)
        code = sink_write(to, sealed.data, sealed.len, e);
    if (code == ERR_OK)
        code = write_frames(p, &seal, &sealed, lengths, to, e);
    secret_wipe(&seal, sizeof(seal));
    free(lengths);
    return code;
}
