/*
 * test_fetch_ahead.c - the helper beside a recovery that this test plays: what it needs lies ready, good copies only,
 * and when the helper ends nothing is left. The real thing is regress/t/031_fetch_window.sh.
 */
#include "ops/fetch_ahead.h"
#include "ops/fetch_window.h"

#include "base/clock.h"
#include "check_main.h"
#include "fetch_case.h"
#include "repo/prefetch_keep.h"

#include <fcntl.h>
#include <pthread.h>

#define LAST       12
#define MOST_LOOKS 6000 /* of 10 ms: an end that is never reached fails the test */

static struct fetch_options options;
static struct prefetch window;
static pthread_t thread;
static enum err_code ended_with;
static struct err ended_why;
static char dest[SCRATCH_MAX + 16];
static int saved_stderr;

static void store_one(int repo, unsigned number)
{
    archive_into(repo, segment_name(1, number), segment_bytes(segment_name(1, number), (uint8_t) number),
                 MIB);
}

/* As it was archived: what is stored is whole, and its descriptor says what it is. */
static void store_damaged(int repo, unsigned number)
{
    uint8_t *bytes = segment_bytes(segment_name(1, number), 0);

    bytes[68] ^= 1;
    archive_into(repo, segment_name(1, number), bytes, MIB);
}

static void give(unsigned number)
{
    const struct walfile f = walseg_file(1, number, MIB);

    (void) prefetch_write_note(&window, &(struct prefetch_note){.has_given = true,
                                                                .given = f,
                                                                .has_asked = true,
                                                                .asked = f,
                                                                .given_us = clock_mono_us(&clock_system)});
}

/* The recovery was just given segment 1. */
static void set_up(void)
{
    CLEANUP(fetch_request_clear) struct fetch_request q;

    pgdata_set_up();
    saved_stderr = dup(STDERR_FILENO);
    (void) snprintf(dest, sizeof(dest), "%s/pg_wal/got", pgdata);
    options =
        (struct fetch_options){.ahead_bytes = 4 * MIB, .path = "1", .until = "00000001000000000000000C"};
    ck_assert_int_eq(fetch_request_init(&q, "main", &options, segment_name(1, 1), &e), ERR_OK);
    ck_assert(fetch_window_find(&cluster, &q, &options, ".", &window) && prefetch_make(&window));
    give(1);
}

static void tear_down(void)
{
    prefetch_close(&window);
    (void) dup2(saved_stderr, STDERR_FILENO);
    (void) close(saved_stderr);
    pgdata_tear_down();
}

static void *help(void *arg)
{
    (void) arg;
    ended_with = ops_fetch_ahead(&cluster, &options, segment_name(1, 1), pgdata, &ended_why);
    return NULL;
}

static void start(void)
{
    ended_why = ERR_NONE;
    ck_assert_int_eq(pthread_create(&thread, NULL, help, NULL), 0);
}

static void await_end(void)
{
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_msg(ended_with == ERR_OK, "%s", ended_why.text);
}

static bool is_gone(void)
{
    return access(window.path, F_OK) != 0;
}

/* Take a segment as soon as it lies there. */
static void take(unsigned number, size_t expected_from)
{
    CLEANUP(buf_clear) struct buf got = BUF_INIT(2 * MIB);
    const struct walfile f = walseg_file(1, number, MIB);
    size_t from = 9;
    bool is_taken = false;

    for (int i = 0; i < MOST_LOOKS && !is_taken; i++) {
        is_taken = prefetch_take(&window, &f, dest, &from);
        if (!is_taken)
            clock_sleep_us(&clock_system, 10000);
    }
    ck_assert_msg(is_taken, "segment %u never came", number);
    ck_assert_uint_eq(from, expected_from);
    ck_assert_int_eq(buf_read_file(&got, dest, &e), ERR_OK);
    ck_assert(got.len == MIB &&
              memcmp(got.data, segment_bytes(segment_name(1, number), (uint8_t) number), MIB) == 0);
    give(number);
}

/* It has looked through what lies there, and gone on. */
static void await_ready(unsigned number)
{
    const struct walfile f = walseg_file(1, number, MIB);
    char name[PREFETCH_NAME_MAX];
    struct stat st = {.st_size = 0};

    prefetch_whole_name(&f, 0, name);
    for (int i = 0; i < MOST_LOOKS && st.st_size != MIB; i++) {
        if (fstatat(window.fd, name, &st, 0) != 0 || st.st_size != MIB)
            clock_sleep_us(&clock_system, 10000);
    }
    ck_assert_msg(st.st_size == MIB, "segment %u never came", number);
}

static void take_range(unsigned first, unsigned last)
{
    for (unsigned n = first; n <= last; n++)
        take(n, 0);
}

START_TEST(all_that_a_plan_needs_lies_ready_and_then_nothing_stays)
{
    for (unsigned n = 1; n <= LAST + 2; n++)
        store_one(0, n);
    start();
    take_range(2, LAST);
    await_end();
    ck_assert(is_gone());
}
END_TEST

START_TEST(a_good_copy_is_taken_from_whoever_has_one)
{
    for (unsigned n = 1; n <= LAST; n++)
        store_one(1, n);
    for (unsigned n = 1; n <= 4; n++) {
        store_one(0, n);
        spoil(0, segment_name(1, n), false);
    }
    start();
    for (unsigned n = 2; n <= LAST; n++)
        take(n, 1);
    await_end();
}
END_TEST

/* Whatever is wrong with one: those before it are handed over, it never lies there, and nobody goes on trying. */
START_TEST(what_can_not_be_had_ends_the_help)
{
    enum { MISSING, DAMAGED, AWAY, DAMAGED_BEFORE };
    const int harm = _i;
    const struct faulty_plan away = {.at = FAULTY_GET, .nth = 4, .kind = ERR_UNREACHABLE, .forever = true};
    const struct walfile bad = walseg_file(1, 5, MIB);
    size_t from;

    for (unsigned n = 1; n <= LAST; n++)
        if (n == 5 && harm == DAMAGED_BEFORE)
            store_damaged(0, n);
        else if (n != 5 || harm != MISSING)
            store_one(0, n);
    if (harm == DAMAGED)
        spoil(0, segment_name(1, 5), false);
    if (harm == AWAY)
        faulty_fail(pgdata_repo[0].store, &away);
    options.ahead_bytes = MIB; /* one after the other */
    start();
    take_range(2, 4);
    for (int i = 0; i < MOST_LOOKS && !is_gone(); i++) {
        ck_assert(!prefetch_take(&window, &bad, dest, &from));
        clock_sleep_us(&clock_system, 10000);
    }
    await_end();
    ck_assert(is_gone());
}
END_TEST

/* An I/O error there is no full disk here. */
START_TEST(what_lies_ready_is_used_although_the_repository_has_trouble)
{
    const struct faulty_plan trouble = {.at = FAULTY_GET, .nth = 4, .kind = ERR_IO, .forever = true};

    for (unsigned n = 1; n <= LAST; n++)
        store_one(0, n);
    faulty_fail(pgdata_repo[0].store, &trouble);
    options.ahead_bytes = (uint64_t) 3 * MIB;
    start();
    take_range(2, 2);
    clock_sleep_us(&clock_system, 1000000);
    take_range(3, 4);
    await_end();
}
END_TEST

START_TEST(beside_another_helper_there_is_nothing_to_do)
{
    struct prefetch other = window;

    ck_assert(prefetch_lock(&other));
    start();
    await_end();
    ck_assert(!is_gone() && prefetch_is_ours(&other));
    (void) close(other.lock_fd);
}
END_TEST

START_TEST(a_recovery_that_is_over_ends_the_help)
{
    char signal_file[SCRATCH_MAX + 32];

    for (unsigned n = 1; n <= LAST; n++)
        store_one(0, n);
    write_file("recovery.signal", "", 0);
    (void) snprintf(signal_file, sizeof(signal_file), "%s/recovery.signal", pgdata);
    start();
    take_range(2, 3);
    ck_assert_int_eq(unlink(signal_file), 0);
    await_end();
    ck_assert(is_gone());
}
END_TEST

START_TEST(a_server_that_is_gone_ends_the_help)
{
    char pid_file[SCRATCH_MAX + 32], pid[32];
    int len = snprintf(pid, sizeof(pid), "%ld\n", (long) getpid());

    for (unsigned n = 1; n <= LAST; n++)
        store_one(0, n);
    write_file("postmaster.pid", pid, (size_t) len);
    (void) snprintf(pid_file, sizeof(pid_file), "%s/postmaster.pid", pgdata);
    start();
    take_range(2, 3);
    ck_assert_int_eq(unlink(pid_file), 0);
    await_end();
    ck_assert(is_gone());
}
END_TEST

START_TEST(a_window_that_is_removed_ends_the_help)
{
    for (unsigned n = 1; n <= LAST; n++)
        store_one(0, n);
    start();
    take_range(2, 3);
    ck_assert_int_eq(rename(window.path, scratch_path(pgdata, "elsewhere")), 0);
    await_end();
}
END_TEST

START_TEST(what_a_dead_helper_left_is_used_or_removed)
{
    const struct walfile f = walseg_file(1, 2, MIB);
    int fd;

    for (unsigned n = 3; n <= LAST; n++)
        store_one(0, n);
    ck_assert_int_eq(prefetch_begin(&window, &f, &fd, &e), ERR_OK);
    ck_assert_int_eq(write(fd, segment_bytes(segment_name(1, 2), 2), MIB), MIB);
    ck_assert(close(fd) == 0 && prefetch_finish(&window, &f, 0, &e) == ERR_OK);
    fd = openat(window.fd, "000000010000000000000003.00", O_WRONLY | O_CREAT, 0600);
    ck_assert(fd >= 0 && close(fd) == 0);
    start();
    await_ready(3);
    take_range(2, LAST); /* the second is in no repository */
    await_end();
    ck_assert(is_gone());
}
END_TEST

START_TEST(without_a_position_there_is_nothing_to_keep)
{
    ck_assert_int_eq(unlinkat(window.fd, PREFETCH_NOTE_FILE, 0), 0);
    start();
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(ended_with, ERR_REFUSED);
}
END_TEST

START_TEST(it_says_in_a_log_of_its_own_what_it_did)
{
    CLEANUP(buf_clear) struct buf said = BUF_INIT(MIB);

    for (unsigned n = 1; n <= LAST; n++)
        store_one(0, n);
    start();
    take_range(2, LAST);
    await_end();
    ck_assert_int_eq(buf_read_file(&said, scratch_path(spool_dir(cluster.spool), FETCH_AHEAD_LOG), &e),
                     ERR_OK);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&said), "INFO:  fetching ahead of the recovery in \""));
    ck_assert_ptr_nonnull(strstr(
        buf_cstr(&said), "INFO:  ended: recovery has all it needs; 11 segments fetched ahead, 0 of them"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/fetch_ahead");
    TCase *tests = tcase_create("ops/fetch_ahead");

    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, all_that_a_plan_needs_lies_ready_and_then_nothing_stays);
    tcase_add_test(tests, a_good_copy_is_taken_from_whoever_has_one);
    tcase_add_loop_test(tests, what_can_not_be_had_ends_the_help, 0, 4);
    tcase_add_test(tests, what_lies_ready_is_used_although_the_repository_has_trouble);
    tcase_add_test(tests, beside_another_helper_there_is_nothing_to_do);
    tcase_add_test(tests, a_recovery_that_is_over_ends_the_help);
    tcase_add_test(tests, a_server_that_is_gone_ends_the_help);
    tcase_add_test(tests, a_window_that_is_removed_ends_the_help);
    tcase_add_test(tests, what_a_dead_helper_left_is_used_or_removed);
    tcase_add_test(tests, without_a_position_there_is_nothing_to_keep);
    tcase_add_test(tests, it_says_in_a_log_of_its_own_what_it_did);
    suite_add_tcase(suite, tests);
    return check_main(suite);
}
