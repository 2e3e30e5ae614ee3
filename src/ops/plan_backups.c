/*
 * ops/plan_backups.c - see ops/plan_backups.h.
 */
#include "ops/plan_backups.h"

#include "base/timestamp.h"

#include <stdlib.h>
#include <string.h>

/* A backup's id has the time of the host that took it; how much that may be before the server's. */
#define CLOCKS_DIFFER_US (INT64_C(3600) * 1000000)

static enum err_code fetch(struct plan_backups *k, size_t i, struct err *e)
{
    return backup_list_fetch(k->repo, k->layout, i, k->list, e);
}

static enum err_code fetch_all(struct plan_backups *k, struct err *e)
{
    for (size_t i = 0; i < k->list->id_count; i++)
        if (fetch(k, i, e) != ERR_OK)
            return e->code;
    return ERR_OK;
}

/* Where in the ids the backups begin that started so long behind the target time; their count for other targets. */
static size_t first_too_late(const struct plan_backups *k, int64_t behind_us)
{
    const struct backup_list *b = k->list;
    char limit[TIMESTAMP_COMPACT_MAX];
    size_t i = b->id_count;

    if (k->target->kind != TARGET_TIME)
        return i;
    timestamp_format_compact(k->target->time_us + behind_us, limit);
    while (i > 0 && strcmp(b->ids[i - 1].id, limit) > 0)
        i--;
    return i;
}

static enum err_code choose(struct plan_backups *k, const struct backup_info **b, struct err *e)
{
    return plan_backup(k->target, &k->passed, k->path, k->list, b, e);
}

/*
 * The id of a backup is by the clock of the host that took it, its end by the server's: of those that seem to have
 * started behind the target the first may end before it all the same. As long as they do, the next is fetched.
 */
enum err_code plan_backups_fetch_seeming_late(struct plan_backups *k, struct err *e)
{
    const struct backup_list *b = k->list;
    const size_t last = first_too_late(k, CLOCKS_DIFFER_US);
    bool is_late = false;

    for (size_t i = first_too_late(k, 0); i < last && !is_late; i++) {
        if (fetch(k, i, e) != ERR_OK)
            return e->code;
        for (size_t n = 0; n < b->count; n++)
            is_late =
                is_late || (strcmp(b->list[n].id, b->ids[i].id) == 0 &&
                            plan_is_on_path(k->path, &b->list[n]) && b->list[n].stop_us > k->target->time_us);
    }
    return ERR_OK;
}

/*
 * Backups are fetched from the newest that comes
 * into question backwards until one does; a refusal has seen them all.
 */
enum err_code plan_backups_pick(struct plan_backups *k, const struct backup_info **b, struct err *e)
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

enum err_code plan_backups_fetch_for_path(struct plan_backups *k, const struct wal_timelines *timelines,
                                          struct err *e)
{
    const struct backup_list *b = k->list;
    const struct wal_timeline *top = highest(timelines);
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

const struct backup_info *plan_backups_at(const struct plan_backups *k, const char *id)
{
    const struct backup_list *backups = k->list;

    for (size_t i = 0; i < backups->count; i++)
        if (strcmp(backups->list[i].id, id) == 0)
            return &backups->list[i];
    return NULL;
}

/* Newer ones are fetched until it is found, so b stays where it is. */
enum err_code plan_backups_next_behind(struct plan_backups *k, const struct backup_info *b, lsn look_to,
                                       const struct backup_info **out, struct err *e)
{
    struct backup_list *backups = k->list;

    *out = NULL;
    for (size_t i = 0; has_place(k->target) && i < backups->id_count; i++) {
        const struct backup_info *next;

        if (strcmp(backups->ids[i].id, b->id) <= 0)
            continue;
        if (fetch(k, i, e) != ERR_OK)
            return e->code;
        next = plan_backups_at(k, backups->ids[i].id);
        if (next == NULL || next->stop_lsn <= b->stop_lsn || !ends_behind(k->target, look_to, next) ||
            !plan_is_on_path(k->path, next))
            continue;
        *out = next;
        return ERR_OK;
    }
    return ERR_OK;
}

/* Ids are in the order of clocks, which may have been set back. */
enum err_code plan_backups_any_behind(struct plan_backups *k, lsn stop, bool *any, struct err *e)
{
    const struct backup_info *b;
    struct err why = ERR_NONE;

    if (fetch_all(k, e) != ERR_OK)
        return e->code;
    *any = choose(k, &b, &why) == ERR_OK && b->stop_lsn > stop;
    return ERR_OK;
}

void plan_backups_pass(struct plan_backups *k, const struct backup_info *b)
{
    memcpy(k->passed.ids[k->passed.count++], b->id, sizeof(b->id));
}

enum err_code plan_backups_open(struct plan_backups *k, struct err *e)
{
    if (k->list->list == NULL && backup_list_open(k->repo, k->layout, k->list, e) != ERR_OK)
        return e->code;
    k->passed.ids = calloc(k->list->id_count + 1, sizeof(*k->passed.ids));
    if (k->passed.ids == NULL)
        return err_nomem(e, "a list of backups");
    k->untried = first_too_late(k, 0);
    return ERR_OK;
}

void plan_backups_clear(struct plan_backups *k)
{
    free(k->passed.ids);
    k->passed = (struct plan_passed){.count = 0};
}
