/*
 * ops/backup.h - a base backup over the replication protocol into a repository.
 */
#pragma once
#include "base/err.h"
#include "ops/backup_memory.h"
#include "repo/cluster.h"
#include "repo/layout.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct backup_options {
    const char *label; /* NULL = "pitr <ID>"                                          */
    bool fast_checkpoint;
    uint64_t max_rate_bytes; /* per second, as the server limits it; 0 = unlimited          */
    uint32_t chunk_bytes;    /* the largest piece of a file                                 */
    uint32_t pack_bytes;     /* the largest object that pieces are stored in                */
    uint64_t memory_bytes;   /* for buffers (ops/backup_memory.h); 0 = the default      */
    size_t jobs;             /* threads that compress, seal and upload                      */
    int64_t wal_timeout_ms;  /* how long to wait for the WAL of the backup in the repository */
    const char *repo;        /* its name; NULL = the first one                              */
};

/*
 * Take a backup. id receives its ID as soon as it is known. The backup exists (backup.json) only after the server's
 * final answer and after every segment from start to stop was found in the repository; else nothing visible remains.
 */
enum err_code ops_backup(struct cluster *c, const struct backup_options *o, char id[BACKUP_ID_MAX],
                         struct err *e);
