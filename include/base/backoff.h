/*
 * base/backoff.h - how long to wait before the next try, and when to stop trying.
 *
 * Full jitter: the n-th wait is uniform in [0, min(cap, base * 2^n)], so that a thousand clients that failed
 * together do not come back together. One overall budget of time bounds all tries.
 * Source    AWS Architecture Blog, "Exponential Backoff And Jitter".
 */
#pragma once
#include "base/clock.h"
#include <stdbool.h>
#include <stdint.h>

struct backoff {
    const struct clock *clock;
    uint64_t (*random_below)(uint64_t bound); /* rng_below, or a test's */
    int64_t base_us;
    int64_t cap_us;
    int64_t deadline_us; /* monotonic; no wait ends behind it */
    unsigned tries;      /* waits made so far */
};

/* budget_ms: from now; 0 = a single try. */
void backoff_init(struct backoff *b, const struct clock *clock, int64_t base_ms, int64_t cap_ms,
                  int64_t budget_ms);

/*
 * Sleep before another try; at_least_ms is a server's wish (Retry-After) or 0.
 * false, without sleeping, when the budget does not allow that wait.
 */
bool backoff_wait(struct backoff *b, int64_t at_least_ms);
