/*
 * codec/seal.c - see codec/seal.h.
 *
 * A frame that lies whole in the caller's bytes is sealed from there; otherwise the bytes are gathered first. Sealed
 * bytes go on frame by frame, table and footer with finish.
 */
#include "codec/seal.h"

#include "base/rng.h"
#include "base/secret.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct seal_sink {
    struct sink base;
    struct frame_seal seal;
    size_t frame_bytes;
    bool sized;
    uint64_t size;      /* promised, when sized         */
    uint64_t taken;     /* plain bytes written to us    */
    struct buf plain;   /* of a frame not yet full      */
    struct buf sealed;  /* of one frame, then the table */
    struct buf lengths; /* uint32_t of each frame       */
};

static enum err_code level_check(const struct descriptor *d, struct err *e)
{
    int min, max;

    codec_levels(d->codec, &min, &max);
    if (d->level == 0 || (d->level >= min && d->level <= max))
        return ERR_OK;
    return err_set(e, ERR_USAGE, "compression %s has no level %d", codec_name(d->codec), d->level);
}

static enum err_code keys_make(struct descriptor *d, const struct recipients *to, struct frame_seal *s,
                               struct err *e)
{
    d->key_count = 0;
    if (to == NULL || to->count == 0)
        return ERR_OK;
    if (to->count > WRAPPED_KEYS_MAX)
        return err_set(e, ERR_USAGE, "more than %d recipients", WRAPPED_KEYS_MAX);
    rng_bytes(s->key, sizeof(s->key));
    if (key_wrap(s->key, to, d->keys, e) != ERR_OK)
        return e->code;
    d->key_count = to->count;
    return ERR_OK;
}

enum err_code seal_begin(struct descriptor *d, const struct recipients *to, struct frame_seal *s,
                         struct buf *out, struct err *e)
{
    struct frame_seal fresh = {.codec = d->codec, .level = d->level};
    enum err_code code = level_check(d, e);

    if (code == ERR_OK)
        code = keys_make(d, to, &fresh, e);
    if (code == ERR_OK)
        code = descriptor_format(d, out, fresh.id, e);
    if (code == ERR_OK) {
        fresh.encrypted = d->key_count > 0;
        *s = fresh;
    }
    secret_wipe(&fresh, sizeof(fresh));
    return code;
}

static size_t frame_count(const struct seal_sink *k)
{
    return k->lengths.len / sizeof(uint32_t);
}

static enum err_code seal_frame(struct seal_sink *k, const void *plain, size_t len, struct err *e)
{
    uint32_t whole;

    if (frame_count(k) == FRAME_COUNT_MAX)
        return err_set(e, ERR_REFUSED, "object has more than %u frames of %zu bytes", FRAME_COUNT_MAX,
                       k->frame_bytes);
    buf_reset(&k->sealed);
    if (frame_write(&k->seal, frame_count(k), 0, plain, len, &k->sealed, e) != ERR_OK)
        return e->code;
    whole = (uint32_t) k->sealed.len;
    if (buf_append(&k->lengths, &whole, sizeof(whole), e) != ERR_OK)
        return e->code;
    return sink_write(k->base.next, k->sealed.data, k->sealed.len, e);
}

static enum err_code seal_gathered(struct seal_sink *k, struct err *e)
{
    if (seal_frame(k, k->plain.data, k->plain.len, e) != ERR_OK)
        return e->code;
    buf_reset(&k->plain);
    return ERR_OK;
}

static enum err_code seal_write(struct sink *s, const void *bytes, size_t len, struct err *e)
{
    struct seal_sink *k = (struct seal_sink *) s;
    const uint8_t *at = bytes;

    if (k->sized && len > k->size - k->taken)
        return err_set(e, ERR_CORRUPT, "stream to seal is longer than the %" PRIu64 " bytes promised",
                       k->size);
    k->taken += len;
    while (len > 0) {
        size_t part = k->frame_bytes - k->plain.len;

        if (part > len)
            part = len;
        if (part == k->frame_bytes) {
            if (seal_frame(k, at, part, e) != ERR_OK)
                return e->code;
        } else {
            if (buf_append(&k->plain, at, part, e) != ERR_OK ||
                (k->plain.len == k->frame_bytes && seal_gathered(k, e) != ERR_OK))
                return e->code;
        }
        at += part;
        len -= part;
    }
    return ERR_OK;
}

static enum err_code seal_finish(struct sink *s, struct err *e)
{
    struct seal_sink *k = (struct seal_sink *) s;
    const uint32_t *lengths;

    if (k->sized && k->taken != k->size)
        return err_set(e, ERR_CORRUPT,
                       "stream to seal has %" PRIu64 " bytes instead of the %" PRIu64 " promised", k->taken,
                       k->size);
    if (k->plain.len > 0 && seal_gathered(k, e) != ERR_OK)
        return e->code;
    lengths = (const uint32_t *) (const void *) k->lengths.data; /* malloc's memory: aligned for any type */
    buf_reset(&k->sealed);
    if (frame_table_write(&k->seal, lengths, frame_count(k), &k->sealed, e) != ERR_OK ||
        sink_write(s->next, k->sealed.data, k->sealed.len, e) != ERR_OK)
        return e->code;
    return sink_finish(s->next, e);
}

static void seal_free(struct sink *s)
{
    struct seal_sink *k = (struct seal_sink *) s;

    buf_clear(&k->plain);
    buf_clear(&k->sealed);
    buf_clear(&k->lengths);
    secret_wipe(&k->seal, sizeof(k->seal));
    free(k);
}

static const struct sink_ops seal_ops = {seal_write, seal_finish, seal_free};

enum err_code seal_sink_new(struct descriptor *d, const struct recipients *to, struct sink *next,
                            struct sink **out, struct err *e)
{
    struct seal_sink *k = calloc(1, sizeof(*k));

    if (k == NULL) {
        sink_free(next);
        return err_nomem(e, "a sealing stage");
    }
    if (d->frame_bytes == 0)
        d->frame_bytes = SEAL_FRAME_DEFAULT;
    k->base = (struct sink){&seal_ops, next};
    k->frame_bytes = d->frame_bytes;
    k->sized = d->sized;
    k->size = d->size;
    buf_init(&k->plain, d->frame_bytes);
    buf_init(&k->sealed, (size_t) FRAME_HEAD + FRAME_PLAIN_MAX + FRAME_TAG_MAX + SEAL_FOOTER);
    buf_init(&k->lengths, FRAME_COUNT_MAX * sizeof(uint32_t));
    if (seal_begin(d, to, &k->seal, &k->sealed, e) != ERR_OK ||
        sink_write(next, k->sealed.data, k->sealed.len, e) != ERR_OK) {
        sink_free(&k->base);
        return e->code;
    }
    *out = &k->base;
    return ERR_OK;
}
