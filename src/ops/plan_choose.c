/*
 * ops/plan_choose.c - the first two steps of ops/plan.h: from the wanted timeline to its path, from there to a backup.
 */
#include "ops/plan.h"

#include "base/timestamp.h"

#include <inttypes.h>
#include <string.h>

static const struct backup_info *backup_at(const struct backup_list *backups, const char *id)
{
    for (size_t i = 0; i < backups->count; i++)
        if (strcmp(backups->list[i].id, id) == 0)
            return &backups->list[i];
    return NULL;
}

bool plan_is_on_path(const struct timeline_path *path, const struct backup_info *b)
{
    return b->start_lsn <= b->stop_lsn && timeline_contains(path, b->timeline, b->stop_lsn);
}

static bool has_backup(const struct timeline_path *path, const struct backup_list *backups,
                       const struct backup_info *only)
{
    if (only != NULL)
        return plan_is_on_path(path, only);
    for (size_t i = 0; i < backups->count; i++)
        if (plan_is_on_path(path, &backups->list[i]))
            return true;
    return false;
}

static enum err_code refuse_without_history(uint32_t tli, struct err *e)
{
    err_set(e, ERR_REFUSED,
            "timeline %" PRIu32
            " has no history file in the repository, and recovery can't follow it without",
            tli);
    return err_hint(e,
                    "%08" PRIX32
                    ".history lies in pg_wal of every server of that timeline; \"pitr archive\" stores it.",
                    tli);
}

/* A timeline by number. The first has no history. */
static enum err_code numbered_path(uint32_t tli, const struct wal_timelines *timelines,
                                   struct timeline_path *out, struct err *e)
{
    const struct wal_timeline *t = wal_timelines_at(timelines, tli);
    CLEANUP(buf_clear) struct buf known = BUF_INIT(256);
    struct err full = ERR_NONE;

    if (t != NULL)
        return wal_timeline_can_be_followed(t) ? timeline_copy(&t->path, out, e)
                                               : refuse_without_history(tli, e);
    if (tli == 1)
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
            if (wal_timeline_can_be_followed(&timelines->list[i - 1]) &&
                has_backup(&timelines->list[i - 1].path, backups, wanted))
                return timeline_copy(&timelines->list[i - 1].path, out, e);
    if (wanted == NULL)
        wanted = &backups->list[backups->count - 1];
    if (wanted->timeline != 1 && wal_timelines_at(timelines, wanted->timeline) == NULL)
        return refuse_without_history(wanted->timeline, e);
    return numbered_path(wanted->timeline, timelines, out, e);
}

/* ---- the backup ---- */

static bool is_early_enough(const struct target *t, const struct backup_info *b)
{
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

static bool was_passed(const struct plan_passed *passed, const char *id)
{
    for (size_t i = 0; i < passed->count; i++)
        if (strcmp(passed->ids[i], id) == 0)
            return true;
    return false;
}

enum err_code plan_backup(const struct target *t, const struct plan_passed *passed,
                          const struct timeline_path *path, const struct backup_list *backups,
                          const struct backup_info **out, struct err *e)
{
    const struct backup_info *best = NULL, *earliest = NULL;

    for (size_t i = 0; i < backups->count; i++) {
        const struct backup_info *b = &backups->list[i];
        bool on_path = plan_is_on_path(path, b);
        bool fits = on_path && is_early_enough(t, b);

        if (t->backup_id != NULL && strcmp(b->id, t->backup_id) == 0) {
            *out = b;
            return fits ? ERR_OK : refuse_backup(b, on_path, path, e);
        }
        if (on_path && (earliest == NULL || b->stop_lsn < earliest->stop_lsn))
            earliest = b;
        if (fits && !was_passed(passed, b->id) && (best == NULL || b->stop_lsn >= best->stop_lsn))
            best = b;
    }
    if (best == NULL)
        return refuse_all(earliest, path, e);
    *out = best;
    return ERR_OK;
}
