/*
 * test_restore_fill.c - what a backup stored comes back, by any number of threads: contents of every shape, names of
 * odd bytes, holes; and what fails is told once, by the error that came first.
 */
#include "ops/restore_fill.h"

#include "repo/object.h"
#include "restored.h"

#include <errno.h>
#include <pthread.h>
#include <sys/syscall.h>

/* fsync is the test's own here: it counts, and fails when told to. */
static atomic_int synced;
static int sync_errno;

int fsync(int fd)
{
    synced++;
    if (sync_errno != 0) {
        errno = sync_errno;
        return -1;
    }
    return (int) syscall(SYS_fsync, fd);
}

START_TEST(every_file_comes_back_byte_for_byte)
{
    static const struct sample samples[] = {
        {"base/", 0700, EMPTY, 0},
        {"base/empty", 0600, EMPTY, 0},
        {"base/one", 0600, NOISE, 1},
        {"base/zeros", 0640, ZEROS, 3 * CHUNK + 7},
        {"base/chunk", 0600, NOISE, CHUNK},
        {"base/below", 0600, NOISE, CHUNK - 1},
        {"base/above", 0600, NOISE, CHUNK + 1},
        {"base/holes", 0600, HOLES, 9 * CHUNK + 5},
        {"base/hole_at_the_end", 0600, HOLES, 2 * CHUNK + 5},
        {"base/packs", 0600, NOISE, 3 * PACK + 1},
        {"base/a b%\t\n\x7f\xff\xc3", 0600, NOISE, 100},
        {"base/same", 0600, NOISE, 100},
        {"global/", 0700, EMPTY, 0},
        {TREE_CONTROL, 0600, NOISE, 8192},
    };
    struct err e = ERR_STALE;
    char path[TREE_PATH_MAX];

    store(samples, COUNT(samples));
    OK(restore(&e));
    ck_assert_str_eq(e.text, ERR_STALE.text);
    for (size_t i = 0; i < COUNT(samples); i++)
        check_sample(&samples[i]);
    (void) snprintf(path, sizeof(path), "%s/" TREE_CONTROL, tree.pgdata);
    ck_assert_int_eq(access(path, F_OK), -1); /* not before the end */
}
END_TEST

static const struct sample large[] = {
    {"base/", 0700, EMPTY, 0},
    {"base/one", 0600, NOISE, 5 * PACK + 77},
    {"base/two", 0600, HOLES, 8 * PACK},
    {"base/three", 0600, NOISE, 9 * PACK - 1},
    {"base/none", 0600, ZEROS, 3 * PACK},
};

START_TEST(any_number_of_threads_fill_the_same_files)
{
    static const size_t threads[] = {1, 2, 8, 64};
    struct err e = ERR_NONE;

    store(large, COUNT(large));
    for (size_t i = 0; i < COUNT(threads); i++) {
        CLEANUP(restore_files_freep) struct restore_files *f = NULL;

        OK(lay_out_and_fill(&f, threads[i], &e));
        for (size_t k = 0; k < COUNT(large); k++)
            check_sample(&large[k]);
        scratch_remove(tree.pgdata);
        ck_assert_int_eq(mkdir(tree.pgdata, 0700), 0);
    }
}
END_TEST

START_TEST(packs_are_read_in_one_request_each_or_in_parts)
{
    static const struct {
        uint64_t slice_bytes, requests;
    } table[] = {{0, 18}, {2 * PACK, 18}, {1, 73}}; /* packs, and chunks */
    struct err e = ERR_NONE;

    store(large, COUNT(large));
    for (size_t i = 0; i < COUNT(table); i++) {
        CLEANUP(restore_files_freep) struct restore_files *f = NULL;
        CLEANUP(progress_end) struct progress progress = {0};
        const struct restore_fill_options o = {
            .threads = 5, .slice_bytes = table[i].slice_bytes, .progress = &progress};
        uint64_t before;

        progress_begin(&progress, "restore", 0);
        OK(restore_files_layout(&repo, &layout, &info, &tree, &f, &e));
        before = requests();
        OK(restore_fill(f, &o, &e));
        ck_assert_msg(requests() - before == table[i].requests, "%zu: %llu requests", i,
                      (unsigned long long) (requests() - before));
        for (size_t k = 0; k < COUNT(large); k++)
            check_sample(&large[k]);
        scratch_remove(tree.pgdata);
        ck_assert_int_eq(mkdir(tree.pgdata, 0700), 0);
    }
}
END_TEST

START_TEST(zeros_take_no_room)
{
    CLEANUP(restore_files_freep) struct restore_files *f = NULL;
    struct err e = ERR_NONE;
    struct stat st;

    store(large, COUNT(large));
    OK(lay_out_and_fill(&f, 2, &e));
    ck_assert_int_eq(stat(scratch_path(tree.pgdata, "base/none"), &st), 0);
    ck_assert_int_eq(st.st_size, 3 * PACK);
    ck_assert_int_eq(st.st_blocks, 0);
    ck_assert_int_eq(stat(scratch_path(tree.pgdata, "base/two"), &st), 0);
    ck_assert_int_eq(st.st_size, 8 * PACK);
    ck_assert_int_le(st.st_blocks * 512, 5 * PACK);
}
END_TEST

START_TEST(progress_comes_to_what_is_read_and_holes_are_none_of_it)
{
    CLEANUP(restore_files_freep) struct restore_files *f = NULL;
    CLEANUP(progress_end) struct progress progress = {0};
    const struct restore_fill_options o = {.threads = 2, .progress = &progress};
    struct err e = ERR_NONE;

    store(large, COUNT(large));
    OK(restore_files_layout(&repo, &layout, &info, &tree, &f, &e));
    ck_assert_uint_eq(f->wanted_bytes, 5 * PACK + 77 + 4 * PACK + 9 * PACK - 1);
    progress_begin(&progress, "restore", f->wanted_bytes);
    OK(restore_fill(f, &o, &e));
    ck_assert_uint_eq(progress.done, f->wanted_bytes);
}
END_TEST

/* Many threads meet the end of the restore; the one pack that is not there is its cause. */
START_TEST(the_error_that_came_first_is_the_one_that_is_told)
{
    struct err e = ERR_NONE;
    char key[STORE_KEY_MAX + 1];

    store(large, COUNT(large));
    layout_backup_pack(&layout, ID, 5, key);
    OK(store_remove(repo.store, key, &e));
    for (int i = 0; i < 50; i++) {
        CLEANUP(restore_files_freep) struct restore_files *f = NULL;

        ck_assert_int_ne(lay_out_and_fill(&f, 8, &e), ERR_OK);
        ck_assert_msg(strstr(e.text, "pack-000005") != NULL, "%s", e.text);
        e = ERR_NONE;
        scratch_remove(tree.pgdata);
        ck_assert_int_eq(mkdir(tree.pgdata, 0700), 0);
    }
}
END_TEST

START_TEST(a_file_that_can_not_be_written_ends_it_and_is_named)
{
    CLEANUP(restore_files_freep) struct restore_files *f = NULL;
    CLEANUP(progress_end) struct progress progress = {0};
    const struct restore_fill_options o = {.threads = 8, .progress = &progress};
    struct err e = ERR_NONE;

    store(large, COUNT(large));
    progress_begin(&progress, "restore", 0);
    OK(restore_files_layout(&repo, &layout, &info, &tree, &f, &e));
    ck_assert_int_eq(symlink("/dev/full", scratch_path(tree.pgdata, "base/two")), 0);
    ck_assert_int_eq(restore_fill(f, &o, &e), ERR_IO);
    ck_assert_msg(strstr(e.text, "base/two") != NULL, "%s", e.text);
}
END_TEST

static enum err_code fill_and_sync(bool sync_files, struct err *e)
{
    CLEANUP(restore_files_freep) struct restore_files *f = NULL;
    CLEANUP(progress_end) struct progress progress = {0};
    const struct restore_fill_options o = {.threads = 3, .sync_files = sync_files, .progress = &progress};

    progress_begin(&progress, "restore", 0);
    if (restore_files_layout(&repo, &layout, &info, &tree, &f, e) != ERR_OK)
        return ERR_CORRUPT;
    return restore_fill(f, &o, e);
}

START_TEST(where_syncfs_does_not_count_whoever_wrote_to_a_file_syncs_it)
{
    struct err e = ERR_NONE;

    store(large, COUNT(large));
    synced = 0;
    OK(fill_and_sync(false, &e));
    ck_assert_int_eq(synced, 0);
    scratch_remove(tree.pgdata);
    ck_assert_int_eq(mkdir(tree.pgdata, 0700), 0);
    OK(fill_and_sync(true, &e));
    ck_assert_int_ge(synced, 3);
    scratch_remove(tree.pgdata);
    ck_assert_int_eq(mkdir(tree.pgdata, 0700), 0);
    sync_errno = EIO;
    ck_assert_int_eq(fill_and_sync(true, &e), ERR_IO);
    ck_assert_int_eq(e.sys_errno, EIO);
    ck_assert_msg(strstr(e.text, "could not fsync file") != NULL, "%s", e.text);
    sync_errno = 0;
}
END_TEST

START_TEST(many_small_files_come_back)
{
    static struct sample samples[500];
    static char names[COUNT(samples)][32];
    struct err e = ERR_STALE;

    for (size_t i = 0; i < COUNT(samples); i++) {
        (void) snprintf(names[i], sizeof(names[i]), "base/%zu", i);
        samples[i] = (struct sample){names[i], 0600, NOISE, 1 + i * 3};
    }
    samples[0] = (struct sample){"base/", 0700, EMPTY, 0};
    store(samples, COUNT(samples));
    OK(restore(&e));
    for (size_t i = 0; i < COUNT(samples); i++)
        check_sample(&samples[i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/restore_fill");
    TCase *tcase = tcase_create("ops/restore_fill");

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, every_file_comes_back_byte_for_byte);
    tcase_add_test(tcase, many_small_files_come_back);
    tcase_add_test(tcase, any_number_of_threads_fill_the_same_files);
    tcase_add_test(tcase, packs_are_read_in_one_request_each_or_in_parts);
    tcase_add_test(tcase, zeros_take_no_room);
    tcase_add_test(tcase, progress_comes_to_what_is_read_and_holes_are_none_of_it);
    tcase_add_test(tcase, the_error_that_came_first_is_the_one_that_is_told);
    tcase_add_test(tcase, a_file_that_can_not_be_written_ends_it_and_is_named);
    tcase_add_test(tcase, where_syncfs_does_not_count_whoever_wrote_to_a_file_syncs_it);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
