/*
 * test_detach.c - this program again, on its own: it inherits nothing that is not its own business, nobody has to wait
 * for it, and who adopts what is left without a parent never sees how it ended.
 *
 * Run with "report FILE" it is the one that was started, and says what it finds; with "wait FILE" it says who it and
 * its parent are, and waits.
 */
#include "base/detach.h"

#include "base/buf.h"

#include "check_main.h"
#include "scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define OURS_BELOW 200 /* descriptors */

static char scratch[SCRATCH_MAX];

static bool is_null(int fd)
{
    struct stat st, null;

    return fstat(fd, &st) == 0 && stat("/dev/null", &null) == 0 && st.st_rdev == null.st_rdev;
}

/* Beside the three, the one that looks, and valgrind's own, which lie high up. */
static unsigned open_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned count = 0;

    for (struct dirent *d = dir == NULL ? NULL : readdir(dir); d != NULL; d = readdir(dir))
        count += d->d_name[0] != '.' && atoi(d->d_name) > STDERR_FILENO && atoi(d->d_name) < OURS_BELOW &&
                 atoi(d->d_name) != dirfd(dir);
    if (dir != NULL)
        (void) closedir(dir);
    return count;
}

static int report(const char *path)
{
    char temporary[SCRATCH_MAX * 2 + 8];
    struct sigaction pipe_action;
    sigset_t blocked;
    FILE *f;

    (void) snprintf(temporary, sizeof(temporary), "%s.tmp", path);
    (void) sigaction(SIGPIPE, NULL, &pipe_action);
    (void) sigprocmask(SIG_SETMASK, NULL, &blocked);
    f = fopen(temporary, "w");
    if (f == NULL)
        return EXIT_FAILURE;
    fprintf(f, "null %d%d%d\n", is_null(0), is_null(1), is_null(2));
    fprintf(f, "others %u\n", open_descriptors() - 1); /* this file */
    fprintf(f, "leader %d\n", getsid(0) == getpid());
    fprintf(f, "pipe %d\n", pipe_action.sa_handler == SIG_DFL);
    fprintf(f, "blocked %d\n", sigismember(&blocked, SIGUSR1));
    fprintf(f, "session %ld\n", (long) getsid(0));
    (void) fclose(f);
    return rename(temporary, path);
}

static int wait_for_a_signal(const char *path)
{
    char temporary[SCRATCH_MAX * 2 + 8];
    FILE *f;

    (void) snprintf(temporary, sizeof(temporary), "%s.tmp", path);
    f = fopen(temporary, "w");
    if (f == NULL)
        return EXIT_FAILURE;
    fprintf(f, "%ld %ld\n", (long) getpid(), (long) getppid());
    (void) fclose(f);
    if (rename(temporary, path) != 0)
        return EXIT_FAILURE;
    for (;;)
        (void) pause();
}

static void await(const char *path, struct buf *out)
{
    struct err e = ERR_NONE;

    for (int i = 0; i < 6000 && buf_read_file(out, path, &e) != ERR_OK; i++)
        (void) usleep(10000);
}

/* Start one that waits. We adopt what is left without a parent, like the first process of a container. */
static void start_waiting(long *watcher, long *program)
{
    CLEANUP(buf_clear) struct buf said = BUF_INIT(4096);
    char name[] = "again", word[] = "wait", path[SCRATCH_MAX * 2];
    char *argv[] = {name, word, path, NULL};
    struct err e = ERR_NONE;

    ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    scratch_make(scratch);
    (void) snprintf(path, sizeof(path), "%s/said", scratch);
    ck_assert_msg(detach_self(argv, &e) == ERR_OK, "%s", e.text);
    await(path, &said);
    ck_assert_int_eq(sscanf(buf_cstr(&said), "%ld %ld", program, watcher), 2);
    scratch_remove(scratch);
}

START_TEST(what_is_started_has_a_session_and_descriptors_of_its_own)
{
    CLEANUP(buf_clear) struct buf said = BUF_INIT(4096);
    char program[] = "again", word[] = "report", path[SCRATCH_MAX * 2];
    char *argv[] = {program, word, path, NULL};
    struct err e = ERR_NONE;
    char session[64];
    sigset_t usr1;
    int fd;

    scratch_make(scratch);
    (void) snprintf(path, sizeof(path), "%s/said", scratch);
    fd = open("/dev/zero", O_RDONLY); /* NOLINT: not closed on exec, on purpose */
    ck_assert_int_ge(fd, 0);
    (void) signal(SIGPIPE, SIG_IGN);
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    ck_assert_int_eq(sigprocmask(SIG_BLOCK, &usr1, NULL), 0);
    ck_assert_msg(detach_self(argv, &e) == ERR_OK, "%s", e.text);
    await(path, &said);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&said), "null 111\nothers 0\nleader 0\npipe 1\nblocked 0\n"));
    (void) snprintf(session, sizeof(session), "session %ld\n", (long) getsid(0));
    ck_assert_ptr_null(strstr(buf_cstr(&said), session));
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
    (void) close(fd);
    scratch_remove(scratch);
}
END_TEST

START_TEST(a_caller_that_ignores_its_children_starts_one_all_the_same)
{
    CLEANUP(buf_clear) struct buf said = BUF_INIT(4096);
    char program[] = "again", word[] = "report", path[SCRATCH_MAX * 2];
    char *argv[] = {program, word, path, NULL};
    struct err e = ERR_NONE;

    scratch_make(scratch);
    (void) snprintf(path, sizeof(path), "%s/said", scratch);
    (void) signal(SIGCHLD, SIG_IGN);
    ck_assert_msg(detach_self(argv, &e) == ERR_OK, "%s", e.text);
    (void) signal(SIGCHLD, SIG_DFL);
    await(path, &said);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&said), "null 111\n"));
    scratch_remove(scratch);
}
END_TEST

/* The one adopted ends like this whatever signal ends the program, and nobody else is left. */
static void assert_ends_well(long watcher)
{
    int status;

    ck_assert_int_eq(waitpid(-1, &status, 0), watcher);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}

START_TEST(whatever_ends_the_program_who_adopts_it_sees_a_good_end)
{
    static const int fatal[] = {SIGKILL, SIGTERM, SIGSEGV};
    long watcher, program;

    start_waiting(&watcher, &program);
    ck_assert_int_eq(kill((pid_t) program, fatal[_i]), 0);
    assert_ends_well(watcher);
}
END_TEST

START_TEST(a_signal_to_the_watcher_is_one_to_the_program)
{
    static const int passed[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    long watcher, program;

    start_waiting(&watcher, &program);
    ck_assert_int_eq(kill((pid_t) watcher, passed[_i]), 0);
    assert_ends_well(watcher);
    ck_assert_int_eq(kill((pid_t) program, 0), -1);
    ck_assert_int_eq(errno, ESRCH);
}
END_TEST

START_TEST(no_program_outlives_its_watcher)
{
    long watcher, program;
    int status;

    start_waiting(&watcher, &program);
    ck_assert_int_eq(kill((pid_t) watcher, SIGKILL), 0);
    ck_assert_int_eq(waitpid((pid_t) watcher, &status, 0), watcher);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(waitpid((pid_t) program, &status, 0), program);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGTERM);
}
END_TEST

int main(int argc, char **argv)
{
    const TTest *const tests[] = {what_is_started_has_a_session_and_descriptors_of_its_own,
                                  a_caller_that_ignores_its_children_starts_one_all_the_same,
                                  no_program_outlives_its_watcher};
    Suite *suite;
    TCase *ends = tcase_create("ends");

    if (argc == 3 && strcmp(argv[1], "report") == 0)
        return report(argv[2]);
    if (argc == 3 && strcmp(argv[1], "wait") == 0)
        return wait_for_a_signal(argv[2]);
    suite = suite_of("base/detach", tests, sizeof(tests) / sizeof(tests[0]));
    tcase_set_timeout(ends, 120);
    tcase_add_loop_test(ends, whatever_ends_the_program_who_adopts_it_sees_a_good_end, 0, 3);
    tcase_add_loop_test(ends, a_signal_to_the_watcher_is_one_to_the_program, 0, 4);
    suite_add_tcase(suite, ends);
    return check_main(suite);
}
