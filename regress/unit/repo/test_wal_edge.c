/*
 * test_wal_edge.c - the first and the last segment of a timeline, and what finding them costs.
 */
#include "repo/wal_edge.h"

#include "in_memory.h"

#include <stdio.h>

#define GIB     (1u << 30)
#define PER_LOG 4 /* segments of 1 GiB in a log */

static struct wal_place place;

static void put_file(uint32_t tli, uint64_t number, const char *suffix)
{
    char key[STORE_KEY_MAX + 1], name[WALFILE_NAME_MAX], text[STORE_KEY_MAX + 16];

    place = (struct wal_place){&repo, &layout, GIB, NULL};
    wal_object_key(&place, tli, number, key, name);
    (void) snprintf(text, sizeof(text), "%s%s", key, suffix);
    raw_text(text, "x");
}

static void put_range(uint64_t first, uint64_t last)
{
    for (uint64_t n = first; n <= last; n++)
        put_file(1, n, "");
}

static uint64_t last_from(uint64_t from)
{
    struct err e = ERR_STALE;
    uint64_t last = 77;
    bool any = false;

    OK(wal_edge_last(&place, 1, from, &any, &last, &e));
    return any ? last : UINT64_MAX;
}

static uint64_t first_from(uint64_t from)
{
    struct err e = ERR_STALE;
    uint64_t first = 77;
    bool any = false;

    OK(wal_edge_first(&place, 1, from, &any, &first, &e));
    return any ? first : UINT64_MAX;
}

/* Both, in so many requests. */
static uint64_t both_from(uint64_t from)
{
    struct err e = ERR_STALE;
    uint64_t first = 77, last = 77, before = requests();
    bool any = false;

    OK(wal_edge_both(&place, 1, from, &any, &first, &last, &e));
    before = requests() - before;
    ck_assert_uint_eq(any ? first : UINT64_MAX, first_from(from));
    ck_assert_uint_eq(any ? last : UINT64_MAX, last_from(from));
    return before;
}

START_TEST(both_edges_are_those_that_each_question_finds)
{
    put_range(6, 9);
    put_range(13, 1100);
    put_file(1, 1101, ".partial");
    put_file(2, 4000, "");
    for (uint64_t from = 0; from < 1110; from++)
        ck_assert_uint_le(both_from(from), from <= 102 ? 4 : 1);
    for (uint64_t n = 2000; n < 3001; n++)
        put_file(1, n, ".partial");
    ck_assert_uint_le(both_from(1200), 1500);
    put_file(1, 3500, "");
    ck_assert_uint_gt(both_from(1200), 1);
}
END_TEST

START_TEST(the_edges_are_found_wherever_the_question_begins)
{
    put_range(6, 9);
    put_range(13, 30);
    put_file(2, 40, "");
    ck_assert_uint_eq(last_from(0), 30);
    ck_assert_uint_eq(last_from(6), 30);
    ck_assert_uint_eq(last_from(30), 30);
    ck_assert_uint_eq(last_from(31), UINT64_MAX);
    ck_assert_uint_eq(last_from(400), UINT64_MAX);
    ck_assert_uint_eq(first_from(0), 6);
    ck_assert_uint_eq(first_from(9), 9);
    ck_assert_uint_eq(first_from(10), 13);
    ck_assert_uint_eq(first_from(31), UINT64_MAX);
}
END_TEST

START_TEST(what_is_no_complete_segment_is_no_edge)
{
    put_range(5, 6);
    put_file(1, 4, ".partial");
    put_file(1, 7, ".partial");
    put_file(1, 8, ".partial"); /* a log that holds nothing else */
    put_file(1, 41, ".00000028.backup");
    ck_assert_uint_eq(last_from(0), 6);
    ck_assert_uint_eq(last_from(7), UINT64_MAX);
    ck_assert_uint_eq(first_from(4), 5);
    ck_assert_uint_eq(first_from(7), UINT64_MAX);
}
END_TEST

START_TEST(many_logs_without_a_segment_at_the_end_are_passed_over)
{
    put_range(5, 6);
    for (uint64_t log = 3; log < 20; log++)
        put_file(1, log * PER_LOG, ".partial");
    ck_assert_uint_eq(last_from(0), 6);
    ck_assert_uint_eq(last_from(5), 6);
}
END_TEST

/* Sparse as well as dense: one segment in each log, gaps of thousands of logs between them. */
START_TEST(the_last_of_many_logs_takes_few_listings)
{
    static const uint64_t logs[] = {999, 1000, 1001, 1999, 2000, 2001, 3500, 9973};

    for (size_t i = 0; i < COUNT(logs); i++) {
        uint64_t before;

        repo_tear_down();
        repo_set_up();
        for (uint64_t log = 1; log <= logs[i]; log++)
            put_file(1, log * PER_LOG, "");
        before = repo.store->requests;
        ck_assert_uint_eq(last_from(PER_LOG), logs[i] * PER_LOG);
        ck_assert_uint_le(repo.store->requests - before, 12);
        ck_assert_uint_eq(last_from(logs[i] * PER_LOG + 1), UINT64_MAX);
    }
    put_file(1, UINT64_C(0xFFFFFFFF) * PER_LOG + 3, "");
    ck_assert_uint_eq(last_from(PER_LOG), UINT64_C(0xFFFFFFFF) * PER_LOG + 3);
}
END_TEST

START_TEST(a_listing_that_fails_is_an_error)
{
    struct err e = ERR_NONE;
    uint64_t number;
    bool any;

    put_range(1, 3);
    for (unsigned at = 1; at <= 2; at++) {
        faulty_fail(repo.store, &(struct faulty_plan){.at = FAULTY_LIST, .nth = at, .kind = ERR_UNREACHABLE});
        ck_assert_int_eq(wal_edge_last(&place, 1, 0, &any, &number, &e), ERR_UNREACHABLE);
    }
    faulty_fail(repo.store, &(struct faulty_plan){.at = FAULTY_LIST, .kind = ERR_UNREACHABLE});
    ck_assert_int_eq(wal_edge_first(&place, 1, 0, &any, &number, &e), ERR_UNREACHABLE);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        both_edges_are_those_that_each_question_finds, the_edges_are_found_wherever_the_question_begins,
        what_is_no_complete_segment_is_no_edge,        many_logs_without_a_segment_at_the_end_are_passed_over,
        the_last_of_many_logs_takes_few_listings,      a_listing_that_fails_is_an_error,
    };

    return check_main(suite_in_memory("repo/wal_edge", tests, COUNT(tests)));
}
