/*
 * test_invoke.c - the whole program as its callers see it: argv in, status and both outputs out.
 */
#include "cli/invoke.h"

#include "check_main.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MAX 16

struct outcome {
    int status;
    char out[16384];
    char err[4096];
};

static void read_back(FILE *file, char *text, size_t size)
{
    size_t len;

    rewind(file);
    len = fread(text, 1, size - 1, file);
    text[len] = '\0';
    fclose(file);
}

/* Run the program in a process of its own, without any of the caller's settings. */
static void run(const char *const *words, struct outcome *o)
{
    FILE *out = tmpfile(), *err = tmpfile();
    int argc = 0, status = 0;
    pid_t child;

    ck_assert(out != NULL && err != NULL);
    while (words[argc] != NULL)
        argc++;
    fflush(stdout);
    child = fork();
    if (child == 0) {
        dup2(fileno(out), STDOUT_FILENO);
        dup2(fileno(err), STDERR_FILENO);
        clearenv();
        setenv("PITR_CONFIG", "/nonexistent/pitr.conf", 1); /* not the machine's */
        status = invoke(argc, (char **) (uintptr_t) words);
        fflush(stdout);
        _exit(status);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    o->status = WEXITSTATUS(status);
    read_back(out, o->out, sizeof(o->out));
    read_back(err, o->err, sizeof(o->err));
}

static const struct {
    const char *words[WORDS_MAX];
    int status;
    const char *out; /* in the output; "" for none at all */
    const char *err; /* in the log; "" for none at all */
} cases[] = {
    {{"pitr", "--version"}, 0, "pitr 0.1.0 (PostgreSQL 13 to 18)\n", ""},
    {{"pitr", "list", "--version"}, 0, "pitr 0.1.0 (PostgreSQL 13 to 18)\n", ""},
    {{"pitr", "--help"}, 0, "Commands:\n", ""},
    {{"/usr/bin/pitr-archive", "--help"}, 0, "pitr archive PATH\n", ""},
    {{"pitr", "restore", "--help"}, 0, "--target-time TIME", ""},
    {{"pitr"}, 2, "", "pitr: ERROR:  no command is given\n"},
    {{"pitr", "resotre"}, 2, "", "HINT:  Did you mean \"restore\"?"},
    {{"pitr", "--config", "/x", "list"}, 2, "", "option \"--config\" stands where a command should"},
    {{"pitr", "archive"}, 2, "", "pitr: ERROR:  \"archive\" needs the path of one file\n"},
    {{"pitr-archive"}, 2, "", "pitr-archive: ERROR:  \"archive\" needs the path of one file\n"},
    {{"pitr", "archive", "a", "b"}, 2, "", "unexpected argument \"b\""},
    {{"pitr", "archive", "pg_wal/000000010000000000000001"}, 2, "", "/nonexistent/pitr.conf"},
    {{"pitr", "list", "--config", "/nonexistent/other.conf"}, 2, "", "/nonexistent/other.conf"},
    {{"pitr", "backup", "--jobs", "many"}, 2, "", "option --jobs: invalid value"},
    {{"pitr", "key"}, 2, "", "\"key\" needs generate or show, and a file"},
    {{"pitr", "key", "show"}, 2, "", "a file is missing behind \"show\""},
    {{"pitr", "key", "destroy", "x"}, 2, "", "unknown word \"destroy\""},
    {{"pitr", "key", "generate"}, 0, "pitr-sk1-", ""},
};

START_TEST(the_program_answers)
{
    struct outcome o;

    run(cases[_i].words, &o);
    ck_assert_msg(o.status == cases[_i].status, "status %d, log: %s", o.status, o.err);
    if (cases[_i].out[0] == '\0')
        ck_assert_str_eq(o.out, "");
    else
        ck_assert_msg(strstr(o.out, cases[_i].out) != NULL, "output: %s", o.out);
    if (cases[_i].err[0] == '\0')
        ck_assert_str_eq(o.err, "");
    else
        ck_assert_msg(strstr(o.err, cases[_i].err) != NULL, "log: %s", o.err);
}
END_TEST

/* Each of these in a restore_command must stop the server, not end recovery. */
static const char *const broken_fetches[][WORDS_MAX] = {
    {"pitr", "fetch"},
    {"pitr", "fetch", "000000010000000000000001"},
    {"pitr", "fetch", "000000010000000000000001", "x", "y"},
    {"pitr", "fetch", "--bogus", "000000010000000000000001", "x"},
    {"pitr", "fetch", "000000010000000000000001", "x"},
    {"pitr-fetch", "000000010000000000000001", "x"},
    {"pitr", "fetch", "--until", "000000010000000000000001", "000000010000000000000001", "x"},
    {"pitr", "fetch-ahead", "000000010000000000000001", "x"},
    {"pitr", "fetch-ahed", "000000010000000000000001", "x"},
    {"pitr", "ftech", "000000010000000000000001", "x"},
    {"pitr", "--config", "/etc/pitr.conf", "fetch", "000000010000000000000001", "x"},
};

START_TEST(a_broken_restore_command_never_ends_recovery)
{
    struct outcome o;

    run(broken_fetches[_i], &o);
    ck_assert_int_eq(o.status, 200);
    ck_assert_ptr_nonnull(strstr(o.err, "ERROR:  "));
}
END_TEST

/* With a repository that can be opened: what is wrong with the arguments is said before anything is done. */
static const struct {
    const char *words[WORDS_MAX];
    const char *err;
} refused[] = {
    {{"pitr", "restore"}, "\"restore\" needs --pgdata"},
    {{"pitr", "restore", "--pgdata", "/nonexistent/d", "--json"}, "option --json needs --plan"},
    {{"pitr", "restore", "--pgdata", "/nonexistent/d", "--tablespace", "/a"}, "invalid value \"/a\""},
    {{"pitr", "restore", "--pgdata", "/nonexistent/d", "--tablespace", "a=/b"}, "invalid value \"a=/b\""},
    {{"pitr", "restore", "--pgdata", "/nonexistent/d", "--tablespace", "/a\\=/b"},
     "invalid value \"/a\\=/b\""},
    {{"pitr", "plan", "--target-lsn", "x"}, "option --target-lsn: invalid LSN"},
    {{"pitr", "backup", "--label", "two\nlines"}, "option --label: a label is one line of text"},
};

START_TEST(arguments_are_looked_at_before_a_repository)
{
    char file[] = "/tmp/pitr-test-invoke-XXXXXX";
    int fd = mkstemp(file);
    const char *words[WORDS_MAX + 3];
    struct outcome o;
    size_t count = 0;
    static const char text[] = "[repo none]\nurl = file:///nonexistent/repository\n";

    ck_assert_int_eq(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
    close(fd);
    for (; refused[_i].words[count] != NULL; count++)
        words[count] = refused[_i].words[count];
    words[count++] = "--config";
    words[count++] = file;
    words[count] = NULL;
    run(words, &o);
    unlink(file);
    ck_assert_int_eq(o.status, 2);
    ck_assert_msg(strstr(o.err, refused[_i].err) != NULL, "log: %s", o.err);
}
END_TEST

START_TEST(unreachable_is_absent_for_a_standby_never_for_a_plan)
{
    static const char text[] =
        "[cluster main]\nunreachable = absent\n[repo r]\nurl = file:///nonexistent/dir/repo\n";
    char config[] = "/tmp/test-invoke-XXXXXX";
    int fd = mkstemp(config);
    const char *const standby[] = {
        "pitr",       "fetch", "--config", config, "--line", "6b0101f1df1bbe08", "000000010000000000000002",
        "/tmp/never", NULL};
    const char *const plan[] = {
        "pitr",   "fetch", "--config",         config,       "--line", "6b0101f1df1bbe08",
        "--path", "1",     "00000002.history", "/tmp/never", NULL};
    struct outcome o;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, sizeof(text) - 1), (ssize_t) sizeof(text) - 1);
    close(fd);
    run(standby, &o);
    ck_assert_msg(o.status == 1, "%d: %s", o.status, o.err);
    run(plan, &o);
    ck_assert_msg(o.status == 200, "%d: %s", o.status, o.err);
    unlink(config);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli/invoke");
    TCase *tcase = tcase_create("invoke");

    tcase_add_loop_test(tcase, the_program_answers, 0, sizeof(cases) / sizeof(cases[0]));
    tcase_add_loop_test(tcase, a_broken_restore_command_never_ends_recovery, 0,
                        sizeof(broken_fetches) / sizeof(broken_fetches[0]));
    tcase_add_loop_test(tcase, arguments_are_looked_at_before_a_repository, 0,
                        sizeof(refused) / sizeof(refused[0]));
    tcase_add_test(tcase, unreachable_is_absent_for_a_standby_never_for_a_plan);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
