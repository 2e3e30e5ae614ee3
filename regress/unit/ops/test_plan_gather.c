/*
 * test_plan_gather.c - plans made from what lies in repositories: lines, backups, timelines, segments.
 *
 * Segments hold their header and nothing else that is valid, so targets are LSNs and the end of WAL; what is looked for
 * in records is test_wal_search's.
 */
#include "ops/archive.h"
#include "ops/plan_gather.h"

#include "check_main.h"
#include "pgdata.h"
#include "repo/restore_rate.h"

#include <stdio.h>

#define NOON     INT64_C(1795176000000000)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define AT(seg)  ((lsn) (seg) *MIB + 40)

static struct planned planned;

static void set_up(void)
{
    pgdata_set_up();
    planned = (struct planned){.repo = NULL};
}

static void tear_down(void)
{
    planned_clear(&planned);
    pgdata_tear_down();
}

static void archive_range(int repo, uint32_t tli, unsigned first, unsigned last)
{
    struct repo *one[] = {&pgdata_repo[repo]};
    struct cluster c = cluster;
    char name[WALFILE_NAME_MAX], path[128];

    c.repos = one;
    c.repo_count = 1;
    for (unsigned number = first; number <= last; number++) {
        walseg_name(tli, number, MIB, name);
        (void) snprintf(path, sizeof(path), "pg_wal/%s", name);
        write_file(path, segment_bytes(name, 0), MIB);
        ck_assert_msg(ops_archive(&c, path, &e) == ERR_OK, "%s", e.text);
    }
}

static void add_backup(int repo, const struct layout *l, const char *id, uint32_t tli, lsn start, lsn stop)
{
    char label[] = "test", origin[] = "host db1";
    struct backup_info b = {.label = label,
                            .timeline = tli,
                            .start_lsn = start,
                            .stop_lsn = stop,
                            .start_us = NOON - 1000000,
                            .stop_us = NOON,
                            .server_version = 150018,
                            .segment_bytes = MIB,
                            .origin = origin};
    struct line_info ignored;
    bool created;

    (void) snprintf(b.id, sizeof(b.id), "%s", id);
    ck_assert_int_eq(line_parse(l->line, &b.system_identifier, &e), ERR_OK);
    if (line_read(&pgdata_repo[repo], l, &ignored, &(struct err){.code = ERR_OK}) != ERR_OK)
        ck_assert_int_eq(line_create(&pgdata_repo[repo], l, 15, &created, &e), ERR_OK);
    ck_assert_msg(backup_info_write(&pgdata_repo[repo], l, &b, &e) == ERR_OK, "%s", e.text);
}

static void set_history(int repo)
{
    struct repo *one[] = {&pgdata_repo[repo]};
    struct cluster c = cluster;

    c.repos = one;
    c.repo_count = 1;
    write_file("pg_wal/00000002.history", "1\t0/700200\tx\n", 13);
    ck_assert_int_eq(ops_archive(&c, "pg_wal/00000002.history", &e), ERR_OK);
}

static enum err_code plan(const struct target *t, const char *repo)
{
    enum err_code code;

    planned_clear(&planned);
    e = ERR_STALE;
    code = ops_plan(&cluster, repo, t, &planned, &e);
    if (code == ERR_OK)
        ck_assert_str_eq(e.text, ERR_STALE.text);
    return code;
}

#define EARLY "20261120T100000Z-0001"
#define LATE  "20261120T110000Z-0002"

static const struct target latest = {.kind = TARGET_LATEST};

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

/* ---- several repositories ---- */

static void is_planned_on(int repo, size_t warnings)
{
    ck_assert_ptr_eq(planned.repo, &pgdata_repo[repo]);
    ck_assert_msg(planned.plan.warning_count == warnings, "%zu warnings: %s", planned.plan.warning_count,
                  planned.plan.warnings[0]);
}

static void is_warned(const char *words)
{
    ck_assert_msg(planned.plan.warning_count > 0 && strstr(planned.plan.warnings[0], words) != NULL, "%s",
                  planned.plan.warnings[0]);
}

static void add_backups(void)
{
    add_backup(0, &layout, EARLY, 1, AT(4), AT(5));
    add_backup(1, &layout, EARLY, 1, AT(4), AT(5));
}

START_TEST(the_end_of_the_archive_is_that_of_the_repository_that_goes_furthest)
{
    const struct target current = {.kind = TARGET_LATEST, .timeline = TIMELINE_CURRENT};
    const int behind = _i;

    add_backups();
    archive_range(behind, 1, 4, 6);
    archive_range(1 - behind, 1, 4, 9);
    ck_assert_msg(plan(&latest, NULL) == ERR_OK, "%s", e.text);
    is_planned_on(1 - behind, behind == 0 ? 1 : 0);
    ck_assert_uint_eq(planned.plan.last_segment, 9);
    if (behind == 0)
        is_warned(
            "repository \"near\" goes to LSN 0/700000 on timeline 1 only: this plan is on \"far\", which "
            "goes to LSN 0/A00000 on timeline 1");
    ck_assert_int_eq(plan(&current, NULL), ERR_OK);
    ck_assert_uint_eq(planned.plan.last_segment, 9);
    ck_assert_int_eq(plan(&latest, behind == 0 ? "near" : "far"), ERR_OK);
    is_planned_on(behind, 0);
    ck_assert_uint_eq(planned.plan.last_segment, 6);
}
END_TEST

START_TEST(where_all_go_as_far_the_first_is_taken)
{
    const struct target end_of_backup = {.kind = TARGET_IMMEDIATE};
    uint64_t before;

    add_backups();
    archive_range(0, 1, 4, 6);
    archive_range(1, 1, 4, 6);
    ck_assert_int_eq(plan(&latest, NULL), ERR_OK);
    is_planned_on(0, 0);
    ck_assert_int_eq(plan(&latest, "near"), ERR_OK);
    before = pgdata_repo[1].store->requests;
    ck_assert_int_eq(plan(&end_of_backup, NULL), ERR_OK); /* no question to others */
    ck_assert_uint_eq(pgdata_repo[1].store->requests, before);
}
END_TEST

/* A promotion that only the second one has heard of. */
START_TEST(a_higher_timeline_goes_further)
{
    const struct target first = {.kind = TARGET_LATEST, .timeline = TIMELINE_NUMBER, .timeline_number = 1};

    add_backups();
    archive_range(0, 1, 4, 9);
    archive_range(1, 1, 4, 6);
    archive_range(1, 2, 7, 8);
    set_history(1);
    ck_assert_msg(plan(&latest, NULL) == ERR_OK, "%s", e.text);
    is_planned_on(1, 1);
    is_warned("\"near\" goes to LSN 0/A00000 on timeline 1 only: this plan is on \"far\", which goes to LSN "
              "0/900000 on timeline 2");
    ck_assert_int_eq(plan(&first, NULL), ERR_OK);
    is_planned_on(0, 0);
}
END_TEST

/* Both know timeline 2, but only the second has a backup from which it can be reached. */
START_TEST(a_timeline_that_only_another_repository_has_a_backup_of_goes_further)
{
    add_backup(0, &layout, EARLY, 1, AT(8), AT(9));
    add_backup(1, &layout, LATE, 2, AT(7), AT(8));
    archive_range(0, 1, 4, 9);
    archive_range(0, 2, 7, 8);
    set_history(0);
    archive_range(1, 2, 7, 8);
    set_history(1);
    ck_assert_msg(plan(&latest, NULL) == ERR_OK, "%s", e.text);
    is_planned_on(1, 1);
    ck_assert_str_eq(planned.plan.backup->id, LATE);
}
END_TEST

/* Segments of the next line, lying in a directory that is no cluster's. */
static void archive_of_next_line(int repo, unsigned first, unsigned last)
{
    struct repo *one[] = {&pgdata_repo[repo]};
    struct cluster c = cluster;
    char name[WALFILE_NAME_MAX], path[128];

    c.repos = one;
    c.repo_count = 1;
    ck_assert(mkdir("nobody", 0700) == 0 && mkdir("nobody/wal", 0700) == 0);
    control.system_identifier++;
    for (unsigned number = first; number <= last; number++) {
        walseg_name(1, number, MIB, name);
        (void) snprintf(path, sizeof(path), "nobody/wal/%s", name);
        write_file(path, segment_bytes(name, 0), MIB);
        ck_assert_msg(ops_archive(&c, path, &e) == ERR_OK, "%s", e.text);
    }
    control.system_identifier--;
}

/* Backed up to the second repository only, after an upgrade. */
START_TEST(a_newer_line_goes_further)
{
    struct layout newer;

    add_backup(0, &layout, EARLY, 1, AT(4), AT(5));
    archive_range(0, 1, 4, 9);
    ck_assert_int_eq(layout_init(&newer, "main", control.system_identifier + 1, &e), ERR_OK);
    add_backup(1, &newer, LATE, 1, AT(4), AT(5));
    ck_assert_msg(plan(&latest, NULL) == ERR_OK, "%s", e.text);
    is_planned_on(0, 1);
    is_warned("\"far\" goes further than this plan, on line ");
    ck_assert_ptr_nonnull(strstr(planned.plan.warnings[0], newer.line));
    archive_of_next_line(1, 4, 5);
    ck_assert_msg(plan(&latest, NULL) == ERR_OK, "%s", e.text);
    is_planned_on(1, 1);
    is_warned("\"near\" goes to LSN 0/A00000 on timeline 1 of line ");
    ck_assert_str_eq(planned.layout.line, newer.line);
}
END_TEST

START_TEST(wal_further_on_that_can_not_be_planned_with_is_told)
{
    static const struct {
        const char *why;
        int backups_on;
        unsigned from;
    } table[] = {{"no backup there", 0, 4}, {"a gap there", 2, 8}};

    add_backup(0, &layout, EARLY, 1, AT(4), AT(5));
    if (table[_i].backups_on > 0)
        add_backup(1, &layout, EARLY, 1, AT(4), AT(5));
    archive_range(0, 1, 4, 6);
    archive_range(1, 1, 4, 5);
    archive_range(1, 1, table[_i].from > 6 ? table[_i].from : 6, 9);
    ck_assert_msg(plan(&latest, NULL) == ERR_OK, "%s: %s", table[_i].why, e.text);
    is_planned_on(0, 1);
    is_warned(
        "repository \"far\" goes further than this plan, to LSN 0/A00000 on timeline 1, but no plan on it "
        "alone does: \"--repo far\" tells why");
}
END_TEST

/* The first one is refused for its gap, but has WAL behind the end of the second one's plan. */
START_TEST(what_the_refused_repository_has_is_told_too)
{
    add_backups();
    archive_range(0, 1, 4, 5);
    archive_range(0, 1, 7, 9);
    archive_range(1, 1, 4, 7);
    ck_assert_msg(plan(&latest, NULL) == ERR_OK, "%s", e.text);
    is_planned_on(1, 1);
    is_warned("\"near\" goes further than this plan, to LSN 0/A00000");
}
END_TEST

START_TEST(a_repository_that_can_not_be_asked_is_told)
{
    const int away = _i;

    add_backups();
    archive_range(0, 1, 4, 6);
    archive_range(1, 1, 4, 6);
    faulty_fail(pgdata_repo[away].store,
                &(struct faulty_plan){.at = FAULTY_LIST, .kind = ERR_UNREACHABLE, .forever = true});
    ck_assert_msg(plan(&latest, NULL) == ERR_OK, "%s", e.text);
    is_planned_on(1 - away, 1);
    is_warned(away == 0 ? "repository \"near\" may go further than this plan, and could not be asked: "
                        : "repository \"far\" may go further than this plan, and could not be asked: ");
    ck_assert_int_eq(plan(&latest, away == 0 ? "far" : "near"), ERR_OK);
    is_planned_on(1 - away, 0);
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
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_plan_follows_the_history_over_the_fork);
    tcase_add_test(tests, a_living_parent_is_told_of_when_the_backup_lies_past_the_fork);
    tcase_add_test(tests, a_timeline_without_its_history_is_told_of);
    tcase_add_test(tests, the_second_repository_is_planned_on_when_the_first_can_not_do_it);
    tcase_add_test(tests, the_estimate_goes_by_what_was_measured_with_the_repository_planned_on);
    tcase_add_loop_test(tests, the_end_of_the_archive_is_that_of_the_repository_that_goes_furthest, 0, 2);
    tcase_add_test(tests, where_all_go_as_far_the_first_is_taken);
    tcase_add_test(tests, a_higher_timeline_goes_further);
    tcase_add_test(tests, a_timeline_that_only_another_repository_has_a_backup_of_goes_further);
    tcase_add_test(tests, a_newer_line_goes_further);
    tcase_add_loop_test(tests, wal_further_on_that_can_not_be_planned_with_is_told, 0, 2);
    tcase_add_test(tests, what_the_refused_repository_has_is_told_too);
    tcase_add_loop_test(tests, a_repository_that_can_not_be_asked_is_told, 0, 2);
    tcase_add_test(tests, a_backup_of_an_older_line_is_found_by_its_name);
    tcase_add_test(tests, a_damaged_summary_does_not_hide_the_other_backups);
    tcase_add_test(tests, nothing_there_is_refused_in_words);
    tcase_add_loop_test(tests, a_repository_that_fails_in_the_middle_gives_no_plan, 0, 2);
    suite_add_tcase(suite, tests);
    return check_main(suite);
}
