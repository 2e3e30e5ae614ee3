/*
 * codec/tar_read.c - see codec/tar_read.h. libarchive does the tar; this file feeds it, and distrusts it a little.
 *
 * Where a stream ends is the delicate point. libarchive takes a single zero block for the end of the archive and
 * never looks behind it, so members written there would be lost without a word. The feeder therefore remembers how
 * far the last non-zero byte of the source lies; if that is behind what libarchive consumed, the archive is refused.
 * A stream without the two zero blocks that ends between members is complete (PostgreSQL 13 and 14 send it so):
 * a cut at exactly that place can't be seen here, the protocol around it must tell.
 *
 * Limits: sparse members, hard links and devices are refused, whatever libarchive makes of them; a warning of
 * libarchive (a name it can't convert, a damaged extended header) is refused too.
 */
#include "codec/tar_read.h"

#include "codec/libarchive.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct feeder {
    tar_pull *pull;
    void *arg;
    struct err *e;
    bool has_failed;      /* the source failed; *e says how   */
    bool has_ended;       /* the source answered "no more"    */
    uint64_t pulled;      /* bytes so far                     */
    uint64_t nonzero_end; /* just behind the last byte not 0  */
};

static void note_nonzero(struct feeder *f, const uint8_t *bytes, size_t len)
{
    size_t end = len;

    while (end > 0 && bytes[end - 1] == 0)
        end--;
    if (end > 0)
        f->nonzero_end = f->pulled + end;
}

static enum err_code feeder_next(struct feeder *f, const void **bytes, size_t *len)
{
    *bytes = NULL;
    *len = 0;
    if (f->has_failed)
        return f->e->code;
    if (f->has_ended)
        return ERR_OK;
    if (f->pull(f->arg, bytes, len, f->e) != ERR_OK) {
        f->has_failed = true;
        return f->e->code;
    }
    if (*len == 0)
        f->has_ended = true;
    note_nonzero(f, *bytes, *len);
    f->pulled += *len;
    return ERR_OK;
}

static la_ssize_t feeder_read(struct archive *a, void *arg, const void **bytes)
{
    size_t len;

    if (feeder_next(arg, bytes, &len) != ERR_OK) {
        libarchive.set_error(a, EIO, "source failed");
        return ARCHIVE_FATAL;
    }
    return (la_ssize_t) len;
}

/* What libarchive did not like, unless it was our own source. */
static enum err_code refuse_archive(struct archive *a, const struct feeder *f, struct err *e)
{
    const char *why = libarchive.error_string(a);

    if (f->has_failed)
        return e->code;
    return err_set(e, ERR_CORRUPT, "could not read tar archive: %s", why ? why : "unknown error");
}

static bool has_odd_component(const char *path)
{
    while (*path != '\0') {
        size_t len = strcspn(path, "/");

        if (len == 0 || (len == 1 && path[0] == '.') || (len == 2 && path[0] == '.' && path[1] == '.'))
            return true;
        path += len;
        if (*path == '/')
            path++;
    }
    return false;
}

/* Cut "./" in front and slashes behind; refuse what could lead out of the directory it is unpacked to. */
static enum err_code clean_path(const char *raw, char **out, struct err *e)
{
    const char *from = raw;
    size_t len;

    if (raw == NULL)
        return err_set(e, ERR_CORRUPT, "tar archive has a member without a name");
    while (from[0] == '.' && from[1] == '/')
        from += 2;
    len = strlen(from);
    while (len > 0 && from[len - 1] == '/')
        len--;
    if (len == 0 || from[0] == '/')
        return err_set(e, ERR_CORRUPT, "tar archive has a member with unsafe path \"%s\"", raw);
    *out = strndup(from, len);
    if (*out == NULL)
        return err_nomem(e, "a path");
    if (!has_odd_component(*out))
        return ERR_OK;
    free(*out);
    *out = NULL;
    return err_set(e, ERR_CORRUPT, "tar archive has a member with unsafe path \"%s\"", raw);
}

/* PostgreSQL writes plain files, directories and symbolic links only. */
static enum err_code find_type(struct archive_entry *entry, struct tar_member *m, struct err *e)
{
    bool is_plain = libarchive.entry_hardlink(entry) == NULL && libarchive.entry_sparse_count(entry) == 0;

    switch (is_plain ? libarchive.entry_filetype(entry) : 0) {
    case AE_IFREG:
        m->type = TAR_FILE;
        return ERR_OK;
    case AE_IFDIR:
        m->type = TAR_DIRECTORY;
        return ERR_OK;
    case AE_IFLNK:
        m->type = TAR_SYMLINK;
        m->target = libarchive.entry_symlink(entry);
        if (m->target != NULL && m->target[0] != '\0')
            return ERR_OK;
        return err_set(e, ERR_CORRUPT, "tar member \"%s\" is a symbolic link without a target", m->path);
    default:
        return err_set(e, ERR_CORRUPT, "tar member \"%s\" is not a plain file, directory or symbolic link",
                       m->path);
    }
}

static enum err_code describe_member(struct archive_entry *entry, char *path, struct tar_member *m,
                                     struct err *e)
{
    *m = (struct tar_member){
        .path = path, .mode = libarchive.entry_perm(entry), .mtime = libarchive.entry_mtime(entry)};
    if (find_type(entry, m, e) != ERR_OK)
        return e->code;
    if (m->type != TAR_FILE)
        return ERR_OK;
    if (!libarchive.entry_size_is_set(entry) || libarchive.entry_size(entry) < 0)
        return err_set(e, ERR_CORRUPT, "tar member \"%s\" has no valid size", path);
    m->size = (uint64_t) libarchive.entry_size(entry);
    return ERR_OK;
}

static enum err_code read_data(struct archive *a, struct feeder *f, const struct tar_member *m,
                               const struct tar_events *events, struct err *e)
{
    uint64_t done = 0;

    for (;;) {
        const void *bytes;
        size_t len;
        la_int64_t offset;
        int rc = libarchive.read_data_block(a, &bytes, &len, &offset);

        if (rc == ARCHIVE_EOF)
            break;
        if (rc != ARCHIVE_OK) {
            refuse_archive(a, f, e);
            return f->has_failed ? e->code : err_while(e, "reading tar member \"%s\"", m->path);
        }
        if (len == 0)
            continue;
        if (offset < 0 || (uint64_t) offset != done || len > m->size - done)
            return err_set(e, ERR_CORRUPT, "tar member \"%s\" is not of one piece", m->path);
        if (events->data(events->arg, bytes, len, e) != ERR_OK)
            return e->code;
        done += len;
    }
    if (done != m->size)
        return err_set(e, ERR_CORRUPT, "tar member \"%s\" ends after %llu of %llu bytes", m->path,
                       (unsigned long long) done, (unsigned long long) m->size);
    return ERR_OK;
}

static enum err_code read_member(struct archive *a, struct feeder *f, struct archive_entry *entry,
                                 const struct tar_events *events, struct err *e)
{
    char *path = NULL;
    struct tar_member m;

    if (clean_path(libarchive.entry_pathname(entry), &path, e) == ERR_OK &&
        describe_member(entry, path, &m, e) == ERR_OK && events->begin(events->arg, &m, e) == ERR_OK &&
        read_data(a, f, &m, events, e) == ERR_OK && events->end(events->arg, e) == ERR_OK) {
        free(path);
        return ERR_OK;
    }
    free(path);
    return e->code;
}

static enum err_code read_members(struct archive *a, struct feeder *f, const struct tar_events *events,
                                  struct err *e)
{
    for (;;) {
        struct archive_entry *entry;
        int rc = libarchive.read_next_header(a, &entry);

        if (rc == ARCHIVE_EOF)
            return ERR_OK;
        if (rc != ARCHIVE_OK)
            return refuse_archive(a, f, e);
        if (read_member(a, f, entry, events, e) != ERR_OK)
            return e->code;
    }
}

/* Read what lies behind the end mark: it may only be zeros. */
static enum err_code drain(struct archive *a, struct feeder *f, struct err *e)
{
    la_int64_t consumed = libarchive.filter_bytes(a, 0);

    while (!f->has_ended) {
        const void *bytes;
        size_t len;

        if (feeder_next(f, &bytes, &len) != ERR_OK)
            return e->code;
    }
    if (consumed < 0 || f->nonzero_end > (uint64_t) consumed)
        return err_set(e, ERR_CORRUPT, "tar archive goes on behind its end mark at offset %lld",
                       (long long) consumed);
    return ERR_OK;
}

enum err_code tar_read(tar_pull *pull, void *pull_arg, const struct tar_events *events, struct err *e)
{
    struct feeder f = {.pull = pull, .arg = pull_arg, .e = e};
    struct archive *a;
    enum err_code code;

    if (libarchive_load(e) != ERR_OK)
        return e->code;
    a = libarchive.read_new();
    if (a == NULL)
        return err_nomem(e, "a tar reader");
    /* "empty" takes a stream of no bytes for an archive of no members: an empty tablespace without end mark. */
    if (libarchive.read_support_format_tar(a) != ARCHIVE_OK ||
        libarchive.read_support_format_empty(a) != ARCHIVE_OK ||
        libarchive.read_open(a, &f, NULL, feeder_read, NULL) != ARCHIVE_OK)
        code = refuse_archive(a, &f, e);
    else
        code = read_members(a, &f, events, e);
    if (code == ERR_OK)
        code = drain(a, &f, e);
    (void) libarchive.read_free(a);
    return code;
}
