/*
 * test_fetch_pace.c - how far ahead to fetch, by rates: wide enough that nobody waits, and no wider than that.
 */
#include "ops/fetch_pace.h"

#include "check_main.h"

#define MS       INT64_C(1000)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct pace_case {
    const char *why;
    int64_t replay_ms, download_ms;
    size_t limit, width, workers;
} cases[] = {
    {"replay is ten times slower", 500, 50, 16, 4, 2},
    {"as fast as the download", 50, 50, 16, 4, 2},
    {"four times faster than one download", 50, 200, 16, 10, 5},
    {"much faster than all connections together", 10, 500, 64, 64, 8},
    {"the limit is narrow", 10, 500, 4, 4, 4},
    {"the limit is one segment", 10, 500, 1, 1, 1},
    {"a replay that takes no time at all", 0, 3, 1000, 8, 4},
    {"a download that takes no time at all", 100, 0, 16, 4, 2},
};

START_TEST(width_and_downloads_follow_the_rates)
{
    const struct pace_case *c = &cases[_i];
    struct fetch_pace p = fetch_pace_new(c->limit);

    for (int i = 0; i < 100; i++) {
        fetch_pace_replayed(&p, 1, c->replay_ms * MS, 0);
        fetch_pace_downloaded(&p, c->download_ms * MS);
    }
    ck_assert_msg(p.width == c->width, "%s: width %zu", c->why, p.width);
    ck_assert_msg(fetch_pace_workers(&p) == c->workers, "%s: %zu downloads", c->why, fetch_pace_workers(&p));
}
END_TEST

START_TEST(before_anything_is_measured_the_window_is_narrow)
{
    struct fetch_pace p = fetch_pace_new(16), small = fetch_pace_new(2), none = fetch_pace_new(0);

    ck_assert_uint_eq(p.width, FETCH_PACE_FIRST);
    ck_assert_uint_eq(fetch_pace_workers(&p), 2);
    ck_assert_uint_eq(small.width, 2);
    ck_assert_uint_eq(none.width, 1);
    ck_assert_uint_eq(fetch_pace_workers(&none), 1);
}
END_TEST

START_TEST(a_call_that_had_to_wait_doubles_the_window_up_to_its_limit)
{
    struct fetch_pace p = fetch_pace_new(20);
    static const size_t expected[] = {6, 12, 20, 20};

    for (size_t i = 0; i < COUNT(expected); i++) {
        fetch_pace_replayed(&p, 1, 600 * MS, 100 * MS);
        ck_assert_uint_eq(p.width, expected[i]);
    }
    fetch_pace_replayed(&p, 1, 500 * MS, 5 * MS);
    ck_assert_uint_eq(p.width, 20);
}
END_TEST

START_TEST(waiting_is_not_taken_for_replay)
{
    struct fetch_pace p = fetch_pace_new(100);

    fetch_pace_replayed(&p, 2, 1200 * MS, 1000 * MS);
    ck_assert_int_eq(p.replay_us, 100 * MS);
}
END_TEST

START_TEST(what_can_not_be_is_no_measure)
{
    struct fetch_pace p = fetch_pace_new(100);

    fetch_pace_replayed(&p, 0, 100 * MS, 0);
    fetch_pace_replayed(&p, 1, -5, 0);
    ck_assert_int_eq(p.replay_us, 0);
    fetch_pace_replayed(&p, 1, 5 * MS, 50 * MS); /* the clocks of two calls, each rounded */
    ck_assert_int_ge(p.replay_us, 1000);
    fetch_pace_downloaded(&p, INT64_MAX);
    ck_assert_uint_le(p.width, 100);
    ck_assert_uint_le(fetch_pace_workers(&p), FETCH_PACE_WORKERS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/fetch_pace");
    TCase *tests = tcase_create("ops/fetch_pace");

    tcase_add_loop_test(tests, width_and_downloads_follow_the_rates, 0, COUNT(cases));
    tcase_add_test(tests, before_anything_is_measured_the_window_is_narrow);
    tcase_add_test(tests, a_call_that_had_to_wait_doubles_the_window_up_to_its_limit);
    tcase_add_test(tests, waiting_is_not_taken_for_replay);
    tcase_add_test(tests, what_can_not_be_is_no_measure);
    suite_add_tcase(suite, tests);
    return check_main(suite);
}
