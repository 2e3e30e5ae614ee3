/*
 * ops/archive_batch.c - see ops/archive_batch.h.
 *
 *   this thread     begins one file after the other, in order, while there is a job free and memory for it
 *   a job           open, or take the note of an earlier call; read (waiting for memory); then, when all files before
 *                   it have come as far, its place in the run; store; done
 *   whoever is done writes the notes of those files that have nothing unfinished before them, in order
 *
 * So a note tells whether something before it could not be archived, and when a process is killed, what lies beyond an
 * unfinished file is pushed again, and found stored.
 *
 * Everything is decided under one lock, with one condition for whatever changes. Nobody waits for ever: the first
 * unfinished file waits neither for memory nor for its turn. Errors of files other than the first are kept, not returned.
 */
#include "ops/archive_batch.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/pool.h"
#include "ops/archive_jobs.h"
#include "ops/archive_memory.h"
#include "ops/archive_noted.h"
#include "ops/archive_waiting.h"
#include "repo/ahead.h"

#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FILES_MOST    1024                /* of one call */
#define READING_BYTES (UINT64_C(2) << 20) /* what a file takes while it is read, besides what is kept of it */
#define STORING_BYTES (UINT64_C(5) << 18) /* and while it is stored                                         */

enum state { UNFINISHED, STORED, NOTED_BEFORE, FAILED };

struct batch;

/* A file of the batch, from when it is begun until it is noted. */
struct work {
    struct batch *batch;
    size_t number; /* 0 is the call's own */
    char path[PATH_MAX];
    struct archive_file own;
    struct archive_file *f; /* the call's file, or own */
    struct ahead_note note;
    bool is_noted;
    struct wal_facts *told; /* one for each repository; owned */
    int64_t waited_us;      /* for other files */
    enum state state;
    struct err why;
};

struct batch {
    const struct archive_push *push;
    const struct archive_options *options;
    char directory[PATH_MAX];
    char places[AHEAD_PLACES_MAX];
    struct archive_waiting waiting;
    struct work **works;  /* [0, begun); of those below settled only the first */
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    struct archive_jobs jobs;
    struct archive_memory memory;
    size_t begun, running;
    size_t turn;    /* the number whose place in the run comes next */
    size_t settled; /* all below are finished and noted             */
    uint64_t ahead_bytes;
    int64_t until_us;
    bool is_over;      /* no file is begun any more       */
    bool has_hole;     /* of the settled ones, not all are archived */
    struct err failed; /* of the first that failed, other than the call's own */
};

static int64_t thread_cpu_us(void)
{
    struct timespec t = {0};

    (void) clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t) t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void change(struct batch *b)
{
    (void) pthread_cond_broadcast(&b->changed);
}

/* ---- a job ---- */

/* Called while the file is read. */
static void wait_for_memory(void *arg, uint64_t bytes)
{
    struct work *w = arg;
    struct batch *b = w->batch;
    int64_t from = clock_mono_us(&clock_system);

    (void) pthread_mutex_lock(&b->lock);
    while (!archive_memory_grow(&b->memory, w->number, bytes + READING_BYTES))
        (void) pthread_cond_wait(&b->changed, &b->lock);
    (void) pthread_mutex_unlock(&b->lock);
    w->waited_us += clock_mono_us(&clock_system) - from;
}

/* Several repositories: while one but the last gets it, it is there twice. */
static uint64_t kept_bytes(const struct batch *b, uint64_t bytes)
{
    return b->push->cluster->repo_count > 1 ? 2 * bytes : bytes;
}

static void settle_memory(struct work *w)
{
    struct batch *b = w->batch;

    (void) pthread_mutex_lock(&b->lock);
    archive_memory_settle(&b->memory, w->number, kept_bytes(b, w->f->content.kept_bytes) + STORING_BYTES);
    change(b);
    (void) pthread_mutex_unlock(&b->lock);
}

static enum err_code open_waiting(struct work *w, struct err *e)
{
    struct batch *b = w->batch;

    w->f = &w->own;
    if (archive_file_open(w->f, w->path, e) != ERR_OK)
        return e->code;
    if (!archive_push_fits(b->push, w->f))
        return err_set(e, ERR_REFUSED, "file \"%s\" is not of the same cluster as the one before it",
                       w->path);
    w->is_noted = ahead_read(b->push->cluster->spool, w->f->name, b->places, &w->f->stat, &w->note) &&
                  archive_noted_fits(&w->note, w->f);
    return ERR_OK;
}

static enum err_code make_ready(struct work *w, struct err *e)
{
    const struct repo *first = w->batch->push->cluster->repos[0];
    const struct archive_gate gate = {wait_for_memory, w};
    enum err_code code;

    if (w->number > 0 && open_waiting(w, e) != ERR_OK)
        return e->code;
    if (w->is_noted)
        return ERR_OK;
    w->f->gate = &gate;
    code = archive_file_read(w->f, first->codec, first->level, e);
    w->f->gate = NULL;
    settle_memory(w);
    return code;
}

/* All files before it have come as far. */
static void take_turn(struct work *w, bool is_ready)
{
    struct batch *b = w->batch;
    int64_t from = clock_mono_us(&clock_system);

    (void) pthread_mutex_lock(&b->lock);
    while (b->turn != w->number)
        (void) pthread_cond_wait(&b->changed, &b->lock);
    w->waited_us += clock_mono_us(&clock_system) - from;
    if (is_ready && w->is_noted && w->note.has_facts)
        archive_push_noted(b->push, &w->note.facts);
    else if (is_ready && !w->is_noted)
        archive_push_in_order(b->push, w->f, w->told);
    b->turn++;
    b->is_over = b->is_over || !is_ready;
    change(b);
    (void) pthread_mutex_unlock(&b->lock);
}

static enum state attempt(struct work *w)
{
    enum err_code code = make_ready(w, &w->why);

    take_turn(w, code == ERR_OK);
    if (code == ERR_OK && w->is_noted)
        return NOTED_BEFORE;
    if (code == ERR_OK)
        code = archive_push_store(w->batch->push, w->f, w->told, w->number > 0, &w->why);
    return code == ERR_OK ? STORED : FAILED;
}

/* ---- behind a job ---- */

static void note_down(struct batch *b, struct work *w)
{
    struct ahead_note note = {.is_beyond = b->has_hole, .has_facts = w->f->file.kind == WALFILE_SEGMENT};

    (void) snprintf(note.line, sizeof(note.line), "%s", b->push->layout.line);
    if (note.has_facts) {
        note.facts = w->f->facts;
        wal_facts_begin_run(&note.facts);
    }
    if (!ahead_write(b->push->cluster->spool, w->f->name, b->places, &w->f->stat, &note))
        b->is_over = true; /* what can't be noted would only be pushed again */
}

static void work_free(struct work *w)
{
    archive_file_clear(&w->own);
    free(w->told);
    free(w);
}

/* In order: all before this one are settled. */
static void settle(struct batch *b, struct work *w)
{
    if (w->state == FAILED) {
        b->has_hole = true;
        if (w->number > 0 && b->failed.code == ERR_OK)
            b->failed = w->why;
    }
    if (w->number == 0)
        return;
    if (w->state == STORED)
        note_down(b, w);
    b->works[w->number] = NULL;
    work_free(w);
}

static void settle_finished(struct batch *b)
{
    while (b->settled < b->begun && b->works[b->settled]->state != UNFINISHED) {
        settle(b, b->works[b->settled]);
        b->settled++;
    }
}

static enum err_code run_work(void *arg, struct err *e)
{
    struct work *w = arg;
    struct batch *b = w->batch;
    const int64_t cpu = thread_cpu_us(), wall = clock_mono_us(&clock_system);
    enum state state = attempt(w);

    (void) e;
    archive_file_clear(w->f);
    (void) pthread_mutex_lock(&b->lock);
    if (state == STORED)
        archive_jobs_measured(&b->jobs, thread_cpu_us() - cpu,
                              clock_mono_us(&clock_system) - wall - w->waited_us);
    if (state == FAILED)
        b->is_over = true;
    archive_memory_end(&b->memory, w->number);
    b->running--;
    w->state = state;
    settle_finished(b);
    change(b);
    (void) pthread_mutex_unlock(&b->lock);
    return ERR_OK;
}

/* ---- beginning ---- */

static struct work *work_new(struct batch *b, size_t number, const char *path)
{
    struct work *w = calloc(1, sizeof(*w));

    if (w == NULL)
        return NULL;
    *w = (struct work){.batch = b, .number = number, .own = ARCHIVE_FILE_NONE, .why = ERR_NONE};
    (void) snprintf(w->path, sizeof(w->path), "%s", path);
    w->told = calloc(b->push->cluster->repo_count, sizeof(*w->told));
    if (w->told != NULL)
        return w;
    free(w);
    return NULL;
}

/* Under the lock. Never blocks: there are as many threads as jobs may run. */
static void begin(struct batch *b, struct pool *pool, struct work *w, uint64_t size)
{
    const struct pool_job job = {.run = run_work, .arg = w};
    struct err ignored = ERR_NONE;

    archive_memory_begin(&b->memory, w->number, READING_BYTES, kept_bytes(b, size) + READING_BYTES);
    b->works[b->begun++] = w;
    b->running++;
    (void) pool_submit(pool, &job, &ignored); /* fails when a job has: these never do */
}

static bool is_too_much(const struct batch *b, uint64_t size)
{
    return size > ARCHIVE_FILE_PACKED || b->ahead_bytes + size > b->options->ahead_bytes;
}

/* Until there is a job free and memory for it. False when no more is to be begun. */
static bool wait_for_room(struct batch *b, uint64_t size)
{
    while (!b->is_over &&
           (b->running >= archive_jobs_wanted(&b->jobs) ||
            !archive_memory_has_room(&b->memory, READING_BYTES, kept_bytes(b, size) + READING_BYTES)))
        (void) pthread_cond_wait(&b->changed, &b->lock);
    return !b->is_over && clock_mono_us(&clock_system) < b->until_us;
}

/* A .ready without its file, which PostgreSQL removes when it comes to it, is passed over. */
static void begin_waiting(struct batch *b, struct pool *pool)
{
    for (size_t i = 0; i < b->waiting.count && !b->is_over; i++) {
        char path[PATH_MAX];
        int len = snprintf(path, sizeof(path), "%s/%s", b->directory, b->waiting.names[i]);
        struct stat st;
        struct work *w;

        if (len < 0 || (size_t) len >= sizeof(path) || stat(path, &st) != 0)
            continue;
        if (is_too_much(b, (uint64_t) st.st_size) || !wait_for_room(b, (uint64_t) st.st_size) ||
            (w = work_new(b, b->begun, path)) == NULL)
            return;
        b->ahead_bytes += (uint64_t) st.st_size;
        begin(b, pool, w, (uint64_t) st.st_size);
    }
}

/* ---- the call ---- */

static void run_all(struct batch *b, struct pool *pool, struct work *first)
{
    (void) pthread_mutex_lock(&b->lock);
    begin(b, pool, first, first->f->size);
    begin_waiting(b, pool);
    while (b->running > 0)
        (void) pthread_cond_wait(&b->changed, &b->lock);
    (void) pthread_mutex_unlock(&b->lock);
}

/* How many threads are worth having. */
static size_t threads_for(const struct batch *b)
{
    size_t most = b->options->jobs > 0 ? b->options->jobs : ARCHIVE_JOBS_MOST;

    return b->waiting.count + 1 < most ? b->waiting.count + 1 : most;
}

static enum err_code answer(const struct batch *b, const struct work *first, struct err *e)
{
    if (b->failed.code != ERR_OK)
        log_warning("%s, leaving it to its own turn", b->failed.text);
    if (first->state == STORED)
        return ERR_OK;
    *e = first->why;
    return e->code;
}

/*
 * Threads that each keep a heap of their own keep in it what the others could use: several times the memory, and more
 * time for getting it fresh from the kernel. What is asked for here is large and rare, so one heap is no bottleneck.
 */
static void share_one_heap(void)
{
#ifdef M_ARENA_MAX
    (void) mallopt(M_ARENA_MAX, 1);
#endif
}

/* What can't be had for a batch is no failure: then f is pushed alone. */
static enum err_code push_with_waiting(struct batch *b, struct archive_file *f, struct err *e)
{
    CLEANUP(pool_freep) struct pool *pool = NULL;
    const size_t threads = threads_for(b);
    struct work *first = work_new(b, 0, f->path);
    struct err ignored = ERR_NONE;
    enum err_code code;

    share_one_heap();
    b->works = calloc(b->waiting.count + 1, sizeof(struct work *));
    if (first == NULL || b->works == NULL || pool_new(threads, threads, &pool, &ignored) != ERR_OK) {
        if (first != NULL)
            work_free(first);
        free(b->works);
        return archive_push_one(b->push, f, e);
    }
    first->f = f;
    run_all(b, pool, first);
    code = answer(b, first, e);
    work_free(first);
    free(b->works);
    return code;
}

static struct batch *batch_new(const struct archive_push *p, const struct archive_file *f,
                               const struct archive_options *o)
{
    struct batch *b = calloc(1, sizeof(*b));

    if (b == NULL)
        return NULL;
    b->push = p;
    b->options = o;
    b->jobs = (struct archive_jobs){.fixed = o->jobs, .cpus = pool_cpus()};
    b->memory.most =
        archive_memory_most(ARCHIVE_BATCH_MEMORY, READING_BYTES, kept_bytes(b, f->size) + READING_BYTES);
    b->until_us = clock_mono_us(&clock_system) + ARCHIVE_BATCH_US;
    archive_file_directory(f, b->directory, sizeof(b->directory));
    archive_noted_places(p->cluster, b->places);
    (void) pthread_mutex_init(&b->lock, NULL);
    (void) pthread_cond_init(&b->changed, NULL);
    return b;
}

static void batch_freep(struct batch **b)
{
    if (*b == NULL)
        return;
    archive_waiting_clear(&(*b)->waiting);
    (void) pthread_mutex_destroy(&(*b)->lock);
    (void) pthread_cond_destroy(&(*b)->changed);
    free(*b);
    *b = NULL;
}

static void closep(int *fd)
{
    if (*fd >= 0)
        (void) close(*fd);
}

/* A file elsewhere than in a server's pg_wal, a large one, and one whose line is not known yet have the call for themselves. */
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
