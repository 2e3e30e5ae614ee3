/*
 * test_plan.c - a plan is made of facts alone, so every case is a table row: history, stored segments, backup, target.
 *
 * Segments have 1 MiB and positions are written AT(segment, byte). Stored segments are written "1:3-9 2:7-12".
 */
#include "ops/plan.h"

#include "check_main.h"

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

static void forget(void)
{
    e = ERR_NONE;
    next_backup = NULL;
    rivals = (struct plan_rivals){.count = 0};
}

static struct timeline_path path_of(uint32_t tli, const char *history)
{
    struct timeline_path path = {0};

    if (history == NULL)
        ck_assert_int_eq(timeline_single(tli, &path, &e), ERR_OK);
    else
        ck_assert_msg(timeline_parse(tli, history, &path, &e) == ERR_OK, "%s", e.text);
    return path;
}

static struct wal_runs runs_of(const char *text, struct wal_run room[16])
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

static struct backup_info backup_of(const char *id, uint32_t tli, lsn start, lsn stop, int64_t stop_us)
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
static enum err_code settle(const struct target *t, const struct backup_info *b,
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

/* "name=value name=value" of a plan. */
static const char *settings_of(const struct plan *p)
{
    static char text[2048];
    size_t len = 0;

    text[0] = '\0';
    for (size_t i = 0; i < p->setting_count; i++)
        len += (size_t) snprintf(text + len, sizeof(text) - len, "%s%s=%s", i > 0 ? " " : "",
                                 p->settings[i].name + strlen("recovery_target"), p->settings[i].value);
    return text;
}

static void has(const char *what, const char *where, const char *part, const char *why)
{
    ck_assert_msg(part == NULL || strstr(where, part) != NULL, "%s: %s is \"%s\", without \"%s\"", why, what,
                  where, part);
}

/* ---- coverage: which WAL a target needs ---- */

#define TWO   "1\t0/700200\tno recovery target specified\n" /* timeline 2 leaves 1 inside segment 7 */
#define EDGE  "1\t0/700000\tno recovery target specified\n" /* at the border before segment 7       */
#define TWICE "1\t0/700200\tx\n2\t0/700900\tx\n"            /* twice inside segment 7               */
#define BACK  "1\t0/900000\tx\n2\t0/700200\tx\n"            /* descending: timeline 2 owns nothing  */

static const struct coverage_case {
    const char *why;
    uint32_t tli;
    const char *history;
    const char *runs;
    lsn target;       /* 0 = latest, 1 = immediate          */
    uint64_t last;    /* last segment needed; 0 = refused   */
    const char *text; /* of the refusal                     */
    const char *hint;
} coverage_cases[] = {
    {"whole", 1, NULL, "1:3-9", AT(8, 5), 8, NULL, NULL},
    {"the last byte of the last segment", 1, NULL, "1:3-9", AT(9, MIB - 1), 9, NULL, NULL},
    {"one byte behind it", 1, NULL, "1:3-9", AT(10, 0), 0,
     "LSN 0/A00000 can't be reached: archived WAL ends before segment \"00000001000000000000000A\"",
     "From backup b everything up to LSN 0/A00000 can be restored."},
    {"a gap before the backup is none", 1, NULL, "1:1-2 1:4-9", AT(8, 5), 8, NULL, NULL},
    {"a gap behind the target is none", 1, NULL, "1:4-8 1:10-12", AT(8, 5), 8, NULL, NULL},
    {"a gap before the target", 1, NULL, "1:4-6 1:8-12", AT(8, 5), 0,
     "LSN 0/800005 can't be reached: segment \"000000010000000000000007\" is missing, with later ones "
     "present",
     "From backup b everything up to LSN 0/700000 can be restored."},
    {"latest up to the end", 1, NULL, "1:4-6", 0, 6, NULL, NULL},
    {"latest over a gap", 1, NULL, "1:4-6 1:8-12", 0, 0, "segment \"000000010000000000000007\" is missing",
     "--or-latest"},
    {"nothing at all", 1, NULL, "", 0, 0,
     "the end of backup b can't be reached: archived WAL ends before segment \"000000010000000000000004\"",
     "This backup can't be made consistent. Name another one with --backup."},
    {"the backup's first segment is missing", 1, NULL, "1:5-9", AT(8, 5), 0,
     "the end of backup b can't be reached: segment \"000000010000000000000004\" is missing",
     "This backup can't be made consistent."},
    {"the backup's last segment is missing", 1, NULL, "1:4-4", 1, 0,
     "the end of backup b can't be reached: archived WAL ends before segment \"000000010000000000000005\"",
     "This backup can't be made consistent."},
    {"immediate needs the backup's own", 1, NULL, "1:4-5 1:7-9", 1, 5, NULL, NULL},
    {"over a switch", 2, TWO, "1:3-6 2:7-9", AT(8, 5), 8, NULL, NULL},
    {"the child's copy of the fork segment is missing", 2, TWO, "1:3-9 2:8-9", AT(8, 5), 0,
     "segment \"000000020000000000000007\" is missing, with later ones present", "up to LSN 0/700000"},
    {"the child has archived nothing yet", 2, TWO, "1:3-9", AT(8, 5), 0,
     "archived WAL ends before segment \"000000020000000000000007\"", "up to LSN 0/700000"},
    {"the child has archived nothing yet, latest", 2, TWO, "1:3-9", 0, 6, NULL, NULL},
    {"the parent's copy counts for nothing", 2, TWO, "1:3-5 2:7-9", AT(8, 5), 0,
     "segment \"000000010000000000000006\" is missing", NULL},
    {"a switch at a segment border", 2, EDGE, "1:3-6 2:7-9", AT(8, 5), 8, NULL, NULL},
    {"a switch at a border, the child's missing", 2, EDGE, "1:3-7 2:8-9", AT(8, 5), 0,
     "segment \"000000020000000000000007\" is missing", NULL},
    {"two switches in one segment: the youngest's copy", 3, TWICE, "1:3-6 3:7-9", AT(8, 5), 8, NULL, NULL},
    {"two switches in one segment: the middle's won't do", 3, TWICE, "1:3-6 2:7-9", AT(8, 5), 0,
     "archived WAL ends before segment \"000000030000000000000007\"", NULL},
    {"descending switches", 3, BACK, "1:3-6 2:9-12 3:7-9", AT(8, 5), 8, NULL, NULL},
    {"descending switches: the empty one's segments are nothing later", 3, BACK, "1:3-6 2:9-12", 0, 6, NULL,
     NULL},
    {"a child's stray segment below its beginning", 2, TWO, "1:3-4 2:5-9", 0, 0,
     "segment \"000000010000000000000005\" is missing, with later ones present", NULL},
    {"the parent's segments behind the fork are nothing later", 2, TWO, "1:3-5 1:8-9", 0, 5, NULL, NULL},
};

START_TEST(the_wal_from_the_backup_to_the_target_must_be_whole)
{
    const struct coverage_case *c = &coverage_cases[_i];
    const struct backup_info b = backup_of("b", 1, AT(4, 40), AT(5, 96), NOON);
    const struct plan_moment reached = {.known = true, .reached = true};
    struct timeline_path path = path_of(c->tli, c->history);
    struct wal_run room[16];
    const struct wal_runs runs = runs_of(c->runs, room);
    struct target t = {.kind = TARGET_LSN, .lsn = c->target};
    struct plan p;

    if (c->target < 2)
        t.kind = c->target == 0 ? TARGET_LATEST : TARGET_IMMEDIATE;
    if (settle(&t, &b, &path, &runs, &reached, &p) == ERR_OK) {
        ck_assert_msg(c->last != 0, "%s: planned up to segment %lu", c->why, (unsigned long) p.last_segment);
        ck_assert_msg(p.last_segment == c->last, "%s: up to %lu", c->why, (unsigned long) p.last_segment);
        ck_assert_uint_eq(p.first_segment, 4);
        ck_assert_uint_eq(p.wal_segments, c->last - 3);
        ck_assert_uint_eq(p.wal_stored_bytes, 100 * p.wal_segments);
        plan_clear(&p);
    } else {
        ck_assert_msg(c->last == 0 && e.code == ERR_REFUSED, "%s: %s", c->why, e.text);
        has("text", e.text, c->text, c->why);
        has("hint", e.hint, c->hint, c->why);
    }
    timeline_clear(&path);
}
END_TEST

/* ---- the path ---- */

static const struct path_case {
    const char *why;
    enum target_timeline wish;
    uint32_t number;
    const char *backup;
    uint32_t tli; /* of the path's end; 0 = refused */
    size_t entries;
    const char *text;
} path_cases[] = {
    {"latest", TIMELINE_LATEST, 0, NULL, 4, 2, NULL},
    {"latest with a backup that only an abandoned branch has", TIMELINE_LATEST, 0, "b-on-2", 3, 3, NULL},
    {"latest with a backup on all branches", TIMELINE_LATEST, 0, "a-on-1", 4, 2, NULL},
    {"current is the newest backup's", TIMELINE_CURRENT, 0, NULL, 2, 2, NULL},
    {"current is the named backup's", TIMELINE_CURRENT, 0, "a-on-1", 1, 1, NULL},
    {"by number", TIMELINE_NUMBER, 2, NULL, 2, 2, NULL},
    {"by number, the first", TIMELINE_NUMBER, 1, NULL, 1, 1, NULL},
    {"segments without a history", TIMELINE_NUMBER, 6, NULL, 0, 0,
     "timeline 6 has no history file in the repository, and recovery can't follow it without"},
    {"latest with a backup on a branch without a history", TIMELINE_LATEST, 0, "e-on-6", 0, 0,
     "timeline 6 has no history file"},
    {"by number, not there", TIMELINE_NUMBER, 5, NULL, 0, 0,
     "timeline 5 is not in the repository; there are: 1, 2, 3, 4, 6"},
    {"no such backup", TIMELINE_LATEST, 0, "c", 0, 0, "there is no backup \"c\""},
    {"a damaged backup", TIMELINE_LATEST, 0, "d-damaged", 0, 0,
     "backup \"d-damaged\" can't be restored: it is torn"},
};

/* Timelines 1, 2 from 1, 3 from 2, 4 from 1 before 2 began, 6 of unknown descent; backups on 1 and 2. */
START_TEST(the_path_is_that_of_the_wanted_timeline)
{
    const struct path_case *c = &path_cases[_i];
    struct wal_timeline list[] = {
        {1, true, path_of(1, NULL), false},
        {2, true, path_of(2, "1\t0/700200\tx\n"), true},
        {3, true, path_of(3, "1\t0/700200\tx\n2\t0/900000\tx\n"), true},
        {4, true, path_of(4, "1\t0/600000\tx\n"), true},
        {6, true, path_of(6, NULL), false},
    };
    struct backup_info backups[] = {backup_of("a-on-1", 1, AT(4, 40), AT(5, 96), NOON),
                                    backup_of("b-on-2", 2, AT(8, 40), AT(8, 96), NOON),
                                    backup_of("e-on-6", 6, AT(9, 40), AT(9, 96), NOON)};
    struct backup_damage damaged[] = {{"d-damaged", "it is torn"}};
    const struct wal_timelines timelines = {list, COUNT(list)};
    const struct backup_list known = {.list = backups,
                                      .count = c->backup == NULL ? 2 : COUNT(backups),
                                      .damaged = damaged,
                                      .damaged_count = COUNT(damaged)};
    const struct target t = {.timeline = c->wish, .timeline_number = c->number, .backup_id = c->backup};
    struct timeline_path path = {0};

    if (plan_path(&t, &known, &timelines, &path, &e) == ERR_OK) {
        ck_assert_msg(path.entries[path.count - 1].tli == c->tli, "%s: %u", c->why,
                      path.entries[path.count - 1].tli);
        ck_assert_uint_eq(path.count, c->entries);
    } else {
        ck_assert_msg(c->tli == 0 && e.code == ERR_REFUSED, "%s: %s", c->why, e.text);
        has("text", e.text, c->text, c->why);
    }
    timeline_clear(&path);
    for (size_t i = 0; i < COUNT(list); i++)
        timeline_clear(&list[i].path);
}
END_TEST

START_TEST(without_a_backup_there_is_no_path)
{
    const struct backup_list none = {.count = 0};
    const struct wal_timelines timelines = {.count = 0};
    const struct target t = {.kind = TARGET_LATEST};
    struct timeline_path path = {0};

    ck_assert_int_eq(plan_path(&t, &none, &timelines, &path, &e), ERR_REFUSED);
    ck_assert_str_eq(e.text, "there is no backup to restore");
}
END_TEST

START_TEST(a_backup_whose_timeline_has_no_wal_yet_is_a_path_of_its_own)
{
    struct backup_info b = backup_of("a", 1, AT(4, 40), AT(5, 96), NOON);
    const struct backup_list known = {.list = &b, .count = 1};
    const struct wal_timelines timelines = {.count = 0};
    const struct target t = {.kind = TARGET_LATEST};
    struct timeline_path path = {0};

    ck_assert_int_eq(plan_path(&t, &known, &timelines, &path, &e), ERR_OK);
    ck_assert_uint_eq(path.count, 1);
    ck_assert_uint_eq(path.entries[0].tli, 1);
    timeline_clear(&path);
    b.timeline = 7;
    ck_assert_int_eq(plan_path(&t, &known, &timelines, &path, &e), ERR_REFUSED);
}
END_TEST

/* ---- the backup ---- */

static const struct backup_case {
    const char *why;
    struct target target;
    const char *passed; /* NULL = none */
    const char *id;     /* NULL = refused */
    const char *text;
    const char *hint;
} backup_cases[] = {
    {"latest takes the newest on the path", {.kind = TARGET_LATEST}, NULL, "c", NULL, NULL},
    {"immediate takes the newest on the path", {.kind = TARGET_IMMEDIATE}, NULL, "c", NULL, NULL},
    {"an LSN at a backup's stop", {.kind = TARGET_LSN, .lsn = AT(5, 96)}, NULL, "a", NULL, NULL},
    {"an LSN inside a backup takes the one before",
     {.kind = TARGET_LSN, .lsn = AT(8, 95)},
     NULL,
     "a",
     NULL,
     NULL},
    {"an LSN inside the first backup",
     {.kind = TARGET_LSN, .lsn = AT(5, 95)},
     NULL,
     NULL,
     "the target lies before the end of the first backup on timeline 2",
     "The earliest moment that can be restored is 2026-11-20 12:00:00+00 (LSN 0/500060, backup a)."},
    {"a time at a backup's stop", {.kind = TARGET_TIME, .time_us = NOON}, NULL, "a", NULL, NULL},
    {"a time at a backup's stop, exclusive: it may hold a commit of that very time",
     {.kind = TARGET_TIME, .time_us = NOON, .exclusive = true},
     NULL,
     NULL,
     "before the end of the first backup",
     NULL},
    {"a time before the first backup's stop",
     {.kind = TARGET_TIME, .time_us = NOON - 1},
     NULL,
     NULL,
     "before the end of the first backup on timeline 2",
     "2026-11-20 12:00:00+00"},
    {"a time between", {.kind = TARGET_TIME, .time_us = NOON + 10 * SECOND - 1}, NULL, "a", NULL, NULL},
    {"a time after the last", {.kind = TARGET_TIME, .time_us = NOON + 90 * SECOND}, NULL, "c", NULL, NULL},
    {"an xid behind the newest", {.kind = TARGET_XID, .xid = 7}, NULL, "c", NULL, NULL},
    {"an xid that is not behind the newest", {.kind = TARGET_XID, .xid = 7}, "c", "a", NULL, NULL},
    {"a time that is not reached from the newest",
     {.kind = TARGET_TIME, .time_us = NOON + 90 * SECOND},
     "c",
     "a",
     NULL,
     NULL},
    {"named", {.kind = TARGET_LATEST, .backup_id = "a"}, NULL, "a", NULL, NULL},
    {"named, target before its end",
     {.kind = TARGET_LSN, .lsn = AT(8, 0), .backup_id = "c"},
     NULL,
     NULL,
     "the target lies before the end of backup \"c\"",
     "The earliest moment that can be restored from it is 2026-11-20 12:00:10+00 (LSN 0/800060)."},
    {"named, on another branch",
     {.kind = TARGET_LATEST, .backup_id = "x"},
     NULL,
     NULL,
     "backup \"x\" (timeline 1, up to 0/900060) is not on the path of timeline 2",
     NULL},
};

/* a on 1 before the fork, x on 1 behind it, c on 2; listed by start time. */
START_TEST(the_newest_backup_that_ends_before_the_target_is_taken)
{
    const struct backup_case *c = &backup_cases[_i];
    struct backup_info backups[] = {backup_of("a", 1, AT(4, 40), AT(5, 96), NOON),
                                    backup_of("c", 2, AT(8, 40), AT(8, 96), NOON + 10 * SECOND),
                                    backup_of("x", 1, AT(9, 40), AT(9, 96), NOON + 20 * SECOND)};
    const struct backup_list known = {.list = backups, .count = COUNT(backups)};
    struct timeline_path path = path_of(2, TWO);
    const struct backup_info *b = NULL;
    char id[1][BACKUP_ID_MAX] = {""};
    const struct plan_passed passed = {.ids = id, .count = c->passed != NULL};

    if (c->passed != NULL)
        (void) strcpy(id[0], c->passed);
    if (plan_backup(&c->target, &passed, &path, &known, &b, &e) == ERR_OK) {
        ck_assert_msg(c->id != NULL && strcmp(b->id, c->id) == 0, "%s: %s", c->why, b->id);
    } else {
        ck_assert_msg(c->id == NULL && e.code == ERR_REFUSED, "%s: %s", c->why, e.text);
        has("text", e.text, c->text, c->why);
        has("hint", e.hint, c->hint, c->why);
    }
    timeline_clear(&path);
}
END_TEST

static const struct on_path_case {
    const char *why;
    uint32_t tli;
    lsn start, stop;
    bool is_on_path;
} on_path_cases[] = {
    {"ends at the fork itself", 1, AT(6, 40), AT(7, 0x200), true},
    {"ends one byte behind the fork", 1, AT(6, 40), AT(7, 0x201), false},
    {"begins at the fork", 2, AT(7, 0x200), AT(8, 40), true},
    {"from a standby that followed the switch: begins on the parent", 2, AT(6, 40), AT(8, 40), true},
    {"of a timeline that is not on the path", 3, AT(4, 40), AT(5, 40), false},
};

START_TEST(a_backup_is_on_the_path_when_its_end_is)
{
    const struct on_path_case *c = &on_path_cases[_i];
    struct backup_info b = backup_of("a", c->tli, c->start, c->stop, NOON);
    const struct backup_list known = {.list = &b, .count = 1};
    const struct target t = {.kind = TARGET_LATEST};
    struct timeline_path path = path_of(2, TWO);
    const struct backup_info *found;

    ck_assert_msg((plan_backup(&t, &(struct plan_passed){.count = 0}, &path, &known, &found, &e) == ERR_OK) ==
                      c->is_on_path,
                  "%s: %s", c->why, e.text);
    if (!c->is_on_path)
        ck_assert_str_eq(e.text, "there is no backup on the path of timeline 2");
    timeline_clear(&path);
}
END_TEST

/* ---- settings ---- */

#define KEPT \
    .known = true, .reached = true, .has_kept = true, .kept.start = AT(7, 0x100), .kept.end = AT(7, 0x130)

static const struct settings_case {
    const char *why;
    struct target target;
    struct plan_moment moment;
    const char *settings; /* without the common beginning of their names */
    uint64_t last;
    lsn ends_at;
} settings_cases[] = {
    {"latest", {.kind = TARGET_LATEST}, {.known = false}, "_timeline=1", 9, 0},
    {"immediate",
     {.kind = TARGET_IMMEDIATE},
     {.known = false},
     "_timeline=1 =immediate _action=pause",
     5,
     AT(5, 96)},
    {"LSN",
     {.kind = TARGET_LSN, .lsn = AT(7, 0x100), .action = ACTION_PROMOTE},
     {.known = true, .reached = true},
     "_timeline=1 _lsn=0/700100 _inclusive=on _action=promote",
     7,
     AT(7, 0x100)},
    {"LSN, exclusive",
     {.kind = TARGET_LSN, .lsn = AT(7, 0x100), .exclusive = true, .action = ACTION_SHUTDOWN},
     {.known = true, .reached = true},
     "_timeline=1 _lsn=0/700100 _inclusive=off _action=shutdown",
     7,
     AT(7, 0x100)},
    {"a time is the last kept commit, inclusive",
     {.kind = TARGET_TIME, .time_us = NOON + SECOND},
     {KEPT},
     "_timeline=1 _lsn=0/700100 _inclusive=on _action=pause",
     7,
     AT(7, 0x100)},
    {"an exclusive time too",
     {.kind = TARGET_TIME, .time_us = NOON + SECOND, .exclusive = true},
     {KEPT},
     "_timeline=1 _lsn=0/700100 _inclusive=on _action=pause",
     7,
     AT(7, 0x100)},
    {"an exclusive xid too",
     {.kind = TARGET_XID, .xid = 7, .exclusive = true},
     {KEPT},
     "_timeline=1 _lsn=0/700100 _inclusive=on _action=pause",
     7,
     AT(7, 0x100)},
    {"a kept record that ends in the next segment needs that",
     {.kind = TARGET_TIME, .time_us = NOON + SECOND},
     {.known = true, .reached = true, .has_kept = true, .kept.start = AT(8, 0) - 8, .kept.end = AT(8, 64)},
     "_timeline=1 _lsn=0/7FFFF8 _inclusive=on _action=pause",
     8,
     AT(8, 0) - 8},
    {"one that ends at a border does not",
     {.kind = TARGET_TIME, .time_us = NOON + SECOND},
     {.known = true, .reached = true, .has_kept = true, .kept.start = AT(8, 0) - 48, .kept.end = AT(8, 0)},
     "_timeline=1 _lsn=0/7FFFD0 _inclusive=on _action=pause",
     7,
     AT(8, 0) - 48},
    {"nothing kept behind the backup: as soon as it is consistent",
     {.kind = TARGET_TIME, .time_us = NOON + SECOND},
     {.known = true, .reached = true},
     "_timeline=1 =immediate _action=pause",
     5,
     AT(5, 96)},
    {"a restore point is its record",
     {.kind = TARGET_NAME, .name = "p"},
     {KEPT, .is_stop_lsn = true, .stop_lsn = AT(7, 0x200), .stop_end = AT(7, 0x268)},
     "_timeline=1 _lsn=0/700200 _inclusive=on _action=pause",
     7,
     AT(7, 0x200)},
    {"a restore point that ends in the next segment needs that",
     {.kind = TARGET_NAME, .name = "p"},
     {KEPT, .is_stop_lsn = true, .stop_lsn = AT(8, 0) - 8, .stop_end = AT(8, 136)},
     "_timeline=1 _lsn=0/7FFFF8 _inclusive=on _action=pause",
     8,
     AT(8, 0) - 8},
    {"a time that could not be looked up",
     {.kind = TARGET_TIME, .time_us = NOON + SECOND},
     {.known = false},
     "_timeline=1 _time=2026-11-20 12:00:01+00 _inclusive=on _action=pause",
     9,
     0},
    {"an xid that could not be looked up",
     {.kind = TARGET_XID, .xid = 7, .exclusive = true},
     {.known = false},
     "_timeline=1 _xid=7 _inclusive=off _action=pause",
     9,
     0},
    {"a name that could not be looked up",
     {.kind = TARGET_NAME, .name = "p"},
     {.known = false},
     "_timeline=1 _name=p _action=pause",
     9,
     0},
    {"a time behind the end, with --or-latest",
     {.kind = TARGET_TIME, .time_us = NOON + SECOND, .or_latest = true},
     {.known = true, .last_us = NOON, .has_kept = true, .kept.start = AT(7, 0x100), .kept.end = AT(7, 0x140)},
     "_timeline=1 _lsn=0/700100 _inclusive=on _action=pause",
     7,
     AT(7, 0x100)},
    {"a time behind the end, with --or-latest, and nothing behind the backup",
     {.kind = TARGET_TIME, .time_us = NOON + SECOND, .or_latest = true},
     {.known = true},
     "_timeline=1 =immediate _action=pause",
     5,
     AT(5, 96)},
};

START_TEST(every_target_becomes_the_settings_that_end_recovery_there)
{
    const struct settings_case *c = &settings_cases[_i];
    const struct backup_info b = backup_of("b", 1, AT(4, 40), AT(5, 96), NOON);
    struct timeline_path path = path_of(1, NULL);
    struct wal_run room[16];
    const struct wal_runs runs = runs_of("1:3-9", room);
    struct plan p;

    ck_assert_msg(settle(&c->target, &b, &path, &runs, &c->moment, &p) == ERR_OK, "%s: %s", c->why, e.text);
    ck_assert_msg(strcmp(settings_of(&p), c->settings) == 0, "%s: %s", c->why, settings_of(&p));
    ck_assert_msg(p.last_segment == c->last, "%s: up to %lu", c->why, (unsigned long) p.last_segment);
    ck_assert_msg(p.target_lsn == c->ends_at, "%s: ends at %lx", c->why, (unsigned long) p.target_lsn);
    ck_assert_uint_eq(p.end_of_archive, AT(10, 0));
    plan_clear(&p);
    timeline_clear(&path);
}
END_TEST

/* ---- a target that was not found ---- */

static const struct unfound_case {
    const char *why;
    struct target target;
    struct plan_moment moment;
    const char *runs;
    const char *text;
    const char *hint;
} unfound_cases[] = {
    {"a time after the last commit",
     {.kind = TARGET_TIME, .time_us = NOON + 5 * SECOND},
     {.known = true, .last_us = NOON + SECOND},
     "1:3-9",
     "no transaction behind the target time 2026-11-20 12:00:05+00 is archived: the last one is of "
     "2026-11-20 12:00:01+00",
     "--or-latest restores all there is; an earlier time can be reached exactly."},
    {"a time after a backup without any commit behind it",
     {.kind = TARGET_TIME, .time_us = NOON + 5 * SECOND},
     {.known = true},
     "1:3-9",
     "no transaction is archived between backup b and the end of WAL",
     "--or-latest restores all there is."},
    {"a time that may lie behind a gap",
     {.kind = TARGET_TIME, .time_us = NOON + 5 * SECOND},
     {.known = true, .last_us = NOON + SECOND},
     "1:3-6 1:8-9",
     "2026-11-20 12:00:05+00 can't be reached: segment \"000000010000000000000007\" is missing",
     "up to LSN 0/700000"},
    {"an LSN behind the last record",
     {.kind = TARGET_LSN, .lsn = AT(9, 0x500)},
     {.known = true, .last_lsn = AT(9, 0x300)},
     "1:3-9",
     "no record at or behind LSN 0/900500 is archived",
     "The last archived record begins at 0/900300."},
    {"an xid",
     {.kind = TARGET_XID, .xid = 77},
     {.known = true},
     "1:3-9",
     "transaction 77 did not end in the archived WAL of timeline 1",
     "give that of the transaction around it."},
    {"an xid that may lie behind a gap",
     {.kind = TARGET_XID, .xid = 77},
     {.known = true},
     "1:3-6 1:8-9",
     "transaction 77 was not found before segment \"000000010000000000000007\", which is missing, with later "
     "ones present",
     "From backup b everything up to LSN 0/700000 can be restored"},
    {"an xid, behind the backup that was named",
     {.kind = TARGET_XID, .xid = 77, .backup_id = "b"},
     {.known = true},
     "1:3-9",
     "transaction 77 did not end in the archived WAL of timeline 1 behind backup b",
     "Without --backup it is looked for behind earlier backups, too."},
    {"a name",
     {.kind = TARGET_NAME, .name = "p"},
     {.known = true},
     "1:3-9",
     "restore point \"p\" is not in the archived WAL of timeline 1",
     NULL},
};

START_TEST(a_target_that_is_not_in_the_wal_is_refused)
{
    const struct unfound_case *c = &unfound_cases[_i];
    const struct backup_info b = backup_of("b", 1, AT(4, 40), AT(5, 96), NOON);
    struct timeline_path path = path_of(1, NULL);
    struct wal_run room[16];
    const struct wal_runs runs = runs_of(c->runs, room);
    struct plan p;

    ck_assert_msg(settle(&c->target, &b, &path, &runs, &c->moment, &p) == ERR_REFUSED, "%s", c->why);
    has("text", e.text, c->text, c->why);
    has("hint", e.hint, c->hint, c->why);
    timeline_clear(&path);
}
END_TEST

START_TEST(a_gap_is_refused_with_the_nearest_moments_around_it)
{
    const struct backup_info b = backup_of("b", 1, AT(4, 40), AT(5, 96), NOON);
    const struct backup_info behind = backup_of("next", 1, AT(10, 40), AT(11, 96), NOON + 60 * SECOND);
    const struct target t = {.kind = TARGET_TIME, .time_us = NOON + 5 * SECOND};
    const struct plan_moment moment = {.known = true, .last_us = NOON + SECOND};
    struct timeline_path path = path_of(1, NULL);
    struct wal_run room[16];
    const struct wal_runs runs = runs_of("1:3-6 1:8-12", room);
    struct plan p;

    next_backup = &behind;
    ck_assert_int_eq(settle(&t, &b, &path, &runs, &moment, &p), ERR_REFUSED);
    has("text", e.text, "segment \"000000010000000000000007\" is missing, with later ones present", "");
    ck_assert_str_eq(e.hint,
                     "From backup b everything up to LSN 0/700000 (last transaction 2026-11-20 12:00:01+00) "
                     "can be restored; the next moment is 2026-11-20 12:01:00+00 (LSN 0/B00060), the end of "
                     "backup next.");
    timeline_clear(&path);
}
END_TEST

/* ---- WAL that was damaged when it was archived: in segment 7, at 0/700320 ---- */

#define DAMAGE "WAL is damaged at LSN 0/700320 in segment \"000000010000000000000007\", as it was archived"

static const struct damage_case {
    const char *why;
    struct target target;
    bool known, reached;
    lsn stop;      /* of the backup                    */
    uint64_t last; /* segment needed; 0 = refused      */
    const char *text;
    const char *hint; /* of a refusal; of a plan: what it warns of */
} damage_cases[] = {
    {"an LSN before it", {.kind = TARGET_LSN, .lsn = AT(7, 799)}, true, true, AT(5, 96), 7, NULL, DAMAGE},
    {"the LSN itself",
     {.kind = TARGET_LSN, .lsn = AT(7, 800)},
     true,
     false,
     AT(5, 96),
     0,
     "LSN 0/700320 can't be reached: " DAMAGE,
     "everything up to LSN 0/700320 can be restored"},
    {"an LSN behind it",
     {.kind = TARGET_LSN, .lsn = AT(8, 5)},
     true,
     false,
     AT(5, 96),
     0,
     "LSN 0/800005 can't be reached: " DAMAGE,
     "up to LSN 0/700320"},
    {"an LSN behind the last record before it",
     {.kind = TARGET_LSN, .lsn = AT(7, 790)},
     true,
     false,
     AT(5, 96),
     0,
     "a record at or behind LSN 0/700316 was not found before the damage: " DAMAGE,
     "everything up to LSN 0/700320"},
    {"an LSN behind it that was not looked up",
     {.kind = TARGET_LSN, .lsn = AT(7, 800)},
     false,
     false,
     AT(5, 96),
     0,
     "can't be reached: " DAMAGE,
     NULL},
    {"a time behind it",
     {.kind = TARGET_TIME, .time_us = NOON + SECOND},
     true,
     false,
     AT(5, 96),
     0,
     "2026-11-20 12:00:01+00 can't be reached: " DAMAGE,
     "up to LSN 0/700320"},
    {"a time behind it, with --or-latest",
     {.kind = TARGET_TIME, .time_us = NOON + SECOND, .or_latest = true},
     true,
     false,
     AT(5, 96),
     5,
     NULL,
     DAMAGE "; nothing behind it can be reached from this backup"},
    {"a transaction behind it",
     {.kind = TARGET_XID, .xid = 7},
     true,
     false,
     AT(5, 96),
     0,
     "transaction 7 was not found before the damage: " DAMAGE,
     "everything up to LSN 0/700320"},
    {"what only recovery can find", {.kind = TARGET_XID, .xid = 7}, false, false, AT(5, 96), 7, NULL, DAMAGE},
    {"all there is",
     {.kind = TARGET_LATEST},
     true,
     false,
     AT(5, 96),
     0,
     "the end of the archived WAL can't be reached: " DAMAGE,
     "--or-latest"},
    {"the backup's own, behind its end",
     {.kind = TARGET_IMMEDIATE},
     false,
     false,
     AT(7, 800),
     7,
     NULL,
     DAMAGE},
    {"the backup's own",
     {.kind = TARGET_IMMEDIATE},
     false,
     false,
     AT(7, 801),
     0,
     "the end of backup b can't be reached: " DAMAGE,
     "This backup can't be made consistent."},
};

START_TEST(behind_damaged_wal_nothing_is_promised)
{
    const struct damage_case *c = &damage_cases[_i];
    const struct backup_info b = backup_of("b", 1, AT(4, 40), c->stop, NOON);
    struct timeline_path path = path_of(1, NULL);
    struct plan_facts f = {.backup = &b,
                           .path = &path,
                           .coverage = {.any = true, .whole_to = 12, .missing = 13, .stored_bytes = 900},
                           .moment = {.known = c->known, .reached = c->reached}};
    struct plan p;

    plan_coverage_cut(&f.coverage, &path, MIB, 4, 7, AT(7, 800));
    ck_assert_uint_eq(f.coverage.stored_bytes, 400);
    if (plan_settle(&c->target, &f, &p, &e) == ERR_OK) {
        ck_assert_msg(c->last == p.last_segment, "%s: up to segment %lu", c->why,
                      (unsigned long) p.last_segment);
        ck_assert(p.end_of_archive == AT(7, 800) && p.damaged_at == AT(7, 800));
        has("warning", p.warnings[0], c->hint, c->why);
        plan_clear(&p);
    } else {
        ck_assert_msg(c->last == 0 && e.code == ERR_REFUSED, "%s: %s", c->why, e.text);
        has("text", e.text, c->text, c->why);
        has("hint", e.hint, c->hint, c->why);
    }
    timeline_clear(&path);
}
END_TEST

START_TEST(what_was_not_looked_at_is_said)
{
    const struct backup_info b = backup_of("b", 1, AT(4, 40), AT(5, 96), NOON);
    const struct target t = {.kind = TARGET_LATEST};
    struct timeline_path path = path_of(1, NULL);
    const struct plan_facts f = {.backup = &b,
                                 .path = &path,
                                 .coverage = {.any = true, .whole_to = 12, .missing = 13, .is_unseen = true}};
    struct plan p;

    ck_assert_int_eq(plan_settle(&t, &f, &p, &e), ERR_OK);
    ck_assert_uint_eq(p.warning_count, 1);
    has("warning", p.warnings[0], "whether WAL was damaged when it was archived was not looked at everywhere",
        "");
    plan_clear(&p);
    timeline_clear(&path);
}
END_TEST

/* ---- warnings ---- */

static const struct warning_case {
    const char *why;
    struct target target;
    bool known, reached;
    uint32_t tli;
    const char *runs;
    const char *warning; /* NULL = none */
} warning_cases[] = {
    {"nothing to say", {.kind = TARGET_LSN, .lsn = AT(8, 1)}, true, true, 1, "1:3-9", NULL},
    {"a later gap",
     {.kind = TARGET_LSN, .lsn = AT(8, 1)},
     true,
     true,
     1,
     "1:3-8 1:10-12",
     "segment \"000000010000000000000009\" is missing; nothing behind it can be reached from this backup"},
    {"not looked up", {.kind = TARGET_XID, .xid = 7}, false, false, 1, "1:3-9", "could not be searched"},
    {"--or-latest",
     {.kind = TARGET_TIME, .time_us = NOON + SECOND, .or_latest = true},
     true,
     false,
     1,
     "1:3-9",
     "what is archived by now will be restored, up to the last transaction"},
    {"the parent ends where it was left",
     {.kind = TARGET_LSN, .lsn = AT(8, 1)},
     true,
     true,
     2,
     "1:3-6 2:7-9",
     NULL},
};

START_TEST(what_is_unusual_is_warned_of)
{
    const struct warning_case *c = &warning_cases[_i];
    const struct backup_info b = backup_of("b", 1, AT(4, 40), AT(5, 96), NOON);
    const struct plan_moment moment = {.known = c->known, .reached = c->reached};
    struct timeline_path path = path_of(c->tli, c->tli == 1 ? NULL : TWO);
    struct wal_run room[16];
    const struct wal_runs runs = runs_of(c->runs, room);
    struct plan p;

    ck_assert_msg(settle(&c->target, &b, &path, &runs, &moment, &p) == ERR_OK, "%s: %s", c->why, e.text);
    ck_assert_msg(p.warning_count == (c->warning != NULL), "%s: %s", c->why, p.warnings[0]);
    if (c->warning != NULL)
        has("warning", p.warnings[0], c->warning, c->why);
    plan_clear(&p);
    timeline_clear(&path);
}
END_TEST

START_TEST(a_clock_that_was_set_back_is_told_of)
{
    const struct target t = {.kind = TARGET_TIME, .time_us = NOON + 20 * SECOND};
    const struct backup_info b = backup_of("b", 1, AT(4, 40), AT(5, 96), NOON);
    const struct backup_info unreached = backup_of("later", 1, AT(8, 40), AT(8, 96), NOON + 10 * SECOND);
    const struct plan_moment moments[] = {{.known = true,
                                           .reached = true,
                                           .is_again = true,
                                           .again_lsn = AT(7, 0),
                                           .again_from_us = NOON + 30 * SECOND,
                                           .again_to_us = NOON + 5 * SECOND},
                                          {.known = true, .reached = true, .is_estimate = true},
                                          {.known = true, .reached = true}};
    static const char *const words[] = {
        "lies twice in this WAL, for the server's clock went back from 2026-11-20 12:00:30+00 to "
        "2026-11-20 12:00:05+00 near LSN 0/700000; this plan ends before that",
        "to prove that no transaction before the one found is past the target time",
        "backup later ended at 2026-11-20 12:00:10+00, before the target time, but at LSN 0/800060, behind "
        "where"};
    struct timeline_path path = path_of(1, NULL);
    struct wal_run room[16];
    const struct wal_runs runs = runs_of("1:3-9", room);

    for (size_t i = 0; i < COUNT(moments); i++) {
        const struct plan_facts f = {.backup = &b,
                                     .path = &path,
                                     .coverage = plan_cover(&path, MIB, 4, UINT64_MAX, &runs),
                                     .unreached = i == 2 ? &unreached : NULL,
                                     .moment = moments[i]};
        struct plan p;

        ck_assert_msg(plan_settle(&t, &f, &p, &e) == ERR_OK, "%s", e.text);
        ck_assert_uint_eq(p.warning_count, 1);
        has("warning", p.warnings[0], words[i], words[i]);
        plan_clear(&p);
    }
    timeline_clear(&path);
}
END_TEST

static const struct rival_case {
    const char *why;
    enum target_kind kind;
    struct plan_rival rival;
    const char *warning; /* NULL = none */
    const char *hint;    /* of a refusal; NULL = no word of it */
} rival_cases[] = {
    {"a sibling has the time too",
     TARGET_TIME,
     {.tli = 3,
      .begin = AT(7, 512),
      .holds_target = true,
      .first_us = NOON + SECOND,
      .last_us = NOON + 9 * SECOND},
     "the target time lies on timeline 3 too, whose transactions behind LSN 0/700200 are of 2026-11-20 "
     "12:00:01+00 to "
     "2026-11-20 12:00:09+00; --target-timeline 3 restores that branch",
     "Timeline 3 has that moment: --target-timeline 3 looks there. "},
    {"a sibling has the LSN too",
     TARGET_LSN,
     {.tli = 3, .begin = AT(7, 512), .holds_target = true},
     "the target lies on timeline 3 too, which goes its own way behind LSN 0/700200; --target-timeline 3 "
     "restores",
     "Timeline 3 has that moment: --target-timeline 3 looks there. "},
    {"a parent that lives on",
     TARGET_LSN,
     {.tli = 1, .begin = AT(7, 512), .is_ancestor = true},
     "timeline 1 goes on behind LSN 0/700200, where this path leaves it; --target-timeline 1 restores that "
     "branch",
     "Timeline 1 goes on where this path leaves it: --target-timeline 1 looks there. "},
    {"one without a history",
     TARGET_LSN,
     {.tli = 5, .is_unplaced = true},
     "timeline 5 has WAL but no history file, so where it begins is not known; it was not looked at",
     NULL},
    {"at once is on no branch", TARGET_IMMEDIATE, {.tli = 1, .is_ancestor = true}, NULL, NULL},
};

START_TEST(other_timelines_with_the_target_are_told_of)
{
    const struct rival_case *c = &rival_cases[_i];
    struct plan_rival room = c->rival;
    const struct backup_info b = backup_of("b", 1, AT(4, 40), AT(5, 96), NOON);
    const struct target t = {.kind = c->kind, .lsn = AT(8, 1), .time_us = NOON + 5 * SECOND};
    const struct target far = {.kind = TARGET_LSN, .lsn = AT(20, 1)};
    const struct plan_moment moment = {.known = true, .reached = true};
    struct timeline_path path = path_of(1, NULL);
    struct wal_run runs_room[16];
    const struct wal_runs runs = runs_of("1:3-9", runs_room);
    struct plan p;

    rivals = (struct plan_rivals){&room, 1};
    ck_assert_msg(settle(&t, &b, &path, &runs, &moment, &p) == ERR_OK, "%s", e.text);
    ck_assert_uint_eq(p.warning_count, c->warning != NULL);
    if (c->warning != NULL)
        has("warning", p.warnings[0], c->warning, c->why);
    plan_clear(&p);
    if (c->hint != NULL) {
        ck_assert_int_eq(settle(&far, &b, &path, &runs, &moment, &p), ERR_REFUSED);
        has("hint", e.hint, c->hint, c->why);
    }
    timeline_clear(&path);
}
END_TEST

/* ---- any history at all, against a model that looks at each segment ---- */

#define TIMELINES 4
#define SEGMENTS  24

static uint64_t state;

static unsigned below(unsigned limit)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned) (state >> 33) % limit;
}

struct world {
    uint32_t tli;
    char history[512];
    lsn switches[TIMELINES]; /* of timeline i + 1, as its children's histories say */
    bool stored[TIMELINES + 1][SEGMENTS];
    struct wal_run room[TIMELINES * SEGMENTS];
    struct wal_runs runs;
};

static lsn any_lsn(unsigned first, unsigned last)
{
    unsigned seg = first + below(last - first + 1);

    return below(4) == 0 ? AT(seg, 0) : AT(seg, 8 + below(MIB / 8 - 1) * 8);
}

static void world_make(struct world *w)
{
    size_t len = 0;

    *w = (struct world){.tli = 1 + below(TIMELINES), .runs = {w->room, 0}};
    for (uint32_t tli = 1; tli < w->tli; tli++) {
        char position[LSN_TEXT_MAX];

        w->switches[tli - 1] = any_lsn(2, SEGMENTS - 4);
        lsn_format(w->switches[tli - 1], position);
        len += (size_t) snprintf(w->history + len, sizeof(w->history) - len, "%u\t%s\tx\n", tli, position);
    }
    for (uint32_t tli = 1; tli <= TIMELINES; tli++)
        for (unsigned seg = 0; seg < SEGMENTS; seg++)
            w->stored[tli][seg] = below(40) != 0;
    for (uint32_t tli = 1; tli <= TIMELINES; tli++)
        for (unsigned seg = 1; seg < SEGMENTS; seg++) {
            struct wal_run *run = &w->room[w->runs.count];

            if (!w->stored[tli][seg])
                continue;
            if (w->runs.count > 0 && run[-1].tli == tli && run[-1].last + 1 == seg)
                run[-1].last++;
            else
                w->room[w->runs.count++] = (struct wal_run){.tli = tli, .first = seg, .last = seg};
        }
}

/* A child's copy counts from the segment it begins in; a later switch further down takes even that away. */
static uint32_t owner_of(const struct world *w, unsigned seg)
{
    uint32_t owner = 1;

    for (uint32_t tli = 2; tli <= w->tli; tli++) {
        lsn begin = UINT64_MAX;

        for (uint32_t later = tli - 1; later < w->tli; later++)
            if (w->switches[later - 1] < begin)
                begin = w->switches[later - 1];
        if (begin / MIB <= seg)
            owner = tli;
    }
    return owner;
}

static unsigned first_missing(const struct world *w, unsigned from)
{
    unsigned seg = from;

    while (seg < SEGMENTS && w->stored[owner_of(w, seg)][seg])
        seg++;
    return seg;
}

static bool any_from(const struct world *w, unsigned seg)
{
    for (; seg < SEGMENTS; seg++)
        if (w->stored[owner_of(w, seg)][seg])
            return true;
    return false;
}

static void settle_against_model(const struct world *w, uint64_t seed)
{
    lsn start = any_lsn(1, 8), stop = start + 8 + below(3 * MIB), wanted = stop + below(12 * MIB);
    struct backup_info b = backup_of("b", 1, start, stop, NOON);
    const enum target_kind kinds[] = {TARGET_LSN, TARGET_LATEST, TARGET_IMMEDIATE};
    const struct target t = {.kind = kinds[below(3)], .lsn = wanted};
    const struct plan_moment reached = {.known = true, .reached = true};
    struct timeline_path path = path_of(w->tli, w->tli == 1 ? NULL : w->history);
    unsigned missing = first_missing(w, (unsigned) (start / MIB));
    bool is_possible = (stop - 1) / MIB < missing;
    char name[WALFILE_NAME_MAX];
    struct plan p;

    if (t.kind == TARGET_LSN)
        is_possible = is_possible && wanted / MIB < missing;
    if (t.kind == TARGET_LATEST)
        is_possible = is_possible && !any_from(w, missing);
    if (settle(&t, &b, &path, &w->runs, &reached, &p) == ERR_OK) {
        ck_assert_msg(is_possible, "seed %lu: planned over segment %u", (unsigned long) seed, missing);
        ck_assert_msg(p.last_segment < missing && p.end_of_archive == AT(missing, 0), "seed %lu",
                      (unsigned long) seed);
        plan_clear(&p);
    } else {
        ck_assert_msg(!is_possible && e.code == ERR_REFUSED, "seed %lu: %s", (unsigned long) seed, e.text);
        walseg_name(owner_of(w, missing), missing, MIB, name);
        has("text", e.text, name, "the first missing segment");
        has("text", e.text,
            any_from(w, missing) ? "is missing, with later ones present" : "archived WAL ends", "gap or end");
        e = ERR_NONE;
    }
    timeline_clear(&path);
}

START_TEST(a_plan_of_any_history_is_whole_or_refused_for_the_segment_that_is_missing)
{
    static struct world w;

    for (uint64_t seed = 1; seed <= 20000; seed += thin_step()) {
        state = seed;
        (void) below(1);
        world_make(&w);
        settle_against_model(&w, seed);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/plan");
    TCase *tables = tcase_create("ops/plan");

    tcase_set_timeout(tables, 60);
    tcase_add_checked_fixture(tables, forget, NULL);
    tcase_add_loop_test(tables, the_wal_from_the_backup_to_the_target_must_be_whole, 0,
                        COUNT(coverage_cases));
    tcase_add_loop_test(tables, the_path_is_that_of_the_wanted_timeline, 0, COUNT(path_cases));
    tcase_add_test(tables, without_a_backup_there_is_no_path);
    tcase_add_test(tables, a_backup_whose_timeline_has_no_wal_yet_is_a_path_of_its_own);
    tcase_add_loop_test(tables, the_newest_backup_that_ends_before_the_target_is_taken, 0,
                        COUNT(backup_cases));
    tcase_add_loop_test(tables, a_backup_is_on_the_path_when_its_end_is, 0, COUNT(on_path_cases));
    tcase_add_loop_test(tables, every_target_becomes_the_settings_that_end_recovery_there, 0,
                        COUNT(settings_cases));
    tcase_add_loop_test(tables, a_target_that_is_not_in_the_wal_is_refused, 0, COUNT(unfound_cases));
    tcase_add_loop_test(tables, what_is_unusual_is_warned_of, 0, COUNT(warning_cases));
    tcase_add_test(tables, a_clock_that_was_set_back_is_told_of);
    tcase_add_test(tables, a_gap_is_refused_with_the_nearest_moments_around_it);
    tcase_add_loop_test(tables, behind_damaged_wal_nothing_is_promised, 0, COUNT(damage_cases));
    tcase_add_test(tables, what_was_not_looked_at_is_said);
    tcase_add_loop_test(tables, other_timelines_with_the_target_are_told_of, 0, COUNT(rival_cases));
    tcase_add_test(tables, a_plan_of_any_history_is_whole_or_refused_for_the_segment_that_is_missing);
    suite_add_tcase(suite, tables);
    return check_main(suite);
}
