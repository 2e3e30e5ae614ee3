/*
 * ops/fetch_stock.h - the segments that a helper keeps in its window: those that lie ready, and those on their way.
 *
 * Downloads run on threads of their own, each over a connection that is kept. One thread asks all the rest.
 */
#pragma once
#include "base/err.h"
#include "ops/fetch_range.h"
#include "ops/fetch_request.h"
#include "repo/cluster.h"
#include "repo/prefetch.h"

struct fetch_stock;

/* What has become of it so far. */
struct fetch_stock_state {
    size_t coming, ready;
    uint64_t fetched, unused; /* since the beginning; unused: of those, removed before anyone took them */
    int64_t download_us;      /* how long the last one took that came since the question before; 0 = none */
    struct err failure;       /* of the first that could not be had                                       */
};

/*
 * At most `limit` segments at a time, `threads` of them on their way. Everything is borrowed for its life; q: for all
 * that segments have in common. What whole segments lie in the window are its first; other files there are removed.
 */
enum err_code fetch_stock_new(struct cluster *c, const struct fetch_request *q, const struct prefetch *w,
                              size_t limit, size_t threads, struct fetch_stock **out, struct err *e);
/* Wait for what is on its way. */
void fetch_stock_drain(struct fetch_stock *s);
/* The same, and nothing is left but the files. */
void fetch_stock_freep(struct fetch_stock **s);

/* Is a segment of this number there or coming, or its place still taken by one that is? */
bool fetch_stock_has(struct fetch_stock *s, uint64_t number);
/*
 * Begin to fetch one that it has not. The first good copy, from whichever repository; not tried again. False when there
 * is no memory for it just now.
 */
bool fetch_stock_begin(struct fetch_stock *s, const struct fetch_range *range, uint64_t number);
/* Remove what recovery, which stands at segment `at`, has passed by, and what lies out of its way. */
void fetch_stock_drop(struct fetch_stock *s, const struct fetch_range *range, uint64_t at);

void fetch_stock_look(struct fetch_stock *s, struct fetch_stock_state *out);
/* Until something has come, or so long. */
void fetch_stock_wait(struct fetch_stock *s, int64_t us);
