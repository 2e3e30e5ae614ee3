/*
 * base/proc.h - other programs.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"

/*
 * Run a command line with /bin/sh -c, stdin empty, and append its stdout to out. Its stderr is ours.
 * ERR_USAGE when it exits non-zero, dies of a signal, outlives timeout_ms or prints more than out may hold (it is then
 * killed, with its process group). The message names the option (what), never the
 * command's output.
 */
enum err_code proc_capture(const char *command, const char *what, int timeout_ms, struct buf *out,
                           struct err *e);
