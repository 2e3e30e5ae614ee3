/*
 * ops/plan_refuse.c - see ops/plan_refuse.h.
 *
 * The backup's own WAL first, then what the search found, then how far the WAL is whole: a plan that fails for several
 * reasons is refused for the one that says most.
 */
#include "ops/plan_refuse.h"

#include "base/timestamp.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LOOKED_TEXT_MAX 80
#define WISH_TEXT_MAX   96 /* a restore point's name has 63 bytes */

/* Up to where this backup leads, by LSN and by the last transaction, and where it goes on behind what is missing. */
static enum err_code hint_nearest(const struct plan *p, const struct plan_facts *f, struct err *e)
{
    char reach[LSN_TEXT_MAX], last[TIMESTAMP_TEXT_MAX + 32] = "", again[TIMESTAMP_TEXT_MAX], behind[160] = "";
    char time[TIMESTAMP_TEXT_MAX], position[LSN_TEXT_MAX];

    lsn_format(f->coverage.any ? plan_coverage_end(&f->coverage, p->segment_bytes) : p->start_lsn, reach);
    if (p->moment.last_us != 0) {
        timestamp_format(p->moment.last_us, time);
        (void) snprintf(last, sizeof(last), " (last transaction %s)", time);
    }
    if (f->later != NULL) {
        timestamp_format(f->later->stop_us, again);
        lsn_format(f->later->stop_lsn, position);
        (void) snprintf(behind, sizeof(behind), "; the next moment is %s (LSN %s), the end of backup %s",
                        again, position, f->later->id);
    }
    return err_hint(e, "From backup %s everything up to LSN %s%s can be restored%s.", p->backup->id, reach,
                    last, behind);
}

static enum err_code refuse_missing(const struct plan *p, const struct plan_facts *f, const char *what,
                                    struct err *e)
{
    char name[WALFILE_NAME_MAX], damage[PLAN_DAMAGE_TEXT_MAX];

    walseg_name(f->coverage.missing_tli, f->coverage.missing, p->segment_bytes, name);
    plan_coverage_damage(&f->coverage, &p->path, p->segment_bytes, damage);
    if (f->coverage.damaged_at != 0)
        err_set(e, ERR_REFUSED, "%s can't be reached: %s", what, damage);
    else if (f->coverage.has_gap)
        err_set(e, ERR_REFUSED, "%s can't be reached: segment \"%s\" is missing, with later ones present",
                what, name);
    else
        err_set(e, ERR_REFUSED, "%s can't be reached: archived WAL ends before segment \"%s\"", what, name);
    return hint_nearest(p, f, e);
}

/* A backup whose own WAL is not whole restores nothing. */
static enum err_code check_backup_wal(const struct plan *p, const struct plan_facts *f, struct err *e)
{
    char what[64];

    if (f->coverage.any && plan_coverage_end(&f->coverage, p->segment_bytes) >= p->backup->stop_lsn)
        return ERR_OK;
    (void) snprintf(what, sizeof(what), "the end of backup %s", p->backup->id);
    refuse_missing(p, f, what, e);
    return err_hint(e, "This backup can't be made consistent. Name another one with --backup.");
}

/* Where a name or an xid was looked for. */
static void format_looked(const struct plan *p, char out[LOOKED_TEXT_MAX])
{
    const uint32_t tli = p->path.entries[p->path.count - 1].tli;

    if (p->target.backup_id != NULL)
        (void) snprintf(out, LOOKED_TEXT_MAX, "of timeline %" PRIu32 " behind backup %s", tli, p->backup->id);
    else
        (void) snprintf(out, LOOKED_TEXT_MAX, "of timeline %" PRIu32 " behind any backup", tli);
}

static enum err_code refuse_unfound(const struct plan *p, struct err *e)
{
    char wish[TIMESTAMP_TEXT_MAX], last[TIMESTAMP_TEXT_MAX] = "unknown";
    char position[LSN_TEXT_MAX], looked[LOOKED_TEXT_MAX];

    format_looked(p, looked);
    switch (p->target.kind) {
    case TARGET_LSN:
        lsn_format(p->target.lsn, position);
        err_set(e, ERR_REFUSED,
                "no record at or behind LSN %s is archived, so recovery would not know that it has got there",
                position);
        if (p->moment.last_lsn == 0)
            return e->code;
        lsn_format(p->moment.last_lsn, position);
        return err_hint(e, "The last archived record begins at %s.", position);
    case TARGET_TIME:
        timestamp_format(p->target.time_us, wish);
        if (p->moment.last_us == 0) {
            err_set(
                e, ERR_REFUSED,
                "no transaction is archived between backup %s and the end of WAL, so %s can't be told apart "
                "from the end",
                p->backup->id, wish);
            return err_hint(e, "--or-latest restores all there is.");
        }
        timestamp_format(p->moment.last_us, last);
        err_set(e, ERR_REFUSED, "no transaction behind the target time %s is archived: the last one is of %s",
                wish, last);
        return err_hint(e, "--or-latest restores all there is; an earlier time can be reached exactly.");
    case TARGET_XID:
        err_set(e, ERR_REFUSED, "transaction %" PRIu32 " did not end in the archived WAL %s", p->target.xid,
                looked);
        if (p->target.backup_id != NULL)
            return err_hint(e, "Without --backup it is looked for behind earlier backups, too.");
        return err_hint(e,
                        "A savepoint or exception block has an xid of its own, which a row's xmin may show: "
                        "give that of the transaction around it.");
    default:
        err_set(e, ERR_REFUSED, "restore point \"%s\" is not in the archived WAL %s", p->target.name, looked);
        if (p->target.backup_id != NULL)
            return err_hint(e, "Without --backup it is looked for behind earlier backups, too.");
        return e->code;
    }
}

/* Nor is it known whether it lies behind the gap or the damage. */
static enum err_code refuse_unfound_before(const struct plan *p, const struct plan_facts *f, struct err *e)
{
    char what[WISH_TEXT_MAX], position[LSN_TEXT_MAX], name[WALFILE_NAME_MAX], damage[PLAN_DAMAGE_TEXT_MAX];

    lsn_format(p->target.lsn, position);
    if (p->target.kind == TARGET_LSN)
        (void) snprintf(what, sizeof(what), "a record at or behind LSN %s", position);
    else if (p->target.kind == TARGET_XID)
        (void) snprintf(what, sizeof(what), "transaction %" PRIu32, p->target.xid);
    else
        (void) snprintf(what, sizeof(what), "restore point \"%s\"", p->target.name);
    walseg_name(f->coverage.missing_tli, f->coverage.missing, p->segment_bytes, name);
    plan_coverage_damage(&f->coverage, &p->path, p->segment_bytes, damage);
    if (f->coverage.damaged_at != 0)
        err_set(e, ERR_REFUSED, "%s was not found before the damage: %s", what, damage);
    else
        err_set(e, ERR_REFUSED,
                "%s was not found before segment \"%s\", which is missing, with later ones present", what,
                name);
    return hint_nearest(p, f, e);
}

/* A gap means that what is there ends early: it is the end only for who says so with --or-latest. */
static enum err_code refuse_gap(const struct plan *p, const struct plan_facts *f, struct err *e)
{
    char reach[LSN_TEXT_MAX];

    refuse_missing(p, f, "the end of the archived WAL", e);
    lsn_format(plan_coverage_end(&f->coverage, p->segment_bytes), reach);
    return err_hint(
        e,
        "From backup %s everything up to LSN %s can be restored: name a target before it, or a time "
        "behind it with --or-latest.",
        p->backup->id, reach);
}

/* The search went to where the WAL is whole. What it did not find may lie behind a gap. */
static enum err_code check_found(const struct plan *p, const struct plan_facts *f, struct err *e)
{
    const struct target *t = &p->target;
    char what[48], text[TIMESTAMP_TEXT_MAX];

    if (!p->moment.known || p->moment.reached || (t->kind == TARGET_TIME && t->or_latest))
        return ERR_OK;
    if (t->kind == TARGET_LSN && t->lsn >= plan_coverage_end(&f->coverage, p->segment_bytes))
        return ERR_OK; /* the reach decides */
    if (!f->coverage.has_gap)
        return refuse_unfound(p, e);
    if (t->kind == TARGET_TIME) {
        timestamp_format(t->time_us, text);
        (void) snprintf(what, sizeof(what), "%s", text);
        return refuse_missing(p, f, what, e);
    }
    return refuse_unfound_before(p, f, e);
}

static enum err_code check_reach(const struct plan *p, const struct plan_facts *f, lsn last_byte,
                                 struct err *e)
{
    const bool searched = p->target.kind != TARGET_LATEST && p->target.kind != TARGET_IMMEDIATE;
    char what[32] = "the target", position[LSN_TEXT_MAX];

    if (check_backup_wal(p, f, e) != ERR_OK || (searched && check_found(p, f, e) != ERR_OK))
        return e->code;
    if (p->target.kind == TARGET_LATEST && f->coverage.has_gap)
        return refuse_gap(p, f, e);
    if (last_byte < plan_coverage_end(&f->coverage, p->segment_bytes))
        return ERR_OK;
    if (p->target.kind == TARGET_LSN) {
        lsn_format(p->target.lsn, position);
        (void) snprintf(what, sizeof(what), "LSN %s", position);
    }
    return refuse_missing(p, f, what, e);
}

/* A refusal says so too: what is out of reach on this path may lie on another. */
static void hint_rivals(const struct plan_rivals *rivals, struct err *e)
{
    char before[ERR_HINT_MAX];

    for (size_t i = 0; i < rivals->count; i++) {
        const struct plan_rival *r = &rivals->list[i];

        if (!r->is_ancestor && !r->holds_target)
            continue;
        memcpy(before, e->hint, sizeof(before));
        (void) err_hint(e, "Timeline %" PRIu32 " %s: --target-timeline %" PRIu32 " looks there. %.200s",
                        r->tli, r->holds_target ? "has that moment" : "goes on where this path leaves it",
                        r->tli, before);
        return;
    }
}

enum err_code plan_check(const struct plan *p, const struct plan_facts *f, lsn last_byte, struct err *e)
{
    if (check_reach(p, f, last_byte, e) == ERR_OK)
        return ERR_OK;
    hint_rivals(&f->rivals, e);
    return e->code;
}
