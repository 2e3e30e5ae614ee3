/*
 * ops/log_buckets.h - counts of what happened, by equal spans of time. PURE but for memory.
 */
#pragma once
#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

#define LOG_BUCKETS_MAX 100000

struct log_bucket {
    uint64_t commits;
    uint64_t aborts;
    uint64_t
        drops; /* commits that let relations go, or may have: no rewrite, no truncate, indexes alone are none */
    uint64_t truncates;      /* in PostgreSQL 13 and 14 perhaps a rewrite */
    uint64_t database_drops; /* of databases and tablespaces */
    uint64_t restore_points;
    uint64_t wal_bytes; /* of WAL up to the commits of the bucket, each from the commit before */
};

/* Embedded by value; every_us is the caller's to set, all else 0 at first. */
struct log_buckets {
    int64_t every_us;
    int64_t begin_us;        /* of the first bucket: a multiple of every_us since 1970 UTC */
    struct log_bucket *list; /* owned; one behind the other, empty ones too */
    size_t count;
    size_t room;
};

/* The bucket of this moment; valid until the next call. ERR_REFUSED where there would be more than LOG_BUCKETS_MAX. */
enum err_code log_buckets_at(struct log_buckets *b, int64_t us, struct log_bucket **out, struct err *e);
void log_buckets_clear(struct log_buckets *b);

/* A minute, or ten, an hour, a day: the shortest of which some 60 are enough for so long. */
int64_t log_buckets_choose(int64_t span_us);

/* Do two moments share a bucket? */
int64_t log_buckets_floor(int64_t us, int64_t every_us);
