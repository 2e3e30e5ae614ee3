/*
 * ops/archive.h - archive_command: one file of pg_wal into every repository of the cluster.
 */
#pragma once
#include "base/err.h"
#include "repo/cluster.h"
#include <stddef.h>
#include <stdint.h>

struct archive_options {
    uint64_t ahead_bytes; /* of waiting files that one call pushes along, besides its own; 0 = none */
    size_t jobs;          /* files pushed at once; 0 = as the store's answers and the CPUs allow    */
};

/*
 * Push the file at path (as %p gives it: relative to the data directory, the working directory of the command). Its
 * last component says what it is. A segment or .partial is checked first: size, page magic, system identifier, name
 * against page address; for .history and .backup the system identifier comes from global/pg_control in the directory
 * above pg_wal. A segment in a directory with archive_status must have a .ready or .done there: else the server has not
 * asked for it, and may still be writing it. ERR_OK only when every repository holds the content durably; the first
 * failure otherwise, after all repositories were tried.
 *   c             prepared or opened; connected when something has to be pushed
 *   ERR_REFUSED   another cluster's WAL, or a segment that the server has not asked to have archived
 *   ERR_CONFLICT  same name, other content; both origins named
 *   ERR_CORRUPT   not a WAL segment, or not the one its name says
 */
enum err_code ops_archive(struct cluster *c, const struct archive_options *o, const char *path,
                          struct err *e);
