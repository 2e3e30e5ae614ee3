/*
 * base/thread.h - a thread that takes no signals: they stay with the threads that were there before, whose handlers
 * expect it.
 */
#pragma once
#include <pthread.h>

/* As pthread_create: 0, or an error number. */
int thread_begin(pthread_t *thread, void *(*run)(void *), void *arg);
