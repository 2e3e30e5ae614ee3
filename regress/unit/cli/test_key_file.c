/*
 * test_key_file.c - identities made, kept secret, never overwritten, and shown by their recipients.
 */
#include "cli/key_file.h"

#include "check_main.h"
#include "page.h"
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[64], path[96];

static void setup(void)
{
    (void) snprintf(directory, sizeof(directory), "/tmp/pitr-test-key-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    (void) snprintf(path, sizeof(path), "%s/identity", directory);
}

static void teardown(void)
{
    unlink(path);
    rmdir(directory);
}

START_TEST(a_key_goes_to_a_private_file_and_its_recipient_is_shown)
{
    struct page made, shown;
    struct err e = ERR_NONE;
    struct stat st;

    page_open(&made);
    ck_assert_msg(key_file_generate(path, 1795184940000000, made.out, &e) == ERR_OK, "%s", e.text);
    ck_assert_msg(strncmp(page_close(&made), "pitr-pk1-", 9) == 0, "%s", made.text);
    ck_assert_ptr_null(strstr(made.text, "pitr-sk1-"));
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_mode & 07777, 0600);
    page_open(&shown);
    ck_assert_msg(key_file_show(path, shown.out, &e) == ERR_OK, "%s", e.text);
    ck_assert_str_eq(page_close(&shown), made.text);
    free(made.text);
    free(shown.text);
}
END_TEST

START_TEST(a_key_file_is_never_overwritten)
{
    struct page first, second, third;
    struct err e = ERR_NONE;

    page_open(&first);
    ck_assert_int_eq(key_file_generate(path, 0, first.out, &e), ERR_OK);
    page_close(&first);
    page_open(&second);
    ck_assert_int_eq(key_file_generate(path, 0, second.out, &e), ERR_REFUSED);
    ck_assert_ptr_nonnull(strstr(e.text, "is there already"));
    ck_assert_str_eq(page_close(&second), "");
    page_open(&third);
    ck_assert_int_eq(key_file_show(path, third.out, &e), ERR_OK);
    ck_assert_str_eq(page_close(&third), first.text);
    free(first.text);
    free(second.text);
    free(third.text);
}
END_TEST

START_TEST(without_a_file_the_text_of_one_is_printed)
{
    struct page p;
    struct err e = ERR_NONE;

    page_open(&p);
    ck_assert_int_eq(key_file_generate(NULL, 1795184940000000, p.out, &e), ERR_OK);
    ck_assert_ptr_nonnull(strstr(page_close(&p), "# pitr identity, made 2026-11-20 14:29:00+00\n"));
    ck_assert_ptr_nonnull(strstr(p.text, "\n# recipient: pitr-pk1-"));
    ck_assert_ptr_nonnull(strstr(p.text, "\npitr-sk1-"));
    free(p.text);
}
END_TEST

START_TEST(a_key_file_that_others_can_read_is_not_shown)
{
    struct page p;
    struct err e = ERR_NONE;

    page_open(&p);
    ck_assert_int_eq(key_file_generate(path, 0, p.out, &e), ERR_OK);
    page_close(&p);
    free(p.text);
    ck_assert_int_eq(chmod(path, 0644), 0);
    page_open(&p);
    ck_assert_int_eq(key_file_show(path, p.out, &e), ERR_USAGE);
    ck_assert_str_eq(page_close(&p), "");
    free(p.text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli/key_file");
    TCase *tcase = tcase_create("key_file");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_key_goes_to_a_private_file_and_its_recipient_is_shown);
    tcase_add_test(tcase, a_key_file_is_never_overwritten);
    tcase_add_test(tcase, without_a_file_the_text_of_one_is_printed);
    tcase_add_test(tcase, a_key_file_that_others_can_read_is_not_shown);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
