/*
 * test_print_check.c - findings as an operator and as a program read them.
 */
#include "cli/print_check.h"

#include "check_main.h"
#include "page.h"

static struct finding list[] = {
    {.level = FINDING_OK, .subject = "server", .text = "PostgreSQL 15.18, system identifier 7461"},
    {.level = FINDING_WARNING,
     .subject = "repository \"r2\"",
     .text = "objects are stored unencrypted",
     .hint = "Set recipients-file."},
    {.level = FINDING_FAILED,
     .code = ERR_REFUSED,
     .subject = "archiving",
     .text = "archive_mode is off",
     .hint = "Set archive_mode = on and restart the server."},
};

static const struct findings findings = {.list = list, .count = 3};

START_TEST(each_finding_is_a_line_with_its_hint_below)
{
    struct page p;

    page_open(&p);
    print_findings(&findings, p.out);
    ck_assert_str_eq(page_close(&p), "ok       server: PostgreSQL 15.18, system identifier 7461\n"
                                     "warning  repository \"r2\": objects are stored unencrypted\n"
                                     "         HINT:  Set recipients-file.\n"
                                     "FAILED   archiving: archive_mode is off\n"
                                     "         HINT:  Set archive_mode = on and restart the server.\n"
                                     "\n"
                                     "1 ok, 1 with a warning, 1 failed\n");
    free(p.text);
}
END_TEST

START_TEST(findings_become_json)
{
    json_t *o = findings_to_json(&findings);
    json_t *found = json_object_get(o, "findings");

    ck_assert(json_is_false(json_object_get(o, "ok")));
    ck_assert_uint_eq(json_array_size(found), 3);
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(found, 0), "level")), "ok");
    ck_assert_ptr_null(json_object_get(json_array_get(found, 0), "hint"));
    ck_assert_ptr_null(json_object_get(json_array_get(found, 0), "error"));
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(found, 1), "hint")),
                     "Set recipients-file.");
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(found, 2), "level")), "failed");
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(found, 2), "error")),
                     err_kind(ERR_REFUSED));
    json_decref(o);
}
END_TEST

START_TEST(warnings_alone_are_ok)
{
    const struct findings two = {.list = list, .count = 2};
    json_t *o = findings_to_json(&two);

    ck_assert(json_is_true(json_object_get(o, "ok")));
    json_decref(o);
}
END_TEST

START_TEST(a_finding_with_foreign_bytes_is_not_lost_from_json)
{
    struct finding odd = {
        .level = FINDING_OK, .subject = "archiving", .text = "archive_command is \"caf\xe9 %p\""};
    const struct findings one = {.list = &odd, .count = 1};
    json_t *o = findings_to_json(&one);

    ck_assert_uint_eq(json_array_size(json_object_get(o, "findings")), 1);
    json_decref(o);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {each_finding_is_a_line_with_its_hint_below, findings_become_json,
                                  warnings_alone_are_ok, a_finding_with_foreign_bytes_is_not_lost_from_json};

    return check_main(suite_of("cli/print_check", tests, sizeof(tests) / sizeof(tests[0])));
}
