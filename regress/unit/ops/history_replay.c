/*
 * history_replay.c - see history_replay.h.
 */
#include "history_replay.h"

#include "history_wal.h"

#include <string.h>

static bool has_segment(const struct history *h, uint32_t tli, uint64_t number)
{
    return history_is_stored(h, history_owner(h, tli, number), number);
}

void history_cursor_init(struct history_cursor *c, const struct history *h, uint32_t tli, uint64_t number)
{
    *c = (struct history_cursor){.h = h, .tli = tli, .number = number};
    if (has_segment(h, tli, number))
        history_records(h, history_owner(h, tli, number), number, &c->segment);
}

const struct history_record *history_next(struct history_cursor *c)
{
    const struct history_record *r;

    while (c->index == c->segment.count) {
        if (!has_segment(c->h, c->tli, c->number) || !has_segment(c->h, c->tli, c->number + 1))
            return NULL;
        c->number++;
        c->index = 0;
        history_records(c->h, history_owner(c->h, c->tli, c->number), c->number, &c->segment);
    }
    r = &c->segment.records[c->index];
    if (r->end > walseg_start(c->number + 1, c->h->segment_bytes) &&
        !has_segment(c->h, c->tli, c->number + 1))
        return NULL;
    c->index++;
    return r;
}

/* Does anything of the path lie at or behind this segment? */
static bool has_later(const struct history *h, uint32_t tli, uint64_t number)
{
    for (; number <= h->timelines[tli].last; number++)
        if (has_segment(h, tli, number))
            return true;
    return false;
}

static bool is_past(const struct target *t, const struct history_record *r)
{
    return history_ends_transaction(r) && (t->exclusive ? r->time_us >= t->time_us : r->time_us > t->time_us);
}

static bool stops_before(const struct target *t, const struct history_record *r)
{
    switch (t->kind) {
    case TARGET_TIME:
        return is_past(t, r);
    case TARGET_LSN:
        return t->exclusive && r->start >= t->lsn;
    case TARGET_XID:
        return t->exclusive && history_ends_transaction(r) && r->xid == t->xid;
    case TARGET_IMMEDIATE:
        return true; /* asked of records behind the backup's end only */
    default:
        return false;
    }
}

static bool stops_after(const struct target *t, const struct history_record *r)
{
    switch (t->kind) {
    case TARGET_LSN:
        return r->start >= t->lsn;
    case TARGET_XID:
        return history_ends_transaction(r) && r->xid == t->xid;
    case TARGET_NAME:
        return r->kind == HISTORY_POINT && strcmp(history_name(r->name), t->name) == 0;
    default:
        return false;
    }
}

static void keep(struct history_outcome *o, const struct history_record *r)
{
    o->until = r->start + 1;
    o->until_end = r->end;
    if (!history_is_commit(r))
        return;
    o->kept = r->start;
    o->kept_xid = r->xid;
}

static void discard(struct history_outcome *o, const struct history_record *r)
{
    if (o->discarded != 0 || !history_is_commit(r))
        return;
    o->discarded = r->start;
    o->discarded_end = r->end;
    o->discarded_xid = r->xid;
}

/* Does the path hold one that is past the time before this backup's own WAL? */
static bool is_past_before(const struct history *h, uint32_t tli, const struct history_backup *b,
                           const struct target *t)
{
    for (uint64_t number = walseg_number(b->start_lsn, h->segment_bytes); number > 0; number--) {
        struct history_segment segment;

        if (!has_segment(h, tli, number))
            continue;
        history_records(h, history_owner(h, tli, number), number, &segment);
        for (size_t i = 0; i < segment.count; i++)
            if (segment.records[i].start < b->start_lsn && is_past(t, &segment.records[i]))
                return true;
    }
    return false;
}

struct history_outcome history_replay(const struct history *h, uint32_t tli, const struct history_backup *b,
                                      const struct target *t)
{
    const uint64_t first = walseg_number(b->start_lsn, h->segment_bytes);
    struct history_outcome o = {.until = b->stop_lsn, .until_end = b->stop_lsn};
    struct history_cursor c;
    const struct history_record *r;
    uint64_t number = first;

    while (has_segment(h, tli, number))
        number++;
    o.whole_to = walseg_start(number, h->segment_bytes);
    o.has_gap = has_later(h, tli, number);
    o.is_consistent = number > first && b->stop_lsn <= o.whole_to;
    o.is_reached = o.is_consistent && t->kind == TARGET_IMMEDIATE;
    o.is_doubtful = b->from_standby && t->kind == TARGET_TIME && is_past_before(h, tli, b, t);
    history_cursor_init(&c, h, tli, first);
    while ((r = history_next(&c)) != NULL) {
        if (r->start < b->stop_lsn) {
            o.is_late = o.is_late || (r->start >= b->start_lsn && t->kind == TARGET_TIME && is_past(t, r));
            continue;
        }
        o.is_reached = o.is_reached || stops_before(t, r);
        if (o.is_reached)
            discard(&o, r);
        else
            keep(&o, r);
        o.is_reached = o.is_reached || stops_after(t, r);
    }
    o.is_open = c.index < c.segment.count;
    return o;
}
