/*
 * test_clock.c - the machine's clock and one of the test's own.
 */
#include "base/clock.h"

#include "check_main.h"

#include <time.h>

START_TEST(the_system_clock_agrees_with_time)
{
    int64_t before = (int64_t) time(NULL) * 1000000;
    int64_t now = clock_now_us(&clock_system);

    ck_assert_int_ge(now, before - 1000000);
    ck_assert_int_le(now, before + 60 * INT64_C(1000000));
}
END_TEST

START_TEST(sleep_takes_at_least_its_time_and_none_when_negative)
{
    int64_t start = clock_mono_us(&clock_system);

    clock_sleep_us(&clock_system, 3000);
    ck_assert_int_ge(clock_mono_us(&clock_system), start + 3000);
    clock_sleep_us(&clock_system, 0);
    clock_sleep_us(&clock_system, INT64_MIN);
}
END_TEST

static int64_t fake_time(void *self)
{
    return *(int64_t *) self;
}

static void fake_sleep(void *self, int64_t us)
{
    *(int64_t *) self += us;
}

START_TEST(a_test_owns_the_time_it_passes)
{
    int64_t t = 5;
    const struct clock fake = {.now_us = fake_time, .mono_us = fake_time, .sleep_us = fake_sleep, .self = &t};

    clock_sleep_us(&fake, 10);
    ck_assert_int_eq(clock_now_us(&fake), 15);
    ck_assert_int_eq(clock_mono_us(&fake), 15);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {the_system_clock_agrees_with_time,
                                  sleep_takes_at_least_its_time_and_none_when_negative,
                                  a_test_owns_the_time_it_passes};

    return check_main(suite_of("base/clock", tests, sizeof(tests) / sizeof(tests[0])));
}
