/*
 * test_proc.c - other programs: output, failure, time limit.
 */
#include "base/proc.h"

#include "base/clock.h"

#include "check_main.h"
#include "scratch.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>

START_TEST(output_is_appended_or_the_buffer_is_as_before)
{
    static const struct {
        const char *command;
        enum err_code code;
        const char *output, *in_message;
    } cases[] = {
        {"echo hello", ERR_OK, "hello\n", ""},
        {"printf 12345678", ERR_OK, "12345678", ""},
        {"printf 123456789", ERR_USAGE, "", "more than 10 bytes"},
        {"yes", ERR_USAGE, "", "more than 10 bytes"},
        {"true", ERR_OK, "", ""},
        {"cat", ERR_OK, "", ""},
        {"exec >&-; exit 0", ERR_OK, "", ""},
        {"printf SECRET; exit 3", ERR_USAGE, "", "failed with exit code 3"},
        {"printf SECRET; kill -9 $$", ERR_USAGE, "", "terminated by signal 9"},
        {"/nonexistent/program", ERR_USAGE, "", "exit code 127"},
        {"exec 2>/dev/null; syntax ((", ERR_USAGE, "", "failed with exit code 2"},
        {"kill -PIPE $$; echo no", ERR_USAGE, "", "terminated by signal 13"},
    };
    CLEANUP(buf_clear) struct buf out = BUF_INIT(10);
    struct err e = ERR_NONE;
    char expected[16];

    signal(SIGPIPE, SIG_IGN);
    ck_assert_int_eq(buf_puts(&out, "> ", &e), ERR_OK);
    ck_assert_msg(proc_capture(cases[_i].command, "cipher-command", 60000, &out, &e) == cases[_i].code,
                  "%s: %s", cases[_i].command, e.text);
    (void) snprintf(expected, sizeof(expected), "> %s", cases[_i].output);
    ck_assert_str_eq(buf_cstr(&out), expected);
    ck_assert_ptr_nonnull(strstr(e.text, cases[_i].in_message));
    ck_assert_ptr_null(strstr(e.text, "SECRET"));
    if (cases[_i].code != ERR_OK)
        ck_assert_ptr_nonnull(strstr(e.text, "\"cipher-command\""));
}
END_TEST

static bool is_alive(const char *pid_file)
{
    FILE *file = fopen(pid_file, "r");
    char path[64], state = 'X';
    long pid = 0;

    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%ld", &pid), 1);
    fclose(file);
    (void) snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
    file = fopen(path, "r");
    if (file == NULL)
        return false;
    if (fscanf(file, "%*d %*s %c", &state) != 1)
        state = 'X';
    fclose(file);
    return state != 'X' && state != 'Z';
}

/* $D is the directory; each leaves the number of a process that must be dead afterwards in $D/pid. */
START_TEST(a_timeout_kills_the_command_and_what_it_started)
{
    static const char *const commands[] = {
        "echo $$ > $D/pid; printf SECRET; exec sleep 600",
        "sleep 600 & echo $! > $D/pid; wait",
        "sleep 600 & echo $! > $D/pid",
        "echo $$ > $D/pid; exec >&-; exec sleep 600",
        "echo $$ > $D/pid; trap '' TERM INT; while :; do sleep 1; done",
    };
    CLEANUP(buf_clear) struct buf out = BUF_INIT(100);
    char directory[SCRATCH_MAX];
    struct err e = ERR_NONE;
    int64_t start = clock_mono_us(&clock_system);

    scratch_make(directory);
    setenv("D", directory, 1);
    ck_assert_int_eq(proc_capture(commands[_i], "cipher-command", 300, &out, &e), ERR_USAGE);
    ck_assert_int_ge(clock_mono_us(&clock_system) - start, 300000);
    ck_assert_str_eq(e.text, "command of \"cipher-command\" did not end within 300 ms");
    ck_assert_uint_eq(out.len, 0);
    for (int i = 0; i < 500 && is_alive(scratch_path(directory, "pid")); i++)
        clock_sleep_us(&clock_system, 10000);
    ck_assert(!is_alive(scratch_path(directory, "pid")));
    scratch_remove(directory);
}
END_TEST

static int count_open_files(void)
{
    int count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += dup2(fd, fd) == fd;
    return count;
}

START_TEST(no_descriptor_and_no_zombie_is_left_behind)
{
    CLEANUP(buf_clear) struct buf out = BUF_INIT(100);
    struct err e = ERR_NONE;
    int before = count_open_files();

    ck_assert_int_eq(proc_capture("echo a", "x", 60000, &out, &e), ERR_OK);
    ck_assert_int_eq(proc_capture("exit 1", "x", 60000, &out, &e), ERR_USAGE);
    ck_assert_int_eq(proc_capture("sleep 600", "x", 1, &out, &e), ERR_USAGE);
    ck_assert_int_eq(proc_capture("yes", "x", 60000, &out, &e), ERR_USAGE);
    ck_assert_int_eq(count_open_files(), before);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}
END_TEST

START_TEST(an_ignored_child_signal_is_reported_and_not_taken_for_success)
{
    CLEANUP(buf_clear) struct buf out = BUF_INIT(100);
    struct err e = ERR_NONE;

    signal(SIGCHLD, SIG_IGN);
    ck_assert_int_eq(proc_capture("echo a", "x", 60000, &out, &e), ERR_IO);
    signal(SIGCHLD, SIG_DFL);
    ck_assert_uint_eq(out.len, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {no_descriptor_and_no_zombie_is_left_behind,
                                  an_ignored_child_signal_is_reported_and_not_taken_for_success};
    Suite *suite = suite_of("base/proc", tests, sizeof(tests) / sizeof(tests[0]));
    TCase *tables = tcase_create("tables");

    tcase_set_timeout(tables, 120);
    tcase_add_loop_test(tables, output_is_appended_or_the_buffer_is_as_before, 0, 12);
    tcase_add_loop_test(tables, a_timeout_kills_the_command_and_what_it_started, 0, 5);
    suite_add_tcase(suite, tables);
    return check_main(suite);
}
