/*
 * test_progress.c - sizes as people read them; and that counting from several threads loses nothing.
 */
#include "ops/progress.h"

#include "base/attr.h"
#include "check_main.h"

#include <stdint.h>
#include <string.h>

static const struct {
    uint64_t bytes;
    const char *text;
} sizes[] = {
    {0, "0 bytes"},
    {1023, "1023 bytes"},
    {1024, "1.0 KiB"},
    {1536, "1.5 KiB"},
    {102348, "99.9 KiB"},
    {102400, "100 KiB"},
    {UINT64_C(1) << 20, "1.0 MiB"},
    {UINT64_C(3) << 39, "1.5 TiB"},
    {UINT64_MAX, "16.0 EiB"},
};

START_TEST(a_size_has_three_digits_and_a_unit)
{
    char text[PROGRESS_SIZE_MAX];

    progress_size(sizes[_i].bytes, text);
    ck_assert_str_eq(text, sizes[_i].text);
}
END_TEST

static void *add_many(void *arg)
{
    for (int i = 0; i < 10000; i++)
        progress_add(arg, 3);
    return NULL;
}

START_TEST(several_threads_lose_nothing)
{
    CLEANUP(progress_end) struct progress p = {.what = NULL};
    pthread_t threads[4];

    progress_begin(&p, "test", 0);
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, add_many, &p), 0);
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_uint_eq(p.done, 4 * 10000 * 3);
    progress_end(&p);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/progress");
    TCase *tests = tcase_create("ops/progress");

    tcase_add_loop_test(tests, a_size_has_three_digits_and_a_unit, 0, sizeof(sizes) / sizeof(sizes[0]));
    tcase_add_test(tests, several_threads_lose_nothing);
    suite_add_tcase(suite, tests);
    return check_main(suite);
}
