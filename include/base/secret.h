/*
 * base/secret.h - secrets: read from files that others can't read, or from a command; wiped after use.
 *
 * The text of a secret never appears in an error, a log line or an argument list.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"

/*
 * Append the contents of a secret file to out. ERR_USAGE when it is not a regular file, or group or world may read
 * or write it, or it belongs neither to us nor to root (checked on the open descriptor), or is not there, or is longer
 * than out may hold or 64 KiB. One trailing newline is cut. what: the option's name.
 */
enum err_code secret_read_file(const char *path, const char *what, struct buf *out, struct err *e);

/* The same from a command's stdout, within 10 s (see proc_capture); the same limits of length. */
enum err_code secret_read_command(const char *command, const char *what, struct buf *out, struct err *e);

/* buf_clear that wipes first; and wiping of plain memory that no optimiser removes. For CLEANUP(secret_clear). */
void secret_clear(struct buf *b);
void secret_wipe(void *bytes, size_t len);
