/*
 * base/pool.c - see base/pool.h.
 *
 * One lock, a ring of waiting jobs and one condition per question: "is there a job?" (workers), "is there room?"
 * (submit), "has all ended?" (wait). Once failed or closing, workers go on emptying the ring, but call `drop`:
 * so there is a single place where jobs leave the queue, and nothing is left in it when the threads end.
 *
 * Limits    a job that submits to its own pool can fill the queue and wait for itself; don't.
 */
#include "base/pool.h"

#include "base/thread.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t has_job;
    pthread_cond_t has_room;
    pthread_cond_t all_ended;
    struct pool_job *ring;
    size_t ring_size;
    size_t first;   /* index of the oldest waiting job */
    size_t waiting; /* jobs in the ring                */
    size_t running; /* jobs on a worker                */
    bool closing;
    struct err failure; /* the first; code ERR_OK while there is none */
    pthread_t *threads;
    size_t thread_count;
};

static void drop_job(const struct pool_job *job)
{
    if (job->drop != NULL)
        job->drop(job->arg);
}

static struct pool_job take_job(struct pool *p)
{
    struct pool_job job = p->ring[p->first];

    p->first = (p->first + 1) % p->ring_size;
    p->waiting--;
    p->running++;
    pthread_cond_signal(&p->has_room);
    return job;
}

static void end_job(struct pool *p, enum err_code code, const struct err *e)
{
    if (code != ERR_OK && p->failure.code == ERR_OK) {
        p->failure = *e;
        p->failure.code = code;
    }
    p->running--;
    if (p->running == 0 && p->waiting == 0)
        pthread_cond_broadcast(&p->all_ended);
}

static void *work(void *arg)
{
    struct pool *p = arg;

    pthread_mutex_lock(&p->lock);
    for (;;) {
        struct err e = ERR_NONE;
        enum err_code code = ERR_OK;
        struct pool_job job;
        bool dropped;

        while (p->waiting == 0 && !p->closing)
            pthread_cond_wait(&p->has_job, &p->lock);
        if (p->waiting == 0)
            break;
        job = take_job(p);
        dropped = p->closing || p->failure.code != ERR_OK;
        pthread_mutex_unlock(&p->lock);
        if (dropped)
            drop_job(&job);
        else
            code = job.run(job.arg, &e);
        pthread_mutex_lock(&p->lock);
        end_job(p, code, &e);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static int start_threads(struct pool *p, size_t threads)
{
    int failed = 0;

    while (failed == 0 && p->thread_count < threads) {
        failed = thread_begin(&p->threads[p->thread_count], work, p);
        if (failed == 0)
            p->thread_count++;
    }
    return failed;
}

enum err_code pool_new(size_t threads, size_t queue_max, struct pool **out, struct err *e)
{
    struct pool *p = calloc(1, sizeof(*p));
    int failed;

    assert(threads >= 1);
    if (p == NULL)
        return err_nomem(e, "a thread pool");
    p->ring_size = queue_max > 0 ? queue_max : 1;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->has_job, NULL);
    pthread_cond_init(&p->has_room, NULL);
    pthread_cond_init(&p->all_ended, NULL);
    p->ring = calloc(p->ring_size, sizeof(*p->ring));
    p->threads = calloc(threads, sizeof(*p->threads));
    failed = p->ring == NULL || p->threads == NULL ? ENOMEM : start_threads(p, threads);
    if (failed != 0) {
        pool_free(p);
        return err_sys(e, ERR_IO, failed, "could not start %zu threads", threads);
    }
    *out = p;
    return ERR_OK;
}

enum err_code pool_submit(struct pool *p, const struct pool_job *job, struct err *e)
{
    enum err_code code;

    pthread_mutex_lock(&p->lock);
    while (p->waiting == p->ring_size && p->failure.code == ERR_OK)
        pthread_cond_wait(&p->has_room, &p->lock);
    code = p->failure.code;
    if (code == ERR_OK) {
        p->ring[(p->first + p->waiting) % p->ring_size] = *job;
        p->waiting++;
        pthread_cond_signal(&p->has_job);
    } else {
        *e = p->failure;
    }
    pthread_mutex_unlock(&p->lock);
    if (code != ERR_OK)
        drop_job(job);
    return code;
}

enum err_code pool_wait(struct pool *p, struct err *e)
{
    enum err_code code;

    pthread_mutex_lock(&p->lock);
    while (p->waiting > 0 || p->running > 0)
        pthread_cond_wait(&p->all_ended, &p->lock);
    code = p->failure.code;
    if (code != ERR_OK)
        *e = p->failure;
    pthread_mutex_unlock(&p->lock);
    return code;
}

bool pool_has_failed(struct pool *p)
{
    bool has_failed;

    pthread_mutex_lock(&p->lock);
    has_failed = p->failure.code != ERR_OK;
    pthread_mutex_unlock(&p->lock);
    return has_failed;
}

void pool_free(struct pool *p)
{
    if (p == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    p->closing = true;
    pthread_cond_broadcast(&p->has_job);
    pthread_mutex_unlock(&p->lock);
    for (size_t i = 0; i < p->thread_count; i++)
        (void) pthread_join(p->threads[i], NULL);
    pthread_cond_destroy(&p->all_ended);
    pthread_cond_destroy(&p->has_room);
    pthread_cond_destroy(&p->has_job);
    pthread_mutex_destroy(&p->lock);
    free(p->threads);
    free(p->ring);
    free(p);
}

void pool_freep(struct pool **p)
{
    pool_free(*p);
    *p = NULL;
}

size_t pool_cpus(void)
{
    cpu_set_t set;
    long online;

    if (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) > 0)
        return (size_t) CPU_COUNT(&set);
    /* EINVAL: more CPUs than the fixed set can name. */
    online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (size_t) online : 1;
}
