/*
 * test_log.c - lines on stderr: into a file, a pipe and a pseudo-terminal.
 */
#include "base/log.h"

#include "check_main.h"
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>

static int saved_stderr = -1;
static char captured[65536];

static void redirect(int fd)
{
    saved_stderr = dup(STDERR_FILENO);
    ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
}

static void restore(void)
{
    ck_assert_int_ge(dup2(saved_stderr, STDERR_FILENO), 0);
    close(saved_stderr);
}

/* What has been written to the other end, up to what is there now. */
static const char *read_captured(int fd)
{
    ssize_t got = read(fd, captured, sizeof(captured) - 1);

    captured[got > 0 ? got : 0] = '\0';
    return captured;
}

START_TEST(levels_above_the_threshold_are_silent_and_so_are_their_hints)
{
    int ends[2];

    ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
    redirect(ends[1]);
    log_init("pitr-archive", LOG_LEVEL_WARNING);
    log_error("bad \"%s\"", "x");
    log_hint("Fix it.");
    log_warning("odd");
    log_detail("Very.");
    log_info("nothing");
    log_detail("Nothing either.");
    log_debug("nothing");
    log_hint("Nothing either.");
    log_progress("nothing");
    restore();
    ck_assert_str_eq(read_captured(ends[0]), "pitr-archive: ERROR:  bad \"x\"\npitr-archive: HINT:  Fix it.\n"
                                             "pitr-archive: WARNING:  odd\npitr-archive: DETAIL:  Very.\n");
    ck_assert(!log_has_terminal());
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(text_from_outside_can_not_forge_a_line)
{
    int ends[2];

    ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
    redirect(ends[1]);
    log_init("pitr", LOG_LEVEL_INFO);
    log_info("a\nb\tc\r\033[2Jd\177 gr\303\274n");
    restore();
    ck_assert_str_eq(read_captured(ends[0]), "pitr: INFO:  a\n\tb\tc??[2Jd? gr\303\274n\n");
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(a_long_line_is_cut_and_fits_one_write)
{
    static char text[10000];
    int ends[2];
    size_t len;

    memset(text, 'x', sizeof(text) - 1);
    ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
    for (int kind = 0; kind < 2; kind++) {
        text[0] = kind ? '\n' : 'x';
        memset(text + 1, kind ? '\n' : 'x', 4000);
        redirect(ends[1]);
        log_init("pitr", LOG_LEVEL_INFO);
        log_info("%s", text);
        restore();
        len = strlen(read_captured(ends[0]));
        ck_assert_uint_le(len, 4096);
        ck_assert_uint_ge(len, 4094);
        ck_assert_str_eq(captured + len - 4, "...\n");
    }
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(only_a_file_that_grows_gets_time_stamps)
{
    char directory[SCRATCH_MAX];

    scratch_make(directory);
    for (int append = 0; append < 2; append++) {
        const char *path = scratch_path(directory, append ? "log" : "out");
        int fd = open(path, O_RDWR | O_CREAT | (append ? O_APPEND : 0), 0600);

        redirect(fd);
        log_init("pitr", LOG_LEVEL_INFO);
        log_info("text");
        restore();
        lseek(fd, 0, SEEK_SET);
        read_captured(fd);
        if (append) {
            ck_assert_str_eq(strchr(captured, '+'), "+00 pitr: INFO:  text\n");
            ck_assert_uint_eq(strlen(captured), strlen("2026-11-20 14:29:00+00 pitr: INFO:  text\n"));
        } else
            ck_assert_str_eq(captured, "pitr: INFO:  text\n");
        close(fd);
    }
    scratch_remove(directory);
}
END_TEST

/* A pseudo-terminal of 20 columns; *far is what a person would see. */
static int open_terminal(int *far)
{
    struct winsize size = {.ws_col = 20, .ws_row = 5};
    int near;

    *far = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (*far < 0 || grantpt(*far) != 0 || unlockpt(*far) != 0)
        return -1;
    near = open(ptsname(*far), O_RDWR | O_NOCTTY);
    ck_assert_int_ge(near, 0);
    ck_assert_int_eq(ioctl(near, TIOCSWINSZ, &size), 0);
    return near;
}

/* A terminal hands bytes over in its own time: put a mark behind them and read up to it. */
static const char *read_terminal(int near, int far)
{
    size_t len = 0;

    ck_assert_int_eq(write(near, "$", 1), 1);
    while (len == 0 || captured[len - 1] != '$') {
        struct pollfd ready = {.fd = far, .events = POLLIN};
        ssize_t got;

        ck_assert_int_eq(poll(&ready, 1, 10000), 1);
        got = read(far, captured + len, sizeof(captured) - len);
        ck_assert_int_gt(got, 0);
        len += (size_t) got;
    }
    captured[len - 1] = '\0';
    return captured;
}

START_TEST(progress_is_rewritten_in_place_and_wiped_by_a_line)
{
    int far, near = open_terminal(&far);

    ck_assert_int_ge(near, 0);
    redirect(near);
    log_init("pitr", LOG_LEVEL_INFO);
    log_progress("%s", "");
    log_progress("10 %%");
    log_progress("%s", "gr\303\274n 5678901234567890");
    log_warning("odd");
    log_warning("again");
    log_progress("x");
    log_progress("%s", "");
    log_progress("%s", "");
    ck_assert(log_has_terminal());
    restore();
    ck_assert_str_eq(read_terminal(near, far), "\r\033[K10 %"
                                               "\r\033[Kgr\303\274n 56789012345678"
                                               "\r\033[Kpitr: WARNING:  odd\r\npitr: WARNING:  again\r\n"
                                               "\r\033[Kx\r\033[K");
    close(near);
    close(far);
}
END_TEST

START_TEST(the_quiet_get_no_progress)
{
    int far, near = open_terminal(&far);

    ck_assert_int_ge(near, 0);
    redirect(near);
    log_init("pitr", LOG_LEVEL_WARNING);
    log_progress("10 %%");
    restore();
    ck_assert_str_eq(read_terminal(near, far), "");
    close(near);
    close(far);
}
END_TEST

static void *chatter(void *arg)
{
    for (int i = 0; i < 50; i++)
        log_info("thread %s says line", (const char *) arg);
    return NULL;
}

START_TEST(lines_of_threads_do_not_mix_and_errno_is_kept)
{
    static char names[4][2] = {"a", "b", "c", "d"};
    pthread_t threads[4];
    int ends[2], lines = 0;

    ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
    redirect(ends[1]);
    log_init("pitr", LOG_LEVEL_INFO);
    errno = EXDEV;
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, chatter, names[i]), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(errno, EXDEV);
    restore();
    read_captured(ends[0]);
    for (char *line = strtok(captured, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char name;

        ck_assert_int_eq(sscanf(line, "pitr: INFO:  thread %c says line", &name), 1);
        ck_assert_uint_eq(strlen(line), strlen("pitr: INFO:  thread a says line"));
        lines++;
    }
    ck_assert_int_eq(lines, 200);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(a_stderr_that_is_gone_harms_nobody)
{
    saved_stderr = dup(STDERR_FILENO);
    close(STDERR_FILENO);
    log_init("pitr", LOG_LEVEL_INFO);
    errno = 0;
    log_error("unheard");
    ck_assert_int_eq(errno, 0);
    restore();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {levels_above_the_threshold_are_silent_and_so_are_their_hints,
                                  text_from_outside_can_not_forge_a_line,
                                  a_long_line_is_cut_and_fits_one_write,
                                  only_a_file_that_grows_gets_time_stamps,
                                  progress_is_rewritten_in_place_and_wiped_by_a_line,
                                  the_quiet_get_no_progress,
                                  lines_of_threads_do_not_mix_and_errno_is_kept,
                                  a_stderr_that_is_gone_harms_nobody};

    return check_main(suite_of("base/log", tests, sizeof(tests) / sizeof(tests[0])));
}
