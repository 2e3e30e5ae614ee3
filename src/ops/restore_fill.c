/*
 * ops/restore_fill.c - see ops/restore_fill.h.
 *
 * A thread reads a pack from its first byte to its last: what has come is opened, verified and written while the store
 * sends on. So there is no queue between network and CPU, nothing that piles up, and as many downloads are on their way
 * as there are threads; more of them than CPUs keep these busy while others wait for a round trip. The chunks of a pack
 * mostly belong to few files, so a thread keeps the last file open.
 *
 * The kernel would let a GB and more pile up before it writes to the disk, and the sync at the end would wait for all
 * of it: it is asked to begin as soon as there is a worthwhile stretch. That is no promise, the sync is.
 */
#include "ops/restore_fill.h"

#include "base/grow.h"
#include "base/pool.h"
#include "repo/pack_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define WRITE_OUT_BYTES ((uint64_t) 8 << 20)

struct fill {
    struct restore_files *files;
    const struct restore_fill_options *o;
    struct pool *pool;
};

/* A pack, or a part of one. */
struct job {
    struct fill *fill;
    const char *source_id;
    uint32_t number;
    struct pack_want *wants;
    size_t count;
};

/* A thread's open file. */
struct writer {
    struct fill *fill;
    uint32_t file;
    int fd;         /* -1 = none */
    uint64_t begin; /* what was written and is not on its way to the disk lies between here … */
    uint64_t end;   /* … and here                                                             */
    uint64_t dirty; /* and is so many bytes                                                   */
    char path[TREE_PATH_MAX];
};

static enum err_code writer_close(struct writer *w, struct err *e)
{
    int fd = w->fd;
    enum err_code code = ERR_OK;

    w->fd = -1;
    if (fd < 0)
        return ERR_OK;
    if (w->fill->o->sync_files && fsync(fd) != 0)
        code = err_sys(e, ERR_IO, errno, "could not fsync file \"%s\"", w->path);
    if (close(fd) != 0 && code == ERR_OK)
        code = err_sys(e, ERR_IO, errno, "could not close file \"%s\"", w->path);
    return code;
}

static enum err_code writer_open(struct writer *w, uint32_t file, struct err *e)
{
    if (w->fd >= 0 && w->file == file)
        return ERR_OK;
    if (writer_close(w, e) != ERR_OK ||
        restore_files_open(w->fill->files, file, w->path, &w->fd, e) != ERR_OK)
        return e->code;
    w->file = file;
    w->dirty = 0;
    return ERR_OK;
}

static enum err_code write_at(const struct writer *w, const uint8_t *bytes, size_t len, uint64_t at,
                              struct err *e)
{
    while (len > 0) {
        ssize_t put = pwrite(w->fd, bytes, len, (off_t) at);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return err_sys(e, ERR_IO, put < 0 ? errno : ENOSPC, "could not write file \"%s\"", w->path);
        bytes += put;
        at += (uint64_t) put;
        len -= (size_t) put;
    }
    return ERR_OK;
}

static void write_out(struct writer *w, uint64_t at, size_t len)
{
    if (w->dirty == 0 || at < w->begin)
        w->begin = at;
    if (w->dirty == 0 || at + len > w->end)
        w->end = at + len;
    w->dirty += len;
    if (w->dirty < WRITE_OUT_BYTES)
        return;
    (void) sync_file_range(w->fd, (off_t) w->begin, (off_t) (w->end - w->begin), SYNC_FILE_RANGE_WRITE);
    w->dirty = 0;
}

static enum err_code write_chunk(const struct pack_want *want, const uint8_t *bytes, size_t len, void *arg,
                                 struct err *e)
{
    struct writer *w = arg;

    if (pool_has_failed(w->fill->pool))
        return err_set(e, ERR_IO, "another thread has failed"); /* and its error is the one that is told */
    if (writer_open(w, want->file, e) != ERR_OK || write_at(w, bytes, len, want->at, e) != ERR_OK)
        return e->code;
    write_out(w, want->at, len);
    progress_add(w->fill->o->progress, len);
    return ERR_OK;
}

static enum err_code fill_from_pack(void *arg, struct err *e)
{
    const struct job *j = arg;
    const struct restore_files *f = j->fill->files;
    struct writer w = {.fill = j->fill, .fd = -1};
    struct err ignored = ERR_NONE;

    if (pack_read(f->repo, f->layout, j->source_id, j->number, j->wants, j->count, write_chunk, &w, e) ==
            ERR_OK &&
        writer_close(&w, e) == ERR_OK)
        return ERR_OK;
    (void) writer_close(&w, &ignored);
    return e->code;
}

/* ---- all packs ---- */

struct jobs {
    struct job *list;
    size_t count, room;
};

static void jobs_clear(struct jobs *jobs)
{
    free(jobs->list);
}

/* How many of the wants, sorted, make a part. */
static size_t slice(const struct pack_want *wants, size_t count, uint64_t bytes)
{
    uint64_t stored = 0;
    size_t n = 0;

    if (bytes == 0)
        return count;
    while (n < count && stored < bytes)
        stored += wants[n++].stored;
    return n;
}

static enum err_code add_pack(struct jobs *jobs, struct fill *fill, const char *source_id,
                              const struct restore_pack *p, struct err *e)
{
    pack_wants_sort(p->wants, p->count);
    for (size_t at = 0, n; at < p->count; at += n) {
        if (grow(&jobs->list, jobs->count, &jobs->room, sizeof(*jobs->list), "a list of packs", e) != ERR_OK)
            return e->code;
        n = slice(p->wants + at, p->count - at, fill->o->slice_bytes);
        jobs->list[jobs->count++] = (struct job){fill, source_id, p->number, p->wants + at, n};
    }
    return ERR_OK;
}

static enum err_code list_packs(struct jobs *jobs, struct fill *fill, struct err *e)
{
    const struct restore_files *f = fill->files;

    for (size_t i = 0; i < f->source_count; i++)
        for (size_t k = 0; k < f->sources[i].count; k++)
            if (f->sources[i].packs[k] != NULL &&
                add_pack(jobs, fill, f->sources[i].id, f->sources[i].packs[k], e) != ERR_OK)
                return e->code;
    return ERR_OK;
}

enum err_code restore_fill(struct restore_files *f, const struct restore_fill_options *o, struct err *e)
{
    struct fill fill = {.files = f, .o = o};
    CLEANUP(jobs_clear) struct jobs jobs = {0};
    CLEANUP(pool_freep) struct pool *pool = NULL;

    if (list_packs(&jobs, &fill, e) != ERR_OK || pool_new(o->threads, 1, &pool, e) != ERR_OK)
        return e->code;
    fill.pool = pool;
    for (size_t i = 0; i < jobs.count; i++)
        if (pool_submit(pool, &(struct pool_job){fill_from_pack, NULL, &jobs.list[i]}, e) != ERR_OK)
            return e->code;
    return pool_wait(pool, e);
}
