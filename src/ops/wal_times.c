/*
 * ops/wal_times.c - see ops/wal_times.h.
 *
 * By runs    1. the runs of the stretch, from its end backwards: a descriptor each. The first of them whose newest time is
 *               past the target holds the segment;
 *            2. within it, between a segment that is not past and one that is: a guess by their times, moved towards the
 *               far side so that the next step closes in from there; every third step halves;
 *            3. the segment before says where the last commit lies.
 * By times   1. a binary search over the segments' own newest times, those without any bridged to the right;
 *            2. back from there: the nearest segment that has a commit, and LOOK_BACK more, since times do not strictly
 *               ascend: where one of them passes the target too, the walk begins anew from it.
 */
#include "ops/wal_times.h"

#define LOOK_BACK 16 /* segments before the nearest commit that are asked whether they pass the target too */
#define RUNS_MAX  16 /* more runs than this in a stretch are searched as if there were none */

enum err_code wal_times_facts(const struct wal_stretch *w, uint64_t number, struct wal_facts *f,
                              struct err *e)
{
    return wal_object_facts(w->place, timeline_of_segment(w->path, number, w->place->segment_bytes), number,
                            f, e);
}

bool wal_times_is_past(const struct target *t, int64_t us)
{
    return t->exclusive ? us >= t->time_us : us > t->time_us;
}

static bool has_times(const struct wal_facts *f)
{
    return !f->has_records || f->commits > 0 || f->aborts > 0;
}

/* A segment whose records were not read when it was stored may hold anything: it counts as past, so that it is read. */
static bool may_pass(const struct target *t, const struct wal_facts *f)
{
    return has_times(f) && (!f->has_records || wal_times_is_past(t, f->max_us));
}

/* ---- by the segments' own times ---- */

/* The first segment at or behind number, and before limit, that has a commit; limit when there is none. */
static enum err_code bridge(const struct wal_stretch *w, uint64_t number, uint64_t limit, uint64_t *found,
                            struct wal_facts *f, struct err *e)
{
    for (; number < limit; number++) {
        if (wal_times_facts(w, number, f, e) != ERR_OK)
            return e->code;
        if (has_times(f))
            break;
    }
    *found = number;
    return ERR_OK;
}

/* A segment that may pass the target, the first one if times ascend; or last + 1. */
static enum err_code find_passing(const struct wal_stretch *w, const struct target *t, uint64_t first,
                                  uint64_t *found, struct err *e)
{
    uint64_t low = first, high = w->last + 1, best = high;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2, with_times = high;
        struct wal_facts f;

        if (bridge(w, middle, high, &with_times, &f, e) != ERR_OK)
            return e->code;
        if (with_times < high && !may_pass(t, &f)) {
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
static enum err_code walk_back(const struct wal_stretch *w, const struct target *t, uint64_t first,
                               struct wal_times *found, struct err *e)
{
    struct wal_facts f;
    unsigned looked = 0; /* 0: no commit was met yet */

    found->kept = first;
    for (uint64_t number = found->passing; number > first && looked <= LOOK_BACK;) {
        number--;
        if (wal_times_facts(w, number, &f, e) != ERR_OK)
            return e->code;
        if (may_pass(t, &f)) {
            found->passing = number;
            found->kept = first;
            looked = 0;
        } else if (looked > 0) {
            looked++;
        } else if (f.commits > 0) {
            found->kept = number;
            looked = 1;
        }
    }
    return ERR_OK;
}

static enum err_code find_by_times(const struct wal_stretch *w, const struct target *t, uint64_t first,
                                   struct wal_times *out, struct err *e)
{
    struct wal_times found = {.is_idle_between = false};

    if (find_passing(w, t, first, &found.passing, e) != ERR_OK || walk_back(w, t, first, &found, e) != ERR_OK)
        return e->code;
    *out = found;
    return ERR_OK;
}

/* ---- by runs ---- */

/* The segments [first, last] of one run, and what their ends tell. */
struct run {
    uint64_t first;
    uint64_t last;
    struct wal_facts at_last;
};

static bool run_is_past(const struct target *t, const struct wal_facts *f)
{
    return f->run_has_max && wal_times_is_past(t, f->run_max_us);
}

static uint64_t run_first(const struct wal_stretch *w, const struct wal_facts *f, uint64_t number)
{
    return f->run_to == f->first_lsn ? walseg_number(f->run_from, w->place->segment_bytes) : number;
}

/* The runs that the stretch from `first` on is made of, backwards; *count is 0 when there are too many. */
static enum err_code read_runs(const struct wal_stretch *w, uint64_t first, struct run runs[RUNS_MAX],
                               size_t *count, struct err *e)
{
    uint64_t number = w->last;

    for (size_t n = 0; n < RUNS_MAX; n++) {
        struct wal_facts f;

        if (wal_times_facts(w, number, &f, e) != ERR_OK)
            return e->code;
        if (!f.has_records)
            break;
        runs[n] = (struct run){run_first(w, &f, number), number, f};
        if (runs[n].first <= first) {
            *count = n + 1;
            return ERR_OK;
        }
        number = runs[n].first - 1;
    }
    *count = 0;
    return ERR_OK;
}

static uint64_t root(uint64_t n)
{
    uint64_t r = 1;

    while (r * r < n)
        r *= 2;
    return r;
}

/* Between a segment whose newest time is not past and one whose is: which is asked next? moved: the last answer's side. */
static uint64_t guess(const struct target *t, uint64_t low, int64_t low_us, uint64_t high, int64_t high_us,
                      unsigned step, bool moved_low)
{
    const uint64_t span = high - low;
    uint64_t at = span / 2, margin = root(span) / 2;

    if (step % 3 != 2 && high_us > low_us && t->time_us >= low_us && t->time_us <= high_us) {
        at = (uint64_t) ((double) span * ((double) (t->time_us - low_us) / (double) (high_us - low_us)));
        if (step > 0)
            at = moved_low ? at + margin : at - (at < margin ? at : margin);
    }
    at = at < 1 ? 1 : at;
    return low + (at < span ? at : span - 1);
}

/* The first segment of a run whose running maximum is past; that of `low` is not, that of the run's last is. */
static enum err_code bisect(const struct wal_stretch *w, const struct target *t, const struct run *run,
                            uint64_t low, const struct wal_facts *at_low, uint64_t *passing, struct err *e)
{
    uint64_t high = run->last;
    int64_t low_us = at_low->run_has_max ? at_low->run_max_us : INT64_MAX, high_us = run->at_last.run_max_us;
    bool moved_low = false;

    for (unsigned step = 0; high - low > 1; step++) {
        uint64_t at = guess(t, low, low_us, high, high_us, step, moved_low);
        struct wal_facts f;

        if (wal_times_facts(w, at, &f, e) != ERR_OK)
            return e->code;
        moved_low = !run_is_past(t, &f);
        if (moved_low) {
            low = at;
            low_us = f.run_has_max ? f.run_max_us : low_us;
        } else {
            high = at;
            high_us = f.run_max_us;
        }
    }
    *passing = high;
    return ERR_OK;
}

enum err_code wal_times_kept(const struct wal_stretch *w, uint64_t passing, uint64_t first, uint64_t *kept,
                             struct err *e)
{
    uint64_t limit = passing;

    while (limit > first) {
        struct wal_facts f;
        uint64_t found;

        if (wal_times_facts(w, limit - 1, &f, e) != ERR_OK)
            return e->code;
        if (!f.has_records) { /* it may hold one */
            *kept = limit - 1;
            return ERR_OK;
        }
        found = walseg_number(f.run_commit, w->place->segment_bytes);
        if (f.run_commit != 0) {
            *kept = found >= first ? found : passing;
            return ERR_OK;
        }
        limit = run_first(w, &f, limit - 1);
    }
    *kept = passing;
    return ERR_OK;
}

/* *known is false when the runs can't tell: the caller looks at the segments' own times. */
static enum err_code find_by_runs(const struct wal_stretch *w, const struct target *t, uint64_t first,
                                  struct wal_times *out, bool *known, struct err *e)
{
    struct run runs[RUNS_MAX];
    struct wal_times found = {.passing = w->last + 1, .is_idle_between = true};
    struct wal_facts f;
    size_t count, i;

    *known = false;
    if (read_runs(w, first, runs, &count, e) != ERR_OK)
        return e->code;
    if (count == 0)
        return ERR_OK;
    for (i = count; i > 0 && !run_is_past(t, &runs[i - 1].at_last); i--)
        ;
    if (i > 0) {
        const struct run *run = &runs[i - 1];
        uint64_t low = run->first > first ? run->first : first;

        if (wal_times_facts(w, low, &f, e) != ERR_OK)
            return e->code;
        if (run_is_past(t, &f) && !may_pass(t, &f))
            return ERR_OK; /* past before the stretch already: the running maximum tells nothing of it */
        found.passing = low;
        if (!may_pass(t, &f) && bisect(w, t, run, low, &f, &found.passing, e) != ERR_OK)
            return e->code;
    }
    if (wal_times_kept(w, found.passing, first, &found.kept, e) != ERR_OK)
        return e->code;
    *known = true;
    *out = found;
    return ERR_OK;
}

enum err_code wal_times_find(const struct wal_stretch *w, const struct target *t, uint64_t first,
                             struct wal_times *out, struct err *e)
{
    bool known;

    if (find_by_runs(w, t, first, out, &known, e) != ERR_OK)
        return e->code;
    return known ? ERR_OK : find_by_times(w, t, first, out, e);
}
