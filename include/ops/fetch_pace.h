/*
 * ops/fetch_pace.h - how far ahead of a recovery to fetch, and how much at the same time. PURE.
 *
 * While one segment is replayed, download / replay segments have to arrive; so many are on their way at once, and about
 * twice as many lie ready or are coming. Both times are smoothed means of this very recovery. Where a call had to wait
 * all the same, the window doubles, up to its limit.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Segments ahead before anything is measured: little is lost when no recovery follows. */
#define FETCH_PACE_FIRST   3
#define FETCH_PACE_WORKERS 8 /* downloads at the same time, at most */

struct fetch_pace {
    int64_t replay_us;   /* of one segment; 0 = not measured yet */
    int64_t download_us; /* of one segment on one connection     */
    size_t width;        /* segments ahead                       */
    size_t limit;        /* of width; at least 1                 */
};

struct fetch_pace fetch_pace_new(size_t limit);

/* So many segments were handed over within elapsed_us, in which the server waited waited_us for them. */
void fetch_pace_replayed(struct fetch_pace *p, uint64_t segments, int64_t elapsed_us, int64_t waited_us);
void fetch_pace_downloaded(struct fetch_pace *p, int64_t us);

/* How many downloads at once, 1 to FETCH_PACE_WORKERS. */
size_t fetch_pace_workers(const struct fetch_pace *p);
