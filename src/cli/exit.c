/*
 * cli/exit.c - see cli/exit.h.
 */
#include "cli/exit.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static int status_of(enum err_code code)
{
    switch (code) {
    case ERR_OK:
        return 0;
    case ERR_ABSENT:
        return 1;
    case ERR_USAGE:
        return 2;
    case ERR_REFUSED:
    case ERR_CONFLICT:
    case ERR_DENIED:
        return 3;
    case ERR_CORRUPT:
        return 4;
    case ERR_UNREACHABLE:
        return 5;
    case ERR_IO:
        return 6;
    }
    return 6;
}

int exit_status(enum command_id command, enum err_code code, bool unreachable_absent)
{
    /* As a restore_command it would deliver nothing, and must end no recovery. */
    if (command == COMMAND_FETCH_AHEAD)
        return code == ERR_OK ? 0 : EXIT_FETCH_FAILED;
    if (command != COMMAND_FETCH || code == ERR_OK)
        return status_of(code);
    if (code == ERR_ABSENT || (code == ERR_UNREACHABLE && unreachable_absent))
        return status_of(ERR_ABSENT);
    return EXIT_FETCH_FAILED;
}

/*
 * Nothing has to be undone: what was being written lies under a temporary name. _exit, since nothing else is safe
 * in a handler.
 */
static void exit_interrupted(int signal_number)
{
    (void) signal_number;
    _exit(EXIT_INTERRUPTED);
}

static void exit_quietly(int signal_number)
{
    (void) signal_number;
    _exit(0);
}

/*
 * archive: PostgreSQL's archiver ends itself when the command dies of a signal, so none may show. fetch: keeps the
 * default of SIGTERM, which PostgreSQL knows as a shutdown under way. fetch-ahead: whatever it leaves is either whole
 * or known not to be; who kills its watcher (base/detach.h) leaves it to a postmaster that is the first process of a
 * container, for which no death by a signal is an ordinary one. SIGPIPE: writing to a closed connection is an error of
 * that write, for every command.
 */
void exit_on_signals(enum command_id command)
{
    static const int ending[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
    struct sigaction action;

    memset(&action, 0, sizeof(action));
    sigemptyset(&action.sa_mask);
    action.sa_handler = SIG_IGN;
    (void) sigaction(SIGPIPE, &action, NULL);
    (void) sigaction(SIGXFSZ, &action, NULL); /* a file size limit is an error of that write, too */
    if (command != COMMAND_ARCHIVE && command != COMMAND_FETCH_AHEAD)
        return;
    action.sa_handler = command == COMMAND_ARCHIVE ? exit_interrupted : exit_quietly;
    for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
        (void) sigaction(ending[i], &action, NULL);
}
