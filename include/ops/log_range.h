/*
 * ops/log_range.h - from the moments a log is asked for to the segments that have to be read.
 *
 * By descriptors, in a number of requests that grows with the logarithm of the archive: a running maximum of times
 * (wal_facts.h) is bisected. Gaps and damaged descriptors are stepped over. Where the archiver's runs are broken and a
 * clock was set back between, a transaction may have the wanted time in a segment before those found.
 */
#pragma once
#include "ops/log_source.h"

#define LOG_DEFAULT_US (INT64_C(3600) * 1000000)

enum log_bound_kind { LOG_OPEN, LOG_TIME, LOG_LSN };

struct log_bound {
    enum log_bound_kind kind;
    int64_t time_us;
    lsn position;
};

struct log_range {
    struct log_bound since;
    struct log_bound until;
    bool is_default; /* since was open: it is LOG_DEFAULT_US before until, or before the newest transaction */
    uint64_t first;  /* segment numbers: what lies in the range is in these; first > last = nothing does */
    uint64_t last;
};

/* since, until: as asked for. An open `since` is settled; it stays open where the archive has no transaction. */
enum err_code log_range_find(const struct log_source *s, const struct log_bound *since,
                             const struct log_bound *until, struct log_range *out, struct err *e);

/* Is a record that starts here, at this time, in the range? */
bool log_range_has(const struct log_range *r, lsn start, int64_t time_us);
