/*
 * history_model.c - see history_model.h.
 *
 * Records are laid behind each other as a server does it, page headers between; only their places are computed here,
 * their bytes are history_wal.c's. Segment n of a timeline begins with the rest of the record that crosses from n - 1,
 * whose length depends on its kind alone, so no segment depends on more than the one before.
 */
#include "history_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHORT_HEADER 24u
#define LONG_HEADER  40u
#define RECORD_HEAD  24u
#define CROSS_LEFT   32u /* bytes of a crossing record in its first segment */

enum purpose { COUNT_OF, KIND_OF, LENGTH_OF, JITTER_OF, NAME_OF, CROSSES, KIND_OF_CROSSING };

void history_must(bool is_so, const char *what)
{
    if (is_so)
        return;
    (void) fprintf(stderr, "made-up history: %s\n", what);
    abort();
}

uint64_t history_mix(uint64_t seed, uint64_t a, uint64_t b, unsigned purpose)
{
    uint64_t x = seed * UINT64_C(0x9E3779B97F4A7C15) + a;

    for (int round = 0; round < 3; round++) {
        x ^= x >> 30;
        x *= UINT64_C(0xBF58476D1CE4E5B9);
        x ^= x >> 27;
        x *= UINT64_C(0x94D049BB133111EB);
        x ^= x >> 31;
        x += round == 0 ? b : purpose;
    }
    return x;
}

static uint64_t of_segment(const struct history *h, uint32_t tli, uint64_t number, size_t index,
                           enum purpose purpose)
{
    return history_mix(h->seed, number * 64 + tli, index, purpose) >> 11;
}

/* ---- places ---- */

static lsn record_start(const struct history *h, lsn at)
{
    if (at % h->segment_bytes == 0)
        return at + LONG_HEADER;
    return at % HISTORY_PAGE == 0 ? at + SHORT_HEADER : at;
}

static lsn record_end(const struct history *h, lsn at, uint64_t bytes)
{
    while (bytes > 0) {
        uint64_t n;

        at = record_start(h, at);
        n = HISTORY_PAGE - at % HISTORY_PAGE;
        n = n < bytes ? n : bytes;
        at += n;
        bytes -= n;
    }
    return (at + 7) & ~(lsn) 7;
}

/* Bytes of records that fit between two places of a segment. */
static uint64_t room(lsn from, lsn to)
{
    return to - from - (to / HISTORY_PAGE - from / HISTORY_PAGE) * SHORT_HEADER;
}

static uint64_t bytes_of(enum history_kind kind, uint64_t filling)
{
    switch (kind) {
    case HISTORY_COMMIT:
    case HISTORY_ABORT:
        return RECORD_HEAD + 2 + 8;
    case HISTORY_COMMIT_PREPARED:
        return RECORD_HEAD + 2 + 8 + 4 + 4;
    case HISTORY_POINT:
        return RECORD_HEAD + 2 + 8 + 64;
    case HISTORY_SWITCH:
        return RECORD_HEAD;
    default:
        return RECORD_HEAD + filling;
    }
}

/* ---- what goes on ---- */

const struct history_stretch *history_stretch_at(const struct history_timeline *t, uint64_t number)
{
    size_t i = t->stretch_count - 1;

    while (i > 0 && t->stretches[i].first > number)
        i--;
    return &t->stretches[i];
}

static enum history_kind any_kind(uint64_t random, bool is_idle)
{
    unsigned percent = (unsigned) (random % 100);

    if (is_idle)
        return percent < 85 ? HISTORY_NOISE : HISTORY_POINT;
    return percent < 55   ? HISTORY_COMMIT
           : percent < 60 ? HISTORY_COMMIT_PREPARED
           : percent < 75 ? HISTORY_ABORT
           : percent < 80 ? HISTORY_POINT
                          : HISTORY_NOISE;
}

bool history_crosses(const struct history *h, uint32_t tli, uint64_t number)
{
    return of_segment(h, tli, number, 0, CROSSES) % 1000 < h->crossings;
}

static enum history_kind crossing_kind(const struct history *h, uint32_t tli, uint64_t number)
{
    enum history_kind kind = any_kind(of_segment(h, tli, number, 0, KIND_OF_CROSSING),
                                      history_stretch_at(&h->timelines[tli], number)->is_idle);

    if (kind == HISTORY_NOISE || (kind == HISTORY_ABORT && !h->aborts_cross))
        return HISTORY_POINT; /* which is longer than what is left, as all others are */
    return kind;
}

/* Whose copy of the segment before this one the timeline goes on from. */
static uint32_t owner_before(const struct history *h, uint32_t tli, uint64_t number)
{
    while (number > 0 && h->timelines[tli].parent != 0 && h->timelines[tli].first > number - 1)
        tli = h->timelines[tli].parent;
    return tli;
}

/* Where a segment's first record begins: behind what is left of the one that crosses into it. */
static lsn first_start(const struct history *h, uint32_t tli, uint64_t number)
{
    const lsn begin = walseg_start(number, h->segment_bytes);
    uint32_t before = owner_before(h, tli, number);

    if (number == 0 || !history_crosses(h, before, number - 1))
        return begin + LONG_HEADER;
    return record_start(h,
                        record_end(h, begin, bytes_of(crossing_kind(h, before, number - 1), 0) - CROSS_LEFT));
}

/* ---- records ---- */

bool history_is_commit(const struct history_record *r)
{
    return r->kind == HISTORY_COMMIT || r->kind == HISTORY_COMMIT_PREPARED;
}

bool history_ends_transaction(const struct history_record *r)
{
    return history_is_commit(r) || r->kind == HISTORY_ABORT;
}

struct laying {
    const struct history *h;
    uint32_t tli;
    uint64_t number;
    const struct history_stretch *stretch;
    size_t own; /* records this timeline will write here */
    size_t laid;
    struct history_segment *out;
};

static lsn next_start(const struct laying *l)
{
    const struct history_segment *s = l->out;

    return s->count == 0 ? first_start(l->h, l->tli, l->number)
                         : record_start(l->h, s->records[s->count - 1].end);
}

/*
 * A clock reading is the true time of an earlier moment and never of a later one, as with a server: a transaction takes
 * its time before its record is written. Whole seconds make times that are equal.
 */
static void set_times(const struct laying *l, struct history_record *r)
{
    const int64_t step = l->stretch->segment_us / (int64_t) (l->own + 2);
    const uint64_t random = of_segment(l->h, l->tli, l->number, l->laid, JITTER_OF);

    r->true_us = l->stretch->begin_us + (int64_t) (l->number - l->stretch->first) * l->stretch->segment_us +
                 step * (int64_t) (l->laid + 1);
    r->time_us = r->true_us + l->stretch->clock_us;
    if (l->h->jitter > 0 && random % 3 == 0)
        r->time_us -= step * (int64_t) (random / 3 % l->h->jitter);
    if (l->h->jitter > 0 && random % 4 == 1)
        r->time_us -= r->time_us % 1000000;
}

static void lay(struct laying *l, enum history_kind kind, uint64_t bytes)
{
    struct history_record r = {.kind = kind, .start = next_start(l), .tli = l->tli, .bytes = bytes};

    r.end = record_end(l->h, r.start, bytes);
    r.xid = (uint32_t) (l->number * 128 + (l->out->count ^ 1) +
                        3); /* transactions end in another order than they begin */
    r.name = (unsigned) (of_segment(l->h, l->tli, l->number, l->laid, NAME_OF) % HISTORY_NAMES);
    set_times(l, &r);
    l->out->records[l->out->count++] = r;
    l->laid++;
}

static void lay_any(struct laying *l)
{
    const uint64_t random = of_segment(l->h, l->tli, l->number, l->laid, LENGTH_OF);
    enum history_kind kind =
        any_kind(of_segment(l->h, l->tli, l->number, l->laid, KIND_OF), l->stretch->is_idle);

    lay(l, kind, bytes_of(kind, 2 + random % (random % 8 == 0 ? 250 : 40)));
}

static void lay_end(struct laying *l)
{
    const lsn end = walseg_start(l->number + 1, l->h->segment_bytes);
    enum history_kind kind = HISTORY_SWITCH;

    if (history_crosses(l->h, l->tli, l->number)) {
        lay(l, HISTORY_FILL, room(next_start(l), end - CROSS_LEFT));
        kind = crossing_kind(l->h, l->tli, l->number);
    }
    lay(l, kind, bytes_of(kind, 0));
}

void history_records(const struct history *h, uint32_t tli, uint64_t number, struct history_segment *out)
{
    const struct history_timeline *t = &h->timelines[tli];
    struct laying l = {
        .h = h, .tli = tli, .number = number, .stretch = history_stretch_at(t, number), .out = out};

    out->count = 0;
    if (t->parent != 0 && number == t->first && t->begin > walseg_start(number, h->segment_bytes)) {
        history_records(h, t->parent, number, out);
        while (out->count > 0 && out->records[out->count - 1].end > t->begin)
            out->count--;
    }
    l.own = l.stretch->records == 0 ? 0 : of_segment(h, tli, number, 0, COUNT_OF) % (l.stretch->records + 1);
    while (l.laid < l.own)
        lay_any(&l);
    lay_end(&l);
}

uint32_t history_before(const struct history *h, uint32_t tli, uint64_t number, struct history_segment *out)
{
    const uint32_t owner = owner_before(h, tli, number);

    history_records(h, owner, number - 1, out);
    return owner;
}

/* ---- the archive ---- */

bool history_is_stored(const struct history *h, uint32_t tli, uint64_t number)
{
    const struct history_timeline *t = &h->timelines[tli];

    if (tli == 0 || tli > h->last_tli || number < t->first || number > t->last)
        return false;
    for (size_t i = 0; i < t->gap_count; i++)
        if (number >= t->gaps[i].first && number <= t->gaps[i].last)
            return false;
    return true;
}

uint32_t history_owner(const struct history *h, uint32_t tli, uint64_t number)
{
    const struct history_timeline *t = &h->timelines[tli];

    if (tli > 1 && !t->has_history)
        return tli; /* nobody knows of its parents */
    for (; t->parent != 0 && walseg_number(t->begin, h->segment_bytes) > number; t = &h->timelines[tli])
        tli = t->parent;
    return tli;
}

bool history_is_on_path(const struct history *h, uint32_t tli, uint32_t on, lsn at)
{
    lsn end = UINT64_MAX;

    if (tli > 1 && !h->timelines[tli].has_history)
        return tli == on;
    for (; tli != on; tli = h->timelines[tli].parent) {
        if (tli == 0)
            return false;
        end = h->timelines[tli].begin;
    }
    return at >= h->timelines[on].begin && at <= end;
}
