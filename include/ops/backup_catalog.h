/*
 * ops/backup_catalog.h - the catalog of the cluster that is being backed up, asked from the server, stored with the
 * backup.
 *
 * When      as soon as the server has ended the backup, and before the wait for its WAL. So a relation that is dropped
 *           after the backup has a name, also one made while the backup ran. One that was dropped or rewritten in the
 *           moments between the backup's end and this has not; the catalog of the backup before may have it.
 * Rights    CONNECT on each database and a line for it in pg_hba.conf; pg_class is readable for all. No table is
 *           touched, and no lock is taken but those of any query on pg_class, pg_namespace and pg_index.
 * Trouble   with SQL is never the backup's: a database that can't be connected to or read is a warning and a note in
 *           the catalog, and where not even the databases can be listed there is no catalog.
 * Memory    a row and the list of databases; the text goes into a temporary file.
 */
#pragma once
#include "base/err.h"
#include "ops/temp_text.h"
#include "pg/replproto.h"
#include "repo/backup_catalog.h"
#include "repo/backup_info.h"
#include "repo/layout.h"
#include "repo/repo.h"
#include <stdbool.h>

struct backup_catalog {
    struct temp_text text;
    struct catalog_writer writer;
    bool is_taken; /* there is something to store */
};

#define BACKUP_CATALOG_NONE ((struct backup_catalog){.text = TEMP_TEXT_NONE})

/*
 * Ask the server.
 *   conn       the backup's connection, no backup running on it: for the databases and what they share
 *   conninfo   for a connection of its own to each database, one after the other
 *   dir        where the temporary file goes
 * Fails only for that file.
 */
enum err_code backup_catalog_take(struct backup_catalog *c, struct replproto *conn, const char *conninfo,
                                  const char *dir, const char *backup_id, struct err *e);

/* Store it, and fill info's counts; ERR_OK and nothing stored when none was taken. */
enum err_code backup_catalog_store(struct backup_catalog *c, struct repo *r, const struct layout *l,
                                   struct backup_info *info, struct err *e);

/* For CLEANUP; one that was not taken is fine. */
void backup_catalog_close(struct backup_catalog *c);
