/*
 * base/detach.c - see base/detach.h.
 *
 * fork, setsid, fork, exec: the one in the middle ends at once and is waited for here; the last is no session leader, so
 * it can't get a terminal. Between fork and exec only what is safe in a signal handler is called, since other threads
 * of ours may hold locks.
 */
#include "base/detach.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
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
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        (void) sigaction(number, &action, NULL);
    sigemptyset(&none);
    (void) sigprocmask(SIG_SETMASK, &none, NULL);
}

static void silence(void)
{
    int null = open("/dev/null", O_RDWR);

    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (null < 0 || dup2(null, fd) < 0)
            _exit(EXIT_FAILURE);
}

/* Never returns. */
static void become(char *const argv[])
{
    pid_t last;

    (void) setsid();
    last = fork();
    if (last != 0)
        _exit(last < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
    silence();
    close_all();
    reset_signals();
    (void) execv(SELF, argv);
    _exit(EXIT_FAILURE);
}

enum err_code detach_self(char *const argv[], struct err *e)
{
    pid_t middle = fork();
    int status;

    if (middle < 0)
        return err_sys(e, ERR_IO, errno, "could not start a process");
    if (middle == 0)
        become(argv);
    while (waitpid(middle, &status, 0) < 0)
        if (errno != EINTR) /* ECHILD: where SIGCHLD is ignored nobody has to wait */
            return ERR_OK;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS)
        return err_set(e, ERR_IO, "could not start a detached process");
    return ERR_OK;
}
