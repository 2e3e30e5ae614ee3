/*
 * storage/posix_list.c - listing a tree of files in byte order of whole keys, one directory in memory at a time
 * per level.
 *
 * Order: in keys, "a-b" < "a/b" < "a0", though the names alone would sort a, a-b, a0. So a directory's entries are
 * sorted with the slash appended to those that are directories. A directory is not even opened when all that could
 * be below it lies outside the prefix or at or before start_after. In a delimited listing a directory is a common
 * prefix only if an object lies somewhere below it: directories being made, or not yet pruned, don't count.
 * Where start_after lies inside a common prefix, that prefix is visited if an object behind start_after is in it.
 */
#include "storage/posix_tree.h"

#include "base/buf.h"
#include "base/durable.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAMES_BYTES_MAX ((size_t) 256 << 20) /* of one directory */

struct listing {
    const struct posix_tree *tree;
    const char *prefix; /* "" = all */
    size_t prefix_len;
    const char *start_after; /* "" = from the beginning */
    bool delimited;
    store_visit *visit;
    void *arg;
    bool stopped;
};

/* A directory's entries: NUL-terminated names, directories with their slash, and where each begins. */
struct names {
    struct buf text;
    struct buf sorted; /* of const char * */
};

static void names_clear(struct names *n)
{
    buf_clear(&n->text);
    buf_clear(&n->sorted);
}

static void closedirp(DIR **dir)
{
    if (*dir != NULL)
        (void) closedir(*dir);
}

static enum err_code read_error(const struct listing *l, const char *path, struct err *e)
{
    return err_sys(e, posix_kind(errno), errno, "could not read directory \"%s/%s\"", l->tree->dir, path);
}

/* Can this key, or keys that begin with it when it ends with a slash, be wanted? */
static bool is_wanted(const struct listing *l, const char *key)
{
    size_t len = strlen(key);
    bool is_directory = key[len - 1] == '/';
    size_t common = is_directory && len < l->prefix_len ? len : l->prefix_len;

    if (strncmp(key, l->prefix, common) != 0)
        return false;
    return strcmp(key, l->start_after) > 0 || (is_directory && strncmp(key, l->start_after, len) == 0);
}

/* path + name as a key; false when that can't be one. */
static bool key_join(const char *path, const char *name, char *key)
{
    size_t path_len = strlen(path);
    size_t name_len = strlen(name);
    struct err unused;

    if (path_len + name_len > STORE_KEY_MAX)
        return false;
    memcpy(key, path, path_len);
    memcpy(key + path_len, name, name_len + 1);
    return store_key_check(key, &unused) == ERR_OK;
}

/* *type: DT_REG or DT_DIR, or DT_UNKNOWN for an entry that has gone meanwhile. */
static enum err_code entry_type(const struct listing *l, int fd, const struct dirent *entry, const char *key,
                                unsigned char *type, struct err *e)
{
    struct stat st;

    *type = entry->d_type;
    if (*type == DT_UNKNOWN) {
        if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            *type = (unsigned char) IFTODT(st.st_mode);
        else if (errno == ENOENT)
            return ERR_OK;
        else
            return err_sys(e, posix_kind(errno), errno, "could not look at \"%s/%s\"", l->tree->dir, key);
    }
    if (*type != DT_REG && *type != DT_DIR) {
        err_set(e, ERR_CORRUPT, "\"%s/%s\" is neither a file nor a directory", l->tree->dir, key);
        return err_hint(
            e, "A repository holds no symbolic links; to keep part of it elsewhere, mount that there.");
    }
    return ERR_OK;
}

static enum err_code names_add(struct names *n, const struct listing *l, int fd, const char *path,
                               const struct dirent *entry, struct err *e)
{
    char key[STORE_KEY_MAX + 2];
    unsigned char type;
    const char *slash;

    if (strncmp(entry->d_name, DURABLE_TMP_PREFIX, strlen(DURABLE_TMP_PREFIX)) == 0 ||
        !key_join(path, entry->d_name, key))
        return ERR_OK;
    if (entry_type(l, fd, entry, key, &type, e) != ERR_OK)
        return e->code;
    slash = type == DT_DIR ? "/" : "";
    strcat(key, slash);
    if (type == DT_UNKNOWN || !is_wanted(l, key))
        return ERR_OK;
    if (buf_puts(&n->text, entry->d_name, e) != ERR_OK || buf_puts(&n->text, slash, e) != ERR_OK)
        return e->code;
    return buf_append(&n->text, "", 1, e);
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static enum err_code names_sort(struct names *n, struct err *e)
{
    for (size_t at = 0; at < n->text.len;) {
        const char *name = (const char *) n->text.data + at;

        if (buf_append(&n->sorted, &name, sizeof(name), e) != ERR_OK)
            return e->code;
        at += strlen(name) + 1;
    }
    if (n->sorted.len > 0)
        qsort(n->sorted.data, n->sorted.len / sizeof(char *), sizeof(char *), by_bytes);
    return ERR_OK;
}

static enum err_code names_read(struct names *n, const struct listing *l, int fd, const char *path,
                                struct err *e)
{
    int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CLEANUP(closedirp) DIR *dir = own < 0 ? NULL : fdopendir(own);
    const struct dirent *entry;

    if (dir == NULL) {
        int sys_errno = errno;

        posix_closep(&own);
        errno = sys_errno;
        return errno == ENOENT ? ERR_OK : read_error(l, path, e);
    }
    while ((void) (errno = 0), (entry = readdir(dir)) != NULL)
        if (names_add(n, l, fd, path, entry, e) != ERR_OK)
            return e->code;
    if (errno != 0 && errno != ENOENT)
        return read_error(l, path, e);
    return names_sort(n, e);
}

static enum err_code list_directory(struct listing *l, int fd, const char *path, struct err *e);

static enum err_code list_file(struct listing *l, int fd, const char *name, const char *key, struct err *e)
{
    struct store_object obj = {.is_prefix = false};
    struct stat st;

    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT)
            return ERR_OK; /* removed while we listed */
        return err_sys(e, posix_kind(errno), errno, "could not look at \"%s/%s\"", l->tree->dir, key);
    }
    memcpy(obj.key, key, strlen(key) + 1);
    obj.size = (uint64_t) st.st_size;
    obj.modified_us = (int64_t) st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000;
    l->stopped = !l->visit(&obj, l->arg);
    return ERR_OK;
}

static bool visit_first(const struct store_object *obj, void *arg)
{
    (void) obj;
    *(bool *) arg = true;
    return false;
}

static enum err_code list_common_prefix(struct listing *l, int fd, const char *key, struct err *e)
{
    bool any = false;
    struct listing below = *l;
    struct store_object obj = {.is_prefix = true};

    below.delimited = false;
    below.visit = visit_first;
    below.arg = &any;
    if (list_directory(&below, fd, key, e) != ERR_OK)
        return e->code;
    memcpy(obj.key, key, strlen(key) + 1);
    if (any)
        l->stopped = !l->visit(&obj, l->arg);
    return ERR_OK;
}

/* name and key end with a slash. */
static enum err_code list_below(struct listing *l, int fd, const char *name, const char *key, struct err *e)
{
    CLEANUP(posix_closep) int below = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (below < 0)
        return errno == ENOENT ? ERR_OK : read_error(l, key, e);
    if (l->delimited && strlen(key) > l->prefix_len)
        return list_common_prefix(l, below, key, e);
    return list_directory(l, below, key, e);
}

/* path: "" or the directory's key with its slash. */
static enum err_code list_directory(struct listing *l, int fd, const char *path, struct err *e)
{
    CLEANUP(names_clear)
    struct names n = {.text = BUF_INIT(NAMES_BYTES_MAX),
                      .sorted = BUF_INIT(NAMES_BYTES_MAX * sizeof(char *))};
    char key[2 * STORE_KEY_MAX + 2];
    size_t path_len = strlen(path);

    if (names_read(&n, l, fd, path, e) != ERR_OK)
        return e->code;
    memcpy(key, path, path_len);
    for (size_t i = 0; i < n.sorted.len / sizeof(char *) && !l->stopped; i++) {
        const char *name = ((const char **) (void *) n.sorted.data)[i];
        size_t name_len = strlen(name);
        enum err_code (*list)(struct listing *, int, const char *, const char *, struct err *) =
            name[name_len - 1] == '/' ? list_below : list_file;

        memcpy(key + path_len, name, name_len + 1);
        if (list(l, fd, name, key, e) != ERR_OK)
            return e->code;
    }
    return ERR_OK;
}

enum err_code posix_tree_list(const struct posix_tree *t, const struct store_listing *what,
                              store_visit *visit, void *arg, struct err *e)
{
    const char *prefix = what->prefix == NULL ? "" : what->prefix;
    struct listing l = {.tree = t,
                        .prefix = prefix,
                        .prefix_len = strlen(prefix),
                        .start_after = what->start_after == NULL ? "" : what->start_after,
                        .delimited = what->delimited,
                        .visit = visit,
                        .arg = arg};
    CLEANUP(posix_closep) int fd = -1;
    char path[STORE_KEY_MAX + 1];

    memcpy(path, prefix, l.prefix_len + 1);
    path[posix_tree_name(prefix) - prefix] = '\0';
    switch (posix_tree_at(t, prefix, &fd, e)) {
    case ERR_OK:
        if (list_directory(&l, fd, path, e) != ERR_OK)
            return e->code;
        break;
    case ERR_ABSENT:
    case ERR_REFUSED: /* an object where the prefix would have a directory: nothing can lie below it */
        break;
    default:
        return e->code;
    }
    return posix_tree_check(t, e); /* a base that went away while we read looked empty from there on */
}
