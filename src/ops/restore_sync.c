/*
 * ops/restore_sync.c - see ops/restore_sync.h.
 */
#include "ops/restore_sync.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#define KERNEL_MAJOR 5
#define KERNEL_MINOR 8

bool restore_sync_is_sound(const char *release, long type)
{
    static const long types[] = {EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, TMPFS_MAGIC};
    char *end;
    unsigned long major = strtoul(release, &end, 10);
    unsigned long minor = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;

    if (major < KERNEL_MAJOR || (major == KERNEL_MAJOR && minor < KERNEL_MINOR))
        return false;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (types[i] == type)
            return true;
    return false;
}

static enum err_code is_new(const struct restore_sync *s, int fd, bool *out, struct err *e)
{
    struct stat ours, theirs;

    *out = true;
    if (fstat(fd, &ours) != 0)
        return err_sys(e, ERR_IO, errno, "could not look at a directory");
    for (size_t i = 0; i < s->count && *out; i++)
        *out = fstat(s->directories[i], &theirs) != 0 || theirs.st_dev != ours.st_dev;
    return ERR_OK;
}

static enum err_code begin_one(struct restore_sync *s, const char *path, const char *release, struct err *e)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct statfs fs;
    bool found_new;

    if (fd < 0 || fstatfs(fd, &fs) != 0) {
        err_sys(e, ERR_IO, errno, "could not look at directory \"%s\"", path);
        if (fd >= 0)
            (void) close(fd);
        return e->code;
    }
    if (is_new(s, fd, &found_new, e) != ERR_OK || !found_new) {
        (void) close(fd);
        return found_new ? e->code : ERR_OK;
    }
    if (!restore_sync_is_sound(release, (long) fs.f_type))
        s->each_file = true;
    s->directories[s->count++] = fd;
    return ERR_OK;
}

enum err_code restore_sync_begin(struct restore_sync *s, const struct restore_tree *t, struct err *e)
{
    struct utsname system;

    *s = (struct restore_sync){.directories = calloc(t->tablespace_count + 1, sizeof(*s->directories))};
    if (s->directories == NULL)
        return err_nomem(e, "a list of file systems");
    if (uname(&system) != 0)
        return err_sys(e, ERR_IO, errno, "could not get the kernel's version");
    for (size_t i = 0; i < t->tablespace_count; i++)
        if (t->tablespaces[i].directory != NULL &&
            begin_one(s, t->tablespaces[i].directory, system.release, e) != ERR_OK)
            return e->code;
    return begin_one(s, t->pgdata, system.release, e);
}

void restore_sync_clear(struct restore_sync *s)
{
    for (size_t i = 0; i < s->count; i++)
        (void) close(s->directories[i]);
    free(s->directories);
    *s = (struct restore_sync){0};
}

static enum err_code sync_entry(const FTSENT *entry, struct err *e)
{
    int fd;
    enum err_code code = ERR_OK;

    if (entry->fts_info != FTS_F && entry->fts_info != FTS_DP) /* a directory comes after what is in it */
        return entry->fts_errno == 0
                   ? ERR_OK
                   : err_sys(e, ERR_IO, entry->fts_errno, "could not look at \"%s\"", entry->fts_path);
    fd = open(entry->fts_accpath, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        code = err_sys(e, ERR_IO, errno, "could not fsync \"%s\"", entry->fts_path);
    if (fd >= 0)
        (void) close(fd);
    return code;
}

static enum err_code sync_below(char *path, struct err *e)
{
    char *const paths[] = {path, NULL};
    FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    const FTSENT *entry;
    enum err_code code = ERR_OK;

    if (walk == NULL)
        return err_sys(e, ERR_IO, errno, "could not look at directory \"%s\"", path);
    while (code == ERR_OK && (errno = 0, entry = fts_read(walk)) != NULL)
        code = sync_entry(entry, e);
    if (code == ERR_OK && errno != 0)
        code = err_sys(e, ERR_IO, errno, "could not look at directory \"%s\"", path);
    (void) fts_close(walk);
    return code;
}

enum err_code restore_sync_finish(const struct restore_sync *s, const struct restore_tree *t, struct err *e)
{
    if (s->each_file) {
        for (size_t i = 0; i < t->tablespace_count; i++)
            if (t->tablespaces[i].directory != NULL && sync_below(t->tablespaces[i].directory, e) != ERR_OK)
                return e->code;
        return sync_below(t->pgdata, e);
    }
    for (size_t i = 0; i < s->count; i++)
        if (syncfs(s->directories[i]) != 0 || fsync(s->directories[i]) != 0)
            return err_sys(e, ERR_IO, errno, "could not sync a file system of the restored files");
    return ERR_OK;
}
