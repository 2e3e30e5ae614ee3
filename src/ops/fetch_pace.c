/*
 * ops/fetch_pace.c - see ops/fetch_pace.h.
 *
 * A mean moves a quarter of the way to each new measure: after ten of them what was before counts for a twentieth.
 */
#include "ops/fetch_pace.h"

#define MARGIN        2     /* segments beyond what the rates ask for: a checkpoint, a pause of the network */
#define WAIT_LEAST    20000 /* microseconds: a shorter wait is that of any call                             */
#define SHORTEST_US   1000
#define LONGEST_US    (INT64_C(3600) * 1000000)
#define WORKERS_LEAST 2

struct fetch_pace fetch_pace_new(size_t limit)
{
    if (limit < 1)
        limit = 1;
    return (struct fetch_pace){.width = limit < FETCH_PACE_FIRST ? limit : FETCH_PACE_FIRST, .limit = limit};
}

static int64_t within(int64_t us)
{
    return us < SHORTEST_US ? SHORTEST_US : us > LONGEST_US ? LONGEST_US : us;
}

static int64_t smooth(int64_t mean_us, int64_t us)
{
    us = within(us);
    return mean_us == 0 ? us : mean_us + (us - mean_us) / 4;
}

/* Segments that arrive one behind the other while one is replayed, rounded up; 0 where a rate is not known. */
static size_t needed(const struct fetch_pace *p)
{
    if (p->replay_us == 0 || p->download_us == 0)
        return 0;
    return (size_t) ((p->download_us + p->replay_us - 1) / p->replay_us);
}

static void widen(struct fetch_pace *p, size_t width)
{
    if (width > p->width)
        p->width = width < p->limit ? width : p->limit;
}

void fetch_pace_replayed(struct fetch_pace *p, uint64_t segments, int64_t elapsed_us, int64_t waited_us)
{
    if (segments == 0 || elapsed_us < 0)
        return;
    p->replay_us = smooth(p->replay_us, (elapsed_us - waited_us) / (int64_t) segments);
    if (waited_us > WAIT_LEAST)
        widen(p, 2 * p->width);
    widen(p, 2 * needed(p) + MARGIN);
}

void fetch_pace_downloaded(struct fetch_pace *p, int64_t us)
{
    p->download_us = smooth(p->download_us, us);
    widen(p, 2 * needed(p) + MARGIN);
}

size_t fetch_pace_workers(const struct fetch_pace *p)
{
    size_t workers = needed(p) + 1;

    if (workers < WORKERS_LEAST)
        workers = WORKERS_LEAST;
    if (workers > p->width)
        workers = p->width;
    return workers > FETCH_PACE_WORKERS ? FETCH_PACE_WORKERS : workers;
}
