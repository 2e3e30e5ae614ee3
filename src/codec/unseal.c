/*
 * codec/unseal.c - see codec/unseal.h.
 *
 * A machine over pieces of known length: descriptor head, whole descriptor, then frame head and whole frame again and
 * again, the table being the last of them, then the footer and nothing more. A head only tells how long its piece is;
 * the piece includes it. A piece that lies whole in the caller's bytes is read there, otherwise it is gathered first,
 * so memory is bounded by one frame sealed and one plain.
 */
#include "codec/unseal.h"

#include "base/secret.h"
#include "codec/le.h"
#include "codec/sha256.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum state { IN_HEAD, IN_DESCRIPTOR, IN_FRAME_HEAD, IN_FRAME, IN_FOOTER, AT_END };

struct unseal_sink {
    struct sink base;
    const struct identities *with;
    unseal_expect *expect;
    void *arg;
    enum state state;
    size_t need;      /* length of the piece being read, as far as known */
    struct buf piece; /* gathered of it                                  */
    struct descriptor d;
    struct frame_seal seal;
    struct sink *hash;  /* of the plain bytes; NULL before the first */
    bool is_table;      /* the frame being read        */
    bool short_seen;    /* a frame that must be last   */
    uint64_t given;     /* plain bytes sent on         */
    size_t table_len;   /* whole length of the table frame */
    struct buf plain;   /* of one frame                */
    struct buf lengths; /* little-endian, of each data frame: what the table must be */
};

static enum err_code seal_from(const struct descriptor *d, const uint8_t id[SHA256_BYTES],
                               const struct identities *with, struct frame_seal *s, struct err *e)
{
    static const struct identities none;
    struct frame_seal fresh = {.encrypted = d->key_count > 0, .codec = d->codec, .level = d->level};
    enum err_code code = ERR_OK;

    memcpy(fresh.id, id, SHA256_BYTES);
    if (fresh.encrypted)
        code = key_unwrap(d->keys, d->key_count, with ? with : &none, fresh.key, e);
    if (code == ERR_OK)
        *s = fresh;
    secret_wipe(&fresh, sizeof(fresh));
    return code;
}

enum err_code unseal_begin(const uint8_t *bytes, size_t len, const struct identities *with,
                           struct descriptor *d, struct frame_seal *s, struct err *e)
{
    struct descriptor found;
    uint8_t id[SHA256_BYTES];

    if (descriptor_parse(bytes, len, &found, id, e) != ERR_OK)
        return e->code;
    if (seal_from(&found, id, with, s, e) != ERR_OK) {
        descriptor_clear(&found);
        return e->code;
    }
    *d = found;
    return ERR_OK;
}

static void expect_piece(struct unseal_sink *u, enum state state, size_t need)
{
    u->state = state;
    u->need = need;
}

static enum err_code take_head(struct unseal_sink *u, const uint8_t *bytes, struct err *e)
{
    size_t total;

    if (descriptor_length(bytes, &total, e) != ERR_OK)
        return e->code;
    expect_piece(u, IN_DESCRIPTOR, total);
    return ERR_OK;
}

static enum err_code take_descriptor(struct unseal_sink *u, const uint8_t *bytes, size_t len, struct err *e)
{
    uint8_t id[SHA256_BYTES];

    if (descriptor_parse(bytes, len, &u->d, id, e) != ERR_OK ||
        (u->expect != NULL && u->expect(&u->d, u->arg, e) != ERR_OK) ||
        seal_from(&u->d, id, u->with, &u->seal, e) != ERR_OK)
        return e->code;
    expect_piece(u, IN_FRAME_HEAD, FRAME_HEAD);
    return ERR_OK;
}

static size_t frame_count(const struct unseal_sink *u)
{
    return u->lengths.len / 4;
}

/* Would a data frame of this plain length be in its place? Known before its bytes are read. */
static enum err_code check_place(const struct unseal_sink *u, uint32_t plain_len, struct err *e)
{
    if (u->d.frame_bytes > 0 && (u->short_seen || plain_len == 0 || plain_len > u->d.frame_bytes))
        return err_set(e, ERR_CORRUPT, "frame %zu of the sealed object has a length it must not have",
                       frame_count(u));
    if (u->d.sized && plain_len > u->d.size - u->given)
        return err_set(e, ERR_CORRUPT,
                       "sealed object is longer than the %" PRIu64 " bytes its descriptor promises",
                       u->d.size);
    if (frame_count(u) == FRAME_COUNT_MAX)
        return err_set(e, ERR_CORRUPT, "sealed object has more than %u frames", FRAME_COUNT_MAX);
    return ERR_OK;
}

static enum err_code take_frame_head(struct unseal_sink *u, const uint8_t *bytes, struct err *e)
{
    uint32_t plain_len;
    unsigned flags;
    size_t whole;

    if (frame_measure(&u->seal, bytes, &whole, &plain_len, &flags, e) != ERR_OK)
        return err_while(e, "frame %zu", frame_count(u));
    u->is_table = (flags & FRAME_TABLE) != 0;
    if (u->is_table && plain_len != u->lengths.len)
        return err_set(e, ERR_CORRUPT, "sealed object has %zu frames, its table has %" PRIu32, frame_count(u),
                       plain_len / 4);
    if (!u->is_table && check_place(u, plain_len, e) != ERR_OK)
        return e->code;
    expect_piece(u, IN_FRAME, whole);
    return ERR_OK;
}

static enum err_code begin_hash(struct unseal_sink *u, struct err *e)
{
    return u->hash != NULL ? ERR_OK : sha256_sink_new(NULL, &u->hash, e);
}

static enum err_code take_data(struct unseal_sink *u, const uint8_t *bytes, size_t len, struct err *e)
{
    uint8_t entry[4];

    if (frame_read(&u->seal, frame_count(u), 0, bytes, len, &u->plain, e) != ERR_OK)
        return e->code;
    le32_put(entry, (uint32_t) len);
    if (buf_append(&u->lengths, entry, sizeof(entry), e) != ERR_OK)
        return e->code;
    u->given += u->plain.len;
    u->short_seen = u->plain.len < u->d.frame_bytes;
    if (u->d.sized &&
        (begin_hash(u, e) != ERR_OK || sink_write(u->hash, u->plain.data, u->plain.len, e) != ERR_OK))
        return e->code;
    expect_piece(u, IN_FRAME_HEAD, FRAME_HEAD);
    return sink_write(u->base.next, u->plain.data, u->plain.len, e);
}

static enum err_code take_table(struct unseal_sink *u, const uint8_t *bytes, size_t len, struct err *e)
{
    if (frame_read(&u->seal, frame_count(u), FRAME_TABLE, bytes, len, &u->plain, e) != ERR_OK)
        return e->code;
    if (u->plain.len != u->lengths.len ||
        (u->plain.len > 0 && memcmp(u->plain.data, u->lengths.data, u->plain.len) != 0))
        return err_set(e, ERR_CORRUPT, "frames of the sealed object do not match its table");
    u->table_len = len;
    expect_piece(u, IN_FOOTER, SEAL_FOOTER);
    return ERR_OK;
}

static enum err_code take_footer(struct unseal_sink *u, const uint8_t *bytes, struct err *e)
{
    size_t table_len;

    if (frame_footer_read(bytes, &table_len, e) != ERR_OK)
        return e->code;
    if (table_len != u->table_len)
        return err_set(e, ERR_CORRUPT, "footer of the sealed object does not match its table");
    expect_piece(u, AT_END, 0);
    return ERR_OK;
}

static enum err_code take_piece(struct unseal_sink *u, const uint8_t *bytes, struct err *e)
{
    switch (u->state) {
    case IN_HEAD:
        return take_head(u, bytes, e);
    case IN_DESCRIPTOR:
        return take_descriptor(u, bytes, u->need, e);
    case IN_FRAME_HEAD:
        return take_frame_head(u, bytes, e);
    case IN_FRAME:
        buf_reset(&u->plain);
        return u->is_table ? take_table(u, bytes, u->need, e) : take_data(u, bytes, u->need, e);
    case IN_FOOTER:
        return take_footer(u, bytes, e);
    case AT_END:
        break;
    }
    return err_set(e, ERR_CORRUPT, "sealed object has bytes behind its end");
}

static enum err_code unseal_write(struct sink *s, const void *bytes, size_t len, struct err *e)
{
    struct unseal_sink *u = (struct unseal_sink *) s;
    const uint8_t *at = bytes;

    while (len > 0) {
        bool gathered = u->piece.len > 0 || len < u->need;
        bool is_head = u->state == IN_HEAD || u->state == IN_FRAME_HEAD;
        size_t part = gathered && u->need - u->piece.len > len ? len : u->need - u->piece.len;

        if (gathered) {
            if (buf_append(&u->piece, at, part, e) != ERR_OK)
                return e->code;
            at += part;
            len -= part;
            if (u->piece.len < u->need)
                break;
        }
        if (take_piece(u, gathered ? u->piece.data : at, e) != ERR_OK)
            return e->code;
        if (is_head) /* only measured: its bytes are also the beginning of the piece */
            continue;
        if (gathered) {
            buf_reset(&u->piece);
        } else {
            at += part;
            len -= part;
        }
    }
    return ERR_OK;
}

static enum err_code unseal_finish(struct sink *s, struct err *e)
{
    struct unseal_sink *u = (struct unseal_sink *) s;
    uint8_t digest[SHA256_BYTES];

    if (u->state == IN_HEAD || u->state == IN_DESCRIPTOR)
        return err_set(e, ERR_CORRUPT, "sealed object is cut inside its descriptor");
    if (u->state != AT_END)
        return err_set(e, ERR_CORRUPT, "sealed object is cut after frame %zu", frame_count(u));
    if (!u->d.sized)
        return sink_finish(s->next, e);
    if (u->given != u->d.size)
        return err_set(e, ERR_CORRUPT,
                       "sealed object has %" PRIu64 " bytes, its descriptor promises %" PRIu64, u->given,
                       u->d.size);
    if (begin_hash(u, e) != ERR_OK || sink_finish(u->hash, e) != ERR_OK ||
        sha256_sink_digest(u->hash, digest, e) != ERR_OK)
        return e->code;
    if (memcmp(digest, u->d.sha256, sizeof(digest)) != 0)
        return err_set(e, ERR_CORRUPT,
                       "sealed object has other content than its descriptor promises (SHA-256)");
    return sink_finish(s->next, e);
}

static void unseal_free(struct sink *s)
{
    struct unseal_sink *u = (struct unseal_sink *) s;

    buf_clear(&u->piece);
    buf_clear(&u->plain);
    buf_clear(&u->lengths);
    descriptor_clear(&u->d);
    sink_free(u->hash);
    secret_wipe(&u->seal, sizeof(u->seal));
    free(u);
}

static const struct sink_ops unseal_ops = {unseal_write, unseal_finish, unseal_free};

enum err_code unseal_sink_new(const struct identities *with, unseal_expect *expect, void *arg,
                              struct sink *next, struct sink **out, struct err *e)
{
    struct unseal_sink *u = calloc(1, sizeof(*u));

    if (u == NULL) {
        sink_free(next);
        return err_nomem(e, "an unsealing stage");
    }
    u->base = (struct sink){&unseal_ops, next};
    u->with = with;
    u->expect = expect;
    u->arg = arg;
    expect_piece(u, IN_HEAD, DESCRIPTOR_HEAD);
    buf_init(&u->piece, (size_t) FRAME_HEAD + FRAME_PLAIN_MAX + FRAME_TAG_MAX); /* a descriptor is shorter */
    buf_init(&u->plain, FRAME_PLAIN_MAX);
    buf_init(&u->lengths, 4 * (size_t) FRAME_COUNT_MAX);
    *out = &u->base;
    return ERR_OK;
}
