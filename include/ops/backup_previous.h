/*
 * ops/backup_previous.h - the last backup's chunks by place, so that unchanged ones are not stored again.
 *
 * Source    the plain index that this host keeps in its spool, taken only when its hash is the one that backup's
 *           backup.json promises; else the stored index, where an identity to read it is at hand; else nothing.
 *           Nothing also when it is not sealed for all of today's recipients, or sealed when there are none.
 * Memory    about 80 bytes a chunk of the previous backup: 330 MB for a terabyte in chunks of 256 KiB.
 */
#pragma once
#include "base/err.h"
#include "repo/backup_index.h"
#include "repo/layout.h"
#include "repo/repo.h"
#include "repo/spool.h"
#include <stdint.h>

struct backup_previous;

/* Never fails for want of a previous backup: *out is then an empty one. Only memory and the repository are errors. */
enum err_code backup_previous_load(struct repo *r, const struct layout *l, const struct spool *spool,
                                   struct backup_previous **out, struct err *e);
void backup_previous_free(struct backup_previous *p);
void backup_previous_freep(struct backup_previous **p);

/* The backup whose index it is; "" for none. */
const char *backup_previous_id(const struct backup_previous *p);
/* Its sources: number 0 is itself. NULL behind the last. */
const char *backup_previous_source(const struct backup_previous *p, uint32_t number);

/* Begin to look at a file; its chunks are then asked for by ascending offset. */
void backup_previous_file(struct backup_previous *p, const char *path);
/* The chunk that lay at this offset of the file, if it has this length; NULL otherwise. Borrowed. */
const struct index_chunk *backup_previous_chunk(struct backup_previous *p, uint64_t offset, uint32_t length);
