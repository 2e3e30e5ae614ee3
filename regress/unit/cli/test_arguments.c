/*
 * test_arguments.c - options in any order, operands, and what a command does not know.
 */
#include "cli/arguments.h"

#include "check_main.h"
#include <string.h>

#define WORDS_MAX 8

static size_t count_words(char *const *words)
{
    size_t count = 0;

    while (words[count] != NULL)
        count++;
    return count;
}

static enum err_code parse(enum command_id command, const char *const *words, struct arguments *a,
                           struct err *e)
{
    return arguments_parse(command, (char *const *) (uintptr_t) words,
                           count_words((char *const *) (uintptr_t) words), a, e);
}

START_TEST(options_may_stand_anywhere)
{
    static const char *const orders[][WORDS_MAX] = {
        {"f", "d", "--line", "0123", "--path=1", NULL},
        {"--line=0123", "f", "--path", "1", "d", NULL},
        {"--path", "1", "--line", "0123", "--", "f", "d", NULL},
    };

    for (size_t i = 0; i < 3; i++) {
        struct arguments a;
        struct err e = ERR_NONE;

        ck_assert_msg(parse(COMMAND_FETCH, orders[i], &a, &e) == ERR_OK, "%s", e.text);
        ck_assert_uint_eq(a.operand_count, 2);
        ck_assert_str_eq(a.operands[0], "f");
        ck_assert_str_eq(a.operands[1], "d");
        ck_assert_ptr_null(a.operands[2]);
        ck_assert_str_eq(a.settings.at[OPTION_LINE].text, "0123");
        ck_assert_str_eq(a.settings.at[OPTION_PATH].text, "1");
        arguments_clear(&a);
    }
}
END_TEST

START_TEST(values_may_be_empty_or_look_like_options)
{
    static const char *const words[] = {"--target-name", "--plan", "--label=", NULL};
    static const char *const label[] = {"--label=", NULL};
    struct arguments a;
    struct err e = ERR_NONE;

    ck_assert_int_eq(parse(COMMAND_RESTORE, words, &a, &e), ERR_USAGE); /* restore has no label */
    ck_assert_str_eq(a.settings.at[OPTION_TARGET_NAME].text, "--plan");
    arguments_clear(&a);
    ck_assert_int_eq(parse(COMMAND_BACKUP, label, &a, &e), ERR_OK);
    ck_assert_str_eq(a.settings.at[OPTION_LABEL].text, "");
    arguments_clear(&a);
}
END_TEST

START_TEST(letters_may_be_joined_and_repeated)
{
    static const char *const words[] = {"-vv", "-q", "--verbose", "-", NULL};
    struct arguments a;
    struct err e = ERR_NONE;

    ck_assert_int_eq(parse(COMMAND_KEY, words, &a, &e), ERR_OK);
    ck_assert_int_eq(a.settings.at[OPTION_VERBOSE].number, 3);
    ck_assert_int_eq(a.settings.at[OPTION_QUIET].number, 1);
    ck_assert_str_eq(a.operands[0], "-");
    arguments_clear(&a);
}
END_TEST

static const struct {
    enum command_id command;
    const char *words[WORDS_MAX];
    const char *text;
    const char *hint;
} refused[] = {
    {COMMAND_BACKUP,
     {"--jbos", "3"},
     "unknown option \"--jbos\" for \"backup\"",
     "Did you mean \"--jobs\"? Try \"pitr backup --help\"."},
    {COMMAND_BACKUP,
     {"--jbos=3"},
     "unknown option \"--jbos\" for \"backup\"",
     "Did you mean \"--jobs\"? Try \"pitr backup --help\"."},
    {COMMAND_ARCHIVE,
     {"--jobs=3"},
     "unknown option \"--jobs\" for \"archive\"",
     "Try \"pitr archive --help\"."},
    {COMMAND_BACKUP,
     {"--conninfo=password=hunter2"},
     "unknown option \"--conninfo\" for \"backup\"",
     "Try \"pitr backup --help\"."},
    {COMMAND_BACKUP,
     {"--job", "3"},
     "unknown option \"--job\" for \"backup\"",
     "Did you mean \"--jobs\"? Try \"pitr backup --help\"."},
    {COMMAND_PLAN, {"-x"}, "unknown option \"-x\" for \"plan\"", "Try \"pitr plan --help\"."},
    {COMMAND_PLAN, {"-vx"}, "unknown option \"-vx\" for \"plan\"", "Try \"pitr plan --help\"."},
    {COMMAND_BACKUP, {"--jobs"}, "option --jobs needs a value", "Write --jobs N."},
    {COMMAND_PLAN, {"--json=yes"}, "option --json takes no value", ""},
    {COMMAND_BACKUP, {"--jobs=2", "--jobs=3"}, "option --jobs is given twice", ""},
    {COMMAND_BACKUP,
     {"--jobs=0"},
     "option --jobs: invalid value for \"jobs\": \"0\"",
     "It must be between 1 and 64."},
};

START_TEST(what_a_command_does_not_know_is_refused_with_a_hint)
{
    struct arguments a;
    struct err e = ERR_NONE;

    ck_assert_int_eq(parse(refused[_i].command, refused[_i].words, &a, &e), ERR_USAGE);
    ck_assert_str_eq(e.text, refused[_i].text);
    ck_assert_str_eq(e.hint, refused[_i].hint);
    arguments_clear(&a);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli/arguments");
    TCase *tcase = tcase_create("arguments");

    tcase_add_test(tcase, options_may_stand_anywhere);
    tcase_add_test(tcase, values_may_be_empty_or_look_like_options);
    tcase_add_test(tcase, letters_may_be_joined_and_repeated);
    tcase_add_loop_test(tcase, what_a_command_does_not_know_is_refused_with_a_hint, 0,
                        sizeof(refused) / sizeof(refused[0]));
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
