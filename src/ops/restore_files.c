/*
 * ops/restore_files.c - see ops/restore_files.h.
 *
 * Reading the index, each chunk becomes a want in the list of its pack: which file, which offset. A file is made by the
 * first thread that has a chunk for it, or here when no chunk comes; at once at its full size, by ftruncate, so
 * stretches of zeros need no writing and no blocks, which posix_fallocate would give them. Two threads may make the
 * same file: either leaves it as the other does, and no byte of it goes. All is ours to write to until the end: a key
 * file may be 0400, and its chunks come one by one. Only then files and directories get their modes.
 */
#include "ops/restore_files.h"

#include "base/durable.h"
#include "base/grow.h"
#include "repo/backup_index.h"
#include "repo/object.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_MODE 0600 /* of a file, until all of it is there; most have no other afterwards */

static void pack_free(struct restore_pack *p)
{
    if (p == NULL)
        return;
    free(p->wants);
    free(p);
}

void restore_files_free(struct restore_files *f)
{
    if (f == NULL)
        return;
    for (size_t i = 0; i < f->source_count; i++) {
        for (size_t k = 0; k < f->sources[i].count; k++)
            pack_free(f->sources[i].packs[k]);
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
    struct restore_source *grown = reallocarray(f->sources, f->source_count + 1, sizeof(*grown));

    if (grown == NULL)
        return err_nomem(e, "a list of sources");
    f->sources = grown;
    grown[f->source_count] = (struct restore_source){0};
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
    f->directories[f->directory_count++] = (struct restore_directory){path, r->mode};
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

/* flags: O_EXCL where nobody else can have made it. */
static enum err_code make_file(struct restore_file *file, const char *path, int flags, int *out,
                               struct err *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, FIRST_MODE);

    if (fd < 0)
        return err_sys(e, ERR_IO, errno, "could not create file \"%s\"", path);
    if (fchmod(fd, FIRST_MODE) != 0 || ftruncate(fd, (off_t) file->size) != 0) {
        err_sys(e, ERR_IO, errno, "could not lay out file \"%s\"", path);
        (void) close(fd);
        return e->code;
    }
    atomic_store(&file->is_made, true);
    *out = fd;
    return ERR_OK;
}

enum err_code restore_files_open(struct restore_files *f, size_t file, char *path, int *fd, struct err *e)
{
    int opened;

    if (restore_tree_path(f->tree, f->files[file].path, path, e) != ERR_OK)
        return e->code;
    if (!atomic_load(&f->files[file].is_made))
        return make_file(&f->files[file], path, 0, fd, e);
    opened = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (opened < 0)
        return err_sys(e, ERR_IO, errno, "could not open file \"%s\"", path);
    *fd = opened;
    return ERR_OK;
}

static enum err_code add_file(struct restore_files *f, const struct index_record *r, struct err *e)
{
    struct restore_file *file;

    if (f->file_count > UINT32_MAX)
        return err_set(e, ERR_CORRUPT, "the index names more than %u files", UINT32_MAX);
    if (grow(&f->files, f->file_count, &f->file_room, sizeof(*f->files), "a list of files", e) != ERR_OK)
        return e->code;
    file = &f->files[f->file_count];
    *file = (struct restore_file){.path = strdup(r->path), .size = r->size, .mode = r->mode};
    if (file->path == NULL)
        return err_nomem(e, "a path");
    f->file_count++;
    f->at = 0;
    f->has_chunks = false;
    return ERR_OK;
}

static enum err_code end_file(struct restore_files *f, const struct index_record *r, struct err *e)
{
    struct restore_file *file = &f->files[f->file_count - 1];
    char path[TREE_PATH_MAX];
    int fd;

    file->crc = r->crc32c;
    if (f->has_chunks)
        return ERR_OK;
    if (restore_tree_path(f->tree, file->path, path, e) != ERR_OK ||
        make_file(file, path, O_EXCL, &fd, e) != ERR_OK)
        return e->code;
    return close(fd) == 0 ? ERR_OK : err_sys(e, ERR_IO, errno, "could not close file \"%s\"", path);
}

static struct restore_pack *pack_of(struct restore_files *f, const struct index_chunk *c, struct err *e)
{
    struct restore_source *s = &f->sources[c->source];

    if (c->pack >= s->count) {
        size_t count = s->count * 2 > c->pack ? s->count * 2 : (size_t) c->pack + 64;
        struct restore_pack **grown = reallocarray(s->packs, count, sizeof(*grown));

        if (grown == NULL) {
            err_nomem(e, "a list of packs");
            return NULL;
        }
        memset(grown + s->count, 0, (count - s->count) * sizeof(struct restore_pack *));
        s->packs = grown;
        s->count = count;
    }
    if (s->packs[c->pack] == NULL) {
        s->packs[c->pack] = calloc(1, sizeof(struct restore_pack));
        if (s->packs[c->pack] == NULL) {
            err_nomem(e, "a list of chunks");
            return NULL;
        }
        s->packs[c->pack]->number = c->pack;
    }
    return s->packs[c->pack];
}

static enum err_code add_chunk(struct restore_files *f, const struct index_chunk *c, struct err *e)
{
    struct restore_pack *p = pack_of(f, c, e);

    if (p == NULL || grow(&p->wants, p->count, &p->room, sizeof(*p->wants), "a list of chunks", e) != ERR_OK)
        return e->code;
    p->wants[p->count++] = pack_want(c, (uint32_t) (f->file_count - 1), f->at);
    f->at += c->length;
    f->has_chunks = true;
    f->wanted_bytes += c->length;
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
        return end_file(f, r, e);
    case INDEX_TABLESPACE:
    case INDEX_END:
        return ERR_OK;
    }
    return ERR_OK;
}

/* The index must be the one that backup.json promises: the summary is clear, the index sealed, both belong together. */
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
    return strcmp(((const struct restore_directory *) b)->path, ((const struct restore_directory *) a)->path);
}

enum err_code restore_files_modes(struct restore_files *f, struct err *e)
{
    for (size_t i = 0; i < f->file_count; i++)
        if (f->files[i].mode != FIRST_MODE && set_mode(f, f->files[i].path, f->files[i].mode, e) != ERR_OK)
            return e->code;
    if (f->directory_count > 0)
        qsort(f->directories, f->directory_count, sizeof(*f->directories), deepest_first);
    for (size_t i = 0; i < f->directory_count; i++)
        if (set_mode(f, f->directories[i].path, f->directories[i].mode, e) != ERR_OK)
            return e->code;
    return ERR_OK;
}
