/*
 * test_log_buckets.c - moments find their bucket, whichever comes first.
 */
#include "ops/log_buckets.h"

#include "check_main.h"

#define SECOND       INT64_C(1000000)
#define MINUTE       (60 * SECOND)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct err e;

static void add(struct log_buckets *b, int64_t us)
{
    struct log_bucket *bucket;

    ck_assert(log_buckets_at(b, us, &bucket, &e) == ERR_OK);
    bucket->commits++;
}

START_TEST(buckets_come_at_both_ends_and_keep_their_counts)
{
    struct log_buckets b = {.every_us = MINUTE};

    add(&b, 100 * MINUTE);
    add(&b, 100 * MINUTE + 59 * SECOND);
    add(&b, 103 * MINUTE);
    add(&b, 98 * MINUTE + 1);
    add(&b, 103 * MINUTE - 1);
    ck_assert_int_eq(b.begin_us, 98 * MINUTE);
    ck_assert_uint_eq(b.count, 6);
    for (size_t i = 0; i < 6; i++)
        ck_assert_uint_eq(b.list[i].commits, ((unsigned[]){1, 0, 2, 0, 1, 1})[i]);
    log_buckets_clear(&b);
    ck_assert_int_eq(b.every_us, MINUTE);
    ck_assert_uint_eq(b.count, 0);
}
END_TEST

START_TEST(moments_before_1970_have_their_bucket_too)
{
    struct log_buckets b = {.every_us = MINUTE};

    add(&b, 1);
    add(&b, -1);
    ck_assert_int_eq(b.begin_us, -MINUTE);
    ck_assert_uint_eq(b.count, 2);
    log_buckets_clear(&b);
}
END_TEST

START_TEST(too_many_are_refused_in_both_directions)
{
    struct log_buckets b = {.every_us = SECOND};
    struct log_bucket *bucket;

    add(&b, 0);
    ck_assert(log_buckets_at(&b, LOG_BUCKETS_MAX * SECOND, &bucket, &e) == ERR_REFUSED);
    ck_assert(log_buckets_at(&b, -LOG_BUCKETS_MAX * SECOND, &bucket, &e) == ERR_REFUSED);
    ck_assert_uint_eq(b.count, 1);
    add(&b, (LOG_BUCKETS_MAX - 1) * SECOND);
    ck_assert_uint_eq(b.count, LOG_BUCKETS_MAX);
    ck_assert(log_buckets_at(&b, -1, &bucket, &e) == ERR_REFUSED);
    log_buckets_clear(&b);
}
END_TEST

START_TEST(a_range_is_cut_into_some_sixty_lines)
{
    static const struct {
        int64_t minutes;
        int64_t every;
    } cases[] = {{0, 1}, {61, 1}, {62, 10}, {610, 10}, {611, 60}, {3660, 60}, {3661, 1440}, {525600, 1440}};

    for (size_t i = 0; i < COUNT(cases); i++)
        ck_assert_int_eq(log_buckets_choose(cases[i].minutes * MINUTE), cases[i].every * MINUTE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/log_buckets");
    TCase *tcase = tcase_create("log_buckets");

    tcase_add_test(tcase, buckets_come_at_both_ends_and_keep_their_counts);
    tcase_add_test(tcase, moments_before_1970_have_their_bucket_too);
    tcase_add_test(tcase, too_many_are_refused_in_both_directions);
    tcase_add_test(tcase, a_range_is_cut_into_some_sixty_lines);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
