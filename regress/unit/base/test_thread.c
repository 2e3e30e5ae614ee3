/* Tests of src/base/thread.c. */
#include "base/thread.h"
#include "check_main.h"

#include <signal.h>
#include <stdbool.h>

static bool takes(int number)
{
    sigset_t mask;

    ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, NULL, &mask), 0);
    return !sigismember(&mask, number);
}

static void *look(void *found)
{
    *(bool *) found = takes(SIGTERM) || takes(SIGINT) || takes(SIGUSR1);
    return found;
}

START_TEST(a_thread_takes_no_signals_and_its_maker_still_does)
{
    bool found = true;
    pthread_t thread;
    void *result;

    ck_assert_int_eq(thread_begin(&thread, look, &found), 0);
    ck_assert_int_eq(pthread_join(thread, &result), 0);
    ck_assert_ptr_eq(result, &found);
    ck_assert(!found && takes(SIGTERM) && takes(SIGINT) && takes(SIGUSR1));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/thread");
    TCase *tests = tcase_create("base/thread");

    tcase_add_test(tests, a_thread_takes_no_signals_and_its_maker_still_does);
    suite_add_tcase(suite, tests);
    return check_main(suite);
}
