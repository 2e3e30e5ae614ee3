/*
 * test_heap.c - memory that was freed is used again, by whichever thread asks.
 *
 * Told by page faults: memory from the kernel has one for each page. A sanitizer's or valgrind's malloc has its own
 * ways, so nothing is held against those.
 */
#include "base/heap.h"

#include "check_main.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#ifndef __GLIBC__
#define IS_OTHER_MALLOC true /* not heap.c's business either */
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_OTHER_MALLOC true
#elif defined(__has_feature)
#define IS_OTHER_MALLOC (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define IS_OTHER_MALLOC false
#endif

#define BLOCK  ((size_t) 4 << 20)
#define BLOCKS 4 /* at a time: more than malloc keeps by itself */
#define ROUNDS 8

static bool is_replaced(void)
{
    const char *preload = getenv("LD_PRELOAD");

    return IS_OTHER_MALLOC || (preload != NULL && strstr(preload, "vgpreload") != NULL);
}

static long faults(void)
{
    struct rusage u;

    ck_assert_int_eq(getrusage(RUSAGE_SELF, &u), 0);
    return u.ru_minflt;
}

static void *take_and_give_back(void *ignored)
{
    const size_t page = (size_t) sysconf(_SC_PAGESIZE);
    volatile char *blocks[BLOCKS];

    (void) ignored;
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(BLOCK);
        ck_assert_ptr_nonnull((const void *) blocks[i]);
        for (size_t at = 0; at < BLOCK; at += page)
            blocks[i][at] = 1;
    }
    for (int i = 0; i < BLOCKS; i++)
        free((void *) blocks[i]);
    return NULL;
}

/* Half of the pages of a single block, in all rounds together. */
static long few_faults(void)
{
    return (long) BLOCK / sysconf(_SC_PAGESIZE) / 2;
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
    ck_assert(is_replaced() || faults() - before < few_faults());
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
    ck_assert(is_replaced() || faults() - before < few_faults());
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
