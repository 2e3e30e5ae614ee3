/* Tests of src/pg/libpq.c. */
#include "pg/libpq.h"

#include "check_main.h"

START_TEST(all_that_is_called_is_in_the_library)
{
    struct err e = ERR_NONE;

    ck_assert_int_eq(libpq_load(&e), ERR_OK);
#define IS_FILLED(name) ck_assert(libpq.name != NULL);
    LIBPQ_FUNCTIONS(IS_FILLED)
    ck_assert_str_eq(libpq.resStatus(PGRES_COPY_OUT), "PGRES_COPY_OUT");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {all_that_is_called_is_in_the_library};

    return check_main(suite_of("pg/libpq", tests, sizeof(tests) / sizeof(tests[0])));
}
