/*
 * in_memory.h - what the tests of the repository room share: a repository in memory that fails on request, and raw
 * access to what lies in it.
 */
#pragma once
#include "check_main.h"

#include "base/buf.h"
#include "repo/layout.h"
#include "repo/repo.h"
#include "storage/faulty.h"
#include "storage/memory.h"
#include "stream/buf_sink.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SYSTEM       UINT64_C(0x6789abcdef012345)
#define OTHER_SYSTEM UINT64_C(0x7000000000000001)
#define RAW_MAX      ((size_t) 64 << 20)

/* Stop the test unless the call succeeds; needs a `struct err e`. */
#define OK(call)                                   \
    do {                                           \
        if ((call) != ERR_OK)                      \
            ck_abort_msg("%s: %s", #call, e.text); \
    } while (0)

/* An error some earlier call left behind: a success after it must be one all the same. */
#define ERR_STALE ((struct err){.code = ERR_IO, .text = "left by an earlier call"})

static struct repo repo;
static struct layout layout;

/* For checked fixtures: repository "test", cluster "main", no keys. */
static inline void repo_set_up(void)
{
    struct err e = ERR_NONE;
    struct store *inner;

    repo = (struct repo){.name = strdup("test"), .codec = CODEC_LZ4};
    OK(memory_store_new(&inner, &e));
    OK(faulty_store_new(inner, &repo.store, &e));
    OK(layout_init(&layout, "main", SYSTEM, &e));
}

static inline void repo_tear_down(void)
{
    store_free(repo.store);
    recipients_clear(&repo.recipients);
    identities_clear(&repo.identities);
    free(repo.name);
}

/* Suite with the fixture above. */
static inline Suite *suite_in_memory(const char *name, const TTest *const *tests, size_t count)
{
    return suite_between(name, repo_set_up, repo_tear_down, tests, count);
}

/* Let the next call at this point fail, once. */
static inline void fail_next(enum faulty_point at, enum err_code kind)
{
    faulty_fail(repo.store, &(struct faulty_plan){.at = at, .kind = kind});
}

/* A new key pair, as the only recipient and, with readable, the only identity. */
static inline void use_new_key(bool readable)
{
    struct err e = ERR_NONE;
    struct identity id;
    char text[KEY_TEXT_MAX];
    struct recipient to;

    recipients_clear(&repo.recipients);
    identities_clear(&repo.identities);
    OK(identity_generate(&id, &e));
    memcpy(to.public_key, id.public_key, KEY_BYTES);
    recipient_format(&to, text);
    OK(recipients_parse(text, "test", &repo.recipients, &e));
    identity_format(&id, text);
    if (readable)
        OK(identities_parse(text, "test", &repo.identities, &e));
}

static inline void raw_get(const char *key, struct buf *out)
{
    struct err e = ERR_NONE;
    struct sink *to;

    buf_reset(out);
    OK(buf_sink_new(out, &to, &e));
    OK(store_get(repo.store, key, NULL, to, NULL, &e));
    sink_free(to);
}

/* Whatever was there is replaced. */
static inline void raw_put(const char *key, const void *bytes, size_t len)
{
    struct err e = ERR_NONE;

    OK(store_remove(repo.store, key, &e));
    OK(store_put(repo.store, key, bytes, len, &e));
}

static inline void raw_text(const char *key, const char *text)
{
    raw_put(key, text, strlen(text));
}

static inline uint64_t requests(void)
{
    return repo.store->requests;
}

/* The next of a fixed sequence of numbers, for mutations that are the same on every run. */
static inline uint64_t next_number(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}
