/*
 * ops/plan_backups.h - the backups that come into question for a target, fetched as they are needed: a request each.
 */
#pragma once
#include "ops/plan.h"

/* All but the last two set by the caller, borrowed. path: may be settled after plan_backups_fetch_for_path. */
struct plan_backups {
    struct repo *repo;
    const struct layout *layout;
    const struct target *target;
    const struct timeline_path *path;
    struct backup_list *list;
    size_t untried;            /* the ids before this one were not looked at yet */
    struct plan_passed passed; /* owned, with room for all there are             */
};

/* Lists the ids unless that was done; to be cleared in any case. */
enum err_code plan_backups_open(struct plan_backups *k, struct err *e);
void plan_backups_clear(struct plan_backups *k);

/*
 * What settling the path needs: the backup asked for, or the newest, and for the latest timeline as many as it takes
 * until one lies on the path of the highest.
 */
enum err_code plan_backups_fetch_for_path(struct plan_backups *k, const struct wal_timelines *timelines,
                                          struct err *e);

/* Once the path is known: those that only seem to have started behind the target time. */
enum err_code plan_backups_fetch_seeming_late(struct plan_backups *k, struct err *e);

/* The newest backup that ends before the target and was not passed over. Refusals are those of plan_backup. */
enum err_code plan_backups_pick(struct plan_backups *k, const struct backup_info **b, struct err *e);

/* The target can't be reached from this one; at most once for each. */
void plan_backups_pass(struct plan_backups *k, const struct backup_info *b);

/* Does another backup that could be picked end behind this LSN? Fetches all. */
enum err_code plan_backups_any_behind(struct plan_backups *k, lsn stop, bool *any, struct err *e);

/*
 * The first backup on the path behind b that ends behind the target; NULL = none. look_to: of a name or an xid. b
 * stays valid.
 */
enum err_code plan_backups_next_behind(struct plan_backups *k, const struct backup_info *b, lsn look_to,
                                       const struct backup_info **out, struct err *e);

/* A backup that was fetched; NULL = no such one. */
const struct backup_info *plan_backups_at(const struct plan_backups *k, const char *id);
