/*
 * base/clock.c - see base/clock.h.
 */
#include "base/clock.h"

#include <time.h>

#define US_PER_SECOND 1000000

static int64_t read_clock(clockid_t id)
{
    struct timespec t = {0};

    /* Fails for an unknown clock id only; both of ours are always there. */
    (void) clock_gettime(id, &t);
    return (int64_t) t.tv_sec * US_PER_SECOND + t.tv_nsec / 1000;
}

static int64_t system_now_us(void *self)
{
    (void) self;
    return read_clock(CLOCK_REALTIME);
}

static int64_t system_mono_us(void *self)
{
    (void) self;
    return read_clock(CLOCK_MONOTONIC);
}

static void system_sleep_us(void *self, int64_t us)
{
    struct timespec t = {.tv_sec = (time_t) (us / US_PER_SECOND),
                         .tv_nsec = (long) (us % US_PER_SECOND) * 1000};

    (void) self;
    if (us > 0)
        (void) clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
}

const struct clock clock_system = {
    .now_us = system_now_us, .mono_us = system_mono_us, .sleep_us = system_sleep_us};

int64_t clock_now_us(const struct clock *c)
{
    return c->now_us(c->self);
}

int64_t clock_mono_us(const struct clock *c)
{
    return c->mono_us(c->self);
}

void clock_sleep_us(const struct clock *c, int64_t us)
{
    c->sleep_us(c->self, us);
}
