/*
 * pg/recoveryconf.h - recovery settings in postgresql.auto.conf: old ones out, new ones in, quoted. PURE.
 *
 * A value passes through up to three readers, and each is quoted for by itself:
 *   shell words      restore_command is run by /bin/sh: words in single quotes
 *   placeholders     before that the server replaces %f, %p, %r and %%: a literal % is doubled
 *   the file         before that the configuration file is read: in single quotes, '' for ' and \\ for \
 * So: put the command together with recoveryconf_shell_word, then hand it to recoveryconf_set.
 * Source    PostgreSQL src/backend/utils/misc/guc-file.l; manual, "Parameter Interaction via the Configuration File".
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include <stddef.h>

/*
 * Append text, the contents of a configuration file, to out without the lines that set what belonged to
 * the recovery of another server: every recovery_target*, restore_command, archive_cleanup_command,
 * recovery_end_command, recovery_min_apply_delay, primary_conninfo, primary_slot_name,
 * promote_trigger_file. Comments, includes and all else, also what PostgreSQL would refuse, stay as they
 * are. What was appended ends with a newline. ERR_CORRUPT for a NUL byte.
 */
enum err_code recoveryconf_strip(const char *text, size_t len, struct buf *out, struct err *e);

/* Append the line "name = 'value'". ERR_USAGE: name is no parameter's form, or value has a newline. */
enum err_code recoveryconf_set(struct buf *out, const char *name, const char *value, struct err *e);

/* Append text as comment: "# " before each of its lines. Nothing in it can become a setting. */
enum err_code recoveryconf_comment(struct buf *out, const char *text, struct err *e);

/*
 * Append one word to a command line, with a space before it when it is not the first: /bin/sh will read
 * exactly word. % is doubled; the placeholders that are meant are appended by the caller:
 * buf_puts(&command, " %f %p", e).
 */
enum err_code recoveryconf_shell_word(struct buf *out, const char *word, struct err *e);
