/*
 * test_fetch_window.c - a call of fetch and the window: what lies ready is taken, "absent" is never, and a helper is
 * started where one is of use and nowhere else.
 */
#include "ops/fetch_window.h"

#include "base/clock.h"
#include "check_main.h"
#include "fetch_case.h"
#include "repo/prefetch_keep.h"

#include <fcntl.h>

#define DEST "pg_wal/RECOVERYXLOG"

static unsigned starts;
static struct fetch_options options;

static void count_start(void *arg)
{
    (void) arg;
    starts++;
}

static void set_up(void)
{
    pgdata_set_up();
    starts = 0;
    options = (struct fetch_options){.ahead_bytes = 16 * MIB, .start_ahead = count_start};
    make_line(0);
    make_line(1);
}

static void store_range(unsigned first, unsigned last)
{
    for (unsigned n = first; n <= last; n++)
        archive_into(0, segment_name(1, n), segment_bytes(segment_name(1, n), 1), MIB);
}

static void all_away(void)
{
    const struct faulty_plan away = {.at = FAULTY_GET, .kind = ERR_UNREACHABLE, .forever = true};

    faulty_fail(pgdata_repo[0].store, &away);
    faulty_fail(pgdata_repo[1].store, &away);
}

static enum err_code fetch(uint32_t tli, unsigned number)
{
    return ops_fetch(&cluster, &options, segment_name(tli, number), DEST, &e);
}

static void fetch_ok(unsigned number)
{
    ck_assert_msg(fetch(1, number) == ERR_OK, "%s", e.text);
}

static struct prefetch find(void)
{
    CLEANUP(fetch_request_clear) struct fetch_request q;
    struct prefetch w;

    ck_assert_int_eq(fetch_request_init(&q, "main", &options, segment_name(1, 1), &e), ERR_OK);
    (void) fetch_window_find(&cluster, &q, &options, ".", &w);
    return w;
}

/* A segment lies ready; its content tells where it is from. */
static void put_ready(uint32_t tli, unsigned number)
{
    struct prefetch w = find();
    const struct walfile f = walseg_file(tli, number, MIB);
    int fd;

    ck_assert(prefetch_make(&w));
    ck_assert_int_eq(prefetch_begin(&w, &f, &fd, &e), ERR_OK);
    ck_assert_int_eq(write(fd, segment_bytes(segment_name(tli, number), 99), MIB), MIB);
    (void) close(fd);
    ck_assert_int_eq(prefetch_finish(&w, &f, 1, &e), ERR_OK);
    prefetch_close(&w);
}

static bool is_from_window(void)
{
    CLEANUP(buf_clear) struct buf got = BUF_INIT(2 * MIB);

    ck_assert_int_eq(buf_read_file(&got, DEST, &e), ERR_OK);
    return got.data[MIB - 1] == 99;
}

static struct prefetch_note note(void)
{
    struct prefetch w = find();
    struct prefetch_note n = {.has_given = false};

    (void) prefetch_read_note(&w, &n);
    prefetch_close(&w);
    return n;
}

START_TEST(what_lies_ready_needs_no_repository)
{
    put_ready(1, 5);
    all_away();
    fetch_ok(5);
    ck_assert(is_from_window());
    ck_assert_uint_eq(note().given.seg, 5);
    ck_assert_int_eq(fetch(1, 5), ERR_UNREACHABLE); /* it is there once */
}
END_TEST

START_TEST(a_cluster_that_was_only_prepared_is_connected_when_it_has_to_be)
{
    const struct repo_options repos[] = {
        {.name = "r", .url = "file:///x", .identity_file = "/nonexistent/identity"},
        {.name = "s", .url = "file:///y", .identity_file = "/nonexistent/identity"}};
    const struct cluster_options o = {
        .name = "main", .spool = scratch_path(pgdata, "spool"), .repos = repos, .repo_count = 2};
    CLEANUP(cluster_freep) struct cluster *prepared = NULL;
    struct cluster before = cluster;

    ck_assert_int_eq(cluster_prepare(&o, REPO_READ, &prepared, &e), ERR_OK);
    ck_assert_str_eq(cluster_place(prepared, 0), "file:///x");
    cluster = *prepared;
    put_ready(1, 5);
    cluster = before;
    ck_assert_msg(ops_fetch(prepared, &options, segment_name(1, 5), DEST, &e) == ERR_OK, "%s", e.text);
    ck_assert_ptr_null(prepared->repos);
    ck_assert_int_ne(ops_fetch(prepared, &options, segment_name(1, 6), DEST, &e), ERR_OK);
    ck_assert_int_ne(e.code, ERR_ABSENT);
}
END_TEST

START_TEST(the_window_never_says_absent)
{
    put_ready(1, 5);
    put_ready(1, 7);
    ck_assert_int_eq(fetch(1, 6), ERR_ABSENT);
    all_away();
    ck_assert_int_eq(fetch(1, 6), ERR_UNREACHABLE);
}
END_TEST

START_TEST(what_is_foreign_to_the_path_is_absent_though_it_lies_there)
{
    put_ready(1, 8);
    put_ready(2, 8);
    options.path = "1:0/700200,2";
    ck_assert_int_eq(fetch(1, 8), ERR_ABSENT);
    ck_assert_int_eq(fetch(2, 8), ERR_OK);
    ck_assert(is_from_window());
}
END_TEST

START_TEST(a_segment_asked_for_again_is_fetched)
{
    store_range(5, 5);
    put_ready(1, 5);
    fetch_ok(5);
    ck_assert(is_from_window());
    fetch_ok(5);
    ck_assert(!is_from_window());
}
END_TEST

START_TEST(where_recovery_stands_is_noted)
{
    store_range(5, 6);
    write_file("standby.signal", "", 0);
    fetch_ok(5);
    ck_assert_uint_eq(note().given.seg, 5);
    ck_assert_uint_eq(note().asked.seg, 5);
    ck_assert_int_eq(fetch(1, 7), ERR_ABSENT);
    ck_assert_uint_eq(note().given.seg, 5);
    ck_assert_uint_eq(note().asked.seg, 7);
    fetch_ok(6);
    ck_assert_uint_eq(note().given.seg, 6);
}
END_TEST

/* ---- when a helper is started ---- */

START_TEST(a_recovery_has_a_helper_from_its_first_segment_on)
{
    store_range(5, 6);
    write_file("recovery.signal", "", 0);
    fetch_ok(5);
    ck_assert_uint_eq(starts, 1);
    fetch_ok(6);
    ck_assert_uint_eq(starts, 2); /* the first did not come up */
}
END_TEST

START_TEST(without_a_signal_file_a_helper_is_started_by_a_second_one_in_order)
{
    store_range(5, 8);
    fetch_ok(5);
    fetch_ok(7);
    ck_assert_uint_eq(starts, 0);
    fetch_ok(8);
    ck_assert_uint_eq(starts, 1);
}
END_TEST

START_TEST(a_helper_that_is_there_is_enough)
{
    struct prefetch w;

    store_range(5, 6);
    write_file("recovery.signal", "", 0);
    fetch_ok(5);
    w = find();
    ck_assert(prefetch_lock(&w));
    fetch_ok(6);
    ck_assert_uint_eq(starts, 1);
    prefetch_retire(&w); /* and one that had to give up is not tried again */
    fetch_ok(6);
    ck_assert_uint_eq(starts, 1);
}
END_TEST

/* A helper that was killed: what lies ready is taken, and a new one goes on. */
START_TEST(a_helper_that_died_is_replaced_at_once)
{
    write_file("recovery.signal", "", 0);
    put_ready(1, 5);
    fetch_ok(5);
    ck_assert_uint_eq(starts, 1);
}
END_TEST

START_TEST(a_recovery_that_waits_for_minutes_has_no_helper)
{
    const struct prefetch_note old = {.has_given = true,
                                      .given = walseg_file(1, 5, MIB),
                                      .given_us = clock_mono_us(&clock_system) - FETCH_WINDOW_IDLE_US};
    struct prefetch w;

    store_range(6, 7);
    write_file("standby.signal", "", 0);
    w = find();
    ck_assert(prefetch_make(&w));
    ck_assert(prefetch_write_note(&w, &old));
    prefetch_close(&w);
    fetch_ok(6);
    ck_assert_uint_eq(starts, 0);
    fetch_ok(7);
    ck_assert_uint_eq(starts, 1);
}
END_TEST

/* As in a container that was moved: the boot is the same by its name, and the clock is not. */
START_TEST(a_note_of_the_future_keeps_no_helper_away)
{
    const struct prefetch_note coming = {.has_given = true,
                                         .given = walseg_file(1, 5, MIB),
                                         .given_us = clock_mono_us(&clock_system) + 3600 * INT64_C(1000000)};
    struct prefetch_note note;
    struct prefetch w;

    store_range(6, 6);
    write_file("recovery.signal", "", 0);
    w = find();
    ck_assert(prefetch_make(&w));
    ck_assert(prefetch_write_note(&w, &coming));
    fetch_ok(6);
    ck_assert_uint_eq(starts, 1);
    ck_assert(prefetch_read_note(&w, &note));
    ck_assert_int_lt(note.given_us, coming.given_us);
    prefetch_close(&w);
}
END_TEST

/* A helper would not know where to begin; one would be started by each call, and end at once. */
START_TEST(where_the_position_can_not_be_noted_no_helper_is_started)
{
    struct prefetch w;

    store_range(5, 5);
    write_file("recovery.signal", "", 0);
    w = find();
    ck_assert(prefetch_make(&w));
    ck_assert_int_eq(mkdirat(w.fd, PREFETCH_NOTE_FILE, 0700), 0);
    fetch_ok(5);
    ck_assert_uint_eq(starts, 0);
    prefetch_close(&w);
}
END_TEST

START_TEST(behind_the_plans_last_segment_there_is_no_window)
{
    store_range(5, 6);
    write_file("recovery.signal", "", 0);
    options.path = "1";
    options.until = "000000010000000000000005";
    fetch_ok(5);
    fetch_ok(6);
    ck_assert_uint_eq(starts, 0);
    ck_assert_int_eq(find().fd, -1);
}
END_TEST

START_TEST(a_limit_below_one_segment_is_no_window)
{
    store_range(5, 6);
    write_file("recovery.signal", "", 0);
    options.ahead_bytes = 0;
    fetch_ok(5);
    options.ahead_bytes = MIB - 1;
    fetch_ok(6);
    ck_assert_uint_eq(starts, 0);
    options.ahead_bytes = MIB;
    ck_assert_int_eq(find().fd, -1);
}
END_TEST

START_TEST(a_spool_that_can_not_be_written_fails_no_call)
{
    store_range(5, 6);
    write_file("recovery.signal", "", 0);
    scratch_remove(spool_dir(cluster.spool));
    fetch_ok(5);
    fetch_ok(6);
    ck_assert_uint_eq(starts, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {what_lies_ready_needs_no_repository,
                                  a_cluster_that_was_only_prepared_is_connected_when_it_has_to_be,
                                  the_window_never_says_absent,
                                  what_is_foreign_to_the_path_is_absent_though_it_lies_there,
                                  a_segment_asked_for_again_is_fetched,
                                  where_recovery_stands_is_noted,
                                  a_recovery_has_a_helper_from_its_first_segment_on,
                                  without_a_signal_file_a_helper_is_started_by_a_second_one_in_order,
                                  a_helper_that_is_there_is_enough,
                                  a_helper_that_died_is_replaced_at_once,
                                  a_recovery_that_waits_for_minutes_has_no_helper,
                                  a_note_of_the_future_keeps_no_helper_away,
                                  where_the_position_can_not_be_noted_no_helper_is_started,
                                  behind_the_plans_last_segment_there_is_no_window,
                                  a_limit_below_one_segment_is_no_window,
                                  a_spool_that_can_not_be_written_fails_no_call};

    return check_main(
        suite_between("ops/fetch_window", set_up, pgdata_tear_down, tests, sizeof(tests) / sizeof(tests[0])));
}
