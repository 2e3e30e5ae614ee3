/*
 * cli/run_fetch.h - the commands fetch and fetch-ahead, and how the first starts the second.
 */
#pragma once
#include "base/err.h"
#include "cli/run.h"

/* operands: the file's name and where to put it */
enum err_code run_fetch(struct invocation *in, struct err *e);
/* operands: those of fetch, and the data directory */
enum err_code run_fetch_ahead(struct invocation *in, struct err *e);

/*
 * What starts fetch-ahead for a call of fetch: the same program with the words of the call, and the data directory
 * behind them. NULL-terminated; the array is the caller's to free, the texts are borrowed. NULL without memory.
 */
char **fetch_ahead_argv(const struct invocation *in, char *program, char *directory);
