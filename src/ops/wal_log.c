/*
 * ops/wal_log.c - see ops/wal_log.h.
 *
 * A stretch   is read with one scan; a missing or damaged segment ends it, and behind begins another that knows nothing of
 *             what open transactions did before.
 * Time        An entry without a time of its own has that of the one before it. Until the first, that is none: then it counts as
 *             older than any.
 */
#include "ops/wal_log.h"

#include "base/log.h"
#include "ops/log_undo.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Segments read before the range: a transaction that began in them is known from its beginning behind their first checkpoint. */
#define LEAD 8

struct wal_log {
    const struct log_options *options;
    const struct log_visitor *visitor;
    struct log_source source;
    struct log_range range;
    struct log_names *names;
    struct walscan *scan; /* NULL between stretches */
    struct waldrops drops;
    struct log_undo undo;
    size_t entry;     /* of the path: the timeline that is read */
    int64_t clock_us; /* the last time met; 0 = none */
    uint64_t missing; /* segments, in the range */
    uint64_t damaged;
    char first_missing[WALFILE_NAME_MAX];
    char first_damaged[WALFILE_NAME_MAX];
};

static void wal_log_clear(struct wal_log *l)
{
    walscan_freep(&l->scan);
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

static bool is_wanted(const struct log_options *o, const struct log_entry *entry)
{
    const struct walevent *v = entry->event;

    if (o->xid != 0 && !is_of_xid(v, o->xid))
        return false;
    if (o->drops || o->restore_points)
        return (o->drops && entry->can_undo) || (o->restore_points && v->type == WALEVENT_RESTORE_POINT);
    if (v->type == WALEVENT_CHECKPOINT || v->type == WALEVENT_SWITCH)
        return o->all;
    return v->type != WALEVENT_RELATION_CREATE && v->type != WALEVENT_IN_PLACE;
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
    entry.time_us = l->clock_us;
    entry.timeline = l->source.path.entries[l->entry].tli;
    entry.is_remnant = log_undo_is_remnant(&l->undo, v);
    entry.can_undo = log_undo_at(&l->undo, v, entry.did, &entry.undo);
    if (!log_range_has(&l->range, v->start, entry.time_us) || !is_wanted(l->options, &entry))
        return ERR_OK;
    entry.named = log_names_look_up(l->names, v);
    return l->visitor->entry(l->visitor->arg, &entry, e);
}

/* ---- what can't be read ---- */

static void name_of(const struct wal_log *l, uint64_t number, char name[WALFILE_NAME_MAX])
{
    walseg_name(log_source_timeline(&l->source, number), number, l->source.place.segment_bytes, name);
}

/* A hole that lies wholly before the range only makes the reading begin anew. */
static enum err_code tell_hole(struct wal_log *l, uint64_t first, uint64_t last, const char *damage,
                               struct err *e)
{
    struct log_hole hole = {.damage = damage};
    uint64_t *count = damage == NULL ? &l->missing : &l->damaged;

    walscan_freep(&l->scan);
    if (last < l->range.first)
        return ERR_OK;
    first = first > l->range.first ? first : l->range.first;
    hole.segments = last - first + 1;
    name_of(l, first, hole.first);
    name_of(l, last, hole.last);
    if (*count == 0)
        memcpy(damage == NULL ? l->first_missing : l->first_damaged, hole.first, sizeof(hole.first));
    *count += hole.segments;
    return l->visitor->hole(l->visitor->arg, &hole, e);
}

static enum err_code pass_gap(struct wal_log *l, uint64_t *number, struct err *e)
{
    uint64_t next, first = *number;

    if (log_source_next(&l->source, first, &next, e) != ERR_OK)
        return e->code;
    next = next <= l->range.last ? next : l->range.last + 1;
    if (next == first)
        return ERR_OK; /* it came while we looked: read it */
    *number = next;
    return tell_hole(l, first, next - 1, NULL, e);
}

static enum err_code pass_damage(struct wal_log *l, uint64_t *number, const char *damage, struct err *e)
{
    uint64_t damaged = (*number)++;

    return tell_hole(l, damaged, damaged, damage, e);
}

static enum err_code pass_end(struct wal_log *l, uint64_t *number, struct err *e)
{
    char damage[64], end[LSN_TEXT_MAX];

    lsn_format(walscan_end(l->scan), end);
    (void) snprintf(damage, sizeof(damage), "WAL is not valid behind LSN %s", end);
    return pass_damage(l, number, damage, e);
}

/* ---- reading ---- */

static enum err_code begin_stretch(struct wal_log *l, uint64_t number, struct err *e)
{
    const uint32_t bytes = l->source.place.segment_bytes;
    const lsn start = walseg_start(number, bytes);

    waldrops_init(&l->drops, l->source.line.major, start);
    l->undo = (struct log_undo){.redo = {0}};
    return walscan_new(bytes, start, meet, l, &l->scan, e);
}

static enum err_code deny(const struct wal_log *l, uint64_t number, struct err *e)
{
    struct wal_facts f;
    struct err ignored = ERR_NONE;

    if (e->code == ERR_DENIED && log_source_facts(&l->source, number, &f, &ignored) == ERR_OK)
        (void) err_hint(e, "%s",
                        "Reading WAL takes the secret key: set identity-file, or run this where the key is.");
    return e->code;
}

/* Read one segment, and step to the next that is to be read. */
static enum err_code read_segment(struct wal_log *l, uint64_t *number, struct err *e)
{
    struct err why = ERR_NONE;

    if (l->scan == NULL && begin_stretch(l, *number, e) != ERR_OK)
        return e->code;
    if (wal_object_scan(&l->source.place, log_source_timeline(&l->source, *number), *number, l->scan, &why) !=
        ERR_OK) {
        if (why.code == ERR_ABSENT)
            return pass_gap(l, number, e);
        if (why.code == ERR_CORRUPT)
            return pass_damage(l, number, why.text, e);
        *e = why;
        return deny(l, *number, e);
    }
    if (walscan_is_ended(l->scan) && *number < l->source.last)
        return pass_end(l, number, e);
    (*number)++;
    return ERR_OK;
}

static enum err_code read_all(struct wal_log *l, struct err *e)
{
    uint64_t number = l->range.first > l->source.first + LEAD ? l->range.first - LEAD : l->source.first;

    while (number <= l->range.last)
        if (read_segment(l, &number, e) != ERR_OK || l->visitor->pause(l->visitor->arg, e) != ERR_OK)
            return e->code;
    return ERR_OK;
}

/* An answer with holes is not the whole answer. */
static enum err_code judge(const struct wal_log *l, struct err *e)
{
    if (l->damaged > 0)
        return err_set(e, ERR_CORRUPT, "%" PRIu64 " damaged segment%s could not be read, the first is \"%s\"",
                       l->damaged, l->damaged == 1 ? "" : "s", l->first_damaged);
    if (l->missing > 0)
        return err_set(e, ERR_REFUSED, "%" PRIu64 " segment%s %s missing, the first is \"%s\"", l->missing,
                       l->missing == 1 ? "" : "s", l->missing == 1 ? "is" : "are", l->first_missing);
    return ERR_OK;
}

enum err_code ops_wal_log(struct cluster *c, const struct log_options *o, const struct log_visitor *v,
                          struct err *e)
{
    CLEANUP(wal_log_clear) struct wal_log l = {.options = o, .visitor = v};

    if (log_source_open(c, o->repo, o->timeline, &l.source, e) != ERR_OK ||
        log_range_find(&l.source, &o->since, &o->until, &l.range, e) != ERR_OK ||
        log_names_new(&l.source, &l.names, e) != ERR_OK ||
        v->begin(v->arg, &l.source, &l.range, e) != ERR_OK || read_all(&l, e) != ERR_OK)
        return e->code;
    return judge(&l, e);
}
