/*
 * ops/restore_files.h - the backup's files as its index names them: laid out empty, and which chunk goes where.
 *
 * Memory    64 bytes a chunk (with what a list of one pack's doubles ahead), and the path of each file.
 */
#pragma once
#include "base/err.h"
#include "ops/restore_tree.h"
#include "repo/backup_info.h"
#include "repo/layout.h"
#include "repo/pack_ranges.h"
#include "repo/repo.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct restore_file {
    char *path; /* in the backup */
    uint64_t size;
    uint32_t crc; /* CRC-32C of its content, as the index promises it */
    mode_t mode;
    atomic_bool is_made; /* at its full size */
};

struct restore_directory {
    char *path; /* in the backup */
    mode_t mode;
};

/* What is wanted from one pack. A want's `file` counts in files, its `at` is the offset there. */
struct restore_pack {
    uint32_t number;
    struct pack_want *wants;
    size_t count, room;
};

/* A backup whose packs hold chunks of this one. */
struct restore_source {
    char id[BACKUP_ID_MAX];
    struct restore_pack **packs; /* by number; NULL where nothing is wanted */
    size_t count;
};

struct restore_files {
    struct repo *repo;
    const struct layout *layout;
    const struct restore_tree *tree; /* all borrowed */
    struct restore_source *sources;
    size_t source_count;
    struct restore_file *files;
    size_t file_count, file_room;
    struct restore_directory *directories;
    size_t directory_count, directory_room;
    uint64_t wanted_bytes; /* plain, of all chunks; without the zeros that are in no pack */
    uint64_t at;           /* in the file being read from the index … */
    bool has_chunks;       /* … of which some came already            */
    mode_t mode;           /* of the data directory: that of its base directory, 0700 or 0750 */
};

/*
 * Read the index of a backup, which must be the one that its summary promises, and create the directories and links
 * that it names, and the files that have no chunks; all of it ours to write to, with its own permission bits only by
 * restore_files_modes. The tree exists already.
 */
enum err_code restore_files_layout(struct repo *r, const struct layout *l, const struct backup_info *backup,
                                   const struct restore_tree *tree, struct restore_files **out,
                                   struct err *e);
void restore_files_free(struct restore_files *f);
void restore_files_freep(struct restore_files **f);

/*
 * Open a file of the list for writing: a hole of its full size when it was not made before. Safe from several threads.
 *   path  receives where it lies; TREE_PATH_MAX bytes
 *   fd    the caller's
 */
enum err_code restore_files_open(struct restore_files *f, size_t file, char *path, int *fd, struct err *e);

/* Give every file and then every directory its own permission bits. Nothing can be written for certain afterwards. */
enum err_code restore_files_modes(struct restore_files *f, struct err *e);
