/*
 * ops/restore_files.c - see ops/restore_files.h.
 *
 * Reading the index, each chunk becomes a want in the list of its pack: which file, which offset. Files are made at once at
 * their full size, so stretches of zeros need no writing (and no blocks). Then the packs are read in any order by the
 * workers; chunks of a pack mostly belong to few files, so a worker keeps the last file open. All of it is ours to write
 * to until the end: a key file may be 0400, and its chunks come one by one. Only then files and directories get their modes.
 */
#include "ops/restore_files.h"

#include "base/durable.h"
#include "base/grow.h"
#include "base/pool.h"
#include "pg/manifest.h"
#include "repo/backup_index.h"
#include "repo/object.h"
#include "repo/pack.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANIFEST_NAME "backup_manifest"
#define MANIFEST_MAX  ((size_t) 1 << 30)

struct file {
    char *path; /* in the backup */
    uint64_t size;
    uint32_t crc;
    mode_t mode;
};

struct directory {
    char *path; /* in the backup */
    mode_t mode;
};

struct place {
    size_t file;
    uint64_t offset;
};

struct pack_list {
    struct restore_files *owner;
    uint32_t source;
    uint32_t number;
    struct pack_want *wants;
    struct place *places; /* by want, before sorting; a want's arg points into it once it is complete */
    size_t count, room;
};

struct source {
    char id[BACKUP_ID_MAX];
    struct pack_list **packs; /* by number; NULL where nothing is wanted */
    size_t count;
};

struct restore_files {
    struct repo *repo;
    const struct layout *layout;
    const struct restore_tree *tree;
    struct source *sources;
    size_t source_count;
    struct file *files;
    size_t file_count, file_room;
    struct directory *directories;
    size_t directory_count, directory_room;
    uint64_t at; /* in the file being read from the index */
    mode_t mode;
    struct progress *progress;
};

static void pack_list_free(struct pack_list *p)
{
    if (p == NULL)
        return;
    free(p->wants);
    free(p->places);
    free(p);
}

void restore_files_free(struct restore_files *f)
{
    if (f == NULL)
        return;
    for (size_t i = 0; i < f->source_count; i++) {
        for (size_t k = 0; k < f->sources[i].count; k++)
            pack_list_free(f->sources[i].packs[k]);
        free(f->sources[i].packs);
    }
    for (size_t i = 0; i < f->file_count; i++)
        free(f->files[i].path);
    for (size_t i = 0; i < f->directory_count; i++)
        free(f->directories[i].path);
    free(f->sources);
    free(f->directories);
    free(f->files);
    free(f);
}

void restore_files_freep(struct restore_files **f)
{
    restore_files_free(*f);
    *f = NULL;
}

/* ---- from the index ---- */

static enum err_code add_source(struct restore_files *f, const char *id, struct err *e)
{
    struct source *grown = reallocarray(f->sources, f->source_count + 1, sizeof(*grown));

    if (grown == NULL)
        return err_nomem(e, "a list of sources");
    f->sources = grown;
    grown[f->source_count] = (struct source){0};
    memcpy(grown[f->source_count++].id, id, BACKUP_ID_MAX);
    return ERR_OK;
}

static enum err_code add_directory(struct restore_files *f, const struct index_record *r, struct err *e)
{
    char *path;

    if (grow(&f->directories, f->directory_count, &f->directory_room, sizeof(*f->directories),
             "a list of directories", e) != ERR_OK)
        return e->code;
    if ((path = strdup(r->path)) == NULL)
        return err_nomem(e, "a path");
    f->directories[f->directory_count++] = (struct directory){path, r->mode};
    return ERR_OK;
}

static enum err_code make_directory(struct restore_files *f, const struct index_record *r, struct err *e)
{
    char path[TREE_PATH_MAX];

    if (restore_tree_path(f->tree, r->path, path, e) != ERR_OK)
        return e->code;
    if (strcmp(r->path, "base") == 0)
        f->mode = r->mode & 0750;
    /* Tablespaces come before the data directory, so an in-place one comes before the directories above it. */
    if (durable_mkdirs(path, 0700, false, e) != ERR_OK)
        return e->code;
    return add_directory(f, r, e);
}

static enum err_code make_link(struct restore_files *f, const struct index_record *r, struct err *e)
{
    char path[TREE_PATH_MAX];
    const char *target = restore_tree_link(f->tree, r->path);

    /* The server sends no others; one that led elsewhere would take the files below it along. */
    if (target == NULL)
        return err_set(e, ERR_CORRUPT, "symbolic link \"%s\" is not that of a tablespace of this backup",
                       r->path);
    if (restore_tree_path(f->tree, r->path, path, e) != ERR_OK)
        return e->code;
    if (symlink(target, path) != 0)
        return err_sys(e, ERR_IO, errno, "could not create symbolic link \"%s\"", path);
    return ERR_OK;
}

static enum err_code make_file(struct restore_files *f, const struct index_record *r, struct err *e)
{
    char path[TREE_PATH_MAX];
    enum err_code code = ERR_OK;
    int fd;

    if (restore_tree_path(f->tree, r->path, path, e) != ERR_OK)
        return e->code;
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_sys(e, ERR_IO, errno, "could not create file \"%s\"", path);
    if (fchmod(fd, 0600) != 0 || ftruncate(fd, (off_t) r->size) != 0)
        code = err_sys(e, ERR_IO, errno, "could not lay out file \"%s\"", path);
    if (close(fd) != 0 && code == ERR_OK)
        code = err_sys(e, ERR_IO, errno, "could not close file \"%s\"", path);
    return code;
}

static enum err_code add_file(struct restore_files *f, const struct index_record *r, struct err *e)
{
    if (grow(&f->files, f->file_count, &f->file_room, sizeof(*f->files), "a list of files", e) != ERR_OK)
        return e->code;
    f->files[f->file_count] = (struct file){.path = strdup(r->path), .size = r->size, .mode = r->mode};
    if (f->files[f->file_count].path == NULL)
        return err_nomem(e, "a path");
    f->file_count++;
    f->at = 0;
    return make_file(f, r, e);
}

static struct pack_list *pack_of(struct restore_files *f, const struct index_chunk *c, struct err *e)
{
    struct source *s = &f->sources[c->source];

    if (c->pack >= s->count) {
        size_t count = s->count * 2 > c->pack ? s->count * 2 : (size_t) c->pack + 64;
        struct pack_list **grown = reallocarray(s->packs, count, sizeof(*grown));

        if (grown == NULL) {
            err_nomem(e, "a list of packs");
            return NULL;
        }
        memset(grown + s->count, 0, (count - s->count) * sizeof(struct pack_list *));
        s->packs = grown;
        s->count = count;
    }
    if (s->packs[c->pack] == NULL) {
        s->packs[c->pack] = calloc(1, sizeof(struct pack_list));
        if (s->packs[c->pack] == NULL) {
            err_nomem(e, "a list of chunks");
            return NULL;
        }
        *s->packs[c->pack] = (struct pack_list){.owner = f, .source = c->source, .number = c->pack};
    }
    return s->packs[c->pack];
}

static enum err_code add_chunk(struct restore_files *f, const struct index_chunk *c, struct err *e)
{
    struct pack_list *p = pack_of(f, c, e);

    if (p == NULL)
        return e->code;
    if (p->count == p->room) {
        size_t room = p->room == 0 ? 128 : p->room * 2;
        struct pack_want *wants = reallocarray(p->wants, room, sizeof(*wants));
        struct place *places;

        if (wants == NULL)
            return err_nomem(e, "a list of chunks");
        p->wants = wants;
        places = reallocarray(p->places, room, sizeof(*places));
        if (places == NULL)
            return err_nomem(e, "a list of chunks");
        p->places = places;
        p->room = room;
    }
    p->wants[p->count] = (struct pack_want){.chunk = *c};
    p->places[p->count++] = (struct place){f->file_count - 1, f->at};
    f->at += c->length;
    return ERR_OK;
}

static enum err_code take(const struct index_record *r, void *arg, struct err *e)
{
    struct restore_files *f = arg;

    switch (r->type) {
    case INDEX_SOURCE:
        return add_source(f, r->id, e);
    case INDEX_DIRECTORY:
        return make_directory(f, r, e);
    case INDEX_LINK:
        return make_link(f, r, e);
    case INDEX_FILE:
        return add_file(f, r, e);
    case INDEX_CHUNK:
        return add_chunk(f, &r->chunk, e);
    case INDEX_ZEROS:
        f->at += r->size;
        return ERR_OK;
    case INDEX_FILE_END:
        f->files[f->file_count - 1].crc = r->crc32c;
        return ERR_OK;
    case INDEX_TABLESPACE:
    case INDEX_END:
        return ERR_OK;
    }
    return ERR_OK;
}

/* The index must be the one that backup.json promises: the summary is clear, the index may be sealed, both belong together. */
static enum err_code read_index(struct restore_files *f, const struct backup_info *backup, struct err *e)
{
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    char key[STORE_KEY_MAX + 1];
    struct sink *parser;

    layout_backup_index(f->layout, backup->id, key);
    if (index_read_sink_new(backup->id, take, f, &parser, e) != ERR_OK ||
        object_get(f->repo, key, "index", backup->id, parser, &d, e) != ERR_OK)
        return e->code;
    if (memcmp(d.sha256, backup->index_sha256, SHA256_BYTES) != 0)
        return err_set(e, ERR_CORRUPT, "the index of backup \"%s\" is not the one its summary promises",
                       backup->id);
    return ERR_OK;
}

enum err_code restore_files_layout(struct repo *r, const struct layout *l, const struct backup_info *backup,
                                   const struct restore_tree *tree, struct restore_files **out, struct err *e)
{
    CLEANUP(restore_files_freep) struct restore_files *f = calloc(1, sizeof(*f));

    if (f == NULL)
        return err_nomem(e, "a restore");
    f->repo = r;
    f->layout = l;
    f->tree = tree;
    f->mode = 0700;
    if (read_index(f, backup, e) != ERR_OK)
        return e->code;
    *out = f;
    f = NULL;
    return ERR_OK;
}

/* ---- from the packs ---- */

/* A worker's open file. */
struct writer {
    struct pack_list *pack;
    size_t file;
    int fd; /* -1 = none */
    char path[TREE_PATH_MAX];
};

static enum err_code writer_close(struct writer *w, struct err *e)
{
    int fd = w->fd;

    w->fd = -1;
    if (fd >= 0 && close(fd) != 0)
        return err_sys(e, ERR_IO, errno, "could not close file \"%s\"", w->path);
    return ERR_OK;
}

static enum err_code writer_open(struct writer *w, size_t file, struct err *e)
{
    const struct restore_files *f = w->pack->owner;

    if (w->fd >= 0 && w->file == file)
        return ERR_OK;
    if (writer_close(w, e) != ERR_OK || restore_tree_path(f->tree, f->files[file].path, w->path, e) != ERR_OK)
        return e->code;
    w->fd = open(w->path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    w->file = file;
    return w->fd >= 0 ? ERR_OK : err_sys(e, ERR_IO, errno, "could not open file \"%s\"", w->path);
}

static enum err_code write_chunk(const struct pack_want *want, const uint8_t *bytes, size_t len, void *arg,
                                 struct err *e)
{
    struct writer *w = arg;
    const struct place *place = want->arg;
    off_t at = (off_t) place->offset;

    if (writer_open(w, place->file, e) != ERR_OK)
        return e->code;
    progress_add(w->pack->owner->progress, len);
    while (len > 0) {
        ssize_t put = pwrite(w->fd, bytes, len, at);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return err_sys(e, ERR_IO, put < 0 ? errno : ENOSPC, "could not write file \"%s\"", w->path);
        bytes += put;
        at += put;
        len -= (size_t) put;
    }
    return ERR_OK;
}

static enum err_code fill_from_pack(void *arg, struct err *e)
{
    struct pack_list *p = arg;
    struct restore_files *f = p->owner;
    struct writer w = {.pack = p, .fd = -1};
    struct err ignored = ERR_NONE;
    enum err_code code;

    for (size_t i = 0; i < p->count; i++)
        p->wants[i].arg = &p->places[i];
    code = pack_read(f->repo, f->layout, f->sources[p->source].id, p->number, p->wants, p->count, write_chunk,
                     &w, e);
    if (code == ERR_OK)
        return writer_close(&w, e);
    (void) writer_close(&w, &ignored);
    return code;
}

enum err_code restore_files_fill(struct restore_files *f, size_t jobs, struct progress *progress,
                                 struct err *e)
{
    CLEANUP(pool_freep) struct pool *pool = NULL;

    f->progress = progress;
    if (pool_new(jobs, 1, &pool, e) != ERR_OK)
        return e->code;
    for (size_t i = 0; i < f->source_count; i++)
        for (size_t k = 0; k < f->sources[i].count; k++) {
            struct pool_job job = {fill_from_pack, NULL, f->sources[i].packs[k]};

            if (job.arg != NULL && pool_submit(pool, &job, e) != ERR_OK)
                return e->code;
        }
    return pool_wait(pool, e);
}

/* ---- the modes ---- */

static enum err_code set_mode(const struct restore_files *f, const char *name, mode_t mode, struct err *e)
{
    char path[TREE_PATH_MAX];

    if (restore_tree_path(f->tree, name, path, e) != ERR_OK)
        return e->code;
    return chmod(path, mode) == 0 ? ERR_OK
                                  : err_sys(e, ERR_IO, errno, "could not set permissions of \"%s\"", path);
}

/* What lies in a directory before the directory: it may be one that can't be entered afterwards. */
static int deepest_first(const void *a, const void *b)
{
    return strcmp(((const struct directory *) b)->path, ((const struct directory *) a)->path);
}

enum err_code restore_files_modes(struct restore_files *f, struct err *e)
{
    for (size_t i = 0; i < f->file_count; i++)
        if (set_mode(f, f->files[i].path, f->files[i].mode, e) != ERR_OK)
            return e->code;
    if (f->directory_count > 0)
        qsort(f->directories, f->directory_count, sizeof(*f->directories), deepest_first);
    for (size_t i = 0; i < f->directory_count; i++)
        if (set_mode(f, f->directories[i].path, f->directories[i].mode, e) != ERR_OK)
            return e->code;
    return ERR_OK;
}

/* ---- against the server's manifest ---- */

static enum err_code check_file(const struct manifest *m, const struct file *f, struct err *e)
{
    const struct manifest_file *promised = manifest_find(m, f->path);

    if (promised == NULL)
        return err_set(e, ERR_CORRUPT, "file \"%s\" is not in the server's manifest", f->path);
    if (promised->size != f->size ||
        (promised->algorithm == MANIFEST_CRC32C && !manifest_has_crc32c(promised, f->crc)))
        return err_set(e, ERR_CORRUPT, "file \"%s\" is not what the server's manifest promises", f->path);
    return ERR_OK;
}

/* backup.json lies in the clear; what it says of the WAL must be what the sealed manifest says. */
static enum err_code check_summary(const struct manifest *m, const struct backup_info *b, struct err *e)
{
    const struct manifest_range *newest = &m->ranges[0], *oldest = &m->ranges[m->range_count - 1];

    if (oldest->start == b->start_lsn && newest->end == b->stop_lsn && newest->tli == b->timeline)
        return ERR_OK;
    return err_set(e, ERR_CORRUPT,
                   "the summary of backup \"%s\" is not that of its files: timeline or LSNs differ", b->id);
}

enum err_code restore_files_check(const struct restore_files *f, const struct backup_info *backup,
                                  struct err *e)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(MANIFEST_MAX);
    CLEANUP(manifest_clear) struct manifest m = MANIFEST_EMPTY;
    char path[TREE_PATH_MAX];
    size_t seen = 0;

    if (restore_tree_path(f->tree, MANIFEST_NAME, path, e) != ERR_OK ||
        buf_read_file(&text, path, e) != ERR_OK || manifest_parse(text.data, text.len, &m, e) != ERR_OK ||
        check_summary(&m, backup, e) != ERR_OK)
        return e->code;
    for (size_t i = 0; i < f->file_count; i++) {
        if (strcmp(f->files[i].path, MANIFEST_NAME) == 0)
            continue;
        if (check_file(&m, &f->files[i], e) != ERR_OK)
            return e->code;
        seen++;
    }
    if (seen != m.file_count)
        return err_set(e, ERR_CORRUPT, "the server's manifest names %zu files, the index %zu", m.file_count,
                       seen);
    return ERR_OK;
}

mode_t restore_files_mode(const struct restore_files *f)
{
    return f->mode;
}
