/*
 * repo/wal_edge.h - the first and the last segment of a timeline, in few requests.
 *
 * A listing of ten million segments would take ten thousand requests. The logs (directories of 4 GiB of WAL) are asked
 * for instead: a page of them spans 4 TB, and steps that double find the last one in a number of requests that grows
 * with the logarithm of the distance.
 */
#pragma once
#include "base/err.h"
#include "repo/wal_object.h"
#include <stdbool.h>
#include <stdint.h>

/*
 * The last complete segment of the timeline at or behind segment `from`; *any is false when there is none. Gaps between
 * are not looked for.
 */
enum err_code wal_edge_last(const struct wal_place *w, uint32_t tli, uint64_t from, bool *any, uint64_t *last,
                            struct err *e);

/* Both: one request where fewer than a page of files lie there. */
enum err_code wal_edge_both(const struct wal_place *w, uint32_t tli, uint64_t from, bool *any,
                            uint64_t *first, uint64_t *last, struct err *e);

/* The first complete segment of the timeline at or behind `from`: one request; *any is false when there is none. */
enum err_code wal_edge_first(const struct wal_place *w, uint32_t tli, uint64_t from, bool *any,
                             uint64_t *first, struct err *e);
