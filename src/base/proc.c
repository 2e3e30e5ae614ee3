/*
 * base/proc.c - see base/proc.h.
 *
 * posix_spawn rather than fork: other threads may hold locks. The command leads its own process group, so that a
 * timeout reaches what it started too; the group is killed before its leader is reaped, while its number can't be
 * anyone else's. The end is the end of stdout *and* of the shell: a command that leaves a child in the background
 * with stdout open runs into the timeout.
 */
#include "base/proc.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define READ_BYTES   4096
#define REAP_WAIT_US 2000

extern char **environ;

static int spawn_prepared(const char *command, int out_fd, posix_spawn_file_actions_t *files,
                          posix_spawnattr_t *attr, pid_t *pid)
{
    char shell[] = "sh", option[] = "-c";
    char *const argv[] = {shell, option, (char *) (uintptr_t) command, NULL};
    sigset_t none, defaults;
    int failed;

    /* Our own dispositions and mask are no business of the command's; it must die of SIGPIPE like any other. */
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGINT);
    sigaddset(&defaults, SIGTERM);
    sigaddset(&defaults, SIGCHLD);
    if ((failed = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0)) != 0 ||
        (failed = posix_spawn_file_actions_adddup2(files, out_fd, STDOUT_FILENO)) != 0 ||
        (failed = posix_spawnattr_setpgroup(attr, 0)) != 0 ||
        (failed = posix_spawnattr_setsigmask(attr, &none)) != 0 ||
        (failed = posix_spawnattr_setsigdefault(attr, &defaults)) != 0 ||
        (failed = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                     POSIX_SPAWN_SETSIGDEF)) != 0)
        return failed;
    return posix_spawn(pid, "/bin/sh", files, attr, argv, environ);
}

/* 0 or an errno. */
static int spawn_shell(const char *command, int out_fd, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    int failed = posix_spawn_file_actions_init(&files);

    if (failed != 0)
        return failed;
    failed = posix_spawnattr_init(&attr);
    if (failed == 0) {
        failed = spawn_prepared(command, out_fd, &files, &attr, pid);
        (void) posix_spawnattr_destroy(&attr);
    }
    (void) posix_spawn_file_actions_destroy(&files);
    return failed;
}

static enum err_code timed_out(const char *what, int timeout_ms, struct err *e)
{
    return err_set(e, ERR_USAGE, "command of \"%s\" did not end within %d ms", what, timeout_ms);
}

/* Milliseconds until the deadline, rounded up; 0 when it has passed. */
static int left_ms(int64_t deadline_us)
{
    int64_t left_us = deadline_us - clock_mono_us(&clock_system);

    return left_us <= 0 ? 0 : (int) ((left_us + 999) / 1000);
}

/* Append one piece; *ended at the end of the stream. */
static enum err_code read_piece(int fd, const char *what, struct buf *out, bool *ended, struct err *e)
{
    size_t room = out->max - out->len < READ_BYTES ? out->max - out->len : READ_BYTES;
    uint8_t probe;
    ssize_t got;

    if (room > 0 && buf_reserve(out, room, e) != ERR_OK)
        return e->code;
    got = room > 0 ? read(fd, out->data + out->len, room) : read(fd, &probe, 1);
    if (got < 0 && errno != EINTR)
        return err_sys(e, ERR_IO, errno, "could not read from the command of \"%s\"", what);
    if (got > 0 && room == 0)
        return err_set(e, ERR_USAGE, "command of \"%s\" printed more than %zu bytes", what, out->max);
    if (got > 0)
        out->len += (size_t) got;
    *ended = got == 0;
    return ERR_OK;
}

static enum err_code read_output(int fd, const char *what, int timeout_ms, int64_t deadline_us,
                                 struct buf *out, struct err *e)
{
    bool ended = false;

    while (!ended) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        int left = left_ms(deadline_us);
        int count = left > 0 ? poll(&ready, 1, left) : 0;

        if (count < 0 && errno != EINTR)
            return err_sys(e, ERR_IO, errno, "could not wait for the command of \"%s\"", what);
        if (count == 0 && left_ms(deadline_us) == 0)
            return timed_out(what, timeout_ms, e);
        if (count > 0 && read_piece(fd, what, out, &ended, e) != ERR_OK)
            return e->code;
    }
    return ERR_OK;
}

/* Once stdout has ended the shell is about to; look every few milliseconds. *reaped: pid is gone. */
static enum err_code await_exit(pid_t pid, const char *what, int timeout_ms, int64_t deadline_us,
                                bool *reaped, int *status, struct err *e)
{
    for (;;) {
        pid_t ended = waitpid(pid, status, WNOHANG);

        if (ended == pid) {
            *reaped = true;
            return ERR_OK;
        }
        if (ended < 0 && errno != EINTR) {
            *reaped = true; /* ECHILD: somebody else did, or SIGCHLD is ignored */
            return err_sys(e, ERR_IO, errno, "could not wait for the command of \"%s\"", what);
        }
        if (left_ms(deadline_us) == 0)
            return timed_out(what, timeout_ms, e);
        clock_sleep_us(&clock_system, REAP_WAIT_US);
    }
}

static void kill_group(pid_t pid)
{
    /* The group exists from the spawn on; ESRCH only when all of it has ended. */
    (void) kill(-pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

static enum err_code judge(int status, const char *what, struct err *e)
{
    if (WIFSIGNALED(status))
        return err_set(e, ERR_USAGE, "command of \"%s\" was terminated by signal %d", what, WTERMSIG(status));
    if (WEXITSTATUS(status) == 0)
        return ERR_OK;
    err_set(e, ERR_USAGE, "command of \"%s\" failed with exit code %d", what, WEXITSTATUS(status));
    if (WEXITSTATUS(status) == 127)
        err_hint(e, "The shell did not find the program; give its full path.");
    return e->code;
}

static enum err_code capture(pid_t pid, int fd, const char *what, int timeout_ms, struct buf *out,
                             struct err *e)
{
    int64_t deadline_us = clock_mono_us(&clock_system) + (int64_t) timeout_ms * 1000;
    bool reaped = false;
    int status = 0;

    if (read_output(fd, what, timeout_ms, deadline_us, out, e) != ERR_OK ||
        await_exit(pid, what, timeout_ms, deadline_us, &reaped, &status, e) != ERR_OK) {
        if (!reaped)
            kill_group(pid);
        return e->code;
    }
    return judge(status, what, e);
}

enum err_code proc_capture(const char *command, const char *what, int timeout_ms, struct buf *out,
                           struct err *e)
{
    size_t before = out->len;
    enum err_code code;
    int ends[2];
    int failed;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return err_sys(e, ERR_IO, errno, "could not create pipe");
    failed = spawn_shell(command, ends[1], &pid);
    (void) close(ends[1]);
    if (failed == 0)
        code = capture(pid, ends[0], what, timeout_ms, out, e);
    else
        code = err_sys(e, ERR_IO, failed, "could not run the command of \"%s\"", what);
    (void) close(ends[0]);
    if (code != ERR_OK)
        out->len = before;
    return code;
}
