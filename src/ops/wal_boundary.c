/*
 * ops/wal_boundary.c - see ops/wal_boundary.h.
 */
#include "ops/wal_boundary.h"

#include "ops/wal_times.h"

#include <string.h>

void wal_boundary_begin(struct wal_boundary *b, lsn start)
{
    waldrops_init(&b->drops, b->major, start);
    b->dropped_database = 0;
}

static struct plan_commit commit_of(const struct wal_boundary *b, const struct walevent *v,
                                    enum waldrops_kind drops)
{
    return (struct plan_commit){.start = v->start,
                                .end = v->end,
                                .xid = v->xid,
                                .us = v->time_us,
                                .database = v->database,
                                .drops = drops,
                                .relation_count = v->relation_count,
                                .dropped_database = b->dropped_database};
}

static void keep(struct wal_boundary *b, const struct plan_commit *c)
{
    b->moment->has_kept = true;
    b->moment->kept = *c;
}

static void discard(struct wal_boundary *b, const struct plan_commit *c)
{
    b->moment->has_discarded = true;
    b->moment->discarded = *c;
    b->done = true;
}

/* Aborts count as PostgreSQL counts them: one past the time ends recovery; it is neither kept nor discarded. */
static void meet_time(struct wal_boundary *b, const struct walevent *v, const struct plan_commit *c)
{
    if (!b->moment->reached && !wal_times_is_past(b->target, v->time_us)) {
        if (v->time_us > b->moment->last_us)
            b->moment->last_us = v->time_us;
        if (v->type == WALEVENT_COMMIT)
            keep(b, c);
        return;
    }
    b->moment->reached = true;
    b->moment->last_us = 0; /* there is more behind it */
    if (v->type == WALEVENT_COMMIT)
        discard(b, c);
}

/* Inclusive keeps the transaction itself, exclusive the commit before it; an aborted one decides just as well. */
static void meet_xid(struct wal_boundary *b, const struct walevent *v, const struct plan_commit *c)
{
    const bool was_reached = b->moment->reached;

    b->moment->reached = was_reached || v->xid == b->target->xid;
    if (was_reached ? v->type == WALEVENT_COMMIT : b->moment->reached && b->target->exclusive)
        discard(b, c);
    else if (!was_reached && (v->type == WALEVENT_COMMIT || b->moment->reached))
        keep(b, c);
}

static void meet_name(struct wal_boundary *b, const struct walevent *v, const struct plan_commit *c)
{
    if (v->type != WALEVENT_COMMIT)
        return;
    if (b->moment->reached)
        discard(b, c);
    else
        keep(b, c);
}

/* Inclusive, the first record at or behind the LSN is replayed too. */
static void meet_lsn(struct wal_boundary *b, const struct walevent *v, const struct plan_commit *c)
{
    const lsn wanted = b->target->lsn;

    if (v->type != WALEVENT_COMMIT)
        return;
    if (v->start < wanted || (!b->target->exclusive && v->prev < wanted))
        keep(b, c);
    else
        discard(b, c);
}

static void meet_end(struct wal_boundary *b, const struct walevent *v, const struct plan_commit *c)
{
    switch (b->target->kind) {
    case TARGET_TIME:
        meet_time(b, v, c);
        return;
    case TARGET_XID:
        meet_xid(b, v, c);
        return;
    case TARGET_NAME:
        meet_name(b, v, c);
        return;
    case TARGET_LSN:
        meet_lsn(b, v, c);
        return;
    default:
        if (v->type == WALEVENT_COMMIT)
            keep(b, c);
    }
}

static void meet_point(struct wal_boundary *b, const struct walevent *v)
{
    if (b->target->kind != TARGET_NAME || b->moment->reached || strcmp(v->name, b->target->name) != 0)
        return;
    b->moment->reached = b->moment->is_stop_lsn = true;
    b->moment->stop_lsn = v->start;
    b->moment->stop_end = v->end;
}

/* Prepared and not ended, as far as recovery will go. */
static void note_prepared(struct wal_boundary *b, const struct walevent *v)
{
    unsigned *count = &b->moment->prepared;

    if (v->type == WALEVENT_PREPARE && *count < PREPARED_MAX)
        b->prepared[(*count)++] = v->xid;
    for (unsigned i = 0; v->is_prepared && i < *count; i++)
        if (b->prepared[i] == v->xid)
            b->prepared[i] = b->prepared[--*count];
}

/* Is this event, by what was decided of it, replayed? What is undecided behind the target is not. */
static bool is_replayed(const struct wal_boundary *b, const struct walevent *v)
{
    if (b->moment->is_stop_lsn)
        return v->start <= b->moment->stop_lsn;
    return b->moment->has_kept && b->moment->kept.start == v->start ? true : !b->moment->reached && !b->done;
}

enum err_code wal_boundary_visit(const struct walevent *v, void *arg, struct err *e)
{
    struct wal_boundary *b = arg;
    enum waldrops_kind drops = waldrops_meet(&b->drops, v);

    (void) e;
    if (b->is_before) {
        if (v->type == WALEVENT_COMMIT && v->start >= b->since && v->start < b->from &&
            wal_times_is_past(b->target, v->time_us))
            b->moment->backup_is_late = true;
        return ERR_OK;
    }
    if (v->type == WALEVENT_DROP_DATABASE)
        b->dropped_database = v->database;
    if (!b->done && v->start >= b->from) {
        const struct plan_commit c = commit_of(b, v, drops);

        if (v->type == WALEVENT_COMMIT || v->type == WALEVENT_ABORT)
            meet_end(b, v, &c);
        else if (v->type == WALEVENT_RESTORE_POINT)
            meet_point(b, v);
        if (is_replayed(b, v))
            note_prepared(b, v);
    }
    if (v->type == WALEVENT_COMMIT || v->type == WALEVENT_ABORT)
        b->dropped_database = 0;
    return ERR_OK;
}
