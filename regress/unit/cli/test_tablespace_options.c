/*
 * test_tablespace_options.c - OLD=NEW, also for paths that hold an equals sign.
 */
#include "cli/tablespace_options.h"

#include "check_main.h"
#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
    const char *text, *old_path, *new_path; /* NULL: refused */
} cases[] = {
    {"/a=/b", "/a", "/b"},
    {"/a\\=1=/b", "/a=1", "/b"},
    {"/a=/b\\=2", "/a", "/b=2"},
    {"/\\=\\==/\\=", "/==", "/="},
    {"/a\\b=/c\\", "/a\\b", "/c\\"}, /* a backslash before anything else is itself */
    {"/a", NULL, NULL},
    {"/a\\=/b", NULL, NULL},
    {"/a=b=/c", NULL, NULL},
    {"/a=/b=/c", NULL, NULL}, /* which of both divides? */
    {"a=/b", NULL, NULL},
    {"/a=b", NULL, NULL},
    {"/a=", NULL, NULL},
    {"=/b", NULL, NULL},
    {"", NULL, NULL},
};

START_TEST(an_equals_sign_divides_unless_a_backslash_stands_before_it)
{
    CLEANUP(tablespaces_clear) struct tablespace_mappings m = {NULL, 0};
    char text[64];
    char *items[] = {text};
    struct setting s = {.items = items, .item_count = 1};
    struct err e = {.code = ERR_IO, .text = "left by an earlier call"};

    (void) snprintf(text, sizeof(text), "%s", cases[_i].text);
    if (cases[_i].old_path == NULL) {
        ck_assert_int_eq(tablespaces_from_setting(&s, &m, &e), ERR_USAGE);
        ck_assert_uint_eq(m.count, 0);
        return;
    }
    ck_assert_int_eq(tablespaces_from_setting(&s, &m, &e), ERR_OK);
    ck_assert_uint_eq(m.count, 1);
    ck_assert_str_eq(m.list[0].old_path, cases[_i].old_path);
    ck_assert_str_eq(m.list[0].new_path, cases[_i].new_path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli/tablespace_options");
    TCase *tcase = tcase_create("cli/tablespace_options");

    tcase_add_loop_test(tcase, an_equals_sign_divides_unless_a_backslash_stands_before_it, 0,
                        (int) COUNT(cases));
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
