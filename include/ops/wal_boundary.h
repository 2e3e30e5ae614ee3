/*
 * ops/wal_boundary.h - the transactions on both sides of a target: events in, moment out. PURE.
 *
 * Source    PostgreSQL src/backend/access/transam/xlogrecovery.c, recoveryStopsBefore and recoveryStopsAfter.
 */
#pragma once
#include "ops/plan.h"
#include "pg/waldrops.h"
#include "pg/walevent.h"

#define PREPARED_MAX 64 /* more at once are counted no further */

/* target, moment: borrowed. Zero but for these, from and major; then wal_boundary_begin. */
struct wal_boundary {
    const struct target *target;
    lsn from; /* what begins before is in the backup                                  */
    unsigned major;
    struct plan_moment *moment;
    bool done;      /* the target was passed, and what was to be told of it is known    */
    bool is_before; /* looking at what lies before `from` instead, for backup_is_late,  */
    lsn since;      /* from here on                                                     */
    struct waldrops drops;
    uint32_t dropped_database; /* by a record that the commit to come belongs to */
    uint32_t prepared[PREPARED_MAX];
};

/* Events will come from this position on, without those between it and what came before. */
void wal_boundary_begin(struct wal_boundary *b, lsn start);

/* A walscan_visit; arg is the boundary. Never fails. */
enum err_code wal_boundary_visit(const struct walevent *v, void *arg, struct err *e);
