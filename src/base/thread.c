/*
 * base/thread.c - see base/thread.h.
 */
#include "base/thread.h"

#include <signal.h>

/* A new thread has the mask of the one that made it. */
int thread_begin(pthread_t *thread, void *(*run)(void *), void *arg)
{
    sigset_t all, before;
    int failed;

    sigfillset(&all);
    (void) pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(thread, NULL, run, arg);
    (void) pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}
