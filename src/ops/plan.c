/*
 * ops/plan.c - the last step of ops/plan.h: backup, coverage and moment into a range of WAL and recovery settings.
 * Whether that can be done is ops/plan_refuse.c, what is to be told of it ops/plan_warn.c.
 */
#include "ops/plan.h"

#include "base/timestamp.h"
#include "ops/plan_refuse.h"
#include "ops/plan_warn.h"

#include <inttypes.h>
#include <stdio.h>

void plan_clear(struct plan *p)
{
    timeline_clear(&p->path);
    *p = (struct plan){0};
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

/*
 * A target that only recovery itself can find, or the end of what there is. A time behind it (--or-latest) is neither:
 * what is archived later may hold the mistake.
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

/* A time, name or xid that was found in the WAL is an LSN from here on: see "Decisions" in docs/ARCHITECTURE.md. */
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

/* One that only recovery itself can find goes to it as it was asked for. */
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

/* Where replay ends, and the WAL it takes. The last byte of that; 0 = what there is. */
static lsn set_reach(struct plan *p, const struct plan_coverage *c)
{
    p->target_lsn = end_of_replay(p);
    p->last_segment = c->whole_to;
    if (is_open_ended(p))
        return 0;
    p->last_segment = walseg_number(last_byte(p), p->segment_bytes);
    return last_byte(p);
}

enum err_code plan_settle(const struct target *t, const struct plan_facts *f, struct plan *p, struct err *e)
{
    const struct backup_info *b = f->backup;
    lsn needed_to;

    *p = (struct plan){.target = *t,
                       .backup = b,
                       .start_lsn = b->start_lsn,
                       .segment_bytes = b->segment_bytes,
                       .first_segment = walseg_number(b->start_lsn, b->segment_bytes),
                       .moment = f->moment};
    if (timeline_copy(f->path, &p->path, e) != ERR_OK)
        return e->code;
    needed_to = set_reach(p, &f->coverage);
    if (plan_check(p, f, needed_to, e) != ERR_OK) {
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
    plan_warn(p, f);
    return ERR_OK;
}
