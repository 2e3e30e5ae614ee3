/*
 * ops/plan_line.c - a plan within one line, see ops/plan_line.h.
 *
 * Order     backups, timelines and their histories; then for the chosen backup the reach of its WAL, the search for
 *           the target in it, and the timelines beside the path.
 * A name or xid does not say when it was, so the newest backup is tried first and, when the target is not behind it,
 * the one before, each with the WAL up to the next.
 */
#include "ops/plan_line.h"

#include "base/log.h"
#include "ops/plan_backups.h"
#include "ops/plan_elsewhere.h"
#include "ops/plan_reach.h"
#include "ops/plan_rivals.h"
#include "ops/wal_search.h"

#include <string.h>

struct planning {
    struct planned *planned;
    const struct target *target;
    struct timeline_path path;
    struct plan_backups backups;
    struct wal_place place;        /* segment_bytes: of the backup that is tried */
    char unreached[BACKUP_ID_MAX]; /* the first of those that the time is not behind; "" = none */
    bool is_cut;                   /* the last one tried was refused, and its WAL ends before what is there */
};

/*
 * The last segment that planning with this backup looks at: where the next one behind the target ends, else the last
 * one stored; not before the backup's first, which is found missing then.
 */
static enum err_code settle_limit(struct planning *k, const struct backup_info *b,
                                  const struct backup_info *next, uint64_t *last, struct err *e)
{
    const uint64_t first = walseg_number(b->start_lsn, b->segment_bytes);

    if (k->target->kind == TARGET_IMMEDIATE)
        next = b;
    if (next != NULL)
        *last = walseg_number(next->stop_lsn - 1, b->segment_bytes);
    else if (plan_reach_end(&k->place, &k->path, first, last, e) != ERR_OK)
        return e->code;
    if (*last < first)
        *last = first;
    return ERR_OK;
}

/*
 * Plan with the backup of f and the WAL up to segment `last`; fills f's coverage and moment. look_to: a name or an xid
 * is of interest up to this LSN only. ERR_REFUSED also when the backup itself is past the time, as its own WAL says:
 * f->moment.backup_is_late tells that apart.
 */
static enum err_code plan_up_to(struct planning *k, const struct target *t, uint64_t last, lsn look_to,
                                struct plan_facts *f, struct err *e)
{
    const struct backup_info *b = f->backup;
    struct wal_stretch w = {.place = &k->place,
                            .path = &k->path,
                            .first = walseg_number(b->start_lsn, b->segment_bytes),
                            .start = b->start_lsn,
                            .major = b->server_version / 10000,
                            .is_of_standby = b->from_standby,
                            .look_to = walseg_number(look_to, b->segment_bytes)};

    f->moment = (struct plan_moment){.known = false};
    if (plan_reach(&k->place, &k->path, w.first, last, &f->coverage, e) != ERR_OK)
        return e->code;
    w.last = f->coverage.whole_to;
    if (t->kind != TARGET_IMMEDIATE && f->coverage.any &&
        wal_search(&w, t, b->stop_lsn, &f->moment, e) != ERR_OK)
        return e->code;
    if (f->moment.backup_is_late)
        return err_set(e, ERR_REFUSED,
                       "the target time lies before the end of backup \"%s\", by the commits in it", b->id);
    f->unreached = plan_backups_at(&k->backups, k->unreached);
    return plan_settle(t, f, &k->planned->plan, e);
}

/* Was a time looked for up to the next backup's end only, and is it not before that, although its clock says so? */
static bool is_behind_limit(const struct planning *k, const struct plan_facts *f, const struct err *why)
{
    return k->target->kind == TARGET_TIME && f->later != NULL && why->code == ERR_REFUSED &&
           f->moment.known && !f->moment.reached && (!f->coverage.has_gap || k->target->or_latest);
}

/* What a refusal with one backup says of others. */
enum verdict {
    VERDICT_FINAL,
    VERDICT_LATE,      /* this one is past the target already: try an earlier one */
    VERDICT_BROKEN,    /* its own WAL is not whole                                */
    VERDICT_UNREACHED, /* the time is not passed behind it: by a clock that was set back it may be elsewhere */
    VERDICT_CUT_OFF,   /* nor up to a gap                                         */
    VERDICT_GAP        /* another target lies behind a gap                        */
};

static bool is_broken(const struct plan_facts *f)
{
    const struct backup_info *b = f->backup;

    return !f->coverage.any || plan_coverage_end(&f->coverage, b->segment_bytes) < b->stop_lsn;
}

static enum verdict verdict_of(const struct target *t, const struct plan_facts *f, const struct err *why)
{
    if (f->moment.backup_is_late)
        return VERDICT_LATE;
    if (why->code == ERR_REFUSED && is_broken(f))
        return VERDICT_BROKEN;
    if (why->code == ERR_REFUSED && t->kind == TARGET_TIME && f->moment.known && !f->moment.reached)
        return f->coverage.has_gap ? VERDICT_CUT_OFF : VERDICT_UNREACHED;
    return why->code == ERR_REFUSED && f->coverage.has_gap ? VERDICT_GAP : VERDICT_FINAL;
}

static void pass_over(struct planning *k, const struct backup_info *b, enum verdict verdict)
{
    if ((verdict == VERDICT_UNREACHED || verdict == VERDICT_CUT_OFF) && k->unreached[0] == '\0')
        memcpy(k->unreached, b->id, sizeof(k->unreached));
    plan_backups_pass(&k->backups, b);
}

static enum err_code plan_with(struct planning *k, const struct backup_info *b, lsn look_to,
                               enum verdict *verdict, struct err *e)
{
    CLEANUP(plan_rivals_clear) struct plan_rivals rivals = {.count = 0};
    struct plan_facts f = {.backup = b, .path = &k->path};
    const struct backup_info *limit;
    struct target strict = *k->target;
    struct err why = ERR_NONE;
    uint64_t last;

    k->place.segment_bytes = b->segment_bytes;
    if (plan_backups_next_behind(&k->backups, b, look_to, &f.later, e) != ERR_OK ||
        settle_limit(k, b, f.later, &last, e) != ERR_OK ||
        plan_rivals_read(&k->place, &k->planned->timelines, &k->path, k->target, &rivals, e) != ERR_OK)
        return e->code;
    f.rivals = rivals;
    strict.or_latest = k->target->or_latest && f.later == NULL; /* the latest is not the next backup's end */
    if (plan_up_to(k, &strict, last, look_to, &f, &why) == ERR_OK)
        return ERR_OK;
    limit = f.later;
    for (bool is_once = true; limit != NULL && is_behind_limit(k, &f, &why); is_once = false) {
        const struct backup_info *further = NULL; /* the next one, and then all there is */

        why = ERR_NONE;
        if ((is_once && plan_backups_next_behind(&k->backups, limit, look_to, &further, e) != ERR_OK) ||
            settle_limit(k, b, further, &last, e) != ERR_OK)
            return e->code;
        limit = further;
        strict.or_latest = k->target->or_latest && limit == NULL;
        if (plan_up_to(k, &strict, last, look_to, &f, &why) == ERR_OK)
            return ERR_OK;
    }
    k->is_cut = why.code == ERR_REFUSED && f.coverage.any && f.coverage.has_gap;
    *verdict = verdict_of(k->target, &f, &why);
    *e = why;
    return why.code;
}

/*
 * Names and xids: from the newest backup on the path backwards, until one has the target behind it. What lies behind a
 * backup is looked through once, but for one whose own WAL is not whole: behind that nothing was.
 */
static enum err_code plan_backwards(struct planning *k, struct err *e)
{
    const struct backup_info *b;
    struct err first =
        ERR_NONE; /* what the newest backup was refused for says most, but for a gap behind another */
    bool is_first_cut = false;
    lsn look_to = UINT64_MAX;

    for (;;) {
        enum verdict verdict = VERDICT_FINAL;
        struct err why = ERR_NONE;
        enum err_code code = plan_backups_pick(&k->backups, &b, &why);
        const bool is_none = code != ERR_OK;

        if (code == ERR_OK)
            code = plan_with(k, b, b->stop_lsn <= look_to ? look_to : UINT64_MAX, &verdict, &why);
        if (code == ERR_OK)
            return ERR_OK;
        if (first.code == ERR_OK || (!is_none && (code != ERR_REFUSED || (k->is_cut && !is_first_cut)))) {
            first = why;
            is_first_cut = !is_none && k->is_cut;
        }
        if (is_none || code != ERR_REFUSED || k->target->backup_id != NULL)
            break;
        pass_over(k, b, verdict);
        if (verdict != VERDICT_BROKEN && b->stop_lsn <= look_to)
            look_to = b->stop_lsn - 1;
    }
    *e = first;
    return first.code;
}

/* Does another backup end behind this one's gap? */
static enum err_code settle_gap(struct planning *k, lsn stop, bool *is_final, struct err *e)
{
    bool any;

    if (plan_backups_any_behind(&k->backups, stop, &any, e) != ERR_OK)
        return e->code;
    *is_final = !any;
    return ERR_OK;
}

/*
 * Is there nothing to be had from other backups either? Else b is passed over. A time that was not passed behind it
 * was not before either with a clock that only went forward; then only backups behind a gap are left.
 */
static enum err_code settle_verdict(struct planning *k, const struct backup_info *b, enum verdict verdict,
                                    bool *is_final, struct err *e)
{
    const uint64_t last = walseg_number(b->stop_lsn - 1, b->segment_bytes);
    const lsn stop = b->stop_lsn;

    *is_final = verdict == VERDICT_FINAL || k->target->backup_id != NULL;
    if (*is_final)
        return ERR_OK;
    pass_over(k, b, verdict);
    if (verdict == VERDICT_GAP)
        return settle_gap(k, stop, is_final, e);
    if (verdict != VERDICT_UNREACHED && verdict != VERDICT_CUT_OFF)
        return ERR_OK;
    if (plan_was_never_past(&k->place, &k->path, k->target, last, is_final, e) != ERR_OK)
        return e->code;
    return *is_final && verdict == VERDICT_CUT_OFF ? settle_gap(k, stop, is_final, e) : ERR_OK;
}

/*
 * All other targets: the newest backup that ends before them. One that the target can't be reached from is passed
 * over.
 */
static enum err_code plan_forwards(struct planning *k, struct err *e)
{
    const struct backup_info *b;
    struct err first =
        ERR_NONE; /* why the newest of those was passed over, unless it is past the target itself */

    for (;;) {
        enum verdict verdict = VERDICT_FINAL;
        struct err why = ERR_NONE;
        bool is_final;

        if (plan_backups_pick(&k->backups, &b, &why) != ERR_OK) {
            *e = first.code != ERR_OK ? first : why;
            return e->code;
        }
        if (plan_with(k, b, UINT64_MAX, &verdict, &why) == ERR_OK)
            return ERR_OK;
        if (settle_verdict(k, b, verdict, &is_final, e) != ERR_OK)
            return e->code;
        if (verdict == VERDICT_BROKEN && !is_final)
            log_warning("%s, looking for an earlier backup", why.text);
        if (verdict != VERDICT_LATE && first.code == ERR_OK)
            first = why;
        if (is_final) {
            *e = why.code == ERR_REFUSED && first.code != ERR_OK ? first : why;
            return e->code;
        }
    }
}

static void tell_damaged(const struct planned *p)
{
    for (size_t i = 0; i < p->backups.damaged_count; i++)
        log_warning("backup %s in repository \"%s\" is damaged: %s, ignoring", p->backups.damaged[i].id,
                    p->repo->name, p->backups.damaged[i].why);
}

static void planning_clear(struct planning *k)
{
    timeline_clear(&k->path);
    plan_backups_clear(&k->backups);
}

enum err_code ops_plan_line(struct repo *r, const struct layout *l, const struct target *t,
                            struct planned *out, struct err *e)
{
    CLEANUP(wal_cache_clear) struct wal_cache cache = {.places = NULL};
    CLEANUP(planning_clear) struct planning k = {.planned = out, .target = t};
    enum err_code code;

    out->repo = r;
    out->layout = *l;
    k.place = (struct wal_place){.repo = r, .layout = &out->layout, .cache = &cache};
    k.backups = (struct plan_backups){
        .repo = r, .layout = &out->layout, .target = t, .path = &k.path, .list = &out->backups};
    if (plan_backups_open(&k.backups, e) != ERR_OK ||
        wal_timelines_read(r, &out->layout, &out->timelines, e) != ERR_OK ||
        plan_backups_fetch_for_path(&k.backups, &out->timelines, e) != ERR_OK ||
        plan_path(t, &out->backups, &out->timelines, &k.path, e) != ERR_OK ||
        plan_backups_fetch_seeming_late(&k.backups, e) != ERR_OK)
        return e->code;
    code = t->kind == TARGET_NAME || t->kind == TARGET_XID ? plan_backwards(&k, e) : plan_forwards(&k, e);
    tell_damaged(out);
    return code;
}

void planned_clear(struct planned *p)
{
    plan_clear(&p->plan);
    line_list_clear(&p->lines);
    wal_timelines_clear(&p->timelines);
    backup_list_clear(&p->backups);
    *p = (struct planned){0};
}

enum err_code ops_plan_prove(const struct planned *p, struct err *e)
{
    const struct plan *plan = &p->plan;
    const struct wal_place place = {p->repo, &p->layout, plan->segment_bytes, NULL};
    struct plan_coverage c;
    char name[WALFILE_NAME_MAX];

    if (!plan->is_recorded)
        return ERR_OK;
    if (plan_reach_list(&place, &plan->path, plan->first_segment, plan->last_segment, &c, e) != ERR_OK)
        return e->code;
    if (c.missing > plan->last_segment)
        return ERR_OK;
    walseg_name(c.missing_tli, c.missing, plan->segment_bytes, name);
    err_set(e, ERR_REFUSED, "segment \"%s\" is missing, although the archiver has seen it stored", name);
    return err_hint(e, "%s",
                    "It was removed since. Name a target before it, or another backup or repository.");
}
