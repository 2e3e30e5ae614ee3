/*
 * ops/fetch_window.h - a call of fetch and the window ahead of its recovery: take, note, see that a helper keeps it.
 *
 * None of it fails a call: what is not to be had here is had from a repository.
 */
#pragma once
#include "ops/fetch_request.h"
#include "repo/cluster.h"
#include "repo/prefetch.h"

/* A recovery that was not heard of for so long is taken for over, or for one that needs no window. */
#define FETCH_WINDOW_IDLE_US (INT64_C(60) * 1000000)

struct fetch_window {
    struct prefetch window;
    struct prefetch_note note; /* as it was before this call */
    bool is_used;              /* this call may have to do with a window at all */
    bool is_last;              /* nothing of the plan lies behind this segment  */
    int64_t asked_us;          /* monotonic                                     */
};

/* The window of the recovery in data directory `directory`. False, and all of out none, where there can't be one. */
bool fetch_window_find(const struct cluster *c, const struct fetch_request *q, const struct fetch_options *o,
                       const char *directory, struct prefetch *out);

/* asked_us: when this call began. For CLEANUP(fetch_window_close) from there on. */
void fetch_window_open(struct fetch_window *w, const struct cluster *c, const struct fetch_request *q,
                       const struct fetch_options *o, int64_t asked_us);
void fetch_window_close(struct fetch_window *w);

/* Deliver the segment from the window, waiting where the helper is just getting it. *from: number of the repository. */
bool fetch_window_take(struct fetch_window *w, const struct fetch_request *q, const char *dest, size_t *from);

/*
 * Before the repositories are asked: the helper need not get this one. Where it has begun to meanwhile, it is taken
 * from the window after all, and true.
 */
bool fetch_window_asks(struct fetch_window *w, const struct fetch_request *q, const char *dest, size_t *from);

/* The segment was handed over. True: there should be a helper and is none, start it. */
bool fetch_window_given(struct fetch_window *w, const struct fetch_request *q);

/* Is the directory one in which PostgreSQL recovers from an archive? */
bool fetch_window_has_signal(const char *directory);
