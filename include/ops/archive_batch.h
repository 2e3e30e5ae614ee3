/*
 * ops/archive_batch.h - the file that PostgreSQL asks for, and with it those that wait behind it, several at once.
 *
 * Each is read, compressed and hashed while others are on their way to the store. Those that every repository has
 * acknowledged are noted in the spool (repo/ahead.h), for the calls that will ask for them.
 */
#pragma once
#include "ops/archive.h"
#include "ops/archive_push.h"

/* A file is begun at most so long after the call's first. */
#define ARCHIVE_BATCH_US (INT64_C(10) * 1000000)

/* All pushes together keep at most this in memory, or what one file of the call's size may need and a bit more. */
#define ARCHIVE_BATCH_MEMORY (UINT64_C(20) << 20)

/*
 * Push f, which is opened and not yet read. The answer is for f alone: what becomes of the others is one warning at
 * most. With the first failure, f's or another's, no file is begun any more.
 */
enum err_code archive_batch_push(const struct archive_push *p, struct archive_file *f,
                                 const struct archive_options *o, struct err *e);
