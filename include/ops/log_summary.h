/*
 * ops/log_summary.h - how much happened in archived WAL, minute by minute.
 *
 * Counts are exact. A segment whose transactions all end in one bucket, and in which and at whose borders nothing else
 * lies that counts, is told by its descriptor; all others are read. Holes are told, and the rest is counted.
 */
#pragma once
#include "ops/log_buckets.h"
#include "ops/wal_log.h"

struct log_summary {
    struct log_buckets buckets;
    uint64_t read; /* segments; the others were told by their descriptors */
    uint64_t told;
};

/*
 * v: its begin, hole and pause are called as the log is looked through. out is to be cleared in any case; it holds what
 * was counted also where the end is ERR_REFUSED or ERR_CORRUPT for holes, as ops_wal_log has it: *any is true then.
 */
enum err_code ops_log_summary(struct cluster *c, const struct log_options *o, const struct log_visitor *v,
                              struct log_summary *out, bool *any, struct err *e);
void log_summary_clear(struct log_summary *s);
