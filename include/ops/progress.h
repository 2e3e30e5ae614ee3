/*
 * ops/progress.h - how far long work has come: a bar on a terminal, a plain line now and then elsewhere.
 *
 * Safe from several threads. On a terminal the line is rewritten at most five times a second, elsewhere a line is
 * logged at info level every ten seconds.
 */
#pragma once
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *what; /* "backup", "restore"; borrowed          */
    uint64_t total;   /* bytes, 0 = unknown; may be an estimate */
    uint64_t done;
    int64_t started_us; /* monotonic */
    int64_t shown_us;
    pthread_mutex_t lock;
};

void progress_begin(struct progress *p, const char *what, uint64_t total_bytes);
void progress_add(struct progress *p, uint64_t bytes);
/* Wipe the bar. For CLEANUP(progress_end); may run twice. */
void progress_end(struct progress *p);

/* "1.5 GiB", "312 KiB": for people. out: 16 bytes. */
#define PROGRESS_SIZE_MAX 16
void progress_size(uint64_t bytes, char out[PROGRESS_SIZE_MAX]);
