/*
 * test_hex.c - hexadecimal text.
 */
#include "base/hex.h"

#include "check_main.h"

#include <string.h>

START_TEST(bytes_become_lower_case_digits)
{
    char out[9] = "xxxxxxxx";

    hex_format("\x00\x0f\xa5\xff", 4, out);
    ck_assert_str_eq(out, "000fa5ff");
    hex_format("", 0, out);
    ck_assert_str_eq(out, "");
}
END_TEST

START_TEST(only_exactly_the_promised_digits_are_read)
{
    static const struct {
        const char *text;
        const char *bytes; /* NULL: refused */
        const char *why;
    } cases[] = {
        {"00a5FF", "\x00\xa5\xff", "either case"},
        {"00a5f", NULL, "a digit short"},
        {"00a5", NULL, "a byte short"},
        {"00a5ff0", NULL, "a digit long"},
        {"00a5fg", NULL, "no digit"},
        {"0x00a5", NULL, "a prefix"},
        {" 0a5ff", NULL, "a blank"},
        {"", NULL, "nothing"},
        {"00a5f\xff", NULL, "a high byte"},
        {"00a5f/", NULL, "before 0"},
        {"00a5f:", NULL, "behind 9"},
        {"00a5f`", NULL, "before a"},
        {"00a5f@", NULL, "before A"},
        {"00a5fG", NULL, "behind F"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err e = ERR_NONE;
        char out[3] = {1, 2, 3};
        enum err_code code = hex_parse(cases[i].text, out, sizeof(out), &e);

        ck_assert_msg(code == (cases[i].bytes ? ERR_OK : ERR_CORRUPT), "%s", cases[i].why);
        ck_assert_msg(e.code == code, "%s", cases[i].why);
        ck_assert_msg(memcmp(out, cases[i].bytes ? cases[i].bytes : "\1\2\3", 3) == 0, "%s", cases[i].why);
    }
}
END_TEST

START_TEST(a_refusal_does_not_show_the_text)
{
    struct err e = ERR_NONE;
    char out[4];

    ck_assert_int_eq(hex_parse("deadbeeg", out, sizeof(out), &e), ERR_CORRUPT);
    ck_assert_ptr_null(strstr(e.text, "dead"));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {bytes_become_lower_case_digits, only_exactly_the_promised_digits_are_read,
                                  a_refusal_does_not_show_the_text};

    return check_main(suite_of("base/hex", tests, sizeof(tests) / sizeof(tests[0])));
}
