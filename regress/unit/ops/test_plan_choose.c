/*
 * test_plan_choose.c - which path, and which backup on it.
 */
#include "plan_made.h"

#include "check_main.h"

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

int main(void)
{
    Suite *suite = suite_create("ops/plan_choose");
    TCase *tables = tcase_create("ops/plan_choose");

    tcase_set_timeout(tables, 60);
    tcase_add_checked_fixture(tables, forget, NULL);
    tcase_add_loop_test(tables, the_path_is_that_of_the_wanted_timeline, 0, COUNT(path_cases));
    tcase_add_test(tables, without_a_backup_there_is_no_path);
    tcase_add_test(tables, a_backup_whose_timeline_has_no_wal_yet_is_a_path_of_its_own);
    tcase_add_loop_test(tables, the_newest_backup_that_ends_before_the_target_is_taken, 0,
                        COUNT(backup_cases));
    tcase_add_loop_test(tables, a_backup_is_on_the_path_when_its_end_is, 0, COUNT(on_path_cases));
    suite_add_tcase(suite, tables);
    return check_main(suite);
}
