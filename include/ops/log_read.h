/*
 * ops/log_read.h - the segments of a log, read one behind the other, and what is told where that can't be done.
 *
 * A stretch is read with one scan. A missing or damaged segment ends it, and so does its reader who skips segments;
 * behind begins another that knows nothing of before.
 */
#pragma once
#include "ops/log_range.h"
#include "pg/walscan.h"

/* Why segments are not told of. */
struct log_hole {
    char first[WALFILE_NAME_MAX];
    char last[WALFILE_NAME_MAX];
    uint64_t segments;
    const char *damage; /* what is wrong with the one segment; NULL = missing */
};

/* Each may fail, which ends the reading. */
struct log_read_calls {
    void (*begin)(void *arg, lsn start); /* a stretch begins */
    walscan_visit *event;
    enum err_code (*hole)(void *arg, const struct log_hole *hole, struct err *e); /* in the range */
    void *arg;
};

/* Embedded by value; all but scan is borrowed. */
struct log_read {
    const struct log_source *source;
    const struct log_range *range;
    struct log_read_calls calls;
    struct walscan *scan; /* NULL between stretches */
    uint64_t told_to;     /* holes before this segment were told */
    uint64_t missing;     /* segments, in the range */
    uint64_t damaged;
    char first_missing[WALFILE_NAME_MAX];
    char first_damaged[WALFILE_NAME_MAX];
};

/* Read segment *number, and step to the next there is to read. ERR_DENIED when no identity reads it. */
enum err_code log_read_segment(struct log_read *r, uint64_t *number, struct err *e);

/* The next segment does not go on where the last one ended. */
void log_read_break(struct log_read *r);

/* An answer with holes is not the whole answer: ERR_CORRUPT when any was damaged, ERR_REFUSED when any was missing. */
enum err_code log_read_judge(const struct log_read *r, struct err *e);
