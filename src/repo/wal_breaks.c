/*
 * repo/wal_breaks.c - see repo/wal_breaks.h.
 */
#include "repo/wal_breaks.h"

#include "base/grow.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>

#define LIST_PAGE 1000 /* what an S3 store lists in one request */

void wal_breaks_clear(struct wal_breaks *b)
{
    free(b->list);
    free(b->untold);
    *b = (struct wal_breaks){.count = 0};
}

/* Met backwards, told forwards: before those of the same stretch, which begin at `from`. */
static enum err_code insert(struct wal_breaks *b, size_t from, const struct wal_break *met, struct err *e)
{
    struct wal_break *grown = realloc(b->list, (b->count + 1) * sizeof(*grown));

    if (grown == NULL)
        return err_nomem(e, "a list of damaged segments");
    memmove(&grown[from + 1], &grown[from], (b->count - from) * sizeof(*grown));
    grown[from] = *met;
    b->list = grown;
    b->count++;
    return ERR_OK;
}

/*
 * The segments from where the run of these facts was acknowledged to up to this one, as far as they are behind
 * `first`. Those of two runs that a listing would have on one page are told as one.
 */
static enum err_code add_untold(struct wal_breaks *b, const struct wal_facts *f, uint64_t first,
                                uint64_t number, struct err *e)
{
    const uint64_t limit = wal_facts_run_limit(f), from = limit > first ? limit : first;
    struct wal_untold *behind = b->untold_count > 0 ? &b->untold[b->untold_count - 1] : NULL;

    if (from >= number)
        return ERR_OK;
    if (behind != NULL && behind->tli == f->timeline && behind->first >= number &&
        behind->last - from < LIST_PAGE) {
        behind->first = from;
        return ERR_OK;
    }
    if (grow(&b->untold, b->untold_count, &b->untold_room, sizeof(*b->untold), "a list of segments", e) !=
        ERR_OK)
        return e->code;
    b->untold[b->untold_count++] = (struct wal_untold){f->timeline, from, number - 1};
    return ERR_OK;
}

/* The facts of the last segment of a run; *known is false when its descriptor is no help. */
static enum err_code read_last(const struct wal_place *w, uint32_t tli, uint64_t number, struct wal_facts *f,
                               bool *known, struct err *e)
{
    struct err why = ERR_NONE;

    *known = wal_object_facts(w, tli, number, f, &why) == ERR_OK;
    if (*known)
        return ERR_OK;
    if (why.code != ERR_ABSENT && why.code != ERR_CORRUPT) {
        *e = why;
        return why.code;
    }
    log_debug("%s, ignoring", why.text);
    return ERR_OK;
}

enum err_code wal_breaks_add(const struct wal_place *w, uint32_t tli, uint64_t first, uint64_t last,
                             unsigned *most, struct wal_breaks *out, struct err *e)
{
    const size_t from = out->count;
    uint64_t number = last, run = last;

    for (; number >= first && *most > 0; number = run - 1) {
        struct wal_facts f;
        bool known;

        if (read_last(w, tli, number, &f, &known, e) != ERR_OK)
            return e->code;
        --*most;
        if (known && f.is_damaged &&
            insert(out, from, &(struct wal_break){tli, number, f.end_lsn}, e) != ERR_OK)
            return e->code;
        if (known && add_untold(out, &f, first, number, e) != ERR_OK)
            return e->code;
        out->is_partial = out->is_partial || !known || !f.has_records;
        run = known ? wal_facts_run_first(&f) : number;
        if (run <= first)
            return ERR_OK;
    }
    out->is_partial = out->is_partial || number >= first;
    return ERR_OK;
}

const struct wal_break *wal_breaks_in(const struct wal_breaks *b, uint32_t tli, uint64_t first, uint64_t last)
{
    for (size_t i = 0; i < b->count; i++)
        if (b->list[i].tli == tli && b->list[i].number >= first && b->list[i].number <= last)
            return &b->list[i];
    return NULL;
}
