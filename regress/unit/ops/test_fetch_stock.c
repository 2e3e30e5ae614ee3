/*
 * test_fetch_stock.c - segments come whole or not at all, from whoever has them, and go when recovery is past them.
 */
#include "ops/fetch_stock.h"
#include "ops/fetch_window.h"

#include "check_main.h"
#include "fetch_case.h"
#include "repo/prefetch_keep.h"

#define LIMIT      4
#define MOST_WAITS 600 /* of 0.1 s */

static struct fetch_request q;
static struct fetch_range range;
static struct prefetch window;
static struct fetch_stock *stock;
static struct fetch_stock_state state;

static void store_one(int repo, uint64_t number)
{
    archive_into(repo, segment_name(1, number), segment_bytes(segment_name(1, number), 1), MIB);
}

static void open_stock(void)
{
    ck_assert_msg(fetch_stock_new(&cluster, &q, &window, LIMIT, 2, &stock, &e) == ERR_OK, "%s", e.text);
    fetch_stock_look(stock, &state);
}

static void set_up(void)
{
    const struct fetch_options o = {
        .ahead_bytes = LIMIT * MIB, .path = "1", .until = "000000010000000000000020"};

    pgdata_set_up();
    ck_assert_int_eq(fetch_request_init(&q, "main", &o, segment_name(1, 1), &e), ERR_OK);
    ck_assert(fetch_window_find(&cluster, &q, &o, ".", &window) && prefetch_make(&window) &&
              prefetch_lock(&window));
    range = (struct fetch_range){.tli = 1, .last = 32};
    stock = NULL;
}

static void tear_down(void)
{
    fetch_stock_freep(&stock);
    prefetch_close(&window);
    fetch_request_clear(&q);
    pgdata_tear_down();
}

static bool lies_there(uint64_t number, size_t repo)
{
    const struct walfile f = walseg_file(1, number, MIB);
    char name[PREFETCH_NAME_MAX];

    prefetch_whole_name(&f, repo, name);
    return faccessat(window.fd, name, F_OK, 0) == 0;
}

static void fetch_range_of(uint64_t first, uint64_t last)
{
    for (uint64_t n = first; n <= last; n++) {
        fetch_stock_begin(stock, &range, n);
        for (int i = 0; i < MOST_WAITS; i++) {
            fetch_stock_look(stock, &state);
            if (state.coming == 0)
                break;
            fetch_stock_wait(stock, 100000);
        }
        ck_assert_uint_eq(state.coming, 0);
    }
}

START_TEST(what_comes_lies_ready_under_its_name)
{
    store_one(0, 2);
    store_one(1, 3);
    open_stock();
    fetch_range_of(2, 3);
    ck_assert(lies_there(2, 0) && lies_there(3, 1));
    ck_assert_uint_eq(state.ready, 2);
    ck_assert_uint_eq(state.fetched, 2);
    ck_assert_int_gt(state.download_us, 0);
    ck_assert_int_eq(state.failure.code, ERR_OK);
    ck_assert(fetch_stock_has(stock, 2) && fetch_stock_has(stock, 3) && !fetch_stock_has(stock, 4));
    fetch_stock_look(stock, &state);
    ck_assert_int_eq(state.download_us, 0);
}
END_TEST

START_TEST(one_that_can_not_be_had_is_told_and_leaves_nothing)
{
    store_one(0, 2);
    open_stock();
    fetch_range_of(2, 3);
    ck_assert_int_eq(state.failure.code, ERR_ABSENT);
    ck_assert_ptr_nonnull(strstr(state.failure.text, segment_name(1, 3)));
    ck_assert_uint_eq(state.ready, 1);
    ck_assert_uint_eq(files_in(window.path), 2); /* the other one, and the lock */
    ck_assert(!fetch_stock_has(stock, 3));
}
END_TEST

/* With the first away each segment would take the whole of its patience. */
START_TEST(the_repository_that_had_the_last_is_asked_first)
{
    const struct faulty_plan away = {.at = FAULTY_GET, .kind = ERR_UNREACHABLE, .forever = true};

    for (uint64_t n = 2; n <= 5; n++)
        store_one(1, n);
    faulty_fail(pgdata_repo[0].store, &away);
    open_stock();
    fetch_range_of(2, 5);
    ck_assert_uint_eq(state.ready, 4);
    ck_assert_uint_eq(faulty_failures(pgdata_repo[0].store), 1);
}
END_TEST

START_TEST(what_recovery_has_passed_by_goes)
{
    for (uint64_t n = 2; n <= 5; n++)
        store_one(0, n);
    open_stock();
    fetch_range_of(2, 5);
    fetch_stock_drop(stock, &range, 3);
    fetch_stock_look(stock, &state);
    ck_assert_uint_eq(state.ready, 2);
    ck_assert_uint_eq(state.unused, 0);
    ck_assert(!lies_there(2, 0) && !lies_there(3, 0) && lies_there(4, 0) && lies_there(5, 0));
}
END_TEST

START_TEST(what_lies_out_of_the_way_goes_too)
{
    for (uint64_t n = 2; n <= 5; n++)
        store_one(0, n);
    open_stock();
    fetch_range_of(2, 5);
    fetch_stock_drop(stock, &(struct fetch_range){.tli = 1, .last = 4}, 1); /* behind the end */
    ck_assert(lies_there(4, 0) && !lies_there(5, 0));
    fetch_stock_drop(stock, &range, 0); /* a step back */
    ck_assert(lies_there(4, 0));
    timeline_clear(&q.path);
    fetch_stock_drop(stock, &(struct fetch_range){.tli = 2, .last = 32}, 1); /* another timeline */
    fetch_stock_look(stock, &state);
    ck_assert_uint_eq(state.ready, 0);
    ck_assert_uint_eq(state.unused, 4);
    ck_assert_uint_eq(files_in(window.path), 1);
}
END_TEST

START_TEST(what_lies_there_whole_is_its_first)
{
    store_one(0, 2);
    open_stock();
    fetch_range_of(2, 2);
    fetch_stock_freep(&stock);
    ck_assert(lies_there(2, 0));
    open_stock();
    ck_assert_uint_eq(state.ready, 1);
    ck_assert_uint_eq(state.fetched, 0);
    ck_assert(fetch_stock_has(stock, 2));
    ck_assert(fetch_stock_has(stock, 2 + LIMIT)); /* its place is taken */
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {what_comes_lies_ready_under_its_name,
                                  one_that_can_not_be_had_is_told_and_leaves_nothing,
                                  the_repository_that_had_the_last_is_asked_first,
                                  what_recovery_has_passed_by_goes,
                                  what_lies_out_of_the_way_goes_too,
                                  what_lies_there_whole_is_its_first};

    return check_main(
        suite_between("ops/fetch_stock", set_up, tear_down, tests, sizeof(tests) / sizeof(tests[0])));
}
