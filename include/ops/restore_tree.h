/*
 * ops/restore_tree.h - the directories a restore writes into, and where each path of the backup goes.
 *
 * Paths of the backup are relative to the data directory; those of a tablespace, pg_tblspc/<oid>/…, go to its
 * directory, to which pg_tblspc/<oid> becomes a symbolic link. global/pg_control is written under another name until
 * the end.
 */
#pragma once
#include "base/err.h"
#include "ops/restore.h"
#include "repo/backup_info.h"
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TREE_CONTROL         "global/pg_control"
#define TREE_CONTROL_PENDING "global/pg_control.pitr-restoring"
#define TREE_PATH_MAX        4096

struct tree_tablespace {
    uint32_t oid;
    char *directory; /* absolute; NULL for an in-place one, which lies inside the data directory */
};

struct restore_tree {
    char *pgdata; /* absolute */
    struct tree_tablespace *tablespaces;
    size_t tablespace_count;
};

/*
 * Settle where everything goes, and make sure it may: data directory and tablespace directories empty or absent, none
 * inside another, links followed (ERR_USAGE), each --tablespace naming one the backup has (ERR_USAGE). Nothing is
 * created yet.
 */
enum err_code restore_tree_init(struct restore_tree *t, const struct backup_info *backup,
                                const struct restore_options *o, struct err *e);
void restore_tree_clear(struct restore_tree *t);

/* Create the data directory and the tablespace directories, 0700. */
enum err_code restore_tree_create(const struct restore_tree *t, struct err *e);

/* The absolute path where a path of the backup goes; out: TREE_PATH_MAX bytes. ERR_CORRUPT when too long. */
enum err_code restore_tree_path(const struct restore_tree *t, const char *path, char *out, struct err *e);

/* Where a link of the backup must point: the directory of its tablespace; NULL when it is none's. Borrowed. */
const char *restore_tree_link(const struct restore_tree *t, const char *path);

/* The last step: pg_control gets its name, durably. mode: the data directory's own permission bits. */
enum err_code restore_tree_finish(const struct restore_tree *t, mode_t mode, struct err *e);
