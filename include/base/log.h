/*
 * base/log.h - what the program says while it works, on stderr.
 *
 * Floors below ops log at debug only; ops may inform and warn; errors are returned, and cli prints them. One exception:
 * the S3 client (storage/s3_client.h) warns when this machine's clock is so wrong that requests must be signed with the
 * server's time. The request then succeeds, so no error carries it.
 * PostgreSQL puts the stderr of archive_command and restore_command into its own log, and the journal stamps what
 * it is given, so a line carries a time only when stderr is a log file that grows: a regular file opened for
 * appending (log_init looks). Lines are "pitr: LEVEL:  text", one write(2) each; text from outside can't forge one.
 *
 * Its settings are the house's one global that changes what others see (beside it stand only locks, and what is made
 * once and never changes). Call log_init before there are other threads; the rest is safe from several. Unless
 * initialised it says "pitr", wants up to INFO, and knows no terminal. errno is kept.
 */
#pragma once
#include "base/attr.h"
#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Set the name in front of each line ("pitr", "pitr-archive"; borrowed) and the most talkative level to print. */
void log_init(const char *program, enum log_level threshold);

/* stderr was put elsewhere since: look what it is now. */
void log_look_again(void);

void log_debug(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_info(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_warning(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_error(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* "HINT:  text", "DETAIL:  text" lines below the line this thread logged last; silent when that was not wanted. */
void log_hint(const char *fmt, ...) PRINTF_LIKE(1, 2);
void log_detail(const char *fmt, ...) PRINTF_LIKE(1, 2);

/*
 * A line rewritten in place on a terminal (progress), cut to its width; nothing elsewhere, nor when INFO is not
 * wanted. "" wipes it. log_* calls wipe it first.
 */
void log_progress(const char *fmt, ...) PRINTF_LIKE(1, 2);
bool log_has_terminal(void);
