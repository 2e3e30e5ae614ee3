/*
 * test_rate_file.c - a measured rate is read back as it was written, and nothing else is taken for one.
 */
#include "repo/rate_file.h"

#include "../scratch.h"
#include "base/durable.h"
#include "check_main.h"

#include <string.h>

#define ONE "s3://bucket https://one"

static char scratch[SCRATCH_MAX];
static struct spool *spool;
static char text[RATE_TEXT_MAX];

static void set_up(void)
{
    struct err e = ERR_NONE;

    scratch_make(scratch);
    ck_assert_int_eq(spool_open(scratch, "main", &spool, &e), ERR_OK);
}

static void tear_down(void)
{
    spool_free(spool);
    scratch_remove(scratch);
}

static void path_of(const char *name, struct buf *path)
{
    ck_assert(spool_rate_path(spool, name, ONE, path));
}

START_TEST(what_was_written_is_read)
{
    char longest[RATE_TEXT_MAX];

    rate_file_write(spool, "restore", ONE, "1 2 3");
    ck_assert(rate_file_read(spool, "restore", ONE, text));
    ck_assert_str_eq(text, "1 2 3");
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    rate_file_write(spool, "restore", ONE, longest);
    ck_assert(rate_file_read(spool, "restore", ONE, text));
    ck_assert_str_eq(text, longest);
    rate_file_write(spool, "restore", ONE, "1");
    ck_assert(rate_file_read(spool, "restore", ONE, text));
    ck_assert_str_eq(text, "1");
}
END_TEST

START_TEST(a_text_that_is_too_long_changes_nothing)
{
    char too_long[RATE_TEXT_MAX + 1];

    rate_file_write(spool, "restore", ONE, "1 2 3");
    memset(too_long, 'x', sizeof(too_long) - 1);
    too_long[sizeof(too_long) - 1] = '\0';
    rate_file_write(spool, "restore", ONE, too_long);
    ck_assert(rate_file_read(spool, "restore", ONE, text));
    ck_assert_str_eq(text, "1 2 3");
}
END_TEST

START_TEST(names_and_repositories_do_not_share_a_rate)
{
    rate_file_write(spool, "restore", ONE, "1");
    ck_assert(!rate_file_read(spool, "replay", ONE, text));
    ck_assert(!rate_file_read(spool, "restore", "s3://bucket https://two", text));
}
END_TEST

START_TEST(a_rate_that_was_moved_to_another_repository_is_none)
{
    CLEANUP(buf_clear) struct buf one = BUF_INIT(4096), two = BUF_INIT(4096);

    rate_file_write(spool, "restore", ONE, "1");
    path_of("restore", &one);
    ck_assert(spool_rate_path(spool, "restore", "file:///two", &two));
    ck_assert_int_eq(rename(buf_cstr(&one), buf_cstr(&two)), 0);
    ck_assert(!rate_file_read(spool, "restore", "file:///two", text));
}
END_TEST

static void put(const char *path, const void *bytes, size_t len)
{
    struct err e = ERR_NONE;

    ck_assert_int_eq(durable_write_file(path, bytes, len, 0600, &e), ERR_OK);
}

START_TEST(a_file_with_any_bit_altered_or_cut_anywhere_is_none)
{
    CLEANUP(buf_clear) struct buf path = BUF_INIT(4096), file = BUF_INIT(4096);
    struct err e = ERR_NONE;

    rate_file_write(spool, "restore", ONE, "1073741824 60000000 1795140011000000");
    path_of("restore", &path);
    ck_assert_int_eq(buf_read_file(&file, buf_cstr(&path), &e), ERR_OK);
    ck_assert_uint_gt(file.len, 40);
    for (size_t at = 0; at < file.len; at++)
        for (int bit = 0; bit < 8; bit++) {
            file.data[at] ^= (uint8_t) (1u << bit);
            put(buf_cstr(&path), file.data, file.len);
            ck_assert_msg(!rate_file_read(spool, "restore", ONE, text), "byte %zu bit %d", at, bit);
            file.data[at] ^= (uint8_t) (1u << bit);
        }
    for (size_t len = 0; len < file.len; len++) {
        put(buf_cstr(&path), file.data, len);
        ck_assert_msg(!rate_file_read(spool, "restore", ONE, text), "cut to %zu", len);
    }
    ck_assert_int_eq(buf_append(&file, "\n", 1, &e), ERR_OK);
    put(buf_cstr(&path), file.data, file.len);
    ck_assert(!rate_file_read(spool, "restore", ONE, text));
    put(buf_cstr(&path), file.data, file.len - 1);
    ck_assert(rate_file_read(spool, "restore", ONE, text));
}
END_TEST

START_TEST(a_file_of_anything_is_none_and_is_replaced)
{
    CLEANUP(buf_clear) struct buf path = BUF_INIT(4096);
    char large[8192] = "";

    path_of("restore", &path);
    put(buf_cstr(&path), large, sizeof(large));
    ck_assert(!rate_file_read(spool, "restore", ONE, text));
    rate_file_write(spool, "restore", ONE, "1");
    ck_assert(rate_file_read(spool, "restore", ONE, text));
}
END_TEST

START_TEST(where_nothing_can_be_written_nothing_is_known)
{
    CLEANUP(buf_clear) struct buf path = BUF_INIT(4096);

    path_of("restore", &path);
    ck_assert_int_eq(mkdir(buf_cstr(&path), 0700), 0);
    rate_file_write(spool, "restore", ONE, "1");
    ck_assert(!rate_file_read(spool, "restore", ONE, text));
    scratch_remove(scratch_path(scratch, "main"));
    rate_file_write(spool, "restore", ONE, "1");
    ck_assert(!rate_file_read(spool, "restore", ONE, text));
}
END_TEST

/* The default spool's directory belongs to somebody else, say. */
START_TEST(a_spool_without_a_directory_knows_nothing)
{
    struct spool *none = NULL;
    struct err e = ERR_NONE;
    char name[300];

    memset(name, 'n', sizeof(name) - 1); /* longer than a file's name may be */
    name[sizeof(name) - 1] = '\0';
    ck_assert_int_eq(spool_open(NULL, name, &none, &e), ERR_OK);
    ck_assert_ptr_null(spool_dir(none));
    rate_file_write(none, "restore", ONE, "1");
    ck_assert(!rate_file_read(none, "restore", ONE, text));
    spool_free(none);
    rate_file_write(NULL, "restore", ONE, "1");
    ck_assert(!rate_file_read(NULL, "restore", ONE, text));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_was_written_is_read,
        a_text_that_is_too_long_changes_nothing,
        names_and_repositories_do_not_share_a_rate,
        a_rate_that_was_moved_to_another_repository_is_none,
        a_file_with_any_bit_altered_or_cut_anywhere_is_none,
        a_file_of_anything_is_none_and_is_replaced,
        where_nothing_can_be_written_nothing_is_known,
        a_spool_without_a_directory_knows_nothing,
    };

    return check_main(
        suite_between("repo/rate_file", set_up, tear_down, tests, sizeof(tests) / sizeof(tests[0])));
}
