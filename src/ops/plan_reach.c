/*
 * ops/plan_reach.c - see ops/plan_reach.h.
 */
#include "ops/plan_reach.h"

#include "repo/wal_breaks.h"
#include "repo/wal_edge.h"

#define RUNS_MAX 256 /* that are followed: for as many descriptors a million segments could be listed */
#define SAMPLE   256 /* segments whose stored size stands for all */

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
 * What the archiver's own record says of the stretch, from the end of each timeline's part backwards: that it is whole, unless
 * it has *seen only a part; and where damage cuts it short.
 */
static enum err_code cut_at_damage(const struct wal_place *w, const struct timeline_path *path,
                                   uint64_t first, struct plan_coverage *c, bool *seen, struct err *e)
{
    CLEANUP(wal_breaks_clear) struct wal_breaks breaks = {.count = 0};
    const uint64_t last = c->whole_to;
    unsigned most = RUNS_MAX;

    for (size_t i = 0; i < path->count && breaks.count == 0; i++) {
        struct stretch s = stretch_of(w, &path->entries[i], first, last);

        if (s.first <= s.last &&
            wal_breaks_add(w, path->entries[i].tli, s.first, s.last, &most, &breaks, e) != ERR_OK)
            return e->code;
    }
    if (breaks.count > 0)
        plan_coverage_cut(c, path, w->segment_bytes, first, breaks.list[0].number, breaks.list[0].end);
    *seen = !breaks.is_partial;
    return ERR_OK;
}

/* What a segment takes, by those at the end; they are listed in one request. */
static enum err_code sample_bytes(const struct wal_place *w, const struct timeline_path *path, uint64_t first,
                                  uint64_t last, uint64_t *bytes, struct err *e)
{
    CLEANUP(wal_runs_clear) struct wal_runs runs = {.count = 0};
    uint64_t from = last - first > SAMPLE ? last - SAMPLE : first, sum = 0, count = 0;

    if (list_runs(w, path, from, last, &runs, e) != ERR_OK)
        return e->code;
    for (size_t i = 0; i < runs.count; i++) {
        sum += runs.list[i].stored_bytes;
        count += runs.list[i].last - runs.list[i].first + 1;
    }
    *bytes = count > 0 ? sum / count * (last - first + 1) : 0;
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
    struct plan_coverage c = {.any = true, .whole_to = last, .missing = last + 1, .is_recorded = true};

    if (cut_at_damage(w, path, first, &c, known, e) != ERR_OK)
        return e->code;
    if (!*known)
        return ERR_OK;
    if (sample_bytes(w, path, first, c.whole_to, &c.stored_bytes, e) != ERR_OK)
        return e->code;
    c.missing_tli = timeline_of_segment(path, c.missing, w->segment_bytes);
    *out = c;
    return ERR_OK;
}

enum err_code plan_reach(const struct wal_place *w, const struct timeline_path *path, uint64_t first,
                         uint64_t last, struct plan_coverage *out, struct err *e)
{
    struct plan_coverage c;
    bool known = false;

    if (last - first >= PLAN_LIST_MAX && reach_by_record(w, path, first, last, out, &known, e) != ERR_OK)
        return e->code;
    if (known)
        return ERR_OK;
    if (plan_reach_list(w, path, first, last, &c, e) != ERR_OK)
        return e->code;
    if (c.any && cut_at_damage(w, path, first, &c, &known, e) != ERR_OK)
        return e->code;
    c.is_unseen = c.any && !known;
    *out = c;
    return ERR_OK;
}
