/*
 * ops/plan_warn.c - see ops/plan_warn.h.
 */
#include "ops/plan_warn.h"

#include "base/timestamp.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

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

void plan_warn(struct plan *p, const struct plan_facts *f)
{
    char name[WALFILE_NAME_MAX], damage[PLAN_DAMAGE_TEXT_MAX];

    if (f->coverage.damaged_at != 0) {
        plan_coverage_damage(&f->coverage, &p->path, p->segment_bytes, damage);
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
