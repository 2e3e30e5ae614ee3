/*
 * test_run_fetch.c - the words with which a call of fetch starts its helper mean the same to the helper.
 */
#include "cli/run_fetch.h"

#include "check_main.h"
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 12
#define DATA      "/var/lib/postgresql/15/main"

static const char *const calls[][WORDS_MAX] = {
    {"000000010000000000000007", "pg_wal/RECOVERYXLOG", NULL},
    {"--cluster", "main", "000000010000000000000007", "pg_wal/RECOVERYXLOG", NULL},
    {"000000010000000000000007", "pg_wal/RECOVERYXLOG", "--line=0123456789abcdef", "--path", "1:0/5000148,2",
     "--until", "000000020000000000000009", "-vv", NULL},
    {"--config", "/etc/pitr/other file.conf", "--", "000000010000000000000007", "-odd", NULL},
};

static size_t count_words(char *const *words)
{
    size_t count = 0;

    while (words[count] != NULL)
        count++;
    return count;
}

static void check_same_settings(const struct arguments *a, const struct arguments *b)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const char *one = a->settings.at[i].text, *other = b->settings.at[i].text;

        ck_assert((one == NULL) == (other == NULL) && (one == NULL || strcmp(one, other) == 0));
    }
}

START_TEST(the_helper_understands_what_the_call_was_told)
{
    char program[] = "pitr", directory[] = DATA;
    struct invocation in = {.words = (char *const *) (uintptr_t) calls[_i]};
    struct arguments call, helper;
    struct err e = ERR_NONE;
    char **argv;

    in.word_count = count_words(in.words);
    argv = fetch_ahead_argv(&in, program, directory);
    ck_assert_ptr_nonnull(argv);
    ck_assert_str_eq(argv[0], "pitr");
    ck_assert_ptr_eq(command_named(argv[1]), command_at(COMMAND_FETCH_AHEAD));
    ck_assert_msg(arguments_parse(COMMAND_FETCH, in.words, in.word_count, &call, &e) == ERR_OK, "%s", e.text);
    ck_assert_msg(arguments_parse(COMMAND_FETCH_AHEAD, argv + 2, count_words(argv + 2), &helper, &e) ==
                      ERR_OK,
                  "%s", e.text);
    ck_assert_uint_eq(helper.operand_count, 3);
    ck_assert_str_eq(helper.operands[0], call.operands[0]);
    ck_assert_str_eq(helper.operands[1], call.operands[1]);
    ck_assert_str_eq(helper.operands[2], DATA);
    check_same_settings(&call, &helper);
    arguments_clear(&call);
    arguments_clear(&helper);
    free(argv);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli/run_fetch");
    TCase *tests = tcase_create("cli/run_fetch");

    tcase_add_loop_test(tests, the_helper_understands_what_the_call_was_told, 0,
                        sizeof(calls) / sizeof(calls[0]));
    suite_add_tcase(suite, tests);
    return check_main(suite);
}
