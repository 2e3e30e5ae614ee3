/*
 * ops/plan_line.c - a plan within one line, see ops/plan_gather.h.
 *
 * Order     backups, timelines and their histories; then for the chosen backup the reach of its WAL, the search for the target
 *           in it, and the timelines beside the path.
 * A name or xid does not say when it was, so the newest backup is tried first and, when the target is not behind it,
 * the one before, each with the WAL up to the next.
 */
#include "base/log.h"
#include "base/timestamp.h"
#include "ops/plan_elsewhere.h"
#include "ops/plan_gather.h"
#include "ops/plan_reach.h"
#include "ops/plan_rivals.h"
#include "ops/wal_search.h"

#include <stdlib.h>
#include <string.h>

/* A backup's id has the time of the host that took it; how much that may be before the server's. */
#define CLOCKS_DIFFER_US (INT64_C(3600) * 1000000)

struct planning {
    struct planned *planned;
    const struct target *target;
    struct timeline_path path;
    struct wal_place place;        /* segment_bytes: of the backup that is tried */
    size_t untried;                /* the backups' ids before this one were not looked at yet */
    struct plan_passed passed;     /* owned, with room for all there are */
    char unreached[BACKUP_ID_MAX]; /* the first of those that the time is not behind; "" = none */
};

static enum err_code fetch(struct planning *k, size_t i, struct err *e)
{
    struct planned *p = k->planned;

    return backup_list_fetch(p->repo, &p->layout, i, &p->backups, e);
}

static enum err_code fetch_all(struct planning *k, struct err *e)
{
    for (size_t i = 0; i < k->planned->backups.id_count; i++)
        if (fetch(k, i, e) != ERR_OK)
            return e->code;
    return ERR_OK;
}

/* Where in the ids the backups begin that started so long behind the target time; their count for other targets. */
static size_t first_too_late(const struct planning *k, int64_t behind_us)
{
    const struct backup_list *b = &k->planned->backups;
    char limit[TIMESTAMP_COMPACT_MAX];
    size_t i = b->id_count;

    if (k->target->kind != TARGET_TIME)
        return i;
    timestamp_format_compact(k->target->time_us + behind_us, limit);
    while (i > 0 && strcmp(b->ids[i - 1].id, limit) > 0)
        i--;
    return i;
}

static enum err_code choose(struct planning *k, const struct backup_info **b, struct err *e)
{
    return plan_backup(k->target, &k->passed, &k->path, &k->planned->backups, b, e);
}

/*
 * The id of a backup is by the clock of the host that took it, its end by the server's: of those that seem to have started
 * behind the target the first may end before it all the same. As long as they do, the next is fetched.
 */
static enum err_code fetch_seeming_late(struct planning *k, struct err *e)
{
    const struct backup_list *b = &k->planned->backups;
    const size_t last = first_too_late(k, CLOCKS_DIFFER_US);
    bool is_late = false;

    for (size_t i = first_too_late(k, 0); i < last && !is_late; i++) {
        if (fetch(k, i, e) != ERR_OK)
            return e->code;
        for (size_t n = 0; n < b->count; n++)
            is_late = is_late ||
                      (strcmp(b->list[n].id, b->ids[i].id) == 0 && plan_is_on_path(&k->path, &b->list[n]) &&
                       b->list[n].stop_us > k->target->time_us);
    }
    return ERR_OK;
}

/*
 * The newest backup that ends before the target and was not passed over. Backups are fetched from the newest that comes
 * into question backwards until one does; a refusal has seen them all.
 */
static enum err_code pick(struct planning *k, const struct backup_info **b, struct err *e)
{
    struct err why = ERR_NONE;

    while (choose(k, b, &why) != ERR_OK) {
        if (why.code != ERR_REFUSED || k->untried == 0 || k->target->backup_id != NULL)
            break;
        why = ERR_NONE;
        if (fetch(k, --k->untried, e) != ERR_OK)
            return e->code;
    }
    if (why.code == ERR_OK)
        return ERR_OK;
    if (k->target->backup_id == NULL && fetch_all(k, e) != ERR_OK)
        return e->code;
    return choose(k, b, e);
}

/* The highest timeline that recovery can follow; NULL = none is stored. */
static const struct wal_timeline *highest(const struct wal_timelines *t)
{
    for (size_t i = t->count; i > 0; i--)
        if (wal_timeline_can_be_followed(&t->list[i - 1]))
            return &t->list[i - 1];
    return NULL;
}

/*
 * What settling the path needs: the backup asked for, or the newest, and for the latest timeline as many as it takes until
 * one lies on the path of the highest.
 */
static enum err_code fetch_for_path(struct planning *k, struct err *e)
{
    const struct backup_list *b = &k->planned->backups;
    const struct wal_timeline *top = highest(&k->planned->timelines);
    bool enough = false;

    for (size_t i = b->id_count; i > 0 && !enough; i--) {
        const size_t before = b->count;

        if (k->target->backup_id != NULL && strcmp(b->ids[i - 1].id, k->target->backup_id) != 0)
            continue;
        if (fetch(k, i - 1, e) != ERR_OK)
            return e->code;
        enough = b->count > before && (k->target->timeline != TIMELINE_LATEST || top == NULL ||
                                       plan_is_on_path(&top->path, &b->list[0]));
    }
    return ERR_OK;
}

/* Is the target a place in the WAL, that backups end before or behind? */
static bool has_place(const struct target *t)
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

static const struct backup_info *fetched(const struct backup_list *backups, const char *id)
{
    for (size_t i = 0; i < backups->count; i++)
        if (strcmp(backups->list[i].id, id) == 0)
            return &backups->list[i];
    return NULL;
}

/*
 * The first backup on the path behind this one that ends behind the target; NULL = none. Newer ones are fetched until it is
 * found, so b stays where it is.
 */
static enum err_code next_behind(struct planning *k, const struct backup_info *b, lsn look_to,
                                 const struct backup_info **out, struct err *e)
{
    struct backup_list *backups = &k->planned->backups;

    *out = NULL;
    for (size_t i = 0; has_place(k->target) && i < backups->id_count; i++) {
        const struct backup_info *next;

        if (strcmp(backups->ids[i].id, b->id) <= 0)
            continue;
        if (fetch(k, i, e) != ERR_OK)
            return e->code;
        next = fetched(backups, backups->ids[i].id);
        if (next == NULL || next->stop_lsn <= b->stop_lsn || !ends_behind(k->target, look_to, next) ||
            !plan_is_on_path(&k->path, next))
            continue;
        *out = next;
        return ERR_OK;
    }
    return ERR_OK;
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
    f->unreached = fetched(&k->planned->backups, k->unreached);
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
    memcpy(k->passed.ids[k->passed.count++], b->id, sizeof(b->id));
}

static enum err_code plan_with(struct planning *k, const struct backup_info *b, lsn look_to,
                               enum verdict *verdict, struct err *e)
{
    CLEANUP(plan_rivals_clear) struct plan_rivals rivals = {.count = 0};
    struct plan_facts f = {.backup = b, .path = &k->path};
    struct target strict = *k->target;
    struct err why = ERR_NONE;
    uint64_t last;

    k->place.segment_bytes = b->segment_bytes;
    if (next_behind(k, b, look_to, &f.later, e) != ERR_OK ||
        settle_limit(k, b, f.later, &last, e) != ERR_OK ||
        plan_rivals_read(&k->place, &k->planned->timelines, &k->path, k->target, &rivals, e) != ERR_OK)
        return e->code;
    f.rivals = rivals;
    strict.or_latest = k->target->or_latest && f.later == NULL; /* the latest is not the next backup's end */
    if (plan_up_to(k, &strict, last, look_to, &f, &why) == ERR_OK)
        return ERR_OK;
    if (is_behind_limit(k, &f, &why)) {
        why = ERR_NONE;
        if (settle_limit(k, b, NULL, &last, e) != ERR_OK)
            return e->code;
        if (plan_up_to(k, k->target, last, look_to, &f, &why) == ERR_OK)
            return ERR_OK;
    }
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
    struct err first = ERR_NONE; /* what the newest backup was refused for says most */
    lsn look_to = UINT64_MAX;

    for (;;) {
        enum verdict verdict = VERDICT_FINAL;
        struct err why = ERR_NONE;
        enum err_code code = pick(k, &b, &why);
        const bool is_none = code != ERR_OK;

        if (code == ERR_OK)
            code = plan_with(k, b, b->stop_lsn <= look_to ? look_to : UINT64_MAX, &verdict, &why);
        if (code == ERR_OK)
            return ERR_OK;
        if (first.code == ERR_OK || (!is_none && code != ERR_REFUSED))
            first = why;
        if (is_none || code != ERR_REFUSED || k->target->backup_id != NULL)
            break;
        pass_over(k, b, verdict);
        if (verdict != VERDICT_BROKEN && b->stop_lsn <= look_to)
            look_to = b->stop_lsn - 1;
    }
    *e = first;
    return first.code;
}

/* Does another backup end behind this one's gap? Ids are in the order of clocks, which may have been set back. */
static enum err_code settle_gap(struct planning *k, lsn stop, bool *is_final, struct err *e)
{
    const struct backup_info *b;
    struct err why = ERR_NONE;

    if (fetch_all(k, e) != ERR_OK)
        return e->code;
    *is_final = choose(k, &b, &why) != ERR_OK || b->stop_lsn <= stop;
    return ERR_OK;
}

/*
 * Is there nothing to be had from other backups either? Else b is passed over. A time that was not passed behind it was not
 * before either with a clock that only went forward; then only backups behind a gap are left.
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

/* All other targets: the newest backup that ends before them. One that the target can't be reached from is passed over. */
static enum err_code plan_forwards(struct planning *k, struct err *e)
{
    const struct backup_info *b;
    struct err first =
        ERR_NONE; /* why the newest of those was passed over, unless it is past the target itself */

    for (;;) {
        enum verdict verdict = VERDICT_FINAL;
        struct err why = ERR_NONE;
        bool is_final;

        if (pick(k, &b, &why) != ERR_OK) {
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

static enum err_code plan_on_path(struct planning *k, struct err *e)
{
    const enum target_kind kind = k->target->kind;
    const size_t room = k->planned->backups.id_count + 1;
    enum err_code code;

    k->passed.ids = calloc(room, sizeof(*k->passed.ids));
    if (k->passed.ids == NULL)
        return err_nomem(e, "a list of backups");
    code = kind == TARGET_NAME || kind == TARGET_XID ? plan_backwards(k, e) : plan_forwards(k, e);
    free(k->passed.ids);
    return code;
}

enum err_code ops_plan_line(struct repo *r, const struct layout *l, const struct target *t,
                            struct planned *out, struct err *e)
{
    CLEANUP(wal_cache_clear) struct wal_cache cache = {.places = NULL};
    struct planning k = {.planned = out, .target = t};
    enum err_code code;

    out->repo = r;
    out->layout = *l;
    k.place = (struct wal_place){.repo = r, .layout = &out->layout, .cache = &cache};
    if (out->backups.list == NULL && backup_list_open(r, &out->layout, &out->backups, e) != ERR_OK)
        return e->code;
    k.untried = first_too_late(&k, 0);
    if (wal_timelines_read(r, &out->layout, &out->timelines, e) != ERR_OK ||
        fetch_for_path(&k, e) != ERR_OK || plan_path(t, &out->backups, &out->timelines, &k.path, e) != ERR_OK)
        return e->code;
    if (fetch_seeming_late(&k, e) != ERR_OK) {
        timeline_clear(&k.path);
        return e->code;
    }
    code = plan_on_path(&k, e);
    timeline_clear(&k.path);
    tell_damaged(out);
    return code;
}
