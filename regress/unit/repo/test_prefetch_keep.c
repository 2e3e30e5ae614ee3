/*
 * test_prefetch_keep.c - one helper keeps a window, whatever a dead one left there is used or removed, and nothing
 * stays.
 */
#include "repo/prefetch_keep.h"

#include "check_main.h"
#include "prefetch_case.h"

#include <errno.h>
#include <sys/time.h>

START_TEST(one_helper_keeps_a_window)
{
    struct prefetch other;

    ck_assert(prefetch_lock(&window));
    ck_assert(prefetch_open(spool, &key, &other));
    ck_assert(!prefetch_lock(&other));
    prefetch_close(&window);
    ck_assert(prefetch_lock(&other));
    prefetch_close(&other);
}
END_TEST

START_TEST(a_window_that_was_removed_is_ours_no_more)
{
    struct prefetch other;

    ck_assert(prefetch_lock(&window));
    ck_assert(prefetch_is_ours(&window));
    ck_assert_int_eq(unlinkat(window.fd, PREFETCH_LOCK_FILE, 0), 0);
    ck_assert(!prefetch_is_ours(&window));
    ck_assert(prefetch_open(spool, &key, &other) && prefetch_lock(&other));
    ck_assert(prefetch_is_ours(&other));
    ck_assert(!prefetch_is_ours(&window));
    prefetch_close(&other);
}
END_TEST

START_TEST(what_is_given_up_leaves_nothing)
{
    const struct walfile f = segment(5);
    struct err e = ERR_NONE;
    int fd;

    ck_assert_int_eq(prefetch_begin(&window, &f, &fd, &e), ERR_OK);
    (void) close(fd);
    ck_assert(has("000000010000000000000005.part"));
    prefetch_give_up(&window, &f);
    ck_assert_uint_eq(entries_in(window.path), 0);
}
END_TEST

START_TEST(a_file_that_a_dead_helper_began_is_begun_anew)
{
    const struct walfile f = segment(5);
    struct err e = ERR_NONE;
    struct stat st;
    int fd;

    put("000000010000000000000005.part", 4711);
    ck_assert_int_eq(prefetch_begin(&window, &f, &fd, &e), ERR_OK);
    ck_assert(fstat(fd, &st) == 0 && st.st_size == 0);
    (void) close(fd);
    ck_assert_int_eq(prefetch_finish(&window, &f, 1, &e), ERR_OK);
    ck_assert(has("000000010000000000000005.01"));
    prefetch_drop(&window, &f);
    ck_assert_uint_eq(entries_in(window.path), 0);
    ck_assert_int_eq(prefetch_finish(&window, &f, 1, &e), ERR_IO);
}
END_TEST

static uint64_t adopted[8];
static size_t adopted_count;

static void note_adopted(const struct walfile *f, void *arg)
{
    struct err e = ERR_NONE;

    (void) arg;
    ck_assert_uint_lt(adopted_count, 8);
    ck_assert_int_eq(walseg_of_file(f, BYTES, &adopted[adopted_count++], &e), ERR_OK);
}

START_TEST(what_is_whole_is_taken_over_and_the_rest_removed)
{
    put_whole(5, 0, BYTES);
    put_whole(6, 1, BYTES);
    put_whole(7, 0, BYTES - 1);
    put_whole(8, 2, BYTES); /* of a repository that there is not */
    put("000000010000000000000009.part", BYTES);
    put("something else", 3);
    put(PREFETCH_NOTE_FILE, 3);
    ck_assert(prefetch_lock(&window));
    adopted_count = 0;
    prefetch_adopt(&window, note_adopted, NULL);
    ck_assert_uint_eq(adopted_count, 2);
    ck_assert_uint_eq(adopted[0] + adopted[1], 11);
    ck_assert_uint_eq(entries_in(window.path), 4); /* these, the position and the lock */
    prefetch_empty(&window);
    ck_assert_uint_eq(entries_in(window.path), 2);
}
END_TEST

START_TEST(a_window_goes_with_all_that_is_in_it)
{
    put_whole(5, 0, BYTES);
    put("000000010000000000000009.part", 5);
    put(PREFETCH_NOTE_FILE, 3);
    ck_assert(prefetch_lock(&window));
    prefetch_remove(&window);
    ck_assert_uint_eq(entries_in(spool_dir(spool)), 0);
    ck_assert_int_eq(window.fd, -1);
}
END_TEST

START_TEST(one_that_gives_up_leaves_no_segment)
{
    put_whole(5, 0, BYTES);
    ck_assert(prefetch_lock(&window));
    prefetch_retire(&window);
    ck_assert_uint_eq(entries_in(scratch_path(spool_dir(spool), strrchr(window.path, '/') + 1)), 1);
}
END_TEST

/* A window of the same spool: of this boot or another, noted in so many seconds ago. */
static void other_window(const char *tail, long age)
{
    char path[2 * SCRATCH_MAX], note[2 * SCRATCH_MAX + 16], file[2 * SCRATCH_MAX + 64];
    struct timeval times[2];
    FILE *f;

    (void) snprintf(path, sizeof(path), "%s/window-%s", spool_dir(spool), tail);
    (void) snprintf(note, sizeof(note), "%s/" PREFETCH_NOTE_FILE, path);
    (void) snprintf(file, sizeof(file), "%s/000000010000000000000005.00", path);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert((f = fopen(file, "w")) != NULL && fclose(f) == 0);
    ck_assert((f = fopen(note, "w")) != NULL && fclose(f) == 0);
    ck_assert_int_eq(gettimeofday(&times[0], NULL), 0);
    times[0].tv_sec -= age;
    times[1] = times[0];
    ck_assert_int_eq(utimes(note, times), 0);
}

START_TEST(windows_that_nobody_keeps_any_more_are_swept)
{
    const char *boot = strrchr(window.path, '-');
    char fresh[64], old[64], kept[64];
    struct prefetch keeper = PREFETCH_NONE;

    (void) snprintf(fresh, sizeof(fresh), "1111111111111111%s", boot);
    (void) snprintf(old, sizeof(old), "2222222222222222%s", boot);
    (void) snprintf(kept, sizeof(kept), "4444444444444444%s", boot);
    other_window(fresh, 3600);
    other_window(old, 90000);
    other_window(kept, 90000);
    other_window("3333333333333333-00000000", 10);
    (void) snprintf(keeper.path, sizeof(keeper.path), "%s/window-%s", spool_dir(spool), kept);
    keeper.fd = open(keeper.path, O_RDONLY | O_DIRECTORY);
    ck_assert(prefetch_lock(&keeper));
    ck_assert_int_eq(mkdir(scratch_path(spool_dir(spool), "index-1"), 0700), 0);
    ck_assert(prefetch_lock(&window));
    prefetch_sweep(&window);
    ck_assert_uint_eq(entries_in(spool_dir(spool)),
                      4); /* ours, the fresh one, the kept one, and what is none */
    ck_assert_uint_eq(entries_in(keeper.path), 3);
    prefetch_close(&keeper);
    prefetch_sweep(&window);
    ck_assert_uint_eq(entries_in(spool_dir(spool)), 3);
}
END_TEST

START_TEST(room_is_what_the_disk_has_beyond_a_reserve)
{
    struct err e = ERR_NONE;

    ck_assert_int_eq(prefetch_reserve(&window, UINT64_MAX / 2, &e), ERR_IO);
    ck_assert_int_eq(e.sys_errno, ENOSPC);
    ck_assert_msg(prefetch_reserve(&window, 0, &e) == ERR_OK, "%s", e.text);
}
END_TEST

START_TEST(a_disk_that_can_t_be_asked_is_not_a_full_one)
{
    struct prefetch closed = window;
    struct err e = ERR_NONE;

    closed.fd = -1;
    ck_assert_int_eq(prefetch_reserve(&closed, 0, &e), ERR_IO);
    ck_assert_int_eq(e.sys_errno, EBADF);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {one_helper_keeps_a_window,
                                  a_window_that_was_removed_is_ours_no_more,
                                  what_is_given_up_leaves_nothing,
                                  a_file_that_a_dead_helper_began_is_begun_anew,
                                  what_is_whole_is_taken_over_and_the_rest_removed,
                                  a_window_goes_with_all_that_is_in_it,
                                  one_that_gives_up_leaves_no_segment,
                                  windows_that_nobody_keeps_any_more_are_swept,
                                  room_is_what_the_disk_has_beyond_a_reserve,
                                  a_disk_that_can_t_be_asked_is_not_a_full_one};

    return check_main(suite_between("repo/prefetch_keep", prefetch_set_up, prefetch_tear_down, tests,
                                    sizeof(tests) / sizeof(tests[0])));
}
