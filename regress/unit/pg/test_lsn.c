/* Tests of src/pg/lsn.c. */
#include "check_main.h"
#include "pg/lsn.h"

#include <stdint.h>
#include <string.h>

START_TEST(text_and_position_convert_both_ways)
{
    static const struct {
        const char *text;
        lsn position;
    } cases[] = {
        {"0/0", 0},
        {"0/1", 1},
        {"16/B374D848", UINT64_C(0x16B374D848)},
        {"1/0", UINT64_C(0x100000000)},
        {"FFFFFFFF/FFFFFFFF", UINT64_MAX},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err e = ERR_NONE;
        lsn position = 42;
        char text[LSN_TEXT_MAX];

        ck_assert_int_eq(lsn_parse(cases[i].text, &position, &e), ERR_OK);
        ck_assert_uint_eq(position, cases[i].position);
        lsn_format(position, text);
        ck_assert_str_eq(text, cases[i].text);
    }
}
END_TEST

START_TEST(either_case_and_leading_zeros_are_read)
{
    struct err e = ERR_NONE;
    lsn position = 0;

    ck_assert_int_eq(lsn_parse("00000016/b374D848", &position, &e), ERR_OK);
    ck_assert_uint_eq(position, UINT64_C(0x16B374D848));
}
END_TEST

START_TEST(anything_else_is_refused_and_leaves_the_output_alone)
{
    static const char *const cases[] = {
        "",      "/",           "0",           "0/",          "/0",    " 0/1",  "0/1 ", "0 /1",
        "0/1\n", "+0/1",        "-0/1",        "0x0/1",       "0/0x1", "0/1/2", "G/1",  "1/G",
        "1:1",   "123456789/0", "0/123456789", "0/00000001F", "0//1",  "0/1H",
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err e = ERR_NONE;
        lsn position = 42;

        ck_assert_msg(lsn_parse(cases[i], &position, &e) == ERR_CORRUPT, "\"%s\" was taken", cases[i]);
        ck_assert_uint_eq(position, 42);
        ck_assert_ptr_nonnull(strstr(e.text, cases[i]));
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {text_and_position_convert_both_ways, either_case_and_leading_zeros_are_read,
                                  anything_else_is_refused_and_leaves_the_output_alone};

    return check_main(suite_of("pg/lsn", tests, sizeof(tests) / sizeof(tests[0])));
}
