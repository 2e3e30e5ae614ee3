/*
 * base/backoff.c - see base/backoff.h. All sums saturate: a caller may say INT64_MAX for "no limit".
 */
#include "base/backoff.h"

#include "base/rng.h"

static int64_t us_of_ms(int64_t ms)
{
    return ms > INT64_MAX / 1000 ? INT64_MAX : ms * 1000;
}

static int64_t add_saturating(int64_t a, int64_t b)
{
    return a > INT64_MAX - b ? INT64_MAX : a + b;
}

void backoff_init(struct backoff *b, const struct clock *clock, int64_t base_ms, int64_t cap_ms,
                  int64_t budget_ms)
{
    *b = (struct backoff){
        .clock = clock,
        .random_below = rng_below,
        .base_us = us_of_ms(base_ms),
        .cap_us = us_of_ms(cap_ms),
        .deadline_us = add_saturating(clock_mono_us(clock), us_of_ms(budget_ms)),
    };
}

/* min(cap, base * 2^tries) */
static int64_t ceiling_us(const struct backoff *b)
{
    int64_t ceiling = b->base_us < b->cap_us ? b->base_us : b->cap_us;

    for (unsigned i = 0; i < b->tries && ceiling < b->cap_us && ceiling > 0; i++)
        ceiling = ceiling > b->cap_us / 2 ? b->cap_us : ceiling * 2;
    return ceiling;
}

bool backoff_wait(struct backoff *b, int64_t at_least_ms)
{
    int64_t wait_us = (int64_t) b->random_below((uint64_t) ceiling_us(b) + 1);

    if (wait_us < us_of_ms(at_least_ms))
        wait_us = us_of_ms(at_least_ms);
    if (add_saturating(clock_mono_us(b->clock), wait_us) >= b->deadline_us)
        return false;
    clock_sleep_us(b->clock, wait_us);
    b->tries++;
    return true;
}
