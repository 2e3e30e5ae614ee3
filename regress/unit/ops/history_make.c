/*
 * history_make.c - see history_make.h.
 *
 * Timelines are made in order: each but the first leaves an earlier one behind one of its records, or between two
 * segments. Then segments get lost and backups are taken, wherever there is something to take them of.
 */
#include "history_make.h"

#include "base/timestamp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)

struct making {
    struct history *h;
    unsigned dimensions;
    uint64_t state;
};

static uint64_t below(struct making *m, uint64_t limit)
{
    m->state++;
    return (history_mix(m->h->seed, m->state, 0, 77) >> 11) % limit;
}

static bool has(struct making *m, unsigned dimension, unsigned percent)
{
    return below(m, 100) < percent && (m->dimensions & dimension) != 0;
}

static struct history *history_new(uint64_t seed, uint32_t segment_bytes)
{
    struct history *h = calloc(1, sizeof(*h));

    history_must(h != NULL, "no memory");
    h->seed = seed;
    h->segment_bytes = segment_bytes;
    return h;
}

/* ---- timelines ---- */

static int64_t any_pace(struct making *m)
{
    static const int64_t paces[] = {SECOND, 10 * SECOND, MINUTE, 5 * MINUTE};

    return paces[below(m, 4)] + (int64_t) below(m, SECOND);
}

/* One stretch more; the number of the first segment behind it, and in *at the time when that begins. */
static uint64_t add_stretch(struct making *m, struct history_timeline *t, uint64_t first, int64_t *at)
{
    struct history_stretch *s = &t->stretches[t->stretch_count];
    const uint64_t most = (m->dimensions & HISTORY_LONG) != 0 ? 40 : 6;
    const uint64_t count = 1 + below(m, most);

    if (has(m, HISTORY_IDLE, 30))
        *at += (int64_t) below(m, 6 * (uint64_t) HOUR); /* nothing at all */
    *s = (struct history_stretch){.first = first, .segment_us = any_pace(m), .begin_us = *at};
    s->is_idle = has(m, HISTORY_IDLE, 30);
    s->records = s->is_idle ? (unsigned) below(m, 3) : 1 + (unsigned) below(m, HISTORY_OWN_MAX - 1);
    s->clock_us = t->stretch_count > 0 ? s[-1].clock_us : 0;
    if (has(m, HISTORY_CLOCK_STEPS, 50))
        s->clock_us = (int64_t) below(m, 2 * (uint64_t) HOUR) - HOUR;
    t->stretch_count++;
    *at += (int64_t) count * s->segment_us;
    return first + count;
}

static void fill_timeline(struct making *m, struct history_timeline *t, int64_t at)
{
    const unsigned stretches = 1 + (unsigned) below(m, 6);
    uint64_t next = t->first;

    for (unsigned i = 0; i < stretches; i++)
        next = add_stretch(m, t, next, &at);
    t->last = next - 1;
}

static uint64_t any_segment(struct making *m, const struct history_timeline *t)
{
    return t->first + below(m, t->last - t->first + 1);
}

/* A record that ends in its own segment, written on this very timeline; NULL when there is none. */
static const struct history_record *any_record(struct making *m, uint32_t tli, uint64_t number,
                                               struct history_segment *s)
{
    const struct history_record *found[HISTORY_RECORDS_MAX];
    size_t count = 0;

    history_records(m->h, tli, number, s);
    for (size_t i = 0; i < s->count; i++) {
        const struct history_record *r = &s->records[i];

        if (r->tli == tli && r->kind != HISTORY_FILL && r->kind != HISTORY_SWITCH &&
            r->end < walseg_start(number + 1, m->h->segment_bytes))
            found[count++] = r;
    }
    return count == 0 ? NULL : found[below(m, count)];
}

/* Where a timeline leaves its parent: behind a record, or before a segment. False when neither is to be had there. */
static bool choose_fork(struct making *m, const struct history_timeline *parent, uint32_t tli,
                        uint64_t number, lsn *begin, int64_t *at)
{
    struct history_segment s;
    const struct history_record *r = below(m, 6) > 0 ? any_record(m, tli, number, &s) : NULL;

    if (r != NULL) {
        *begin = r->end;
        *at = r->true_us;
        return true;
    }
    if (number == parent->first || history_crosses(m->h, tli, number - 1))
        return false;
    history_records(m->h, tli, number - 1, &s);
    *begin = walseg_start(number, m->h->segment_bytes);
    *at = s.records[s.count - 1].true_us;
    return true;
}

static void add_timeline(struct making *m)
{
    struct history *h = m->h;
    struct history_timeline *t = &h->timelines[h->last_tli + 1];
    uint32_t parent = 1 + (uint32_t) below(m, h->last_tli);
    int64_t at;

    if (!choose_fork(m, &h->timelines[parent], parent, any_segment(m, &h->timelines[parent]), &t->begin, &at))
        return;
    t->parent = parent;
    t->first = walseg_number(t->begin, h->segment_bytes);
    t->has_history = !has(m, HISTORY_LOST, 15);
    h->last_tli++;
    fill_timeline(m, t, at + SECOND + (int64_t) below(m, 10 * (uint64_t) MINUTE));
}

static void lose_segments(struct making *m, struct history_timeline *t)
{
    while (t->gap_count < HISTORY_GAPS_MAX && has(m, HISTORY_GAPS, 20)) {
        struct history_gap *g = &t->gaps[t->gap_count++];

        g->first = any_segment(m, t);
        g->last = below(m, 4) == 0 ? t->last : g->first + below(m, 2);
        g->was_stored = below(m, 2) == 0 && (m->dimensions & HISTORY_REMOVED) != 0;
    }
    while (t->gap_count < HISTORY_GAPS_MAX && has(m, HISTORY_BATCHES, 30)) {
        struct history_gap *g = &t->gaps[t->gap_count++];

        g->first = any_segment(m, t);
        g->last = g->first + below(m, 2);
        g->was_in_flight = true;
        g->told_to = g->last + below(m, HISTORY_IN_FLIGHT + 1);
    }
    while (t->break_count < HISTORY_GAPS_MAX && has(m, HISTORY_BARE, 30))
        t->breaks[t->break_count++] = any_segment(m, t);
    t->has_partial = has(m, HISTORY_FORKS, 30);
}

/* ---- backups ---- */

/* What the server's clock showed when a record was written. */
static int64_t clock_at(const struct history *h, const struct history_record *r)
{
    const struct history_timeline *t = &h->timelines[r->tli];
    int64_t clock_us = t->stretches[0].clock_us;

    for (size_t i = 1; i < t->stretch_count; i++)
        if (t->stretches[i].first <= walseg_number(r->start, h->segment_bytes))
            clock_us = t->stretches[i].clock_us;
    return r->true_us + clock_us;
}

/* Some record up to so many segments before, on the path of timeline tli, that begins before `before`. */
static lsn choose_start(struct making *m, uint32_t tli, uint64_t number, uint64_t back, lsn before,
                        int64_t *us)
{
    const struct history *h = m->h;
    uint64_t oldest = h->timelines[1].first;
    struct history_segment s;
    uint32_t owner;

    number = number - oldest < back ? oldest : number - back;
    for (owner = tli; h->timelines[owner].first > number;)
        owner = h->timelines[owner].parent;
    history_records(h, owner, number, &s);
    while (s.count > 1 && (s.records[s.count - 1].start >= before || below(m, 3) > 0))
        s.count--;
    *us = clock_at(h, &s.records[s.count - 1]);
    return s.records[s.count - 1].start;
}

static bool is_whole(const struct history *h, const struct history_backup *b)
{
    uint64_t last = walseg_number(b->stop_lsn - 1, h->segment_bytes);

    for (uint64_t number = walseg_number(b->start_lsn, h->segment_bytes); number <= last; number++)
        if (!history_is_stored(h, history_owner(h, b->tli, number), number))
            return false;
    return true;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct history_backup *) a)->id, ((const struct history_backup *) b)->id);
}

/* A backup that ends in this segment. False when the timeline wrote nothing there, or its WAL is not archived. */
static bool add_backup(struct making *m, uint32_t tli, uint64_t number)
{
    struct history *h = m->h;
    struct history_backup *b = &h->backups[h->backup_count];
    struct history_segment s;
    const struct history_record *stop = any_record(m, tli, number, &s);
    const bool from_standby = has(m, HISTORY_STANDBYS, 40);
    const uint64_t own = number - h->timelines[tli].first;
    uint64_t back = below(m, from_standby ? 12 : 3);

    if (stop == NULL)
        return false;
    if (!from_standby && back > own)
        back = own;
    *b = (struct history_backup){.tli = tli, .stop_lsn = stop->end, .from_standby = from_standby};
    b->start_lsn = choose_start(m, tli, number, back, stop->end, &b->start_us);
    b->stop_us = clock_at(h, stop) + (int64_t) below(m, 20 * (uint64_t) SECOND);
    if (!is_whole(h, b) && !has(m, HISTORY_BROKEN, 50))
        return false;
    timestamp_format_compact(b->start_us, b->id);
    (void) snprintf(b->id + 16, sizeof(b->id) - 16, "-%04x", (unsigned) h->backup_count);
    h->backup_count++;
    qsort(h->backups, h->backup_count, sizeof(h->backups[0]), by_id);
    return true;
}

struct history *history_random(uint64_t seed, unsigned dimensions)
{
    struct making m = {.h = history_new(seed, 1u << 20), .dimensions = dimensions};
    struct history *h = m.h;
    unsigned more = has(&m, HISTORY_FORKS, 70) ? 1 + (unsigned) below(&m, HISTORY_TIMELINES_MAX - 1) : 0;
    unsigned backups = below(&m, 20) == 0 ? 0 : 1 + (unsigned) below(&m, 8);

    h->jitter = has(&m, HISTORY_DISORDER, 60) ? 2 + (unsigned) below(&m, 3) : 0;
    h->crossings = has(&m, HISTORY_CROSSINGS, 60) ? 300 : 0;
    h->aborts_cross = has(&m, HISTORY_ABORTS_CROSS, 100);
    h->bare = has(&m, HISTORY_BARE, 25) ? 200 : 0;
    h->in_flight = has(&m, HISTORY_BATCHES, 80) ? HISTORY_IN_FLIGHT : 0;
    h->has_rival = (dimensions & HISTORY_RIVALS) != 0 && history_mix(seed, 0, 0, 79) % 3 == 0;
    h->last_tli = 1;
    h->timelines[1].first = 2 + below(&m, 4000) * below(&m, 2); /* logs end at segment 4096 */
    fill_timeline(&m, &h->timelines[1], HISTORY_NOON);
    while (more-- > 0)
        add_timeline(&m);
    for (uint32_t tli = 1; tli <= h->last_tli; tli++)
        lose_segments(&m, &h->timelines[tli]);
    while (backups-- > 0) {
        uint32_t tli =
            1 + (uint32_t) below(&m, 1 + below(&m, h->last_tli)); /* rather early ones, which more follows */
        uint64_t one = any_segment(&m, &h->timelines[tli]), other = any_segment(&m, &h->timelines[tli]);

        (void) add_backup(&m, tli, one < other ? one : other);
    }
    return h;
}

/* Timeline tli, of this many segments; it leaves the one before near that one's end. */
static void add_even(struct making *m, uint32_t tli, uint64_t segments)
{
    struct history_timeline *t = &m->h->timelines[tli];
    int64_t at = HISTORY_NOON;

    *t = (struct history_timeline){.parent = tli - 1, .first = 16, .has_history = tli > 1};
    m->h->last_tli = tli;
    for (uint64_t fork = t[-1].last; tli > 1; fork--) {
        if (!choose_fork(m, &t[-1], tli - 1, fork, &t->begin, &at))
            continue;
        t->first = walseg_number(t->begin, m->h->segment_bytes);
        break;
    }
    t->last = t->first + segments - 1;
    t->stretches[t->stretch_count++] = (struct history_stretch){.first = t->first,
                                                                .begin_us = at + SECOND,
                                                                .segment_us = 10 * SECOND,
                                                                .records = HISTORY_OWN_MAX - 1};
}

struct history *history_even(uint64_t seed, uint64_t segments, unsigned timelines, unsigned backups)
{
    struct making m = {.h = history_new(seed, 16u << 20)};
    const uint64_t each = segments / timelines;

    m.h->jitter = 3;
    m.h->crossings = 100;
    m.h->aborts_cross = true;
    m.h->in_flight = HISTORY_IN_FLIGHT;
    for (uint32_t tli = 1; tli <= timelines; tli++)
        add_even(&m, tli, each);
    for (unsigned i = 0; i < backups; i++) {
        const uint64_t place = each * timelines * i / backups;
        const struct history_timeline *t = &m.h->timelines[1 + place / each];
        uint64_t number = t->first + place % each;

        while (!add_backup(&m, (uint32_t) (1 + place / each), number))
            number++;
    }
    return m.h;
}
