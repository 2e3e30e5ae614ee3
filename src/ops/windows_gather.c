/*
 * ops/windows_gather.c - see ops/windows_gather.h.
 *
 * From the last segment of a window backwards:
 *   1. a segment whose own counts tell a time behind the window's beginning ends it;
 *   2. one from which a record that may be a commit goes on is read with the next, as is one of whose records nothing
 *   is known; 3. else the run says in which segment the last commit before lies, or where it begins: the segment
 *   before is next.
 */
#include "ops/windows_gather.h"

#include "base/log.h"
#include "ops/list.h"
#include "ops/wal_times.h"
#include "repo/wal_edge.h"

#define LOOK_BACK 16   /* descriptors that are read for one window                    */
#define RUNS_MAX  1000 /* runs of the archiver that are followed in search of damage */

struct look {
    struct wal_stretch stretch; /* from the segment that `begin` lies in */
    lsn begin;                  /* of the window                          */
    struct window *window;
};

static void take(struct window *w, int64_t us)
{
    if (!w->has_last || us > w->last_us)
        w->last_us = us;
    w->has_last = true;
}

/* What can't be looked at must not hide the rest; a store that is away must not pass for that. */
static enum err_code pass_over(const struct err *why, struct window *w, struct err *e)
{
    if (why->code != ERR_ABSENT && why->code != ERR_CORRUPT && why->code != ERR_DENIED &&
        why->code != ERR_REFUSED) {
        *e = *why;
        return why->code;
    }
    if (why->code == ERR_CORRUPT)
        log_warning("%s, ignoring", why->text);
    else
        log_debug("%s, ignoring", why->text);
    w->is_at_least = true;
    return ERR_OK;
}

/* ---- one segment ---- */

/* Does a record that may be a commit go on from this segment into the next one of the stretch? */
static bool goes_on(const struct look *k, const struct wal_facts *f, uint64_t number)
{
    return f->commit_lsn > f->last_lsn && number < k->stretch.last;
}

/* The newest time that the counts of a segment tell; those of the first one count what lies before the window, too. */
static bool counted(const struct look *k, const struct wal_facts *f, int64_t *us)
{
    if (!f->has_records || f->commits + f->aborts == 0)
        return false;
    if (f->first_lsn < k->begin) {
        *us = f->last_us;
        return f->commit_lsn >= k->begin && f->commit_lsn <= f->last_lsn;
    }
    *us = f->run_has_max && f->run_from >= k->begin ? f->run_max_us : f->max_us;
    return true;
}

static enum err_code visit(const struct walevent *v, void *arg, struct err *e)
{
    const struct look *k = arg;

    (void) e;
    if ((v->type == WALEVENT_COMMIT || v->type == WALEVENT_ABORT) && v->start >= k->begin)
        take(k->window, v->time_us);
    return ERR_OK;
}

/* The records of a segment and of the next. */
static enum err_code read_records(struct look *k, uint64_t number, struct err *e)
{
    CLEANUP(walscan_freep) struct walscan *scan = NULL;
    const struct wal_stretch *s = &k->stretch;
    const uint32_t bytes = s->place->segment_bytes;

    if (walscan_new(bytes, walseg_start(number, bytes), visit, k, &scan, e) != ERR_OK)
        return e->code;
    for (uint64_t n = number; n <= number + 1 && n <= s->last; n++)
        if (wal_object_scan(s->place, timeline_of_segment(s->path, n, bytes), n, scan, e) != ERR_OK)
            return e->code;
    return ERR_OK;
}

static enum err_code look_into(struct look *k, const struct wal_facts *f, uint64_t number, struct err *e)
{
    struct err why = ERR_NONE;
    int64_t us;

    if (counted(k, f, &us))
        take(k->window, us);
    if (f->has_records && !goes_on(k, f, number))
        return ERR_OK;
    if (read_records(k, number, &why) != ERR_OK)
        return pass_over(&why, k->window, e);
    return ERR_OK;
}

/* The segment to look at next; not in the stretch and before this one when there is nothing. */
static uint64_t before(const struct look *k, const struct wal_facts *f, uint64_t number)
{
    const uint32_t bytes = k->stretch.place->segment_bytes;

    if (f->commit_lsn != 0)
        return number - 1;
    if (f->run_commit != 0)
        return walseg_number(f->run_commit, bytes);
    return wal_facts_run_first(f) - 1;
}

/* ---- a window's end ---- */

static enum err_code look_back(struct look *k, struct err *e)
{
    const uint64_t first = k->stretch.first;
    uint64_t number = k->stretch.last;

    for (unsigned looked = 0; looked < LOOK_BACK; looked++) {
        struct wal_facts f;
        struct err why = ERR_NONE;
        uint64_t next;

        if (wal_times_facts(&k->stretch, number, &f, &why) != ERR_OK)
            return pass_over(&why, k->window, e);
        if (look_into(k, &f, number, e) != ERR_OK)
            return e->code;
        if (k->window->has_last || number <= first)
            return ERR_OK;
        next = before(k, &f, number);
        if (next < first || next >= number)
            return ERR_OK;
        number = next;
    }
    k->window->is_at_least = true;
    return ERR_OK;
}

/* By another clock, a standby's, the backup may end later than what follows it: no time tells that from its end. */
static enum err_code read_end(const struct wal_place *w, const struct timeline_path *path,
                              struct window *window, struct err *e)
{
    const struct backup_info *b = window->backup;
    struct look k = {.begin = b->stop_lsn, .window = window};

    k.stretch = (struct wal_stretch){.place = w,
                                     .path = path,
                                     .first = walseg_number(b->stop_lsn - 1, w->segment_bytes),
                                     .last = window->last,
                                     .look_to = UINT64_MAX};
    if (look_back(&k, e) != ERR_OK)
        return e->code;
    if (window->has_last && window->last_us <= b->stop_us)
        window->has_last = false;
    return ERR_OK;
}

static enum err_code read_ends(const struct wal_place *w, const struct wal_timelines *timelines,
                               struct windows *found, struct err *e)
{
    for (size_t i = 0; i < found->count; i++)
        for (size_t k = 0; k < found->list[i].count; k++)
            if (!found->list[i].pieces[k].is_hole &&
                read_end(w, &wal_timelines_at(timelines, found->list[i].tli)->path,
                         &found->list[i].pieces[k].window, e) != ERR_OK)
                return e->code;
    return ERR_OK;
}

static enum err_code read_breaks(const struct wal_place *w, const struct wal_runs *runs,
                                 struct wal_breaks *out, struct err *e)
{
    unsigned most = RUNS_MAX;

    for (size_t i = 0; i < runs->count; i++)
        if (wal_breaks_add(w, runs->list[i].tli, runs->list[i].first, runs->list[i].last, &most, out, e) !=
            ERR_OK)
            return e->code;
    return ERR_OK;
}

enum err_code windows_read(const struct wal_place *w, const struct windows_facts *facts, struct windows *out,
                           struct err *e)
{
    CLEANUP(wal_breaks_clear) struct wal_breaks breaks = {.count = 0};
    CLEANUP(windows_clear) struct windows found = {.count = 0};
    CLEANUP(wal_cache_clear) struct wal_cache cache = {.places = NULL};
    const struct wal_place cached = {w->repo, w->layout, w->segment_bytes, &cache};
    struct windows_facts known = *facts;

    known.breaks = &breaks;
    if (read_breaks(&cached, facts->runs, &breaks, e) != ERR_OK ||
        windows_find(&known, &found, e) != ERR_OK ||
        read_ends(&cached, facts->timelines, &found, e) != ERR_OK)
        return e->code;
    found.is_unseen = breaks.is_partial;
    *out = found;
    found = (struct windows){.count = 0};
    return ERR_OK;
}

/* ---- for a plan ---- */

/* How many segments lie from the first to the last of each timeline? */
static enum err_code estimate(const struct wal_place *w, const struct wal_timelines *timelines,
                              uint64_t *segments, struct err *e)
{
    *segments = 0;
    for (size_t i = 0; i < timelines->count; i++) {
        const uint32_t tli = timelines->list[i].tli;
        uint64_t first = 0, last = 0;
        bool any;

        if (!timelines->list[i].has_segments)
            continue;
        if (wal_edge_both(w, tli, 0, &any, &first, &last, e) != ERR_OK)
            return e->code;
        *segments += any ? last - first + 1 : 0;
    }
    return ERR_OK;
}

enum err_code windows_list(const struct wal_place *w, const struct wal_timelines *timelines,
                           const struct backup_list *backups, bool *is_listed, struct windows *out,
                           struct err *e)
{
    CLEANUP(wal_runs_clear) struct wal_runs runs = {.count = 0};
    const struct windows_facts facts = {timelines, backups, &runs, w->segment_bytes, NULL};
    uint64_t segments;

    if (estimate(w, timelines, &segments, e) != ERR_OK)
        return e->code;
    if (segments > WINDOWS_LIST_MAX) {
        *is_listed = false;
        return ERR_OK;
    }
    if (list_runs(w, timelines, &runs, e) != ERR_OK || windows_read(w, &facts, out, e) != ERR_OK)
        return e->code;
    *is_listed = true;
    return ERR_OK;
}
