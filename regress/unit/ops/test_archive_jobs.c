/*
 * test_archive_jobs.c - as many pushes at once as keep the CPUs busy while the store lets each of them wait.
 */
#include "ops/archive_jobs.h"

#include "check_main.h"

static const struct {
    size_t fixed, cpus;
    int64_t cpu_us, wall_us; /* of one push; 0 = none is measured */
    size_t expected;
    const char *why;
} cases[] = {
    {0, 2, 0, 0, 4, "nothing is known yet"},
    {0, 12, 0, 0, 16, "nothing is known yet, of many CPUs"},
    {0, 2, 50000, 50000, 2, "a push only computes"},
    {0, 2, 50000, 100000, 4, "it waits as long as it computes"},
    {0, 2, 50000, 5000000, 16, "it hardly computes"},
    {0, 1, 50000, 60000, 1, "one CPU, a store at hand"},
    {0, 64, 50000, 50000, 16, "more CPUs than are ever used"},
    {1, 8, 0, 0, 1, "somebody said one"},
    {7, 2, 50000, 50000, 7, "somebody said seven"},
};

START_TEST(the_number_follows_from_what_a_push_takes)
{
    struct archive_jobs j = {.fixed = cases[_i].fixed, .cpus = cases[_i].cpus};

    for (int pushes = 0; pushes < 3; pushes++)
        archive_jobs_measured(&j, cases[_i].cpu_us, cases[_i].wall_us);
    ck_assert_msg(archive_jobs_wanted(&j) == cases[_i].expected, "%s: %zu", cases[_i].why,
                  archive_jobs_wanted(&j));
}
END_TEST

START_TEST(a_measure_that_can_not_be_changes_nothing)
{
    struct archive_jobs j = {.cpus = 2};

    archive_jobs_measured(&j, 50000, 100000);
    archive_jobs_measured(&j, 50000, 10);
    archive_jobs_measured(&j, 0, 1000000);
    archive_jobs_measured(&j, -5, 1000000);
    ck_assert_uint_eq(archive_jobs_wanted(&j), 4);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/archive_jobs");
    TCase *tests = tcase_create("ops/archive_jobs");

    tcase_add_loop_test(tests, the_number_follows_from_what_a_push_takes, 0,
                        (int) (sizeof(cases) / sizeof(cases[0])));
    tcase_add_test(tests, a_measure_that_can_not_be_changes_nothing);
    suite_add_tcase(suite, tests);
    return check_main(suite);
}
