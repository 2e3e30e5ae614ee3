/*
 * ops/plan_estimate.c - see ops/plan_estimate.h.
 */
#include "ops/plan_estimate.h"

#define LONGEST_US (INT64_MAX / 4)

/* How long `wanted` takes where `measured` took us. */
static int64_t in_proportion(uint64_t wanted, uint64_t measured, int64_t us)
{
    double time_us = (double) wanted / (double) measured * (double) us;

    return time_us < (double) LONGEST_US ? (int64_t) time_us : LONGEST_US;
}

struct plan_estimate plan_estimate(const struct plan *p, const struct restore_rate *restore,
                                   const struct replay_rate *replay)
{
    struct plan_estimate e = {.has_restore = restore->bytes > 0 && restore->spent_us > 0,
                              .has_replay = replay->segments > 0};

    if (e.has_restore) {
        e.restore = *restore;
        e.restore_us = in_proportion(p->backup->data_bytes, restore->bytes, restore->spent_us);
    }
    if (e.has_replay) {
        e.replay = *replay;
        e.fetch_us = in_proportion(p->wal_segments, replay->segments, replay->fetch_us);
        e.replay_us = e.fetch_us + in_proportion(p->wal_segments, replay->segments, replay->replay_us);
    }
    return e;
}
