/*
 * ops/plan.c - the last step of ops/plan.h: backup, coverage and moment into settings and warnings, or a refusal.
 */
#include "ops/plan.h"

#include "base/timestamp.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAMAGE_TEXT_MAX 160

void plan_clear(struct plan *p)
{
    timeline_clear(&p->path);
    *p = (struct plan){0};
}

static void warn(struct plan *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void warn(struct plan *p, const char *fmt, ...)
{
    va_list args;

    if (p->warning_count == PLAN_WARNINGS_MAX)
        return;
    va_start(args, fmt);
    (void) vsnprintf(p->warnings[p->warning_count++], sizeof(p->warnings[0]), fmt, args);
    va_end(args);
}

static void set(struct plan *p, const char *name, const char *value)
{
    struct plan_setting *s = &p->settings[p->setting_count++];

    (void) snprintf(s->name, sizeof(s->name), "%s", name);
    (void) snprintf(s->value, sizeof(s->value), "%s", value);
}

static void set_lsn(struct plan *p, lsn position, bool inclusive)
{
    char text[LSN_TEXT_MAX];

    lsn_format(position, text);
    set(p, "recovery_target_lsn", text);
    set(p, "recovery_target_inclusive", inclusive ? "on" : "off");
}

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

/* "WAL is damaged at LSN x in segment y, as it was archived" */
static void damage_format(const struct plan *p, const struct plan_coverage *c, char out[DAMAGE_TEXT_MAX])
{
    char position[LSN_TEXT_MAX], name[WALFILE_NAME_MAX];

    lsn_format(c->damaged_at, position);
    walseg_name(timeline_of_segment(&p->path, c->whole_to, p->segment_bytes), c->whole_to, p->segment_bytes,
                name);
    (void) snprintf(out, DAMAGE_TEXT_MAX, "WAL is damaged at LSN %s in segment \"%s\", as it was archived",
                    position, name);
}

static enum err_code refuse_missing(const struct plan *p, const struct plan_facts *f, const char *what,
                                    struct err *e)
{
    char name[WALFILE_NAME_MAX], damage[DAMAGE_TEXT_MAX];

    walseg_name(f->coverage.missing_tli, f->coverage.missing, p->segment_bytes, name);
    damage_format(p, &f->coverage, damage);
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

static enum err_code refuse_unfound(const struct plan *p, struct err *e)
{
    char wish[TIMESTAMP_TEXT_MAX], last[TIMESTAMP_TEXT_MAX] = "unknown";
    char position[LSN_TEXT_MAX];

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
        err_set(e, ERR_REFUSED, "target time %s lies after the last archived transaction, of %s", wish, last);
        return err_hint(e, "--or-latest restores all there is; an earlier time can be reached exactly.");
    case TARGET_XID:
        err_set(e, ERR_REFUSED,
                "transaction %" PRIu32 " did not end in the archived WAL of timeline %" PRIu32
                " behind any backup",
                p->target.xid, p->path.entries[p->path.count - 1].tli);
        return err_hint(e,
                        "A savepoint or exception block has an xid of its own, which a row's xmin may show: "
                        "give that of the transaction around it.");
    default:
        return err_set(e, ERR_REFUSED,
                       "restore point \"%s\" is not in the archived WAL of timeline %" PRIu32
                       " behind any backup",
                       p->target.name, p->path.entries[p->path.count - 1].tli);
    }
}

/*
 * A target that only recovery itself can find, or the end of what there is. A time behind it (--or-latest) is neither: what is
 * archived later may hold the mistake.
 */
static bool is_open_ended(const struct plan *p)
{
    const enum target_kind kind = p->target.kind;

    return kind == TARGET_LATEST || (kind != TARGET_IMMEDIATE && kind != TARGET_LSN && !p->moment.known);
}

/* Where replay will end, as the settings say it; 0 = at the end of what there is, or where PostgreSQL decides. */
static lsn end_of_replay(const struct plan *p)
{
    const struct plan_moment *m = &p->moment;

    if (is_open_ended(p))
        return 0;
    if (p->target.kind == TARGET_LSN)
        return p->target.lsn;
    if (p->target.kind == TARGET_IMMEDIATE || (!m->is_stop_lsn && !m->has_kept))
        return p->backup->stop_lsn;
    return m->is_stop_lsn ? m->stop_lsn : m->kept.start;
}

/* The last byte that is needed for that: a record may go on in the next segment. */
static lsn last_byte(const struct plan *p)
{
    const struct plan_moment *m = &p->moment;

    if (p->target.kind == TARGET_LSN)
        return p->target.lsn;
    if (p->target.kind == TARGET_IMMEDIATE || (!m->is_stop_lsn && !m->has_kept))
        return p->backup->stop_lsn - 1;
    return (m->is_stop_lsn ? m->stop_end : m->kept.end) - 1;
}

static void set_moment(struct plan *p)
{
    const struct plan_moment *m = &p->moment;

    if (m->is_stop_lsn)
        set_lsn(p, m->stop_lsn, true);
    else if (m->has_kept)
        set_lsn(p, m->kept.start, true);
    else
        set(p, "recovery_target", "immediate");
}

/* A time, name or xid that was found in the WAL is an LSN from here on: see facts in docs/ARCHITECTURE.md. */
static void set_wish(struct plan *p)
{
    const struct target *t = &p->target;
    char text[TIMESTAMP_TEXT_MAX];

    switch (t->kind) {
    case TARGET_TIME:
        timestamp_format(t->time_us, text);
        set(p, "recovery_target_time", text);
        break;
    case TARGET_XID:
        (void) snprintf(text, sizeof(text), "%" PRIu32, t->xid);
        set(p, "recovery_target_xid", text);
        break;
    default:
        set(p, "recovery_target_name", t->name);
        return;
    }
    set(p, "recovery_target_inclusive", t->exclusive ? "off" : "on");
}

static void set_target(struct plan *p)
{
    static const char *const actions[] = {
        [ACTION_PAUSE] = "pause", [ACTION_PROMOTE] = "promote", [ACTION_SHUTDOWN] = "shutdown"};
    char tli[16];

    (void) snprintf(tli, sizeof(tli), "%" PRIu32, p->path.entries[p->path.count - 1].tli);
    set(p, "recovery_target_timeline", tli);
    switch (p->target.kind) {
    case TARGET_LATEST:
        return;
    case TARGET_IMMEDIATE:
        set(p, "recovery_target", "immediate");
        break;
    case TARGET_LSN:
        set_lsn(p, p->target.lsn, !p->target.exclusive);
        break;
    default:
        if (p->moment.known)
            set_moment(p);
        else
            set_wish(p);
    }
    set(p, "recovery_target_action", actions[p->target.action]);
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
    char name[WALFILE_NAME_MAX], what[48], text[TIMESTAMP_TEXT_MAX], damage[DAMAGE_TEXT_MAX];

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
    refuse_unfound(p, e);
    damage_format(p, &f->coverage, damage);
    if (f->coverage.damaged_at != 0)
        return err_hint(e, "%s; what lies behind can't be reached.", damage);
    walseg_name(f->coverage.missing_tli, f->coverage.missing, p->segment_bytes, name);
    return err_hint(e, "Segment \"%s\" is missing; what lies behind it can't be reached.", name);
}

static enum err_code check_reach(struct plan *p, const struct plan_facts *f, struct err *e)
{
    const bool searched = p->target.kind != TARGET_LATEST && p->target.kind != TARGET_IMMEDIATE;
    char what[32] = "the target", position[LSN_TEXT_MAX];

    if (check_backup_wal(p, f, e) != ERR_OK || (searched && check_found(p, f, e) != ERR_OK))
        return e->code;
    if (p->target.kind == TARGET_LATEST && f->coverage.has_gap)
        return refuse_gap(p, f, e);
    p->target_lsn = end_of_replay(p);
    p->last_segment = f->coverage.whole_to;
    if (is_open_ended(p))
        return ERR_OK;
    p->last_segment = walseg_number(last_byte(p), p->segment_bytes);
    if (last_byte(p) < plan_coverage_end(&f->coverage, p->segment_bytes))
        return ERR_OK;
    if (p->target.kind == TARGET_LSN) {
        lsn_format(p->target.lsn, position);
        (void) snprintf(what, sizeof(what), "LSN %s", position);
    }
    return refuse_missing(p, f, what, e);
}

/* The same LSNs and times may lie on another branch too. */
static void warn_rivals(struct plan *p, const struct plan_rivals *rivals)
{
    char begin[LSN_TEXT_MAX], first[TIMESTAMP_TEXT_MAX], last[TIMESTAMP_TEXT_MAX];

    for (size_t i = 0; i < rivals->count && p->target.kind != TARGET_IMMEDIATE; i++) {
        const struct plan_rival *r = &rivals->list[i];

        lsn_format(r->begin, begin);
        if (r->is_unplaced) {
            warn(p,
                 "timeline %" PRIu32
                 " has WAL but no history file, so where it begins is not known; it was not looked at",
                 r->tli);
        } else if (r->holds_target && p->target.kind == TARGET_TIME) {
            timestamp_format(r->first_us, first);
            timestamp_format(r->last_us, last);
            warn(p,
                 "the target time lies on timeline %" PRIu32
                 " too, whose transactions behind LSN %s are of %s to %s; "
                 "--target-timeline %" PRIu32 " restores that branch",
                 r->tli, begin, first, last, r->tli);
        } else if (r->holds_target) {
            warn(p,
                 "the target lies on timeline %" PRIu32 " too, which goes its own way behind LSN %s; "
                 "--target-timeline %" PRIu32 " restores that branch",
                 r->tli, begin, r->tli);
        } else if (r->is_ancestor) {
            warn(p,
                 "timeline %" PRIu32
                 " goes on behind LSN %s, where this path leaves it; --target-timeline %" PRIu32
                 " restores that branch",
                 r->tli, begin, r->tli);
        }
    }
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

/* A clock that was set back shows the same time twice. */
static void warn_of_clock(struct plan *p, const struct backup_info *unreached)
{
    const struct plan_moment *m = &p->moment;
    char from[TIMESTAMP_TEXT_MAX], to[TIMESTAMP_TEXT_MAX], position[LSN_TEXT_MAX];

    if (m->is_estimate)
        warn(
            p,
            "the archiver's record is broken too often, or the server's clock was set back too far, to prove "
            "that no transaction before the one found is past the target time");
    if (m->is_again) {
        timestamp_format(m->again_from_us, from);
        timestamp_format(m->again_to_us, to);
        lsn_format(m->again_lsn, position);
        warn(p,
             "the target time lies twice in this WAL, for the server's clock went back from %s to %s near "
             "LSN %s; this "
             "plan ends before that",
             from, to, position);
    }
    if (m->reached && unreached != NULL && unreached->stop_lsn > p->target_lsn) {
        timestamp_format(unreached->stop_us, from);
        lsn_format(unreached->stop_lsn, position);
        warn(p,
             "the server's clock was set back: backup %s ended at %s, before the target time, but at LSN %s, "
             "behind "
             "where this plan ends",
             unreached->id, from, position);
    }
}

static void add_warnings(struct plan *p, const struct plan_facts *f)
{
    char name[WALFILE_NAME_MAX], damage[DAMAGE_TEXT_MAX];

    if (f->coverage.damaged_at != 0) {
        damage_format(p, &f->coverage, damage);
        warn(p, "%s; nothing behind it can be reached from this backup", damage);
    } else if (f->coverage.has_gap) {
        walseg_name(f->coverage.missing_tli, f->coverage.missing, p->segment_bytes, name);
        warn(p, "segment \"%s\" is missing; nothing behind it can be reached from this backup", name);
    }
    if (!p->moment.known && p->target.kind != TARGET_LATEST && p->target.kind != TARGET_LSN &&
        p->target.kind != TARGET_IMMEDIATE)
        warn(p, "the WAL could not be searched for the target, so whether it is reachable shows only in "
                "recovery");
    if (p->moment.known && !p->moment.reached && p->target.kind == TARGET_TIME)
        warn(p, "the target time lies after the last archived transaction; what is archived by now will be "
                "restored, up to the last transaction");
    warn_of_clock(p, f->unreached);
    if (f->coverage.is_recorded)
        warn(p,
             "that all %" PRIu64
             " segments are there is what the archiver has recorded; a restore lists them first",
             p->wal_segments);
    if (f->coverage.is_unseen)
        warn(p, "whether WAL was damaged when it was archived was not looked at everywhere: the descriptors "
                "of the archiver's runs don't tell");
    if (p->backup->settings.max_prepared_xacts > 0 && p->target.kind != TARGET_IMMEDIATE)
        warn(p,
             "the server has max_prepared_transactions = %d: transactions that are prepared and not ended at "
             "the target stay "
             "open in the restored cluster (%u seen in the WAL read for this plan; pg_prepared_xacts shows "
             "all)",
             p->backup->settings.max_prepared_xacts, p->moment.prepared);
    warn_rivals(p, &f->rivals);
}

enum err_code plan_settle(const struct target *t, const struct plan_facts *f, struct plan *p, struct err *e)
{
    const struct backup_info *b = f->backup;

    *p = (struct plan){.target = *t,
                       .backup = b,
                       .start_lsn = b->start_lsn,
                       .segment_bytes = b->segment_bytes,
                       .first_segment = walseg_number(b->start_lsn, b->segment_bytes),
                       .moment = f->moment};
    if (timeline_copy(f->path, &p->path, e) != ERR_OK)
        return e->code;
    if (check_reach(p, f, e) != ERR_OK) {
        hint_rivals(&f->rivals, e);
        plan_clear(p);
        return e->code;
    }
    p->end_of_archive = plan_coverage_end(&f->coverage, p->segment_bytes);
    p->damaged_at = f->coverage.damaged_at;
    p->wal_segments = p->last_segment - p->first_segment + 1;
    p->wal_stored_bytes =
        f->coverage.stored_bytes / (f->coverage.whole_to - p->first_segment + 1) * p->wal_segments;
    p->is_recorded = f->coverage.is_recorded;
    set_target(p);
    add_warnings(p, f);
    return ERR_OK;
}
