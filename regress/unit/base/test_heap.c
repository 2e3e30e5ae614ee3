/*
 * test_heap.c - memory that was freed is used again, by whichever thread asks.
 *
 * Told by page faults: memory from the kernel has one for each page. A sanitizer's or valgrind's malloc has its own ways,
 * so nothing is held against those.
 */
#include "base/heap.h"

#include "check_main.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true
#elif defined(__has_feature)
#define IS_SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define IS_SANITIZED false
#endif

#define BLOCK  ((size_t) 4 << 20)
#define PAGES  ((long) (BLOCK / 4096))
#define ROUNDS 8

static bool is_replaced(void)
{
    const char *preload = getenv("LD_PRELOAD");

    return IS_SANITIZED || (preload != NULL && strstr(preload, "vgpreload") != NULL);
}

static long faults(void)
{
    struct rusage u;

    ck_assert_int_eq(getrusage(RUSAGE_SELF, &u), 0);
    return u.ru_minflt;
}

static void *take_and_give_back(void *ignored)
{
    volatile char *block = malloc(BLOCK);

    (void) ignored;
    ck_assert_ptr_nonnull((const void *) block);
    for (size_t at = 0; at < BLOCK; at += 4096)
        block[at] = 1;
    free((void *) block);
    return NULL;
}

static void in_a_thread(void)
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, take_and_give_back, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

START_TEST(what_was_freed_is_used_again)
{
    long before;

    heap_prepare();
    (void) take_and_give_back(NULL);
    before = faults();
    for (int i = 0; i < ROUNDS; i++)
        (void) take_and_give_back(NULL);
    ck_assert(is_replaced() || faults() - before < PAGES);
}
END_TEST

START_TEST(also_by_other_threads)
{
    long before;

    heap_prepare();
    (void) take_and_give_back(NULL);
    before = faults();
    for (int i = 0; i < ROUNDS; i++)
        in_a_thread();
    ck_assert(is_replaced() || faults() - before < PAGES);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/heap");
    TCase *tests = tcase_create("base/heap");

    tcase_add_test(tests, what_was_freed_is_used_again);
    tcase_add_test(tests, also_by_other_threads);
    suite_add_tcase(suite, tests);
    return check_main(suite);
}
