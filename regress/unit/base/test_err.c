/*
 * test_err.c - errors as values.
 */
#include "base/err.h"

#include "check_main.h"

#include <errno.h>
#include <string.h>

START_TEST(setting_an_error_forgets_hint_and_errno)
{
    struct err e = ERR_NONE;

    ck_assert_int_eq(err_sys(&e, ERR_IO, ENOSPC, "could not write to file \"%s\"", "x"), ERR_IO);
    ck_assert_int_eq(err_hint(&e, "Free some space."), ERR_IO);
    ck_assert_str_eq(e.text, "could not write to file \"x\": No space left on device");
    ck_assert_int_eq(e.sys_errno, ENOSPC);
    ck_assert_int_eq(err_set(&e, ERR_CORRUPT, "bad %d", 7), ERR_CORRUPT);
    ck_assert_str_eq(e.text, "bad 7");
    ck_assert_str_eq(e.hint, "");
    ck_assert_int_eq(e.sys_errno, 0);
}
END_TEST

START_TEST(context_goes_in_front_and_keeps_kind_hint_and_errno)
{
    struct err e = ERR_NONE;

    err_nomem(&e, "a buffer");
    err_hint(&e, "Buy some.");
    ck_assert_int_eq(err_while(&e, "fetching \"%s\"", "seg"), ERR_IO);
    ck_assert_str_eq(e.text, "fetching \"seg\": could not allocate a buffer: Cannot allocate memory");
    ck_assert_str_eq(e.hint, "Buy some.");
    ck_assert_int_eq(e.sys_errno, ENOMEM);
}
END_TEST

START_TEST(text_too_long_is_cut_and_says_so)
{
    char fits[ERR_TEXT_MAX], longer[ERR_TEXT_MAX * 2];
    struct err e = ERR_NONE;

    memset(fits, 'a', sizeof(fits) - 1);
    fits[sizeof(fits) - 1] = '\0';
    err_set(&e, ERR_IO, "%s", fits);
    ck_assert_str_eq(e.text, fits);
    err_while(&e, "c");
    ck_assert_uint_eq(strlen(e.text), ERR_TEXT_MAX - 1);
    ck_assert_int_eq(strncmp(e.text, "c: aaa", 6), 0);
    ck_assert_str_eq(e.text + ERR_TEXT_MAX - 5, "a...");
    memset(longer, 'b', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    err_sys(&e, ERR_IO, EIO, "%s", longer);
    ck_assert_str_eq(e.text + ERR_TEXT_MAX - 5, "b...");
    err_hint(&e, "%s", longer);
    ck_assert_str_eq(e.hint + ERR_HINT_MAX - 5, "b...");
}
END_TEST

START_TEST(every_kind_has_its_own_name)
{
    for (int a = ERR_OK; a <= ERR_USAGE; a++) {
        ck_assert_str_ne(err_kind((enum err_code) a), "unknown");
        for (int b = ERR_OK; b < a; b++)
            ck_assert_str_ne(err_kind((enum err_code) a), err_kind((enum err_code) b));
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {setting_an_error_forgets_hint_and_errno,
                                  context_goes_in_front_and_keeps_kind_hint_and_errno,
                                  text_too_long_is_cut_and_says_so, every_kind_has_its_own_name};

    return check_main(suite_of("base/err", tests, sizeof(tests) / sizeof(tests[0])));
}
