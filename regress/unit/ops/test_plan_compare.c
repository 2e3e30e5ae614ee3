/*
 * test_plan_compare.c - plans to the end of the archive where two repositories go differently far.
 */
#include "plan_stored.h"

#include "check_main.h"

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
        ck_assert_msg(ops_archive(&c, &(struct archive_options){.jobs = 0}, path, &e) == ERR_OK, "%s",
                      e.text);
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

/* However long the name in front, and the reason is still told to its end. */
START_TEST(why_a_repository_can_not_be_asked_is_told_in_full)
{
    static const char reason[] = ": injected fault: list failed";
    const char *warning = planned.plan.warnings[0];
    char name[220];

    memset(name, 'f', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    free(pgdata_repo[1].name);
    pgdata_repo[1].name = strdup(name);
    add_backups();
    archive_range(0, 1, 4, 6);
    faulty_fail(pgdata_repo[1].store,
                &(struct faulty_plan){.at = FAULTY_LIST, .kind = ERR_UNREACHABLE, .forever = true});
    ck_assert_msg(plan(&latest, NULL) == ERR_OK, "%s", e.text);
    is_planned_on(0, 1);
    ck_assert_msg(strlen(warning) > strlen(reason) &&
                      strcmp(warning + strlen(warning) - strlen(reason), reason) == 0,
                  "%s", warning);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/plan_compare");
    TCase *tests = tcase_create("ops/plan_compare");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, stored_set_up, stored_tear_down);
    tcase_add_loop_test(tests, the_end_of_the_archive_is_that_of_the_repository_that_goes_furthest, 0, 2);
    tcase_add_test(tests, where_all_go_as_far_the_first_is_taken);
    tcase_add_test(tests, a_higher_timeline_goes_further);
    tcase_add_test(tests, a_timeline_that_only_another_repository_has_a_backup_of_goes_further);
    tcase_add_test(tests, a_newer_line_goes_further);
    tcase_add_loop_test(tests, wal_further_on_that_can_not_be_planned_with_is_told, 0, 2);
    tcase_add_test(tests, what_the_refused_repository_has_is_told_too);
    tcase_add_loop_test(tests, a_repository_that_can_not_be_asked_is_told, 0, 2);
    tcase_add_test(tests, why_a_repository_can_not_be_asked_is_told_in_full);
    suite_add_tcase(suite, tests);
    return check_main(suite);
}
