/*
 * test_prefetch.c - what a call finds in the window: whole segments of this very recovery, once each, and nothing else.
 */
#include "repo/prefetch.h"

#include "check_main.h"
#include "prefetch_case.h"

#include "base/clock.h"

#include <pthread.h>
#include <time.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool take(uint64_t number, size_t *from)
{
    const struct walfile f = segment(number);

    return prefetch_take(&window, &f, dest, from);
}

START_TEST(a_whole_segment_is_handed_over_once)
{
    struct stat st;
    size_t from = 9;

    put_whole(5, 1, BYTES);
    ck_assert(take(5, &from));
    ck_assert_uint_eq(from, 1);
    ck_assert(stat(dest, &st) == 0 && st.st_size == BYTES && st.st_nlink == 1);
    ck_assert(!take(5, &from));
    ck_assert_uint_eq(entries_in(window.path), 0);
}
END_TEST

START_TEST(what_is_not_whole_is_not_taken)
{
    static const struct {
        const char *name;
        size_t len;
    } others[] = {
        {"000000010000000000000005.00", BYTES - 1}, {"000000010000000000000005.01", BYTES + 1},
        {"000000010000000000000005.part", BYTES},   {"000000010000000000000005.02", BYTES},
        {"000000020000000000000005.00", BYTES},     {"000000010000000000000006.00", BYTES},
        {"000000010000000000000005", BYTES},        {"000000010000000000000005.0", BYTES},
    };
    size_t from = 9;

    for (size_t i = 0; i < COUNT(others); i++)
        put(others[i].name, others[i].len);
    ck_assert(!take(5, &from));
    ck_assert(access(dest, F_OK) != 0);
    ck_assert_uint_eq(from, 9);
}
END_TEST

START_TEST(a_link_or_a_directory_is_no_segment)
{
    size_t from = 9;

    put_whole(6, 0, BYTES);
    ck_assert_int_eq(symlinkat("000000010000000000000006.00", window.fd, "000000010000000000000005.00"), 0);
    ck_assert_int_eq(mkdirat(window.fd, "000000010000000000000005.01", 0700), 0);
    ck_assert(!take(5, &from));
}
END_TEST

START_TEST(a_destination_that_can_not_be_leaves_the_segment_where_it_is)
{
    const struct walfile f = segment(5);
    size_t from = 9;

    put_whole(5, 0, BYTES);
    ck_assert(!prefetch_take(&window, &f, "/nonexistent/dest", &from));
    ck_assert(take(5, &from));
}
END_TEST

/* /dev/shm is a file system of its own nearly everywhere; where it is not, this is the test above once more. */
START_TEST(a_segment_gets_to_another_file_system_too)
{
    const struct walfile f = segment(5);
    char there[] = "/dev/shm/pitr-test.XXXXXX", path[64];
    size_t from = 9;
    struct stat st;

    if (mkdtemp(there) == NULL)
        return;
    (void) snprintf(path, sizeof(path), "%s/RECOVERYXLOG", there);
    put_whole(5, 0, BYTES);
    ck_assert(prefetch_take(&window, &f, path, &from));
    ck_assert(stat(path, &st) == 0 && st.st_size == BYTES && (st.st_mode & 07777) == 0600);
    ck_assert_uint_eq(entries_in(there), 1);
    ck_assert_uint_eq(entries_in(window.path), 0);
    scratch_remove(there);
}
END_TEST

static struct prefetch opened_with(struct prefetch_key other)
{
    struct prefetch w;

    ck_assert(prefetch_open(spool, &other, &w));
    prefetch_close(&w);
    return w;
}

START_TEST(another_recovery_has_another_window)
{
    static const char *swapped[] = {"file:///far", "file:///near"};
    struct prefetch_key others[6];

    for (size_t i = 0; i < COUNT(others); i++)
        others[i] = key;
    others[0].data_directory = scratch;
    others[1].line = "6789abcdef012346";
    others[2].places = swapped;
    others[3].place_count = 1;
    others[4].accept_unencrypted = true;
    others[5].segment_bytes = 2 * BYTES;
    ck_assert_str_eq(opened_with(key).path, window.path);
    for (size_t i = 0; i < COUNT(others); i++)
        ck_assert_str_ne(opened_with(others[i]).path, window.path);
}
END_TEST

START_TEST(its_name_tells_the_boot_of_the_machine)
{
    char boot[9] = "";
    FILE *f = fopen("/proc/sys/kernel/random/boot_id", "r");

    ck_assert(f != NULL && fgets(boot, sizeof(boot), f) != NULL);
    (void) fclose(f);
    ck_assert_str_eq(strrchr(window.path, '-') + 1, boot);
}
END_TEST

START_TEST(without_a_spool_or_a_data_directory_there_is_no_window)
{
    struct prefetch_key nowhere = key;
    struct prefetch_note note;
    struct prefetch w;
    const struct walfile f = segment(5);
    size_t from;

    nowhere.data_directory = "/nonexistent";
    ck_assert(!prefetch_open(spool, &nowhere, &w));
    ck_assert(!prefetch_open(NULL, &key, &w));
    ck_assert(!prefetch_make(&w));
    ck_assert(!prefetch_take(&w, &f, dest, &from));
    ck_assert(!prefetch_await(&w, &f));
    ck_assert(!prefetch_has_helper(&w) && !prefetch_is_off(&w) && !prefetch_read_note(&w, &note));
    (void) prefetch_write_note(&w, &(struct prefetch_note){.has_given = false});
    prefetch_close(&w);
}
END_TEST

START_TEST(a_note_is_read_as_it_was_written_and_a_damaged_one_is_none)
{
    const struct prefetch_note note = {.has_given = true, .given = segment(5), .given_us = 77};
    struct prefetch_note read = {.given_us = 1};

    ck_assert(!prefetch_read_note(&window, &read));
    (void) prefetch_write_note(&window, &note);
    ck_assert(prefetch_read_note(&window, &read));
    ck_assert_int_eq(read.given_us, 77);
    put(PREFETCH_NOTE_FILE, PREFETCH_NOTE_TEXT);
    ck_assert(!prefetch_read_note(&window, &read));
    put(PREFETCH_NOTE_FILE, PREFETCH_NOTE_TEXT + 1);
    ck_assert(!prefetch_read_note(&window, &read));
}
END_TEST

/* ---- the helper ------------------------------------------------------------------------------------------------ */

static struct prefetch helper(void)
{
    struct prefetch w;

    ck_assert(prefetch_open(spool, &key, &w) && prefetch_lock(&w));
    return w;
}

START_TEST(a_helper_is_there_for_as_long_as_it_holds_the_lock)
{
    struct prefetch keeper;

    ck_assert(!prefetch_has_helper(&window));
    keeper = helper();
    ck_assert(prefetch_has_helper(&window));
    prefetch_close(&keeper);
    ck_assert(!prefetch_has_helper(&window));
}
END_TEST

/* Looking whether one is there must not keep one from starting. */
START_TEST(a_question_takes_no_lock)
{
    struct prefetch keeper;

    put(PREFETCH_LOCK_FILE, 0);
    ck_assert(!prefetch_has_helper(&window));
    keeper = helper();
    prefetch_close(&keeper);
}
END_TEST

static void beat_at(const struct prefetch *keeper, time_t when)
{
    const struct timespec times[2] = {{.tv_sec = when}, {.tv_sec = when}};

    ck_assert_int_eq(futimens(keeper->lock_fd, times), 0);
}

START_TEST(nothing_is_waited_for_that_nobody_is_getting)
{
    const struct walfile f = segment(5);
    struct prefetch keeper;
    char part[PREFETCH_NAME_MAX];

    prefetch_part_name(&f, part);
    put(part, 10);
    ck_assert(!prefetch_await(&window, &f)); /* its helper is dead */
    keeper = helper();
    ck_assert_int_eq(unlinkat(window.fd, part, 0), 0);
    ck_assert(!prefetch_await(&window, &f)); /* it gets others */
    put(part, 10);
    beat_at(&keeper, 1);
    ck_assert(!prefetch_await(&window, &f)); /* it hangs */
    prefetch_close(&keeper);
}
END_TEST

START_TEST(a_pulse_of_another_year_is_none)
{
    static const int years[] = {-30, -1, 1, 30};
    const struct walfile f = segment(5);
    struct prefetch keeper = helper();
    char part[PREFETCH_NAME_MAX];

    prefetch_part_name(&f, part);
    put(part, 10);
    for (size_t i = 0; i < sizeof(years) / sizeof(years[0]); i++) {
        beat_at(&keeper, time(NULL) + years[i] * (time_t) 31557600);
        ck_assert(!prefetch_await(&window, &f));
        ck_assert(prefetch_has_helper(&window)); /* but no second one is started */
    }
    prefetch_close(&keeper);
}
END_TEST

static void *finish_soon(void *arg)
{
    const struct walfile f = segment(5);
    const struct prefetch *keeper = arg;
    struct err e = ERR_NONE;

    clock_sleep_us(&clock_system, 20000);
    ck_assert_int_eq(prefetch_finish(keeper, &f, 1, &e), ERR_OK);
    return NULL;
}

START_TEST(a_segment_on_its_way_is_waited_for)
{
    const struct walfile f = segment(5);
    struct prefetch keeper = helper();
    struct err e = ERR_NONE;
    pthread_t thread;
    size_t from = 9;
    int fd;

    ck_assert_int_eq(prefetch_begin(&keeper, &f, &fd, &e), ERR_OK);
    ck_assert(ftruncate(fd, BYTES) == 0 && close(fd) == 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, finish_soon, &keeper), 0);
    ck_assert(prefetch_await(&window, &f));
    ck_assert(take(5, &from));
    ck_assert_uint_eq(from, 1);
    (void) pthread_join(thread, NULL);
    prefetch_close(&keeper);
}
END_TEST

START_TEST(one_that_gave_up_keeps_others_away_for_an_hour)
{
    struct prefetch keeper = helper();

    ck_assert(!prefetch_is_off(&window));
    prefetch_retire(&keeper);
    ck_assert(prefetch_is_off(&window));
    ck_assert(!prefetch_has_helper(&window));
    keeper = helper();
    ck_assert(!prefetch_is_off(&window));
    prefetch_close(&keeper);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_whole_segment_is_handed_over_once,
                                  what_is_not_whole_is_not_taken,
                                  a_link_or_a_directory_is_no_segment,
                                  a_destination_that_can_not_be_leaves_the_segment_where_it_is,
                                  a_segment_gets_to_another_file_system_too,
                                  another_recovery_has_another_window,
                                  its_name_tells_the_boot_of_the_machine,
                                  without_a_spool_or_a_data_directory_there_is_no_window,
                                  a_note_is_read_as_it_was_written_and_a_damaged_one_is_none,
                                  a_helper_is_there_for_as_long_as_it_holds_the_lock,
                                  a_question_takes_no_lock,
                                  nothing_is_waited_for_that_nobody_is_getting,
                                  a_pulse_of_another_year_is_none,
                                  a_segment_on_its_way_is_waited_for,
                                  one_that_gave_up_keeps_others_away_for_an_hour};

    return check_main(suite_between("repo/prefetch", prefetch_set_up, prefetch_tear_down, tests,
                                    sizeof(tests) / sizeof(tests[0])));
}
