/*
 * base/clock.h - time as a parameter, so that tests own it.
 */
#pragma once
#include <stdint.h>

struct clock {
    int64_t (*now_us)(void *self);            /* microseconds since 1970-01-01 UTC                       */
    int64_t (*mono_us)(void *self);           /* microseconds, never steps back, no meaning but difference */
    void (*sleep_us)(void *self, int64_t us); /* at least this long, or less when a signal interrupts      */
    void *self;
};

/* The machine's clock. */
extern const struct clock clock_system;

int64_t clock_now_us(const struct clock *c);
int64_t clock_mono_us(const struct clock *c);
void clock_sleep_us(const struct clock *c, int64_t us);
