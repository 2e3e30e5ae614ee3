/*
 * ops/target.h - what moment is wanted.
 */
#pragma once
#include "pg/lsn.h"
#include <stdbool.h>
#include <stdint.h>

enum target_kind { TARGET_LATEST, TARGET_TIME, TARGET_LSN, TARGET_XID, TARGET_NAME, TARGET_IMMEDIATE };
enum target_timeline { TIMELINE_LATEST, TIMELINE_CURRENT, TIMELINE_NUMBER };
enum target_action { ACTION_PAUSE, ACTION_PROMOTE, ACTION_SHUTDOWN };

struct target {
    enum target_kind kind;
    int64_t time_us;  /* TARGET_TIME, since 1970 UTC                                             */
    lsn lsn;          /* TARGET_LSN                                                              */
    uint32_t xid;     /* TARGET_XID                                                              */
    const char *name; /* TARGET_NAME, at most 63 bytes; borrowed                                 */
    bool exclusive;   /* stop before the target instead of after it                              */
    bool or_latest;   /* a time after the last archived commit means: all there is               */
    enum target_timeline timeline;
    uint32_t timeline_number;
    enum target_action action;
    const char *backup_id; /* NULL = the best one; borrowed                                          */
};
