/*
 * ops/plan_line.c - a plan within one line, see ops/plan_gather.h.
 *
 * Order     backups, timelines and their histories; then for the chosen backup the reach of its WAL, the search for the target
 *           in it, and the timelines beside the path.
 * A name or xid does not say when it was, so the newest backup is tried first and, when the target is not behind it,
 * the one before, each with the WAL up to the next.
 */
#include "base/log.h"
#include "ops/plan_gather.h"
#include "ops/plan_reach.h"
#include "ops/plan_rivals.h"
#include "ops/wal_search.h"

struct planning {
    struct planned *planned;
    const struct target *target;
    struct timeline_path path;
    struct wal_place place; /* segment_bytes: of the backup that is tried */
};

/* A moment that only the WAL itself can tell. */
static bool needs_search(const struct target *t)
{
    return t->kind != TARGET_LATEST && t->kind != TARGET_IMMEDIATE;
}

/* Does this backup end behind the target, so that the target lies in the WAL before its end? Unknown is no. */
static bool ends_behind(const struct target *t, lsn look_to, const struct backup_info *b)
{
    if (t->kind == TARGET_TIME)
        return b->stop_us > t->time_us;
    return b->stop_lsn > (t->kind == TARGET_LSN ? t->lsn : look_to);
}

/* The first backup on the path behind this one that ends behind the target; NULL = none. */
static const struct backup_info *next_behind(const struct planning *k, const struct backup_info *b,
                                             lsn look_to)
{
    const struct backup_list *backups = &k->planned->backups;
    const struct backup_info *nearest = NULL;

    for (size_t i = 0; needs_search(k->target) && i < backups->count; i++) {
        const struct backup_info *next = &backups->list[i];

        if (next->stop_lsn > b->stop_lsn && ends_behind(k->target, look_to, next) &&
            plan_is_on_path(&k->path, next) && (nearest == NULL || next->stop_lsn < nearest->stop_lsn))
            nearest = next;
    }
    return nearest;
}

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
 * Plan with the backup of f and the WAL up to segment `last`; fills f's coverage and moment. look_to: a name or an xid is of
 * interest up to this LSN only. ERR_REFUSED also when the backup itself is past the time, as its own WAL says:
 * f->moment.backup_is_late tells that apart.
 */
static enum err_code plan_up_to(struct planning *k, uint64_t last, lsn look_to, struct plan_facts *f,
                                struct err *e)
{
    const struct backup_info *b = f->backup;
    struct wal_stretch w = {.place = &k->place,
                            .path = &k->path,
                            .first = walseg_number(b->start_lsn, b->segment_bytes),
                            .look_to = walseg_number(look_to, b->segment_bytes)};

    f->moment = (struct plan_moment){.known = false};
    if (plan_reach(&k->place, &k->path, w.first, last, &f->coverage, e) != ERR_OK)
        return e->code;
    w.last = f->coverage.whole_to;
    if (needs_search(k->target) && f->coverage.any &&
        wal_search(&w, k->target, b->stop_lsn, &f->moment, e) != ERR_OK)
        return e->code;
    if (f->moment.backup_is_late)
        return err_set(e, ERR_REFUSED,
                       "the target time lies before the end of backup \"%s\", by the commits in it", b->id);
    return plan_settle(k->target, f, &k->planned->plan, e);
}

/* Was a time looked for up to the next backup's end only, and is it not before that, although its clock says so? */
static bool is_behind_limit(const struct planning *k, const struct plan_facts *f, const struct err *why)
{
    return k->target->kind == TARGET_TIME && f->later != NULL && why->code == ERR_REFUSED &&
           f->moment.known && !f->moment.reached && !f->coverage.has_gap;
}

static enum err_code plan_with(struct planning *k, const struct backup_info *b, lsn look_to, bool *is_late,
                               struct err *e)
{
    CLEANUP(plan_rivals_clear) struct plan_rivals rivals = {.count = 0};
    struct plan_facts f = {.backup = b, .path = &k->path, .later = next_behind(k, b, look_to)};
    struct err why = ERR_NONE;
    uint64_t last;

    k->place.segment_bytes = b->segment_bytes;
    if (settle_limit(k, b, f.later, &last, e) != ERR_OK ||
        plan_rivals_read(&k->place, &k->planned->timelines, &k->path, k->target, &rivals, e) != ERR_OK)
        return e->code;
    f.rivals = rivals;
    if (plan_up_to(k, last, look_to, &f, &why) == ERR_OK)
        return ERR_OK;
    if (is_behind_limit(k, &f, &why)) {
        why = ERR_NONE;
        if (settle_limit(k, b, NULL, &last, e) != ERR_OK)
            return e->code;
        if (plan_up_to(k, last, look_to, &f, &why) == ERR_OK)
            return ERR_OK;
    }
    *is_late = f.moment.backup_is_late;
    *e = why;
    return why.code;
}

/* Names and xids: from the newest backup on the path backwards, until one has the target behind it. */
static enum err_code plan_backwards(struct planning *k, struct err *e)
{
    const struct backup_info *b;
    struct err first = ERR_NONE; /* what the newest backup was refused for says most */
    lsn limit = UINT64_MAX;
    bool is_late;

    for (;;) {
        struct err why = ERR_NONE;
        enum err_code code = plan_backup(k->target, limit, &k->path, &k->planned->backups, &b, &why);
        const bool is_none = code != ERR_OK;

        if (code == ERR_OK)
            code = plan_with(k, b, limit, &is_late, &why);
        if (code == ERR_OK)
            return ERR_OK;
        if (first.code == ERR_OK || (!is_none && code != ERR_REFUSED))
            first = why;
        if (is_none || code != ERR_REFUSED || k->target->backup_id != NULL || b->stop_lsn == 0)
            break;
        limit = b->stop_lsn - 1;
    }
    *e = first;
    return first.code;
}

/* All other targets: the newest backup that ends before them. */
static enum err_code plan_forwards(struct planning *k, struct err *e)
{
    const struct backup_info *b;
    lsn limit = 0;
    bool is_late = false;
    enum err_code code;

    while ((code = plan_backup(k->target, limit, &k->path, &k->planned->backups, &b, e)) == ERR_OK) {
        code = plan_with(k, b, UINT64_MAX, &is_late, e);
        if (code == ERR_OK || !is_late || k->target->backup_id != NULL)
            break;
        limit = b->stop_lsn - 1;
    }
    return code;
}

enum err_code ops_plan_line(struct repo *r, const struct layout *l, const struct target *t,
                            struct planned *out, struct err *e)
{
    struct planning k = {.planned = out, .target = t};
    enum err_code code;

    out->repo = r;
    out->layout = *l;
    k.place = (struct wal_place){.repo = r, .layout = &out->layout};
    if (backup_list_read(r, &out->layout, &out->backups, NULL, e) != ERR_OK)
        return e->code;
    for (size_t i = 0; i < out->backups.damaged_count; i++)
        log_warning("backup %s in repository \"%s\" is damaged: %s, ignoring", out->backups.damaged[i].id,
                    r->name, out->backups.damaged[i].why);
    if (wal_timelines_read(r, &out->layout, &out->timelines, e) != ERR_OK ||
        plan_path(t, &out->backups, &out->timelines, &k.path, e) != ERR_OK)
        return e->code;
    code = t->kind == TARGET_NAME || t->kind == TARGET_XID ? plan_backwards(&k, e) : plan_forwards(&k, e);
    timeline_clear(&k.path);
    return code;
}

enum err_code ops_plan_prove(const struct planned *p, struct err *e)
{
    const struct plan *plan = &p->plan;
    const struct wal_place place = {p->repo, &p->layout, plan->segment_bytes};
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
