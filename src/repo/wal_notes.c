/*
 * repo/wal_notes.c - see repo/wal_notes.h.
 */
#include "repo/wal_notes.h"

void wal_notes_init(struct wal_notes *n, struct wal_facts *facts)
{
    n->facts = facts;
    waldrops_init(&n->drops, facts->major, facts->first_lsn);
}

static void note_end(struct wal_facts *f, const struct walevent *v)
{
    if (f->commits + f->aborts == 0)
        f->first_us = f->min_us = f->max_us = v->time_us;
    f->commits += v->type == WALEVENT_COMMIT;
    if (v->type == WALEVENT_COMMIT)
        f->commit_lsn = v->start;
    f->aborts += v->type == WALEVENT_ABORT;
    f->prepared_ends += v->is_prepared;
    f->last_us = v->time_us;
    f->min_us = v->time_us < f->min_us ? v->time_us : f->min_us;
    f->max_us = v->time_us > f->max_us ? v->time_us : f->max_us;
}

/* Commits that only rewrite lose nothing, and reading more than this segment does not change that. */
static bool may_lose(const struct walevent *v, enum waldrops_kind kind)
{
    return v->type == WALEVENT_DROP_DATABASE || v->type == WALEVENT_DROP_TABLESPACE ||
           (kind != WALDROPS_NONE && kind != WALDROPS_REWRITE);
}

enum err_code wal_notes_take(const struct walevent *v, void *notes, struct err *e)
{
    struct wal_notes *n = notes;
    struct wal_facts *f = n->facts;
    enum waldrops_kind kind = waldrops_meet(&n->drops, v);

    (void) e;
    f->restore_points += v->type == WALEVENT_RESTORE_POINT;
    if (v->type == WALEVENT_RESTORE_POINT)
        f->point_lsn = v->start;
    if (may_lose(v, kind))
        f->loss_lsn = v->start;
    f->prepares += v->type == WALEVENT_PREPARE;
    f->database_drops += v->type == WALEVENT_DROP_DATABASE || v->type == WALEVENT_DROP_TABLESPACE;
    f->drops += kind == WALDROPS_DROP || kind == WALDROPS_UNCLEAR;
    f->truncates += kind == WALDROPS_TRUNCATE || kind == WALDROPS_TRUNCATE_OR_REWRITE;
    if (v->type == WALEVENT_COMMIT || v->type == WALEVENT_ABORT)
        note_end(f, v);
    return ERR_OK;
}

void wal_notes_conclude(struct wal_facts *f, const struct walscan *scan)
{
    struct walscan_opens opens;

    walscan_opens(scan, &opens);
    f->has_records = f->has_drops = f->has_marks = true;
    f->end_lsn = walscan_end(scan);
    f->last_lsn = walscan_last(scan);
    f->open_lsn = opens.told;
    if (walscan_open(scan) != 0)
        f->commit_lsn = walscan_open(scan);
    if (opens.loss != 0)
        f->loss_lsn = opens.loss;
    if (opens.point != 0)
        f->point_lsn = opens.point;
    walscan_rest(scan, &f->crossing.rest);
    walscan_begun(scan, &f->crossing.begun);
    f->crossing.is_rest = walscan_is_rest(scan);
}
