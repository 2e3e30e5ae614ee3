/*
 * test_plan_elsewhere.c - what descriptors prove of the WAL before a backup's end: a time that was never passed there.
 */
#include "ops/archive.h"
#include "ops/plan_elsewhere.h"

#include "stream/buf_sink.h"
#include "wal_words.h"

static bool was_never_past(uint64_t last, unsigned second)
{
    const struct wal_place place = {&repo, &layout, MIB, NULL};
    const struct target t = {.kind = TARGET_TIME, .time_us = NOON + second * SECOND};
    bool proven;

    ck_assert_msg(plan_was_never_past(&place, &path, &t, last, &proven, &e) == ERR_OK, "%s", e.text);
    return proven;
}

START_TEST(a_time_that_was_passed_before_is_not_proven_never_to_have_been)
{
    static const struct {
        const char *why;
        const char *wal;
        unsigned second;
        bool proven;
    } table[] = {
        {"all before it", "c1@10 | c2@20", 25, true},
        {"no transaction at all", "nx | |", 25, true},
        {"one behind it", "c1@10 | c2@30 | c3@20", 25, false},
        {"an abort behind it", "c1@10 | a2@30 | c3@20", 25, false},
        {"one that crosses behind it", "c1@10 ~ c2@30 | c3@20 | c4@21", 25, false},
        {"a segment that nobody has read", "c1@10 | ? c2@20 | c3@20", 25, false},
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        uint64_t last;

        tear_down();
        set_up();
        last = archive_wal(table[i].wal);
        ck_assert_msg(was_never_past(last, table[i].second) == table[i].proven, "%s", table[i].why);
    }
}
END_TEST

START_TEST(a_run_tells_of_segments_that_were_removed_since)
{
    const struct walfile file = walseg_file(1, FIRST + 1, MIB);
    const uint64_t last = archive_wal("c1@10 | c2@30 | c3@21");
    char key[STORE_KEY_MAX + 1];

    layout_wal_file(&layout, &file, key);
    ck_assert_msg(store_remove(repo.store, key, &e) == ERR_OK, "%s", e.text);
    ck_assert(was_never_past(last, 35));
    ck_assert(!was_never_past(last, 25));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_time_that_was_passed_before_is_not_proven_never_to_have_been,
                                  a_run_tells_of_segments_that_were_removed_since};
    Suite *suite = suite_create("ops/plan_elsewhere");
    TCase *tcase = tcase_create("ops/plan_elsewhere");

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
