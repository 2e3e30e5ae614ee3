/*
 * test_exit.c - every kind of error, every command: the status PostgreSQL and scripts rely on; and signals.
 */
#include "cli/exit.h"

#include "check_main.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
    enum err_code code;
    int expected;
    int fetch;
    int fetch_unreachable_absent;
} cases[] = {
    {ERR_OK, 0, 0, 0},           {ERR_ABSENT, 1, 1, 1},
    {ERR_USAGE, 2, 200, 200},    {ERR_REFUSED, 3, 200, 200},
    {ERR_CONFLICT, 3, 200, 200}, {ERR_DENIED, 3, 200, 200},
    {ERR_CORRUPT, 4, 200, 200},  {ERR_UNREACHABLE, 5, 200, 1},
    {ERR_IO, 6, 200, 200},       {(enum err_code) 99, 6, 200, 200},
};

START_TEST(each_kind_of_error_has_its_status)
{
    for (unsigned command = 0; command <= COMMAND_COUNT; command++) {
        if (command == COMMAND_FETCH || command == COMMAND_FETCH_AHEAD)
            continue;
        ck_assert_int_eq(exit_status((enum command_id) command, cases[_i].code, false), cases[_i].expected);
        ck_assert_int_eq(exit_status((enum command_id) command, cases[_i].code, true), cases[_i].expected);
    }
}
END_TEST

START_TEST(fetch_answers_1_for_absent_only_and_200_for_all_else)
{
    ck_assert_int_eq(exit_status(COMMAND_FETCH, cases[_i].code, false), cases[_i].fetch);
    ck_assert_int_eq(exit_status(COMMAND_FETCH, cases[_i].code, true), cases[_i].fetch_unreachable_absent);
}
END_TEST

/* As a restore_command it delivers nothing, and what is not 0 and below 126 would end recovery. */
START_TEST(fetch_ahead_never_answers_what_ends_a_recovery)
{
    const int expected = cases[_i].code == ERR_OK ? 0 : 200;

    ck_assert_int_eq(exit_status(COMMAND_FETCH_AHEAD, cases[_i].code, false), expected);
    ck_assert_int_eq(exit_status(COMMAND_FETCH_AHEAD, cases[_i].code, true), expected);
}
END_TEST

/* How a process that runs this command ends when a signal comes. */
static int status_after(enum command_id command, int signal_number)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        (void) signal(signal_number, SIG_DFL); /* the test's runner may have its own */
        exit_on_signals(command);
        raise(signal_number);
        _exit(42);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return status;
}

START_TEST(a_signal_makes_archive_exit_with_1)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
    int status = status_after(COMMAND_ARCHIVE, signals[_i]);

    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 1);
}
END_TEST

/* A postmaster that has adopted it takes any other end for a crash of its own. */
START_TEST(a_signal_makes_fetch_ahead_exit_with_0)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
    int status = status_after(COMMAND_FETCH_AHEAD, signals[_i]);

    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

START_TEST(sigterm_takes_its_default_action_in_fetch)
{
    int status = status_after(COMMAND_FETCH, SIGTERM);

    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGTERM);
}
END_TEST

START_TEST(a_closed_pipe_ends_no_command)
{
    for (unsigned command = 0; command < COMMAND_COUNT; command++) {
        int status = status_after((enum command_id) command, SIGPIPE);

        ck_assert(WIFEXITED(status));
        ck_assert_int_eq(WEXITSTATUS(status), 42);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli/exit");
    TCase *tcase = tcase_create("exit");

    tcase_add_loop_test(tcase, each_kind_of_error_has_its_status, 0, sizeof(cases) / sizeof(cases[0]));
    tcase_add_loop_test(tcase, fetch_answers_1_for_absent_only_and_200_for_all_else, 0,
                        sizeof(cases) / sizeof(cases[0]));
    tcase_add_loop_test(tcase, a_signal_makes_archive_exit_with_1, 0, 4);
    tcase_add_loop_test(tcase, fetch_ahead_never_answers_what_ends_a_recovery, 0,
                        sizeof(cases) / sizeof(cases[0]));
    tcase_add_loop_test(tcase, a_signal_makes_fetch_ahead_exit_with_0, 0, 4);
    tcase_add_test(tcase, sigterm_takes_its_default_action_in_fetch);
    tcase_add_test(tcase, a_closed_pipe_ends_no_command);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
