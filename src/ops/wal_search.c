/*
 * ops/wal_search.c - see ops/wal_search.h.
 *
 * Time      descriptors tell where it is passed, and where the last commit before lies (ops/wal_times.h); the records of those
 *           segments, and of the one behind each, since a record may go on there, decide.
 * LSN       is there a record at or behind it? The last segment's descriptor says so, or the records do.
 * Name, xid all segments are read in order until the next commit behind it is known.
 */
#include "ops/wal_search.h"

#include "base/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct search {
    const struct wal_stretch *w;
    const struct target *t;
    lsn from;
    uint64_t first; /* segment that `from` lies in, or the stretch's first */
    struct plan_moment *m;
    bool done;      /* the target was passed */
    bool is_before; /* looking at what lies before `from`, in the backup itself */
};

static uint32_t timeline_of(const struct wal_stretch *w, uint64_t number)
{
    return timeline_of_segment(w->path, number, w->place->segment_bytes);
}

/* ---- reading segments ---- */

static void keep(struct plan_moment *m, const struct walevent *v)
{
    m->has_kept = true;
    m->kept_lsn = v->start;
    m->kept_end = v->end;
    m->kept_xid = v->xid;
    m->kept_us = v->time_us;
}

static void discard(struct plan_moment *m, const struct walevent *v)
{
    m->has_discarded = true;
    m->discarded_lsn = v->start;
    m->discarded_xid = v->xid;
    m->discarded_us = v->time_us;
}

/* Aborts count as PostgreSQL counts them: one past the time ends recovery; it is neither kept nor discarded. */
static void meet_time(struct search *s, const struct walevent *v)
{
    if (v->type != WALEVENT_COMMIT && v->type != WALEVENT_ABORT)
        return;
    if (!s->m->reached && !wal_times_is_past(s->t, v->time_us)) {
        if (v->time_us > s->m->last_us)
            s->m->last_us = v->time_us;
        if (v->type == WALEVENT_COMMIT)
            keep(s->m, v);
        return;
    }
    s->m->reached = true;
    s->m->last_us = 0; /* there is more behind it */
    if (v->type == WALEVENT_COMMIT) {
        discard(s->m, v);
        s->done = true;
    }
}

/* Inclusive keeps the transaction itself, exclusive the commit before it; an aborted one decides just as well. */
static void meet_xid(struct search *s, const struct walevent *v)
{
    if (v->type != WALEVENT_COMMIT && v->type != WALEVENT_ABORT)
        return;
    if (s->m->reached) {
        if (v->type == WALEVENT_COMMIT) {
            discard(s->m, v);
            s->done = true;
        }
        return;
    }
    s->m->reached = v->xid == s->t->xid;
    if (s->m->reached && s->t->exclusive) {
        discard(s->m, v);
        s->done = true;
    } else if (v->type == WALEVENT_COMMIT || s->m->reached) {
        keep(s->m, v);
    }
}

static void meet_name(struct search *s, const struct walevent *v)
{
    if (v->type == WALEVENT_RESTORE_POINT && !s->m->reached && strcmp(v->name, s->t->name) == 0) {
        s->m->reached = s->m->is_stop_lsn = true;
        s->m->stop_lsn = v->start;
        s->m->stop_end = v->end;
    }
    if (v->type != WALEVENT_COMMIT)
        return;
    if (!s->m->reached) {
        keep(s->m, v);
    } else {
        discard(s->m, v);
        s->done = true;
    }
}

static enum err_code visit(const struct walevent *v, void *arg, struct err *e)
{
    struct search *s = arg;

    (void) e;
    if (s->is_before) {
        if (v->type == WALEVENT_COMMIT && v->start < s->from && wal_times_is_past(s->t, v->time_us))
            s->m->backup_is_late = true;
        return ERR_OK;
    }
    if (s->done || v->start < s->from)
        return ERR_OK;
    if (s->t->kind == TARGET_TIME)
        meet_time(s, v);
    else if (s->t->kind == TARGET_XID)
        meet_xid(s, v);
    else if (s->t->kind == TARGET_NAME)
        meet_name(s, v);
    return ERR_OK;
}

static enum err_code read_segment(const struct search *s, uint64_t number, struct walscan *scan,
                                  struct err *e)
{
    return wal_object_scan(s->w->place, timeline_of(s->w, number), number, scan, e);
}

/* Valid WAL ends before the stretch does: recovery could not go on there, so nothing behind it is promised. */
static enum err_code refuse_end(const struct search *s, uint64_t number, const struct walscan *scan,
                                struct err *e)
{
    char key[STORE_KEY_MAX + 1], name[WALFILE_NAME_MAX], end[LSN_TEXT_MAX];

    wal_object_key(s->w->place, timeline_of(s->w, number), number, key, name);
    lsn_format(walscan_end(scan), end);
    return err_set(e, ERR_CORRUPT, "WAL in segment \"%s\" is not valid behind LSN %s", name, end);
}

/* Has enough been read, segments before `number`? Behind `enough` nothing is looked for that was not found. */
static bool is_settled(const struct search *s, uint64_t number, uint64_t enough, const struct walscan *scan)
{
    if (s->done || (s->t->kind == TARGET_LSN && walscan_last(scan) >= s->t->lsn))
        return true;
    return number > enough && !s->m->reached;
}

/* Read segments in order from first on, until the target was passed. */
static enum err_code read_through(struct search *s, uint64_t first, uint64_t enough, lsn *last_record,
                                  struct err *e)
{
    CLEANUP(walscan_freep) struct walscan *scan = NULL;
    const struct wal_stretch *w = s->w;

    if (walscan_new(w->place->segment_bytes, walseg_start(first, w->place->segment_bytes), visit, s, &scan,
                    e) != ERR_OK)
        return e->code;
    for (uint64_t number = first; number <= w->last && !is_settled(s, number, enough, scan); number++) {
        if (read_segment(s, number, scan, e) != ERR_OK)
            return e->code;
        if (walscan_is_ended(scan) && number < w->last && !is_settled(s, number, enough, scan))
            return refuse_end(s, number, scan, e);
    }
    if (last_record != NULL)
        *last_record = walscan_last(scan);
    return ERR_OK;
}

/* Read from `first` to `last`, or to the end of the stretch, unless the target is passed before. */
static enum err_code read_range(struct search *s, uint64_t first, uint64_t last, struct err *e)
{
    CLEANUP(walscan_freep) struct walscan *scan = NULL;
    const struct wal_stretch *w = s->w;
    uint32_t bytes = w->place->segment_bytes;

    if (walscan_new(bytes, walseg_start(first, bytes), visit, s, &scan, e) != ERR_OK)
        return e->code;
    for (uint64_t number = first; number <= last && number <= w->last && !s->done; number++) {
        if (read_segment(s, number, scan, e) != ERR_OK)
            return e->code;
        if (walscan_is_ended(scan) && number < w->last && !s->done)
            return refuse_end(s, number, scan, e);
    }
    return ERR_OK;
}

/* ---- one search for each kind of target ---- */

/*
 * Nothing to keep behind the backup's end means the backup itself is the answer. Its stop time may be by another clock than
 * the commits are, so the commits in its own WAL are asked whether they are past the time already.
 */
static enum err_code look_into_backup(const struct search *s, struct err *e)
{
    struct search before = *s;

    before.is_before = true;
    before.done = false;
    return read_range(&before, s->w->first, s->first, e);
}

/*
 * The record that passes the time was not in its segment's counts, since it crosses a border, and no commit lies before it
 * among the segments read: an earlier one holds the last to keep.
 */
static enum err_code look_further_back(struct search *s, uint64_t begin, struct err *e)
{
    while (!s->m->has_kept && begin > s->first) {
        struct plan_moment found = {.known = true};
        struct search back = {.w = s->w, .t = s->t, .from = s->from, .first = s->first, .m = &found};
        uint64_t kept;

        if (wal_times_kept(s->w, begin, s->first, &kept, e) != ERR_OK)
            return e->code;
        if (kept == begin)
            return ERR_OK;
        if (read_range(&back, kept, kept + 1, e) != ERR_OK)
            return e->code;
        if (found.has_kept && !found.reached) {
            found.reached = true;
            found.last_us = 0;
            found.has_discarded = s->m->has_discarded;
            found.discarded_lsn = s->m->discarded_lsn;
            found.discarded_xid = s->m->discarded_xid;
            found.discarded_us = s->m->discarded_us;
        }
        if (found.reached)
            *s->m = found;
        begin = kept;
    }
    return ERR_OK;
}

/* What lies around the last commit before the passing segment, and around that one. */
static enum err_code read_around(struct search *s, const struct wal_times *found, struct err *e)
{
    uint64_t begin = found->kept;

    if (found->is_idle_between && found->kept + 2 < found->passing) {
        if (read_range(s, found->kept, found->kept + 1, e) != ERR_OK)
            return e->code;
        begin = found->passing;
    }
    return s->done ? ERR_OK : read_range(s, begin, found->passing + 1, e);
}

/* Should what passes the time in the segment found lie before `from`, the next that does is looked for. */
static enum err_code search_time(struct search *s, struct err *e)
{
    for (uint64_t at = s->first; at <= s->w->last && !s->m->reached;) {
        struct wal_times found;

        if (wal_times_find(s->w, s->t, at, &found, e) != ERR_OK || read_around(s, &found, e) != ERR_OK)
            return e->code;
        if (s->m->reached && look_further_back(s, found.kept, e) != ERR_OK)
            return e->code;
        at = found.passing + 1;
    }
    return s->m->reached && !s->m->has_kept ? look_into_backup(s, e) : ERR_OK;
}

static enum err_code search_lsn(struct search *s, struct err *e)
{
    uint64_t wanted = walseg_number(s->t->lsn, s->w->place->segment_bytes);
    struct wal_facts f;
    lsn last = 0;

    if (wanted > s->w->last)
        return ERR_OK;
    if (wal_times_facts(s->w, s->w->last, &f, e) != ERR_OK)
        return e->code;
    s->m->reached = f.has_records && f.last_lsn >= s->t->lsn;
    if (s->m->reached)
        return ERR_OK;
    if (read_through(s, wanted > s->w->first ? wanted - 1 : wanted, s->w->last, &last, e) != ERR_OK)
        return e->code;
    s->m->reached = last >= s->t->lsn;
    s->m->kept_lsn = last;
    return ERR_OK;
}

static enum err_code search_all(struct search *s, struct err *e)
{
    return read_through(s, s->first, s->w->look_to, NULL, e);
}

static enum err_code search_kind(struct search *s, struct err *e)
{
    switch (s->t->kind) {
    case TARGET_TIME:
        return search_time(s, e);
    case TARGET_LSN:
        return search_lsn(s, e);
    case TARGET_XID:
    case TARGET_NAME:
        return search_all(s, e);
    default:
        return ERR_OK;
    }
}

/* Denied, is it for want of an identity? Descriptors need none, so they are there then. */
static bool is_sealed_to_us(const struct search *s)
{
    struct wal_facts f;
    struct err ignored = ERR_NONE;

    return wal_times_facts(s->w, s->first, &f, &ignored) == ERR_OK;
}

enum err_code wal_search(const struct wal_stretch *w, const struct target *t, lsn from,
                         struct plan_moment *moment, struct err *e)
{
    struct plan_moment found = {.known = true};
    struct search s = {.w = w, .t = t, .from = from, .m = &found};
    struct err why = ERR_NONE;

    s.first = walseg_number(from, w->place->segment_bytes);
    if (s.first < w->first)
        s.first = w->first;
    if (s.first <= w->last && search_kind(&s, &why) != ERR_OK) {
        if (why.code != ERR_DENIED || !is_sealed_to_us(&s)) {
            *e = why;
            return why.code;
        }
        log_debug("%s, planning without a look into the WAL", why.text);
        found = (struct plan_moment){0};
    }
    *moment = found;
    return ERR_OK;
}
