/*
 * test_wal_notes.c - events of a segment become the counts and times of its facts.
 */
#include "repo/wal_notes.h"

#include "check_main.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct wal_facts facts;
static struct wal_notes notes;

static void begin(unsigned major)
{
    facts = (struct wal_facts){.major = major, .first_lsn = 1u << 24};
    wal_notes_init(&notes, &facts);
}

static void take(struct walevent v)
{
    struct err e = ERR_NONE;

    ck_assert_int_eq(wal_notes_take(&v, &notes, &e), ERR_OK);
}

static struct walevent file_of(uint32_t xid, uint32_t number)
{
    return (struct walevent){.type = WALEVENT_RELATION_CREATE, .xid = xid, .relation = {1663, 5, number}};
}

/* A commit that lets one file go, and the statistics of a relation, if any. */
static struct walevent letting_go(uint32_t xid, uint32_t number, uint32_t relation)
{
    return (struct walevent){.type = WALEVENT_COMMIT,
                             .xid = xid,
                             .relation_count = 1,
                             .relations = {{1663, 5, number}},
                             .stats_count = relation != 0,
                             .stats = {{WALEVENT_STATS_RELATION, relation}}};
}

START_TEST(commits_and_aborts_count_alike_for_times)
{
    begin(15);
    take((struct walevent){.type = WALEVENT_ABORT, .start = 100, .time_us = 20});
    take((struct walevent){.type = WALEVENT_COMMIT, .start = 200, .time_us = 40});
    take((struct walevent){.type = WALEVENT_COMMIT, .start = 300, .time_us = 10});
    take((struct walevent){.type = WALEVENT_RESTORE_POINT, .start = 400, .time_us = 50});
    take((struct walevent){.type = WALEVENT_ABORT, .start = 500, .time_us = 30});
    ck_assert_uint_eq(facts.commits, 2);
    ck_assert_uint_eq(facts.aborts, 2);
    ck_assert_uint_eq(facts.restore_points, 1);
    ck_assert_uint_eq(facts.commit_lsn, 300);
    ck_assert_int_eq(facts.first_us, 20);
    ck_assert_int_eq(facts.last_us, 30);
    ck_assert_int_eq(facts.min_us, 10);
    ck_assert_int_eq(facts.max_us, 40);
}
END_TEST

START_TEST(times_before_1970_are_times)
{
    begin(15);
    take((struct walevent){.type = WALEVENT_COMMIT, .time_us = -20});
    take((struct walevent){.type = WALEVENT_COMMIT, .time_us = -30});
    ck_assert_int_eq(facts.min_us, -30);
    ck_assert_int_eq(facts.max_us, -20);
}
END_TEST

START_TEST(what_is_lost_is_counted_by_its_kind)
{
    begin(15);
    take((struct walevent){.type = WALEVENT_COMMIT, .xid = 8});
    take((struct walevent){.type = WALEVENT_ABORT, .xid = 8, .relation_count = 1});
    ck_assert(facts.drops == 0 && facts.truncates == 0);
    take(letting_go(8, 10, 10)); /* no checkpoint: unclear whether dropped, so somewhere to look */
    ck_assert(facts.drops == 1 && facts.truncates == 0);
    take((struct walevent){.type = WALEVENT_CHECKPOINT, .redo = 1u << 24, .next_xid = 9});
    take(letting_go(9, 10, 10));
    ck_assert(facts.drops == 2 && facts.truncates == 0);
    take(file_of(10, 100));
    take(letting_go(10, 10, 0));
    ck_assert(facts.drops == 2 && facts.truncates == 1);
    take(file_of(11, 101));
    take(letting_go(11, 11, 101));
    ck_assert(facts.drops == 2 && facts.truncates == 1); /* a rewrite loses nothing */
    begin(14);
    take(file_of(10, 100));
    take(letting_go(10, 10, 0));
    ck_assert(facts.drops == 0 && facts.truncates == 1); /* or a rewrite */
}
END_TEST

START_TEST(databases_and_prepared_transactions_are_counted)
{
    begin(15);
    take((struct walevent){.type = WALEVENT_CREATE_DATABASE});
    take((struct walevent){.type = WALEVENT_DROP_DATABASE});
    take((struct walevent){.type = WALEVENT_DROP_TABLESPACE});
    take((struct walevent){.type = WALEVENT_PREPARE});
    take((struct walevent){.type = WALEVENT_PREPARE});
    take((struct walevent){.type = WALEVENT_PREPARE});
    take((struct walevent){.type = WALEVENT_COMMIT, .is_prepared = true});
    take((struct walevent){.type = WALEVENT_ABORT, .is_prepared = true});
    take((struct walevent){.type = WALEVENT_COMMIT});
    ck_assert_uint_eq(facts.database_drops, 2);
    ck_assert_uint_eq(facts.prepares, 3);
    ck_assert_uint_eq(facts.prepared_ends, 2);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        commits_and_aborts_count_alike_for_times,
        times_before_1970_are_times,
        what_is_lost_is_counted_by_its_kind,
        databases_and_prepared_transactions_are_counted,
    };

    return check_main(suite_of("repo/wal_notes", tests, COUNT(tests)));
}
