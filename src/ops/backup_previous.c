/*
 * ops/backup_previous.c - see ops/backup_previous.h.
 *
 * Chunks lie in one array in the order of the index, files in another sorted by path once all are read; a file knows
 * its first chunk, and ends where the next file's begin. Looking a file's chunks up walks forward only.
 */
#include "ops/backup_previous.h"

#include "base/grow.h"
#include "base/log.h"
#include "repo/backup_list.h"
#include "repo/object.h"
#include "stream/file_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct old_chunk {
    uint64_t at; /* in its file */
    struct index_chunk chunk;
};

struct old_file {
    char *path;
    size_t first;
    size_t count;
};

struct backup_previous {
    char id[BACKUP_ID_MAX];
    char (*sources)[BACKUP_ID_MAX];
    size_t source_count;
    struct old_chunk *chunks;
    size_t chunk_count, chunk_room;
    struct old_file *files;
    size_t file_count, file_room;
    uint64_t at;         /* while reading: offset in the open file           */
    size_t next, behind; /* while looking up: the open file's chunks to come */
};

void backup_previous_free(struct backup_previous *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->file_count; i++)
        free(p->files[i].path);
    free(p->files);
    free(p->chunks);
    free(p->sources);
    free(p);
}

void backup_previous_freep(struct backup_previous **p)
{
    backup_previous_free(*p);
    *p = NULL;
}

static enum err_code take_source(struct backup_previous *p, const char *id, struct err *e)
{
    char(*grown)[BACKUP_ID_MAX] = reallocarray(p->sources, p->source_count + 1, sizeof(*grown));

    if (grown == NULL)
        return err_nomem(e, "a list of backups");
    p->sources = grown;
    memcpy(grown[p->source_count++], id, BACKUP_ID_MAX);
    return ERR_OK;
}

static enum err_code take_file(struct backup_previous *p, const char *path, struct err *e)
{
    struct old_file *f;

    if (grow(&p->files, p->file_count, &p->file_room, sizeof(*p->files), "a list of files", e) != ERR_OK)
        return e->code;
    f = &p->files[p->file_count];
    *f = (struct old_file){.path = strdup(path), .first = p->chunk_count};
    if (f->path == NULL)
        return err_nomem(e, "a path");
    p->file_count++;
    p->at = 0;
    return ERR_OK;
}

static enum err_code take_chunk(struct backup_previous *p, const struct index_chunk *c, struct err *e)
{
    if (grow(&p->chunks, p->chunk_count, &p->chunk_room, sizeof(*p->chunks), "a list of chunks", e) != ERR_OK)
        return e->code;
    p->chunks[p->chunk_count++] = (struct old_chunk){p->at, *c};
    p->files[p->file_count - 1].count++;
    p->at += c->length;
    return ERR_OK;
}

static enum err_code take(const struct index_record *r, void *arg, struct err *e)
{
    struct backup_previous *p = arg;

    switch (r->type) {
    case INDEX_SOURCE:
        return take_source(p, r->id, e);
    case INDEX_FILE:
        return take_file(p, r->path, e);
    case INDEX_CHUNK:
        return take_chunk(p, &r->chunk, e);
    case INDEX_ZEROS:
        p->at += r->size;
        return ERR_OK;
    default:
        return ERR_OK;
    }
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct old_file *) a)->path, ((const struct old_file *) b)->path);
}

/* The first line of the plain index in the spool names its backup. */
static bool spooled_id(const char *path, char id[BACKUP_ID_MAX])
{
    FILE *f = fopen(path, "re");
    bool good = f != NULL && fscanf(f, "pitr-index 1 %21s", id) == 1 && backup_id_is_valid(id);

    if (f != NULL)
        (void) fclose(f);
    return good;
}

/* Read the plain index through the parser and a hash; only an index that its backup.json promises counts. */
static enum err_code read_spooled(const char *path, const struct backup_info *info, struct backup_previous *p,
                                  struct err *e)
{
    CLEANUP(sink_freep) struct sink *chain = NULL;
    struct sink *parser;
    uint8_t digest[SHA256_BYTES];
    bool was_read;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (fd < 0)
        return err_sys(e, ERR_IO, errno, "could not open file \"%s\"", path);
    was_read = index_read_sink_new(info->id, take, p, &parser, e) == ERR_OK &&
               sha256_sink_new(parser, &chain, e) == ERR_OK && file_push(fd, path, chain, e) == ERR_OK &&
               sink_finish(chain, e) == ERR_OK && sha256_sink_digest(chain, digest, e) == ERR_OK;
    (void) close(fd);
    if (!was_read)
        return e->code;
    if (memcmp(digest, info->index_sha256, SHA256_BYTES) != 0)
        return err_set(e, ERR_CORRUPT, "\"%s\" is not the index that backup \"%s\" promises", path, info->id);
    return ERR_OK;
}

static enum err_code read_stored(struct repo *r, const struct layout *l, const char *id,
                                 struct backup_previous *p, struct err *e)
{
    struct sink *parser;
    char key[STORE_KEY_MAX + 1];

    layout_backup_index(l, id, key);
    if (index_read_sink_new(id, take, p, &parser, e) != ERR_OK)
        return e->code;
    return object_get(r, key, "index", id, parser, NULL, e);
}

/*
 * May today's recipients read what lies there? Chunks of an unencrypted backup, or of one for other keys, are stored
 * again: whoever holds one of today's identities must be able to restore today's backup. So are sealed ones when there
 * are no recipients any more: nobody will keep an identity for what looks unencrypted.
 */
static enum err_code check_recipients(struct repo *r, const struct layout *l, const char *id, struct err *e)
{
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    char key[STORE_KEY_MAX + 1];

    layout_backup_index(l, id, key);
    if (object_descriptor(r, key, &d, e) != ERR_OK)
        return e->code;
    if (r->recipients.count == 0 && d.key_count > 0)
        return err_set(e, ERR_REFUSED, "backup \"%s\" is sealed, and today there are no recipients", id);
    for (size_t i = 0; i < r->recipients.count; i++) {
        uint8_t fingerprint[KEY_FINGERPRINT_BYTES];
        bool found = false;

        key_fingerprint(r->recipients.list[i].public_key, fingerprint);
        for (size_t k = 0; k < d.key_count && !found; k++)
            found = memcmp(d.keys[k].fingerprint, fingerprint, KEY_FINGERPRINT_BYTES) == 0;
        if (!found)
            return err_set(e, ERR_REFUSED, "backup \"%s\" is not sealed for all of today's recipients", id);
    }
    return ERR_OK;
}

static void forget(struct backup_previous **p)
{
    backup_previous_free(*p);
    *p = calloc(1, sizeof(**p));
}

/* From the spool when that is the index of a backup that exists. */
static bool try_spooled(struct repo *r, const struct layout *l, const struct spool *spool,
                        struct backup_previous *p)
{
    CLEANUP(buf_clear) struct buf path = BUF_INIT(8192);
    CLEANUP(backup_info_clear) struct backup_info info = {0};
    struct err why = ERR_NONE;

    if (!spool_index_path(spool, repo_place(r), &path) || !spooled_id(buf_cstr(&path), p->id))
        return false;
    if (backup_info_read(r, l, p->id, &info, &why) == ERR_OK &&
        check_recipients(r, l, p->id, &why) == ERR_OK &&
        read_spooled(buf_cstr(&path), &info, p, &why) == ERR_OK)
        return true;
    log_debug("%s, not using the index in the spool", why.text);
    return false;
}

/* Fails only when the backups can't be listed. */
static enum err_code try_stored(struct repo *r, const struct layout *l, struct backup_previous *p,
                                bool *was_read, struct err *e)
{
    CLEANUP(backup_list_clear) struct backup_list backups = {0};
    struct err why = ERR_NONE;

    *was_read = false;
    if (backup_list_read(r, l, &backups, NULL, e) != ERR_OK)
        return e->code;
    if (backups.count == 0)
        return ERR_OK;
    memcpy(p->id, backups.list[backups.count - 1].id, BACKUP_ID_MAX);
    *was_read = check_recipients(r, l, p->id, &why) == ERR_OK && read_stored(r, l, p->id, p, &why) == ERR_OK;
    if (!*was_read)
        log_debug("%s, storing everything again", why.text);
    return ERR_OK;
}

enum err_code backup_previous_load(struct repo *r, const struct layout *l, const struct spool *spool,
                                   struct backup_previous **out, struct err *e)
{
    CLEANUP(backup_previous_freep) struct backup_previous *p = calloc(1, sizeof(*p));
    bool was_read;

    if (p != NULL && !try_spooled(r, l, spool, p)) {
        forget(&p);
        if (p != NULL && try_stored(r, l, p, &was_read, e) != ERR_OK)
            return e->code;
        if (p != NULL && !was_read)
            forget(&p);
    }
    if (p == NULL)
        return err_nomem(e, "the previous backup's index");
    if (p->file_count > 0)
        qsort(p->files, p->file_count, sizeof(*p->files), by_path);
    *out = p;
    p = NULL;
    return ERR_OK;
}

const char *backup_previous_id(const struct backup_previous *p)
{
    return p->id;
}

const char *backup_previous_source(const struct backup_previous *p, uint32_t number)
{
    return number < p->source_count ? p->sources[number] : NULL;
}

void backup_previous_file(struct backup_previous *p, const char *path)
{
    struct old_file key = {.path = (char *) (uintptr_t) path};
    const struct old_file *f =
        p->file_count > 0 ? bsearch(&key, p->files, p->file_count, sizeof(*p->files), by_path) : NULL;

    p->next = f != NULL ? f->first : 0;
    p->behind = f != NULL ? f->first + f->count : 0;
}

const struct index_chunk *backup_previous_chunk(struct backup_previous *p, uint64_t offset, uint32_t length)
{
    const struct old_chunk *c;

    while (p->next < p->behind && p->chunks[p->next].at < offset)
        p->next++;
    if (p->next == p->behind)
        return NULL;
    c = &p->chunks[p->next];
    return c->at == offset && c->chunk.length == length ? &c->chunk : NULL;
}
