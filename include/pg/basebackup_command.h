/*
 * pg/basebackup_command.h - the text of BASE_BACKUP, in the grammar of the server's version.
 *
 * To 14     keywords: BASE_BACKUP LABEL 'nightly' PROGRESS FAST NOWAIT …
 * From 15   options in parentheses: BASE_BACKUP (LABEL 'nightly', PROGRESS true, CHECKPOINT 'fast', WAIT false, …)
 * Both escape one thing: a quote in a literal is doubled. Always asked for: page checksums verified, sizes estimated
 * (for which the server walks through its directories first), a manifest with CRC-32C. Never: WAL, a tablespace map,
 * waiting for archiving.
 * PURE.
 * Source    PostgreSQL manual, "Streaming Replication Protocol"; src/backend/replication/repl_gram.y.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include <stdbool.h>

#define BASEBACKUP_MARKED_SINCE \
    150000 /* the version, as libpq counts, that brought parentheses and marked messages */

#define BASEBACKUP_MIN_RATE_KB 32
#define BASEBACKUP_MAX_RATE_KB 1048576

/* Zero is the default: a spread checkpoint, full speed. */
struct basebackup_options {
    const char *label;    /* NULL: "pitr"; one line, up to 1024 bytes */
    bool fast_checkpoint; /* don't wait for the next one: a burst of writes on the server */
    unsigned max_rate_kb; /* kB/s, BASEBACKUP_MIN_RATE_KB … MAX; 0 = no limit */
};

/* Append the command for a server of this version. ERR_USAGE: label or rate out of bounds. */
enum err_code basebackup_command(const struct basebackup_options *o, int server_version, struct buf *out,
                                 struct err *e);
