/*
 * test_fetch_range.c - what follows is known from the plan, or from one listing, and never guessed.
 */
#include "ops/fetch_range.h"

#include "check_main.h"
#include "pgdata.h"

static struct fetch_request q;
static struct fetch_range range;

static void begin(const char *path, const char *until)
{
    const struct fetch_options o = {.path = path, .until = until};

    range = (struct fetch_range){.tli = 0};
    ck_assert_msg(fetch_request_init(&q, "main", &o, "000000010000000000000001", &e) == ERR_OK, "%s", e.text);
}

static void tear_down(void)
{
    fetch_request_clear(&q);
    pgdata_tear_down();
}

/* A listing looks at names only. */
static void store_range(int repo, uint32_t tli, uint64_t first, uint64_t last)
{
    char key[STORE_KEY_MAX + 1];

    for (uint64_t n = first; n <= last; n++) {
        const struct walfile f = walseg_file(tli, n, MIB);

        layout_wal_file(&layout, &f, key);
        ck_assert_int_eq(store_put(pgdata_repo[repo].store, key, "x", 1, &e), ERR_OK);
    }
}

static uint64_t settle(uint32_t tli, uint64_t at)
{
    ck_assert_msg(fetch_range_settle(&range, &q, &cluster, tli, at, &e) == ERR_OK, "%s", e.text);
    return range.last;
}

START_TEST(a_plan_says_what_follows_and_nobody_is_asked)
{
    const struct faulty_plan away = {.at = FAULTY_LIST, .kind = ERR_UNREACHABLE, .forever = true};

    faulty_fail(pgdata_repo[0].store, &away);
    faulty_fail(pgdata_repo[1].store, &away);
    begin("1:0/700200,2", "00000002000000000000000A");
    ck_assert_uint_eq(settle(1, 3), 10);
    ck_assert_uint_eq(fetch_range_file(&range, &q, 6).tli, 1);
    ck_assert_uint_eq(fetch_range_file(&range, &q, 7).tli, 2);
    ck_assert(!fetch_range_is_done(&range, &q, 9));
    ck_assert(fetch_range_is_done(&range, &q, 10));
    ck_assert(fetch_range_is_done(&range, &q, 11));
}
END_TEST

START_TEST(without_an_end_one_listing_shows_it_up_to_the_first_gap)
{
    begin(NULL, NULL);
    store_range(0, 1, 1, 9);
    store_range(0, 1, 11, 20);
    ck_assert_uint_eq(settle(1, 3), 9);
    ck_assert(!fetch_range_is_done(&range, &q, 9));
    ck_assert_uint_eq(fetch_range_file(&range, &q, 9).tli, 1);
}
END_TEST

/* What is stored later is seen only by those who list again. */
START_TEST(it_is_listed_again_only_when_recovery_has_come_on)
{
    begin(NULL, NULL);
    store_range(0, 1, 1, 9);
    ck_assert_uint_eq(settle(1, 3), 9);
    store_range(0, 1, 10, 40);
    for (uint64_t at = 4; at < 3 + FETCH_RANGE_AGAIN; at++)
        ck_assert_uint_eq(settle(1, at), 9);
    ck_assert_uint_eq(settle(1, 3 + FETCH_RANGE_AGAIN), 40);
}
END_TEST

START_TEST(a_step_back_or_another_timeline_is_listed_anew)
{
    begin(NULL, NULL);
    store_range(0, 1, 1, 9);
    store_range(0, 2, 7, 30);
    ck_assert_uint_eq(settle(1, 5), 9);
    ck_assert_uint_eq(settle(2, 7), 30);
    ck_assert_uint_eq(fetch_range_file(&range, &q, 8).tli, 2);
    ck_assert_uint_eq(settle(1, 2), 9);
}
END_TEST

START_TEST(a_full_listing_goes_on_where_it_ended)
{
    begin(NULL, NULL);
    store_range(0, 1, 1, FETCH_RANGE_LISTED + 50);
    ck_assert_uint_eq(settle(1, 1), 1 + FETCH_RANGE_LISTED);
    ck_assert_uint_eq(settle(1, FETCH_RANGE_LISTED), 1 + FETCH_RANGE_LISTED);
    ck_assert_uint_eq(settle(1, 1 + FETCH_RANGE_LISTED), FETCH_RANGE_LISTED + 50);
}
END_TEST

START_TEST(a_path_without_an_end_is_not_left_at_a_fork)
{
    begin("1:0/700200,2", NULL);
    store_range(0, 1, 1, 9);
    ck_assert_uint_eq(settle(1, 3), 6);
}
END_TEST

START_TEST(the_first_repository_that_answers_decides)
{
    const struct faulty_plan away = {.at = FAULTY_LIST, .kind = ERR_UNREACHABLE, .forever = true};

    begin(NULL, NULL);
    store_range(1, 1, 1, 9);
    ck_assert_uint_eq(settle(1, 3), 3);
    range = (struct fetch_range){.tli = 0};
    faulty_fail(pgdata_repo[0].store, &away);
    ck_assert_uint_eq(settle(1, 3), 9);
    range = (struct fetch_range){.tli = 0};
    faulty_fail(pgdata_repo[1].store, &away);
    ck_assert_int_eq(fetch_range_settle(&range, &q, &cluster, 1, 3, &e), ERR_UNREACHABLE);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_plan_says_what_follows_and_nobody_is_asked,
                                  without_an_end_one_listing_shows_it_up_to_the_first_gap,
                                  it_is_listed_again_only_when_recovery_has_come_on,
                                  a_step_back_or_another_timeline_is_listed_anew,
                                  a_full_listing_goes_on_where_it_ended,
                                  a_path_without_an_end_is_not_left_at_a_fork,
                                  the_first_repository_that_answers_decides};

    return check_main(
        suite_between("ops/fetch_range", pgdata_set_up, tear_down, tests, sizeof(tests) / sizeof(tests[0])));
}
