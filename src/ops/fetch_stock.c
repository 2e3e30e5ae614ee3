/*
 * ops/fetch_stock.c - see ops/fetch_stock.h.
 *
 * The segment of number n has place n modulo the limit. A window is never wider than that, so of its segments no two
 * meet; after a step back one that is still coming may be in the way for a while.
 */
#include "ops/fetch_stock.h"

#include "base/clock.h"
#include "base/pool.h"
#include "repo/prefetch_keep.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum slot_state { SLOT_FREE, SLOT_COMING, SLOT_READY };

struct slot {
    enum slot_state state;
    struct walfile file;
    uint64_t number;
};

struct fetch_stock {
    struct cluster *cluster;
    const struct fetch_request *request;
    const struct prefetch *window;
    struct pool *pool;
    struct slot *slots;
    size_t limit;

    pthread_mutex_t lock; /* guards the slots, and what follows */
    pthread_cond_t changed;
    struct fetch_stock_state state;
    size_t first_repo; /* the one that had the last segment */
};

/* ---- downloading ----------------------------------------------------------------------------------------------- */

struct errand {
    struct fetch_stock *stock;
    struct slot *slot;
};

struct download {
    const struct fetch_request *request;
    int fd;
};

static enum err_code ask(void *arg, struct repo *r, struct err *e)
{
    const struct download *d = arg;
    uint64_t bytes;

    return fetch_request_copy(d->request, r, d->fd, d->request->name, &bytes, e);
}

/* Beginning with the repository that had the last one. */
static enum err_code copy_from_any(struct fetch_stock *s, const struct fetch_request *q, int fd, size_t *from,
                                   struct err *e)
{
    struct download d = {q, fd};
    size_t first;

    pthread_mutex_lock(&s->lock);
    first = s->first_repo;
    pthread_mutex_unlock(&s->lock);
    return fetch_first_good(s->cluster, first, false, ask, &d, from, e);
}

static enum err_code fetch_one(struct fetch_stock *s, const struct walfile *f, size_t *from, struct err *e)
{
    struct fetch_request q = *s->request; /* shares the path, which nobody changes */
    char name[WALFILE_NAME_MAX];
    enum err_code code;
    int fd;

    walfile_format(f, name);
    q.file = *f;
    q.name = name;
    q.wants_no_harm = true; /* whether to deliver such a one is for the call to judge, by its own plan */
    if (prefetch_begin(s->window, f, &fd, e) != ERR_OK)
        return e->code;
    code = copy_from_any(s, &q, fd, from, e);
    if (close(fd) != 0 && code == ERR_OK)
        code = err_sys(e, ERR_IO, errno, "could not close file \"%s\"", name);
    if (code == ERR_OK)
        code = prefetch_finish(s->window, f, *from, e);
    if (code != ERR_OK) {
        prefetch_give_up(s->window, f);
        return err_while(e, "fetching \"%s\" ahead", name);
    }
    return ERR_OK;
}

static enum err_code run_errand(void *arg, struct err *e)
{
    struct errand *errand = arg;
    struct fetch_stock *s = errand->stock;
    const int64_t begun_us = clock_mono_us(&clock_system);
    struct err why = ERR_NONE;
    size_t from = 0;
    enum err_code code = fetch_one(s, &errand->slot->file, &from, &why);

    (void) e;
    pthread_mutex_lock(&s->lock);
    s->state.coming--;
    errand->slot->state = code == ERR_OK ? SLOT_READY : SLOT_FREE;
    if (code == ERR_OK) {
        s->state.ready++;
        s->state.fetched++;
        s->first_repo = from;
        s->state.download_us = clock_mono_us(&clock_system) - begun_us;
    } else if (s->state.failure.code == ERR_OK) {
        s->state.failure = why;
    }
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
    free(errand);
    return ERR_OK;
}

/* ---- what is there --------------------------------------------------------------------------------------------- */

static struct slot *place_of(struct fetch_stock *s, uint64_t number)
{
    return &s->slots[number % s->limit];
}

bool fetch_stock_has(struct fetch_stock *s, uint64_t number)
{
    bool is_taken;

    pthread_mutex_lock(&s->lock);
    is_taken = place_of(s, number)->state != SLOT_FREE;
    pthread_mutex_unlock(&s->lock);
    return is_taken;
}

/* The pool takes it at once: no more are on their way than it has threads, and no errand fails. */
bool fetch_stock_begin(struct fetch_stock *s, const struct fetch_range *range, uint64_t number)
{
    struct slot *slot = place_of(s, number);
    struct errand *errand = malloc(sizeof(*errand));
    struct err ignored = ERR_NONE;

    if (errand == NULL)
        return false;
    *errand = (struct errand){s, slot};
    pthread_mutex_lock(&s->lock);
    *slot = (struct slot){SLOT_COMING, fetch_range_file(range, s->request, number), number};
    s->state.coming++;
    pthread_mutex_unlock(&s->lock);
    (void) pool_submit(s->pool, &(struct pool_job){.run = run_errand, .arg = errand}, &ignored);
    return true;
}

/* Ahead, within reach, and on the timeline that recovery is on now. */
static bool is_wanted(const struct fetch_stock *s, const struct fetch_range *range, uint64_t at,
                      const struct slot *slot)
{
    return slot->number > at && slot->number <= at + s->limit && slot->number <= range->last &&
           fetch_range_file(range, s->request, slot->number).tli == slot->file.tli;
}

void fetch_stock_drop(struct fetch_stock *s, const struct fetch_range *range, uint64_t at)
{
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->limit; i++) {
        struct slot *slot = &s->slots[i];

        if (slot->state != SLOT_READY || is_wanted(s, range, at, slot))
            continue;
        prefetch_drop(s->window, &slot->file);
        s->state.unused += slot->number > at;
        s->state.ready--;
        slot->state = SLOT_FREE;
    }
    pthread_mutex_unlock(&s->lock);
}

static void adopt(const struct walfile *f, void *arg)
{
    struct fetch_stock *s = arg;
    struct err ignored = ERR_NONE;
    uint64_t number;

    if (walseg_of_file(f, s->request->control.segment_bytes, &number, &ignored) != ERR_OK ||
        place_of(s, number)->state != SLOT_FREE) {
        prefetch_drop(s->window, f);
        return;
    }
    *place_of(s, number) = (struct slot){SLOT_READY, *f, number};
    s->state.ready++;
}

void fetch_stock_look(struct fetch_stock *s, struct fetch_stock_state *out)
{
    pthread_mutex_lock(&s->lock);
    *out = s->state;
    s->state.download_us = 0;
    pthread_mutex_unlock(&s->lock);
}

void fetch_stock_wait(struct fetch_stock *s, int64_t us)
{
    struct timespec until;

    (void) clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long) us * 1000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&s->lock);
    if (s->state.download_us == 0)
        (void) pthread_cond_timedwait(&s->changed, &s->lock, &until);
    pthread_mutex_unlock(&s->lock);
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

enum err_code fetch_stock_new(struct cluster *c, const struct fetch_request *q, const struct prefetch *w,
                              size_t limit, size_t threads, struct fetch_stock **out, struct err *e)
{
    struct fetch_stock *s = calloc(1, sizeof(*s));
    pthread_condattr_t monotonic;

    if (s == NULL)
        return err_nomem(e, "a window");
    s->cluster = c;
    s->request = q;
    s->window = w;
    s->limit = limit;
    (void) pthread_mutex_init(&s->lock, NULL);
    (void) pthread_condattr_init(&monotonic);
    (void) pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void) pthread_cond_init(&s->changed, &monotonic);
    (void) pthread_condattr_destroy(&monotonic);
    s->slots = calloc(limit, sizeof(*s->slots));
    if (s->slots == NULL || pool_new(threads, threads, &s->pool, e) != ERR_OK) {
        if (s->slots == NULL)
            err_nomem(e, "a window");
        fetch_stock_freep(&s);
        return e->code;
    }
    prefetch_adopt(w, adopt, s);
    *out = s;
    return ERR_OK;
}

void fetch_stock_drain(struct fetch_stock *s)
{
    struct err ignored = ERR_NONE;

    (void) pool_wait(s->pool, &ignored); /* none fails; one that was dropped would leak */
}

void fetch_stock_freep(struct fetch_stock **stock)
{
    struct fetch_stock *s = *stock;

    *stock = NULL;
    if (s == NULL)
        return;
    if (s->pool != NULL)
        fetch_stock_drain(s);
    pool_free(s->pool);
    (void) pthread_cond_destroy(&s->changed);
    (void) pthread_mutex_destroy(&s->lock);
    free(s->slots);
    free(s);
}
