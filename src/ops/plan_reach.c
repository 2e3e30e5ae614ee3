/*
 * ops/plan_reach.c - see ops/plan_reach.h.
 */
#include "ops/plan_reach.h"

#include "repo/wal_edge.h"

#define HOPS_MAX 16  /* runs that are followed before everything is listed after all */
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
 * Does the archiver's record say that this stretch of a timeline is whole? From its last segment back, by the run that
 * each descriptor tells of.
 */
static enum err_code is_recorded(const struct wal_place *w, uint32_t tli, uint64_t first, uint64_t last,
                                 bool *whole, struct err *e)
{
    uint64_t number = last;

    *whole = false;
    for (unsigned hops = 0; hops < HOPS_MAX; hops++) {
        struct wal_facts f;
        struct err why = ERR_NONE;

        if (wal_object_facts(w, tli, number, &f, &why) == ERR_ABSENT)
            return ERR_OK;
        if (why.code != ERR_OK) {
            *e = why;
            return why.code;
        }
        if (f.run_to == f.first_lsn)
            number = walseg_number(f.run_from, w->segment_bytes);
        if (number <= first) {
            *whole = true;
            return ERR_OK;
        }
        number--;
    }
    return ERR_OK;
}

static enum err_code is_path_recorded(const struct wal_place *w, const struct timeline_path *path,
                                      uint64_t first, uint64_t last, bool *whole, struct err *e)
{
    *whole = true;
    for (size_t i = 0; i < path->count && *whole; i++) {
        struct stretch s = stretch_of(w, &path->entries[i], first, last);

        if (s.first <= s.last && is_recorded(w, path->entries[i].tli, s.first, s.last, whole, e) != ERR_OK)
            return e->code;
    }
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

enum err_code plan_reach(const struct wal_place *w, const struct timeline_path *path, uint64_t first,
                         uint64_t last, struct plan_coverage *out, struct err *e)
{
    struct plan_coverage c = {.any = true, .whole_to = last, .missing = last + 1, .is_recorded = true};
    bool whole;

    if (last - first < PLAN_LIST_MAX)
        return plan_reach_list(w, path, first, last, out, e);
    if (is_path_recorded(w, path, first, last, &whole, e) != ERR_OK)
        return e->code;
    if (!whole)
        return plan_reach_list(w, path, first, last, out, e);
    if (sample_bytes(w, path, first, last, &c.stored_bytes, e) != ERR_OK)
        return e->code;
    c.missing_tli = timeline_of_segment(path, c.missing, w->segment_bytes);
    *out = c;
    return ERR_OK;
}
