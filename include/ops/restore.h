/*
 * ops/restore.h - carry a plan out: lay out the data directory and write the recovery settings.
 */
#pragma once
#include "base/err.h"
#include "ops/plan_gather.h"
#include "repo/cluster.h"
#include <stdbool.h>
#include <stddef.h>

/* A tablespace's directory on the server that was backed up, and where it goes instead. */
struct tablespace_mapping {
    const char *old_path;
    const char *new_path;
};

struct restore_options {
    const char *pgdata;
    const struct tablespace_mapping *tablespaces;
    size_t tablespace_count;
    const char *tablespace_root; /* put every other tablespace into <root>/<oid>; NULL = where it lay */
    bool standby;                /* standby.signal instead of recovery.signal */
    bool keep_archiving;         /* leave archive_mode as the backup has it */
    size_t jobs;                 /* threads that fetch and write; 0 = CPUs, 8 at least when the store is away */
    const char *repo_option;     /* --repo as given, for restore_command; NULL */
};

/*
 * Restore what was planned. The data directory and every tablespace directory must be empty or absent
 * (ERR_REFUSED). Until the last step global/pg_control is missing, so that a half-restored directory cannot start;
 * on failure what was written stays for a look, except that it cannot start.
 */
enum err_code ops_restore(struct cluster *c, const struct planned *p, const struct restore_options *o,
                          struct err *e);
