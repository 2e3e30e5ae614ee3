/*
 * ops/plan_elsewhere.c - see ops/plan_elsewhere.h.
 *
 * From run to run backwards, by the newest time of each, until a segment is missing and nothing is stored before it.
 */
#include "ops/plan_elsewhere.h"

#include "ops/wal_times.h"
#include "repo/wal_edge.h"

#define RUNS_MAX 16

/* Is anything of the path stored before this segment? */
static enum err_code has_before(const struct wal_place *w, const struct timeline_path *path, uint64_t number,
                                bool *any, struct err *e)
{
    *any = false;
    for (size_t i = 0; i < path->count && !*any; i++) {
        const uint64_t begin = walseg_number(path->entries[i].begin, w->segment_bytes);
        uint64_t first;

        if (begin >= number)
            break;
        if (wal_edge_first(w, path->entries[i].tli, begin, any, &first, e) != ERR_OK)
            return e->code;
        *any = *any && first < number;
    }
    return ERR_OK;
}

/* Is it told that no transaction of this run is past the time? Into one that is not the last a record may go on. */
static bool is_clear(const struct target *t, const struct wal_facts *f, bool is_last)
{
    return f->has_records && (is_last || !wal_times_goes_on(f)) &&
           !(f->run_has_max && wal_times_is_past(t, f->run_max_us));
}

enum err_code plan_was_never_past(const struct wal_place *w, const struct timeline_path *path,
                                  const struct target *t, uint64_t last, bool *proven, struct err *e)
{
    const struct wal_stretch s = {.place = w, .path = path};
    uint64_t number = last;

    *proven = false;
    for (unsigned runs = 0; runs < RUNS_MAX; runs++) {
        struct wal_facts f;
        struct err why = ERR_NONE;
        bool any = false;

        if (number > 0 && wal_times_facts(&s, number, &f, &why) == ERR_OK) {
            if (!is_clear(t, &f, number == last))
                return ERR_OK;
            number = wal_facts_run_first(&f) - 1;
            continue;
        }
        if (why.code != ERR_OK && why.code != ERR_ABSENT) {
            *e = why;
            return why.code;
        }
        if (has_before(w, path, number, &any, e) != ERR_OK)
            return e->code;
        *proven = !any;
        return ERR_OK;
    }
    return ERR_OK;
}
