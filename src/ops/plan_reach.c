/*
 * ops/plan_reach.c - see ops/plan_reach.h.
 */
#include "ops/plan_reach.h"

#include "repo/wal_edge.h"

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

/* Each entry's stretch between the two, listed. */
static enum err_code list_runs(const struct wal_place *w, const struct timeline_path *path, uint64_t first,
                               uint64_t last, struct wal_runs *out, struct err *e)
{
    for (size_t i = 0; i < path->count; i++) {
        CLEANUP(wal_runs_clear) struct wal_runs of_one = {.count = 0};
        const struct timeline_entry *entry = &path->entries[i];
        uint64_t begin = walseg_number(entry->begin, w->segment_bytes);
        uint64_t limit = plan_stretch_limit(entry, w->segment_bytes);

        begin = begin > first ? begin : first;
        if (begin >= limit || begin > last)
            continue;
        if (wal_runs_read(w->repo, w->layout, entry->tli, begin, limit - 1 < last ? limit - 1 : last,
                          w->segment_bytes, &of_one, e) != ERR_OK ||
            wal_runs_append(out, &of_one, e) != ERR_OK)
            return e->code;
    }
    return ERR_OK;
}

enum err_code plan_reach(const struct wal_place *w, const struct timeline_path *path, uint64_t first,
                         uint64_t last, struct plan_coverage *out, struct err *e)
{
    CLEANUP(wal_runs_clear) struct wal_runs runs = {.count = 0};

    if (list_runs(w, path, first, last, &runs, e) != ERR_OK)
        return e->code;
    *out = plan_cover(path, w->segment_bytes, first, last, &runs);
    return ERR_OK;
}
