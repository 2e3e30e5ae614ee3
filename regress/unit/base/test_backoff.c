/*
 * test_backoff.c - waits, ceilings and the budget, on a clock of the test's own.
 */
#include "base/backoff.h"

#include "check_main.h"

static int64_t now;
static int64_t slept;

static int64_t fake_now(void *self)
{
    (void) self;
    return now;
}

static void fake_sleep(void *self, int64_t us)
{
    (void) self;
    slept = us;
    now += us;
}

static const struct clock fake = {.now_us = fake_now, .mono_us = fake_now, .sleep_us = fake_sleep};

/* The longest wait that jitter allows; and the shortest. */
static uint64_t longest(uint64_t bound)
{
    return bound - 1;
}

static uint64_t shortest(uint64_t bound)
{
    (void) bound;
    return 0;
}

START_TEST(ceilings_double_up_to_the_cap)
{
    static const int64_t expected_ms[] = {100, 200, 400, 800, 1000, 1000, 1000};
    struct backoff b;

    now = 77;
    backoff_init(&b, &fake, 100, 1000, 3600000);
    b.random_below = longest;
    for (size_t i = 0; i < sizeof(expected_ms) / sizeof(expected_ms[0]); i++) {
        ck_assert(backoff_wait(&b, 0));
        ck_assert_int_eq(slept, expected_ms[i] * 1000);
        ck_assert_uint_eq(b.tries, i + 1);
    }
}
END_TEST

START_TEST(no_wait_ends_behind_the_budget)
{
    static const struct {
        int64_t budget_ms, at_least_ms;
        bool waits;
        const char *why;
    } cases[] = {
        {0, 0, false, "a single try"},
        {100, 0, false, "the wait would use up the whole budget"},
        {101, 0, true, "the wait fits"},
        {1000, 999, true, "the server's wish fits"},
        {1000, 1000, false, "the server's wish does not fit"},
        {INT64_MAX, INT64_MAX, false, "sums saturate"},
        {INT64_MAX, 5, true, "no limit"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t start = now = 1000000;
        struct backoff b;

        backoff_init(&b, &fake, 100, 1000, cases[i].budget_ms);
        b.random_below = longest;
        ck_assert_msg(backoff_wait(&b, cases[i].at_least_ms) == cases[i].waits, "%s", cases[i].why);
        ck_assert_msg((now > start) == cases[i].waits, "%s", cases[i].why);
        ck_assert_uint_eq(b.tries, cases[i].waits ? 1 : 0);
    }
}
END_TEST

START_TEST(a_single_try_never_waits_not_even_for_nothing)
{
    struct backoff b;

    backoff_init(&b, &fake, 100, 1000, 0);
    b.random_below = shortest;
    ck_assert(!backoff_wait(&b, 0));
}
END_TEST

START_TEST(the_servers_wish_is_a_lower_bound)
{
    struct backoff b;

    backoff_init(&b, &fake, 100, 1000, 60000);
    b.random_below = shortest;
    ck_assert(backoff_wait(&b, 2500));
    ck_assert_int_eq(slept, 2500000);
    b.random_below = longest;
    ck_assert(backoff_wait(&b, 1));
    ck_assert_int_eq(slept, 200000);
}
END_TEST

START_TEST(many_tries_do_not_overflow)
{
    struct backoff b;

    now = 0;
    backoff_init(&b, &fake, 1, INT64_MAX, INT64_MAX);
    b.random_below = longest;
    b.tries = 4000000000u;
    ck_assert(!backoff_wait(&b, 0));
    backoff_init(&b, &fake, 0, 1000, 1000);
    b.tries = 4000000000u;
    ck_assert(backoff_wait(&b, 0));
    ck_assert_int_eq(slept, 0);
}
END_TEST

START_TEST(jitter_is_drawn_from_the_kernel_by_default)
{
    struct backoff b;
    int64_t different = 0;

    for (int i = 0; i < 20; i++) {
        int64_t first;

        now = 0;
        backoff_init(&b, &fake, 1000, 1000, 100000);
        ck_assert(backoff_wait(&b, 0));
        first = slept;
        ck_assert_int_le(first, 1000000);
        ck_assert(backoff_wait(&b, 0));
        different += first != slept;
    }
    ck_assert_int_gt(different, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {ceilings_double_up_to_the_cap,
                                  no_wait_ends_behind_the_budget,
                                  a_single_try_never_waits_not_even_for_nothing,
                                  the_servers_wish_is_a_lower_bound,
                                  many_tries_do_not_overflow,
                                  jitter_is_drawn_from_the_kernel_by_default};

    return check_main(suite_of("base/backoff", tests, sizeof(tests) / sizeof(tests[0])));
}
