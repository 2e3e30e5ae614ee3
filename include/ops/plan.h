/*
 * ops/plan.h - the restore plan: facts in, plan out. PURE: a restore can be argued before it runs.
 *
 * Settling a plan goes in steps, and the gatherer (ops/plan_line.h) fetches between them only what the next needs:
 *   plan_path      target timeline -> path
 *   plan_backup    path, target -> the newest backup on it that ends at or before the target
 *   plan_settle    backup, target, coverage -> WAL range whole?, recovery settings, warnings
 * Source    PostgreSQL src/backend/access/transam/xlogrecovery.c, recoveryStopsBefore/After.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "ops/plan_coverage.h"
#include "ops/target.h"
#include "pg/timeline.h"
#include "pg/waldrops.h"
#include "repo/backup_list.h"
#include "repo/wal_index.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A commit at the boundary. */
struct plan_commit {
    lsn start; /* of its record: what recovery_target_lsn compares with */
    lsn end;
    uint32_t xid;
    int64_t us;
    uint32_t database;         /* whose relations it touched, where the record says so; else 0 */
    enum waldrops_kind drops;  /* what it did to relations                              */
    uint32_t relation_count;   /* files that go with it; not told of a mere rewrite     */
    uint32_t dropped_database; /* by OID, 0 = none                                      */
};

/*
 * What the target turned out to be in the WAL, when it could be looked up there. For an LSN kept and discarded are
 * known only where the WAL can be read. For the end of the archive only kept is, and reached stays false.
 */
struct plan_moment {
    bool known;              /* the WAL was searched                                                      */
    bool reached;            /* the target was found (for a time: a later commit follows)                 */
    bool has_kept;           /* a transaction lies between the search's start and the target              */
    struct plan_commit kept; /* the last one */
    bool backup_is_late;     /* the backup itself holds one past the time; asked only without has_kept */
    bool has_discarded;
    struct plan_commit discarded; /* the first one */
    bool is_stop_lsn; /* stop at stop_lsn, inclusive: for names and xids the record itself         */
    lsn stop_lsn;
    lsn stop_end;     /* and that record's end */
    lsn last_lsn;     /* start of the last record, when an LSN was not reached */
    int64_t last_us;  /* newest commit on this path, when searched to the end; 0 = none or unknown */
    bool is_estimate; /* descriptors told of more runs than are read: a record past the time may lie before */
    bool is_again;    /* a time: behind it the server's clock was set back, and the time comes again: */
    lsn again_lsn;    /* in the segment that begins here                                              */
    int64_t again_from_us; /* from this time                                                           */
    int64_t again_to_us;   /* to this one                                                              */
    unsigned prepared; /* transactions that were prepared in the WAL read and not ended before the target */
};

/* A timeline with WAL of its own that is not on the path: a parent that went on behind the fork, a sibling. */
struct plan_rival {
    uint32_t tli;
    lsn begin;        /* where it and the path part                                                     */
    bool is_ancestor; /* the path left it; else it left the path                                        */
    bool
        is_unplaced; /* there is no history of it, so nobody knows where it begins; nothing else is known then */
    bool holds_target; /* the same time or LSN lies on it too                                            */
    int64_t first_us;  /* for a time that it holds: of its own first and last transactions, as far as known */
    int64_t last_us;
};

struct plan_rivals {
    struct plan_rival *list; /* ascending by timeline */
    size_t count;
};

struct plan_setting {
    char name[40];
    char value[256]; /* unquoted */
};

#define PLAN_SETTINGS_MAX 8
#define PLAN_WARNINGS_MAX 16
#define PLAN_WARNING_MAX  (ERR_TEXT_MAX + 256) /* an error's text, and what it is the reason of */

struct plan {
    struct target target;
    struct timeline_path path;        /* owned */
    const struct backup_info *backup; /* borrowed from the facts */
    lsn start_lsn;                    /* of the backup: where replay begins                              */
    lsn target_lsn; /* where it ends, as the settings say it; 0 = at the end of WAL, or PostgreSQL decides */
    uint32_t segment_bytes;
    uint64_t first_segment; /* WAL needed, inclusive                                           */
    uint64_t last_segment;  /* as far as it is known to be needed, or there is                 */
    uint64_t wal_segments;
    uint64_t wal_stored_bytes;
    bool is_recorded;   /* that they are all there is the archiver's word: not every one was listed */
    lsn end_of_archive; /* end of the last whole segment on the path in one run with the backup, or: */
    lsn damaged_at;     /* where damaged WAL ends that run; 0 = it does not                          */
    struct plan_moment moment;
    struct plan_setting settings[PLAN_SETTINGS_MAX]; /* recovery_target_*; without restore_command       */
    size_t setting_count;
    char warnings[PLAN_WARNINGS_MAX][PLAN_WARNING_MAX];
    size_t warning_count;
};

void plan_clear(struct plan *p);

/*
 * The path of the wanted timeline. latest: the highest timeline on whose path the backup (NULL: any backup of the
 * list) lies. ERR_REFUSED naming the timelines there are.
 */
enum err_code plan_path(const struct target *t, const struct backup_list *backups,
                        const struct wal_timelines *timelines, struct timeline_path *out, struct err *e);

/*
 * Does the path run through the backup's end? Its timeline is that of its end: from a standby that follows a promotion
 * it may have begun on the parent.
 */
bool plan_is_on_path(const struct timeline_path *path, const struct backup_info *b);

/* Backups that were tried, and that the target can't be reached from. */
struct plan_passed {
    char (*ids)[BACKUP_ID_MAX];
    size_t count;
};

/*
 * The backup to restore: of those that were not passed over the one that ends last before the target, by LSN or by its
 * stop time; for other targets the last of all. ERR_REFUSED: no backup on the path, or all are too late; the text says
 * the earliest restorable moment (LSN and time).
 */
enum err_code plan_backup(const struct target *t, const struct plan_passed *passed,
                          const struct timeline_path *path, const struct backup_list *backups,
                          const struct backup_info **out, struct err *e);

/* All that settling a plan takes; borrowed. */
struct plan_facts {
    const struct backup_info *backup;
    const struct timeline_path *path;
    struct plan_coverage coverage; /* of the path from the backup's first segment on */
    struct plan_rivals rivals;
    const struct backup_info
        *later; /* the first on the path that ends behind the target; NULL = none known */
    const struct backup_info
        *unreached; /* of those that end before the time the newest that it is not behind; or NULL */
    struct plan_moment moment;
};

/*
 * Everything else. ERR_REFUSED: a gap (the missing segment named, with the nearest moments before and behind it), or a
 * target behind the end of WAL (with the last reachable one). Fills p, which owns its path afterwards.
 */
enum err_code plan_settle(const struct target *t, const struct plan_facts *f, struct plan *p, struct err *e);
