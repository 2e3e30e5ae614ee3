/* Tests of src/pg/postmaster.c. */
#include "check_main.h"
#include "pg/postmaster.h"
#include "scratch.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct pid_case {
    const char *text;
    pid_t pid;
} pid_cases[] = {
    {"1\n", 1},
    {"4711\n/var/lib/postgresql/15/main\n1764356400\n5432\n", 4711},
    {"-4711\n/data\n", 4711}, /* single-user mode */
    {"4711", 4711},
    {"", 0},
    {"\n", 0},
    {"0\n", 0},
    {"x\n", 0},
    {"12x\n", 0},
    {"12 13\n", 0},
    {"99999999999\n", 0},
    {"99999999999999999999999\n", 0},
    {"-99999999999\n", 0},
};

START_TEST(the_first_line_is_the_process)
{
    ck_assert_msg(postmaster_pid(pid_cases[_i].text) == pid_cases[_i].pid, "\"%s\"", pid_cases[_i].text);
}
END_TEST

static char directory[SCRATCH_MAX];

static void set_up(void)
{
    scratch_make(directory);
}

static void tear_down(void)
{
    scratch_remove(directory);
}

static void write_pid(const char *text)
{
    FILE *f = fopen(scratch_path(directory, "postmaster.pid"), "w");

    ck_assert_ptr_nonnull(f);
    (void) fputs(text, f);
    ck_assert_int_eq(fclose(f), 0);
}

static pid_t ended_child(void)
{
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    return child;
}

START_TEST(a_server_is_there_while_its_process_lives)
{
    char text[64];

    ck_assert(!postmaster_is_there(directory));
    (void) snprintf(text, sizeof(text), "%d\n/data\n", (int) getpid());
    write_pid(text);
    ck_assert(postmaster_is_there(directory));
    (void) snprintf(text, sizeof(text), "%d\n/data\n", (int) ended_child());
    write_pid(text);
    ck_assert(!postmaster_is_there(directory));
    write_pid("");
    ck_assert(!postmaster_is_there(directory));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pg/postmaster");
    TCase *tests = tcase_create("pg/postmaster");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, the_first_line_is_the_process, 0, sizeof(pid_cases) / sizeof(pid_cases[0]));
    tcase_add_test(tests, a_server_is_there_while_its_process_lives);
    suite_add_tcase(suite, tests);
    return check_main(suite);
}
