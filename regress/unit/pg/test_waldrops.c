/*
 * Tests of src/pg/waldrops.c: what commits did to relations. The rows are what servers of 13 to 18 were seen to write;
 * walscan_live.cases asks servers themselves.
 */
#include "pg/waldrops.h"

#include "check_main.h"

#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define XID          1000u

static struct waldrops drops;
static lsn at;

/* A reader that began long ago: transactions from 900 on are known from their beginning. */
static void begin(unsigned major)
{
    struct walevent checkpoint = {.type = WALEVENT_CHECKPOINT, .start = 120, .redo = 100, .next_xid = 900};

    waldrops_init(&drops, major, 100);
    ck_assert_int_eq(waldrops_meet(&drops, &checkpoint), WALDROPS_NONE);
    at = 200;
}

static struct walevent_relation file(uint32_t number)
{
    return (struct walevent_relation){.tablespace = 1663, .database = 5, .relfilenode = number};
}

static void create(uint32_t xid, struct walevent_relation relation, uint32_t fork)
{
    struct walevent v = {
        .type = WALEVENT_RELATION_CREATE, .start = at += 8, .xid = xid, .relation = relation, .fork = fork};

    ck_assert_int_eq(waldrops_meet(&drops, &v), WALDROPS_NONE);
}

static void checkpoint(lsn redo, uint32_t next_xid)
{
    struct walevent v = {.type = WALEVENT_CHECKPOINT, .start = at += 8, .redo = redo, .next_xid = next_xid};

    ck_assert_int_eq(waldrops_meet(&drops, &v), WALDROPS_NONE);
}

static struct walevent commit_of(uint32_t xid)
{
    return (struct walevent){.type = WALEVENT_COMMIT, .start = at += 8, .xid = xid};
}

static void let_go(struct walevent *v, uint32_t number)
{
    v->relations[v->relation_count++] = file(number);
}

/* The next of numbers with spaces between them. */
static uint32_t next_number(const char **text)
{
    char *end;
    unsigned long number = strtoul(*text, &end, 10);

    *text = end + strspn(end, " ");
    return (uint32_t) number;
}

static struct walevent commit_like(const char *gone, const char *stats)
{
    struct walevent v = commit_of(XID);

    while (*gone != '\0')
        let_go(&v, next_number(&gone));
    while (*stats != '\0')
        v.stats[v.stats_count++] = (struct walevent_stats){WALEVENT_STATS_RELATION, next_number(&stats)};
    return v;
}

/* Old relations have OIDs and files below 100; what the transaction made, from 100 on. */
static const struct row {
    const char *made, *gone, *stats;
    enum waldrops_kind since_15, before_15;
    const char *what;
} rows[] = {
    {"", "", "", WALDROPS_NONE, WALDROPS_NONE, "an ordinary commit"},
    {"100 101", "", "", WALDROPS_NONE, WALDROPS_NONE, "CREATE TABLE with an index"},
    {"", "", "10", WALDROPS_NONE, WALDROPS_NONE, "DROP VIEW"},
    {"", "10", "10", WALDROPS_DROP, WALDROPS_DROP, "DROP TABLE"},
    {"", "10 11 12 13", "10 11 12 13", WALDROPS_DROP, WALDROPS_DROP, "DROP TABLE with TOAST and index"},
    {"100", "10", "", WALDROPS_TRUNCATE, WALDROPS_TRUNCATE_OR_REWRITE, "TRUNCATE"},
    {"100 101 102 103", "10 11 12 13", "", WALDROPS_TRUNCATE, WALDROPS_TRUNCATE_OR_REWRITE,
     "TRUNCATE of several"},
    {"100", "11", "", WALDROPS_TRUNCATE, WALDROPS_TRUNCATE_OR_REWRITE, "REINDEX"},
    {"100 101 102 103", "10 11 12 13", "102 101 100", WALDROPS_REWRITE, WALDROPS_TRUNCATE_OR_REWRITE,
     "VACUUM FULL or CLUSTER, TOAST by content"},
    {"100 101 102 103", "10 11 12 13", "100 11 12", WALDROPS_REWRITE, WALDROPS_TRUNCATE_OR_REWRITE,
     "REFRESH or rewriting ALTER TABLE, TOAST by links"},
    {"100 101 102", "10 100 11", "11 101", WALDROPS_REWRITE, WALDROPS_TRUNCATE_OR_REWRITE,
     "ALTER TYPE of an indexed column"},
    {"100 101", "10 11 12 13", "11 12 100", WALDROPS_UNCLEAR, WALDROPS_UNCLEAR,
     "ALTER TYPE that needs no TOAST any more"},
    {"100", "10 20", "100 20", WALDROPS_UNCLEAR, WALDROPS_UNCLEAR,
     "rewriting ALTER TABLE and DROP of another"},
    {"100 101 102", "100 101 102", "102 101 100", WALDROPS_NONE, WALDROPS_NONE,
     "CREATE and DROP of the same"},
    {"100 101", "100", "101", WALDROPS_NONE, WALDROPS_NONE, "CREATE and rewriting ALTER TABLE of the same"},
    {"100", "20", "20", WALDROPS_DROP, WALDROPS_TRUNCATE_OR_REWRITE, "CREATE TABLE AS and DROP of another"},
    {"100", "20 21", "20 21", WALDROPS_DROP, WALDROPS_UNCLEAR, "CREATE TABLE AS and DROP of a larger one"},
    {"100", "100 20", "100 20", WALDROPS_DROP, WALDROPS_DROP, "CREATE and DROP of one, DROP of another"},
    {"100 101", "100 20", "100", WALDROPS_TRUNCATE, WALDROPS_TRUNCATE_OR_REWRITE,
     "CREATE and DROP of one, TRUNCATE of another"},
    {"100", "10 20", "20", WALDROPS_DROP, WALDROPS_UNCLEAR, "TRUNCATE and DROP of another"},
};

START_TEST(a_commit_is_judged_by_what_it_made_and_what_went)
{
    for (unsigned major = 13; major <= 18; major++)
        for (size_t i = 0; i < COUNT(rows); i++) {
            const struct row *r = &rows[i];
            enum waldrops_kind expected = major < 15 ? r->before_15 : r->since_15;
            struct walevent v = commit_like(r->gone, major < 15 ? "" : r->stats);

            begin(major);
            for (const char *made = r->made; *made != '\0';)
                create(XID, file(next_number(&made)), WALEVENT_FORK_MAIN);
            ck_assert_msg(waldrops_meet(&drops, &v) == expected, "%u: %s", major, r->what);
        }
}
END_TEST

START_TEST(what_a_transaction_made_is_told_apart_from_what_others_made)
{
    struct walevent v;

    begin(14);
    create(XID, file(100), WALEVENT_FORK_MAIN);
    create(XID + 1, file(101), WALEVENT_FORK_MAIN);
    v = commit_of(XID + 2);
    let_go(&v, 10);
    ck_assert_int_eq(waldrops_meet(&drops, &v), WALDROPS_DROP);
    v.xid = XID + 1;
    ck_assert_int_eq(waldrops_meet(&drops, &v), WALDROPS_TRUNCATE_OR_REWRITE);
    v.xid = XID;
    ck_assert_int_eq(waldrops_meet(&drops, &v), WALDROPS_TRUNCATE_OR_REWRITE);
    ck_assert_uint_eq(drops.count, 0);
}
END_TEST

START_TEST(what_subtransactions_made_is_the_transactions)
{
    struct walevent v;

    begin(13);
    create(XID + 5, file(100), WALEVENT_FORK_MAIN);
    v = commit_of(XID);
    let_go(&v, 10);
    v.subxact_count = 2;
    v.subxacts[0] = XID + 3;
    v.subxacts[1] = XID + 5;
    ck_assert_int_eq(waldrops_meet(&drops, &v), WALDROPS_TRUNCATE_OR_REWRITE);
}
END_TEST

START_TEST(an_end_forgets_what_its_transaction_made)
{
    static const enum walevent_type ends[] = {WALEVENT_COMMIT, WALEVENT_ABORT};

    for (size_t i = 0; i < COUNT(ends); i++) {
        struct walevent v = {.type = ends[i], .xid = XID, .subxact_count = 1, .subxacts = {XID + 1}};

        begin(15);
        create(XID, file(100), WALEVENT_FORK_MAIN);
        create(XID + 1, file(101), WALEVENT_FORK_MAIN);
        create(XID + 2, file(102), WALEVENT_FORK_MAIN);
        let_go(&v, 100);
        ck_assert_int_eq(waldrops_meet(&drops, &v), WALDROPS_NONE);
        ck_assert_uint_eq(drops.count, 1);
        ck_assert_uint_eq(drops.creates[0].xid, XID + 2);
    }
}
END_TEST

START_TEST(a_prepared_transaction_is_judged_at_its_end)
{
    struct walevent v = {.type = WALEVENT_PREPARE, .xid = XID};

    begin(14);
    create(XID, file(100), WALEVENT_FORK_MAIN);
    ck_assert_int_eq(waldrops_meet(&drops, &v), WALDROPS_NONE);
    v = commit_of(XID);
    v.is_prepared = true;
    let_go(&v, 10);
    ck_assert_int_eq(waldrops_meet(&drops, &v), WALDROPS_TRUNCATE_OR_REWRITE);
}
END_TEST

START_TEST(an_unlogged_relation_is_known_by_its_init_fork)
{
    struct walevent v;

    for (uint32_t fork = 0; fork <= WALEVENT_FORK_INIT; fork++) {
        begin(14);
        create(XID, file(100), fork);
        v = commit_of(XID);
        let_go(&v, 10);
        ck_assert_int_eq(waldrops_meet(&drops, &v),
                         fork == 1 || fork == 2 ? WALDROPS_DROP : WALDROPS_TRUNCATE_OR_REWRITE);
    }
}
END_TEST

/* Without statistics it may as well be a new table there and a DROP here. */
START_TEST(files_that_move_to_another_tablespace_are_still_there)
{
    static const struct {
        unsigned major;
        enum waldrops_kind kind;
    } cases[] = {{13, WALDROPS_TRUNCATE_OR_REWRITE}, {18, WALDROPS_REWRITE}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct walevent_relation moved = {.tablespace = 16500, .database = 5, .relfilenode = 100};
        struct walevent v;

        begin(cases[i].major);
        create(XID, moved, WALEVENT_FORK_MAIN);
        v = commit_of(XID);
        let_go(&v, 10);
        ck_assert_int_eq(waldrops_meet(&drops, &v), cases[i].kind);
    }
}
END_TEST

START_TEST(statistics_of_other_objects_are_no_relations)
{
    struct walevent v;

    begin(15);
    v = commit_of(XID);
    let_go(&v, 10);
    v.stats_count = 1;
    v.stats[0] = (struct walevent_stats){3, 10}; /* of a function */
    ck_assert_int_eq(waldrops_meet(&drops, &v), WALDROPS_TRUNCATE);
}
END_TEST

START_TEST(a_transaction_that_may_have_begun_before_reading_did_is_unclear)
{
    static const struct {
        lsn redo; /* 0 = no checkpoint */
        uint32_t next_xid;
        enum waldrops_kind kind;
        const char *why;
    } cases[] = {
        {0, 0, WALDROPS_UNCLEAR, "no checkpoint was met"},
        {99, XID, WALDROPS_UNCLEAR, "its redo lies before the start"},
        {100, XID + 1, WALDROPS_UNCLEAR, "the transaction is older"},
        {100, XID, WALDROPS_DROP, "the transaction is younger"},
        {100, XID - 0x7FFFFFFF, WALDROPS_DROP, "younger by a long way"},
        {100, XID + 0x7FFFFFFF, WALDROPS_UNCLEAR, "older, before the count began anew"},
    };

    for (unsigned major = 14; major <= 15; major++)
        for (size_t i = 0; i < COUNT(cases); i++) {
            struct walevent v = commit_like("10", major < 15 ? "" : "10");

            waldrops_init(&drops, major, 100);
            if (cases[i].redo > 0)
                checkpoint(cases[i].redo, cases[i].next_xid);
            ck_assert_msg(waldrops_meet(&drops, &v) == cases[i].kind, "%s", cases[i].why);
        }
}
END_TEST

START_TEST(a_list_of_running_transactions_tells_which_are_younger)
{
    struct walevent running = {.type = WALEVENT_RUNNING, .start = 104, .next_xid = XID};
    struct walevent v = commit_like("10", "10");

    waldrops_init(&drops, 15, 100);
    ck_assert(!waldrops_is_behind_start(&drops, XID));
    ck_assert_int_eq(waldrops_meet(&drops, &running), WALDROPS_NONE);
    ck_assert(waldrops_is_behind_start(&drops, XID) && !waldrops_is_behind_start(&drops, XID - 1));
    ck_assert_int_eq(waldrops_meet(&drops, &v), WALDROPS_DROP);
}
END_TEST

START_TEST(without_statistics_a_truncate_is_known_wherever_reading_began)
{
    struct walevent v = commit_like("10", "");

    waldrops_init(&drops, 15, 100);
    ck_assert_int_eq(waldrops_meet(&drops, &v), WALDROPS_TRUNCATE);
}
END_TEST

START_TEST(what_was_forgotten_makes_unclear)
{
    struct walevent v;

    begin(15);
    create(XID, file(100), WALEVENT_FORK_MAIN);
    for (uint32_t i = 0; i < WALDROPS_CREATES_MAX; i++)
        create(XID + 10, file(200 + i), WALEVENT_FORK_MAIN);
    ck_assert_uint_le(drops.count, WALDROPS_CREATES_MAX);
    v = commit_like("10", "100"); /* a rewrite, but the transient table is forgotten */
    ck_assert_int_eq(waldrops_meet(&drops, &v), WALDROPS_UNCLEAR);
    v = commit_like("10", "10");
    v.xid = XID + 10;
    ck_assert_int_eq(waldrops_meet(&drops, &v), WALDROPS_UNCLEAR);
    v.xid = XID + 11;
    ck_assert_int_eq(waldrops_meet(&drops, &v), WALDROPS_DROP);
}
END_TEST

START_TEST(more_subtransactions_than_are_kept_make_unclear)
{
    for (uint32_t count = WALEVENT_LIST_MAX; count <= WALEVENT_LIST_MAX + 1; count++) {
        struct walevent v = commit_like("10", "10");

        begin(15);
        v.subxact_count = count;
        for (uint32_t i = 0; i < WALEVENT_LIST_MAX; i++)
            v.subxacts[i] = XID + 1 + i;
        ck_assert_int_eq(waldrops_meet(&drops, &v),
                         count > WALEVENT_LIST_MAX ? WALDROPS_UNCLEAR : WALDROPS_DROP);
    }
}
END_TEST

START_TEST(lists_longer_than_are_kept_are_judged_by_their_counts)
{
    struct walevent v;

    begin(15);
    for (uint32_t i = 0; i < 100; i++)
        create(XID, file(1000 + i), WALEVENT_FORK_MAIN);
    v = commit_of(XID);
    for (uint32_t i = 0; i < WALEVENT_LIST_MAX; i++)
        let_go(&v, 10 + i);
    v.relation_count = 100;
    ck_assert_int_eq(waldrops_meet(&drops, &v), WALDROPS_TRUNCATE);

    begin(15);
    for (uint32_t i = 0; i < WALEVENT_LIST_MAX; i++)
        v.stats[i] = (struct walevent_stats){WALEVENT_STATS_RELATION, 10 + i};
    v.stats_count = 100;
    ck_assert_int_eq(waldrops_meet(&drops, &v), WALDROPS_DROP);
    for (uint32_t i = 0; i < WALEVENT_LIST_MAX; i++)
        v.stats[i].kind = 3; /* the rest may be a relation's */
    ck_assert_int_eq(waldrops_meet(&drops, &v), WALDROPS_UNCLEAR);
}
END_TEST

/* Seen: TRUNCATE by turns in subtransactions; only the first of its files carries an xid. */
START_TEST(a_file_made_without_an_xid_may_be_of_a_subtransaction)
{
    struct walevent v;

    begin(14);
    create(0, file(100), WALEVENT_FORK_MAIN);
    v = commit_like("10", "");
    ck_assert_int_eq(waldrops_meet(&drops, &v), WALDROPS_DROP);
    v.subxact_count = 1;
    v.subxacts[0] = XID + 1;
    ck_assert_int_eq(waldrops_meet(&drops, &v), WALDROPS_UNCLEAR);
    checkpoint(at + 8, XID + 5); /* whoever comes behind it was not there */
    ck_assert_int_eq(waldrops_meet(&drops, &v), WALDROPS_UNCLEAR);
    v.xid = XID + 5;
    ck_assert_int_eq(waldrops_meet(&drops, &v), WALDROPS_DROP);
    begin(15);
    create(0, file(10), WALEVENT_FORK_MAIN);
    v = commit_like("10", "10"); /* made long before, by CREATE INDEX */
    ck_assert_int_eq(waldrops_meet(&drops, &v), WALDROPS_DROP);
}
END_TEST

START_TEST(every_kind_has_a_name)
{
    static const char *const names[] = {"none",   "drop", "truncate", "rewrite", "truncate_or_rewrite",
                                        "unclear"};

    for (size_t i = 0; i < COUNT(names); i++)
        ck_assert_str_eq(waldrops_kind_name((enum waldrops_kind) i), names[i]);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_commit_is_judged_by_what_it_made_and_what_went,
        what_a_transaction_made_is_told_apart_from_what_others_made,
        what_subtransactions_made_is_the_transactions,
        an_end_forgets_what_its_transaction_made,
        a_prepared_transaction_is_judged_at_its_end,
        an_unlogged_relation_is_known_by_its_init_fork,
        files_that_move_to_another_tablespace_are_still_there,
        statistics_of_other_objects_are_no_relations,
        a_transaction_that_may_have_begun_before_reading_did_is_unclear,
        a_list_of_running_transactions_tells_which_are_younger,
        without_statistics_a_truncate_is_known_wherever_reading_began,
        what_was_forgotten_makes_unclear,
        more_subtransactions_than_are_kept_make_unclear,
        lists_longer_than_are_kept_are_judged_by_their_counts,
        a_file_made_without_an_xid_may_be_of_a_subtransaction,
        every_kind_has_a_name,
    };

    return check_main(suite_of("pg/waldrops", tests, COUNT(tests)));
}
