/*
 * test_archive_push.c - one file into every repository, in the turn that it was given.
 */
#include "ops/archive_push.h"

#include "archive_case.h"
#include "check_main.h"

static struct archive_push push;
static struct archive_file files[3];
static struct wal_facts told[3][2];

static void set_up(void)
{
    pgdata_set_up();
    let_wait(6, 9);
    for (unsigned i = 0; i < 3; i++) {
        static char paths[3][128];

        pg_wal_path(segment_name(6 + i), paths[i]);
        ck_assert_int_eq(archive_file_open(&files[i], paths[i], &e), ERR_OK);
        ck_assert_int_eq(archive_file_read(&files[i], CODEC_NONE, 0, &e), ERR_OK);
    }
    ck_assert_int_eq(archive_push_open(&push, &cluster, &files[0], &e), ERR_OK);
}

static void tear_down(void)
{
    archive_push_clear(&push);
    for (unsigned i = 0; i < 3; i++)
        archive_file_clear(&files[i]);
    pgdata_tear_down();
}

START_TEST(a_line_is_known_once_something_was_stored_everywhere)
{
    ck_assert(!archive_push_is_known(&push));
    archive_push_in_order(&push, &files[0], told[0]);
    ck_assert_msg(archive_push_store(&push, &files[0], told[0], false, &e) == ERR_OK, "%s", e.text);
    ck_assert(archive_push_is_known(&push));
}
END_TEST

START_TEST(files_are_stored_in_any_order_and_tell_the_run_of_theirs)
{
    for (int i = 0; i < 3; i++)
        archive_push_in_order(&push, &files[i], told[i]);
    for (int i = 2; i >= 0; i--)
        ck_assert_msg(archive_push_store(&push, &files[i], told[i], true, &e) == ERR_OK, "%s", e.text);
    for (unsigned i = 0; i < 3; i++)
        for (int r = 0; r < 2; r++) {
            ck_assert_uint_eq(told_of(&pgdata_repo[r], 6 + i).run_from, 6 * MIB);
            ck_assert_uint_eq(told_of(&pgdata_repo[r], 6 + i).run_to, 6 * MIB);
        }
    let_wait(9, 10);
    ck_assert_int_eq(ask(&(struct archive_options){.jobs = 0}, 9), ERR_OK);
    ck_assert_uint_eq(told_of(&pgdata_repo[0], 9).run_from, 6 * MIB);
    ck_assert_uint_eq(told_of(&pgdata_repo[0], 9).run_to, 9 * MIB);
}
END_TEST

START_TEST(a_failure_is_named_and_the_other_repository_has_the_file)
{
    fail_puts(&pgdata_repo[_i], 2, true); /* the first is line.json */
    archive_push_in_order(&push, &files[0], told[0]);
    ck_assert_int_eq(archive_push_store(&push, &files[0], told[0], true, &e), ERR_UNREACHABLE);
    ck_assert_ptr_nonnull(strstr(e.text, pgdata_repo[_i].name));
    ck_assert(!is_stored(&pgdata_repo[_i], segment_name(6)));
    ck_assert(is_stored(&pgdata_repo[1 - _i], segment_name(6)));
}
END_TEST

START_TEST(a_file_of_another_line_or_version_does_not_fit)
{
    struct archive_file other = files[1];

    ck_assert(archive_push_fits(&push, &other));
    other.system_identifier ^= 1;
    ck_assert(!archive_push_fits(&push, &other));
    other = files[1];
    other.major++;
    ck_assert(!archive_push_fits(&push, &other));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/archive_push");
    TCase *tests = tcase_create("ops/archive_push");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_line_is_known_once_something_was_stored_everywhere);
    tcase_add_test(tests, files_are_stored_in_any_order_and_tell_the_run_of_theirs);
    tcase_add_loop_test(tests, a_failure_is_named_and_the_other_repository_has_the_file, 0, 2);
    tcase_add_test(tests, a_file_of_another_line_or_version_does_not_fit);
    suite_add_tcase(suite, tests);
    return check_main(suite);
}
