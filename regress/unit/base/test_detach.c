/*
 * test_detach.c - this program again, on its own: it inherits nothing that is not its own business, and nobody waits for it.
 *
 * Run with "report FILE" it is the one that was started, and says what it finds.
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
#include <sys/wait.h>

static char scratch[SCRATCH_MAX];

static bool is_null(int fd)
{
    struct stat st, null;

    return fstat(fd, &st) == 0 && stat("/dev/null", &null) == 0 && st.st_rdev == null.st_rdev;
}

/* Beside the three and the one that looks. */
static unsigned open_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned count = 0;

    for (struct dirent *d = dir == NULL ? NULL : readdir(dir); d != NULL; d = readdir(dir))
        count += d->d_name[0] != '.' && atoi(d->d_name) > STDERR_FILENO && atoi(d->d_name) != dirfd(dir);
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

static void await(const char *path, struct buf *out)
{
    struct err e = ERR_NONE;

    for (int i = 0; i < 6000 && buf_read_file(out, path, &e) != ERR_OK; i++)
        (void) usleep(10000);
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

int main(int argc, char **argv)
{
    const TTest *const tests[] = {what_is_started_has_a_session_and_descriptors_of_its_own,
                                  a_caller_that_ignores_its_children_starts_one_all_the_same};

    if (argc == 3 && strcmp(argv[1], "report") == 0)
        return report(argv[2]);
    return check_main(suite_of("base/detach", tests, sizeof(tests) / sizeof(tests[0])));
}
