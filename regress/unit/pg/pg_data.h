/*
 * pg_data.h - what the tests of this room share: captured files, a cheap repeatable random source, exact-
 * size copies.
 *
 * regress/data holds, by major version, the first bytes of files that real servers wrote: pg_control-
 * NN.head (296 of 8192 bytes; the rest are zeros) and walpage-NN.head (40 bytes, the header of a segment's
 * first page); and the histories of a cluster restored twice from one backup, the second time to a moment
 * before the first fork.
 */
#pragma once
#include "base/buf.h"

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Append a file of regress/data to b. */
static inline void data_read(const char *name, struct buf *b)
{
    const char *dir = getenv("PITR_TEST_DATA");
    struct err e = ERR_NONE;
    char path[4096];

    (void) snprintf(path, sizeof(path), "%s/%s", dir != NULL ? dir : "regress/data", name);
    ck_assert_msg(buf_read_file(b, path, &e) == ERR_OK, "%s", e.text);
}

/* The captured first bytes of a "pg_control" or a "walpage" of this version; len is how many there are. */
static inline void head_read(const char *file, unsigned major, uint8_t *head, size_t len)
{
    struct buf b = BUF_INIT(len);
    char name[40];

    (void) snprintf(name, sizeof(name), "%s-%u.head", file, major);
    data_read(name, &b);
    ck_assert_uint_eq(b.len, len);
    memcpy(head, b.data, len);
    buf_clear(&b);
}

/* xorshift64: the same mutations on every run. */
static inline uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* A copy in memory of just that size, so that a sanitizer sees any read beyond it. len 0: a pointer not to be read. */
static inline uint8_t *exact_copy(const void *bytes, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);

    ck_assert_ptr_nonnull(copy);
    memcpy(copy, bytes, len);
    return copy;
}
