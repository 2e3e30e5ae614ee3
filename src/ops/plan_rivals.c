/*
 * ops/plan_rivals.c - see ops/plan_rivals.h.
 *
 * A parent's own WAL begins where the path left it; any other timeline's where its history says that it began. The
 * first segment of a child holds the parent's records up to there as well, so where a time lies within that segment its
 * records are read, and those behind the beginning decide.
 */
#include "ops/plan_rivals.h"

#include "base/log.h"
#include "repo/wal_edge.h"

#include <stdlib.h>

#define LOOK_BACK 16 /* segments without a transaction at the end of a timeline that are looked behind */

struct rival_look {
    const struct wal_place *place;
    const struct target *target;
    struct plan_rival found;
    uint64_t first; /* stored segments, inclusive */
    uint64_t last;
};

void plan_rivals_clear(struct plan_rivals *r)
{
    free(r->list);
    *r = (struct plan_rivals){.count = 0};
}

/* Where the timeline's own WAL begins; false when it has none beside the path. */
static bool own_begin(const struct wal_timeline *t, const struct timeline_path *path, lsn *begin,
                      bool *is_ancestor)
{
    for (size_t i = 0; i < path->count; i++)
        if (path->entries[i].tli == t->tli) {
            *begin = path->entries[i].end;
            *is_ancestor = true;
            return path->entries[i].end != TIMELINE_NOT_ENDED;
        }
    *begin = t->path.entries[t->path.count - 1].begin;
    *is_ancestor = false;
    return true;
}

static bool is_unplaced(const struct wal_timeline *t, const struct timeline_path *path)
{
    for (size_t i = 0; i < path->count; i++)
        if (path->entries[i].tli == t->tli)
            return false;
    return t->has_segments && !wal_timeline_can_be_followed(t);
}

/* What can't be told of a timeline that is not wanted must not stop a plan; a store that is away must. */
static enum err_code pass_over(const struct err *why, struct err *e)
{
    if (why->code == ERR_ABSENT || why->code == ERR_CORRUPT || why->code == ERR_DENIED) {
        log_debug("%s, ignoring", why->text);
        return ERR_OK;
    }
    *e = *why;
    return why->code;
}

static bool has_times(const struct wal_facts *f)
{
    return f->has_records && f->commits + f->aborts > 0;
}

/* The newest time near the timeline's end; false when no descriptor there has one. */
static enum err_code newest_time(const struct rival_look *k, bool *any, int64_t *us, struct err *e)
{
    uint64_t number = k->last;

    *any = false;
    for (unsigned looked = 0; looked <= LOOK_BACK; looked++, number--) {
        struct wal_facts f;

        if (wal_object_facts(k->place, k->found.tli, number, &f, e) != ERR_OK)
            return e->code;
        if (f.run_has_max) { /* of the segments before as well, however idle the end is */
            *any = true;
            *us = f.run_max_us;
            return ERR_OK;
        }
        if (number == k->first)
            break;
    }
    return ERR_OK;
}

struct first_own {
    lsn begin;
    bool any;
    int64_t us;
};

static enum err_code visit_own(const struct walevent *v, void *arg, struct err *e)
{
    struct first_own *own = arg;

    (void) e;
    if ((v->type == WALEVENT_COMMIT || v->type == WALEVENT_ABORT) && v->start >= own->begin && !own->any) {
        own->any = true;
        own->us = v->time_us;
    }
    return ERR_OK;
}

/* The first time behind the beginning that the first segment tells. Its facts count the parent's records as well. */
static enum err_code first_own_time(const struct rival_look *k, bool *any, int64_t *us, struct err *e)
{
    CLEANUP(walscan_freep) struct walscan *scan = NULL;
    struct first_own own = {.begin = k->found.begin};
    const uint32_t bytes = k->place->segment_bytes;

    if (walscan_new(bytes, walseg_start(k->first, bytes), visit_own, &own, &scan, e) != ERR_OK ||
        wal_object_scan(k->place, k->found.tli, k->first, scan, e) != ERR_OK)
        return e->code;
    *any = own.any;
    *us = own.us;
    return ERR_OK;
}

/* Does the target time lie between the timeline's own transactions? */
static enum err_code holds_time(struct rival_look *k, struct err *e)
{
    const int64_t wanted = k->target->time_us;
    struct wal_facts f;
    bool any;

    if (wal_object_facts(k->place, k->found.tli, k->first, &f, e) != ERR_OK)
        return e->code;
    k->found.first_us = f.min_us;
    if (has_times(&f) && f.min_us > wanted)
        return ERR_OK;
    if (newest_time(k, &any, &k->found.last_us, e) != ERR_OK)
        return e->code;
    if (!any || k->found.last_us < wanted)
        return ERR_OK;
    if (has_times(&f) && k->found.begin > f.first_lsn) {
        if (first_own_time(k, &any, &k->found.first_us, e) != ERR_OK)
            return e->code;
        if (any && k->found.first_us > wanted)
            return ERR_OK;
    }
    k->found.holds_target = true;
    return ERR_OK;
}

static enum err_code holds_target(struct rival_look *k, struct err *e)
{
    const uint32_t bytes = k->place->segment_bytes;

    if (k->target->kind != TARGET_TIME && k->target->kind != TARGET_LSN)
        return ERR_OK;
    if (k->target->kind == TARGET_LSN && k->target->lsn < k->found.begin)
        return ERR_OK;
    if (k->target->kind == TARGET_TIME)
        return holds_time(k, e);
    k->found.holds_target = k->target->lsn < walseg_start(k->last + 1, bytes);
    return ERR_OK;
}

static enum err_code add(struct plan_rivals *r, const struct plan_rival *found, struct err *e)
{
    struct plan_rival *grown = realloc(r->list, (r->count + 1) * sizeof(*grown));

    if (grown == NULL)
        return err_nomem(e, "a list of timelines");
    grown[r->count++] = *found;
    r->list = grown;
    return ERR_OK;
}

enum err_code plan_rivals_read(const struct wal_place *w, const struct wal_timelines *timelines,
                               const struct timeline_path *path, const struct target *t,
                               struct plan_rivals *out, struct err *e)
{
    for (size_t i = 0; i < timelines->count; i++) {
        const struct wal_timeline *timeline = &timelines->list[i];
        struct rival_look k = {.place = w, .target = t, .found = {.tli = timeline->tli}};
        struct err why = ERR_NONE;
        bool any;

        if (is_unplaced(timeline, path)) {
            k.found.is_unplaced = true;
            if (add(out, &k.found, e) != ERR_OK)
                return e->code;
            continue;
        }
        if (!timeline->has_segments || !own_begin(timeline, path, &k.found.begin, &k.found.is_ancestor))
            continue;
        if (wal_edge_both(w, timeline->tli, walseg_number(k.found.begin, w->segment_bytes), &any, &k.first,
                          &k.last, e) != ERR_OK)
            return e->code;
        if (!any)
            continue;
        if (holds_target(&k, &why) != ERR_OK && pass_over(&why, e) != ERR_OK)
            return e->code;
        if ((k.found.is_ancestor || k.found.holds_target) && add(out, &k.found, e) != ERR_OK)
            return e->code;
    }
    return ERR_OK;
}
