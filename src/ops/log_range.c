/*
 * ops/log_range.c - see ops/log_range.h.
 *
 * A segment is past a time when its descriptor says that a commit or abort of that time or later lies in its run up to
 * there, or in itself. The first that is past is found by bisection; segments that say nothing (missing, damaged, no
 * transaction in their run) are stepped over to the right.
 * A commit record that crosses into the next segment is in nobody's counts. So the segment of the last commit before
 * the one found is where to begin, if it is full; and reading goes one segment further than the last found.
 */
#include "ops/log_range.h"

/* What is known of the times in a segment and its run. */
struct glimpse {
    bool is_told;
    int64_t max_us;
    struct wal_facts facts;
};

static enum err_code look(const struct log_source *s, uint64_t number, struct glimpse *g, struct err *e)
{
    struct err why = ERR_NONE;

    *g = (struct glimpse){.is_told = false};
    if (log_source_facts(s, number, &g->facts, &why) == ERR_OK) {
        g->is_told = !g->facts.has_records || g->facts.run_has_max;
        g->max_us = g->facts.has_records ? g->facts.run_max_us : INT64_MAX; /* unread, it may hold anything */
        return ERR_OK;
    }
    if (why.code == ERR_ABSENT || why.code == ERR_CORRUPT)
        return ERR_OK;
    *e = why;
    return why.code;
}

/* The first segment from number on, and before limit, that tells of times; limit when none does. */
static enum err_code step_over(const struct log_source *s, uint64_t number, uint64_t limit, uint64_t *found,
                               struct glimpse *g, struct err *e)
{
    while (number < limit) {
        if (look(s, number, g, e) != ERR_OK)
            return e->code;
        if (g->is_told)
            break;
        number++;
        if (g->facts.segment_bytes == 0 && log_source_next(s, number, &number, e) != ERR_OK)
            return e->code;
    }
    *found = number < limit ? number : limit;
    return ERR_OK;
}

/* The first segment that is past the time; last + 1 when none is. */
static enum err_code find_past(const struct log_source *s, int64_t us, uint64_t *out, struct err *e)
{
    uint64_t low = s->first, high = s->last + 1, best = high;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2, found;
        struct glimpse g;

        if (step_over(s, middle, high, &found, &g, e) != ERR_OK)
            return e->code;
        if (found < high && g.max_us < us) {
            low = found + 1;
            continue;
        }
        best = found < high ? found : best;
        high = middle;
    }
    *out = best;
    return ERR_OK;
}

/* ---- the bounds ---- */

/* When the newest transaction ended; *any is false when there is none, or nobody tells. */
static enum err_code newest_time(const struct log_source *s, bool *any, int64_t *us, struct err *e)
{
    struct glimpse g, holder;

    if (look(s, s->last, &g, e) != ERR_OK)
        return e->code;
    *any = g.is_told && g.facts.has_records;
    *us = g.max_us;
    if (!*any || g.facts.run_commit == 0)
        return ERR_OK;
    if (look(s, walseg_number(g.facts.run_commit, s->place.segment_bytes), &holder, e) != ERR_OK)
        return e->code;
    if (holder.is_told && holder.facts.commits + holder.facts.aborts > 0)
        *us = holder.facts.last_us;
    return ERR_OK;
}

static enum err_code settle_default(const struct log_source *s, struct log_range *r, struct err *e)
{
    int64_t us = r->until.time_us;
    bool any = true;

    if (r->until.kind != LOG_TIME && newest_time(s, &any, &us, e) != ERR_OK)
        return e->code;
    if (any)
        r->since = (struct log_bound){.kind = LOG_TIME, .time_us = us - LOG_DEFAULT_US};
    return ERR_OK;
}

/* A commit at or behind the time may cross out of the last segment before `found` that has one. */
static enum err_code look_before(const struct log_source *s, uint64_t found, uint64_t *first, struct err *e)
{
    const uint32_t bytes = s->place.segment_bytes;
    struct glimpse before, holder;
    uint64_t number;

    *first = found;
    if (found == s->first)
        return ERR_OK;
    if (look(s, found - 1, &before, e) != ERR_OK)
        return e->code;
    if (before.facts.run_commit == 0)
        return ERR_OK;
    number = walseg_number(before.facts.run_commit, bytes);
    if (number < s->first || number >= found || look(s, number, &holder, e) != ERR_OK)
        return number < s->first || number >= found ? ERR_OK : e->code;
    if (holder.facts.end_lsn == walseg_start(number + 1, bytes))
        *first = number;
    return ERR_OK;
}

static enum err_code settle_first(const struct log_source *s, struct log_range *r, struct err *e)
{
    uint64_t found;

    r->first = s->first;
    if (r->since.kind == LOG_LSN)
        found = walseg_number(r->since.position, s->place.segment_bytes);
    else if (r->since.kind != LOG_TIME)
        return ERR_OK;
    else if (find_past(s, r->since.time_us, &found, e) != ERR_OK ||
             look_before(s, found, &found, e) != ERR_OK)
        return e->code;
    r->first = found > s->first ? found : s->first;
    return ERR_OK;
}

static enum err_code settle_last(const struct log_source *s, struct log_range *r, struct err *e)
{
    uint64_t found;

    r->last = s->last;
    if (r->until.kind == LOG_LSN)
        found = walseg_number(r->until.position, s->place.segment_bytes);
    else if (r->until.kind != LOG_TIME)
        return ERR_OK;
    else if (find_past(s, r->until.time_us + 1, &found, e) != ERR_OK)
        return e->code;
    r->last = found < s->last ? found + 1 : s->last;
    return ERR_OK;
}

enum err_code log_range_find(const struct log_source *s, const struct log_bound *since,
                             const struct log_bound *until, struct log_range *out, struct err *e)
{
    struct log_range r = {.since = *since, .until = *until, .is_default = since->kind == LOG_OPEN};

    if (r.is_default && settle_default(s, &r, e) != ERR_OK)
        return e->code;
    if (settle_first(s, &r, e) != ERR_OK || settle_last(s, &r, e) != ERR_OK)
        return e->code;
    *out = r;
    return ERR_OK;
}

bool log_range_has(const struct log_range *r, lsn start, int64_t time_us)
{
    if (r->since.kind == LOG_LSN ? start < r->since.position
                                 : r->since.kind == LOG_TIME && time_us < r->since.time_us)
        return false;
    return r->until.kind == LOG_LSN ? start <= r->until.position
                                    : r->until.kind == LOG_OPEN || time_us <= r->until.time_us;
}
