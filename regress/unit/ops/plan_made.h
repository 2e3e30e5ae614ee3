/*
 * plan_made.h - the facts that plans are made of, in words short enough for a table row: history, stored segments,
 * backup.
 *
 * Segments have 1 MiB and positions are written AT(segment, byte). Stored segments are written "1:3-9 2:7-12".
 */
#pragma once
#include "ops/plan.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#define MIB         (1u << 20)
#define AT(seg, at) ((lsn) (seg) *MIB + (at))
#define SECOND      INT64_C(1000000)
#define NOON        (INT64_C(1795176000) * SECOND) /* 2026-11-20 12:00:00+00 */
#define COUNT(a)    (sizeof(a) / sizeof((a)[0]))

static struct err e;

/* Nothing but where a test sets it. */
static const struct backup_info *next_backup;
static struct plan_rivals rivals;

static inline void forget(void)
{
    e = ERR_NONE;
    next_backup = NULL;
    rivals = (struct plan_rivals){.count = 0};
}

static inline struct timeline_path path_of(uint32_t tli, const char *history)
{
    struct timeline_path path = {0};

    if (history == NULL)
        ck_assert_int_eq(timeline_single(tli, &path, &e), ERR_OK);
    else
        ck_assert_msg(timeline_parse(tli, history, &path, &e) == ERR_OK, "%s", e.text);
    return path;
}

static inline struct wal_runs runs_of(const char *text, struct wal_run room[16])
{
    struct wal_runs runs = {room, 0};
    unsigned tli, first, last;
    int used;

    while (sscanf(text, " %u:%u-%u%n", &tli, &first, &last, &used) == 3) {
        room[runs.count++] = (struct wal_run){
            .tli = tli, .first = first, .last = last, .stored_bytes = (uint64_t) 100 * (last - first + 1)};
        text += used;
    }
    ck_assert_str_eq(text, "");
    return runs;
}

static inline struct backup_info backup_of(const char *id, uint32_t tli, lsn start, lsn stop, int64_t stop_us)
{
    struct backup_info b = {.timeline = tli,
                            .start_lsn = start,
                            .stop_lsn = stop,
                            .start_us = stop_us - SECOND,
                            .stop_us = stop_us,
                            .segment_bytes = MIB};

    (void) snprintf(b.id, sizeof(b.id), "%s", id);
    return b;
}

/* Settled with all that is stored listed. */
static inline enum err_code settle(const struct target *t, const struct backup_info *b,
                                   const struct timeline_path *path, const struct wal_runs *runs,
                                   const struct plan_moment *moment, struct plan *p)
{
    const uint64_t first = walseg_number(b->start_lsn, b->segment_bytes);
    const struct plan_facts f = {.backup = b,
                                 .path = path,
                                 .coverage = plan_cover(path, b->segment_bytes, first, UINT64_MAX, runs),
                                 .rivals = rivals,
                                 .later = next_backup,
                                 .moment = *moment};

    return plan_settle(t, &f, p, &e);
}

static inline void has(const char *what, const char *where, const char *part, const char *why)
{
    ck_assert_msg(part == NULL || strstr(where, part) != NULL, "%s: %s is \"%s\", without \"%s\"", why, what,
                  where, part);
}

#define TWO "1\t0/700200\tno recovery target specified\n" /* timeline 2 leaves 1 inside segment 7 */
