/*
 * ops/archive_waiting.h - which files of a pg_wal wait to be archived, in the order in which PostgreSQL will ask.
 *
 * A file waits while archive_status/NAME.ready is there. Histories of timelines come first, then all by name.
 * Source    PostgreSQL src/backend/postmaster/pgarch.c, pgarch_readyXlog and ready_file_comparator, 13 to 18.
 */
#pragma once
#include "base/err.h"
#include "pg/walseg.h"
#include <stddef.h>

struct archive_waiting {
    char (*names)[WALFILE_NAME_MAX]; /* owned */
    size_t count;
};

/*
 * The first `most` that wait in this pg_wal, but for `except`. Names that PostgreSQL would not hand over are none. In a
 * directory that can't be read nothing waits. ERR_IO: no memory.
 */
enum err_code archive_waiting_list(const char *pg_wal, const char *except, size_t most,
                                   struct archive_waiting *out, struct err *e);
void archive_waiting_clear(struct archive_waiting *w);
