/*
 * test_output.c - the small pieces of results.
 */
#include "cli/output.h"

#include "check_main.h"
#include "page.h"
#include <string.h>

START_TEST(bytes_are_written_with_the_unit_that_fits)
{
    static const struct {
        uint64_t bytes;
        const char *expected;
    } cases[] = {
        {0, "0 bytes"},       {1023, "1023 bytes"},   {1024, "1.0 KiB"},       {1536, "1.5 KiB"},
        {1048575, "1.0 MiB"}, {16777216, "16.0 MiB"}, {1ULL << 40, "1.0 TiB"}, {UINT64_MAX, "16.0 EiB"},
    };
    char text[OUTPUT_TEXT_MAX];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        output_bytes(cases[i].bytes, text);
        ck_assert_str_eq(text, cases[i].expected);
    }
}
END_TEST

START_TEST(spans_are_written_with_two_units_at_most)
{
    static const struct {
        int64_t us;
        const char *expected;
    } cases[] = {
        {-1, "not yet"},           {0, "less than 1 s"},
        {999999, "less than 1 s"}, {1000000, "1 s"},
        {60000000, "1 min"},       {311000000, "5 min 11 s"},
        {3600000000, "1 h"},       {3605000000, "1 h"},
        {93600000000, "1 d 2 h"},  {INT64_MAX, "106751991 d 4 h"},
    };
    char text[OUTPUT_TEXT_MAX];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        output_span(cases[i].us, text);
        ck_assert_str_eq(text, cases[i].expected);
    }
}
END_TEST

START_TEST(a_text_that_is_not_utf8_still_becomes_json)
{
    json_t *good = json_text("gr\xc3\xbc\xc3\x9f");
    json_t *bad = json_text("gr\xfc\xdf");

    ck_assert_str_eq(json_string_value(good), "gr\xc3\xbc\xc3\x9f");
    ck_assert_str_eq(json_string_value(bad), "gr??");
    json_decref(good);
    json_decref(bad);
}
END_TEST

START_TEST(moments_and_positions_become_members)
{
    json_t *o = json_object();

    json_set_moment(o, "stop", 1795184940500000);
    json_set_lsn(o, "lsn", 0x16B374D848);
    ck_assert_str_eq(json_string_value(json_object_get(o, "stop_time")), "2026-11-20 14:29:00.500000+00");
    ck_assert_int_eq(json_integer_value(json_object_get(o, "stop_us")), 1795184940500000);
    ck_assert_str_eq(json_string_value(json_object_get(o, "lsn")), "16/B374D848");
    json_decref(o);
}
END_TEST

START_TEST(what_cannot_be_written_is_an_error)
{
    FILE *full = fopen("/dev/full", "w");
    struct err e = ERR_NONE;

    ck_assert_ptr_nonnull(full);
    ck_assert_int_eq(output_json(json_pack("{s:i}", "a", 1), full, &e), ERR_IO);
    ck_assert_ptr_nonnull(strstr(e.text, "could not write to standard output"));
    fclose(full);
    ck_assert_int_eq(output_json(NULL, stdout, &e), ERR_IO);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {bytes_are_written_with_the_unit_that_fits,
                                  spans_are_written_with_two_units_at_most,
                                  a_text_that_is_not_utf8_still_becomes_json,
                                  moments_and_positions_become_members, what_cannot_be_written_is_an_error};

    return check_main(suite_of("cli/output", tests, sizeof(tests) / sizeof(tests[0])));
}
