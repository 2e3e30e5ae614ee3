/*
 * repo/prefetch_keep.c - see repo/prefetch_keep.h.
 */
#include "repo/prefetch_keep.h"

#include "base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define STALE_SECONDS (24 * 3600)
#define ENTRIES_MOST  100000 /* of a directory that is looked through */

/* ---- the lock -------------------------------------------------------------------------------------------------- */

static int lock_in(int dir)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int fd = openat(dir, PREFETCH_LOCK_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd >= 0 && fcntl(fd, F_OFD_SETLK, &lock) == 0)
        return fd;
    if (fd >= 0)
        (void) close(fd);
    return -1;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

bool prefetch_is_ours(const struct prefetch *w)
{
    char path[PREFETCH_PATH_MAX + sizeof(PREFETCH_LOCK_FILE) + 1];
    struct stat held, named;

    (void) snprintf(path, sizeof(path), "%s/%s", w->path, PREFETCH_LOCK_FILE);
    return fstat(w->lock_fd, &held) == 0 && lstat(path, &named) == 0 && is_same(&held, &named);
}

/* Between our opening and our locking it its holder may have removed it: then what is locked is nobody's. */
bool prefetch_lock(struct prefetch *w)
{
    if (w->fd < 0)
        return false;
    w->lock_fd = lock_in(w->fd);
    if (w->lock_fd < 0)
        return false;
    if (!prefetch_is_ours(w)) {
        (void) close(w->lock_fd);
        w->lock_fd = -1;
        return false;
    }
    (void) unlinkat(w->fd, PREFETCH_OFF_FILE, 0);
    prefetch_beat(w);
    return true;
}

void prefetch_beat(const struct prefetch *w)
{
    (void) futimens(w->lock_fd, NULL);
}

enum err_code prefetch_reserve(const struct prefetch *w, uint64_t bytes, struct err *e)
{
    struct statvfs disk;

    if (fstatvfs(w->fd, &disk) != 0)
        return err_sys(e, ERR_IO, errno, "could not look at the file system of directory \"%s\"", w->path);
    if ((uint64_t) disk.f_bavail * disk.f_frsize < bytes + PREFETCH_RESERVE_BYTES)
        return err_sys(e, ERR_IO, ENOSPC, "could not fetch into directory \"%s\"", w->path);
    return ERR_OK;
}

/* ---- segments -------------------------------------------------------------------------------------------------- */

enum err_code prefetch_begin(const struct prefetch *w, const struct walfile *f, int *fd, struct err *e)
{
    char name[PREFETCH_NAME_MAX];

    prefetch_part_name(f, name);
    *fd = openat(w->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    return *fd >= 0 ? ERR_OK : err_sys(e, ERR_IO, errno, "could not create file \"%s/%s\"", w->path, name);
}

enum err_code prefetch_finish(const struct prefetch *w, const struct walfile *f, size_t repo, struct err *e)
{
    char part[PREFETCH_NAME_MAX], whole[PREFETCH_NAME_MAX];

    prefetch_part_name(f, part);
    prefetch_whole_name(f, repo, whole);
    if (renameat(w->fd, part, w->fd, whole) != 0)
        return err_sys(e, ERR_IO, errno, "could not rename file \"%s/%s\"", w->path, part);
    return ERR_OK;
}

void prefetch_give_up(const struct prefetch *w, const struct walfile *f)
{
    char name[PREFETCH_NAME_MAX];

    prefetch_part_name(f, name);
    (void) unlinkat(w->fd, name, 0);
}

void prefetch_drop(const struct prefetch *w, const struct walfile *f)
{
    char name[PREFETCH_NAME_MAX];

    for (size_t repo = 0; repo < w->repo_count; repo++) {
        prefetch_whole_name(f, repo, name);
        (void) unlinkat(w->fd, name, 0);
    }
}

/* ---- what lies there ------------------------------------------------------------------------------------------- */

/* "<SEGMENT>.<nn>" of one of our repositories, of the right size. */
static bool is_segment(const struct prefetch *w, const char *name, struct walfile *f)
{
    struct err ignored = ERR_NONE;
    char segment[WALSEG_NAME_LEN + 1];
    struct stat st;
    unsigned repo;
    char tail;

    if (sscanf(name, "%24[0-9A-F].%2u%c", segment, &repo, &tail) != 2 || strlen(name) != WALSEG_NAME_LEN + 3)
        return false;
    return walfile_parse(segment, f, &ignored) == ERR_OK && f->kind == WALFILE_SEGMENT &&
           repo < w->repo_count && fstatat(w->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISREG(st.st_mode) && st.st_size == (off_t) w->segment_bytes;
}

static bool is_own_file(const char *name)
{
    return strcmp(name, PREFETCH_NOTE_FILE) == 0 || strcmp(name, PREFETCH_LOCK_FILE) == 0 ||
           strcmp(name, PREFETCH_OFF_FILE) == 0;
}

/* A directory of the caller's descriptor, from its beginning. NULL when there is none to be had. */
static DIR *read_from_start(int fd)
{
    int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = own < 0 ? NULL : fdopendir(own);

    if (own >= 0 && dir == NULL)
        (void) close(own);
    return dir;
}

void prefetch_adopt(const struct prefetch *w, prefetch_visit *visit, void *arg)
{
    DIR *dir = read_from_start(w->fd);
    struct walfile f;

    for (size_t i = 0; dir != NULL && i < ENTRIES_MOST; i++) {
        const struct dirent *entry = readdir(dir);

        if (entry == NULL)
            break;
        if (is_own_file(entry->d_name) || strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (visit != NULL && is_segment(w, entry->d_name, &f))
            visit(&f, arg);
        else
            (void) unlinkat(w->fd, entry->d_name, 0);
    }
    if (dir != NULL)
        (void) closedir(dir);
}

void prefetch_empty(const struct prefetch *w)
{
    prefetch_adopt(w, NULL, NULL);
}

static void remove_own(int fd, const char *path)
{
    (void) unlinkat(fd, PREFETCH_NOTE_FILE, 0);
    (void) unlinkat(fd, PREFETCH_OFF_FILE, 0);
    (void) unlinkat(fd, PREFETCH_LOCK_FILE, 0);
    (void) rmdir(path);
}

void prefetch_remove(struct prefetch *w)
{
    prefetch_empty(w);
    remove_own(w->fd, w->path);
    prefetch_close(w);
}

void prefetch_retire(struct prefetch *w)
{
    prefetch_empty(w);
    (void) renameat(w->fd, PREFETCH_LOCK_FILE, w->fd, PREFETCH_OFF_FILE);
    prefetch_close(w);
}

/* ---- those of others ------------------------------------------------------------------------------------------- */

/* Windows whose name ends in another boot's, or where nothing has been noted for a day. */
static bool is_stale(const struct prefetch *other, const struct prefetch *ours)
{
    const char *boot = strrchr(ours->path, '-'), *its = strrchr(other->path, '-');
    int64_t now = clock_now_us(&clock_system) / 1000000;
    struct stat st;

    if (strcmp(boot, its) != 0)
        return true;
    if (fstatat(other->fd, PREFETCH_NOTE_FILE, &st, AT_SYMLINK_NOFOLLOW) != 0 && fstat(other->fd, &st) != 0)
        return false;
    return now - (int64_t) st.st_mtime > STALE_SECONDS;
}

static void sweep_one(const struct prefetch *ours, const char *spool, const char *name, size_t *left)
{
    struct prefetch other = PREFETCH_NONE;

    if (strncmp(name, PREFETCH_PREFIX, strlen(PREFETCH_PREFIX)) != 0 ||
        snprintf(other.path, sizeof(other.path), "%s/%s", spool, name) >= (int) sizeof(other.path) ||
        strcmp(other.path, ours->path) == 0)
        return;
    other.fd = open(other.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (other.fd >= 0 && is_stale(&other, ours) && prefetch_lock(&other)) {
        prefetch_remove(&other);
        (*left)--;
    }
    prefetch_close(&other);
}

void prefetch_sweep(const struct prefetch *w)
{
    char spool[PREFETCH_PATH_MAX];
    size_t left = PREFETCH_SWEEP_MOST;
    DIR *dir;

    (void) snprintf(spool, sizeof(spool), "%s", w->path);
    *strrchr(spool, '/') = '\0';
    dir = opendir(spool);
    for (size_t i = 0; dir != NULL && i < ENTRIES_MOST && left > 0; i++) {
        const struct dirent *entry = readdir(dir);

        if (entry == NULL)
            break;
        sweep_one(w, spool, entry->d_name, &left);
    }
    if (dir != NULL)
        (void) closedir(dir);
}
