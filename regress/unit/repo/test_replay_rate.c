/*
 * test_replay_rate.c - what a recovery takes for its segments is measured, and nothing else is: no pause, no restart,
 * no standby that waits, no other recovery, no clock that was set.
 */
#include "repo/replay_rate.h"

#include "../scratch.h"
#include "check_main.h"
#include "repo/rate_file.h"

#include <string.h>

#define PLACE  "file:///one"
#define MIB    (1u << 20)
#define USUAL  (16 * MIB)
#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define DAY    (1440 * MINUTE)

static char scratch[SCRATCH_MAX];
static struct spool *spool;
static struct replay_rate rate;

/* A recovery: each fetch takes 2 s, replay of each segment 3 s, unless a test says otherwise. */
static const char *line;
static uint64_t recovery;
static uint32_t segment_bytes, timeline;
static int64_t mono_us, wall_us;

static void set_up(void)
{
    struct err e = ERR_NONE;

    scratch_make(scratch);
    ck_assert_int_eq(spool_open(scratch, "main", &spool, &e), ERR_OK);
    line = "6789abcdef012345";
    recovery = UINT64_C(0xfedcba9876543210);
    segment_bytes = USUAL;
    timeline = 1;
    mono_us = 1000 * SECOND;
    wall_us = INT64_C(1795140011) * SECOND;
}

static void tear_down(void)
{
    spool_free(spool);
    scratch_remove(scratch);
}

static void pass(int64_t us)
{
    mono_us += us;
    wall_us += us;
}

static void ask(uint64_t number, bool is_there, int64_t fetch_us)
{
    const struct walfile file = walseg_file(timeline, number, segment_bytes);
    struct replay_step step = {.line = line,
                               .recovery = recovery,
                               .file = &file,
                               .segment_bytes = is_there ? segment_bytes : 0,
                               .asked_us = mono_us};

    pass(fetch_us);
    step.answered_us = mono_us;
    step.now_us = wall_us;
    replay_rate_note(spool, PLACE, &step);
}

static void take(uint64_t number)
{
    ask(number, true, 2 * SECOND);
    pass(3 * SECOND);
}

/* The last of them is asked for and never replayed. */
static void take_all(uint64_t first, uint64_t last)
{
    for (uint64_t n = first; n <= last; n++)
        take(n);
}

static uint64_t measured(void)
{
    (void) replay_rate_read(spool, PLACE, &rate);
    return rate.segments;
}

START_TEST(each_segment_behind_another_counts_with_its_fetch_and_its_replay)
{
    take_all(254, 258); /* into the next log */
    ck_assert_uint_eq(measured(), 4);
    ck_assert_int_eq(rate.fetch_us, 4 * 2 * SECOND);
    ck_assert_int_eq(rate.replay_us, 4 * 3 * SECOND);
    ck_assert_int_eq(rate.when_us, wall_us - 3 * SECOND);
}
END_TEST

START_TEST(a_few_segments_are_no_measure)
{
    ck_assert_uint_eq(measured(), 0);
    for (uint64_t n = 1; n <= REPLAY_RATE_FEWEST; n++) {
        take(n);
        ck_assert_uint_eq(measured(), 0);
    }
    take(REPLAY_RATE_FEWEST + 1);
    ck_assert_uint_eq(measured(), REPLAY_RATE_FEWEST);
}
END_TEST

START_TEST(a_promotion_on_the_way_is_part_of_the_recovery)
{
    take_all(1, 5);
    timeline = 2;
    take_all(6, 10);
    ck_assert_uint_eq(measured(), 9);
}
END_TEST

START_TEST(a_pause_is_no_replay)
{
    take_all(1, 5);
    pass(MINUTE - 3 * SECOND);
    take(6);
    ck_assert_uint_eq(measured(), 5);
    ck_assert_int_eq(rate.replay_us, 4 * 3 * SECOND + MINUTE);
    pass(MINUTE - 3 * SECOND + 1);
    take(7);
    ck_assert_uint_eq(measured(), 5);
    take(8);
    ck_assert_uint_eq(measured(), 6);
    ck_assert_int_eq(rate.replay_us, 5 * 3 * SECOND + MINUTE);
    ck_assert_int_eq(rate.fetch_us, 6 * 2 * SECOND);
}
END_TEST

START_TEST(an_outage_that_was_sat_out_is_no_fetch)
{
    take_all(1, 5);
    ask(6, true, MINUTE + 1);
    take(7);
    ck_assert_uint_eq(measured(), 5);
    take(8);
    ck_assert_uint_eq(measured(), 6);
    ck_assert_int_eq(rate.fetch_us, 6 * 2 * SECOND);
}
END_TEST

START_TEST(a_large_segment_may_take_longer)
{
    segment_bytes = 64 * MIB;
    for (uint64_t n = 1; n <= 4; n++) {
        ask(n, true, 2 * SECOND);
        pass(4 * MINUTE);
    }
    ck_assert_uint_eq(measured(), 3);
    pass(1);
    take(5);
    ck_assert_uint_eq(measured(), 3);
}
END_TEST

/* The end of the archive, or of a standby's: what was replayed until it asked counts, what it waits does not. */
START_TEST(a_standby_that_waits_is_measured_only_while_it_does_not)
{
    take_all(1, 5);
    ask(6, false, SECOND);
    ck_assert_uint_eq(measured(), 5);
    for (int again = 0; again < 10; again++) {
        pass(5 * SECOND);
        ask(6, false, SECOND);
    }
    pass(5 * SECOND);
    take(6);
    for (uint64_t n = 7; n < 100; n++) {
        ask(n, false, SECOND);
        pass(5 * SECOND);
        take(n);
    }
    ck_assert_uint_eq(measured(), 5);
    ck_assert_int_eq(rate.replay_us, 5 * 3 * SECOND);
}
END_TEST

START_TEST(a_segment_out_of_order_begins_anew)
{
    static const uint64_t others[] = {5, 4, 1, 7, 1000};

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        tear_down();
        set_up();
        take_all(1, 5);
        take(others[i]);
        ck_assert_uint_eq(measured(), 4);
        take(others[i] + 1);
        ck_assert_uint_eq(measured(), 4);
        take_all(others[i] + 2, others[i] + 5);
        ck_assert_uint_eq(measured(), 5);
    }
}
END_TEST

START_TEST(what_is_not_there_out_of_order_changes_nothing)
{
    take_all(1, 5);
    ask(9, false, 0);
    take(6);
    ck_assert_uint_eq(measured(), 5);
}
END_TEST

START_TEST(recoveries_side_by_side_are_not_mixed)
{
    for (uint64_t n = 1; n < 100; n++) {
        recovery = 1 + n % 2;
        take(n);
    }
    ck_assert_uint_eq(measured(), 0);
}
END_TEST

START_TEST(another_line_or_segment_size_begins_anew)
{
    take_all(1, 5);
    line = "7000000000000001";
    take(6);
    ck_assert_uint_eq(measured(), 4);
    take_all(7, 10);
    ck_assert_uint_eq(measured(), 4);
    segment_bytes = MIB;
    take(11);
    take_all(12, 17);
    ck_assert_uint_eq(measured(), 6);
}
END_TEST

START_TEST(a_clock_that_is_set_changes_no_measure)
{
    take_all(1, 5);
    wall_us -= 30 * DAY;
    take(6);
    wall_us += 300 * DAY;
    take(7);
    ck_assert_uint_eq(measured(), 6);
    ck_assert_int_eq(rate.replay_us, 6 * 3 * SECOND);
    ck_assert_int_eq(rate.when_us, wall_us - 3 * SECOND);
}
END_TEST

START_TEST(after_a_restart_of_the_machine_a_measure_begins_anew)
{
    take_all(1, 5);
    mono_us = 0;
    take(6);
    ck_assert_uint_eq(measured(), 4);
    take_all(7, 11);
    ck_assert_uint_eq(measured(), 5);
    ck_assert_int_eq(rate.replay_us, 5 * 3 * SECOND);
}
END_TEST

START_TEST(the_latest_recovery_of_enough_segments_counts_else_the_one_of_most)
{
    take_all(1, 101);
    ck_assert_uint_eq(measured(), 100);
    take_all(1, REPLAY_RATE_ENOUGH);
    ck_assert_uint_eq(measured(), 100);
    take_all(1, REPLAY_RATE_ENOUGH);
    ck_assert_uint_eq(measured(), 100);
    take(REPLAY_RATE_ENOUGH + 1);
    ck_assert_uint_eq(measured(), REPLAY_RATE_ENOUGH);
    take_all(1, 10);
    ck_assert_uint_eq(measured(), REPLAY_RATE_ENOUGH);
}
END_TEST

static void write_text(const char *text)
{
    rate_file_write(spool, "replay", PLACE, text);
}

START_TEST(a_text_that_this_program_would_not_have_written_is_none)
{
    static const char *const texts[] = {
        "",
        "garbage",
        "6789abcdef012345 fedcba9876543210 16777216 6 -1 2 5 10 15 1 0 0 0",
        "6789abcdef012345 fedcba9876543210 16777216 6 -1 2 5 10 15 1 0 0 0 0 0",
        "6789abcdef012345 fedcba9876543210 16777217 6 -1 2 5 10 15 1 0 0 0 0",
        "6789abcdef012345 fedcba9876543210 16777216 6 -2 2 5 10 15 1 0 0 0 0",
        "6789abcdef012345 fedcba9876543210 16777216 6 -1 -2 5 10 15 1 0 0 0 0",
        "6789abcdef012345 fedcba9876543210 16777216 6 -1 2 5 -10 15 1 0 0 0 0",
        "6789abcdef012345 fedcba9876543210 16777216 6 -1 2 5 9223372036854775807 15 1 0 0 0 0",
        "6789abcdef012345 fedcba9876543210 16777216 6 -1 2 5 10 -15 1 0 0 0 0",
        "6789abcdef012345 fedcba9876543210 16777216 6 -1 2 5 10 15 1 0 0 -1 0",
        "6789abcdef012345 fedcba9876543210 16777216 06 -1 2 5 10 15 1 0 0 0 0",
        "6789ABCDEF012345 fedcba9876543210 16777216 6 -1 2 5 10 15 1 0 0 0 0",
        "6789abcdef012345 fedcba9876543210 16777216 6 -1 2 5 10 15 99999999999999999999 0 0 0 0",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        write_text(texts[i]);
        ck_assert_msg(measured() == 0, "\"%s\"", texts[i]);
    }
    write_text("6789abcdef012345 fedcba9876543210 16777216 6 -1 2 5 10 15 1 0 0 0 0");
    ck_assert_uint_eq(measured(), 5);
}
END_TEST

START_TEST(after_a_damaged_file_a_measure_begins)
{
    take_all(1, 5);
    write_text("garbage");
    take_all(6, 9);
    ck_assert_uint_eq(measured(), 3);
}
END_TEST

START_TEST(where_nothing_can_be_written_nothing_is_measured)
{
    scratch_remove(scratch_path(scratch, "main"));
    take_all(1, 20);
    ck_assert_uint_eq(measured(), 0);
}
END_TEST

START_TEST(a_segment_that_can_not_be_is_passed_over)
{
    const struct walfile file = {.kind = WALFILE_SEGMENT, .tli = 1, .seg = 256};
    struct replay_step step = {.line = line, .recovery = recovery, .file = &file, .segment_bytes = USUAL};

    take_all(1, 5);
    replay_rate_note(spool, PLACE, &step);
    step.segment_bytes = USUAL + 1;
    replay_rate_note(spool, PLACE, &step);
    take(6);
    ck_assert_uint_eq(measured(), 5);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        each_segment_behind_another_counts_with_its_fetch_and_its_replay,
        a_few_segments_are_no_measure,
        a_promotion_on_the_way_is_part_of_the_recovery,
        a_pause_is_no_replay,
        an_outage_that_was_sat_out_is_no_fetch,
        a_large_segment_may_take_longer,
        a_standby_that_waits_is_measured_only_while_it_does_not,
        a_segment_out_of_order_begins_anew,
        what_is_not_there_out_of_order_changes_nothing,
        recoveries_side_by_side_are_not_mixed,
        another_line_or_segment_size_begins_anew,
        a_clock_that_is_set_changes_no_measure,
        after_a_restart_of_the_machine_a_measure_begins_anew,
        the_latest_recovery_of_enough_segments_counts_else_the_one_of_most,
        a_text_that_this_program_would_not_have_written_is_none,
        after_a_damaged_file_a_measure_begins,
        where_nothing_can_be_written_nothing_is_measured,
        a_segment_that_can_not_be_is_passed_over,
    };

    return check_main(
        suite_between("repo/replay_rate", set_up, tear_down, tests, sizeof(tests) / sizeof(tests[0])));
}
