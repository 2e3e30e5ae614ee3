/*
 * plan_trial.c - see plan_trial.h.
 */
#include "plan_trial.h"

#include "history_wal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static uint64_t below(struct trial *x, uint64_t limit)
{
    x->state++;
    return (history_mix(x->h->seed, x->state, 1, 78) >> 11) % limit;
}

bool trial_asks(const struct trial *x, unsigned dimension)
{
    return (x->dimensions & dimension) != 0;
}

/* ---- targets ---- */

/* Some record of some timeline, which is told. */
static struct history_record any_record(struct trial *x, uint32_t *tli)
{
    const struct history_timeline *t = &x->h->timelines[ *tli = 1 + (uint32_t) below(x, x->h->last_tli)];
    struct history_segment s;

    history_records(x->h, *tli, t->first + below(x, t->last - t->first + 1), &s);
    return s.records[below(x, s.count)];
}

static int64_t any_time(struct trial *x, const struct history_record *r)
{
    static const int64_t offsets[] = {
        0, 0, -1, 1, -30000000, 30000000, INT64_C(-3600000000), INT64_C(5400000000)};

    return r->time_us + offsets[below(x, sizeof(offsets) / sizeof(offsets[0]))];
}

static lsn any_lsn(struct trial *x, const struct history_record *r)
{
    switch (below(x, 6)) {
    case 0:
        return r->end;
    case 1:
        return r->start + 1;
    case 2:
        return r->start - 8;
    case 3:
        return walseg_start(walseg_number(r->start, x->h->segment_bytes) + 1, x->h->segment_bytes) -
               1000 * below(x, 3);
    default:
        return r->start;
    }
}

static void choose_target(struct trial *x)
{
    static const enum target_kind kinds[] = {TARGET_TIME,   TARGET_TIME,     TARGET_TIME, TARGET_TIME,
                                             TARGET_LSN,    TARGET_LSN,      TARGET_XID,  TARGET_NAME,
                                             TARGET_LATEST, TARGET_IMMEDIATE};
    uint32_t tli;
    const struct history_record r = any_record(x, &tli);
    struct target *t = &x->target;

    *t = (struct target){.kind = kinds[below(x, 10)], .xid = r.xid, .name = history_name(r.name)};
    t->time_us = any_time(x, &r);
    t->lsn = any_lsn(x, &r);
    if (below(x, 12) == 0)
        t->name = "nowhere";
    t->exclusive = t->kind != TARGET_NAME && below(x, 5) < 2;
    t->or_latest = t->kind == TARGET_TIME && below(x, 6) == 0 && trial_asks(x, TARGETS_OR_LATEST);
    t->timeline = below(x, 2) == 0 ? TIMELINE_LATEST : TIMELINE_CURRENT;
    if (below(x, 2) == 0) {
        t->timeline = TIMELINE_NUMBER;
        t->timeline_number = below(x, 3) > 0 ? tli : 1 + (uint32_t) below(x, x->h->last_tli + 1);
    }
    if (below(x, 5) > 0 || x->h->backup_count == 0)
        return;
    memcpy(x->id, x->h->backups[below(x, x->h->backup_count)].id, sizeof(x->id));
    t->backup_id = x->id;
}

static void say(struct trial *x, unsigned nth)
{
    static const char *const kinds[] = {"latest", "time", "lsn", "xid", "name", "immediate"};
    const struct target *t = &x->target;

    (void) snprintf(x->what, sizeof(x->what),
                    "PITR_TEST_SEED=%" PRIu64 " PITR_TEST_DIMENSIONS=%u, target %u: %s time %" PRId64
                    " lsn %" PRIX64 " xid %" PRIu32 " name %s%s%s, timeline %d/%" PRIu32 ", backup %s",
                    x->h->seed, x->dimensions, nth, kinds[t->kind], t->time_us, t->lsn, t->xid,
                    t->name != NULL ? t->name : "-", t->exclusive ? ", exclusive" : "",
                    t->or_latest ? ", or latest" : "", (int) t->timeline, t->timeline_number,
                    t->backup_id != NULL ? t->backup_id : "any");
}

void trial_choose(struct trial *x, unsigned nth)
{
    choose_target(x);
    say(x, nth);
}

/* ---- what is right ---- */

static bool is_wanted(const struct trial *x, const struct history_backup *b)
{
    return x->target.backup_id == NULL || strcmp(x->target.backup_id, b->id) == 0;
}

static bool lies_on(const struct trial *x, uint32_t tli, const struct history_backup *b)
{
    return history_is_on_path(x->h, tli, b->tli, b->stop_lsn);
}

bool trial_may_use(const struct trial *x, uint32_t tli, const struct history_backup *b)
{
    return is_wanted(x, b) && lies_on(x, tli, b);
}

static bool has_backup(const struct trial *x, uint32_t tli)
{
    for (size_t i = 0; i < x->h->backup_count; i++)
        if (trial_may_use(x, tli, &x->h->backups[i]))
            return true;
    return false;
}

/* PostgreSQL asks for the history of the timeline it is to follow, and ends without. */
static uint32_t if_known(const struct trial *x, uint32_t tli)
{
    return tli == 1 || (tli <= x->h->last_tli && x->h->timelines[tli].has_history) ? tli : 0;
}

uint32_t trial_timeline(const struct trial *x)
{
    const struct target *t = &x->target;

    if (t->timeline == TIMELINE_NUMBER)
        return if_known(x, t->timeline_number);
    if (t->timeline == TIMELINE_LATEST)
        for (uint32_t tli = x->h->last_tli; tli > 0; tli--)
            if (if_known(x, tli) != 0 && has_backup(x, tli))
                return tli;
    for (size_t i = x->h->backup_count; i > 0; i--)
        if (is_wanted(x, &x->h->backups[i - 1]))
            return if_known(x, x->h->backups[i - 1].tli);
    return 0;
}

/*
 * Is the target one that this backup can be asked for at all? Its stop time is the earliest one, as docs/FORMAT.md
 * says.
 */
static bool is_in_time(const struct target *t, const struct history_backup *b)
{
    if (t->kind == TARGET_LSN)
        return b->stop_lsn <= t->lsn;
    if (t->kind == TARGET_TIME)
        return t->exclusive ? b->stop_us < t->time_us : b->stop_us <= t->time_us;
    return true;
}

bool trial_is_possible(const struct target *t, const struct history_backup *b,
                       const struct history_outcome *o)
{
    if (!o->is_consistent || !is_in_time(t, b))
        return false;
    if (t->kind == TARGET_LATEST)
        return !o->has_gap;
    return o->is_reached || (t->kind == TARGET_TIME && t->or_latest);
}

/*
 * Is it more than possible: would a refusal be wrong? Not where a standby's backup holds what is past the time: whether
 * the primary's clock was set back since, or the standby's is behind, nothing tells.
 */
static bool is_certain(const struct trial *x, const struct history_outcome *o)
{
    if (x->target.kind == TARGET_TIME && o->is_open && !trial_asks(x, TELLS_OPEN_ENDS))
        return false;
    return !o->is_late && !o->is_doubtful &&
           (o->is_reached || x->target.kind == TARGET_LATEST || !o->has_gap);
}

const struct history_backup *trial_best(const struct trial *x, uint32_t tli)
{
    const struct history_backup *best = NULL, *newest = NULL;
    bool is_good = false;

    for (size_t i = 0; tli != 0 && i < x->h->backup_count; i++) {
        const struct history_backup *b = &x->h->backups[i];
        struct history_outcome o;

        if (!trial_may_use(x, tli, b))
            continue;
        o = history_replay(x->h, tli, b, &x->target);
        is_good = trial_is_possible(&x->target, b, &o) && is_certain(x, &o);
        if (is_good && (best == NULL || b->stop_lsn >= best->stop_lsn))
            best = b;
        if (newest == NULL || b->stop_lsn >= newest->stop_lsn)
            newest = b;
    }
    return x->target.kind == TARGET_IMMEDIATE && best != newest ? NULL : best;
}
