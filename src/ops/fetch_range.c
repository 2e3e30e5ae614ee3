/*
 * ops/fetch_range.c - see ops/fetch_range.h.
 *
 * A repository that lists nothing beyond may still be behind another that has more; those segments are fetched one by
 * one by the calls, as without a window.
 */
#include "ops/fetch_range.h"

#include "repo/wal_index.h"

static uint32_t owner(const struct fetch_request *q, uint32_t tli, uint64_t number)
{
    return q->path.count > 0 ? timeline_of_segment(&q->path, number, q->control.segment_bytes) : tli;
}

struct walfile fetch_range_file(const struct fetch_range *r, const struct fetch_request *q, uint64_t number)
{
    return walseg_file(owner(q, r->tli, number), number, q->control.segment_bytes);
}

bool fetch_range_is_done(const struct fetch_range *r, const struct fetch_request *q, uint64_t at)
{
    return q->has_until && at >= r->last;
}

/* The listing is stale: of another timeline, behind us, full and used up, or of an archive that may have grown. */
static bool is_known(const struct fetch_range *r, uint32_t tli, uint64_t at)
{
    const bool was_full = r->last >= r->listed_from + FETCH_RANGE_LISTED;

    if (r->tli != tli || at < r->listed_from)
        return false;
    return at < r->last || (!was_full && at < r->listed_from + FETCH_RANGE_AGAIN);
}

static enum err_code list(struct fetch_range *r, const struct fetch_request *q, struct cluster *c,
                          uint64_t at, struct err *e)
{
    struct wal_runs runs = {.list = NULL};
    struct err why = {.code = ERR_UNREACHABLE, .text = "there is no repository"};

    for (size_t i = 0; i < c->repo_count; i++) {
        why = ERR_NONE;
        if (wal_runs_read(c->repos[i], &q->layout, r->tli, at + 1, at + FETCH_RANGE_LISTED,
                          q->control.segment_bytes, &runs, &why) == ERR_OK)
            break;
    }
    if (why.code != ERR_OK) {
        *e = why;
        return err_while(e, "listing what follows");
    }
    r->last = runs.count > 0 && runs.list[0].first == at + 1 ? runs.list[0].last : at;
    wal_runs_clear(&runs);
    return ERR_OK;
}

enum err_code fetch_range_settle(struct fetch_range *r, const struct fetch_request *q, struct cluster *c,
                                 uint32_t tli, uint64_t at, struct err *e)
{
    if (q->has_until) {
        r->tli = tli;
        return walseg_of_file(&q->until, q->control.segment_bytes, &r->last, e);
    }
    if (is_known(r, tli, at))
        return ERR_OK;
    *r = (struct fetch_range){.tli = tli, .last = at, .listed_from = at};
    if (list(r, q, c, at, e) != ERR_OK)
        return e->code;
    while (r->last > at && owner(q, tli, r->last) != tli)
        r->last--;
    return ERR_OK;
}
