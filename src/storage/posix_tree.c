/*
 * storage/posix_tree.c - see storage/posix_tree.h.
 *
 * Durable directories: a directory's name is an entry of its parent, so the parent is fsynced after mkdir. One that
 * exists already may have been made by a process that died, or is still, between mkdir and fsync; so existing
 * ones are fsynced as well, once per store and run of puts into the same directory (`synced`). What that leaves
 * open is a directory pruned and made again by another process under the same inode number within the instant
 * between its mkdir and fsync.
 */
#include "storage/posix_tree.h"

#include "base/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

enum err_code posix_kind(int sys_errno)
{
    switch (sys_errno) {
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_DENIED;
    case ESTALE:
    case ENOTCONN:
    case ETIMEDOUT:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENODEV:
    case ENXIO:
        return ERR_UNREACHABLE;
    case ENAMETOOLONG:
        return ERR_USAGE;
    default:
        return ERR_IO;
    }
}

void posix_closep(int *fd)
{
    if (*fd >= 0)
        (void) close(*fd);
}

const char *posix_tree_name(const char *key)
{
    const char *slash = strrchr(key, '/');

    return slash == NULL ? key : slash + 1;
}

static enum err_code base_make(const char *dir, struct err *e)
{
    if (mkdir(dir, 0700) == 0 || errno == EEXIST)
        return ERR_OK;
    if (errno != ENOENT && errno != ENOTDIR)
        return err_sys(e, posix_kind(errno), errno, "could not create repository directory \"%s\"", dir);
    err_sys(e, ERR_UNREACHABLE, errno, "could not create repository directory \"%s\"", dir);
    return err_hint(e, "Mount the disk it lies on, or create the directory above it.");
}

static enum err_code base_open(struct posix_tree *t, bool create, struct err *e)
{
    struct stat st;

    t->fd = open(t->dir, DIRECTORY_FLAGS);
    if (t->fd < 0 && errno == ENOENT && !create) {
        err_sys(e, ERR_UNREACHABLE, errno, "could not open repository directory \"%s\"", t->dir);
        return err_hint(e, "Mount the disk it lies on.");
    }
    if (t->fd < 0 && errno == ENOENT) {
        if (base_make(t->dir, e) != ERR_OK)
            return e->code;
        t->fd = open(t->dir, DIRECTORY_FLAGS);
    }
    if (t->fd < 0 && errno == ENOTDIR)
        return err_sys(e, ERR_USAGE, errno, "could not open repository directory \"%s\"", t->dir);
    if (t->fd < 0 || fstat(t->fd, &st) != 0)
        return err_sys(e, posix_kind(errno), errno, "could not open repository directory \"%s\"", t->dir);
    t->dev = st.st_dev;
    t->ino = st.st_ino;
    return ERR_OK;
}

enum err_code posix_tree_open(struct posix_tree *t, const char *dir, bool create, struct err *e)
{
    size_t len = strlen(dir);

    *t = (struct posix_tree){.fd = -1};
    if (dir[0] != '/')
        return err_set(e, ERR_USAGE, "repository directory \"%s\" is not an absolute path", dir);
    while (len > 1 && dir[len - 1] == '/')
        len--;
    t->dir = strndup(dir, len);
    if (t->dir == NULL)
        return err_nomem(e, "directory name");
    if (base_open(t, create, e) == ERR_OK)
        return ERR_OK;
    posix_tree_clear(t);
    return e->code;
}

void posix_tree_clear(struct posix_tree *t)
{
    posix_closep(&t->fd);
    free(t->dir);
    *t = (struct posix_tree){.fd = -1};
}

enum err_code posix_tree_check(const struct posix_tree *t, struct err *e)
{
    struct stat st;

    if (stat(t->dir, &st) != 0) {
        bool gone = errno == ENOENT || errno == ENOTDIR;

        return err_sys(e, gone ? ERR_UNREACHABLE : posix_kind(errno), errno,
                       "could not look at repository directory \"%s\"", t->dir);
    }
    if (st.st_dev != t->dev || st.st_ino != t->ino)
        return err_set(e, ERR_UNREACHABLE, "repository directory \"%s\" is no longer the one that was opened",
                       t->dir);
    return ERR_OK;
}

/* errno says why `name` of key could not be opened as a directory. */
static enum err_code step_error(const struct posix_tree *t, int at, const char *name, const char *key,
                                struct err *e)
{
    int sys_errno = errno;
    struct stat st;

    if (sys_errno == ENOENT)
        return err_set(e, ERR_ABSENT, "\"%s/%s\" has no directory", t->dir, key);
    if ((sys_errno == ENOTDIR || sys_errno == ELOOP) && fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        if (S_ISLNK(st.st_mode))
            return err_set(e, ERR_CORRUPT, "\"%s\" above \"%s/%s\" is a symbolic link", name, t->dir, key);
        return err_set(e, ERR_REFUSED, "\"%s\" above \"%s/%s\" is not a directory", name, t->dir, key);
    }
    return err_sys(e, posix_kind(sys_errno), sys_errno, "could not open directory of \"%s/%s\"", t->dir, key);
}

enum err_code posix_tree_sync(const struct posix_tree *t, int fd, struct err *e)
{
    if (durable_sync_dir_fd(fd))
        return ERR_OK;
    return err_sys(e, posix_kind(errno), errno, "could not fsync a directory below \"%s\"", t->dir);
}

static enum err_code step_make(const struct posix_tree *t, int at, const char *name, const char *key,
                               struct err *e)
{
    if (mkdirat(at, name, 0700) == 0 || errno == EEXIST)
        return posix_tree_sync(t, at, e);
    if (errno == ENOENT)
        return step_error(t, at, name, key, e);
    return err_sys(e, posix_kind(errno), errno, "could not create directory of \"%s/%s\"", t->dir, key);
}

static enum err_code walk(const struct posix_tree *t, const char *key, bool make, int *fd, struct err *e)
{
    CLEANUP(posix_closep) int at = openat(t->fd, ".", DIRECTORY_FLAGS);
    char name[STORE_KEY_MAX + 1];
    const char *slash;

    if (at < 0)
        return step_error(t, t->fd, ".", key, e);
    for (const char *rest = key; (slash = strchr(rest, '/')) != NULL; rest = slash + 1) {
        int next;

        memcpy(name, rest, (size_t) (slash - rest));
        name[slash - rest] = '\0';
        if (make && step_make(t, at, name, key, e) != ERR_OK)
            return e->code;
        next = openat(at, name, DIRECTORY_FLAGS | O_NOFOLLOW);
        if (next < 0)
            return step_error(t, at, name, key, e);
        (void) close(at);
        at = next;
    }
    *fd = at;
    at = -1;
    return ERR_OK;
}

enum err_code posix_tree_at(const struct posix_tree *t, const char *key, int *fd, struct err *e)
{
    return walk(t, key, false, fd, e);
}

/* The base itself may be new. Whoever may not open the directory above it didn't make it. */
static enum err_code sync_above_base(const struct posix_tree *t, struct err *e)
{
    CLEANUP(posix_closep) int above = openat(t->fd, "..", DIRECTORY_FLAGS);

    return above < 0 ? ERR_OK : posix_tree_sync(t, above, e);
}

static bool is_synced(const struct posix_tree *t, const char *key)
{
    CLEANUP(posix_closep) int fd = -1;
    struct err unused;
    struct stat st;

    return t->synced != 0 && walk(t, key, false, &fd, &unused) == ERR_OK && fstat(fd, &st) == 0 &&
           st.st_ino == t->synced;
}

enum err_code posix_tree_make(struct posix_tree *t, const char *key, struct err *e)
{
    CLEANUP(posix_closep) int fd = -1;
    struct stat st;

    if (is_synced(t, key))
        return ERR_OK;
    if (sync_above_base(t, e) != ERR_OK || walk(t, key, true, &fd, e) != ERR_OK)
        return e->code;
    if (fstat(fd, &st) == 0)
        t->synced = st.st_ino;
    return ERR_OK;
}

void posix_tree_prune(const struct posix_tree *t, const char *key)
{
    char path[STORE_KEY_MAX + 1];
    char *slash;

    memcpy(path, key, strlen(key) + 1);
    while ((slash = strrchr(path, '/')) != NULL) {
        *slash = '\0';
        if (unlinkat(t->fd, path, AT_REMOVEDIR) != 0)
            return;
    }
}
