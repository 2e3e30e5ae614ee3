/*
 * chain.h - what the tests of repo/wal_chain.c share: a spool, and an archiver that is a process for each segment.
 */
#pragma once
#include "repo/wal_chain.h"

#include "../scratch.h"
#include "base/durable.h"
#include "in_memory.h"

#define SEGMENT (1u << 20)
#define FIRST   5u

static char scratch[SCRATCH_MAX];
static struct spool *spool;

static inline void set_up(void)
{
    struct err e = ERR_NONE;

    scratch_make(scratch);
    OK(spool_open(scratch, "main", &spool, &e));
    repo_set_up();
    repo.place = strdup("s3://bucket https://one");
}

static inline void tear_down(void)
{
    free(repo.place);
    repo_tear_down();
    spool_free(spool);
    scratch_remove(scratch);
}

static inline struct wal_facts facts_of(uint32_t timeline, unsigned number, uint32_t segment_bytes)
{
    return (struct wal_facts){.timeline = timeline,
                              .segment_bytes = segment_bytes,
                              .has_records = true,
                              .first_lsn = walseg_start(number, segment_bytes)};
}

static inline struct wal_chain *open_chain(void)
{
    struct wal_chain *c = NULL;
    struct err e = ERR_NONE;

    OK(wal_chain_new(spool, &repo, &layout, &c, &e));
    return c;
}

/* A process that pushes nothing but this one. */
static inline void push_alone(struct wal_facts *f, enum object_outcome outcome)
{
    CLEANUP(wal_chain_freep) struct wal_chain *c = open_chain();

    wal_chain_next(c, f);
    ck_assert_uint_eq(f->run_to, f->first_lsn);
    wal_chain_acknowledged(c, f, outcome);
}

/* Push a segment of timeline 1 as the archiver does: how many segments does its descriptor tell of? */
static inline unsigned push_as(unsigned number, enum object_outcome outcome)
{
    struct wal_facts f = facts_of(1, number, SEGMENT);

    push_alone(&f, outcome);
    return (unsigned) ((f.run_to - f.run_from) / SEGMENT);
}

static inline unsigned push(unsigned number)
{
    return push_as(number, OBJECT_STORED);
}

/* What a segment would tell, without pushing it. */
static inline unsigned known(uint32_t timeline, unsigned number, uint32_t segment_bytes)
{
    struct wal_facts f = facts_of(timeline, number, segment_bytes);
    CLEANUP(wal_chain_freep) struct wal_chain *c = open_chain();

    wal_chain_next(c, &f);
    return (unsigned) ((f.run_to - f.run_from) / segment_bytes);
}

static inline void push_some(void)
{
    for (unsigned n = 0; n < 4; n++)
        ck_assert_uint_eq(push(FIRST + n), n);
}

static inline void move_to(const char *place)
{
    free(repo.place);
    repo.place = strdup(place);
}

/* The first bytes of a commit record of 34 bytes: with its time in the last eight of them. */
static inline struct walcut commit_at(int64_t since_2000)
{
    struct walcut c = {.len = 34, .bytes = {34, 0, 0, 0, 9}};

    c.bytes[17] = 1; /* the transaction manager's */
    c.bytes[24] = 255;
    c.bytes[25] = 8;
    for (int i = 0; i < 8; i++)
        c.bytes[26 + i] = (uint8_t) ((uint64_t) since_2000 >> 8 * i);
    return c;
}
