/*
 * pack_sample.h - what the tests of packs share: one with chunks of many lengths, and a receiver that compares them.
 */
#pragma once
#include "codec/sha256.h"
#include "in_memory.h"
#include "repo/pack_read.h"
#include "write_pack.h"

#define ID     "20261120T021500Z-1a2b"
#define KEY    "main/6789abcdef012345/backup/" ID "/pack-000007"
#define NUMBER 7

#define CHUNKS 40
#define FULL   262144

struct sample {
    uint8_t *plain;
    uint32_t lengths[CHUNKS];
    size_t begins[CHUNKS];
    struct pack_place places[CHUNKS];
    uint64_t stored;
};

static struct sample sample;

/* Chunks of many lengths that do not compress. */
static inline void make_sample(void)
{
    uint64_t state = 88172645463325252u;
    size_t at = 0;

    sample.plain = malloc((size_t) CHUNKS * FULL);
    ck_assert_ptr_nonnull(sample.plain);
    for (size_t i = 0; i < CHUNKS; i++) {
        sample.lengths[i] = i % 7 == 3 ? 1 + (uint32_t) i : FULL;
        sample.begins[i] = at;
        for (uint32_t n = 0; n < sample.lengths[i]; n++)
            sample.plain[at++] = (uint8_t) (next_number(&state) >> 24);
    }
}

static inline void set_up(void)
{
    repo_set_up();
    make_sample();
}

static inline void tear_down(void)
{
    free(sample.plain);
    repo_tear_down();
}

static inline enum err_code write_sample(struct err *e)
{
    return pack_write(&repo, &layout, ID, NUMBER, sample.plain, sample.lengths, CHUNKS, sample.places,
                      &sample.stored, e);
}

static inline struct pack_want want(size_t i)
{
    struct pack_want w = {.length = sample.lengths[i],
                          .frame = (uint32_t) i,
                          .offset = sample.places[i].offset,
                          .stored = sample.places[i].stored,
                          .file = (uint32_t) i};
    struct err e = ERR_NONE;

    OK(sha256(sample.plain + sample.begins[i], sample.lengths[i], w.sha256, &e));
    return w;
}

struct got {
    size_t count;
    uint64_t last_offset;
    size_t fail_at; /* 0 = never */
};

static inline enum err_code deliver(const struct pack_want *w, const uint8_t *bytes, size_t len, void *arg,
                                    struct err *e)
{
    struct got *g = arg;

    if (len != w->length || memcmp(bytes, sample.plain + sample.begins[w->file], len) != 0)
        ck_abort_msg("frame %u has other bytes", w->frame);
    ck_assert_uint_ge(w->offset, g->last_offset);
    g->last_offset = w->offset;
    return ++g->count == g->fail_at ? err_set(e, ERR_IO, "disk full") : ERR_OK;
}

static inline enum err_code read_wants(struct pack_want *wants, size_t count, struct got *g, struct err *e)
{
    return pack_read(&repo, &layout, ID, NUMBER, wants, count, deliver, g, e);
}

/* Read one chunk. */
static inline enum err_code read_one(size_t i, struct err *e)
{
    struct pack_want w = want(i);
    struct got g = {0};

    return read_wants(&w, 1, &g, e);
}
