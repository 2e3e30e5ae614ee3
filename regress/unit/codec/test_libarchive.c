/* Tests of src/codec/libarchive.c. */
#include "codec/libarchive.h"

#include "check_main.h"

START_TEST(all_that_is_called_is_in_the_library)
{
    struct err e = ERR_NONE;
    struct archive *a;

    ck_assert_int_eq(libarchive_load(&e), ERR_OK);
#define IS_FILLED(name) ck_assert(libarchive.name != NULL);
    LIBARCHIVE_FUNCTIONS(IS_FILLED)
    a = libarchive.read_new();
    ck_assert_ptr_nonnull(a);
    ck_assert_int_eq(libarchive.read_free(a), ARCHIVE_OK);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {all_that_is_called_is_in_the_library};

    return check_main(suite_of("codec/libarchive", tests, sizeof(tests) / sizeof(tests[0])));
}
