/*
 * test_archive_waiting.c - what waits is listed in the order in which PostgreSQL will ask for it.
 */
#include "ops/archive_waiting.h"

#include "../scratch.h"
#include "check_main.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char scratch[SCRATCH_MAX];
static struct archive_waiting waiting;
static struct err e;

static void set_up(void)
{
    e = ERR_NONE;
    scratch_make(scratch);
    ck_assert_int_eq(mkdir(scratch_path(scratch, "archive_status"), 0700), 0);
    waiting = (struct archive_waiting){.names = NULL};
}

static void tear_down(void)
{
    archive_waiting_clear(&waiting);
    scratch_remove(scratch);
}

static void status(const char *name)
{
    char relative[128];
    FILE *f;

    (void) snprintf(relative, sizeof(relative), "archive_status/%s", name);
    f = fopen(scratch_path(scratch, relative), "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fclose(f), 0);
}

static void list(const char *except, size_t most)
{
    ck_assert_int_eq(archive_waiting_list(scratch, except, most, &waiting, &e), ERR_OK);
}

START_TEST(histories_come_first_then_all_by_name)
{
    static const char *const expected[] = {"00000002.history",
                                           "0000000A.history",
                                           "000000010000000000000004",
                                           "000000010000000000000005.00000028.backup",
                                           "000000010000000000000005.partial",
                                           "000000010000000100000000",
                                           "000000020000000000000005"};

    for (size_t i = 0; i < 7; i++) {
        char name[80];

        (void) snprintf(name, sizeof(name), "%s.ready", expected[(i * 4 + 3) % 7]);
        status(name);
    }
    list("", 100);
    ck_assert_uint_eq(waiting.count, 7);
    for (size_t i = 0; i < 7; i++)
        ck_assert_str_eq(waiting.names[i], expected[i]);
}
END_TEST

START_TEST(what_is_asked_for_is_done_or_is_no_file_of_pg_wal_does_not_wait)
{
    static const char *const others[] = {
        "000000010000000000000004.ready",
        "000000010000000000000005.done",
        "000000010000000000000006",
        "backup_label.ready",
        ".ready",
        "00000001000000000000000g.ready",
        "0000000100000000000000070000000000000000000000000000000000000000000.ready"};

    for (size_t i = 0; i < 7; i++)
        status(others[i]);
    list("000000010000000000000004", 100);
    ck_assert_uint_eq(waiting.count, 0);
}
END_TEST

START_TEST(of_many_the_first_are_kept_in_whatever_order_they_are_read)
{
    for (unsigned i = 0; i < 300; i++) {
        char name[80];

        (void) snprintf(name, sizeof(name), "00000001%08X%08X.ready", i % 3, (i * 7) % 100);
        status(name);
    }
    list("000000010000000000000001", 5);
    ck_assert_uint_eq(waiting.count, 5);
    ck_assert_str_eq(waiting.names[0], "000000010000000000000000");
    ck_assert_str_eq(waiting.names[1], "000000010000000000000002");
    ck_assert_str_eq(waiting.names[4], "000000010000000000000005");
}
END_TEST

START_TEST(where_there_is_no_status_nothing_waits)
{
    ck_assert_int_eq(archive_waiting_list(scratch_path(scratch, "elsewhere"), "", 5, &waiting, &e), ERR_OK);
    ck_assert_uint_eq(waiting.count, 0);
    status("000000010000000000000004.ready");
    list("", 0);
    ck_assert_uint_eq(waiting.count, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/archive_waiting");
    TCase *tests = tcase_create("ops/archive_waiting");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, histories_come_first_then_all_by_name);
    tcase_add_test(tests, what_is_asked_for_is_done_or_is_no_file_of_pg_wal_does_not_wait);
    tcase_add_test(tests, of_many_the_first_are_kept_in_whatever_order_they_are_read);
    tcase_add_test(tests, where_there_is_no_status_nothing_waits);
    suite_add_tcase(suite, tests);
    return check_main(suite);
}
