/*
 * test_options.c - the table of options keeps its own rules.
 */
#include "cli/options.h"

#include "check_main.h"
#include "cli/setting.h"
#include <ctype.h>
#include <string.h>

START_TEST(every_row_has_name_help_and_what_its_type_needs)
{
    const struct option *o = option_at((enum option_id) _i);

    ck_assert_ptr_nonnull(o->name);
    ck_assert_ptr_nonnull(o->help);
    ck_assert_msg(strlen(o->help) > 10, "%s has no help", o->name);
    ck_assert_msg(o->help[strlen(o->help) - 1] != '.', "help of %s is a phrase, not a sentence", o->name);
    ck_assert_msg(o->commands != 0 || o->section != SECTION_NONE, "%s can stand nowhere", o->name);
    ck_assert_msg((o->metavar != NULL) == option_takes_value(o), "metavar of %s", o->name);
    ck_assert_msg((o->choices != NULL) == (o->type == OPTION_TYPE_ENUM), "choices of %s", o->name);
    if (o->type == OPTION_TYPE_INT || o->type == OPTION_TYPE_SIZE || o->type == OPTION_TYPE_DURATION)
        ck_assert_msg(o->min < o->max, "range of %s", o->name);
}
END_TEST

START_TEST(every_key_has_a_variable_named_after_it)
{
    const struct option *o = option_at((enum option_id) _i);
    char expected[64] = "PITR_";
    size_t len = 5;

    if (o->section == SECTION_NONE)
        return;
    for (const char *c = o->name; *c != '\0'; c++)
        expected[len++] = *c == '-' ? '_' : (char) toupper((unsigned char) *c);
    expected[len] = '\0';
    ck_assert_str_eq(o->environment, _i == OPTION_URL ? "PITR_REPO" : expected);
}
END_TEST

START_TEST(no_name_stands_for_two_options)
{
    const struct option *a = option_at((enum option_id) _i);

    for (unsigned id = 0; id < OPTION_COUNT; id++) {
        const struct option *b = option_at((enum option_id) id);

        if ((int) id == _i)
            continue;
        ck_assert_msg((a->commands & b->commands) == 0 || strcmp(a->name, b->name) != 0, "--%s", a->name);
        ck_assert_msg(a->section == SECTION_NONE || a->section != b->section || strcmp(a->name, b->name) != 0,
                      "key %s", a->name);
        ck_assert_msg(a->environment == NULL || b->environment == NULL ||
                          strcmp(a->environment, b->environment) != 0,
                      "variable %s", a->environment);
        ck_assert_msg(a->letter == '\0' || a->letter != b->letter, "letter of %s", a->name);
    }
}
END_TEST

START_TEST(every_default_is_a_value_its_own_row_accepts)
{
    struct settings s = {0};
    struct err e = ERR_NONE;

    ck_assert_msg(settings_defaults(&s, &e) == ERR_OK, "%s", e.text);
    ck_assert_int_eq(s.at[OPTION_CHUNK_SIZE].number, 256 * 1024);
    ck_assert_int_eq(s.at[OPTION_PART_SIZE].number, 64 * 1024 * 1024);
    ck_assert_int_eq(s.at[OPTION_WAL_TIMEOUT].number, 600 * 1000);
    ck_assert_int_eq(s.at[OPTION_RETRY_BUDGET].number, 60 * 1000);
    ck_assert_int_eq(s.at[OPTION_CONDITIONAL_PUT].number, 1);
    ck_assert_str_eq(s.at[OPTION_REGION].text, "auto");
    settings_clear(&s);
}
END_TEST

START_TEST(no_option_carries_a_password_or_key_on_the_command_line)
{
    ck_assert_uint_eq(option_at(OPTION_CONNINFO)->commands, 0);
    ck_assert_uint_eq(option_at(OPTION_CREDENTIALS_COMMAND)->commands, 0);
    ck_assert_uint_eq(option_at(OPTION_IDENTITY_COMMAND)->commands, 0);
    ck_assert(option_at(OPTION_CONNINFO)->is_secret);
}
END_TEST

START_TEST(an_option_is_found_where_it_applies_and_nowhere_else)
{
    ck_assert_int_eq(option_of_key(SECTION_CLUSTER, "jobs"), OPTION_JOBS);
    ck_assert_int_eq(option_of_key(SECTION_REPO, "jobs"), OPTION_COUNT);
    ck_assert_int_eq(option_of_key(SECTION_NONE, "jobs"), OPTION_COUNT);
    ck_assert_int_eq(option_of_argument(COMMAND_BACKUP, "jobs", 4), OPTION_JOBS);
    ck_assert_int_eq(option_of_argument(COMMAND_ARCHIVE, "jobs", 4), OPTION_COUNT);
    ck_assert_int_eq(option_of_argument(COMMAND_BACKUP, "job", 3), OPTION_COUNT);
    ck_assert_int_eq(option_of_argument(COMMAND_BACKUP, "conninfo", 8), OPTION_COUNT);
    ck_assert_int_eq(option_of_letter(COMMAND_LIST, 'v'), OPTION_VERBOSE);
    ck_assert_int_eq(option_of_letter(COMMAND_LIST, '\0'), OPTION_COUNT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli/options");
    TCase *tcase = tcase_create("options");

    tcase_add_loop_test(tcase, every_row_has_name_help_and_what_its_type_needs, 0, OPTION_COUNT);
    tcase_add_loop_test(tcase, every_key_has_a_variable_named_after_it, 0, OPTION_COUNT);
    tcase_add_loop_test(tcase, no_name_stands_for_two_options, 0, OPTION_COUNT);
    tcase_add_test(tcase, every_default_is_a_value_its_own_row_accepts);
    tcase_add_test(tcase, no_option_carries_a_password_or_key_on_the_command_line);
    tcase_add_test(tcase, an_option_is_found_where_it_applies_and_nowhere_else);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
