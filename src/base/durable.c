/*
 * base/durable.c - see base/durable.h.
 *
 *   commit       fsync(fd), close, rename(temporary, path), fsync(directory)
 *   commit_new   fsync(fd), close, link(temporary, path), unlink(temporary), fsync(directory)
 *
 * fsync is called once: after a failure the kernel may have dropped the dirty pages and a second call would
 * answer success (PostgreSQL's "fsyncgate", 2018), so a failed file is given up. When the last step, the fsync of
 * the directory, fails, the file stands under its name but is not known to survive a crash: the error says so.
 *
 * File systems without hard links (exFAT, some FUSE) answer EPERM, EOPNOTSUPP or ENOSYS to link(2); there
 * renameat2(RENAME_NOREPLACE) does the same in one step. NFS may repeat a link whose answer was lost and then
 * report EEXIST for our own work: link(2) tells to look whether both names are one file.
 */
#include "base/durable.h"

#include "base/rng.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_TRIES 16
/* Leaves room for prefix, pid and random number below NAME_MAX; a longer name is cut, the random part tells. */
#define NAME_PART_MAX 180

static void string_freep(char **text)
{
    free(*text);
}

/* The directory part of path, "." without one, "/" for the root; allocated. NULL: out of memory. */
static char *directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return strdup(".");
    return slash == path ? strdup("/") : strndup(path, (size_t) (slash - path));
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

static char *temporary_name(const char *path)
{
    const char *name = name_of(path);
    uint64_t random = rng_below(UINT64_MAX);
    char *made;

    if (asprintf(&made, "%.*s%s%.*s.%ld.%016llx", (int) (name - path), path, DURABLE_TMP_PREFIX,
                 NAME_PART_MAX, name, (long) getpid(), (unsigned long long) random) < 0)
        return NULL;
    return made;
}

/* Close, unlink unless the name is gone already, free; d is empty afterwards. */
static void release(struct durable *d, bool unlink_it)
{
    int saved_errno = errno;

    if (d->fd >= 0)
        (void) close(d->fd);
    if (unlink_it && d->temporary != NULL)
        (void) unlink(d->temporary);
    free(d->path);
    free(d->temporary);
    *d = DURABLE_NONE;
    errno = saved_errno;
}

void durable_discard(struct durable *d)
{
    if (d != NULL)
        release(d, true);
}

/* Fills made->temporary and made->fd. The name is taken with a chance of 2^-64; then another is drawn. */
static enum err_code create_temporary(struct durable *made, struct err *e)
{
    for (int tries = 0; tries < NAME_TRIES; tries++) {
        free(made->temporary);
        made->temporary = temporary_name(made->path);
        if (made->temporary == NULL)
            return err_nomem(e, "a file name");
        made->fd = open(made->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (made->fd >= 0)
            return ERR_OK;
        if (errno != EEXIST)
            break;
    }
    err_sys(e, ERR_IO, errno, "could not create file \"%s\"", made->temporary);
    /* Whatever bears that name, it is not ours to unlink. */
    free(made->temporary);
    made->temporary = NULL;
    return e->code;
}

enum err_code durable_open(struct durable *d, const char *path, mode_t mode, struct err *e)
{
    CLEANUP(durable_discard) struct durable made = DURABLE_NONE;

    if (name_of(path)[0] == '\0')
        return err_set(e, ERR_USAGE, "file name \"%s\" does not name a file", path);
    made.path = strdup(path);
    if (made.path == NULL)
        return err_nomem(e, "a file name");
    if (create_temporary(&made, e) != ERR_OK)
        return e->code;
    if (fchmod(made.fd, mode) != 0)
        return err_sys(e, ERR_IO, errno, "could not set permissions of file \"%s\"", made.temporary);
    *d = made;
    made = DURABLE_NONE;
    return ERR_OK;
}

static enum err_code close_checked(struct durable *d, struct err *e)
{
    int fd = d->fd;

    /* Linux releases the descriptor even when close fails. */
    d->fd = -1;
    if (close(fd) != 0)
        return err_sys(e, ERR_IO, errno, "could not close file \"%s\"", d->temporary);
    return ERR_OK;
}

static enum err_code sync_and_close(struct durable *d, struct err *e)
{
    if (fsync(d->fd) != 0)
        return err_sys(e, ERR_IO, errno, "could not fsync file \"%s\"", d->temporary);
    return close_checked(d, e);
}

static enum err_code rename_into_place(const struct durable *d, struct err *e)
{
    if (rename(d->temporary, d->path) != 0)
        return err_sys(e, ERR_IO, errno, "could not rename file \"%s\" to \"%s\"", d->temporary, d->path);
    return ERR_OK;
}

static bool is_same_file(const char *a, const char *b)
{
    struct stat first, second;

    return lstat(a, &first) == 0 && lstat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

static bool is_unsupported(int sys_errno)
{
    return sys_errno == EPERM || sys_errno == EOPNOTSUPP || sys_errno == ENOSYS;
}

/* Give the file its name only if that is free; the temporary name is gone afterwards. */
static enum err_code link_into_place(const struct durable *d, struct err *e)
{
    int failed = link(d->temporary, d->path) == 0 ? 0 : errno;

    if (failed == EEXIST && is_same_file(d->temporary, d->path))
        failed = 0;
    if (is_unsupported(failed)) {
        if (renameat2(AT_FDCWD, d->temporary, AT_FDCWD, d->path, RENAME_NOREPLACE) == 0)
            return ERR_OK;
        failed = errno;
    }
    if (failed == EEXIST)
        return err_sys(e, ERR_CONFLICT, failed, "could not create file \"%s\"", d->path);
    if (failed != 0)
        return err_sys(e, ERR_IO, failed, "could not link file \"%s\" to \"%s\"", d->temporary, d->path);
    /* A second name that stays behind is garbage, not a failure: the file is in place. */
    (void) unlink(d->temporary);
    return ERR_OK;
}

static enum err_code sync_directory_of(const char *path, struct err *e)
{
    CLEANUP(string_freep) char *directory = directory_of(path);

    if (directory == NULL)
        return err_nomem(e, "a file name");
    return durable_sync_dir(directory, e);
}

enum err_code durable_commit(struct durable *d, struct err *e)
{
    enum err_code code = sync_and_close(d, e);
    bool renamed = false;

    if (code == ERR_OK) {
        code = rename_into_place(d, e);
        renamed = code == ERR_OK;
    }
    if (code == ERR_OK)
        code = sync_directory_of(d->path, e);
    release(d, !renamed);
    return code;
}

enum err_code durable_commit_new(struct durable *d, struct err *e)
{
    enum err_code code = sync_and_close(d, e);
    bool linked = false;

    if (code == ERR_OK) {
        code = link_into_place(d, e);
        linked = code == ERR_OK;
    }
    if (code == ERR_OK)
        code = sync_directory_of(d->path, e);
    release(d, !linked);
    return code;
}

enum err_code durable_commit_quick(struct durable *d, struct err *e)
{
    enum err_code code = close_checked(d, e);

    if (code == ERR_OK)
        code = rename_into_place(d, e);
    release(d, code != ERR_OK);
    return code;
}

enum err_code durable_write_all(int fd, const void *bytes, size_t len, const char *what, struct err *e)
{
    const uint8_t *at = bytes;

    while (len > 0) {
        ssize_t put = write(fd, at, len);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return err_sys(e, ERR_IO, put < 0 ? errno : ENOSPC, "could not write to file \"%s\"", what);
        at += put;
        len -= (size_t) put;
    }
    return ERR_OK;
}

enum err_code durable_write_file(const char *path, const void *bytes, size_t len, mode_t mode, struct err *e)
{
    CLEANUP(durable_discard) struct durable file = DURABLE_NONE;

    if (durable_open(&file, path, mode, e) != ERR_OK ||
        durable_write_all(file.fd, bytes, len, file.temporary, e) != ERR_OK ||
        durable_commit(&file, e) != ERR_OK)
        return e->code;
    return ERR_OK;
}

bool durable_sync_dir_fd(int fd)
{
    return fsync(fd) == 0 || errno == EINVAL || errno == EBADF;
}

enum err_code durable_sync_dir(const char *path, struct err *e)
{
    enum err_code code = ERR_OK;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return err_sys(e, ERR_IO, errno, "could not open directory \"%s\"", path);
    if (!durable_sync_dir_fd(fd))
        code = err_sys(e, ERR_IO, errno, "could not fsync directory \"%s\"", path);
    (void) close(fd);
    return code;
}

static bool is_directory(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* One component. Whoever loses a race to create it still syncs the parent: the winner may not have done so yet. */
static enum err_code make_directory(const char *path, mode_t mode, bool sync, struct err *e)
{
    if (is_directory(path))
        return ERR_OK;
    if (mkdir(path, mode) == 0) {
        if (chmod(path, mode) != 0)
            return err_sys(e, ERR_IO, errno, "could not set permissions of directory \"%s\"", path);
    } else if (errno != EEXIST || !is_directory(path))
        return err_sys(e, ERR_IO, errno, "could not create directory \"%s\"", path);
    return sync ? sync_directory_of(path, e) : ERR_OK;
}

enum err_code durable_mkdirs(const char *path, mode_t mode, bool sync, struct err *e)
{
    CLEANUP(string_freep) char *prefix = strdup(path);
    size_t len;

    if (prefix == NULL)
        return err_nomem(e, "a file name");
    len = strlen(prefix);
    while (len > 1 && prefix[len - 1] == '/')
        prefix[--len] = '\0';
    for (size_t i = 1; i < len; i++) {
        enum err_code code;

        if (prefix[i] != '/' || prefix[i - 1] == '/')
            continue;
        prefix[i] = '\0';
        code = make_directory(prefix, mode, sync, e);
        prefix[i] = '/';
        if (code != ERR_OK)
            return code;
    }
    return make_directory(prefix, mode, sync, e);
}
