/*
 * test_plan_estimate.c - a time is what was measured in proportion, and unknown where nothing was.
 */
#include "ops/plan_estimate.h"

#include "check_main.h"

#define GIB    ((uint64_t) 1 << 30)
#define SECOND INT64_C(1000000)

static const struct restore_rate a_restore = {.bytes = GIB, .spent_us = 10 * SECOND, .when_us = 5};
static const struct replay_rate a_replay = {
    .segments = 100, .fetch_us = 20 * SECOND, .replay_us = 50 * SECOND, .when_us = 6};
static const struct restore_rate no_restore;
static const struct replay_rate no_replay;

static struct plan_estimate estimate(uint64_t bytes, uint64_t segments, const struct restore_rate *restore,
                                     const struct replay_rate *replay)
{
    struct backup_info backup = {.data_bytes = bytes};
    const struct plan plan = {.backup = &backup, .wal_segments = segments};

    return plan_estimate(&plan, restore, replay);
}

START_TEST(a_time_is_what_was_measured_in_proportion)
{
    static const struct {
        uint64_t bytes, segments;
        int64_t restore_us, fetch_us, replay_us;
    } cases[] = {
        {GIB, 100, 10 * SECOND, 20 * SECOND, 70 * SECOND},
        {GIB / 2, 1, 5 * SECOND, SECOND / 5, 7 * SECOND / 10},
        {1000 * GIB, 1000000, 10000 * SECOND, 200000 * SECOND, 700000 * SECOND},
        {0, 0, 0, 0, 0},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct plan_estimate e = estimate(cases[i].bytes, cases[i].segments, &a_restore, &a_replay);

        ck_assert(e.has_restore && e.has_replay);
        ck_assert_int_eq(e.restore_us, cases[i].restore_us);
        ck_assert_int_eq(e.fetch_us, cases[i].fetch_us);
        ck_assert_int_eq(e.replay_us, cases[i].replay_us);
        ck_assert_int_eq(e.restore.when_us, 5);
        ck_assert_int_eq(e.replay.when_us, 6);
    }
}
END_TEST

START_TEST(what_was_not_measured_is_not_known)
{
    const struct restore_rate no_time = {.bytes = GIB, .spent_us = 0};
    struct plan_estimate e = estimate(GIB, 1, &no_restore, &a_replay);

    ck_assert(!e.has_restore && e.has_replay);
    e = estimate(GIB, 1, &a_restore, &no_replay);
    ck_assert(e.has_restore && !e.has_replay);
    e = estimate(GIB, 1, &no_time, &no_replay);
    ck_assert(!e.has_restore && !e.has_replay);
}
END_TEST

START_TEST(a_time_beyond_all_measure_is_a_very_long_one)
{
    const struct restore_rate slow = {.bytes = 1, .spent_us = INT64_MAX};
    const struct replay_rate idle = {.segments = 1, .fetch_us = INT64_MAX / 4, .replay_us = INT64_MAX / 4};
    struct plan_estimate e = estimate(UINT64_MAX, UINT64_MAX, &slow, &idle);

    ck_assert_int_eq(e.restore_us, INT64_MAX / 4);
    ck_assert_int_eq(e.fetch_us, INT64_MAX / 4);
    ck_assert_int_eq(e.replay_us, INT64_MAX / 4 * 2);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_time_is_what_was_measured_in_proportion,
        what_was_not_measured_is_not_known,
        a_time_beyond_all_measure_is_a_very_long_one,
    };

    return check_main(suite_of("ops/plan_estimate", tests, sizeof(tests) / sizeof(tests[0])));
}
