/*
 * test_timestamp.c - moments as text.
 */
#include "base/timestamp.h"

#include "check_main.h"

#include <string.h>
#include <time.h>

#define REFUSED INT64_MIN
#define S       INT64_C(1000000)

static const struct {
    const char *text, *zone;
    int64_t us;
} cases[] = {
    {"1970-01-01T00:00:00Z", NULL, 0},
    {"2026-11-20T14:29:00.123456Z", NULL, 1795184940 * S + 123456},
    {"2026-11-20 14:29:00+00", NULL, 1795184940 * S},
    {"2026-11-20 14:29:00+02", NULL, 1795177740 * S},
    {"2026-11-20 14:29:00 +05:30", NULL, 1795165140 * S},
    {"2026-11-20 14:29 -0300", NULL, 1795195740 * S},
    {"2026-11-20t14:29z", NULL, 1795184940 * S},
    {"2026-11-20 14:29:00.5 UTC", NULL, 1795184940 * S + 500000},
    {"2026-11-20 14:29:00 utc", NULL, 1795184940 * S},
    {"2026-11-20 15:29:00 Europe/Berlin", NULL, 1795184940 * S},
    {"2026-07-01 12:00 Europe/Berlin", NULL, 1782900000 * S},
    {"2026-07-01 12:00:00 America/Argentina/Buenos_Aires", NULL, 1782918000 * S},
    {"2026-11-20 15:29:00", "Europe/Berlin", 1795184940 * S},
    {"2026-11-20 14:29", "UTC", 1795184940 * S},
    {"2026-11-20 14:29", "+02", 1795177740 * S},
    {"2026-11-20 14:29Z", "Europe/Berlin", 1795184940 * S},
    {"2024-02-29 00:00Z", NULL, 1709164800 * S},
    {"2000-02-29 00:00Z", NULL, 951782400 * S},
    {"9999-12-31T23:59:59.999999Z", NULL, INT64_C(253402300799) * S + 999999},
    {"1969-12-31 23:00:00-01", NULL, 0},
    /* times a zone has once, around those it skips or repeats */
    {"2026-03-29 01:59:59 Europe/Berlin", NULL, 1774745999 * S},
    {"2026-03-29 03:00:00 Europe/Berlin", NULL, 1774746000 * S},
    {"2026-03-29 02:30:00 Europe/Berlin", NULL, REFUSED},
    {"2026-10-25 02:30:00 Europe/Berlin", NULL, REFUSED},
    {"2026-10-25 02:30:00+02", NULL, 1792888200 * S},
    {"2026-10-25 03:00:00 Europe/Berlin", NULL, 1792893600 * S},
    {"2014-10-26 01:30:00 Europe/Moscow", NULL, REFUSED}, /* twice, and both are standard time */
    {"2011-12-30 12:00:00 Pacific/Apia", NULL, REFUSED},  /* a whole day skipped */
    {"2011-12-31 12:00:00 Pacific/Apia", NULL, 1325282400 * S},
    {"2500-07-01 12:00 Europe/Berlin", NULL, INT64_C(16740900000) * S}, /* by the rule behind the table */
    /* not a moment */
    {"", NULL, REFUSED},
    {"2026-11-20", NULL, REFUSED},
    {"2026-11-20Z", NULL, REFUSED},
    {"2026-11-20 14:29:00", NULL, REFUSED},
    {"2026-11-20 14:29:00 ", NULL, REFUSED},
    {"2026-11-20 14Z", NULL, REFUSED},
    {"2026-11-20  14:29Z", NULL, REFUSED},
    {" 2026-11-20 14:29Z", NULL, REFUSED},
    {"2026-11-20 14:29Z ", NULL, REFUSED},
    {"2026-11-20 14:29  Z", NULL, REFUSED},
    {"2026-11-20 14:291Z", NULL, REFUSED},
    {"2026-11-20 14:29:001Z", NULL, REFUSED},
    {"2026-11-20 14:29:00.Z", NULL, REFUSED},
    {"2026-11-20 14:29:00.1234567Z", NULL, REFUSED},
    {"2026-11-20 24:00Z", NULL, REFUSED},
    {"2026-11-20 14:60Z", NULL, REFUSED},
    {"2026-12-31 23:59:60Z", NULL, REFUSED},
    {"2026-02-29 00:00Z", NULL, REFUSED},
    {"2100-02-29 00:00Z", NULL, REFUSED},
    {"2026-04-31 00:00Z", NULL, REFUSED},
    {"2026-00-01 00:00Z", NULL, REFUSED},
    {"2026-13-01 00:00Z", NULL, REFUSED},
    {"2026-01-00 00:00Z", NULL, REFUSED},
    {"26-11-20 14:29Z", NULL, REFUSED},
    {"02026-11-20 14:29Z", NULL, REFUSED},
    {"+026-11-20 14:29Z", NULL, REFUSED},
    {"1970-01-01 00:00+00:01", NULL, REFUSED},
    {"9999-12-31 23:59:59-00:01", NULL, REFUSED},
    {"2026-11-20 14:29+2", NULL, REFUSED},
    {"2026-11-20 14:29+16", NULL, REFUSED},
    {"2026-11-20 14:29+02:60", NULL, REFUSED},
    {"2026-11-20 14:29+02:", NULL, REFUSED},
    {"2026-11-20 14:29+02x", NULL, REFUSED},
    {"2026-11-20 14:29+02 UTC", NULL, REFUSED},
    {"2026-11-20 14:29", "", REFUSED},
    {"2026-11-20 14:29 Mars/Olympus", NULL, REFUSED},
    {"2026-11-20 14:29 Europe", NULL, REFUSED},
    {"2026-11-20 14:29 Europe/../Europe/Berlin", NULL, REFUSED},
    {"2026-11-20 14:29 ../zoneinfo/Europe/Berlin", NULL, REFUSED},
    {"2026-11-20 14:29 /usr/share/zoneinfo/Europe/Berlin", NULL, REFUSED},
    {"2026-11-20 14:29 right/Europe/Berlin", NULL, REFUSED},
    {"2026-11-20 14:29 localtime", NULL, REFUSED},
    {"2026-11-20 14:29 CET-1CEST", NULL, REFUSED},
    {"tomorrow", NULL, REFUSED},
    {"now", "UTC", REFUSED},
};

START_TEST(a_text_is_one_moment_or_refused_with_a_hint)
{
    int64_t us = 42;
    struct err e = ERR_NONE;
    enum err_code code = timestamp_parse(cases[_i].text, cases[_i].zone, &us, &e);

    if (cases[_i].us == REFUSED) {
        ck_assert_msg(code == ERR_USAGE, "\"%s\" was taken for %jd", cases[_i].text, (intmax_t) us);
        ck_assert_int_eq(us, 42);
        ck_assert_msg(e.hint[0] != '\0' || strstr(e.text, "out of range"), "\"%s\"", cases[_i].text);
    } else {
        ck_assert_msg(code == ERR_OK, "\"%s\": %s", cases[_i].text, e.text);
        ck_assert_msg(us == cases[_i].us, "\"%s\" was taken for %jd", cases[_i].text, (intmax_t) us);
    }
}
END_TEST

/* No thread may find TZ changed because of what a bucket holds: names of zones are damage there. */
START_TEST(a_stored_text_is_a_moment_only_with_an_offset)
{
    static const struct {
        const char *text;
        int64_t us;
    } stored[] = {
        {"2026-11-20T14:29:00.123456Z", 1795184940 * S + 123456},
        {"2026-11-20 14:29:00+00", 1795184940 * S},
        {"2026-11-20 14:29:00 +05:30", 1795165140 * S},
        {"2026-11-20 14:29 -0300", 1795195740 * S},
        {"2026-11-20 14:29:00 UTC", 1795184940 * S},
        {"9999-12-31T23:59:59.999999Z", INT64_C(253402300799) * S + 999999},
        {"2026-11-20 15:29:00 Europe/Berlin", REFUSED},
        {"2026-11-20 15:29:00 CET", REFUSED},
        {"2026-11-20 14:29:00", REFUSED},
        {"2026-11-20 14:29:00 ", REFUSED},
        {"2026-11-20 14:29:001Z", REFUSED},
        {"2026-02-29 00:00Z", REFUSED},
        {"2026-11-20 14:29+16", REFUSED},
        {"1970-01-01 00:00+00:01", REFUSED},
        {"9999-12-31 23:59:59-00:01", REFUSED},
        {"", REFUSED},
    };

    for (size_t i = 0; i < sizeof(stored) / sizeof(stored[0]); i++) {
        int64_t us = REFUSED;
        struct err e = ERR_NONE;
        enum err_code code = timestamp_parse_stored(stored[i].text, &us, &e);

        ck_assert_msg(code == (stored[i].us == REFUSED ? ERR_CORRUPT : ERR_OK), "\"%s\": %s", stored[i].text,
                      e.text);
        ck_assert_msg(us == stored[i].us, "\"%s\" was taken for %jd", stored[i].text, (intmax_t) us);
        ck_assert_str_eq(e.hint, "");
    }
}
END_TEST

START_TEST(the_environment_is_as_before_after_a_named_zone)
{
    struct err e = ERR_NONE;
    int64_t us;

    setenv("TZ", "America/New_York", 1);
    ck_assert_int_eq(timestamp_parse("2026-11-20 15:29 Europe/Berlin", NULL, &us, &e), ERR_OK);
    ck_assert_str_eq(getenv("TZ"), "America/New_York");
    ck_assert_int_eq(timezone, 5 * 3600);
    unsetenv("TZ");
    ck_assert_int_eq(timestamp_parse("2026-11-20 15:29 Europe/Berlin", NULL, &us, &e), ERR_OK);
    ck_assert_ptr_null(getenv("TZ"));
}
END_TEST

START_TEST(the_local_zone_has_no_say)
{
    struct err e = ERR_NONE;
    int64_t us;
    char out[TIMESTAMP_TEXT_MAX];

    setenv("TZ", "Asia/Tokyo", 1);
    tzset();
    ck_assert_int_eq(timestamp_parse("2026-11-20 14:29Z", NULL, &us, &e), ERR_OK);
    ck_assert_int_eq(us, 1795184940 * S);
    timestamp_format(us, out);
    ck_assert_str_eq(out, "2026-11-20 14:29:00+00");
    unsetenv("TZ");
    tzset();
}
END_TEST

START_TEST(moments_are_written_as_postgres_writes_them_and_read_back)
{
    static const struct {
        int64_t us;
        const char *text, *compact;
    } written[] = {
        {0, "1970-01-01 00:00:00+00", "19700101T000000Z"},
        {1, "1970-01-01 00:00:00.000001+00", "19700101T000000Z"},
        {1795184940 * S + 123400, "2026-11-20 14:29:00.123400+00", "20261120T142900Z"},
        {INT64_C(253402300799) * S + 999999, "9999-12-31 23:59:59.999999+00", "99991231T235959Z"},
    };

    for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++) {
        char text[TIMESTAMP_TEXT_MAX], compact[TIMESTAMP_COMPACT_MAX];
        struct err e = ERR_NONE;
        int64_t us;

        timestamp_format(written[i].us, text);
        ck_assert_str_eq(text, written[i].text);
        ck_assert_int_eq(timestamp_parse(text, NULL, &us, &e), ERR_OK);
        ck_assert_int_eq(us, written[i].us);
        timestamp_format_compact(written[i].us, compact);
        ck_assert_str_eq(compact, written[i].compact);
    }
}
END_TEST

START_TEST(moments_out_of_range_stay_inside_their_buffers)
{
    char text[TIMESTAMP_TEXT_MAX], compact[TIMESTAMP_COMPACT_MAX];

    timestamp_format(-1, text);
    ck_assert_str_eq(text, "1969-12-31 23:59:59.999999+00");
    timestamp_format(INT64_MAX, text);
    ck_assert_str_eq(text, "294247-01-10 04:00:54.775807+00");
    timestamp_format(INT64_MIN, text);
    timestamp_format_compact(INT64_MIN, compact);
    ck_assert_str_eq(compact, "19700101T000000Z");
    timestamp_format_compact(INT64_MAX, compact);
    ck_assert_str_eq(compact, "99991231T235959Z");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {the_environment_is_as_before_after_a_named_zone, the_local_zone_has_no_say,
                                  moments_are_written_as_postgres_writes_them_and_read_back,
                                  moments_out_of_range_stay_inside_their_buffers,
                                  a_stored_text_is_a_moment_only_with_an_offset};
    Suite *suite = suite_of("base/timestamp", tests, sizeof(tests) / sizeof(tests[0]));
    TCase *table = tcase_create("table");

    tcase_add_loop_test(table, a_text_is_one_moment_or_refused_with_a_hint, 0,
                        (int) (sizeof(cases) / sizeof(cases[0])));
    suite_add_tcase(suite, table);
    return check_main(suite);
}
