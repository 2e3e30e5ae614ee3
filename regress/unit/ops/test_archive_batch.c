/*
 * test_archive_batch.c - what waits is pushed along with the file that is asked for, and spoils nothing.
 */
#include "ops/archive_batch.h"

#include "archive_case.h"
#include "check_main.h"
#include "repo/ahead.h"

static const struct archive_options one = {.ahead_bytes = 64 * MIB, .jobs = 1},
                                    many = {.ahead_bytes = 64 * MIB, .jobs = 4},
                                    adaptive = {.ahead_bytes = 64 * MIB};

/* The line is known: segment 5 was archived before. */
static void set_up(void)
{
    pgdata_set_up();
    let_wait(5, 6);
    ck_assert_msg(ask(&one, 5) == ERR_OK, "%s", e.text);
}

static void all_is_archived(unsigned from, unsigned to, const struct archive_options *o)
{
    for (unsigned n = from; n < to; n++) {
        ck_assert_msg(ask(o, n) == ERR_OK, "%u: %s", n, e.text);
        ck_assert(is_everywhere(n) && !is_noted(segment_name(n)));
    }
}

START_TEST(what_waits_is_stored_everywhere_and_noted)
{
    const struct archive_options *options[] = {&one, &many, &adaptive};

    let_wait(6, 20);
    ck_assert_msg(ask(options[_i], 6) == ERR_OK, "%s", e.text);
    ck_assert(is_everywhere(6) && !is_noted(segment_name(6)));
    for (unsigned n = 7; n < 20; n++)
        ck_assert(is_everywhere(n) && is_noted(segment_name(n)));
    fail_puts(&pgdata_repo[0], 1, true);
    fail_puts(&pgdata_repo[1], 1, true);
    all_is_archived(7, 20, options[_i]);
}
END_TEST

START_TEST(every_kind_of_file_goes_along)
{
    static const char *const names[] = {"000000010000000000000007.partial",
                                        "000000010000000000000007.00000028.backup", "00000002.history"};

    let_wait(6, 7);
    for (size_t i = 0; i < 3; i++) {
        char path[128];

        pg_wal_path(names[i], path);
        if (i == 0)
            write_file(path, segment_bytes(names[i], 7), MIB);
        else
            write_file(path, "1\t0/700200\tx\n", 13);
        make_ready(names[i]);
    }
    ck_assert_msg(ask(&many, 6) == ERR_OK, "%s", e.text);
    for (size_t i = 0; i < 3; i++) {
        char path[128];

        pg_wal_path(names[i], path);
        ck_assert(is_stored(&pgdata_repo[0], names[i]) && is_stored(&pgdata_repo[1], names[i]));
        fail_puts(&pgdata_repo[0], 1, true);
        ck_assert_msg(ops_archive(&cluster, &many, path, &e) == ERR_OK, "%s: %s", names[i], e.text);
        ck_assert(!is_noted(names[i]));
    }
}
END_TEST

START_TEST(the_run_goes_on_over_a_batch)
{
    let_wait(6, 20);
    all_is_archived(6, 20, &many);
    let_wait(20, 21);
    ck_assert_int_eq(ask(&many, 20), ERR_OK);
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(told_of(&pgdata_repo[i], 20).run_from, 5 * MIB);
        ck_assert_uint_eq(told_of(&pgdata_repo[i], 20).run_to, 20 * MIB);
        for (unsigned n = 6; n < 20; n++)
            ck_assert_uint_eq(told_of(&pgdata_repo[i], n).run_from, 5 * MIB);
    }
}
END_TEST

START_TEST(a_failure_of_another_is_not_the_call_s_and_ends_the_batch)
{
    struct repo *failing = &pgdata_repo[_i];

    let_wait(6, 12);
    fail_puts(failing, 3, true);
    ck_assert_msg(ask(&one, 6) == ERR_OK, "%s", e.text);
    ck_assert(is_noted(segment_name(7)) && is_everywhere(7));
    for (unsigned n = 8; n < 12; n++)
        ck_assert(!is_noted(segment_name(n)) && !is_stored(failing, segment_name(n)));
    ck_assert(!is_stored(&pgdata_repo[1 - _i], segment_name(9)));
    ck_assert_int_eq(ask(&one, 7), ERR_OK);
    ck_assert_int_eq(ask(&one, 8), ERR_UNREACHABLE);
    faulty_fail(failing->store, NULL);
    all_is_archived(8, 12, &one);
    let_wait(12, 13);
    ck_assert_int_eq(ask(&many, 12), ERR_OK);
    ck_assert_uint_eq(told_of(failing, 12).run_from, 5 * MIB);
    ck_assert_uint_eq(told_of(failing, 12).run_to, 12 * MIB);
}
END_TEST

START_TEST(the_call_s_own_failure_is_its_answer)
{
    let_wait(6, 12);
    fail_puts(&pgdata_repo[1], 1, true);
    ck_assert_int_eq(ask(&many, 6), ERR_UNREACHABLE);
    ck_assert_ptr_nonnull(strstr(e.text, segment_name(6)));
    ck_assert_ptr_nonnull(strstr(e.text, pgdata_repo[1].name));
    for (unsigned n = 6; n < 12; n++)
        ck_assert(!is_noted(segment_name(n)));
    faulty_fail(pgdata_repo[1].store, NULL);
    all_is_archived(6, 12, &many);
}
END_TEST

/* Whatever is stored behind it meanwhile gets into the run when its turn comes. */
START_TEST(the_run_goes_on_over_files_that_were_archived_beyond_a_failed_one)
{
    for (unsigned first = 6; first < 56; first += 10) {
        let_wait(first, first + 10);
        fail_puts(&pgdata_repo[1], 1, false);
        if (ask(&many, first) == ERR_OK) /* the failure was another's */
            make_ready(segment_name(first));
        faulty_fail(pgdata_repo[1].store, NULL);
        all_is_archived(first, first + 10, &many);
    }
    let_wait(56, 57);
    ck_assert_int_eq(ask(&many, 56), ERR_OK);
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(told_of(&pgdata_repo[i], 56).run_from, 5 * MIB);
        ck_assert_uint_eq(told_of(&pgdata_repo[i], 56).run_to, 56 * MIB);
    }
}
END_TEST

START_TEST(a_file_that_is_not_fit_ends_the_batch_before_it)
{
    char path[128];

    let_wait(6, 12);
    pg_wal_path(segment_name(8), path);
    ck_assert_int_eq(truncate(path, MIB - 1), 0);
    ck_assert_msg(ask(&one, 6) == ERR_OK, "%s", e.text);
    ck_assert(is_noted(segment_name(7)) && !is_noted(segment_name(8)) && !is_noted(segment_name(9)));
    ck_assert_int_eq(ask(&one, 7), ERR_OK);
    ck_assert_int_eq(ask(&one, 8), ERR_CORRUPT);
}
END_TEST

START_TEST(a_file_of_another_cluster_is_left_to_its_own_turn)
{
    uint8_t *bytes = segment_bytes(segment_name(7), 7);

    let_wait(6, 7);
    bytes = segment_bytes(segment_name(7), 7);
    bytes[24] ^= 1;
    write_file("pg_wal/000000010000000000000007", bytes, MIB);
    make_ready(segment_name(7));
    ck_assert_int_eq(unlink("global/pg_control"), 0);
    ck_assert_msg(ask(&many, 6) == ERR_OK, "%s", e.text);
    ck_assert(!is_noted(segment_name(7)));
}
END_TEST

START_TEST(a_status_without_its_file_is_passed_over)
{
    let_wait(6, 9);
    ck_assert_int_eq(unlink("pg_wal/000000010000000000000007"), 0);
    ck_assert_msg(ask(&many, 6) == ERR_OK, "%s", e.text);
    ck_assert(is_noted(segment_name(8)));
}
END_TEST

START_TEST(what_is_noted_already_is_not_pushed_again_and_the_run_goes_on_over_it)
{
    let_wait(6, 9);
    ck_assert_int_eq(ask(&many, 6), ERR_OK);
    make_ready(segment_name(6)); /* the server was killed before it knew */
    let_wait(9, 12);
    fail_puts(&pgdata_repo[0], 5, true); /* 6 again, 9, 10 and 11 */
    ck_assert_msg(ask(&one, 6) == ERR_OK, "%s", e.text);
    faulty_fail(pgdata_repo[0].store, NULL);
    for (unsigned n = 7; n < 12; n++)
        ck_assert(is_noted(segment_name(n)) && is_everywhere(n));
    ck_assert_uint_eq(told_of(&pgdata_repo[0], 11).run_from, 5 * MIB);
    ck_assert_uint_eq(told_of(&pgdata_repo[0], 11).run_to, 11 * MIB);
}
END_TEST

START_TEST(no_more_is_pushed_along_than_the_limit_says)
{
    const struct archive_options two = {.ahead_bytes = 2 * MIB + 1, .jobs = 4}, none = {.jobs = 4};

    let_wait(6, 12);
    ck_assert_int_eq(ask(&none, 6), ERR_OK);
    ck_assert(!is_noted(segment_name(7)));
    ck_assert_int_eq(ask(&two, 7), ERR_OK);
    ck_assert(is_noted(segment_name(8)) && is_noted(segment_name(9)) && !is_noted(segment_name(10)));
}
END_TEST

START_TEST(nothing_goes_along_while_another_call_does_that_or_notes_can_not_be_kept)
{
    int lock;

    let_wait(6, 12);
    lock = ahead_lock(cluster.spool);
    ck_assert_int_ge(lock, 0);
    ck_assert_int_eq(ask(&many, 6), ERR_OK);
    ck_assert(!is_stored(&pgdata_repo[0], segment_name(7)));
    ck_assert_int_eq(close(lock), 0);
    ck_assert_int_eq(unlink(scratch_path(pgdata, "spool/main/ahead/lock")), 0);
    ck_assert_int_eq(rmdir(scratch_path(pgdata, "spool/main/ahead")), 0);
    write_file(scratch_path(pgdata, "spool/main/ahead"), "in the way", 10);
    ck_assert_int_eq(ask(&many, 7), ERR_OK);
    ck_assert(!is_stored(&pgdata_repo[0], segment_name(8)));
}
END_TEST

START_TEST(a_copy_elsewhere_is_pushed_alone)
{
    let_wait(6, 9);
    ck_assert_int_eq(mkdir("copies", 0700), 0);
    write_file("copies/000000010000000000000006", segment_bytes(segment_name(6), 7), MIB);
    ck_assert_msg(ops_archive(&cluster, &many, "copies/000000010000000000000006", &e) == ERR_OK, "%s",
                  e.text);
    ck_assert(!is_noted(segment_name(7)));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/archive_batch");
    TCase *tests = tcase_create("ops/archive_batch");

    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, set_up, pgdata_tear_down);
    tcase_add_loop_test(tests, what_waits_is_stored_everywhere_and_noted, 0, 3);
    tcase_add_test(tests, every_kind_of_file_goes_along);
    tcase_add_test(tests, the_run_goes_on_over_a_batch);
    tcase_add_loop_test(tests, a_failure_of_another_is_not_the_call_s_and_ends_the_batch, 0, 2);
    tcase_add_test(tests, the_call_s_own_failure_is_its_answer);
    tcase_add_test(tests, the_run_goes_on_over_files_that_were_archived_beyond_a_failed_one);
    tcase_add_test(tests, a_file_that_is_not_fit_ends_the_batch_before_it);
    tcase_add_test(tests, a_file_of_another_cluster_is_left_to_its_own_turn);
    tcase_add_test(tests, a_status_without_its_file_is_passed_over);
    tcase_add_test(tests, what_is_noted_already_is_not_pushed_again_and_the_run_goes_on_over_it);
    tcase_add_test(tests, no_more_is_pushed_along_than_the_limit_says);
    tcase_add_test(tests, nothing_goes_along_while_another_call_does_that_or_notes_can_not_be_kept);
    tcase_add_test(tests, a_copy_elsewhere_is_pushed_alone);
    suite_add_tcase(suite, tests);
    return check_main(suite);
}
