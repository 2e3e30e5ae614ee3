/*
 * ops/plan.c - see ops/plan.h.
 *
 * Coverage: every segment on the path belongs to one timeline (timeline_of_segment). From the backup's first segment on,
 * each path entry's stretch is matched with the runs of its timeline; where a stretch is not whole, what is reachable
 * ends. If anything of the path lies behind, that is a gap, else simply the end of the archive.
 */
#include "ops/plan.h"

#include "base/timestamp.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* ---- the path ---- */

static const struct backup_info *backup_at(const struct backup_list *backups, const char *id)
{
    for (size_t i = 0; i < backups->count; i++)
        if (strcmp(backups->list[i].id, id) == 0)
            return &backups->list[i];
    return NULL;
}

/* A backup's timeline is that of its end. From a standby that follows a promotion it may have begun on the parent. */
static bool is_on_path(const struct timeline_path *path, const struct backup_info *b)
{
    return b->start_lsn <= b->stop_lsn && timeline_contains(path, b->timeline, b->stop_lsn);
}

static bool has_backup(const struct timeline_path *path, const struct backup_list *backups,
                       const struct backup_info *only)
{
    if (only != NULL)
        return is_on_path(path, only);
    for (size_t i = 0; i < backups->count; i++)
        if (is_on_path(path, &backups->list[i]))
            return true;
    return false;
}

static enum err_code copy_path(const struct timeline_path *from, struct timeline_path *to, struct err *e)
{
    struct timeline_entry *entries = calloc(from->count, sizeof(*entries));

    if (entries == NULL)
        return err_nomem(e, "a timeline path");
    memcpy(entries, from->entries, from->count * sizeof(*entries));
    *to = (struct timeline_path){entries, from->count};
    return ERR_OK;
}

/* A timeline by number: from its history, or, for a backup's own timeline without one, by itself. */
static enum err_code numbered_path(uint32_t tli, const struct wal_timelines *timelines,
                                   struct timeline_path *out, struct err *e)
{
    const struct wal_timeline *t = wal_timelines_at(timelines, tli);
    CLEANUP(buf_clear) struct buf known = BUF_INIT(256);
    struct err full = ERR_NONE;

    if (t != NULL && (tli == 1 || t->has_history))
        return copy_path(&t->path, out, e);
    if (t != NULL || tli == 1)
        return timeline_single(tli, out, e);
    for (size_t i = 0; i < timelines->count && full.code == ERR_OK; i++)
        (void) buf_printf(&known, &full, "%s%" PRIu32, i > 0 ? ", " : "", timelines->list[i].tli);
    return err_set(e, ERR_REFUSED, "timeline %" PRIu32 " is not in the repository; there are: %s", tli,
                   known.len > 0 ? buf_cstr(&known) : "none");
}

/* Not there, or there with a summary that can't be believed. */
static enum err_code refuse_unlisted(const char *id, const struct backup_list *backups, struct err *e)
{
    for (size_t i = 0; i < backups->damaged_count; i++)
        if (strcmp(backups->damaged[i].id, id) == 0)
            return err_set(e, ERR_REFUSED, "backup \"%s\" can't be restored: %s", id,
                           backups->damaged[i].why);
    return err_set(e, ERR_REFUSED, "there is no backup \"%s\"", id);
}

enum err_code plan_path(const struct target *t, const struct backup_list *backups,
                        const struct wal_timelines *timelines, struct timeline_path *out, struct err *e)
{
    const struct backup_info *wanted = t->backup_id != NULL ? backup_at(backups, t->backup_id) : NULL;

    if (t->backup_id != NULL && wanted == NULL)
        return refuse_unlisted(t->backup_id, backups, e);
    if (backups->count == 0)
        return err_set(e, ERR_REFUSED, "there is no backup to restore");
    if (t->timeline == TIMELINE_NUMBER)
        return numbered_path(t->timeline_number, timelines, out, e);
    if (t->timeline == TIMELINE_LATEST)
        for (size_t i = timelines->count; i > 0; i--)
            if (has_backup(&timelines->list[i - 1].path, backups, wanted))
                return copy_path(&timelines->list[i - 1].path, out, e);
    if (wanted == NULL)
        wanted = &backups->list[backups->count - 1];
    if (wal_timelines_at(timelines, wanted->timeline) != NULL)
        return numbered_path(wanted->timeline, timelines, out, e);
    return timeline_single(wanted->timeline, out, e);
}

/* ---- the backup ---- */

static bool is_early_enough(const struct target *t, lsn limit, const struct backup_info *b)
{
    if (limit != 0)
        return b->stop_lsn <= limit;
    if (t->kind == TARGET_LSN)
        return b->stop_lsn <= t->lsn;
    if (t->kind == TARGET_TIME)
        return b->stop_us < t->time_us || (b->stop_us == t->time_us && !t->exclusive);
    return true;
}

static enum err_code refuse_backup(const struct backup_info *b, bool on_path,
                                   const struct timeline_path *path, struct err *e)
{
    char position[LSN_TEXT_MAX], time[TIMESTAMP_TEXT_MAX];

    lsn_format(b->stop_lsn, position);
    timestamp_format(b->stop_us, time);
    if (!on_path)
        return err_set(e, ERR_REFUSED,
                       "backup \"%s\" (timeline %" PRIu32
                       ", up to %s) is not on the path of timeline %" PRIu32,
                       b->id, b->timeline, position, path->entries[path->count - 1].tli);
    err_set(e, ERR_REFUSED, "the target lies before the end of backup \"%s\"", b->id);
    return err_hint(e, "The earliest moment that can be restored from it is %s (LSN %s).", time, position);
}

static enum err_code refuse_all(const struct backup_info *earliest, const struct timeline_path *path,
                                struct err *e)
{
    char position[LSN_TEXT_MAX], time[TIMESTAMP_TEXT_MAX];
    uint32_t tli = path->entries[path->count - 1].tli;

    if (earliest == NULL)
        return err_set(e, ERR_REFUSED, "there is no backup on the path of timeline %" PRIu32, tli);
    lsn_format(earliest->stop_lsn, position);
    timestamp_format(earliest->stop_us, time);
    err_set(e, ERR_REFUSED, "the target lies before the end of the first backup on timeline %" PRIu32, tli);
    return err_hint(e, "The earliest moment that can be restored is %s (LSN %s, backup %s).", time, position,
                    earliest->id);
}

enum err_code plan_backup(const struct target *t, lsn limit, const struct timeline_path *path,
                          const struct backup_list *backups, const struct backup_info **out, struct err *e)
{
    const struct backup_info *best = NULL, *earliest = NULL;

    for (size_t i = 0; i < backups->count; i++) {
        const struct backup_info *b = &backups->list[i];
        bool on_path = is_on_path(path, b);
        bool fits = on_path && is_early_enough(t, limit, b);

        if (t->backup_id != NULL && strcmp(b->id, t->backup_id) == 0) {
            *out = b;
            return fits ? ERR_OK : refuse_backup(b, on_path, path, e);
        }
        if (on_path && (earliest == NULL || b->stop_lsn < earliest->stop_lsn))
            earliest = b;
        if (fits && (best == NULL || b->stop_lsn >= best->stop_lsn))
            best = b;
    }
    if (best == NULL)
        return refuse_all(earliest, path, e);
    *out = best;
    return ERR_OK;
}

/* ---- coverage ---- */

struct coverage {
    uint64_t whole_to; /* last segment of the unbroken stretch; meaningful when any */
    bool any;
    bool has_gap;     /* something of the path lies behind the first missing segment */
    uint64_t missing; /* the first missing segment                                   */
    uint32_t missing_tli;
    uint64_t stored_bytes;
};

static const struct wal_run *run_at(const struct wal_runs *runs, uint32_t tli, uint64_t number)
{
    for (size_t i = 0; i < runs->count; i++)
        if (runs->list[i].tli == tli && runs->list[i].first <= number && number <= runs->list[i].last)
            return &runs->list[i];
    return NULL;
}

/* The segment behind the last that this entry of the path owns: there the next timeline's copy counts. */
static uint64_t stretch_limit(const struct plan *p, const struct timeline_entry *entry)
{
    return entry->end == TIMELINE_NOT_ENDED ? UINT64_MAX : walseg_number(entry->end, p->segment_bytes);
}

/* Is any of these segments stored on the entry's timeline? */
static bool has_any(const struct wal_runs *runs, uint32_t tli, uint64_t first, uint64_t limit)
{
    for (size_t i = 0; i < runs->count; i++) {
        const struct wal_run *run = &runs->list[i];

        if (run->tli == tli && run->last >= first && run->first < limit && first < limit)
            return true;
    }
    return false;
}

/* Does the path have any segment stored at or behind this number? */
static bool has_later(const struct plan *p, const struct wal_runs *runs, uint64_t number)
{
    for (size_t i = 0; i < p->path.count; i++) {
        const struct timeline_entry *entry = &p->path.entries[i];
        uint64_t begin = walseg_number(entry->begin, p->segment_bytes);

        if (has_any(runs, entry->tli, begin > number ? begin : number, stretch_limit(p, entry)))
            return true;
    }
    return false;
}

static uint64_t limit_of(const struct plan *p, uint32_t tli)
{
    for (size_t i = 0; i < p->path.count; i++)
        if (p->path.entries[i].tli == tli)
            return stretch_limit(p, &p->path.entries[i]);
    return UINT64_MAX;
}

static struct coverage cover(const struct plan *p, const struct wal_runs *runs)
{
    struct coverage c = {0};
    uint64_t next = p->first_segment;

    for (;;) {
        uint32_t tli = timeline_of_segment(&p->path, next, p->segment_bytes);
        const struct wal_run *run = run_at(runs, tli, next);
        uint64_t limit = limit_of(p, tli);

        if (run == NULL) {
            c.missing = next;
            c.missing_tli = tli;
            c.has_gap = has_later(p, runs, next);
            return c;
        }
        c.any = true;
        c.whole_to = run->last < limit ? run->last : limit - 1;
        c.stored_bytes += run->stored_bytes / (run->last - run->first + 1) * (c.whole_to - next + 1);
        next = c.whole_to + 1;
    }
}

bool plan_coverage_end(const struct timeline_path *path, const struct backup_info *backup,
                       const struct wal_runs *runs, uint64_t *last)
{
    struct plan p = {.path = *path,
                     .segment_bytes = backup->segment_bytes,
                     .first_segment = walseg_number(backup->start_lsn, backup->segment_bytes)};
    struct coverage c = cover(&p, runs);

    *last = c.whole_to;
    return c.any;
}

/* ---- settling ---- */

static void describe_moment_before(const struct plan *p, const struct coverage *c, char *out, size_t size)
{
    char position[LSN_TEXT_MAX];

    lsn_format(c->any ? walseg_start(c->whole_to + 1, p->segment_bytes) : p->start_lsn, position);
    (void) snprintf(out, size, "%s", position);
}

static enum err_code refuse_missing(const struct plan *p, const struct coverage *c, const char *what,
                                    struct err *e)
{
    char name[WALFILE_NAME_MAX], reach[LSN_TEXT_MAX];

    walseg_name(c->missing_tli, c->missing, p->segment_bytes, name);
    describe_moment_before(p, c, reach, sizeof(reach));
    if (c->has_gap)
        err_set(e, ERR_REFUSED, "%s can't be reached: segment \"%s\" is missing, with later ones present",
                what, name);
    else
        err_set(e, ERR_REFUSED, "%s can't be reached: archived WAL ends before segment \"%s\"", what, name);
    return err_hint(e, "From backup %s everything up to LSN %s can be restored.", p->backup->id, reach);
}

/* A backup whose own WAL is not whole restores nothing. */
static enum err_code check_backup_wal(const struct plan *p, const struct coverage *c, struct err *e)
{
    uint64_t stop = walseg_number(p->backup->stop_lsn - 1, p->segment_bytes);
    char what[64];

    if (c->any && c->whole_to >= stop)
        return ERR_OK;
    (void) snprintf(what, sizeof(what), "the end of backup %s", p->backup->id);
    refuse_missing(p, c, what, e);
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
        if (p->moment.kept_lsn == 0)
            return e->code;
        lsn_format(p->moment.kept_lsn, position);
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

/* A target that only recovery itself can find, or the end of what there is. */
static bool is_open_ended(const struct plan *p)
{
    const enum target_kind kind = p->target.kind;

    return kind == TARGET_LATEST ||
           (kind != TARGET_IMMEDIATE && kind != TARGET_LSN && !(p->moment.known && p->moment.reached));
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
    return m->is_stop_lsn ? m->stop_lsn : m->kept_lsn;
}

/* The last byte that is needed for that: a record may go on in the next segment. */
static lsn last_byte(const struct plan *p)
{
    const struct plan_moment *m = &p->moment;

    if (p->target.kind == TARGET_LSN)
        return p->target.lsn;
    if (p->target.kind == TARGET_IMMEDIATE || (!m->is_stop_lsn && !m->has_kept))
        return p->backup->stop_lsn - 1;
    return (m->is_stop_lsn ? m->stop_end : m->kept_end) - 1;
}

static void set_moment(struct plan *p)
{
    const struct plan_moment *m = &p->moment;

    if (m->is_stop_lsn)
        set_lsn(p, m->stop_lsn, true);
    else if (m->has_kept)
        set_lsn(p, m->kept_lsn, true);
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
        if (p->moment.known && !p->moment.reached)
            return; /* --or-latest */
        if (p->moment.known)
            set_moment(p);
        else
            set_wish(p);
    }
    set(p, "recovery_target_action", actions[p->target.action]);
}

/* A gap means that what is there ends early: it is the end only for who says so with --or-latest. */
static enum err_code refuse_gap(const struct plan *p, const struct coverage *c, struct err *e)
{
    char reach[LSN_TEXT_MAX];

    refuse_missing(p, c, "the end of the archived WAL", e);
    describe_moment_before(p, c, reach, sizeof(reach));
    return err_hint(
        e,
        "From backup %s everything up to LSN %s can be restored: name a target before it, or a time "
        "behind it with --or-latest.",
        p->backup->id, reach);
}

/* The search went to where the WAL is whole. What it did not find may lie behind a gap. */
static enum err_code check_found(const struct plan *p, const struct coverage *c, struct err *e)
{
    const struct target *t = &p->target;
    char name[WALFILE_NAME_MAX], what[48], text[TIMESTAMP_TEXT_MAX];

    if (!p->moment.known || p->moment.reached || (t->kind == TARGET_TIME && t->or_latest))
        return ERR_OK;
    if (t->kind == TARGET_LSN && walseg_number(t->lsn, p->segment_bytes) > c->whole_to)
        return ERR_OK; /* the reach decides */
    if (!c->has_gap)
        return refuse_unfound(p, e);
    if (t->kind == TARGET_TIME) {
        timestamp_format(t->time_us, text);
        (void) snprintf(what, sizeof(what), "%s", text);
        return refuse_missing(p, c, what, e);
    }
    refuse_unfound(p, e);
    walseg_name(c->missing_tli, c->missing, p->segment_bytes, name);
    return err_hint(e, "Segment \"%s\" is missing; what lies behind it can't be reached.", name);
}

static enum err_code check_reach(struct plan *p, const struct coverage *c, struct err *e)
{
    const bool searched = p->target.kind != TARGET_LATEST && p->target.kind != TARGET_IMMEDIATE;
    char what[32] = "the target", position[LSN_TEXT_MAX];

    if (check_backup_wal(p, c, e) != ERR_OK || (searched && check_found(p, c, e) != ERR_OK))
        return e->code;
    if (p->target.kind == TARGET_LATEST && c->has_gap)
        return refuse_gap(p, c, e);
    p->target_lsn = end_of_replay(p);
    p->last_segment = c->whole_to;
    if (is_open_ended(p))
        return ERR_OK;
    p->last_segment = walseg_number(last_byte(p), p->segment_bytes);
    if (p->last_segment <= c->whole_to)
        return ERR_OK;
    if (p->target.kind == TARGET_LSN) {
        lsn_format(p->target.lsn, position);
        (void) snprintf(what, sizeof(what), "LSN %s", position);
    }
    return refuse_missing(p, c, what, e);
}

/* Where a timeline was left, its archived WAL may go on: the same LSNs and times may lie on that branch too. */
static void warn_branches(struct plan *p, const struct wal_runs *runs)
{
    for (size_t i = 0; i + 1 < p->path.count; i++) {
        const struct timeline_entry *entry = &p->path.entries[i];
        uint64_t fork = stretch_limit(p, entry);
        char left[LSN_TEXT_MAX];

        if (p->target.kind == TARGET_IMMEDIATE || !has_any(runs, entry->tli, fork, UINT64_MAX))
            continue;
        lsn_format(entry->end, left);
        warn(p,
             "timeline %" PRIu32
             " goes on behind LSN %s, where this path leaves it; --target-timeline %" PRIu32
             " restores that branch",
             entry->tli, left, entry->tli);
    }
}

/* A refusal says so too: what is out of reach on this path may lie on the branch it left. */
static void hint_branches(const struct plan *p, const struct wal_runs *runs, struct err *e)
{
    char before[ERR_HINT_MAX];

    for (size_t i = 0; i + 1 < p->path.count; i++) {
        const struct timeline_entry *entry = &p->path.entries[i];

        if (!has_any(runs, entry->tli, stretch_limit(p, entry), UINT64_MAX))
            continue;
        memcpy(before, e->hint, sizeof(before));
        (void) err_hint(e,
                        "Timeline %" PRIu32 " goes on where this path leaves it: --target-timeline %" PRIu32
                        " looks there. %.200s",
                        entry->tli, entry->tli, before);
        return;
    }
}

static void add_warnings(struct plan *p, const struct coverage *c, const struct wal_runs *runs)
{
    char name[WALFILE_NAME_MAX];

    if (c->has_gap) {
        walseg_name(c->missing_tli, c->missing, p->segment_bytes, name);
        warn(p, "segment \"%s\" is missing; nothing behind it can be reached from this backup", name);
    }
    if (!p->moment.known && p->target.kind != TARGET_LATEST && p->target.kind != TARGET_LSN &&
        p->target.kind != TARGET_IMMEDIATE)
        warn(p, "the WAL could not be searched for the target, so whether it is reachable shows only in "
                "recovery");
    if (p->moment.known && !p->moment.reached && p->target.kind == TARGET_TIME)
        warn(p, "the target time lies after the last archived transaction; all there is will be restored");
    warn_branches(p, runs);
}

enum err_code plan_settle(const struct target *t, const struct backup_info *backup,
                          const struct timeline_path *path, const struct wal_runs *runs,
                          const struct plan_moment *moment, struct plan *p, struct err *e)
{
    struct coverage c;

    *p = (struct plan){.target = *t,
                       .backup = backup,
                       .start_lsn = backup->start_lsn,
                       .segment_bytes = backup->segment_bytes,
                       .first_segment = walseg_number(backup->start_lsn, backup->segment_bytes),
                       .moment = *moment};
    if (copy_path(path, &p->path, e) != ERR_OK)
        return e->code;
    c = cover(p, runs);
    if (check_reach(p, &c, e) != ERR_OK) {
        hint_branches(p, runs, e);
        plan_clear(p);
        return e->code;
    }
    p->end_of_archive = walseg_start(c.whole_to + 1, p->segment_bytes);
    p->wal_segments = p->last_segment - p->first_segment + 1;
    p->wal_stored_bytes = c.stored_bytes / (c.whole_to - p->first_segment + 1) * p->wal_segments;
    set_target(p);
    add_warnings(p, &c, runs);
    return ERR_OK;
}
