/*
 * ops/backup_store.h - files in, chunks, packs and the index out: the storing half of a backup.
 *
 * Files are cut into chunks; a chunk of zeros is only noted, one that the previous backup has at the same place is
 * referred to, the rest goes into packs. The calling thread only copies; worker threads find out which it is, compress
 * and seal, others upload. What was written where is drafted in a temporary file, so memory does not grow with it.
 * Memory    memory_bytes (ops/backup_memory.h), the previous index, and the paths of files.
 */
#pragma once
#include "base/err.h"
#include "ops/backup_previous.h"
#include "pg/manifest.h"
#include "repo/backup_info.h"
#include "repo/repo.h"
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct backup_store_options {
    struct repo *repo;
    const struct layout *layout;
    const char *id;
    struct backup_previous *previous; /* borrowed */
    const char *draft_dir;            /* where the temporary files go */
    uint32_t chunk_bytes;
    uint32_t pack_bytes;
    uint64_t memory_bytes; /* for buffers (ops/backup_memory.h); 0 = the default */
    size_t jobs;
};

struct backup_store;

enum err_code backup_store_new(const struct backup_store_options *o, struct backup_store **out,
                               struct err *e);
/* Stops the workers and drops the draft. For CLEANUP(backup_store_freep). */
void backup_store_free(struct backup_store *s);
void backup_store_freep(struct backup_store **s);

/* What the tar stream brings, by path relative to the data directory. A file is file, data…, file_end. */
enum err_code backup_store_tablespace(struct backup_store *s, uint32_t oid, const char *path, struct err *e);
enum err_code backup_store_directory(struct backup_store *s, const char *path, mode_t mode, struct err *e);
enum err_code backup_store_link(struct backup_store *s, const char *path, const char *target, struct err *e);
enum err_code backup_store_file(struct backup_store *s, const char *path, mode_t mode, uint64_t size,
                                int64_t mtime, struct err *e);
enum err_code backup_store_data(struct backup_store *s, const void *bytes, size_t len, struct err *e);
enum err_code backup_store_file_end(struct backup_store *s, struct err *e);

/*
 * Does the server's manifest name exactly the files so far, with these sizes and checksums? ERR_CORRUPT. Waits for the
 * workers to have read them all.
 */
enum err_code backup_store_check(struct backup_store *s, const struct manifest *m, struct err *e);

/* Upload what is left and wait until every pack is stored. No more files afterwards. */
enum err_code backup_store_flush(struct backup_store *s, struct err *e);

/*
 * Write the index to the repository. Fills info's counts, sizes, sources and index_sha256.
 */
enum err_code backup_store_index(struct backup_store *s, struct backup_info *info, struct err *e);
/* Keep the plain index at path for the next backup. */
enum err_code backup_store_keep(struct backup_store *s, const char *path, struct err *e);
