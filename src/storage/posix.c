/*
 * storage/posix.c - objects as files: create, read, remove.
 *
 * put     directories made and fsynced, a temporary file beside the final name, fsync, link(2) to the final name,
 *         fsync of the directory. link refuses to replace, so of several writers one wins and the others meet
 *         ERR_CONFLICT. A conflict is answered only after the directory was fsynced once more: the winner may have
 *         died before it did, and a caller who finds equal bytes takes the conflict for success.
 * get     the file is opened once, so it is the same object to the end even if it is removed meanwhile.
 * remove  unlink and fsync, so that removals become durable in the order in which they were made.
 * Empty directories are pruned after a remove and an abandoned put. A put that loses its directory to that between
 * making it and creating the temporary in it begins again.
 */
#include "storage/posix.h"

#include "base/durable.h"
#include "storage/posix_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE_BYTES   ((size_t) 256 << 10)
#define PUT_TRIES_MAX 100

struct posix_store {
    struct store base;
    struct posix_tree tree;
};

struct posix_put {
    struct sink base;
    struct posix_store *store;
    struct durable file;
    bool made; /* the object exists */
    char key[STORE_KEY_MAX + 1];
};

static void freep(char **p)
{
    free(*p);
}

/* What base/durable found, with the kind it has for a store. */
static enum err_code durable_error(struct err *e)
{
    if (e->code == ERR_IO && e->sys_errno != 0)
        e->code = posix_kind(e->sys_errno);
    return e->code;
}

static enum err_code absent(const struct posix_store *p, const char *key, struct err *e)
{
    if (posix_tree_check(&p->tree, e) != ERR_OK)
        return e->code;
    return err_set(e, ERR_ABSENT, "object \"%s\" does not exist in \"%s\"", key, p->base.url);
}

/* The names of temporaries are not for keys: such an object would never be listed. */
static enum err_code check_names(const char *key, struct err *e)
{
    for (const char *name = key; name != NULL; name = strchr(name, '/')) {
        name += *name == '/';
        if (strncmp(name, DURABLE_TMP_PREFIX, strlen(DURABLE_TMP_PREFIX)) == 0)
            return err_set(e, ERR_USAGE,
                           "invalid object key \"%s\": names that begin with \"%s\" are temporary files", key,
                           DURABLE_TMP_PREFIX);
    }
    return ERR_OK;
}

static enum err_code put_write(struct sink *s, const void *bytes, size_t len, struct err *e)
{
    struct posix_put *put = (struct posix_put *) s;

    if (durable_write_all(put->file.fd, bytes, len, put->file.path, e) != ERR_OK)
        return durable_error(e);
    return ERR_OK;
}

/* The name is taken: by an object, which is made durable before we say so, or by a directory. */
static enum err_code put_conflict(struct posix_put *put, struct err *e)
{
    const struct posix_store *p = put->store;
    CLEANUP(posix_closep) int fd = -1;
    struct stat st;

    if (posix_tree_at(&p->tree, put->key, &fd, e) != ERR_OK)
        return e->code == ERR_ABSENT ? absent(p, put->key, e) : e->code;
    if (fstatat(fd, posix_tree_name(put->key), &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
        return err_set(e, ERR_REFUSED, "\"%s\" is a directory of objects in \"%s\"", put->key, p->base.url);
    if (posix_tree_sync(&p->tree, fd, e) != ERR_OK)
        return e->code;
    return err_set(e, ERR_CONFLICT, "object \"%s\" exists already in \"%s\"", put->key, p->base.url);
}

static enum err_code put_finish(struct sink *s, struct err *e)
{
    struct posix_put *put = (struct posix_put *) s;

    if (durable_commit_new(&put->file, e) == ERR_OK) {
        put->made = true;
        return ERR_OK;
    }
    return e->code == ERR_CONFLICT ? put_conflict(put, e) : durable_error(e);
}

static void put_free(struct sink *s)
{
    struct posix_put *put = (struct posix_put *) s;

    durable_discard(&put->file);
    if (!put->made)
        posix_tree_prune(&put->store->tree, put->key);
    free(put);
}

static const struct sink_ops put_ops = {.write = put_write, .finish = put_finish, .free = put_free};

/* Directories and a temporary file in them, or ERR_ABSENT when they were pruned in between. */
static enum err_code file_try(struct posix_put *put, const char *path, struct err *e)
{
    if (posix_tree_make(&put->store->tree, put->key, e) != ERR_OK)
        return e->code;
    if (durable_open(&put->file, path, 0600, e) == ERR_OK)
        return ERR_OK;
    if (e->sys_errno == ENOENT)
        e->code = ERR_ABSENT;
    return durable_error(e);
}

static enum err_code file_open(struct posix_put *put, struct err *e)
{
    struct posix_tree *t = &put->store->tree;
    CLEANUP(freep) char *path = NULL;

    if (asprintf(&path, "%s/%s", t->dir, put->key) < 0) {
        path = NULL;
        return err_nomem(e, "file name");
    }
    for (int i = 0; i < PUT_TRIES_MAX; i++) {
        enum err_code code;

        if (posix_tree_check(t, e) != ERR_OK)
            return e->code;
        code = file_try(put, path, e);
        if (code != ERR_ABSENT)
            return code;
    }
    return err_set(e, ERR_IO, "could not create \"%s\": its directory keeps being removed", path);
}

static enum err_code posix_put_open(struct store *s, const char *key, uint64_t size_hint, struct sink **out,
                                    struct err *e)
{
    struct posix_put *put;

    (void) size_hint;
    s->requests++;
    if (check_names(key, e) != ERR_OK)
        return e->code;
    put = malloc(sizeof(*put));
    if (put == NULL)
        return err_nomem(e, "put");
    *put = (struct posix_put){.base.ops = &put_ops, .store = (struct posix_store *) s, .file = DURABLE_NONE};
    memcpy(put->key, key, strlen(key) + 1);
    if (file_open(put, e) != ERR_OK) {
        sink_free(&put->base);
        return err_while(e, "writing object \"%s\"", key);
    }
    *out = &put->base;
    return ERR_OK;
}

/* errno says why the object could not be opened. A socket says ENXIO, which is a lost disk's word, too. */
static enum err_code object_error(const struct posix_store *p, int above, const char *key, struct err *e)
{
    int sys_errno = errno;
    struct stat st;

    if (sys_errno == ENOENT)
        return absent(p, key, e);
    if (fstatat(above, posix_tree_name(key), &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(st.st_mode))
        return err_set(e, ERR_CORRUPT, "object \"%s\" in \"%s\" is %s", key, p->base.url,
                       S_ISLNK(st.st_mode) ? "a symbolic link" : "not a regular file");
    return err_sys(e, posix_kind(sys_errno), sys_errno, "could not open object \"%s\" in \"%s\"", key,
                   p->base.url);
}

/* O_NONBLOCK: a FIFO must not hold us up before we see what it is. */
static enum err_code object_open(const struct posix_store *p, const char *key, int *fd, struct stat *st,
                                 struct err *e)
{
    CLEANUP(posix_closep) int above = -1;
    CLEANUP(posix_closep) int file = -1;

    switch (posix_tree_at(&p->tree, key, &above, e)) {
    case ERR_OK:
        break;
    case ERR_ABSENT:
        return absent(p, key, e);
    case ERR_REFUSED: /* a file lies where a directory of ours would: damage, and no proof of absence */
        e->code = ERR_CORRUPT;
        return e->code;
    default:
        return e->code;
    }
    file = openat(above, posix_tree_name(key), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file < 0 || fstat(file, st) != 0)
        return object_error(p, above, key, e);
    if (!S_ISREG(st->st_mode))
        return err_set(e, ERR_CORRUPT, "object \"%s\" in \"%s\" is not a regular file", key, p->base.url);
    *fd = file;
    file = -1;
    return ERR_OK;
}

static enum err_code piece_read(const struct posix_store *p, const char *key, int fd, char *piece,
                                size_t wanted, uint64_t offset, size_t *got, struct err *e)
{
    ssize_t n;

    do
        n = pread(fd, piece, wanted, (off_t) offset);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return err_sys(e, posix_kind(errno), errno, "could not read object \"%s\" in \"%s\"", key,
                       p->base.url);
    if (n == 0)
        return err_set(e, ERR_CORRUPT, "object \"%s\" in \"%s\" became shorter while it was read", key,
                       p->base.url);
    *got = (size_t) n;
    return ERR_OK;
}

static enum err_code push(const struct posix_store *p, const char *key, int fd, uint64_t offset,
                          uint64_t length, struct sink *to, struct err *e)
{
    CLEANUP(freep) char *piece = malloc(PIECE_BYTES);

    if (piece == NULL)
        return err_nomem(e, "read buffer");
    while (length > 0) {
        size_t got = 0;

        if (piece_read(p, key, fd, piece, length < PIECE_BYTES ? (size_t) length : PIECE_BYTES, offset, &got,
                       e) != ERR_OK ||
            sink_write(to, piece, got, e) != ERR_OK)
            return e->code;
        offset += got;
        length -= got;
    }
    return ERR_OK;
}

static enum err_code posix_get(struct store *s, const char *key, const struct store_range *range,
                               struct sink *to, struct store_object *info, struct err *e)
{
    const struct posix_store *p = (const struct posix_store *) s;
    CLEANUP(posix_closep) int fd = -1;
    struct stat st;
    uint64_t size, offset, length;

    s->requests++;
    if (check_names(key, e) != ERR_OK || object_open(p, key, &fd, &st, e) != ERR_OK)
        return e->code;
    size = (uint64_t) st.st_size;
    offset = range == NULL ? 0 : range->offset < size ? range->offset : size;
    length = size - offset;
    if (range != NULL && range->length != 0 && range->length < length)
        length = range->length;
    if (push(p, key, fd, offset, length, to, e) != ERR_OK)
        return e->code;
    if (info != NULL) {
        *info = (struct store_object){.size = size};
        info->modified_us = (int64_t) st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000;
        memcpy(info->key, key, strlen(key) + 1);
    }
    return ERR_OK;
}

static enum err_code posix_list(struct store *s, const struct store_listing *what, store_visit *visit,
                                void *arg, struct err *e)
{
    s->requests++;
    return posix_tree_list(&((struct posix_store *) s)->tree, what, visit, arg, e);
}

/* unlink says EISDIR for a directory, which is no object either. */
static enum err_code posix_remove(struct store *s, const char *key, struct err *e)
{
    const struct posix_store *p = (const struct posix_store *) s;
    CLEANUP(posix_closep) int above = -1;

    s->requests++;
    if (check_names(key, e) != ERR_OK)
        return e->code;
    switch (posix_tree_at(&p->tree, key, &above, e)) {
    case ERR_OK:
        break;
    case ERR_ABSENT:
    case ERR_REFUSED:
        return posix_tree_check(&p->tree, e);
    default:
        return e->code;
    }
    if (unlinkat(above, posix_tree_name(key), 0) != 0) {
        if (errno == ENOENT || errno == EISDIR)
            return posix_tree_check(&p->tree, e);
        return err_sys(e, posix_kind(errno), errno, "could not remove object \"%s\" in \"%s\"", key, s->url);
    }
    if (posix_tree_sync(&p->tree, above, e) != ERR_OK)
        return e->code;
    posix_tree_prune(&p->tree, key);
    return ERR_OK;
}

static void posix_free(struct store *s)
{
    struct posix_store *p = (struct posix_store *) s;

    posix_tree_clear(&p->tree);
    free(p->base.url);
    free(p);
}

static const struct store_ops posix_ops = {.put_open = posix_put_open,
                                           .get = posix_get,
                                           .list = posix_list,
                                           .remove = posix_remove,
                                           .free = posix_free};

enum err_code posix_store_open(const char *dir, bool create, struct store **out, struct err *e)
{
    struct posix_store *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return err_nomem(e, "store");
    p->base.ops = &posix_ops;
    p->base.is_local = true;
    if (posix_tree_open(&p->tree, dir, create, e) != ERR_OK) {
        free(p);
        return e->code;
    }
    if (asprintf(&p->base.url, "file://%s", p->tree.dir) < 0) {
        p->base.url = NULL;
        store_free(&p->base);
        return err_nomem(e, "store");
    }
    *out = &p->base;
    return ERR_OK;
}
