/*
 * codec/tar_read.h - a tar stream pulled in, its members handed out (libarchive).
 *
 * PostgreSQL 13 and 14 leave out the two zero blocks at the end; such a stream is complete, one that ends inside a
 * member is ERR_CORRUPT. Source: PostgreSQL src/backend/backup/basebackup.c; POSIX ustar, GNU base-256 sizes.
 */
#pragma once
#include "base/err.h"
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum tar_type { TAR_FILE, TAR_DIRECTORY, TAR_SYMLINK };

struct tar_member {
    const char *path;   /* as in the archive, without a leading "./" or trailing slash; never absolute, no ".." */
    const char *target; /* of a symbolic link, else NULL   */
    enum tar_type type;
    mode_t mode;        /* permission bits                 */
    uint64_t size;      /* bytes; 0 unless a file          */
    int64_t mtime;      /* seconds since 1970 UTC          */
};

/* The next piece of the stream: bytes borrowed until the next call; *len 0 = the stream has ended. */
typedef enum err_code tar_pull(void *arg, const void **bytes, size_t *len, struct err *e);

struct tar_events {
    enum err_code (*begin)(void *arg, const struct tar_member *m, struct err *e);
    enum err_code (*data)(void *arg, const void *bytes, size_t len, struct err *e); /* in order, size bytes in all */
    enum err_code (*end)(void *arg, struct err *e);                                 /* the member is whole         */
    void *arg;
};

/*
 * Read one archive, and its source to the end: behind the end mark only zeros may follow, else ERR_CORRUPT. A member
 * of another type, an absolute path or one with "..", is ERR_CORRUPT naming it. An error of a callback or of the source
 * ends the reading, with the rest of the source unread, and is returned.
 */
enum err_code tar_read(tar_pull *pull, void *pull_arg, const struct tar_events *events, struct err *e);
