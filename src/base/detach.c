/*
 * base/detach.c - see base/detach.h.
 *
 * fork, setsid, fork, fork, exec: the one in the middle ends at once and is waited for here; the next is the watcher,
 * no session leader, so that nothing of it can get a terminal; the last becomes the program. Between fork and exec, and
 * in the watcher, only system calls are made, since other threads of ours may hold locks.
 *
 * The watcher has all signals blocked and takes them one by one, so none is lost between two looks.
 */
#include "base/detach.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SELF             "/proc/self/exe"
#define DESCRIPTORS_MOST 65536 /* closed one by one where the kernel has no close_range (before 5.9) */

static void close_all(void)
{
    if (close_range(STDERR_FILENO + 1, ~0U, 0) == 0)
        return;
    for (int fd = STDERR_FILENO + 1; fd < DESCRIPTORS_MOST; fd++)
        (void) close(fd);
}

/* Ignored signals would stay ignored behind exec. */
static void reset_signals(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};

    for (int number = 1; number < NSIG; number++)
        (void) sigaction(number, &action, NULL);
}

static void block_signals(bool is_blocked)
{
    sigset_t set;

    (void) (is_blocked ? sigfillset(&set) : sigemptyset(&set));
    (void) sigprocmask(SIG_SETMASK, &set, NULL);
}

static void silence(void)
{
    int null = open("/dev/null", O_RDWR);

    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (null < 0 || dup2(null, fd) < 0)
            _exit(EXIT_FAILURE);
}

/* Where the watcher has ended before it could be told so, there is nothing to begin. */
static _Noreturn void become(char *const argv[], pid_t watcher)
{
    char path[PATH_MAX];
    ssize_t len = readlink(SELF, path, sizeof(path) - 1);

    (void) prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() == watcher) {
        block_signals(false);
        path[len > 0 ? len : 0] = '\0';
        (void) execv(path, argv); /* by name, which valgrind follows */
        (void) execv(SELF, argv); /* the file was replaced meanwhile */
    }
    _exit(EXIT_FAILURE);
}

/* Until the program has ended, and as if it had ended well. */
static _Noreturn void watch(pid_t program)
{
    static const int taken[] = {SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    sigset_t set;
    int number;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
        (void) sigaddset(&set, taken[i]);
    while (waitpid(program, NULL, WNOHANG) == 0) {
        number = sigwaitinfo(&set, NULL);
        if (number > 0 && number != SIGCHLD)
            (void) kill(program, number);
    }
    _exit(EXIT_SUCCESS);
}

static _Noreturn void leave(char *const argv[])
{
    pid_t next, watcher;

    block_signals(true);
    (void) setsid();
    next = fork();
    if (next != 0)
        _exit(next < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
    silence();
    close_all();
    reset_signals();
    watcher = getpid();
    next = fork();
    if (next == 0)
        become(argv, watcher);
    if (next < 0)
        _exit(EXIT_FAILURE);
    watch(next);
}

enum err_code detach_self(char *const argv[], struct err *e)
{
    pid_t middle = fork();
    int status;

    if (middle < 0)
        return err_sys(e, ERR_IO, errno, "could not start a process");
    if (middle == 0)
        leave(argv);
    while (waitpid(middle, &status, 0) < 0)
        if (errno != EINTR) /* ECHILD: where SIGCHLD is ignored nobody has to wait */
            return ERR_OK;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS)
        return err_set(e, ERR_IO, "could not start a detached process");
    return ERR_OK;
}
