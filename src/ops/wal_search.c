/*
 * ops/wal_search.c - see ops/wal_search.h.
 *
 * Time      1. by descriptors, a binary search: a segment whose newest commit or abort lies past the target (segments
 *              without any are bridged to the right);
 *           2. by descriptors, back from there: the nearest segment that has a commit, and LOOK_BACK more, since times do
 *              not strictly ascend: where one of them passes the target too, the walk begins anew from it;
 *           3. from the segment with the commit on every segment is read, and the records decide. What lies between the two
 *              is read as well, though its descriptors count no transaction: a record that crosses into the next
 *              segment is in nobody's count. A restore reads those segments too, so this at most doubles the traffic.
 * LSN       is there a record at or behind it? The last segment's descriptor says so, or the records do.
 * Name, xid all segments are read in order until the next commit behind it is known.
 */
#include "ops/wal_search.h"

#include "base/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_BACK 16 /* segments before the nearest commit that are asked whether they pass the target too */

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

static enum err_code read_facts(const struct wal_stretch *w, uint64_t number, struct wal_facts *f,
                                struct err *e)
{
    return wal_object_facts(w->place, timeline_of(w, number), number, f, e);
}

static bool has_times(const struct wal_facts *f)
{
    return !f->has_records || f->commits > 0 || f->aborts > 0;
}

static bool is_past(const struct target *t, int64_t time_us)
{
    return t->exclusive ? time_us >= t->time_us : time_us > t->time_us;
}

/* A segment whose records were not read when it was stored may hold anything: it counts as past, so that it is read. */
static bool may_pass(const struct target *t, const struct wal_facts *f)
{
    return has_times(f) && (!f->has_records || is_past(t, f->max_us));
}

/* The first segment at or behind number, and before limit, that has a commit; limit when there is none. */
static enum err_code bridge(const struct wal_stretch *w, uint64_t number, uint64_t limit, uint64_t *found,
                            struct wal_facts *f, struct err *e)
{
    for (; number < limit; number++) {
        if (read_facts(w, number, f, e) != ERR_OK)
            return e->code;
        if (has_times(f))
            break;
    }
    *found = number;
    return ERR_OK;
}

/* A segment that may pass the target, the first one if times ascend; or last + 1. */
static enum err_code find_passing(const struct search *s, uint64_t *found, struct err *e)
{
    uint64_t low = s->first, high = s->w->last + 1, best = high;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2, with_times = high;
        struct wal_facts f;

        if (bridge(s->w, middle, high, &with_times, &f, e) != ERR_OK)
            return e->code;
        if (with_times < high && !may_pass(s->t, &f)) {
            low = with_times + 1;
            continue;
        }
        if (with_times < high)
            best = with_times;
        high = middle; /* nothing but empty ones from middle to with_times */
    }
    *found = best;
    return ERR_OK;
}

/*
 * Back from the segment found, which becomes an earlier one if that may pass the target too. kept: where reading has to
 * begin so as to meet the last commit before the target. An abort is nothing to keep, and a segment whose records are
 * not known promises nothing: only a counted commit ends the walk.
 */
static enum err_code walk_back(const struct search *s, uint64_t *passing, uint64_t *kept, struct err *e)
{
    struct wal_facts f;
    unsigned looked = 0; /* 0: no commit was met yet */

    *kept = s->first;
    for (uint64_t number = *passing; number > s->first && looked <= LOOK_BACK;) {
        number--;
        if (read_facts(s->w, number, &f, e) != ERR_OK)
            return e->code;
        if (may_pass(s->t, &f)) {
            *passing = number;
            *kept = s->first;
            looked = 0;
        } else if (looked > 0) {
            looked++;
        } else if (f.commits > 0) {
            *kept = number;
            looked = 1;
        }
    }
    return ERR_OK;
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
    if (!s->m->reached && !is_past(s->t, v->time_us)) {
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
        if (v->type == WALEVENT_COMMIT && v->start < s->from && is_past(s->t, v->time_us))
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

/* Has enough been read, segments before `number`? */
static bool is_settled(const struct search *s, uint64_t number, uint64_t enough, const struct walscan *scan)
{
    if (s->done || (s->t->kind == TARGET_LSN && walscan_last(scan) >= s->t->lsn))
        return true;
    return number > enough && s->m->reached == (s->t->kind == TARGET_TIME);
}

/*
 * Read segments in order from first on, until the target was passed. Behind segment `enough` the first discarded commit
 * is not looked for when a time was found, nor a name or an xid that was not.
 */
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

/* Read just these. */
static enum err_code read_segments(struct search *s, uint64_t first, uint64_t last, struct err *e)
{
    CLEANUP(walscan_freep) struct walscan *scan = NULL;
    uint32_t bytes = s->w->place->segment_bytes;

    if (walscan_new(bytes, walseg_start(first, bytes), visit, s, &scan, e) != ERR_OK)
        return e->code;
    for (uint64_t number = first; number <= last; number++)
        if (read_segment(s, number, scan, e) != ERR_OK)
            return e->code;
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
    return read_segments(&before, s->w->first, s->first, e);
}

static enum err_code search_time(struct search *s, struct err *e)
{
    uint64_t passing = 0, kept = 0;

    if (find_passing(s, &passing, e) != ERR_OK || walk_back(s, &passing, &kept, e) != ERR_OK ||
        read_through(s, kept, passing + 1, NULL, e) != ERR_OK)
        return e->code;
    return s->m->reached && !s->m->has_kept ? look_into_backup(s, e) : ERR_OK;
}

static enum err_code search_lsn(struct search *s, struct err *e)
{
    uint64_t wanted = walseg_number(s->t->lsn, s->w->place->segment_bytes);
    struct wal_facts f;
    lsn last = 0;

    if (wanted > s->w->last)
        return ERR_OK;
    if (read_facts(s->w, s->w->last, &f, e) != ERR_OK)
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

    return read_facts(s->w, s->first, &f, &ignored) == ERR_OK;
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
