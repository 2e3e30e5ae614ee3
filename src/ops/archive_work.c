/*
 * ops/archive_work.c - see ops/archive_work.h.
 */
#include "ops/archive_work.h"

#include "base/clock.h"
#include "base/pool.h"
#include "ops/archive_noted.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define STORING_BYTES \
    (UINT64_C(5) << 18) /* what a file takes while it is stored, besides what is kept of it */

static void lock(struct archive_works *s)
{
    (void) pthread_mutex_lock(&s->lock);
}

static void unlock(struct archive_works *s)
{
    (void) pthread_mutex_unlock(&s->lock);
}

static void await_change(struct archive_works *s)
{
    (void) pthread_cond_wait(&s->changed, &s->lock);
}

static void tell_change(struct archive_works *s)
{
    (void) pthread_cond_broadcast(&s->changed);
}

static int64_t thread_cpu_us(void)
{
    struct timespec t = {0};

    (void) clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t) t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- reading ---- */

/* Called while the file is read. */
static void wait_for_memory(void *arg, uint64_t bytes)
{
    struct archive_work *w = arg;
    struct archive_works *s = w->all;
    int64_t from = clock_mono_us(&clock_system);

    lock(s);
    while (!archive_memory_grow(&s->memory, w->number, bytes + ARCHIVE_READING_BYTES))
        await_change(s);
    unlock(s);
    w->waited_us += clock_mono_us(&clock_system) - from;
}

/* Several repositories: while one but the last gets it, it is there twice. */
static uint64_t kept_bytes(const struct archive_works *s, uint64_t bytes)
{
    return s->push->cluster->repo_count > 1 ? 2 * bytes : bytes;
}

uint64_t archive_work_need(const struct archive_works *s, uint64_t size)
{
    return kept_bytes(s, size) + ARCHIVE_READING_BYTES;
}

static void settle_memory(struct archive_work *w)
{
    struct archive_works *s = w->all;

    lock(s);
    archive_memory_settle(&s->memory, w->number, kept_bytes(s, w->f->content.kept_bytes) + STORING_BYTES);
    tell_change(s);
    unlock(s);
}

static enum err_code open_waiting(struct archive_work *w, struct err *e)
{
    const struct archive_works *s = w->all;

    w->f = &w->own;
    if (archive_file_open(w->f, w->path, e) != ERR_OK)
        return e->code;
    if (!archive_push_fits(s->push, w->f))
        return err_set(e, ERR_REFUSED, "file \"%s\" is not of the same cluster as the one before it",
                       w->path);
    w->is_noted = ahead_read(s->push->cluster->spool, w->f->name, s->places, &w->f->stat, &w->note) &&
                  archive_noted_fits(&w->note, w->f);
    return ERR_OK;
}

static enum err_code make_ready(struct archive_work *w, struct err *e)
{
    const struct repo *first = w->all->push->cluster->repos[0];
    const struct archive_gate gate = {wait_for_memory, w};
    enum err_code code;

    if (w->f == NULL && open_waiting(w, e) != ERR_OK)
        return e->code;
    if (w->is_noted)
        return ERR_OK;
    w->f->gate = &gate;
    code = archive_file_read(w->f, first->codec, first->level, e);
    w->f->gate = NULL;
    settle_memory(w);
    return code;
}

/* ---- its place in the run, and storing ---- */

/* All files before it have come as far; none behind it begins before the turn is given on. */
static void take_turn(struct archive_work *w, bool is_ready)
{
    struct archive_works *s = w->all;
    int64_t from = clock_mono_us(&clock_system);

    lock(s);
    while (s->turn != w->number)
        await_change(s);
    unlock(s);
    w->waited_us += clock_mono_us(&clock_system) - from;
    if (is_ready && w->is_noted && w->note.has_facts)
        archive_push_noted(s->push, &w->note.facts);
    else if (is_ready && !w->is_noted)
        archive_push_in_order(s->push, w->f, w->told);
    lock(s);
    s->turn++;
    s->is_over = s->is_over || !is_ready;
    tell_change(s);
    unlock(s);
}

static enum archive_state attempt(struct archive_work *w)
{
    enum err_code code = make_ready(w, &w->why);

    take_turn(w, code == ERR_OK);
    if (code == ERR_OK && w->is_noted)
        return ARCHIVE_NOTED_BEFORE;
    if (code == ERR_OK)
        code = archive_push_store(w->all->push, w->f, w->told, w->number > 0, &w->why);
    return code == ERR_OK ? ARCHIVE_STORED : ARCHIVE_FAILED;
}

/* ---- settling ---- */

static bool note_down(const struct archive_works *s, const struct archive_work *w)
{
    struct ahead_note note = {.is_beyond = s->has_hole, .has_facts = w->f->file.kind == WALFILE_SEGMENT};

    (void) snprintf(note.line, sizeof(note.line), "%s", s->push->layout.line);
    if (note.has_facts) {
        note.facts = w->f->facts;
        wal_facts_begin_run(&note.facts);
    }
    return ahead_write(s->push->cluster->spool, w->f->name, s->places, &w->f->stat, &note);
}

/* All before this one are settled. False: it could not be noted, and what can't would only be pushed again. */
static bool settle(struct archive_works *s, struct archive_work *w)
{
    bool is_noted = true;

    if (w->state == ARCHIVE_FAILED) {
        s->has_hole = true;
        if (w->number > 0 && s->failed.code == ERR_OK)
            s->failed = w->why;
    }
    if (w->number == 0)
        return true;
    if (w->state == ARCHIVE_STORED)
        is_noted = note_down(s, w);
    archive_work_free(w);
    return is_noted;
}

/* Under the lock, which is let go for each. Who is at it already sees what has finished meanwhile. */
static void settle_finished(struct archive_works *s)
{
    if (s->is_settling)
        return;
    s->is_settling = true;
    while (s->settled < s->begun && s->list[s->settled]->state != ARCHIVE_UNFINISHED) {
        bool is_noted;

        unlock(s);
        is_noted = settle(s, s->list[s->settled]);
        lock(s);
        s->settled++;
        s->is_over = s->is_over || !is_noted;
    }
    s->is_settling = false;
}

enum err_code archive_work_run(void *work, struct err *e)
{
    struct archive_work *w = work;
    struct archive_works *s = w->all;
    const int64_t cpu = thread_cpu_us(), wall = clock_mono_us(&clock_system);
    enum archive_state state = attempt(w);

    (void) e;
    archive_file_clear(w->f);
    lock(s);
    if (state == ARCHIVE_STORED)
        archive_jobs_measured(&s->jobs, thread_cpu_us() - cpu,
                              clock_mono_us(&clock_system) - wall - w->waited_us);
    if (state == ARCHIVE_FAILED)
        s->is_over = true;
    archive_memory_end(&s->memory, w->number);
    s->running--;
    w->state = state;
    tell_change(s); /* who waits for the memory or the job need not wait for notes */
    settle_finished(s);
    tell_change(s);
    unlock(s);
    return ERR_OK;
}

/* ---- life ---- */

struct archive_work *archive_work_new(struct archive_works *s, size_t number, const char *path,
                                      struct archive_file *f)
{
    struct archive_work *w = calloc(1, sizeof(*w));

    if (w == NULL)
        return NULL;
    *w = (struct archive_work){.all = s, .number = number, .own = ARCHIVE_FILE_NONE, .f = f, .why = ERR_NONE};
    (void) snprintf(w->path, sizeof(w->path), "%s", path);
    w->told = calloc(s->push->cluster->repo_count, sizeof(*w->told));
    if (w->told != NULL)
        return w;
    free(w);
    return NULL;
}

void archive_work_free(struct archive_work *w)
{
    if (w == NULL)
        return;
    archive_file_clear(&w->own);
    free(w->told);
    free(w);
}

void archive_works_init(struct archive_works *s, const struct archive_push *p, size_t jobs)
{
    *s = (struct archive_works){.push = p, .jobs = {.fixed = jobs, .cpus = pool_cpus()}};
    archive_noted_places(p->cluster, s->places);
    (void) pthread_mutex_init(&s->lock, NULL);
    (void) pthread_cond_init(&s->changed, NULL);
}

void archive_works_clear(struct archive_works *s)
{
    (void) pthread_mutex_destroy(&s->lock);
    (void) pthread_cond_destroy(&s->changed);
}
