/*
 * test_pool.c - worker threads: every job runs or is dropped, exactly once; the first failure is the pool's. Built with
 * -Db_sanitize=thread it also proves the locking.
 */
#include "base/pool.h"

#include "check_main.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

static atomic_int runs, drops, now_running, most_running;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void reset(void)
{
    runs = drops = now_running = most_running = 0;
}

static enum err_code run_counted(void *arg, struct err *e)
{
    int running = atomic_fetch_add(&now_running, 1) + 1;
    int most = most_running;

    (void) arg;
    (void) e;
    while (running > most && !atomic_compare_exchange_weak(&most_running, &most, running))
        continue;
    atomic_fetch_add(&runs, 1);
    atomic_fetch_sub(&now_running, 1);
    return ERR_OK;
}

static enum err_code run_behind_gate(void *arg, struct err *e)
{
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    return run_counted(arg, e);
}

static enum err_code run_failing(void *arg, struct err *e)
{
    atomic_fetch_add(&runs, 1);
    err_set(e, ERR_CONFLICT, "job %s failed", (const char *) arg);
    return err_hint(e, "Try harder.");
}

static struct pool *asked;

static enum err_code run_until_another_fails(void *arg, struct err *e)
{
    (void) arg;
    while (!pool_has_failed(asked))
        (void) sched_yield();
    return err_set(e, ERR_IO, "another has failed");
}

static void drop_counted(void *arg)
{
    (void) arg;
    atomic_fetch_add(&drops, 1);
}

static const struct pool_job counted = {.run = run_counted, .drop = drop_counted};
static const struct pool_job gated = {.run = run_behind_gate, .drop = drop_counted};

START_TEST(every_job_runs_once_and_the_pool_can_be_used_again)
{
    static const struct {
        size_t threads, queue_max;
    } cases[] = {{1, 0}, {1, 1}, {4, 1}, {4, 100}, {16, 3}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(pool_freep) struct pool *pool = NULL;
        struct err e = ERR_NONE;

        reset();
        ck_assert_int_eq(pool_new(cases[i].threads, cases[i].queue_max, &pool, &e), ERR_OK);
        ck_assert_int_eq(pool_wait(pool, &e), ERR_OK);
        for (int round = 1; round <= 3; round++) {
            for (int k = 0; k < 200; k++)
                ck_assert_int_eq(pool_submit(pool, &counted, &e), ERR_OK);
            ck_assert_int_eq(pool_wait(pool, &e), ERR_OK);
            ck_assert_int_eq(runs, 200 * round);
        }
        ck_assert_int_eq(drops, 0);
        ck_assert_int_le(most_running, (int) cases[i].threads);
        ck_assert_int_eq(e.code, ERR_OK);
    }
}
END_TEST

START_TEST(the_first_failure_stops_the_pool_and_the_rest_is_dropped)
{
    CLEANUP(pool_freep) struct pool *pool = NULL;
    static char first[] = "one", second[] = "two";
    const struct pool_job failing[] = {{.run = run_failing, .drop = drop_counted, .arg = first},
                                       {.run = run_failing, .drop = drop_counted, .arg = second}};
    struct err e = ERR_NONE;

    reset();
    ck_assert_int_eq(pool_new(1, 20, &pool, &e), ERR_OK);
    pthread_mutex_lock(&gate);
    ck_assert_int_eq(pool_submit(pool, &gated, &e), ERR_OK);
    ck_assert_int_eq(pool_submit(pool, &failing[0], &e), ERR_OK);
    ck_assert_int_eq(pool_submit(pool, &failing[1], &e), ERR_OK);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(pool_submit(pool, &counted, &e), ERR_OK);
    pthread_mutex_unlock(&gate);
    ck_assert_int_eq(pool_wait(pool, &e), ERR_CONFLICT);
    ck_assert_str_eq(e.text, "job one failed");
    ck_assert_str_eq(e.hint, "Try harder.");
    ck_assert_int_eq(runs, 2);
    ck_assert_int_eq(drops, 11);
    e = ERR_NONE;
    ck_assert_int_eq(pool_submit(pool, &counted, &e), ERR_CONFLICT);
    ck_assert_str_eq(e.text, "job one failed");
    ck_assert_int_eq(drops, 12);
    ck_assert_int_eq(pool_wait(pool, &e), ERR_CONFLICT);
}
END_TEST

static atomic_bool second_runs;

static enum err_code run_until_second_runs(void *arg, struct err *e)
{
    (void) arg;
    while (!second_runs)
        sched_yield();
    return err_set(e, ERR_CONFLICT, "first");
}

static enum err_code run_second(void *arg, struct err *e)
{
    (void) arg;
    second_runs = true;
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    return err_set(e, ERR_CORRUPT, "second");
}

START_TEST(of_two_failures_the_first_is_told)
{
    CLEANUP(pool_freep) struct pool *pool = NULL;
    struct err e = ERR_NONE;

    second_runs = false;
    ck_assert_int_eq(pool_new(2, 2, &pool, &e), ERR_OK);
    pthread_mutex_lock(&gate);
    ck_assert_int_eq(pool_submit(pool, &(struct pool_job){.run = run_until_second_runs}, &e), ERR_OK);
    ck_assert_int_eq(pool_submit(pool, &(struct pool_job){.run = run_second}, &e), ERR_OK);
    /* The second is held until the first has become the pool's failure. */
    while (pool_submit(pool, &counted, &e) == ERR_OK)
        sched_yield();
    pthread_mutex_unlock(&gate);
    ck_assert_int_eq(pool_wait(pool, &e), ERR_CONFLICT);
    ck_assert_str_eq(e.text, "first");
}
END_TEST

START_TEST(a_job_that_ends_because_another_failed_does_not_hide_its_error)
{
    static const struct pool_job waiting = {.run = run_until_another_fails};
    const struct pool_job failing = {.run = run_failing, .arg = (void *) "A"};
    struct err e = ERR_NONE;

    ck_assert_int_eq(pool_new(3, 1, &asked, &e), ERR_OK);
    ck_assert(!pool_has_failed(asked));
    ck_assert_int_eq(pool_submit(asked, &waiting, &e), ERR_OK);
    ck_assert_int_eq(pool_submit(asked, &waiting, &e), ERR_OK);
    (void) pool_submit(asked, &failing, &e);
    ck_assert_int_eq(pool_wait(asked, &e), ERR_CONFLICT);
    ck_assert_str_eq(e.text, "job A failed");
    ck_assert(pool_has_failed(asked));
    pool_freep(&asked);
}
END_TEST

START_TEST(a_failure_wakes_a_submit_that_waits_for_room)
{
    static char name[] = "x";
    const struct pool_job failing = {.run = run_failing, .drop = drop_counted, .arg = name};

    for (int i = 0; i < 200; i++) {
        CLEANUP(pool_freep) struct pool *pool = NULL;
        struct err e = ERR_NONE;
        int submitted = 0;

        reset();
        ck_assert_int_eq(pool_new(2, 1, &pool, &e), ERR_OK);
        while (pool_submit(pool, submitted == 3 ? &failing : &counted, &e) == ERR_OK)
            submitted++;
        ck_assert_int_eq(pool_wait(pool, &e), ERR_CONFLICT);
        ck_assert_int_eq(runs + drops, submitted + 1);
    }
}
END_TEST

START_TEST(freeing_drops_what_waits_and_joins_what_runs)
{
    struct pool *pool = NULL;
    const struct pool_job silent = {.run = run_counted};
    struct err e = ERR_NONE;

    reset();
    ck_assert_int_eq(pool_new(1, 20, &pool, &e), ERR_OK);
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(pool_submit(pool, i == 5 ? &silent : &counted, &e), ERR_OK);
    pool_freep(&pool);
    ck_assert_ptr_null(pool);
    ck_assert_int_ge(runs + drops, 9);
    pool_freep(&pool);
    pool_free(NULL);
}
END_TEST

static enum err_code run_looking_at_signals(void *arg, struct err *e)
{
    sigset_t mask;

    (void) e;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    *(int *) arg = sigismember(&mask, SIGTERM);
    return ERR_OK;
}

START_TEST(signals_stay_with_the_threads_that_were_there_before)
{
    CLEANUP(pool_freep) struct pool *pool = NULL;
    struct err e = ERR_NONE;
    int blocked = -1;
    sigset_t mask;

    ck_assert_int_eq(pool_new(1, 1, &pool, &e), ERR_OK);
    ck_assert_int_eq(
        pool_submit(pool, &(struct pool_job){.run = run_looking_at_signals, .arg = &blocked}, &e), ERR_OK);
    ck_assert_int_eq(pool_wait(pool, &e), ERR_OK);
    ck_assert_int_eq(blocked, 1);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    ck_assert_int_eq(sigismember(&mask, SIGTERM), 0);
}
END_TEST

START_TEST(there_is_at_least_one_cpu)
{
    ck_assert_uint_ge(pool_cpus(), 1);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {every_job_runs_once_and_the_pool_can_be_used_again,
                                  the_first_failure_stops_the_pool_and_the_rest_is_dropped,
                                  of_two_failures_the_first_is_told,
                                  a_job_that_ends_because_another_failed_does_not_hide_its_error,
                                  a_failure_wakes_a_submit_that_waits_for_room,
                                  freeing_drops_what_waits_and_joins_what_runs,
                                  signals_stay_with_the_threads_that_were_there_before,
                                  there_is_at_least_one_cpu};

    return check_main(suite_of("base/pool", tests, sizeof(tests) / sizeof(tests[0])));
}
