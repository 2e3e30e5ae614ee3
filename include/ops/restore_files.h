/*
 * ops/restore_files.h - the backup's files: laid out from the index, filled from the packs, checked.
 *
 * Memory    about 100 bytes a chunk and the path of each file; each worker one pack.
 */
#pragma once
#include "base/err.h"
#include "ops/progress.h"
#include "ops/restore_tree.h"
#include "repo/layout.h"
#include "repo/repo.h"
#include <stddef.h>
#include <sys/types.h>

struct restore_files;

/*
 * Read the index of a backup and create what it names: directories, links, and every file at its full size, empty; all
 * of it ours to write to, with its own permission bits only by restore_files_modes. The tree exists already. index_sha256: what backup.json promises.
 */
enum err_code restore_files_layout(struct repo *r, const struct layout *l, const struct backup_info *backup,
                                   const struct restore_tree *tree, struct restore_files **out,
                                   struct err *e);
void restore_files_free(struct restore_files *f);
void restore_files_freep(struct restore_files **f);

/* Fetch every pack that is needed, jobs at a time, and write its chunks where they belong. */
enum err_code restore_files_fill(struct restore_files *f, size_t jobs, struct progress *p, struct err *e);

/*
 * Is what the index named exactly what the server's own backup_manifest names, in size and checksum, and is the backup's
 * summary that of this manifest? ERR_CORRUPT.
 */
enum err_code restore_files_check(const struct restore_files *f, const struct backup_info *backup,
                                  struct err *e);

/* Give every file and then every directory the permission bits it had. Nothing can be written for certain afterwards. */
enum err_code restore_files_modes(struct restore_files *f, struct err *e);

/* Permission bits of the data directory: those of its base directory, 0700 or 0750. */
mode_t restore_files_mode(const struct restore_files *f);
