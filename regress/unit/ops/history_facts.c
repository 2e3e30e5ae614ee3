/*
 * history_facts.c - see history_facts.h.
 *
 * An archiver carries a run's newest time and last commit along, and so does history_facts_all. For one segment alone
 * they are found from it backwards, as far as something newer could lie there by the stretches' clocks: a few
 * segments, however long the run is.
 */
#include "history_facts.h"

#include "repo/wal_chain.h"

static bool is_bare(const struct history *h, uint32_t tli, uint64_t number)
{
    return history_mix(h->seed, number, tli, 1000) % 1000 < h->bare;
}

/* ---- the segment itself ---- */

static void add_end(struct wal_facts *f, const struct history_record *r)
{
    if (f->commits + f->aborts == 0)
        f->first_us = f->min_us = f->max_us = r->time_us;
    f->commits += r->kind != HISTORY_ABORT;
    f->aborts += r->kind == HISTORY_ABORT;
    f->last_us = r->time_us;
    f->min_us = r->time_us < f->min_us ? r->time_us : f->min_us;
    f->max_us = r->time_us > f->max_us ? r->time_us : f->max_us;
}

static void add_record(struct wal_facts *f, const struct history_record *r, lsn end)
{
    if (history_is_commit(r) || (r->end > end && history_ends_transaction(r)))
        f->commit_lsn = r->start;
    if (r->end > end)
        return; /* not whole: but for that it is in nobody's count */
    f->last_lsn = r->start;
    f->restore_points += r->kind == HISTORY_POINT;
    if (history_ends_transaction(r))
        add_end(f, r);
}

static void read_own(const struct history *h, uint32_t tli, uint64_t number, struct wal_facts *f)
{
    const lsn end = walseg_start(number + 1, h->segment_bytes);
    struct history_segment s;

    *f = (struct wal_facts){.system_identifier = HISTORY_SYSTEM,
                            .major = 15,
                            .timeline = tli,
                            .segment_bytes = h->segment_bytes,
                            .first_lsn = walseg_start(number, h->segment_bytes),
                            .end_lsn = end,
                            .has_records = !is_bare(h, tli, number)};
    if (!f->has_records)
        return;
    history_records(h, tli, number, &s);
    for (size_t i = 0; i < s.count; i++)
        add_record(f, &s.records[i], end);
    if (s.records[s.count - 1].end < end)
        f->end_lsn = s.records[s.count - 1].end;
}

/* ---- its run ---- */

/* The first segment behind the gap that a run can begin with, where this one can't go on with what lies before. */
static uint64_t behind_gap(const struct history_gap *g, uint64_t number)
{
    if (g->was_stored || (g->was_in_flight && number <= g->told_to))
        return 0;
    return g->was_in_flight ? g->told_to + 1 : g->last + 1;
}

/*
 * Up to where is the run acknowledged? Some are still on their way, and what lies behind one that failed never counts.
 */
static void set_acknowledged(const struct history *h, uint32_t tli, uint64_t number, struct wal_facts *f)
{
    const struct history_timeline *t = &h->timelines[tli];
    const uint64_t late = h->in_flight > 0 ? history_mix(h->seed, number, tli, 1001) % (h->in_flight + 1) : 0;
    const uint64_t first = wal_facts_run_first(f);
    uint64_t to = number - first > late ? number - late : first;

    for (size_t i = 0; i < t->gap_count; i++)
        if (t->gaps[i].was_in_flight && t->gaps[i].first >= first && t->gaps[i].first < to)
            to = t->gaps[i].first;
    f->run_to = walseg_start(to, h->segment_bytes);
}

/* The first segment of the run that this one goes on with. */
static uint64_t run_first(const struct history *h, uint32_t tli, uint64_t number)
{
    const struct history_timeline *t = &h->timelines[tli];
    uint64_t first = t->first, before = number;

    for (size_t i = 0; i < t->break_count; i++)
        if (t->breaks[i] <= number && t->breaks[i] > first)
            first = t->breaks[i];
    for (size_t i = 0; i < t->gap_count; i++) {
        const uint64_t behind = behind_gap(&t->gaps[i], number);

        first = behind <= number && behind > first ? behind : first;
    }
    while (h->bare > 0 && before > first && !is_bare(h, tli, before - 1))
        before--;
    return h->bare > 0 ? before : first;
}

/* The record that the run's last segment ended inside. */
static void add_crossing(const struct history *h, uint32_t tli, uint64_t number, struct wal_facts *f)
{
    struct history_segment before;
    const struct history_record *r;

    if (!history_crosses(h, tli, number - 1))
        return;
    history_records(h, tli, number - 1, &before);
    r = &before.records[before.count - 1];
    if (!history_ends_transaction(r))
        return;
    f->has_crossing = true;
    f->crossing_us = r->time_us;
    if (!f->run_has_max || r->time_us > f->run_max_us)
        f->run_max_us = r->time_us;
    f->run_has_max = true;
}

/* The newest time that a record of the timeline's own can carry in a segment up to this one. */
static int64_t newest_possible(const struct history_timeline *t, uint64_t number)
{
    int64_t newest = INT64_MIN;

    for (size_t i = 0; i < t->stretch_count && t->stretches[i].first <= number; i++) {
        const struct history_stretch *s = &t->stretches[i];
        uint64_t last = i + 1 < t->stretch_count && s[1].first <= number ? s[1].first - 1 : number;
        int64_t end = s->begin_us + (int64_t) (last - s->first + 1) * s->segment_us + s->clock_us;

        newest = !s->is_idle && end > newest ? end : newest;
    }
    return newest;
}

/* What a run that reaches up to another segment tells as well. */
static void add_to_run(struct wal_facts *f, const struct wal_facts *other)
{
    if (other->run_has_max && (!f->run_has_max || other->run_max_us > f->run_max_us)) {
        f->run_has_max = true;
        f->run_max_us = other->run_max_us;
    }
    if (other->run_commit > f->run_commit)
        f->run_commit = other->run_commit;
}

/* The segment to look at before this one: all but the first of an idle stretch may be passed over. */
static uint64_t one_before(const struct history_timeline *t, uint64_t number)
{
    const struct history_stretch *s = history_stretch_at(t, number - 1);

    return s->is_idle && s->first > t->first && number - 1 > s->first ? s->first : number - 1;
}

/* The segment with its own facts and, if it is not the run's first, the record that crosses into it. */
static void read_one(const struct history *h, uint32_t tli, uint64_t number, uint64_t first,
                     struct wal_facts *f)
{
    read_own(h, tli, number, f);
    wal_facts_begin_run(f);
    if (number > first)
        add_crossing(h, tli, number, f);
}

static void read_run(const struct history *h, uint32_t tli, uint64_t number, struct wal_facts *f)
{
    const struct history_timeline *t = &h->timelines[tli];
    const uint64_t first = run_first(h, tli, number);
    struct wal_facts other;

    read_one(h, tli, number, first, f);
    if (first == number)
        return;
    f->run_from = walseg_start(first, h->segment_bytes);
    read_one(h, tli, first, first, &other); /* the timeline's first segment may hold its parent's times */
    add_to_run(f, &other);
    while (number > first && (!f->run_has_max || f->run_max_us < newest_possible(t, number - 1) ||
                              f->run_commit < walseg_start(first + 1, h->segment_bytes))) {
        number = one_before(t, number);
        if (number <= first)
            return;
        read_one(h, tli, number, first, &other);
        add_to_run(f, &other);
    }
}

void history_facts(const struct history *h, uint32_t tli, uint64_t number, struct wal_facts *out)
{
    if (is_bare(h, tli, number))
        read_one(h, tli, number, number, out);
    else
        read_run(h, tli, number, out);
    set_acknowledged(h, tli, number, out);
}

/* As repo/wal_chain.c goes on with a run, or begins one. before: NULL = there is nothing to go on with. */
static void go_on(const struct history *h, uint32_t tli, uint64_t number, const struct wal_facts *before,
                  struct wal_facts *f)
{
    read_one(h, tli, number, number, f);
    if (before == NULL || !f->has_records || run_first(h, tli, number) == number ||
        (before->run_has_max && f->commits + f->aborts > 0 &&
         f->max_us < before->run_max_us - WAL_RUN_STEP_US))
        return;
    add_crossing(h, tli, number, f);
    add_to_run(f, before);
    f->run_from = before->run_from;
}

void history_facts_all(const struct history *h, uint32_t tli, struct wal_facts *out)
{
    const struct history_timeline *t = &h->timelines[tli];
    struct wal_facts one, other, of_one, of_other;

    for (uint64_t number = t->first; number <= t->last; number++, out++) {
        const bool is_first = number == t->first;

        go_on(h, tli, number, is_first ? NULL : &one, &of_one);
        go_on(h, tli, number, is_first || history_mix(h->seed, number, tli, 1002) % 6 == 0 ? NULL : &other,
              &of_other);
        one = of_one;
        other = of_other;
        *out = h->has_rival && history_mix(h->seed, number, tli, 1003) % 3 == 0 ? other : one;
        set_acknowledged(h, tli, number, out);
    }
}
