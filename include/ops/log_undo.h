/*
 * ops/log_undo.h - where a restore has to end so that a drop has not happened: the LSN for --target-lsn … --exclusive.
 * PURE.
 *
 * Commit    of a DROP TABLE, TRUNCATE and the like: files go when the commit is replayed. Its own LSN.
 * DROP      Directories go when the DROP record itself is replayed, before the commit. DROP TABLESPACE: the record's
 *           LSN. DROP DATABASE before that marks the database invalid, by an update in place of its row that no abort
 *           takes back, then makes a checkpoint and waits for it, which takes time in which others commit. So: the last
 *           such update before the redo point of the last checkpoint before the record, if it is not older than the two
 *           checkpoints before that. VACUUM updates rows of pg_database in place as well; one between the two would be
 *           taken for it, and the restored database would be invalid. Servers from before May 2023 don't mark; where no
 *           update was met it is the record's LSN.
 * Source    PostgreSQL src/backend/commands/{dbcommands.c,tablespace.c}; tried on 13 to 18.
 */
#pragma once
#include "pg/waldrops.h"
#include <stdbool.h>

#define LOG_UNDO_UPDATES 64 /* the last ones are remembered */

/* Embedded by value; {0} is ready; owns nothing. */
struct log_undo {
    lsn updates[LOG_UNDO_UPDATES]; /* in place, of pg_database: a ring */
    uint64_t update_count;
    lsn redo[3]; /* of the last checkpoint and the two before it */
    struct {
        uint32_t database, source, xid;
    } created; /* by the last CREATE DATABASE */
    bool is_remnant;
};

/* The next event in WAL order, before anything is asked of it. */
void log_undo_meet(struct log_undo *u, const struct walevent *v);

/*
 * Is this DROP DATABASE none: what is left of a database that moved to another tablespace, or of a CREATE DATABASE that
 * failed?
 */
bool log_undo_is_remnant(const struct log_undo *u, const struct walevent *v);

/*
 * Would reading from before `start`, where what was met begins, not change the answers about this DROP DATABASE? Only
 * for one that is no remnant.
 */
bool log_undo_is_settled(const struct log_undo *u, lsn start);

/* Where to end so that this has not happened. did: of a commit. False when nothing is lost by it. */
bool log_undo_at(const struct log_undo *u, const struct walevent *v, enum waldrops_kind did, lsn *at);
