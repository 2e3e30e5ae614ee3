/*
 * test_plan_gather.c - plans made from what lies in repositories: lines, backups, timelines, segments.
 */
#include "plan_stored.h"

#include "check_main.h"
#include "repo/restore_rate.h"

START_TEST(a_plan_follows_the_history_over_the_fork)
{
    const struct target parent = {.kind = TARGET_LATEST, .timeline = TIMELINE_NUMBER, .timeline_number = 1};

    cluster.repo_count = 1;
    add_backup(0, &layout, EARLY, 1, AT(4), AT(5));
    archive_range(0, 1, 4, 9);
    archive_range(0, 2, 7, 8);
    set_history(0);
    ck_assert_msg(plan(&latest, NULL) == ERR_OK, "%s", e.text);
    ck_assert_uint_eq(planned.plan.path.count, 2);
    ck_assert_uint_eq(planned.plan.last_segment, 8);
    ck_assert_uint_gt(planned.requests, 0);
    ck_assert_msg(plan(&parent, NULL) == ERR_OK, "%s", e.text);
    ck_assert_uint_eq(planned.plan.last_segment, 9);
}
END_TEST

/* A copy was promoted and backed up while its parent lives on: "latest" is the copy's, and that is told. */
START_TEST(a_living_parent_is_told_of_when_the_backup_lies_past_the_fork)
{
    const struct target behind = {.kind = TARGET_LSN, .lsn = AT(20)};

    cluster.repo_count = 1;
    archive_range(0, 1, 4, 12);
    archive_range(0, 2, 7, 10);
    set_history(0);
    add_backup(0, &layout, EARLY, 2, AT(8), AT(9));
    ck_assert_msg(plan(&latest, NULL) == ERR_OK, "%s", e.text);
    ck_assert_uint_eq(planned.plan.warning_count, 1);
    ck_assert_ptr_nonnull(strstr(planned.plan.warnings[0], "--target-timeline 1"));
    ck_assert_int_eq(plan(&behind, NULL), ERR_REFUSED);
    ck_assert_msg(strstr(e.hint, "--target-timeline 1") != NULL, "%s", e.hint);
}
END_TEST

/* Somebody removed its history, or it was never archived. */
START_TEST(a_timeline_without_its_history_is_told_of)
{
    cluster.repo_count = 1;
    add_backup(0, &layout, EARLY, 1, AT(4), AT(5));
    archive_range(0, 1, 4, 9);
    archive_range(0, 3, 7, 8);
    ck_assert_msg(plan(&latest, NULL) == ERR_OK, "%s", e.text);
    ck_assert_uint_eq(planned.plan.path.entries[0].tli, 1);
    ck_assert_uint_eq(planned.plan.warning_count, 1);
    ck_assert_ptr_nonnull(strstr(planned.plan.warnings[0], "timeline 3 has WAL but no history file"));
}
END_TEST

START_TEST(the_second_repository_is_planned_on_when_the_first_can_not_do_it)
{
    add_backup(0, &layout, EARLY, 1, AT(4), AT(5));
    add_backup(1, &layout, EARLY, 1, AT(4), AT(5));
    archive_range(0, 1, 4, 5);
    archive_range(0, 1, 7, 8);
    archive_range(1, 1, 4, 8);
    ck_assert_msg(plan(&latest, NULL) == ERR_OK, "%s", e.text);
    ck_assert_ptr_eq(planned.repo, &pgdata_repo[1]);
    ck_assert_int_eq(plan(&latest, "near"), ERR_REFUSED);
    ck_assert_ptr_nonnull(strstr(e.text, "000000010000000000000006"));
    ck_assert_int_eq(plan(&latest, "middle"), ERR_USAGE);
    faulty_fail(pgdata_repo[0].store,
                &(struct faulty_plan){.at = FAULTY_LIST, .kind = ERR_UNREACHABLE, .forever = true});
    ck_assert_msg(plan(&latest, NULL) == ERR_OK, "%s", e.text);
    ck_assert_int_eq(plan(&latest, "near"), ERR_UNREACHABLE);
}
END_TEST

/* What was measured with the one says nothing of the other: it may be on another continent. */
START_TEST(the_estimate_goes_by_what_was_measured_with_the_repository_planned_on)
{
    const struct restore_rate rate = {.bytes = MIB, .spent_us = 1000000, .when_us = NOON};

    for (int i = 0; i < 2; i++) {
        add_backup(i, &layout, EARLY, 1, AT(4), AT(5));
        archive_range(i, 1, 4, 8);
    }
    restore_rate_note(cluster.spool, repo_place(&pgdata_repo[1]), &rate);
    ck_assert_msg(plan(&latest, "near") == ERR_OK, "%s", e.text);
    ck_assert(!planned.estimate.has_restore && !planned.estimate.has_replay);
    ck_assert_msg(plan(&latest, "far") == ERR_OK, "%s", e.text);
    ck_assert(planned.estimate.has_restore && !planned.estimate.has_replay);
    ck_assert_int_eq(planned.estimate.restore.when_us, NOON);
}
END_TEST

START_TEST(a_backup_of_an_older_line_is_found_by_its_name)
{
    const struct target older = {.kind = TARGET_IMMEDIATE, .backup_id = EARLY};
    const struct target nowhere = {.kind = TARGET_IMMEDIATE, .backup_id = "20260101T000000Z-ffff"};
    struct layout newer;

    cluster.repo_count = 1;
    add_backup(0, &layout, EARLY, 1, AT(4), AT(5));
    archive_range(0, 1, 4, 8);
    ck_assert_int_eq(layout_init(&newer, "main", control.system_identifier + 1, &e), ERR_OK);
    add_backup(0, &newer, LATE, 1, AT(6), AT(7));
    ck_assert_msg(plan(&older, NULL) == ERR_OK, "%s", e.text);
    ck_assert_str_eq(planned.layout.line, layout.line);
    ck_assert_uint_eq(planned.lines.count, 2);
    ck_assert_int_eq(plan(&latest, NULL), ERR_REFUSED);
    ck_assert_str_eq(planned.layout.line, newer.line);
    ck_assert_msg(strstr(e.hint, "Only line ") != NULL && strstr(e.hint, newer.line) != NULL, "%s", e.hint);
    ck_assert_int_eq(plan(&nowhere, NULL), ERR_REFUSED);
    ck_assert_ptr_nonnull(strstr(e.text, "there is no backup \"20260101T000000Z-ffff\""));
}
END_TEST

START_TEST(a_damaged_summary_does_not_hide_the_other_backups)
{
    const struct target damaged = {.kind = TARGET_LATEST, .backup_id = LATE};
    char key[STORE_KEY_MAX + 1];

    cluster.repo_count = 1;
    add_backup(0, &layout, EARLY, 1, AT(4), AT(5));
    archive_range(0, 1, 4, 8);
    layout_backup_json(&layout, LATE, key);
    ck_assert_int_eq(store_put(pgdata_repo[0].store, key, "{\"format\": 1", 12, &e), ERR_OK);
    ck_assert_msg(plan(&latest, NULL) == ERR_OK, "%s", e.text);
    ck_assert_str_eq(planned.plan.backup->id, EARLY);
    ck_assert_int_eq(plan(&damaged, NULL), ERR_REFUSED);
    ck_assert_ptr_nonnull(strstr(e.text, "can't be restored"));
}
END_TEST

START_TEST(nothing_there_is_refused_in_words)
{
    bool created;

    cluster.repo_count = 1;
    ck_assert_int_eq(plan(&latest, NULL), ERR_REFUSED);
    ck_assert_ptr_nonnull(strstr(e.text, "has nothing of cluster \"main\""));
    ck_assert_int_eq(line_create(&pgdata_repo[0], &layout, 15, &created, &e), ERR_OK);
    ck_assert_int_eq(plan(&latest, NULL), ERR_REFUSED);
    ck_assert_ptr_nonnull(strstr(e.text, "there is no backup to restore"));
}
END_TEST

/* Every request of a plan failing in turn: never a plan made of half the facts. */
START_TEST(a_repository_that_fails_in_the_middle_gives_no_plan)
{
    const enum faulty_point point = _i == 0 ? FAULTY_GET : FAULTY_LIST;
    const struct target t = {.kind = TARGET_LSN, .lsn = AT(6) - 40};
    uint64_t nth = 0, failures;

    cluster.repo_count = 1;
    add_backup(0, &layout, EARLY, 1, AT(4), AT(5));
    archive_range(0, 1, 4, 9);
    set_history(0);
    do {
        nth++;
        failures = faulty_failures(pgdata_repo[0].store);
        faulty_fail(pgdata_repo[0].store,
                    &(struct faulty_plan){.at = point, .nth = nth, .kind = ERR_UNREACHABLE});
        (void) plan(&t, NULL);
        if (faulty_failures(pgdata_repo[0].store) > failures)
            ck_assert_msg(e.code == ERR_UNREACHABLE, "request %lu: %s", (unsigned long) nth, e.text);
    } while (faulty_failures(pgdata_repo[0].store) > failures);
    ck_assert_uint_gt(nth, 3);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/plan_gather");
    TCase *tests = tcase_create("ops/plan_gather");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, stored_set_up, stored_tear_down);
    tcase_add_test(tests, a_plan_follows_the_history_over_the_fork);
    tcase_add_test(tests, a_living_parent_is_told_of_when_the_backup_lies_past_the_fork);
    tcase_add_test(tests, a_timeline_without_its_history_is_told_of);
    tcase_add_test(tests, the_second_repository_is_planned_on_when_the_first_can_not_do_it);
    tcase_add_test(tests, the_estimate_goes_by_what_was_measured_with_the_repository_planned_on);
    tcase_add_test(tests, a_backup_of_an_older_line_is_found_by_its_name);
    tcase_add_test(tests, a_damaged_summary_does_not_hide_the_other_backups);
    tcase_add_test(tests, nothing_there_is_refused_in_words);
    tcase_add_loop_test(tests, a_repository_that_fails_in_the_middle_gives_no_plan, 0, 2);
    suite_add_tcase(suite, tests);
    return check_main(suite);
}
