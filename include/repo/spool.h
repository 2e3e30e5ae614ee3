/*
 * repo/spool.h - a private directory of cached knowledge; losing it at any moment costs time, never data.
 *
 * <dir>/<cluster>/lines        lines known to belong to the cluster: "<repository tag> <LINE> <learnt>" a line,
 *                              learnt: seconds since 1970
 * <dir>/<cluster>/index-<tag>  the plain index of the last backup into a repository (0600)
 * <dir>/<cluster>/run-<tag>    the segments acknowledged last by a repository: see repo/wal_run.h
 * <dir>/<cluster>/restore-<tag>, replay-<tag>  how fast restores and recoveries went: see repo/rate_file.h
 * <dir>/<cluster>/window-<tag>-<boot>/  segments that lie ready ahead of a recovery: see repo/prefetch.h
 * <dir>/<cluster>/ahead/       files of pg_wal that were archived ahead of their turn: see repo/ahead.h
 * Tag: first 16 hex digits of SHA-256 of the repository's place (URL, with S3 and the endpoint). Directories are 0700
 * and ours (owner checked, no symbolic link), else the spool is not used; those above them are the administrator's
 * affair. Default directory: /var/tmp/pitr-<uid>, since the server's environment need not have a home.
 */
#pragma once
#include "base/err.h"
#include "base/buf.h"
#include <stdbool.h>

/* How long a line that was learnt is believed without asking the repository again. */
#define SPOOL_TRUST_SECONDS 3600

struct spool;

/*
 * dir: as configured (then an unusable one is ERR_USAGE or ERR_IO), or NULL for the default (then an unusable one
 * is a debug line and a spool that remembers nothing). The directory is created.
 */
enum err_code spool_open(const char *dir, const char *cluster, struct spool **out, struct err *e);
/* One that remembers nothing. */
enum err_code spool_none(struct spool **out, struct err *e);
void spool_free(struct spool *s);

/* The directory of this cluster, or NULL for a spool that remembers nothing. Borrowed. */
const char *spool_dir(const struct spool *s);

/* Was this line learnt to belong to the cluster in that repository, and lately? No error: not known is false. */
bool spool_knows_line(const struct spool *s, const char *repo_place, const char *line);
/* The same, however long ago. */
bool spool_knew_line(const struct spool *s, const char *repo_place, const char *line);
/* Best effort: a failure is a debug line, and of two processes that learn at once one may be lost. */
void spool_learn_line(struct spool *s, const char *repo_place, const char *line);

/* The path where the last plain index for that repository lies or would; false for a spool without directory. */
bool spool_index_path(const struct spool *s, const char *repo_place, struct buf *out);
/* The same for the run of segments. */
bool spool_run_path(const struct spool *s, const char *repo_place, struct buf *out);
/* The same for a measured rate: name is "restore" or "replay". s: NULL is a spool without directory. */
bool spool_rate_path(const struct spool *s, const char *name, const char *repo_place, struct buf *out);
