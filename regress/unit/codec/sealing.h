/*
 * sealing.h - what the tests of the codec room share: plain texts, keys, whole objects sealed and opened at once.
 */
#pragma once
#include "check_main.h"

#include "codec/seal.h"
#include "codec/unseal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OBJECT_MAX   (64u << 20)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Stop the test unless the call succeeds; needs a `struct err e`. Cheaper in long loops than ck_assert. */
#define OK(call)                                   \
    do {                                           \
        if ((call) != ERR_OK)                      \
            ck_abort_msg("%s: %s", #call, e.text); \
    } while (0)

/* The data frames' whole lengths, little-endian, from the table frame of an object. */
static inline enum err_code table_read(const struct frame_seal *s, const uint8_t *frame, size_t len,
                                       struct buf *out, struct err *e)
{
    uint32_t plain_len;
    unsigned flags;
    size_t whole;

    if (frame_measure(s, frame, &whole, &plain_len, &flags, e) != ERR_OK)
        return e->code;
    return frame_read(s, plain_len / 4, FRAME_TABLE, frame, len, out, e);
}

/* The end of a chain: collects, and fails at call number fail_at (writes and the finish count; 0 = never). */
struct trap_sink {
    struct sink base;
    struct buf *to;
    int fail_at;
    int calls;
};

static inline enum err_code trap_step(struct trap_sink *t, struct err *e)
{
    return ++t->calls == t->fail_at ? err_set(e, ERR_IO, "call %d fails", t->calls) : ERR_OK;
}

static inline enum err_code trap_write(struct sink *s, const void *bytes, size_t len, struct err *e)
{
    struct trap_sink *t = (struct trap_sink *) s;

    return trap_step(t, e) != ERR_OK ? e->code : buf_append(t->to, bytes, len, e);
}

static inline enum err_code trap_finish(struct sink *s, struct err *e)
{
    return trap_step((struct trap_sink *) s, e);
}

static inline void trap_free(struct sink *s)
{
    free(s);
}

static inline struct sink *trap_new(struct buf *to, int fail_at)
{
    static const struct sink_ops ops = {trap_write, trap_finish, trap_free};
    struct trap_sink *t = calloc(1, sizeof(*t));

    ck_assert_ptr_nonnull(t);
    *t = (struct trap_sink){{&ops, NULL}, to, fail_at, 0};
    return &t->base;
}

static inline enum err_code push(struct sink *s, const uint8_t *bytes, size_t len, size_t chunk,
                                 struct err *e)
{
    for (size_t at = 0; at < len; at += chunk)
        if (sink_write(s, bytes + at, len - at < chunk ? len - at : chunk, e) != ERR_OK)
            return e->code;
    return sink_finish(s, e);
}

/* Text that compresses to little, or that does not compress at all; the same on every run. */
static inline uint8_t *plain_new(size_t len, bool compressible)
{
    uint8_t *p = malloc(len + 1);
    uint64_t x = 88172645463325252u;

    ck_assert_ptr_nonnull(p);
    for (size_t i = 0; i < len; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        p[i] = compressible ? (uint8_t) ("wal record "[i % 11]) : (uint8_t) (x >> 24);
    }
    return p;
}

static inline void freep(uint8_t **p)
{
    free(*p);
}

/* count key pairs, and the same ones as lists; for tests with count <= KEYS_MAX. */
#define KEYS_MAX 3
struct key_set {
    struct identity ids[KEYS_MAX];
    struct recipient publics[KEYS_MAX];
    struct recipients to;
    struct identities with;
};

static inline void key_set_init(struct key_set *k, size_t count)
{
    struct err e = ERR_NONE;

    for (size_t i = 0; i < count; i++) {
        OK(identity_generate(&k->ids[i], &e));
        memcpy(k->publics[i].public_key, k->ids[i].public_key, KEY_BYTES);
    }
    k->to = (struct recipients){k->publics, count};
    k->with = (struct identities){k->ids, count};
}

/* A descriptor for this plain text. */
static inline struct descriptor descriptor_for(enum codec codec, uint32_t frame_bytes, const void *plain,
                                               size_t len)
{
    struct descriptor d = {.kind = "wal",
                           .name = "000000010000000000000001",
                           .sized = true,
                           .size = len,
                           .codec = codec,
                           .frame_bytes = frame_bytes,
                           .origin = "host test, 2026-11-20 14:29:00+00, pitr 0.1.0"};
    struct err e = ERR_NONE;

    OK(sha256(plain, len, d.sha256, &e));
    return d;
}

static inline enum err_code seal_bytes(struct descriptor d, const struct recipients *to, const uint8_t *plain,
                                       size_t len, size_t chunk, int fail_at, struct buf *out, struct err *e)
{
    struct sink *chain;
    enum err_code code;

    if (seal_sink_new(&d, to, trap_new(out, fail_at), &chain, e) != ERR_OK)
        return e->code;
    code = push(chain, plain, len, chunk, e);
    sink_free(chain);
    return code;
}

static inline enum err_code unseal_bytes(const struct identities *with, const uint8_t *sealed, size_t len,
                                         size_t chunk, int fail_at, struct buf *out, struct err *e)
{
    struct sink *chain;
    enum err_code code;

    if (unseal_sink_new(with, NULL, NULL, trap_new(out, fail_at), &chain, e) != ERR_OK)
        return e->code;
    code = push(chain, sealed, len, chunk, e);
    sink_free(chain);
    return code;
}

/* Refused as damaged, whatever came out before. chunk is the size of the writes. */
static inline void ck_refused(const struct identities *with, const uint8_t *sealed, size_t len, size_t chunk,
                              const char *why, size_t where)
{
    CLEANUP(buf_clear) struct buf plain = BUF_INIT(OBJECT_MAX);
    struct err e = ERR_NONE;
    enum err_code code = unseal_bytes(with, sealed, len, chunk, 0, &plain, &e);

    if (code != ERR_CORRUPT)
        ck_abort_msg("%s at %zu: answered \"%s\": %s", why, where, err_kind(code), e.text);
}
