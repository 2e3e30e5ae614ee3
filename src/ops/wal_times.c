/*
 * ops/wal_times.c - see ops/wal_times.h.
 *
 * Runs      of the stretch, from its end backwards: a descriptor each. Which of them are past the time their ends tell.
 * Border    A record that crosses from one run into the next is in no descriptor: where there may be one, the segment
 *           is read.
 * In a run  1. is the segment asked from itself past? Else, is the run, before it?
 *           2. if not, then between it and the run's end: a guess by their times, moved towards the far side so that
 *              the next step closes in from there; every third step halves;
 *           3. if so, the next segments one by one.
 *           What another archiver stored inside the run tells from where its own run began on: what lies before that
 *           is asked of the segment before.
 * Estimate  1. a binary search over the segments' own newest times, those without any bridged to the right;
 *           2. back from there over LOOK_BACK segments: where one of them passes the target too, anew from it.
 */
#include "ops/wal_times.h"

#include "base/grow.h"

#include <stdlib.h>

#define AGAIN_MAX 16 /* runs behind the target that are asked whether they begin before it */
#define LOOK_BACK 16 /* segments before the one found that are asked whether they pass the target too */

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
    return !f->has_records || f->commits > 0 || f->aborts > 0 || f->has_crossing;
}

/* A segment whose records were not read when it was stored may hold anything: it counts as past, so that it is read. */
static bool may_pass(const struct target *t, const struct wal_facts *f)
{
    if (!f->has_records || (f->has_crossing && wal_times_is_past(t, f->crossing_us)))
        return true;
    return f->commits + f->aborts > 0 && wal_times_is_past(t, f->max_us);
}

/* Where no record begins, one goes through. */
bool wal_times_goes_on(const struct wal_facts *f)
{
    return !f->has_records || f->last_lsn == 0 || f->commit_lsn > f->last_lsn;
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

/* A segment of [first, last] that may pass the target, the first one if times ascend; or last + 1. */
static enum err_code find_passing(const struct wal_times *times, uint64_t first, uint64_t last,
                                  uint64_t *found, struct err *e)
{
    uint64_t low = first, high = last + 1, best = high;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2, with_times = high;
        struct wal_facts f;

        if (bridge(times->w, middle, high, &with_times, &f, e) != ERR_OK)
            return e->code;
        if (with_times < high && !may_pass(times->t, &f)) {
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

static enum err_code estimate(struct wal_times *times, uint64_t first, uint64_t last, uint64_t *found,
                              struct err *e)
{
    uint64_t passing;

    times->is_estimate = true;
    if (find_passing(times, first, last, &passing, e) != ERR_OK)
        return e->code;
    *found = passing;
    for (uint64_t number = passing; number > first && passing - number < LOOK_BACK;) {
        struct wal_facts f;

        if (wal_times_facts(times->w, --number, &f, e) != ERR_OK)
            return e->code;
        if (may_pass(times->t, &f))
            *found = passing = number;
    }
    return ERR_OK;
}

/* ---- by runs ---- */

static bool run_is_past(const struct target *t, const struct wal_facts *f)
{
    return f->run_has_max && wal_times_is_past(t, f->run_max_us);
}

static enum err_code add_run(struct wal_times *times, size_t *room, const struct wal_times_run *run,
                             struct err *e)
{
    if (grow(&times->runs, times->count, room, sizeof(*run), "a list of runs", e) != ERR_OK)
        return e->code;
    times->runs[times->count++] = *run;
    return ERR_OK;
}

static enum err_code read_runs(struct wal_times *times, struct err *e)
{
    uint64_t number = times->w->last;
    size_t room = 0;

    while (number >= times->first && times->count < WAL_TIMES_RUNS_MAX) {
        struct wal_times_run run = {.last = number};

        if (wal_times_facts(times->w, number, &run.at_last, e) != ERR_OK)
            return e->code;
        run.first = wal_facts_run_first(&run.at_last);
        if (add_run(times, &room, &run, e) != ERR_OK)
            return e->code;
        number = run.first - 1;
    }
    return ERR_OK;
}

enum err_code wal_times_open(const struct wal_stretch *w, const struct target *t, uint64_t first,
                             struct wal_times *out, struct err *e)
{
    struct wal_times times = {.w = w, .t = t, .first = first};

    if (read_runs(&times, e) != ERR_OK) {
        wal_times_close(&times);
        return e->code;
    }
    *out = times;
    return ERR_OK;
}

void wal_times_close(struct wal_times *times)
{
    free(times->runs);
    *times = (struct wal_times){.count = 0};
}

static uint64_t root(uint64_t n)
{
    uint64_t r = 1;

    while (r * r < n)
        r *= 2;
    return r;
}

/*
 * Between a segment whose newest time is not past and one whose is: which is asked next? moved: the last answer's side.
 */
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

/* What is known of the segments behind `low` up to one that was asked: nothing in them is past, or */
struct side {
    bool is_past;  /* the first that is past is `first` or before it                                      */
    bool is_open;  /* nothing before `first` is past, but what crosses into it may be: nobody tells       */
    bool is_vague; /* too many would have to be asked                                                     */
    uint64_t first;
};

/*
 * Another archiver may have stored a segment inside the run, and tell less: from where on it began. Then the one
 * before that is asked, too.
 */
static enum err_code settle(const struct wal_stretch *w, const struct target *t, uint64_t low, uint64_t at,
                            const struct wal_facts *at_facts, struct side *side, struct err *e)
{
    struct wal_facts f = *at_facts;

    *side = (struct side){.first = at};
    for (unsigned asked = 0; !run_is_past(t, &f); asked++) {
        const uint64_t first = wal_facts_run_first(&f);

        side->is_vague = asked == WAL_TIMES_WALK_MAX;
        if (first <= low || side->is_vague)
            return ERR_OK;
        at = first - 1;
        if (wal_times_facts(w, at, &f, e) != ERR_OK)
            return e->code;
        if (wal_times_goes_on(&f))
            *side = (struct side){.is_open = true, .first = first};
        if (at == low)
            return ERR_OK;
    }
    *side = (struct side){.is_past = true, .first = at};
    return ERR_OK;
}

/* The first segment of a run whose running maximum is past; that of `low` is not, that of the run's last is. */
static enum err_code bisect(struct wal_times *times, const struct wal_times_run *run, uint64_t low,
                            const struct wal_facts *at_low, uint64_t *passing, struct err *e)
{
    const struct target *t = times->t;
    uint64_t high = run->last;
    int64_t low_us = at_low->run_has_max ? at_low->run_max_us : INT64_MAX, high_us = run->at_last.run_max_us;
    bool moved_low = false;

    for (unsigned step = 0; high - low > 1; step++) {
        uint64_t at = guess(t, low, low_us, high, high_us, step, moved_low);
        struct wal_facts f;
        struct side side;

        if (wal_times_facts(times->w, at, &f, e) != ERR_OK ||
            settle(times->w, t, low, at, &f, &side, e) != ERR_OK)
            return e->code;
        if (side.is_vague)
            return estimate(times, low + 1, run->last, passing, e);
        if (side.is_open) {
            high = side.first;
            break;
        }
        moved_low = !side.is_past;
        if (moved_low) {
            low = at;
            low_us = f.run_has_max ? f.run_max_us : low_us;
        } else {
            high = side.first;
            high_us = high == at ? f.run_max_us : high_us;
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
        limit = wal_facts_run_first(&f);
    }
    *kept = passing;
    return ERR_OK;
}

/*
 * Does a commit or abort past the time end in this segment, or may it? Into one that another archiver stored as the
 * first of its run, nobody tells what crosses.
 */
static enum err_code ask(const struct wal_times *times, const struct wal_times_run *run, uint64_t number,
                         struct wal_facts *f, bool *may, struct err *e)
{
    struct wal_facts before;

    if (wal_times_facts(times->w, number, f, e) != ERR_OK)
        return e->code;
    *may = may_pass(times->t, f);
    if (*may || number <= run->first || wal_facts_run_first(f) < number)
        return ERR_OK;
    if (wal_times_facts(times->w, number - 1, &before, e) != ERR_OK)
        return e->code;
    *may = wal_times_goes_on(&before);
    return ERR_OK;
}

/* The segments behind this one by themselves: the run's maximum is of something earlier. */
static enum err_code walk(struct wal_times *times, const struct wal_times_run *run, uint64_t number,
                          uint64_t *found, struct err *e)
{
    for (unsigned steps = 0; number < run->last; steps++) {
        struct wal_facts f;
        bool may;

        if (steps == WAL_TIMES_WALK_MAX)
            return estimate(times, number + 1, run->last, found, e);
        if (ask(times, run, ++number, &f, &may, e) != ERR_OK)
            return e->code;
        if (may) {
            *found = number;
            return ERR_OK;
        }
    }
    *found = run->last + 1;
    return ERR_OK;
}

/* In a run that is past the time at its end, from this segment of it on. */
static enum err_code find_in_run(struct wal_times *times, const struct wal_times_run *run, uint64_t number,
                                 uint64_t *found, struct err *e)
{
    struct wal_facts f;
    bool may;

    if (ask(times, run, number, &f, &may, e) != ERR_OK)
        return e->code;
    if (may) {
        *found = number;
        return ERR_OK;
    }
    return run_is_past(times->t, &f) ? walk(times, run, number, found, e)
                                     : bisect(times, run, number, &f, found, e);
}

/* The index of the run that holds the segment; count when its run was not read, being of too many. */
static size_t run_at(const struct wal_times *times, uint64_t number)
{
    size_t i = 0;

    while (i < times->count && times->runs[i].first > number)
        i++;
    return i;
}

/* May this segment, the first of run i, begin inside a commit or abort that nobody tells the time of? */
static bool is_open_border(const struct wal_times *times, size_t i, uint64_t number)
{
    if (number != times->runs[i].first || number == times->first)
        return false;
    return i + 1 == times->count || wal_times_goes_on(&times->runs[i + 1].at_last);
}

/* The first segment at or behind `number` in run i, up to its end; behind that when there is none. */
static enum err_code next_in_run(struct wal_times *times, size_t i, uint64_t number, uint64_t *found,
                                 struct err *e)
{
    const struct wal_times_run *run = &times->runs[i];

    *found = number;
    if (is_open_border(times, i, number) || !run->at_last.has_records)
        return ERR_OK;
    if (run_is_past(times->t, &run->at_last))
        return find_in_run(times, run, number, found, e);
    *found = run->last + 1;
    return ERR_OK;
}

enum err_code wal_times_next(struct wal_times *times, uint64_t from, uint64_t *found, struct err *e)
{
    uint64_t number = from;

    while (number <= times->w->last) {
        const size_t i = run_at(times, number);
        const uint64_t last = i < times->count ? times->runs[i].last : times->runs[i - 1].first - 1;

        if ((i < times->count ? next_in_run(times, i, number, &number, e)
                              : estimate(times, number, last, &number, e)) != ERR_OK)
            return e->code;
        if (number <= last)
            break;
    }
    *found = number;
    return ERR_OK;
}

enum err_code wal_times_again(const struct wal_times *times, uint64_t behind,
                              const struct wal_times_run **step, int64_t *again_us, struct err *e)
{
    size_t i = run_at(times, behind);

    *step = NULL;
    for (unsigned asked = 0; i > 0 && i < times->count && asked < AGAIN_MAX; asked++) {
        struct wal_facts f;

        i--;
        if (!run_is_past(times->t, &times->runs[i + 1].at_last))
            continue;

        if (wal_times_facts(times->w, times->runs[i].first, &f, e) != ERR_OK)
            return e->code;
        if (f.has_records && f.commits + f.aborts > 0 && !wal_times_is_past(times->t, f.min_us)) {
            *step = &times->runs[i + 1];
            *again_us = f.min_us;
            return ERR_OK;
        }
    }
    return ERR_OK;
}
