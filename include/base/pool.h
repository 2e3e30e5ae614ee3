/*
 * base/pool.h - a few worker threads over a bounded queue of jobs.
 *
 * The first job that fails stops the pool: jobs not yet begun are dropped (their `drop` is called instead of
 * their `run`), and every later submit and the wait return that error.
 */
#pragma once
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>

struct pool;

struct pool_job {
    enum err_code (*run)(void *arg, struct err *e); /* on a worker thread; owns arg */
    void (*drop)(void *arg); /* instead of run, when the pool has failed; NULL = nothing to do */
    void *arg;
};

/* threads >= 1; queue_max jobs may wait before submit blocks. */
enum err_code pool_new(size_t threads, size_t queue_max, struct pool **out, struct err *e);

/* Hand over a job; blocks while the queue is full. After a failure: calls job->drop and returns that failure. */
enum err_code pool_submit(struct pool *p, const struct pool_job *job, struct err *e);

/* Wait until every submitted job has ended; the first failure, if any. The pool may be used again after success. */
enum err_code pool_wait(struct pool *p, struct err *e);

/* Has a job failed? For a long job to ask, which may then end with any error: the one that is given is the first. */
bool pool_has_failed(struct pool *p);

/* Drop what waits, join the threads, free. NULL is fine. For CLEANUP(pool_freep). */
void pool_free(struct pool *p);
void pool_freep(struct pool **p);

/* CPUs this process may use (sched_getaffinity), at least 1. */
size_t pool_cpus(void);
