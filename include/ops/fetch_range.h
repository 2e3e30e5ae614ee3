/*
 * ops/fetch_range.h - which segments a recovery will ask for next, as far as that is known.
 *
 * With a plan's end: all up to it, each on the timeline that owns it. Without: what one listing shows on the timeline
 * of the segment given last, without a gap; asked anew when recovery has come to its end, or changes timeline.
 */
#pragma once
#include "base/err.h"
#include "ops/fetch_request.h"
#include "repo/cluster.h"

#define FETCH_RANGE_LISTED 900 /* segments of one listing, less than the 1000 names of a page         */
#define FETCH_RANGE_AGAIN  16  /* where the archive ended, it is listed again after so many more       */

struct fetch_range {
    uint32_t tli;         /* timeline listed; 0: none yet */
    uint64_t last;        /* number of the last segment known to be there, or the plan's last */
    uint64_t listed_from; /* the number behind which it was listed                            */
};

/*
 * Make sure of what follows the segment `at` on timeline tli. Asks a repository only when that is not known; the first
 * one that answers decides.
 */
enum err_code fetch_range_settle(struct fetch_range *r, const struct fetch_request *q, struct cluster *c,
                                 uint32_t tli, uint64_t at, struct err *e);
/* The file of a segment number at or before last. */
struct walfile fetch_range_file(const struct fetch_range *r, const struct fetch_request *q, uint64_t number);
/* Has recovery been given the plan's last segment? */
bool fetch_range_is_done(const struct fetch_range *r, const struct fetch_request *q, uint64_t at);
