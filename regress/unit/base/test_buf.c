/*
 * test_buf.c - the growing buffer and its ceiling.
 */
#include "base/buf.h"

#include "check_main.h"
#include "scratch.h"

#include <errno.h>
#include <string.h>

START_TEST(appends_up_to_the_ceiling_and_not_a_byte_more)
{
    CLEANUP(buf_clear) struct buf b = BUF_INIT(1000);
    struct err e = ERR_NONE;

    for (int i = 0; i < 1000; i++)
        ck_assert_int_eq(buf_append(&b, "x", 1, &e), ERR_OK);
    ck_assert_int_eq(buf_append(&b, "", 0, &e), ERR_OK);
    ck_assert_int_eq(e.code, ERR_OK);
    ck_assert_uint_eq(strlen(buf_cstr(&b)), 1000);
    ck_assert_int_eq(buf_append(&b, "y", 1, &e), ERR_CORRUPT);
    ck_assert_int_eq(buf_puts(&b, "y", &e), ERR_CORRUPT);
    ck_assert_int_eq(buf_printf(&b, &e, "%d", 1), ERR_CORRUPT);
    ck_assert_uint_eq(b.len, 1000);
    ck_assert_ptr_null(memchr(b.data, 'y', b.len));
}
END_TEST

START_TEST(absurd_reservations_are_refused)
{
    static const struct {
        size_t max, extra;
    } cases[] = {{10, 11},
                 {10, SIZE_MAX},
                 {SIZE_MAX, SIZE_MAX},
                 {SIZE_MAX, SIZE_MAX - 1},
                 {SIZE_MAX - 1, SIZE_MAX - 1}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(buf_clear) struct buf b = BUF_INIT(cases[i].max);
        struct err e = ERR_NONE;

        ck_assert_int_eq(buf_append(&b, "abc", 3, &e), ERR_OK);
        ck_assert_int_ne(buf_reserve(&b, cases[i].extra, &e), ERR_OK);
        ck_assert_str_eq(buf_cstr(&b), "abc");
    }
}
END_TEST

START_TEST(more_than_memory_holds_is_an_error_and_no_endless_loop)
{
    static const size_t extras[] = {SIZE_MAX - 1, SIZE_MAX / 2 + 2};

    for (size_t i = 0; i < sizeof(extras) / sizeof(extras[0]); i++) {
        CLEANUP(buf_clear) struct buf b = BUF_INIT(SIZE_MAX);
        struct err e = ERR_NONE;

        ck_assert_int_eq(buf_reserve(&b, extras[i], &e), ERR_IO);
        ck_assert_int_eq(e.sys_errno, ENOMEM);
        ck_assert_ptr_null(b.data);
    }
}
END_TEST

START_TEST(formats_text_and_starts_over)
{
    CLEANUP(buf_clear) struct buf b;
    struct err e = ERR_NONE;

    buf_init(&b, 100);
    ck_assert_str_eq(buf_cstr(&b), "");
    ck_assert_int_eq(buf_puts(&b, "a=", &e) || buf_printf(&b, &e, "%05d", 42), 0);
    ck_assert_str_eq(buf_cstr(&b), "a=00042");
    buf_reset(&b);
    ck_assert_str_eq(buf_cstr(&b), "");
    buf_clear(&b);
    buf_clear(&b);
    buf_clear(NULL);
    ck_assert_uint_eq(b.max, 100);
}
END_TEST

START_TEST(reads_a_file_whole_or_not_at_all)
{
    char directory[SCRATCH_MAX];
    CLEANUP(buf_clear) struct buf b = BUF_INIT(200000);
    struct err e = ERR_NONE;
    const char *path;
    FILE *file;

    scratch_make(directory);
    path = scratch_path(directory, "f");
    file = fopen(path, "w");
    for (int i = 0; i < 199999; i++)
        fputc('q', file);
    fclose(file);
    ck_assert_int_eq(buf_puts(&b, "-", &e) || buf_read_file(&b, path, &e), 0);
    ck_assert_uint_eq(b.len, 200000);
    buf_reset(&b);
    ck_assert_int_eq(buf_puts(&b, "--", &e), ERR_OK);
    ck_assert_int_eq(buf_read_file(&b, path, &e), ERR_CORRUPT);
    ck_assert_str_eq(buf_cstr(&b), "--");
    ck_assert_int_eq(buf_read_file(&b, scratch_path(directory, "none"), &e), ERR_IO);
    ck_assert_int_eq(e.sys_errno, ENOENT);
    ck_assert_int_eq(buf_read_file(&b, directory, &e), ERR_IO);
    ck_assert_int_eq(e.sys_errno, EISDIR);
    scratch_remove(directory);
}
END_TEST

START_TEST(an_open_file_is_read_whatever_its_name_means_now)
{
    char directory[SCRATCH_MAX], path[SCRATCH_MAX + 8];
    CLEANUP(buf_clear) struct buf b = BUF_INIT(8);
    struct err e = ERR_NONE;
    FILE *opened, *other;

    scratch_make(directory);
    (void) snprintf(path, sizeof(path), "%s/f", directory);
    other = fopen(path, "w");
    ck_assert(other != NULL && fputs("before", other) >= 0 && fclose(other) == 0);
    opened = fopen(path, "r");
    ck_assert_ptr_nonnull(opened);
    ck_assert_int_eq(unlink(path), 0);
    other = fopen(path, "w");
    ck_assert(other != NULL && fputs("after", other) >= 0 && fclose(other) == 0);
    ck_assert_msg(buf_read_fd(&b, fileno(opened), path, &e) == ERR_OK, "%s", e.text);
    ck_assert_str_eq(buf_cstr(&b), "before");
    rewind(opened);
    ck_assert_int_eq(lseek(fileno(opened), 0, SEEK_SET), 0);
    ck_assert_int_eq(buf_read_fd(&b, fileno(opened), path, &e), ERR_CORRUPT);
    ck_assert_str_eq(buf_cstr(&b), "before");
    ck_assert_int_eq(fclose(opened), 0);
    scratch_remove(directory);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {appends_up_to_the_ceiling_and_not_a_byte_more,
                                  absurd_reservations_are_refused,
                                  more_than_memory_holds_is_an_error_and_no_endless_loop,
                                  formats_text_and_starts_over,
                                  reads_a_file_whole_or_not_at_all,
                                  an_open_file_is_read_whatever_its_name_means_now};

    return check_main(suite_of("base/buf", tests, sizeof(tests) / sizeof(tests[0])));
}
