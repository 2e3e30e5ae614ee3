/*
 * ops/backup_draft.h - the index of a backup that is being taken: drafted in a temporary file, then made final.
 *
 * The draft names all backups whose packs might be referred to; the final index only those that were. In between memory
 * does not grow with the number of files or chunks.
 */
#pragma once
#include "base/err.h"
#include "ops/backup_previous.h"
#include "repo/backup_index.h"
#include "repo/backup_info.h"
#include "repo/repo.h"
#include <stdint.h>

struct backup_draft;

/* previous: borrowed for the call. dir: where the temporary files go. */
enum err_code backup_draft_new(const char *id, const char *dir, const struct backup_previous *previous,
                               struct backup_draft **out, struct err *e);
void backup_draft_free(struct backup_draft *d);

/* Append a record, or text that consists of whole records. */
enum err_code backup_draft_record(struct backup_draft *d, const struct index_record *r, struct err *e);
enum err_code backup_draft_text(struct backup_draft *d, const void *text, size_t len, struct err *e);
/* A chunk of this backup's packs, or one that the previous backup's index has. */
enum err_code backup_draft_new_chunk(struct backup_draft *d, const struct index_chunk *c, struct err *e);
enum err_code backup_draft_old_chunk(struct backup_draft *d, const struct index_chunk *old, struct err *e);

/*
 * Append the last record (files, chunks, size), make the index final and store it. Fills info's sources and
 * index_sha256.
 */
enum err_code backup_draft_store(struct backup_draft *d, const struct index_record *end, struct repo *r,
                                 const struct layout *l, struct backup_info *info, struct err *e);
/* Keep the final index, plain, at path. */
enum err_code backup_draft_keep(const struct backup_draft *d, const char *path, struct err *e);
