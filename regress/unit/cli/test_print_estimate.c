/*
 * test_print_estimate.c - an estimate is told with what it goes by, as exactly as it is known; what is not, is so told.
 */
#include "cli/print_estimate.h"

#include "check_main.h"
#include "page.h"
#include <string.h>

#define STOP   INT64_C(1795140011000000) /* 2026-11-20 02:00:11 UTC */
#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static struct backup_info backup;
static struct plan plan;
static struct plan_estimate both;

static void setup(void)
{
    backup = (struct backup_info){
        .start_us = STOP - 311 * SECOND, .stop_us = STOP, .data_bytes = UINT64_C(44238517862)};
    plan = (struct plan){.backup = &backup, .wal_segments = 212};
    both = (struct plan_estimate){
        .has_restore = true,
        .restore = {.bytes = 41943040000, .spent_us = 512 * SECOND, .when_us = STOP},
        .restore_us = 540 * SECOND,
        .has_replay = true,
        .replay = {.segments = 180,
                   .fetch_us = 100 * SECOND,
                   .replay_us = 156 * SECOND,
                   .when_us = STOP + DAY},
        .replay_us = 302 * SECOND,
        .fetch_us = 118 * SECOND,
    };
}

static void check_page(const struct plan_estimate *e, const char *expected)
{
    struct page p;

    page_open(&p);
    print_estimate(&plan, e, p.out);
    ck_assert_str_eq(page_close(&p), expected);
    free(p.text);
}

START_TEST(an_estimate_is_told_with_what_it_goes_by)
{
    check_page(&both,
               "Estimate       about 14 min\n"
               "  restore      9 min for 41.2 GiB at 78.1 MiB/s, as measured by the restore of 2026-11-20\n"
               "  replay       5 min for 212 segments at 0.7/s, as measured over 180 in the recovery of "
               "2026-11-21\n"
               "               2 min of it to fetch them\n");
}
END_TEST

START_TEST(what_was_not_measured_is_said_to_be_so)
{
    struct plan_estimate none = {.has_restore = false}, restore_only = both, replay_only = both;

    restore_only.has_replay = replay_only.has_restore = false;
    check_page(&none, "Estimate       not known\n"
                      "  restore      not measured on this host yet; taking the backup took 5 min 11 s\n"
                      "  replay       not measured on this host yet\n");
    check_page(&restore_only,
               "Estimate       not known: only a part was measured\n"
               "  restore      9 min for 41.2 GiB at 78.1 MiB/s, as measured by the restore of 2026-11-20\n"
               "  replay       not measured on this host yet\n");
    backup.stop_us = backup.start_us - 1; /* a clock was set back meanwhile */
    check_page(&replay_only,
               "Estimate       not known: only a part was measured\n"
               "  restore      not measured on this host yet\n"
               "  replay       5 min for 212 segments at 0.7/s, as measured over 180 in the recovery of "
               "2026-11-21\n"
               "               2 min of it to fetch them\n");
}
END_TEST

START_TEST(a_short_time_is_not_told_to_the_second)
{
    both.restore_us = both.fetch_us = 1;
    both.replay_us = 9 * SECOND;
    both.replay.segments = 25600;
    plan.wal_segments = 1;
    check_page(
        &both,
        "Estimate       less than 10 s\n"
        "  restore      less than 10 s for 41.2 GiB at 78.1 MiB/s, as measured by the restore of 2026-11-20\n"
        "  replay       less than 10 s for 1 segment at 100/s, as measured over 25600 in the recovery of "
        "2026-11-21\n");
}
END_TEST

START_TEST(a_time_is_as_exact_as_it_is_known)
{
    static const struct {
        int64_t us;
        const char *text;
    } cases[] = {
        {0, "less than 10 s"},
        {10 * SECOND - 1, "less than 10 s"},
        {10 * SECOND, "10 s"},
        {14 * SECOND, "10 s"},
        {15 * SECOND, "20 s"},
        {54 * SECOND, "50 s"},
        {55 * SECOND, "1 min"},
        {89 * SECOND, "1 min"},
        {90 * SECOND, "2 min"},
        {19 * MINUTE + 29 * SECOND, "19 min"},
        {20 * MINUTE, "20 min"},
        {43 * MINUTE, "45 min"},
        {58 * MINUTE, "1 h"},
        {HOUR + 27 * MINUTE, "1 h 25 min"},
        {5 * HOUR + 20 * MINUTE, "5 h 30 min"},
        {9 * HOUR + 50 * MINUTE, "10 h"},
        {13 * HOUR + 20 * MINUTE, "13 h"},
        {2 * DAY + 3 * HOUR + MINUTE, "2 d 3 h"},
        {INT64_MAX / 2, "53375995 d 14 h"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[ESTIMATE_TEXT_MAX];

        estimate_span(cases[i].us, text);
        ck_assert_str_eq(text, cases[i].text);
    }
}
END_TEST

START_TEST(a_slow_rate_is_not_zero)
{
    struct page p;

    both.replay.segments = 3;
    both.replay.fetch_us = 0;
    both.replay.replay_us = HOUR;
    page_open(&p);
    print_estimate(&plan, &both, p.out);
    ck_assert_ptr_nonnull(strstr(page_close(&p), " at 0.0008/s, "));
    free(p.text);
}
END_TEST

START_TEST(a_rate_beyond_all_measure_is_a_very_high_one)
{
    struct page p;

    both.restore.bytes = UINT64_MAX;
    both.restore.spent_us = 1;
    page_open(&p);
    print_estimate(&plan, &both, p.out);
    ck_assert_ptr_nonnull(strstr(page_close(&p), " at 888.2 PiB/s, "));
    free(p.text);
}
END_TEST

START_TEST(an_estimate_becomes_json)
{
    json_t *o = estimate_to_json(&plan, &both);
    json_int_t seconds, restore, bytes, us1, backup_seconds, replay, fetch, segments, measured, us2;
    double rate1, rate2;
    const char *time1, *time2;
    json_error_t error;

    ck_assert_msg(
        json_unpack_ex(o, &error, 0,
                       "{s:I, s:{s:I, s:I, s:F, s:I, s:s, s:I !}, s:{s:I, s:I, s:I, s:F, s:I, s:I, s:s !} !}",
                       "seconds", &seconds, "restore", "seconds", &restore, "bytes", &bytes,
                       "bytes_per_second", &rate1, "measured_us", &us1, "measured_time", &time1,
                       "backup_seconds", &backup_seconds, "replay", "seconds", &replay, "fetch_seconds",
                       &fetch, "segments", &segments, "segments_per_second", &rate2, "measured_segments",
                       &measured, "measured_us", &us2, "measured_time", &time2) == 0,
        "%s", error.text);
    ck_assert_int_eq(seconds, 842);
    ck_assert_int_eq(restore, 540);
    ck_assert_int_eq(bytes, 44238517862);
    ck_assert_double_eq_tol(rate1, 81920000, 0.01);
    ck_assert_int_eq(us1, STOP);
    ck_assert_str_eq(time1, "2026-11-20 02:00:11+00");
    ck_assert_int_eq(backup_seconds, 311);
    ck_assert_int_eq(replay, 302);
    ck_assert_int_eq(fetch, 118);
    ck_assert_int_eq(segments, 212);
    ck_assert_double_eq_tol(rate2, 180.0 / 256, 0.000001);
    ck_assert_int_eq(measured, 180);
    ck_assert_int_eq(us2, STOP + DAY);
    ck_assert_str_eq(time2, "2026-11-21 02:00:11+00");
    json_decref(o);
}
END_TEST

START_TEST(what_is_not_known_is_null_in_json)
{
    struct plan_estimate none = {.has_restore = false};
    json_t *o = estimate_to_json(&plan, &none);
    char *text = json_dumps(o, JSON_COMPACT);

    ck_assert_str_eq(
        text,
        "{\"seconds\":null,\"restore\":{\"seconds\":null,\"bytes\":44238517862,\"bytes_per_second\":null,"
        "\"measured_time\":null,\"measured_us\":null,\"backup_seconds\":311},\"replay\":{\"seconds\":null,"
        "\"fetch_seconds\":null,\"segments\":212,\"segments_per_second\":null,\"measured_segments\":null,"
        "\"measured_time\":null,\"measured_us\":null}}");
    free(text);
    json_decref(o);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        an_estimate_is_told_with_what_it_goes_by,
        what_was_not_measured_is_said_to_be_so,
        a_short_time_is_not_told_to_the_second,
        a_time_is_as_exact_as_it_is_known,
        a_slow_rate_is_not_zero,
        a_rate_beyond_all_measure_is_a_very_high_one,
        an_estimate_becomes_json,
        what_is_not_known_is_null_in_json,
    };

    return check_main(
        suite_between("cli/print_estimate", setup, NULL, tests, sizeof(tests) / sizeof(tests[0])));
}
