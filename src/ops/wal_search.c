/*
 * ops/wal_search.c - see ops/wal_search.h.
 *
 * Time      descriptors tell where it is passed, and where the last commit before lies (ops/wal_times.h); the records
 *           of those segments, and of the one behind each, since a record may go on there, decide. The segment whose
 *           descriptor said so is read as well, for its seal.
 * LSN       is there a record at or behind it? The last segment's descriptor says so, or the records do. The segment it
 *           lies in, and where the last commit before is, tell what is kept and discarded.
 * Latest    the last commit, where descriptors say it lies.
 * Name, xid all segments are read in order until the next commit behind it is known.
 */
#include "ops/wal_search.h"

#include "base/log.h"
#include "ops/wal_boundary.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct search {
    const struct wal_stretch *w;
    uint64_t first; /* segment that the boundary's `from` lies in, or the stretch's first */
    struct wal_boundary b;
};

static struct wal_boundary boundary_of(const struct wal_stretch *w, const struct target *t, lsn from,
                                       struct plan_moment *m)
{
    return (struct wal_boundary){.target = t, .from = from, .major = w->major, .moment = m};
}

static uint32_t timeline_of(const struct wal_stretch *w, uint64_t number)
{
    return timeline_of_segment(w->path, number, w->place->segment_bytes);
}

/* ---- reading segments ---- */

static enum err_code read_segment(const struct search *s, uint64_t number, struct walscan *scan,
                                  struct err *e)
{
    return wal_object_scan(s->w->place, timeline_of(s->w, number), number, scan, e);
}

static enum err_code begin_scan(struct search *s, uint64_t first, struct walscan **scan, struct err *e)
{
    const lsn start = walseg_start(first, s->w->place->segment_bytes);

    wal_boundary_begin(&s->b, start);
    return walscan_new(s->w->place->segment_bytes, start, wal_boundary_visit, &s->b, scan, e);
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
    if (s->b.done || (s->b.target->kind == TARGET_LSN && walscan_last(scan) >= s->b.target->lsn))
        return true;
    return number > enough && !s->b.moment->reached;
}

/* Read segments in order from first on, until the target was passed. */
static enum err_code read_through(struct search *s, uint64_t first, uint64_t enough, lsn *last_record,
                                  struct err *e)
{
    CLEANUP(walscan_freep) struct walscan *scan = NULL;
    const struct wal_stretch *w = s->w;

    if (begin_scan(s, first, &scan, e) != ERR_OK)
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

static enum err_code read_next(struct search *s, uint64_t number, struct walscan *scan, struct err *e)
{
    if (read_segment(s, number, scan, e) != ERR_OK)
        return e->code;
    if (walscan_is_ended(scan) && number < s->w->last && !s->b.done)
        return refuse_end(s, number, scan, e);
    return ERR_OK;
}

/* Read from `first` to `last`, or to the end of the stretch, unless the target is passed before. */
static enum err_code read_range(struct search *s, uint64_t first, uint64_t last, struct err *e)
{
    CLEANUP(walscan_freep) struct walscan *scan = NULL;

    if (begin_scan(s, first, &scan, e) != ERR_OK)
        return e->code;
    for (uint64_t number = first; number <= last && number <= s->w->last && !s->b.done; number++)
        if (read_next(s, number, scan, e) != ERR_OK)
            return e->code;
    return ERR_OK;
}

/* Read one segment, and as many as a record that it begins goes on in, but none at `limit` or behind. */
static enum err_code read_whole(struct search *s, uint64_t first, uint64_t limit, struct walscan *scan,
                                uint64_t *next, struct err *e)
{
    for (*next = first; *next < limit && (*next == first || walscan_open(scan) != 0); ++*next)
        if (read_next(s, *next, scan, e) != ERR_OK)
            return e->code;
    return ERR_OK;
}

/* ---- one search for each kind of target ---- */

/*
 * A standby's backup may begin long behind what it holds, and end by a clock that is behind: the last transaction
 * before its WAL tells. What can't be had of that any more is not needed for the restore either.
 */
static enum err_code look_before_backup(const struct search *s, struct err *e)
{
    const uint64_t first = s->w->first;
    struct wal_facts f;
    struct err why = ERR_NONE;
    uint64_t kept = first;

    if (first > 1 && wal_times_facts(s->w, first - 1, &f, &why) == ERR_OK && f.run_commit != 0) {
        kept = walseg_number(f.run_commit, s->w->place->segment_bytes);
        if (wal_times_facts(s->w, kept, &f, &why) == ERR_OK && f.has_records && f.commits + f.aborts > 0)
            s->b.moment->backup_is_late = wal_times_is_past(s->b.target, f.last_us);
    }
    if (why.code == ERR_UNREACHABLE) {
        *e = why;
        return why.code;
    }
    return ERR_OK;
}

/*
 * Nothing to keep behind the backup's end means the backup itself is the answer. Its stop time may be by another clock
 * than the commits are, so the commits in its own WAL are asked whether they are past the time already.
 */
static enum err_code look_into_backup(const struct search *s, struct err *e)
{
    struct search before = *s;

    before.b.is_before = true;
    before.b.since = s->w->start;
    before.b.done = false;
    if (read_range(&before, s->w->first, s->first, e) != ERR_OK)
        return e->code;
    return s->w->is_of_standby && !s->b.moment->backup_is_late ? look_before_backup(s, e) : ERR_OK;
}

static enum err_code read_whole_at(struct search *s, uint64_t first, uint64_t limit, struct err *e)
{
    CLEANUP(walscan_freep) struct walscan *scan = NULL;
    uint64_t next;

    return begin_scan(s, first, &scan, e) == ERR_OK ? read_whole(s, first, limit, scan, &next, e) : e->code;
}

/*
 * No commit to keep lies in the segments read, from `begin` on: an earlier one holds the last, if any. Where the search
 * was an estimate, what lies there may itself be past a time.
 */
static enum err_code look_further_back(struct search *s, uint64_t begin, struct err *e)
{
    while (!s->b.moment->has_kept && begin > s->first) {
        struct plan_moment found = {.known = true};
        struct search back = {
            .w = s->w, .first = s->first, .b = boundary_of(s->w, s->b.target, s->b.from, &found)};
        uint64_t kept;

        if (wal_times_kept(s->w, begin, s->first, &kept, e) != ERR_OK)
            return e->code;
        if (kept == begin)
            return ERR_OK;
        if (read_whole_at(&back, kept, s->w->last + 1, e) != ERR_OK)
            return e->code;
        if (found.has_kept && !found.reached) {
            s->b.moment->has_kept = true;
            s->b.moment->kept = found.kept;
            if (!s->b.moment->reached && found.last_us > s->b.moment->last_us)
                s->b.moment->last_us = found.last_us;
            s->b.moment->prepared += found.prepared;
        } else if (found.reached) {
            *s->b.moment = found;
        }
        begin = kept;
    }
    return ERR_OK;
}

static enum err_code pass_over(const struct walevent *v, void *arg, struct err *e)
{
    (void) v, (void) arg, (void) e;
    return ERR_OK;
}

/*
 * Read a segment only to find its descriptor false: it is clear text, and what is sealed behind it tells. That of the
 * segment before the passing one decides alone that nothing before is past the time and where the last commit is: were
 * that a lie, recovery would end too early, and never come to read the segment.
 */
static enum err_code prove(const struct search *s, uint64_t number, struct err *e)
{
    CLEANUP(walscan_freep) struct walscan *scan = NULL;
    const uint32_t bytes = s->w->place->segment_bytes;

    if (walscan_new(bytes, walseg_start(number, bytes), pass_over, NULL, &scan, e) != ERR_OK)
        return e->code;
    return read_segment(s, number, scan, e);
}

/* A look at the records from one candidate for a time to the next. */
struct time_look {
    struct walscan *scan; /* has read up to `next`; NULL = nothing yet */
    uint64_t begin;       /* from here on without a hole */
    uint64_t next;
};

static enum err_code jump(struct search *s, uint64_t number, struct time_look *look, struct err *e)
{
    walscan_freep(&look->scan);
    look->begin = look->next = number;
    s->b.moment->has_kept = false;
    return begin_scan(s, number, &look->scan, e);
}

/*
 * Read the last commit before the segment, and the segment. What lies idle between is passed over, and so is what was
 * read for the candidate before. at: from where on the candidate was looked for.
 */
static enum err_code read_candidate(struct search *s, uint64_t at, uint64_t passing, struct time_look *look,
                                    struct err *e)
{
    const uint64_t limit = passing < s->w->last ? passing : s->w->last + 1;
    uint64_t kept;

    if (wal_times_kept(s->w, passing, s->first, &kept, e) != ERR_OK)
        return e->code;
    if ((look->scan == NULL || look->next < kept) && jump(s, kept, look, e) != ERR_OK)
        return e->code;
    if (look->begin == passing && passing > at && prove(s, passing - 1, e) != ERR_OK)
        return e->code;
    if (look->next < limit && (look->next == kept || walscan_open(look->scan) != 0) &&
        read_whole(s, look->next, limit, look->scan, &look->next, e) != ERR_OK)
        return e->code;
    if (look->next < passing && passing > at && !s->b.done && prove(s, passing - 1, e) != ERR_OK)
        return e->code;
    if (look->next < passing && passing <= s->w->last) {
        walscan_freep(&look->scan);
        look->next = passing;
        if (begin_scan(s, passing, &look->scan, e) != ERR_OK)
            return e->code;
    }
    for (; look->next <= passing && look->next <= s->w->last && !s->b.done; look->next++)
        if (read_next(s, look->next, look->scan, e) != ERR_OK)
            return e->code;
    return ERR_OK;
}

/* Does the time come again behind what passed it? */
static enum err_code look_for_again(const struct search *s, const struct wal_times *times, uint64_t passing,
                                    struct err *e)
{
    struct plan_moment *m = s->b.moment;
    const struct wal_times_run *step;

    if (wal_times_again(times, passing, &step, &m->again_to_us, e) != ERR_OK)
        return e->code;
    if (step == NULL)
        return ERR_OK;
    m->is_again = true;
    m->again_lsn = walseg_start(step->last + 1, s->w->place->segment_bytes);
    m->again_from_us = step->at_last.run_max_us;
    return ERR_OK;
}

/* Candidates in order, until the records of one are past the time; then on to the first commit that is not kept. */
static enum err_code search_candidates(struct search *s, struct wal_times *times, struct time_look *look,
                                       struct err *e)
{
    uint64_t passing = s->first;

    for (uint64_t at = s->first;; at = passing + 1) {
        if (wal_times_next(times, at, &passing, e) != ERR_OK ||
            read_candidate(s, at, passing, look, e) != ERR_OK)
            return e->code;
        if (s->b.moment->reached || passing > s->w->last)
            break;
    }
    if (s->b.moment->reached && !s->b.done && look->next == passing + 1 && look->next <= s->w->last &&
        read_next(s, look->next, look->scan, e) != ERR_OK)
        return e->code;
    s->b.moment->is_estimate = times->is_estimate;
    if (look_further_back(s, look->begin, e) != ERR_OK)
        return e->code;
    return s->b.moment->reached ? look_for_again(s, times, passing, e) : ERR_OK;
}

static enum err_code search_time(struct search *s, struct err *e)
{
    struct wal_times times;
    struct time_look look = {.scan = NULL};
    enum err_code code;

    if (wal_times_open(s->w, s->b.target, s->first, &times, e) != ERR_OK)
        return e->code;
    code = search_candidates(s, &times, &look, e);
    wal_times_close(&times);
    walscan_free(look.scan);
    if (code != ERR_OK)
        return code;
    return s->b.moment->has_kept ? ERR_OK : look_into_backup(s, e);
}

static enum err_code read_around_lsn(struct search *s, uint64_t wanted, struct err *e)
{
    return read_range(s, wanted, wanted + 1, e) == ERR_OK ? look_further_back(s, wanted, e) : e->code;
}

/* Reached is a question to descriptors alone; what is kept and discarded is told where the WAL can be read. */
static enum err_code search_lsn(struct search *s, struct err *e)
{
    uint64_t wanted = walseg_number(s->b.target->lsn, s->w->place->segment_bytes);
    struct err why = ERR_NONE;
    struct wal_facts f;

    if (wanted > s->w->last)
        return ERR_OK;
    if (wal_times_facts(s->w, s->w->last, &f, e) != ERR_OK)
        return e->code;
    if (!f.has_records || f.last_lsn < s->b.target->lsn) {
        if (read_through(s, wanted > s->w->first ? wanted - 1 : wanted, s->w->last, &s->b.moment->last_lsn,
                         e) != ERR_OK)
            return e->code;
        s->b.moment->reached = s->b.moment->last_lsn >= s->b.target->lsn;
        return ERR_OK;
    }
    if (read_around_lsn(s, wanted, &why) != ERR_OK) {
        *s->b.moment = (struct plan_moment){.known = true};
        if (why.code != ERR_DENIED) {
            *e = why;
            return why.code;
        }
        log_debug("%s, planning without a look into the WAL", why.text);
    }
    s->b.moment->reached = true;
    return ERR_OK;
}

/* The last transaction there is. */
static enum err_code search_latest(struct search *s, struct err *e)
{
    uint64_t kept;

    if (wal_times_kept(s->w, s->w->last + 1, s->first, &kept, e) != ERR_OK)
        return e->code;
    if (kept > s->w->last)
        return ERR_OK;
    return read_range(s, kept, kept + 1, e) == ERR_OK ? look_further_back(s, kept, e) : e->code;
}

static enum err_code search_all(struct search *s, struct err *e)
{
    return read_through(s, s->first, s->w->look_to, NULL, e);
}

static enum err_code search_kind(struct search *s, struct err *e)
{
    switch (s->b.target->kind) {
    case TARGET_TIME:
        return search_time(s, e);
    case TARGET_LSN:
        return search_lsn(s, e);
    case TARGET_XID:
    case TARGET_NAME:
        return search_all(s, e);
    case TARGET_LATEST:
        return search_latest(s, e);
    case TARGET_IMMEDIATE:
        return ERR_OK;
    }
    return ERR_OK;
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
    struct search s = {.w = w, .b = boundary_of(w, t, from, &found)};
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
