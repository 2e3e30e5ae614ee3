/*
 * ops/plan_reach.c - see ops/plan_reach.h.
 */
#include "ops/plan_reach.h"

#include "repo/wal_breaks.h"
#include "repo/wal_edge.h"

#define RUNS_MAX 256 /* that are followed: for as many descriptors a million segments could be listed */
#define SAMPLE   (PLAN_LIST_MAX / 40) /* segments whose stored size stands for all */

enum err_code plan_reach_end(const struct wal_place *w, const struct timeline_path *path, uint64_t from,
                             uint64_t *last, struct err *e)
{
    for (size_t i = path->count; i-- > 0;) {
        const struct timeline_entry *entry = &path->entries[i];
        uint64_t begin = walseg_number(entry->begin, w->segment_bytes);
        uint64_t limit = plan_stretch_limit(entry, w->segment_bytes), found = 0;
        bool any;

        begin = begin > from ? begin : from;
        if (begin >= limit)
            continue;
        if (wal_edge_last(w, entry->tli, begin, &any, &found, e) != ERR_OK)
            return e->code;
        if (any) {
            *last = found < limit ? found : limit - 1;
            return ERR_OK;
        }
    }
    *last = from - 1;
    return ERR_OK;
}

/* What of [first, last] is an entry's own; first > last when nothing is. */
struct stretch {
    uint64_t first;
    uint64_t last;
};

static struct stretch stretch_of(const struct wal_place *w, const struct timeline_entry *entry,
                                 uint64_t first, uint64_t last)
{
    uint64_t begin = walseg_number(entry->begin, w->segment_bytes);
    uint64_t limit = plan_stretch_limit(entry, w->segment_bytes);

    if (limit == 0)
        return (struct stretch){1, 0};
    return (struct stretch){begin > first ? begin : first, limit - 1 < last ? limit - 1 : last};
}

static enum err_code list_runs(const struct wal_place *w, const struct timeline_path *path, uint64_t first,
                               uint64_t last, struct wal_runs *out, struct err *e)
{
    for (size_t i = 0; i < path->count; i++) {
        CLEANUP(wal_runs_clear) struct wal_runs of_one = {.count = 0};
        struct stretch s = stretch_of(w, &path->entries[i], first, last);

        if (s.first > s.last)
            continue;
        if (wal_runs_read(w->repo, w->layout, path->entries[i].tli, s.first, s.last, w->segment_bytes,
                          &of_one, e) != ERR_OK ||
            wal_runs_append(out, &of_one, e) != ERR_OK)
            return e->code;
    }
    return ERR_OK;
}

/*
 * What the archiver's own record says of the stretch [first, last], from the end of each timeline's part backwards,
 * up to the first part in which there is damage.
 */
static enum err_code read_breaks(const struct wal_place *w, const struct timeline_path *path, uint64_t first,
                                 uint64_t last, struct wal_breaks *out, struct err *e)
{
    unsigned most = RUNS_MAX;

    for (size_t i = 0; i < path->count && out->count == 0; i++) {
        struct stretch s = stretch_of(w, &path->entries[i], first, last);

        if (s.first <= s.last &&
            wal_breaks_add(w, path->entries[i].tli, s.first, s.last, &most, out, e) != ERR_OK)
            return e->code;
    }
    return ERR_OK;
}

static void cut_at_damage(const struct wal_place *w, const struct timeline_path *path, uint64_t first,
                          const struct wal_breaks *breaks, struct plan_coverage *c)
{
    if (breaks->count > 0)
        plan_coverage_cut(c, path, w->segment_bytes, first, breaks->list[0].number, breaks->list[0].end);
}

/* The segments at the end of a stretch, which are listed in one request. */
struct sample {
    uint64_t first;
    struct wal_runs runs;
};

static void sample_clear(struct sample *s)
{
    wal_runs_clear(&s->runs);
}

static enum err_code take_sample(const struct wal_place *w, const struct timeline_path *path, uint64_t first,
                                 uint64_t last, struct sample *s, struct err *e)
{
    s->first = last - first > SAMPLE ? last - SAMPLE : first;
    return list_runs(w, path, s->first, last, &s->runs, e);
}

/* What so many segments take, by those of the sample. */
static uint64_t estimate_bytes(const struct sample *s, uint64_t segments)
{
    uint64_t sum = 0, count = 0;

    for (size_t i = 0; i < s->runs.count; i++) {
        sum += s->runs.list[i].stored_bytes;
        count += s->runs.list[i].last - s->runs.list[i].first + 1;
    }
    return count > 0 ? sum / count * segments : 0;
}

/* The first of these segments that is not among the listed ones; behind them when all are. */
static uint64_t first_missing(const struct wal_runs *listed, const struct wal_untold *u)
{
    uint64_t missing = u->first;

    for (size_t i = 0; i < listed->count; i++) {
        const struct wal_run *run = &listed->list[i];

        if (run->tli == u->tli && run->first <= missing && missing <= run->last)
            missing = run->last + 1;
    }
    return missing;
}

/* They are listed, unless the sample holds them. */
static enum err_code find_missing(const struct wal_place *w, const struct sample *s,
                                  const struct wal_untold *u, uint64_t *missing, struct err *e)
{
    CLEANUP(wal_runs_clear) struct wal_runs runs = {.count = 0};
    const bool is_in_sample = u->first >= s->first;

    if (!is_in_sample &&
        wal_runs_read(w->repo, w->layout, u->tli, u->first, u->last, w->segment_bytes, &runs, e) != ERR_OK)
        return e->code;
    *missing = first_missing(is_in_sample ? &s->runs : &runs, u);
    return ERR_OK;
}

/* What no run tells to have come is looked for: where a segment of it is missing, the stretch ends. */
static enum err_code cut_at_missing(const struct wal_place *w, const struct timeline_path *path,
                                    uint64_t first, const struct wal_breaks *breaks, const struct sample *s,
                                    struct plan_coverage *c, struct err *e)
{
    for (size_t i = 0; i < breaks->untold_count; i++) {
        const struct wal_untold *u = &breaks->untold[i];
        uint64_t missing;

        if (!c->any || u->first > c->whole_to)
            continue;
        if (find_missing(w, s, u, &missing, e) != ERR_OK)
            return e->code;
        if (missing <= u->last && missing <= c->whole_to)
            plan_coverage_lose(c, path, w->segment_bytes, first, missing);
    }
    return ERR_OK;
}

enum err_code plan_reach_list(const struct wal_place *w, const struct timeline_path *path, uint64_t first,
                              uint64_t last, struct plan_coverage *out, struct err *e)
{
    CLEANUP(wal_runs_clear) struct wal_runs runs = {.count = 0};

    if (list_runs(w, path, first, last, &runs, e) != ERR_OK)
        return e->code;
    *out = plan_cover(path, w->segment_bytes, first, last, &runs);
    return ERR_OK;
}

/* *known is false where the archiver's record does not reach over all of it. */
static enum err_code reach_by_record(const struct wal_place *w, const struct timeline_path *path,
                                     uint64_t first, uint64_t last, struct plan_coverage *out, bool *known,
                                     struct err *e)
{
    CLEANUP(wal_breaks_clear) struct wal_breaks breaks = {.count = 0};
    CLEANUP(sample_clear) struct sample sample = {.first = 0};
    struct plan_coverage c = {.any = true, .whole_to = last, .missing = last + 1, .is_recorded = true};

    if (read_breaks(w, path, first, last, &breaks, e) != ERR_OK)
        return e->code;
    *known = !breaks.is_partial;
    if (!*known)
        return ERR_OK;
    c.missing_tli = timeline_of_segment(path, c.missing, w->segment_bytes);
    cut_at_damage(w, path, first, &breaks, &c);
    if (take_sample(w, path, first, c.whole_to, &sample, e) != ERR_OK ||
        cut_at_missing(w, path, first, &breaks, &sample, &c, e) != ERR_OK)
        return e->code;
    if (c.any)
        c.stored_bytes = estimate_bytes(&sample, c.whole_to - first + 1);
    *out = c;
    return ERR_OK;
}

enum err_code plan_reach(const struct wal_place *w, const struct timeline_path *path, uint64_t first,
                         uint64_t last, struct plan_coverage *out, struct err *e)
{
    CLEANUP(wal_breaks_clear) struct wal_breaks breaks = {.count = 0};
    struct plan_coverage c;
    bool known = false;

    if (last - first >= PLAN_LIST_MAX && reach_by_record(w, path, first, last, out, &known, e) != ERR_OK)
        return e->code;
    if (known)
        return ERR_OK;
    if (plan_reach_list(w, path, first, last, &c, e) != ERR_OK ||
        (c.any && read_breaks(w, path, first, c.whole_to, &breaks, e) != ERR_OK))
        return e->code;
    cut_at_damage(w, path, first, &breaks, &c);
    c.is_unseen = c.any && breaks.is_partial;
    *out = c;
    return ERR_OK;
}
