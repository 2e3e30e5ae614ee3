/*
 * ops/log_read.c - see ops/log_read.h.
 */
#include "ops/log_read.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- what can't be read ---- */

static void name_of(const struct log_read *r, uint64_t number, char name[WALFILE_NAME_MAX])
{
    walseg_name(log_source_timeline(r->source, number), number, r->source->place.segment_bytes, name);
}

/* A hole that lies wholly before the range only makes the reading begin anew. */
static enum err_code tell_hole(struct log_read *r, uint64_t first, uint64_t last, const char *damage,
                               struct err *e)
{
    struct log_hole hole = {.damage = damage};
    uint64_t *count = damage == NULL ? &r->missing : &r->damaged;
    const uint64_t from = r->range->first > r->told_to ? r->range->first : r->told_to;

    log_read_break(r);
    if (last < from)
        return ERR_OK;
    r->told_to = last + 1;
    first = first > from ? first : from;
    hole.segments = last - first + 1;
    name_of(r, first, hole.first);
    name_of(r, last, hole.last);
    if (*count == 0)
        memcpy(damage == NULL ? r->first_missing : r->first_damaged, hole.first, sizeof(hole.first));
    *count += hole.segments;
    return r->calls.hole(r->calls.arg, &hole, e);
}

static enum err_code pass_gap(struct log_read *r, uint64_t *number, struct err *e)
{
    uint64_t next, first = *number;

    if (log_source_next(r->source, first, &next, e) != ERR_OK)
        return e->code;
    next = next <= r->range->last ? next : r->range->last + 1;
    if (next == first)
        return ERR_OK; /* it came while we looked: read it */
    *number = next;
    return tell_hole(r, first, next - 1, NULL, e);
}

static enum err_code pass_damage(struct log_read *r, uint64_t *number, const char *damage, struct err *e)
{
    uint64_t damaged = (*number)++;

    return tell_hole(r, damaged, damaged, damage, e);
}

static enum err_code pass_end(struct log_read *r, uint64_t *number, struct err *e)
{
    char damage[64], end[LSN_TEXT_MAX];

    lsn_format(walscan_end(r->scan), end);
    (void) snprintf(damage, sizeof(damage), "WAL is not valid behind LSN %s", end);
    return pass_damage(r, number, damage, e);
}

/* ---- reading ---- */

void log_read_break(struct log_read *r)
{
    walscan_freep(&r->scan);
}

static enum err_code begin_stretch(struct log_read *r, uint64_t number, struct err *e)
{
    const uint32_t bytes = r->source->place.segment_bytes;
    const lsn start = walseg_start(number, bytes);

    r->calls.begin(r->calls.arg, start);
    return walscan_new(bytes, start, r->calls.event, r->calls.arg, &r->scan, e);
}

static enum err_code deny(const struct log_read *r, uint64_t number, struct err *e)
{
    struct wal_facts f;
    struct err ignored = ERR_NONE;

    if (e->code == ERR_DENIED && log_source_facts(r->source, number, &f, &ignored) == ERR_OK)
        (void) err_hint(e, "%s",
                        "Reading WAL takes the secret key: set identity-file, or run this where the key is.");
    return e->code;
}

enum err_code log_read_segment(struct log_read *r, uint64_t *number, struct err *e)
{
    const uint32_t tli = log_source_timeline(r->source, *number);
    struct err why = ERR_NONE;

    if (r->scan == NULL && begin_stretch(r, *number, e) != ERR_OK)
        return e->code;
    if (wal_object_scan(&r->source->place, tli, *number, r->scan, &why) != ERR_OK) {
        if (why.code == ERR_ABSENT)
            return pass_gap(r, number, e);
        if (why.code == ERR_CORRUPT)
            return pass_damage(r, number, why.text, e);
        *e = why;
        return deny(r, *number, e);
    }
    if (walscan_is_ended(r->scan) && *number < r->source->last)
        return pass_end(r, number, e);
    (*number)++;
    return ERR_OK;
}

enum err_code log_read_judge(const struct log_read *r, struct err *e)
{
    if (r->damaged > 0)
        return err_set(e, ERR_CORRUPT, "%" PRIu64 " damaged segment%s could not be read, the first is \"%s\"",
                       r->damaged, r->damaged == 1 ? "" : "s", r->first_damaged);
    if (r->missing > 0)
        return err_set(e, ERR_REFUSED, "%" PRIu64 " segment%s %s missing, the first is \"%s\"", r->missing,
                       r->missing == 1 ? "" : "s", r->missing == 1 ? "is" : "are", r->first_missing);
    return ERR_OK;
}
