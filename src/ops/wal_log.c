/*
 * ops/wal_log.c - see ops/wal_log.h.
 *
 * A stretch   is read with one scan; a missing or damaged segment ends it, and behind begins another that knows nothing
 *             of what open transactions did before.
 * Time        An entry without a time of its own has that of the one before it. Until the first, that is none: then it
 *             counts as older than any.
 */
#include "ops/wal_log.h"

#include "ops/log_pick.h"

#include <stdio.h>
#include <string.h>

/*
 * Segments read before the range: a transaction that began in them is known from its beginning behind their first
 * checkpoint.
 */
#define LEAD 8 /* and where that is not enough: 8 times as many, and again */

struct wal_log {
    const struct log_options *options;
    const struct log_visitor *visitor;
    struct log_source source;
    struct log_range range;
    struct log_names *names;
    struct log_read read;
    struct waldrops drops;
    struct log_undo undo;
    size_t entry;     /* of the path: the timeline that is read */
    int64_t clock_us; /* the last time met; 0 = none */
    lsn start;        /* of the stretch */
    lsn told_to;      /* entries before were told */
    bool is_picking;  /* not all segments are read */
    uint64_t floor;   /* from this segment up to the stretch nothing was read */
    bool is_chosen;   /* the next stretch begins where it was chosen to, not behind a hole */
    bool go_back;     /* what was met is understood only from further back */
};

static void wal_log_clear(struct wal_log *l)
{
    log_read_break(&l->read);
    log_names_freep(&l->names);
    log_source_clear(&l->source);
}

/* ---- which events are entries ---- */

static bool is_of_xid(const struct walevent *v, uint32_t xid)
{
    if (v->xid == xid)
        return true;
    for (uint32_t i = 0; i < walevent_kept(v->subxact_count); i++)
        if (v->subxacts[i] == xid)
            return true;
    return false;
}

bool wal_log_is_index_only(const struct log_named *named, const struct walevent *v)
{
    if (v->type != WALEVENT_COMMIT || v->relation_count == 0 || v->relation_count > named->relation_count)
        return false;
    for (uint32_t i = 0; i < named->relation_count; i++)
        if (named->relations[i].kind != 'i')
            return false;
    return true;
}

static bool is_wanted(const struct log_options *o, const struct log_entry *entry)
{
    const struct walevent *v = entry->event;

    if (o->xid != 0 && !is_of_xid(v, o->xid))
        return false;
    if (o->drops || o->restore_points)
        return (o->drops && entry->can_undo) || (o->restore_points && v->type == WALEVENT_RESTORE_POINT);
    if (v->type == WALEVENT_CHECKPOINT || v->type == WALEVENT_SWITCH)
        return o->all;
    return v->type != WALEVENT_RELATION_CREATE && v->type != WALEVENT_IN_PLACE && v->type != WALEVENT_RUNNING;
}

static enum err_code meet_timeline(struct wal_log *l, lsn at, struct err *e)
{
    const struct timeline_path *path = &l->source.path;
    const struct log_options *o = l->options;
    bool is_told = !o->drops && !o->restore_points && o->xid == 0;

    while (l->entry + 1 < path->count && at >= path->entries[l->entry + 1].begin) {
        const struct timeline_entry *next = &path->entries[++l->entry];

        if (is_told && log_range_has(&l->range, next->begin, l->clock_us) &&
            l->visitor->timeline(l->visitor->arg, next->tli, next->begin, e) != ERR_OK)
            return e->code;
    }
    return ERR_OK;
}

/* What happened before the stretch: when the last transaction ended. */
static enum err_code look_up_clock(struct wal_log *l, struct err *e)
{
    const uint32_t bytes = l->source.place.segment_bytes;
    const uint64_t before = walseg_number(l->start, bytes) - 1;
    struct wal_facts f;
    struct err why = ERR_NONE;

    if (before < l->source.first ||
        (log_source_facts(&l->source, before, &f, &why) == ERR_OK && f.run_commit == 0))
        return ERR_OK;
    if (why.code == ERR_OK &&
        log_source_facts(&l->source, walseg_number(f.run_commit, bytes), &f, &why) == ERR_OK) {
        l->clock_us = f.commits + f.aborts > 0 ? f.last_us : 0;
        return ERR_OK;
    }
    if (why.code == ERR_ABSENT || why.code == ERR_CORRUPT)
        return ERR_OK;
    *e = why;
    return why.code;
}

/* Would more of the WAL before change what is said of it? */
static bool is_settled(const struct wal_log *l, const struct log_entry *entry)
{
    const struct walevent *v = entry->event;

    if (!entry->can_undo || v->type == WALEVENT_DROP_TABLESPACE)
        return true;
    return v->type == WALEVENT_COMMIT ? waldrops_is_behind_start(&l->drops, v->xid)
                                      : log_undo_is_settled(&l->undo, l->start);
}

static enum err_code tell(struct wal_log *l, struct log_entry *entry, struct err *e)
{
    const uint64_t first = walseg_number(l->start, l->source.place.segment_bytes);

    if (l->is_picking && first > l->floor && !is_settled(l, entry)) {
        l->go_back = true;
        return err_set(e, ERR_REFUSED, "reading began too late");
    }
    l->told_to = entry->event->start + 1;
    return l->visitor->entry(l->visitor->arg, entry, e);
}

static enum err_code meet(const struct walevent *v, void *arg, struct err *e)
{
    struct wal_log *l = arg;
    struct log_entry entry = {.event = v, .has_own_time = v->time_us != 0};

    entry.did = waldrops_meet(&l->drops, v);
    log_undo_meet(&l->undo, v);
    if (meet_timeline(l, v->start, e) != ERR_OK)
        return e->code;
    if (entry.has_own_time)
        l->clock_us = v->time_us;
    entry.timeline = l->source.path.entries[l->entry].tli;
    entry.is_remnant = log_undo_is_remnant(&l->undo, v);
    entry.can_undo = log_undo_at(&l->undo, v, entry.did, &entry.undo);
    if (v->start < l->told_to || !is_wanted(l->options, &entry))
        return ERR_OK;
    if (l->is_picking && l->clock_us == 0 && look_up_clock(l, e) != ERR_OK)
        return e->code;
    entry.time_us = l->clock_us;
    if (!log_range_has(&l->range, v->start, entry.time_us))
        return ERR_OK;
    entry.named = log_names_look_up(l->names, v);
    entry.is_index_only = wal_log_is_index_only(entry.named, v);
    entry.can_undo = entry.can_undo && !entry.is_index_only;
    return is_wanted(l->options, &entry) ? tell(l, &entry, e) : ERR_OK;
}

/* ---- reading ---- */

static void begin_stretch(void *arg, lsn start)
{
    struct wal_log *l = arg;

    waldrops_init(&l->drops, l->source.line.major, start);
    l->undo = (struct log_undo){.redo = {0}};
    l->start = start;
    if (l->is_picking)
        l->clock_us = 0;
    if (!l->is_chosen)
        l->floor = walseg_number(start, l->source.place.segment_bytes);
    l->is_chosen = false;
}

static enum err_code tell_hole(void *arg, const struct log_hole *hole, struct err *e)
{
    struct wal_log *l = arg;

    return l->visitor->hole(l->visitor->arg, hole, e);
}

static enum err_code read_to(struct wal_log *l, uint64_t *number, uint64_t last, struct err *e)
{
    while (*number <= last)
        if (log_read_segment(&l->read, number, e) != ERR_OK ||
            l->visitor->pause(l->visitor->arg, e) != ERR_OK)
            return e->code;
    return ERR_OK;
}

static uint64_t lowest(const struct wal_log *l)
{
    return l->range.first > l->source.first + LEAD ? l->range.first - LEAD : l->source.first;
}

/* Where reading for this segment begins: it goes on from `number`, the one behind the last read, if that is near. */
static uint64_t begin_for(struct wal_log *l, uint64_t pick, uint64_t number)
{
    const uint64_t lead = l->options->drops ? LEAD : 0, low = lowest(l);
    const uint64_t at = pick > low + lead ? pick - lead : low;

    if (at <= number)
        return number;
    log_read_break(&l->read);
    l->floor = number > low ? number : low;
    return at;
}

/* Read a segment picked, and so many before it that what happened in it is known. */
static enum err_code read_pick(struct wal_log *l, uint64_t pick, uint64_t *number, struct err *e)
{
    uint64_t at = begin_for(l, pick, *number), first;

    for (uint64_t lead = LEAD * LEAD;; lead *= LEAD) {
        l->is_chosen = l->read.scan == NULL;
        l->go_back = false;
        if (read_to(l, &at, pick, e) == ERR_OK) {
            *number = at;
            return ERR_OK;
        }
        if (!l->go_back)
            return e->code;
        *e = ERR_NONE;
        log_read_break(&l->read);
        first = walseg_number(l->start, l->source.place.segment_bytes);
        at = first > l->floor + lead ? first - lead : l->floor;
    }
}

static enum err_code read_picked(struct wal_log *l, struct err *e)
{
    CLEANUP(log_picks_clear) struct log_picks picks = {.list = NULL};
    const struct log_wish wish = {l->options->drops, l->options->restore_points};
    uint64_t number = 0;

    if (log_pick_find(&l->source, &l->range, &wish, &picks, e) != ERR_OK)
        return e->code;
    for (size_t i = 0; i < picks.count; i++)
        if (picks.list[i] >= number && read_pick(l, picks.list[i], &number, e) != ERR_OK)
            return e->code;
    return ERR_OK;
}

static enum err_code read_all(struct wal_log *l, struct err *e)
{
    uint64_t number = lowest(l);

    return l->is_picking ? read_picked(l, e) : read_to(l, &number, l->range.last, e);
}

enum err_code ops_wal_log(struct cluster *c, const struct log_options *o, const struct log_visitor *v,
                          struct err *e)
{
    CLEANUP(wal_log_clear) struct wal_log l = {.options = o, .visitor = v};

    l.is_picking = o->drops || o->restore_points;
    l.read = (struct log_read){
        .source = &l.source, .range = &l.range, .calls = {begin_stretch, meet, tell_hole, &l}};
    if (log_source_open(c, o->repo, o->timeline, &l.source, e) != ERR_OK ||
        log_range_find(&l.source, &o->since, &o->until, &l.range, e) != ERR_OK ||
        log_names_new(&l.source, &l.names, e) != ERR_OK ||
        v->begin(v->arg, &l.source, &l.range, e) != ERR_OK || read_all(&l, e) != ERR_OK)
        return e->code;
    return log_read_judge(&l.read, e);
}
