/*
 * ops/archive_batch.c - see ops/archive_batch.h.
 *
 * This thread begins one file after the other, in order, while there is a job free and memory for it; the jobs are
 * ops/archive_work.h. Errors of files other than the first are kept, not returned.
 */
#include "ops/archive_batch.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/pool.h"
#include "ops/archive_waiting.h"
#include "ops/archive_work.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FILES_MOST 1024 /* of one call */

struct batch {
    const struct archive_options *options;
    char directory[PATH_MAX];
    struct archive_waiting waiting;
    struct archive_works works;
    uint64_t ahead_bytes;
    int64_t until_us;
};

/* ---- beginning ---- */

/* Under the lock. Never blocks: there are as many threads as jobs may run. */
static void begin(struct archive_works *s, struct pool *pool, struct archive_work *w, uint64_t size)
{
    const struct pool_job job = {.run = archive_work_run, .arg = w};
    struct err ignored = ERR_NONE;

    archive_memory_begin(&s->memory, w->number, ARCHIVE_READING_BYTES, archive_work_need(s, size));
    s->list[s->begun++] = w;
    s->running++;
    (void) pool_submit(pool, &job, &ignored); /* fails when a job has: these never do */
}

static bool is_too_much(const struct batch *b, uint64_t size)
{
    return size > ARCHIVE_FILE_PACKED || b->ahead_bytes + size > b->options->ahead_bytes;
}

/* Until there is a job free and memory for it. False when no more is to be begun. */
static bool wait_for_room(struct batch *b, uint64_t size)
{
    struct archive_works *s = &b->works;

    while (!s->is_over &&
           (s->running >= archive_jobs_wanted(&s->jobs) ||
            !archive_memory_has_room(&s->memory, ARCHIVE_READING_BYTES, archive_work_need(s, size))))
        (void) pthread_cond_wait(&s->changed, &s->lock);
    return !s->is_over && clock_mono_us(&clock_system) < b->until_us;
}

/* False when no more is to be begun. */
static bool begin_next(struct batch *b, struct pool *pool, const char *path, uint64_t size)
{
    struct archive_works *s = &b->works;
    struct archive_work *w = NULL;

    (void) pthread_mutex_lock(&s->lock);
    if (!is_too_much(b, size) && wait_for_room(b, size))
        w = archive_work_new(s, s->begun, path, NULL);
    if (w != NULL) {
        b->ahead_bytes += size;
        begin(s, pool, w, size);
    }
    (void) pthread_mutex_unlock(&s->lock);
    return w != NULL;
}

/* A .ready without its file, which PostgreSQL removes when it comes to it, is passed over. */
static void begin_waiting(struct batch *b, struct pool *pool)
{
    for (size_t i = 0; i < b->waiting.count; i++) {
        char path[PATH_MAX];
        int len = snprintf(path, sizeof(path), "%s/%s", b->directory, b->waiting.names[i]);
        struct stat st;

        if (len < 0 || (size_t) len >= sizeof(path) || stat(path, &st) != 0)
            continue;
        if (!begin_next(b, pool, path, (uint64_t) st.st_size))
            return;
    }
}

/* ---- the call ---- */

static void run_all(struct batch *b, struct pool *pool, struct archive_work *first)
{
    struct archive_works *s = &b->works;

    (void) pthread_mutex_lock(&s->lock);
    begin(s, pool, first, first->f->size);
    (void) pthread_mutex_unlock(&s->lock);
    begin_waiting(b, pool);
    (void) pthread_mutex_lock(&s->lock);
    while (s->running > 0 || s->is_settling)
        (void) pthread_cond_wait(&s->changed, &s->lock);
    (void) pthread_mutex_unlock(&s->lock);
}

/* How many threads are worth having. */
static size_t threads_for(const struct batch *b)
{
    size_t most = b->options->jobs > 0 ? b->options->jobs : ARCHIVE_JOBS_MOST;

    return b->waiting.count + 1 < most ? b->waiting.count + 1 : most;
}

static enum err_code answer(const struct archive_works *s, const struct archive_work *first, struct err *e)
{
    if (s->failed.code != ERR_OK)
        log_warning("%s, leaving it to its own turn", s->failed.text);
    if (first->state == ARCHIVE_STORED)
        return ERR_OK;
    *e = first->why;
    return e->code;
}

/* What can't be had for a batch is no failure: then f is pushed alone. */
static enum err_code push_with_waiting(struct batch *b, struct archive_file *f, struct err *e)
{
    CLEANUP(pool_freep) struct pool *pool = NULL;
    struct archive_works *s = &b->works;
    const size_t threads = threads_for(b);
    struct archive_work *first = archive_work_new(s, 0, f->path, f);
    struct err ignored = ERR_NONE;
    enum err_code code;

    s->list = calloc(b->waiting.count + 1, sizeof(struct archive_work *));
    if (first != NULL && s->list != NULL && pool_new(threads, threads, &pool, &ignored) == ERR_OK) {
        run_all(b, pool, first);
        code = answer(s, first, e);
    } else {
        code = archive_push_one(s->push, f, e);
    }
    archive_work_free(first);
    free(s->list);
    return code;
}

static struct batch *batch_new(const struct archive_push *p, const struct archive_file *f,
                               const struct archive_options *o)
{
    struct batch *b = calloc(1, sizeof(*b));

    if (b == NULL)
        return NULL;
    b->options = o;
    archive_works_init(&b->works, p, o->jobs);
    b->works.memory.most = archive_memory_most(ARCHIVE_BATCH_MEMORY, ARCHIVE_READING_BYTES,
                                               archive_work_need(&b->works, f->size));
    b->until_us = clock_mono_us(&clock_system) + ARCHIVE_BATCH_US;
    archive_file_directory(f, b->directory, sizeof(b->directory));
    return b;
}

static void batch_freep(struct batch **b)
{
    if (*b == NULL)
        return;
    archive_waiting_clear(&(*b)->waiting);
    archive_works_clear(&(*b)->works);
    free(*b);
    *b = NULL;
}

static void closep(int *fd)
{
    if (*fd >= 0)
        (void) close(*fd);
}

/*
 * A file elsewhere than in a server's pg_wal, a large one, and one whose line is not known yet have the call for
 * themselves.
 */
static bool is_for_a_batch(const struct archive_push *p, const struct archive_file *f,
                           const struct archive_options *o)
{
    return o->ahead_bytes > 0 && f->size <= ARCHIVE_FILE_PACKED && archive_file_has_status(f) &&
           archive_push_is_known(p);
}

enum err_code archive_batch_push(const struct archive_push *p, struct archive_file *f,
                                 const struct archive_options *o, struct err *e)
{
    CLEANUP(batch_freep) struct batch *b = is_for_a_batch(p, f, o) ? batch_new(p, f, o) : NULL;
    CLEANUP(closep) int lock = -1;
    struct err ignored = ERR_NONE;

    if (b == NULL ||
        archive_waiting_list(b->directory, f->name, FILES_MOST, &b->waiting, &ignored) != ERR_OK ||
        b->waiting.count == 0)
        return archive_push_one(p, f, e);
    lock = ahead_lock(p->cluster->spool);
    return lock < 0 ? archive_push_one(p, f, e) : push_with_waiting(b, f, e);
}
