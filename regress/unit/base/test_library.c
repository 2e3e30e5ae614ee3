/*
 * test_library.c - what is there is opened, what is not is named, and many may ask at once. libm stands in for a
 * library.
 */
#include "base/library.h"

#include "check_main.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#define THREADS 8
#define ROUNDS  100

static struct {
    __typeof__(floor) *floor;
    __typeof__(hypot) *hypot;
    __typeof__(trunc) *trunc;
} math;

static const struct library_symbol symbols[] = {
    {"floor", &math.floor}, {"hypot", &math.hypot}, {"trunc", &math.trunc}, {NULL, NULL}};

static struct library library_of(const char *soname, const struct library_symbol *wanted)
{
    memset(&math, 0, sizeof(math));
    return (struct library){.soname = soname, .package = "libc6", .symbols = wanted};
}

START_TEST(its_functions_can_be_called)
{
    struct library lib = library_of("libm.so.6", symbols);
    struct err e = ERR_NONE;

    ck_assert_int_eq(library_load(&lib, &e), ERR_OK);
    ck_assert_double_eq(math.floor(2.5), 2.0);
    ck_assert_double_eq(math.hypot(3.0, 4.0), 5.0);
    ck_assert_double_eq(math.trunc(-2.5), -2.0);
}
END_TEST

START_TEST(a_second_time_nothing_is_done)
{
    struct library lib = library_of("libm.so.6", symbols);
    struct err e = ERR_NONE;

    ck_assert_int_eq(library_load(&lib, &e), ERR_OK);
    math.floor = NULL;
    ck_assert_int_eq(library_load(&lib, &e), ERR_OK);
    ck_assert(math.floor == NULL);
}
END_TEST

START_TEST(what_is_missing_or_broken_is_named_with_its_package)
{
    static const struct {
        const char *soname, *text;
    } rows[] = {
        {"libpitr-none.so.1", "could not load library \"libpitr-none.so.1\": cannot open shared object file: "
                              "No such file or directory"},
        {"/dev/null", "could not load library \"/dev/null\": file too short"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct library lib = library_of(rows[i].soname, symbols);
        struct err e = ERR_NONE;

        for (int again = 0; again < 2; again++) {
            ck_assert_int_eq(library_load(&lib, &e), ERR_IO);
            ck_assert_str_eq(e.text, rows[i].text);
            ck_assert_str_eq(e.hint, "It is part of Debian's package \"libc6\".");
        }
    }
}
END_TEST

START_TEST(a_missing_function_is_named)
{
    static const struct library_symbol wanted[] = {
        {"floor", &math.floor}, {"pitr_none", &math.hypot}, {NULL, NULL}};
    struct library lib = library_of("libm.so.6", wanted);
    struct err e = ERR_NONE;

    for (int again = 0; again < 2; again++) {
        ck_assert_int_eq(library_load(&lib, &e), ERR_IO);
        ck_assert_str_eq(e.text, "library \"libm.so.6\" has no function \"pitr_none\"");
        ck_assert_ptr_nonnull(strstr(e.hint, "\"libc6\""));
    }
}
END_TEST

struct together {
    struct library lib;
    pthread_barrier_t start;
    _Atomic int good;
};

static void *load_and_call(void *arg)
{
    struct together *t = arg;
    struct err e = ERR_NONE;

    (void) pthread_barrier_wait(&t->start);
    if (library_load(&t->lib, &e) == ERR_OK && math.trunc != NULL && math.trunc(1.5) < 1.25)
        t->good++;
    return NULL;
}

START_TEST(many_threads_may_be_the_first_at_once)
{
    for (unsigned round = 0; round < ROUNDS; round += thin_step()) {
        struct together t = {.lib = library_of("libm.so.6", symbols)};
        pthread_t threads[THREADS];

        ck_assert_int_eq(pthread_barrier_init(&t.start, NULL, THREADS), 0);
        for (size_t i = 0; i < THREADS; i++)
            ck_assert_int_eq(pthread_create(&threads[i], NULL, load_and_call, &t), 0);
        for (size_t i = 0; i < THREADS; i++)
            ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_int_eq(t.good, THREADS);
        (void) pthread_barrier_destroy(&t.start);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {its_functions_can_be_called, a_second_time_nothing_is_done,
                                  what_is_missing_or_broken_is_named_with_its_package,
                                  a_missing_function_is_named, many_threads_may_be_the_first_at_once};

    return check_main(suite_of("base/library", tests, sizeof(tests) / sizeof(tests[0])));
}
