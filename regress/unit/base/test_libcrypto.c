/* Tests of src/base/libcrypto.c. */
#include "base/libcrypto.h"

#include "check_main.h"

START_TEST(all_that_is_called_is_in_the_library)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    struct err e = ERR_NONE;

    ck_assert_int_eq(libcrypto_load(&e), ERR_OK);
#define IS_FILLED(name) ck_assert(libcrypto.name != NULL);
    LIBCRYPTO_FUNCTIONS(IS_FILLED)
    ck_assert_int_eq(libcrypto.EVP_Digest("", 0, digest, NULL, libcrypto.EVP_sha256(), NULL), 1);
    ck_assert_int_eq(digest[0], 0xe3);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {all_that_is_called_is_in_the_library};

    return check_main(suite_of("base/libcrypto", tests, sizeof(tests) / sizeof(tests[0])));
}
