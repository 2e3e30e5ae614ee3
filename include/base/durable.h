/*
 * base/durable.h - a whole file or none, and on disk when we say so.
 *
 * A file is written under a temporary name in the directory of its final one, fsynced, closed with the result
 * checked, then renamed (replacing) or linked (refusing to replace), and the directory fsynced. Temporary names
 * are ".pitr-tmp-<name>.<pid>.<random>"; one left by a dead process is garbage that anyone may remove.
 * Source    PostgreSQL src/common/file_utils.c, durable_rename.
 */
#pragma once
#include "base/err.h"
#include <stdbool.h>
#include <sys/types.h>

#define DURABLE_TMP_PREFIX ".pitr-tmp-"

struct durable {
    int fd;          /* to write to; -1 when there is nothing to commit or discard */
    char *path;      /* final name, owned     */
    char *temporary; /* present name, owned   */
};

#define DURABLE_NONE ((struct durable){.fd = -1})

/* Create the temporary file. mode: permission bits, exact whatever the umask. */
enum err_code durable_open(struct durable *d, const char *path, mode_t mode, struct err *e);

/*
 * Make it the file, replacing one of that name. Afterwards d is empty, whatever the result. On failure the name is
 * as it was and the temporary gone; only when the directory's fsync fails (the message says so) the new file may
 * already be in place, yet not known to survive a crash.
 */
enum err_code durable_commit(struct durable *d, struct err *e);

/*
 * Make it the file only if there is none of that name: ERR_CONFLICT. Atomic: link(2), or renameat2(2) with
 * RENAME_NOREPLACE where there are no hard links. Otherwise as durable_commit.
 */
enum err_code durable_commit_new(struct durable *d, struct err *e);

/* Without fsync: for files that the caller's caller makes durable (restore_command) or that may vanish (spool). */
enum err_code durable_commit_quick(struct durable *d, struct err *e);

/* Unlink the temporary. For CLEANUP(durable_discard); a committed or empty one is fine. */
void durable_discard(struct durable *d);

/* Write a whole file in one call, replacing. */
enum err_code durable_write_file(const char *path, const void *bytes, size_t len, mode_t mode, struct err *e);

/* write(2) until all is written. what: the file's name for the message. */
enum err_code durable_write_all(int fd, const void *bytes, size_t len, const char *what, struct err *e);

/*
 * fsync a directory, by name or opened (false: errno says why). A filesystem that can't do it says EINVAL or EBADF:
 * there is nothing more to be had there, so that is success, as in PostgreSQL's fsync_fname.
 */
enum err_code durable_sync_dir(const char *path, struct err *e);
bool durable_sync_dir_fd(int fd);

/*
 * mkdir -p: every missing component with exactly this mode; with sync, the parent of each fsynced. A directory that
 * is there already, or is made by someone else meanwhile, is ERR_OK.
 */
enum err_code durable_mkdirs(const char *path, mode_t mode, bool sync, struct err *e);
