/*
 * test_plan_warn.c - what is told of a plan that can be carried out, and of other timelines when it can't.
 */
#include "plan_made.h"

#include "check_main.h"

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

int main(void)
{
    Suite *suite = suite_create("ops/plan_warn");
    TCase *tables = tcase_create("ops/plan_warn");

    tcase_set_timeout(tables, 60);
    tcase_add_checked_fixture(tables, forget, NULL);
    tcase_add_loop_test(tables, what_is_unusual_is_warned_of, 0, COUNT(warning_cases));
    tcase_add_test(tables, a_clock_that_was_set_back_is_told_of);
    tcase_add_test(tables, what_was_not_looked_at_is_said);
    tcase_add_loop_test(tables, other_timelines_with_the_target_are_told_of, 0, COUNT(rival_cases));
    suite_add_tcase(suite, tables);
    return check_main(suite);
}
