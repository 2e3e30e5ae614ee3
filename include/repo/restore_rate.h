/*
 * repo/restore_rate.h - how fast the last restore from a repository laid out a data directory on this host.
 *
 * <dir>/<cluster>/restore-<tag>  "<bytes> <spent> <when> <crc>", see repo/rate_file.h. Losing it costs an estimate.
 */
#pragma once
#include "repo/spool.h"
#include <stdbool.h>
#include <stdint.h>

struct restore_rate {
    uint64_t bytes;   /* plain, of all files; 0 = not measured                       */
    int64_t spent_us; /* from the first directory made until all of it was durable   */
    int64_t when_us;  /* when that was done, microseconds since 1970 UTC             */
};

/* False, and nothing measured in out, when no restore was measured here. */
bool restore_rate_read(const struct spool *s, const char *place, struct restore_rate *out);

/* A restore has succeeded. Best effort; one of no bytes or no time tells nothing. */
void restore_rate_note(const struct spool *s, const char *place, const struct restore_rate *r);
