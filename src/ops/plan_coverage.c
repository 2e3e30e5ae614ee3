/*
 * ops/plan_coverage.c - see ops/plan_coverage.h.
 */
#include "ops/plan_coverage.h"

#include <stdio.h>

static const struct wal_run *run_at(const struct wal_runs *runs, uint32_t tli, uint64_t number)
{
    for (size_t i = 0; i < runs->count; i++)
        if (runs->list[i].tli == tli && runs->list[i].first <= number && number <= runs->list[i].last)
            return &runs->list[i];
    return NULL;
}

uint64_t plan_stretch_limit(const struct timeline_entry *entry, uint32_t segment_bytes)
{
    return entry->end == TIMELINE_NOT_ENDED ? UINT64_MAX : walseg_number(entry->end, segment_bytes);
}

/* Is any of these segments stored on the entry's timeline? */
static bool has_any(const struct wal_runs *runs, uint32_t tli, uint64_t first, uint64_t limit)
{
    for (size_t i = 0; i < runs->count; i++) {
        const struct wal_run *run = &runs->list[i];

        if (run->tli == tli && run->last >= first && run->first < limit && first < limit)
            return true;
    }
    return false;
}

/* Does the path have any segment stored at or behind this number? */
static bool has_later(const struct timeline_path *path, uint32_t segment_bytes, const struct wal_runs *runs,
                      uint64_t number)
{
    for (size_t i = 0; i < path->count; i++) {
        const struct timeline_entry *entry = &path->entries[i];
        uint64_t begin = walseg_number(entry->begin, segment_bytes);

        if (has_any(runs, entry->tli, begin > number ? begin : number,
                    plan_stretch_limit(entry, segment_bytes)))
            return true;
    }
    return false;
}

static uint64_t limit_of(const struct timeline_path *path, uint32_t segment_bytes, uint32_t tli)
{
    for (size_t i = 0; i < path->count; i++)
        if (path->entries[i].tli == tli)
            return plan_stretch_limit(&path->entries[i], segment_bytes);
    return UINT64_MAX;
}

struct plan_coverage plan_cover(const struct timeline_path *path, uint32_t segment_bytes, uint64_t first,
                                uint64_t last, const struct wal_runs *runs)
{
    struct plan_coverage c = {0};
    uint64_t next = first;

    for (;;) {
        uint32_t tli = timeline_of_segment(path, next, segment_bytes);
        const struct wal_run *run = run_at(runs, tli, next);
        uint64_t limit = limit_of(path, segment_bytes, tli);

        c.missing = next;
        c.missing_tli = tli;
        if (next > last)
            return c;
        if (run == NULL) {
            c.has_gap = has_later(path, segment_bytes, runs, next);
            return c;
        }
        c.any = true;
        c.whole_to = run->last < limit ? run->last : limit - 1;
        c.stored_bytes += run->stored_bytes / (run->last - run->first + 1) * (c.whole_to - next + 1);
        next = c.whole_to + 1;
    }
}

lsn plan_coverage_end(const struct plan_coverage *c, uint32_t segment_bytes)
{
    if (c->any && c->damaged_at != 0)
        return c->damaged_at;
    return walseg_start(c->any ? c->whole_to + 1 : c->missing, segment_bytes);
}

void plan_coverage_cut(struct plan_coverage *c, const struct timeline_path *path, uint32_t segment_bytes,
                       uint64_t first, uint64_t number, lsn at)
{
    c->stored_bytes = c->stored_bytes / (c->whole_to - first + 1) * (number - first + 1);
    c->whole_to = number;
    c->damaged_at = at;
    c->has_gap = true; /* of a full segment there is more: it was written, and can't be read */
    c->missing = number + 1;
    c->missing_tli = timeline_of_segment(path, c->missing, segment_bytes);
}

void plan_coverage_lose(struct plan_coverage *c, const struct timeline_path *path, uint32_t segment_bytes,
                        uint64_t first, uint64_t number)
{
    c->stored_bytes = c->stored_bytes / (c->whole_to - first + 1) * (number - first);
    c->any = number > first;
    c->whole_to = number - 1;
    c->damaged_at = 0;
    c->has_gap = true;
    c->missing = number;
    c->missing_tli = timeline_of_segment(path, number, segment_bytes);
}

void plan_coverage_damage(const struct plan_coverage *c, const struct timeline_path *path,
                          uint32_t segment_bytes, char out[PLAN_DAMAGE_TEXT_MAX])
{
    char position[LSN_TEXT_MAX], name[WALFILE_NAME_MAX];

    lsn_format(c->damaged_at, position);
    walseg_name(timeline_of_segment(path, c->whole_to, segment_bytes), c->whole_to, segment_bytes, name);
    (void) snprintf(out, PLAN_DAMAGE_TEXT_MAX,
                    "WAL is damaged at LSN %s in segment \"%s\", as it was archived", position, name);
}
