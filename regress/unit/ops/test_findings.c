/*
 * test_findings.c - lines, and the verdict over them.
 */
#include "ops/findings.h"

#include "check_main.h"

#include <string.h>

START_TEST(nothing_found_is_no_failure)
{
    struct findings f = {.list = NULL};

    finding_hint(&f, "a hint of nothing");
    ck_assert_int_eq(findings_verdict(&f), ERR_OK);
    findings_clear(&f);
}
END_TEST

START_TEST(the_first_failure_is_the_verdict)
{
    struct findings f = {.list = NULL};

    finding_ok(&f, "server", "is there");
    finding_warning(&f, "server", "is old");
    ck_assert_int_eq(findings_verdict(&f), ERR_OK);
    finding_failed(&f, ERR_USAGE, "archiving", "archive_mode is off");
    finding_failed(&f, ERR_CORRUPT, "repository", "is damaged");
    ck_assert_int_eq(findings_verdict(&f), ERR_USAGE);
    ck_assert_uint_eq(f.count, 4);
    findings_clear(&f);
    ck_assert_uint_eq(f.count, 0);
}
END_TEST

START_TEST(a_lost_finding_is_no_success)
{
    struct findings f = {.lost = true};

    ck_assert_int_eq(findings_verdict(&f), ERR_IO);
}
END_TEST

START_TEST(an_error_keeps_its_kind_and_hint_on_one_line)
{
    struct findings f = {.list = NULL};
    struct err e = ERR_NONE;

    err_set(&e, ERR_DENIED, "no way in:\nsaid the server");
    err_hint(&e, "Ask\tagain.");
    finding_error(&f, "server", &e);
    ck_assert_int_eq(f.list[0].level, FINDING_FAILED);
    ck_assert_int_eq(f.list[0].code, ERR_DENIED);
    ck_assert_str_eq(f.list[0].text, "no way in: said the server");
    ck_assert_str_eq(f.list[0].hint, "Ask again.");
    findings_clear(&f);
}
END_TEST

START_TEST(a_text_that_is_too_long_is_cut)
{
    struct findings f = {.list = NULL};
    char text[2000];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    finding_warning(&f, text, "%s", text);
    finding_hint(&f, "%s", text);
    ck_assert_uint_eq(strlen(f.list[0].text), sizeof(f.list[0].text) - 1);
    ck_assert_uint_eq(strlen(f.list[0].hint), sizeof(f.list[0].hint) - 1);
    ck_assert_uint_eq(strlen(f.list[0].subject), sizeof(f.list[0].subject) - 1);
    findings_clear(&f);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {nothing_found_is_no_failure, the_first_failure_is_the_verdict,
                                  a_lost_finding_is_no_success, an_error_keeps_its_kind_and_hint_on_one_line,
                                  a_text_that_is_too_long_is_cut};

    return check_main(suite_of("ops/findings", tests, sizeof(tests) / sizeof(tests[0])));
}
