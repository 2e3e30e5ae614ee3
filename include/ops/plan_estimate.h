/*
 * ops/plan_estimate.h - how long carrying a plan out will take, by rates that were measured. PURE.
 *
 * Restore: laying out the data directory, in proportion to the bytes of the backup. Replay: fetching and replaying its
 * WAL, in proportion to the segments, however full they are. The server's start, its checkpoint at the end and the time
 * people take are in neither. What was not measured is not known: nothing stands in for it.
 */
#pragma once
#include "ops/plan.h"
#include "repo/replay_rate.h"
#include "repo/restore_rate.h"
#include <stdbool.h>
#include <stdint.h>

struct plan_estimate {
    bool has_restore;            /* it was measured: then what follows is known */
    struct restore_rate restore; /* what it goes by                             */
    int64_t restore_us;
    bool has_replay;
    struct replay_rate replay;
    int64_t replay_us; /* with the fetching */
    int64_t fetch_us;  /* of that           */
};

/* A rate that measured nothing leaves its part unknown. A time beyond what fits is INT64_MAX / 4. */
struct plan_estimate plan_estimate(const struct plan *p, const struct restore_rate *restore,
                                   const struct replay_rate *replay);
