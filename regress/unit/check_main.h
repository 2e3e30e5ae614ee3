/*
 * check_main.h - the main of every unit test: run one suite, TAP on stdout, and say whether it passed.
 *
 *     int main(void)
 *     {
 *         const TTest *const tests[] = {bytes_become_lower_case_digits, an_odd_digit_is_refused};
 *
 *         return check_main(suite_of("base/hex", tests, sizeof(tests) / sizeof(tests[0])));
 *     }
 *
 * suite_between adds a fixture. A file that needs loop tests or another timeout makes its Suite with check's own
 * calls. CK_FORK=no (valgrind, a debugger) is obeyed; so is CK_TAP_LOG_FILE_NAME; without it TAP goes to stdout, where
 * meson's `protocol: 'tap'` reads it.
 *
 * PITR_TEST_THIN=N, set under valgrind, which is thirty times slower, makes loops over many like cases take every N-th
 * one only (thin_step). Everywhere else all of them run.
 */
#pragma once
#include <check.h>
#include <stdlib.h>

/* A suite with one case of all these tests, each between set_up and tear_down; names are the functions' own. */
static inline Suite *suite_between(const char *name, SFun set_up, SFun tear_down, const TTest *const *tests,
                                   size_t count)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);

    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return suite;
}

/* The same without anything before or after. */
static inline Suite *suite_of(const char *name, const TTest *const *tests, size_t count)
{
    return suite_between(name, NULL, NULL, tests, count);
}

/* The step of a loop over like cases: 1, or N where PITR_TEST_THIN says so. */
static inline unsigned thin_step(void)
{
    const char *thin = getenv("PITR_TEST_THIN");
    int step = thin != NULL ? atoi(thin) : 1;

    return step > 1 ? (unsigned) step : 1;
}

/* tcase_add_loop_test over 0 to count-1, thinned. */
static inline void thin_loop_test(TCase *tcase, const TTest *test, size_t count)
{
    for (size_t i = 0; i < count; i += thin_step())
        tcase_add_loop_test(tcase, test, (int) i, (int) i + 1);
}

/* Run it, free it; EXIT_SUCCESS only when every test passed. */
static inline int check_main(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed;

    if (getenv("CK_TAP_LOG_FILE_NAME") == NULL)
        srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
