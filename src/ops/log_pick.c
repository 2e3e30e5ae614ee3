/*
 * ops/log_pick.c - see ops/log_pick.h.
 *
 *   from the end of the range backwards, the descriptor of a segment:
 *     it holds one itself                      pick it, and the one behind it if its record goes on there
 *     it does not tell, or its WAL ends early  pick it and the one behind it: a record may go on there
 *     missing, damaged                         pick it: reading will tell
 *   and on to the newest one in the run before it, or, if there is none, to before the run; what is passed over and
 *   is not told to be there is listed, unless all is
 */
#include "ops/log_pick.h"

#include "ops/plan_reach.h"

#include <stdlib.h>
#include <string.h>

void log_picks_clear(struct log_picks *p)
{
    free(p->list);
    *p = (struct log_picks){.list = NULL};
}

static enum err_code add(struct log_picks *p, uint64_t number, struct err *e)
{
    if (p->count == p->room) {
        size_t room = p->room > 0 ? p->room * 2 : 64;
        uint64_t *list = reallocarray(p->list, room, sizeof(*list));

        if (list == NULL)
            return err_nomem(e, "segments to read");
        p->list = list;
        p->room = room;
    }
    p->list[p->count++] = number;
    return ERR_OK;
}

/* ---- holes ---- */

/* In [first, last]. */
static enum err_code find_holes(const struct log_source *s, uint64_t first, uint64_t last,
                                struct log_picks *holes, struct err *e)
{
    uint64_t at = first;

    while (at <= last) {
        struct plan_coverage c;
        uint64_t missing;

        if (plan_reach_list(&s->place, &s->path, at, last, &c, e) != ERR_OK)
            return e->code;
        missing = c.any ? c.whole_to + 1 : at;
        if (missing > last)
            return ERR_OK;
        if (add(holes, missing, e) != ERR_OK || log_source_next(s, missing, &at, e) != ERR_OK)
            return e->code;
        at = at > missing ? at : missing + 1;
    }
    return ERR_OK;
}

/* The first segment of the hole that this one lies in, as far as holes are known. */
static uint64_t hole_begin(const struct log_picks *holes, uint64_t number)
{
    uint64_t begin = number;

    for (size_t i = 0; i < holes->count && holes->list[i] <= number; i++)
        begin = holes->list[i];
    return begin;
}

/* ---- descriptors ---- */

static lsn newest(const struct log_wish *wish, lsn loss, lsn point)
{
    lsn a = wish->losses ? loss : 0, b = wish->points ? point : 0;

    return a > b ? a : b;
}

/* Does WAL end in it for no good reason? What lies behind can't be in its counts. */
static bool ends_early(const struct log_source *s, uint64_t number, const struct wal_facts *f)
{
    return wal_facts_ends_early(f) && number < s->last;
}

/* What the segment itself has to be read for, with the one behind it if a record may go on there. */
static enum err_code pick(const struct log_source *s, const struct log_range *r, const struct log_wish *wish,
                          uint64_t number, const struct wal_facts *f, struct log_picks *out, struct err *e)
{
    const bool is_told = f->has_marks && !ends_early(s, number, f);
    const lsn own = newest(wish, f->loss_lsn, f->point_lsn);

    if (is_told && own == 0)
        return ERR_OK;
    if (number < r->last && (!is_told || own > f->last_lsn) && add(out, number + 1, e) != ERR_OK)
        return e->code;
    return add(out, number, e);
}

/* Where to look next: nothing lies between there and this segment. */
static uint64_t step_back(const struct log_wish *wish, uint64_t number, const struct wal_facts *f)
{
    const lsn in_run = newest(wish, f->run_loss, f->run_point);
    const lsn own = newest(wish, f->loss_lsn, f->point_lsn);
    uint64_t next = number - 1;

    if (!f->has_marks || own != 0)
        return next;
    if (in_run != 0)
        return walseg_number(in_run, f->segment_bytes);
    next = wal_facts_run_first(f);
    return next > 0 ? next - 1 : 0;
}

struct looking {
    const struct log_source *s;
    const struct log_range *r;
    const struct log_wish *wish;
    bool is_listed; /* all of the range is, and these are its holes */
    struct log_picks holes;
};

/* The look goes on at `next`: what lies between, and may have been on its way only, is looked for. */
static enum err_code pass_over(const struct looking *k, uint64_t number, const struct wal_facts *f,
                               uint64_t next, struct log_picks *out, struct err *e)
{
    const uint64_t untold = wal_facts_run_limit(f);
    uint64_t first = untold > next ? untold : next + 1;

    first = first > k->r->first ? first : k->r->first;
    if (k->is_listed || first >= number)
        return ERR_OK;
    return find_holes(k->s, first, number - 1, out, e);
}

static enum err_code look_at(const struct looking *k, uint64_t *number, struct log_picks *out, struct err *e)
{
    struct err why = ERR_NONE;
    struct wal_facts f;
    uint64_t at = *number;

    if (log_source_facts(k->s, at, &f, &why) == ERR_OK) {
        *number = step_back(k->wish, at, &f);
        return pass_over(k, at, &f, *number, out, e) == ERR_OK ? pick(k->s, k->r, k->wish, at, &f, out, e)
                                                               : e->code;
    }
    if (why.code != ERR_ABSENT && why.code != ERR_CORRUPT) {
        *e = why;
        return why.code;
    }
    if (why.code == ERR_ABSENT)
        at = hole_begin(&k->holes, at);
    *number = at - 1;
    return add(out, at, e);
}

static int compare(const void *a, const void *b)
{
    uint64_t one = *(const uint64_t *) a, other = *(const uint64_t *) b;

    return one < other ? -1 : one > other;
}

static void sort(struct log_picks *p)
{
    size_t kept = 0;

    if (p->count > 0)
        qsort(p->list, p->count, sizeof(*p->list), compare);
    for (size_t i = 0; i < p->count; i++)
        if (kept == 0 || p->list[i] != p->list[kept - 1])
            p->list[kept++] = p->list[i];
    p->count = kept;
}

static void looking_clear(struct looking *k)
{
    log_picks_clear(&k->holes);
}

enum err_code log_pick_find(const struct log_source *s, const struct log_range *r,
                            const struct log_wish *wish, struct log_picks *out, struct err *e)
{
    CLEANUP(looking_clear) struct looking k = {.s = s, .r = r, .wish = wish};
    uint64_t number = r->last;

    *out = (struct log_picks){.list = NULL};
    if (r->first > r->last)
        return ERR_OK;
    k.is_listed = r->last - r->first < PLAN_LIST_MAX;
    if (k.is_listed && find_holes(s, r->first, r->last, &k.holes, e) != ERR_OK)
        return e->code;
    while (number >= r->first && number > 0)
        if (look_at(&k, &number, out, e) != ERR_OK)
            return e->code;
    for (size_t i = 0; i < k.holes.count; i++)
        if (add(out, k.holes.list[i], e) != ERR_OK)
            return e->code;
    sort(out);
    return ERR_OK;
}
