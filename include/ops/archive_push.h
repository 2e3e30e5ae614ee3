/*
 * ops/archive_push.h - a file that was opened, into every repository of the cluster; segments know the run before them.
 *
 * Use       archive_file_read, archive_push_in_order (one file at a time, in the archiver's order), archive_push_store
 *           (by any thread, several at once).
 */
#pragma once
#include "ops/archive_file.h"
#include "repo/cluster.h"
#include "repo/layout.h"
#include "repo/wal_chain.h"

struct archive_push {
    struct cluster *cluster; /* connected; borrowed */
    struct layout layout;    /* of the line of the first file */
    unsigned major;
    struct wal_chain **chains; /* one for each repository; owned */
};
#define ARCHIVE_PUSH_NONE ((struct archive_push){.cluster = NULL})

/* For files of f's line. Cleared by the caller in any case. */
enum err_code archive_push_open(struct archive_push *p, struct cluster *c, const struct archive_file *f,
                                struct err *e);
void archive_push_clear(struct archive_push *p);

/* Is f of the same line and version? */
bool archive_push_fits(const struct archive_push *p, const struct archive_file *f);
/* Does the spool know the line in every repository? Then nothing has to be asked before something is stored. */
bool archive_push_is_known(const struct archive_push *p);

/* What the file's descriptor will tell in each repository; told has room for all of them. */
void archive_push_in_order(const struct archive_push *p, const struct archive_file *f,
                           struct wal_facts *told);
/* In its turn, a segment that is stored already, as an earlier call has noted. */
void archive_push_noted(const struct archive_push *p, const struct wal_facts *facts);

/*
 * Every repository is tried: one that is away must not keep the others from having the file. The first failure; others
 * are warnings, or where is_ahead debug lines. f's content may be gone afterwards.
 */
enum err_code archive_push_store(const struct archive_push *p, struct archive_file *f,
                                 const struct wal_facts *told, bool is_ahead, struct err *e);

/* All of that for one file. */
enum err_code archive_push_one(const struct archive_push *p, struct archive_file *f, struct err *e);
