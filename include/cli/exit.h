/*
 * cli/exit.h - what the program's exit status says, and to whom.
 *
 *   0 done                    1 definitely not there          2 usage or configuration
 *   3 not allowed             4 integrity                     5 transient after all retries      6 this system
 * PostgreSQL is the reader of two: `fetch` answers 1 only for "definitely not there", since anything from 1 to 125
 * ends recovery and promotes, and 200 for every other failure; `archive` never goes above 125, which would end the
 * server's archiver process, not even when a signal ends it.
 */
#pragma once
#include "base/err.h"
#include "cli/options.h"
#include <stdbool.h>

#define EXIT_FETCH_FAILED 200
#define EXIT_INTERRUPTED  1 /* of archive, by a signal: the server will call again */

/* unreachable_absent: `unreachable = absent`, for a standby that can stream instead. command: COMMAND_COUNT = none. */
int exit_status(enum command_id command, enum err_code code, bool unreachable_absent);

/*
 * Let the signals that end a process end this one in the way the command's reader understands. To be called before
 * anything else is done.
 */
void exit_on_signals(enum command_id command);
