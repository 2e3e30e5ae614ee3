/*
 * test_plan_reach.c - more WAL than anybody lists is whole by the archiver's record, or it is listed after all.
 */
#include "ops/plan_reach.h"

#include "../repo/in_memory.h"
#include "repo/object.h"

#define MIB  (1u << 20)
#define MANY (PLAN_LIST_MAX + 500)

static struct wal_place place;
static struct timeline_path path;

static uint64_t in_flight; /* so many segments before each were on their way when it was sealed */

/* A segment as archived, but for its content; its descriptor tells of the segments from `run_from` on. */
static void put_damaged(uint32_t tli, uint64_t number, uint64_t run_from, lsn damaged_at)
{
    CLEANUP(descriptor_clear) struct descriptor d = {.size = 0};
    struct wal_facts f = {.system_identifier = SYSTEM,
                          .major = 15,
                          .timeline = tli,
                          .segment_bytes = MIB,
                          .first_lsn = number * MIB,
                          .end_lsn = damaged_at != 0 ? damaged_at : (number + 1) * MIB,
                          .is_damaged = damaged_at != 0,
                          .has_records = true};
    char key[STORE_KEY_MAX + 1], name[WALFILE_NAME_MAX];
    enum object_outcome outcome;
    struct err e = ERR_NONE;

    wal_facts_begin_run(&f);
    f.run_from = run_from * MIB;
    f.run_to = (number - run_from > in_flight ? number - in_flight : run_from) * MIB;
    wal_object_key(&place, tli, number, key, name);
    OK(object_describe_new(&repo, "wal", name, &d, &e));
    OK(wal_facts_write(&f, &d, &e));
    OK(object_put_bytes(&repo, key, &d, "x", 1, &outcome, &e));
}

static void put_segment(uint32_t tli, uint64_t number, uint64_t run_from)
{
    put_damaged(tli, number, run_from, 0);
}

/* Timeline 1 from 1 on, each run `length` long; no segment `missing`. */
static void put_runs(uint64_t last, uint64_t length, uint64_t missing)
{
    struct err e = ERR_NONE;

    place = (struct wal_place){&repo, &layout, MIB, NULL};
    OK(timeline_single(1, &path, &e));
    for (uint64_t n = 1; n <= last; n++)
        if (n != missing)
            put_segment(1, n, (n - 1) / length * length + 1);
}

static struct plan_coverage reach(uint64_t first, uint64_t last, uint64_t *asked)
{
    struct plan_coverage c = {.any = false};
    uint64_t before = repo.store->requests;
    struct err e = ERR_STALE;

    OK(plan_reach(&place, &path, first, last, &c, &e));
    *asked = repo.store->requests - before;
    return c;
}

START_TEST(one_run_over_it_all_is_believed)
{
    struct plan_coverage c;
    uint64_t asked;

    put_runs(MANY, UINT64_MAX / MIB, 0);
    c = reach(2, MANY, &asked);
    ck_assert(c.is_recorded && c.any && !c.has_gap);
    ck_assert_uint_eq(c.whole_to, MANY);
    ck_assert_uint_eq(c.missing, MANY + 1);
    ck_assert_uint_le(asked, 2);
    ck_assert_uint_gt(c.stored_bytes, 0);
    timeline_clear(&path);
}
END_TEST

START_TEST(a_few_runs_one_behind_the_other_are_followed)
{
    struct plan_coverage c;
    uint64_t asked;

    put_runs(MANY, MANY / 4, 0);
    c = reach(2, MANY, &asked);
    ck_assert(c.is_recorded);
    ck_assert_uint_eq(c.whole_to, MANY);
    ck_assert_uint_le(asked, 7);
    timeline_clear(&path);
}
END_TEST

START_TEST(where_runs_say_nothing_everything_is_listed)
{
    struct plan_coverage c;
    uint64_t asked;

    put_runs(MANY, 1, 0);
    c = reach(2, MANY, &asked);
    ck_assert(!c.is_recorded && c.any && !c.has_gap);
    ck_assert_uint_eq(c.whole_to, MANY);
    timeline_clear(&path);
}
END_TEST

START_TEST(a_gap_between_two_runs_is_found)
{
    struct plan_coverage c;
    uint64_t asked;

    put_runs(MANY, 1000, 3000); /* the last of a run: the next one does not tell of it */
    c = reach(2, MANY, &asked);
    ck_assert(!c.is_recorded && c.has_gap);
    ck_assert_uint_eq(c.missing, 3000);
    ck_assert_uint_eq(c.whole_to, 2999);
    timeline_clear(&path);
}
END_TEST

/* What was taken away later the archiver has seen all the same: only the listing tells. */
START_TEST(a_segment_that_was_removed_is_found_by_listing)
{
    struct plan_coverage c;
    struct err e = ERR_NONE;
    uint64_t asked;

    put_runs(MANY, UINT64_MAX / MIB, 3000);
    c = reach(2, MANY, &asked);
    ck_assert(c.is_recorded);
    OK(plan_reach_list(&place, &path, 2, MANY, &c, &e));
    ck_assert(!c.is_recorded && c.has_gap);
    ck_assert_uint_eq(c.missing, 3000);
    timeline_clear(&path);
}
END_TEST

/* ---- segments that were on their way ---- */

START_TEST(what_was_on_its_way_is_listed)
{
    struct plan_coverage c;
    uint64_t asked;

    in_flight = 15;
    put_runs(MANY, UINT64_MAX / MIB, 0);
    c = reach(2, MANY, &asked);
    ck_assert(c.is_recorded && c.any && !c.has_gap);
    ck_assert_uint_eq(c.whole_to, MANY);
    ck_assert_uint_le(asked, 2);
    timeline_clear(&path);
}
END_TEST

static void check_lost(const struct plan_coverage *c, uint64_t missing)
{
    ck_assert(c->is_recorded && c->any && c->has_gap && c->damaged_at == 0 && c->stored_bytes > 0);
    ck_assert_uint_eq(c->missing, missing);
    ck_assert_uint_eq(c->missing_tli, 1);
    ck_assert_uint_eq(c->whole_to, missing - 1);
    ck_assert_uint_eq(plan_coverage_end(c, MIB), missing * MIB);
}

START_TEST(one_that_was_on_its_way_and_never_came_is_a_gap)
{
    for (uint64_t back = 1; back <= 15; back += 7) {
        struct plan_coverage c;
        uint64_t asked;

        repo_tear_down();
        repo_set_up();
        in_flight = 15;
        put_runs(MANY, UINT64_MAX / MIB, MANY - back);
        c = reach(2, MANY, &asked);
        check_lost(&c, MANY - back);
        ck_assert_uint_le(asked, 2);
        timeline_clear(&path);
    }
}
END_TEST

/* The next process knows nothing of the run that such a segment belonged to: it begins another. */
START_TEST(a_gap_is_found_at_the_end_of_any_run)
{
    struct plan_coverage c;
    uint64_t asked;

    in_flight = 4;
    put_runs(MANY, 2500, 4997);
    c = reach(2, MANY, &asked);
    check_lost(&c, 4997);
    ck_assert_uint_le(asked, 12);
    c = reach(4998, MANY, &asked); /* none is that is asked for */
    ck_assert(!c.has_gap && c.whole_to == MANY);
    timeline_clear(&path);
}
END_TEST

START_TEST(the_very_first_may_be_the_one)
{
    struct plan_coverage c;
    uint64_t asked;

    in_flight = UINT64_MAX;
    put_runs(MANY, UINT64_MAX / MIB, 2);
    c = reach(2, MANY, &asked);
    ck_assert(!c.any && c.has_gap);
    ck_assert_uint_eq(c.missing, 2);
    ck_assert_uint_eq(plan_coverage_end(&c, MIB), 2 * MIB);
    timeline_clear(&path);
}
END_TEST

/* Timeline 1 from 1 on with damage in one segment: a run up to it, and one behind it. */
static void put_with_damage(uint64_t last, uint64_t damaged)
{
    struct err e = ERR_NONE;

    place = (struct wal_place){&repo, &layout, MIB, NULL};
    OK(timeline_single(1, &path, &e));
    for (uint64_t n = 1; n <= last; n++)
        put_damaged(1, n, n <= damaged ? 1 : damaged + 1, n == damaged ? n * MIB + 1000 : 0);
}

static void check_cut(const struct plan_coverage *c, uint64_t damaged)
{
    ck_assert(c->any && c->has_gap && !c->is_unseen);
    ck_assert_uint_eq(c->whole_to, damaged);
    ck_assert_uint_eq(c->missing, damaged + 1);
    ck_assert_uint_eq(c->damaged_at, damaged * MIB + 1000);
    ck_assert_uint_eq(plan_coverage_end(c, MIB), damaged * MIB + 1000);
}

START_TEST(damage_cuts_the_stretch_short)
{
    struct plan_coverage c;
    uint64_t asked;

    put_with_damage(50, 30);
    c = reach(2, 50, &asked);
    check_cut(&c, 30);
    ck_assert_uint_le(asked, 3);
    c = reach(2, 30, &asked); /* nothing behind it is of interest, but there was more in the segment itself */
    check_cut(&c, 30);
    c = reach(31, 50, &asked);
    ck_assert(c.damaged_at == 0 && !c.has_gap && c.whole_to == 50);
    c = reach(2, 29, &asked);
    ck_assert(c.damaged_at == 0 && !c.has_gap && c.whole_to == 29);
    timeline_clear(&path);
}
END_TEST

START_TEST(damage_cuts_a_recorded_stretch_short)
{
    struct plan_coverage c;
    uint64_t asked;

    put_with_damage(MANY, 7000);
    c = reach(2, MANY, &asked);
    check_cut(&c, 7000);
    ck_assert(c.is_recorded);
    ck_assert_uint_le(asked, 3);
    timeline_clear(&path);
}
END_TEST

START_TEST(the_earlier_of_damage_and_gap_is_the_end)
{
    for (uint64_t missing = 6998; missing <= MANY - 1; missing += MANY - 1 - 6998) {
        struct plan_coverage c;
        struct err e = ERR_NONE;
        char key[STORE_KEY_MAX + 1], name[WALFILE_NAME_MAX];
        uint64_t asked;

        repo_tear_down();
        repo_set_up();
        in_flight = 5;
        put_with_damage(MANY, 7000);
        wal_object_key(&place, 1, missing, key, name);
        OK(store_remove(repo.store, key, &e));
        c = reach(2, MANY, &asked);
        if (missing < 7000)
            check_lost(&c, missing);
        else
            check_cut(&c, 7000);
        timeline_clear(&path);
    }
}
END_TEST

/* The parent is left before its damage: what the child goes on with is whole. */
START_TEST(damage_counts_where_the_path_runs)
{
    struct plan_coverage c;
    struct err e = ERR_NONE;
    uint64_t asked;

    put_with_damage(60, 30);
    timeline_clear(&path);
    OK(timeline_parse(2, "1\t0/1400200\tx\n", &path, &e)); /* inside segment 20 */
    for (uint64_t n = 20; n <= 60; n++)
        put_damaged(2, n, n <= 40 ? 20 : 41, n == 40 ? 40 * MIB + 1000 : 0);
    c = reach(5, 60, &asked);
    check_cut(&c, 40);
    ck_assert_uint_eq(c.missing_tli, 2);
    ck_assert_uint_le(asked, 5);
    c = reach(5, 39, &asked);
    ck_assert(c.damaged_at == 0 && c.whole_to == 39);
    timeline_clear(&path);
}
END_TEST

START_TEST(where_more_runs_than_are_followed_hide_it_it_is_said_to_be_unseen)
{
    struct plan_coverage c;
    uint64_t asked;

    put_runs(400, 1, 0);
    c = reach(1, 400, &asked);
    ck_assert(c.is_unseen && c.whole_to == 400 && !c.has_gap);
    ck_assert_uint_le(asked, 258);
    c = reach(200, 400, &asked);
    ck_assert(!c.is_unseen);
    timeline_clear(&path);
}
END_TEST

START_TEST(few_segments_are_listed_whatever_runs_say)
{
    struct plan_coverage c;
    uint64_t asked;

    put_runs(50, UINT64_MAX / MIB, 30);
    c = reach(2, 50, &asked);
    ck_assert(!c.is_recorded && c.has_gap);
    ck_assert_uint_eq(c.missing, 30);
    timeline_clear(&path);
}
END_TEST

START_TEST(the_child_must_have_been_seen_too)
{
    struct plan_coverage c;
    struct err e = ERR_NONE;
    uint64_t asked;

    put_runs(6000, UINT64_MAX / MIB, 0);
    timeline_clear(&path);
    OK(timeline_parse(2, "1\t1/76C00000\tx\n", &path, &e)); /* inside segment 5996 */
    for (uint64_t n = 5996; n <= MANY; n++)
        if (n != 5997)
            put_segment(2, n, n < 5997 ? 5996 : 5998);
    c = reach(2, MANY, &asked);
    ck_assert(!c.is_recorded && c.has_gap);
    ck_assert_uint_eq(c.missing, 5997);
    ck_assert_uint_eq(c.missing_tli, 2);
    put_segment(2, 5997, 5996);
    c = reach(2, MANY, &asked);
    ck_assert(c.is_recorded);
    ck_assert_uint_le(asked, 8);
    OK(plan_reach_end(&place, &path, 2, &asked, &e));
    ck_assert_uint_eq(asked, MANY);
    timeline_clear(&path);
}
END_TEST

/* A child that has archived nothing ends where its parent was left. */
START_TEST(the_end_is_the_path_s_not_the_parent_s)
{
    struct err e = ERR_NONE;
    uint64_t last;

    put_runs(60, UINT64_MAX / MIB, 0);
    timeline_clear(&path);
    OK(timeline_parse(2, "1\t0/1400200\tx\n", &path, &e)); /* inside segment 20 */
    OK(plan_reach_end(&place, &path, 5, &last, &e));
    ck_assert_uint_eq(last, 19);
    put_segment(2, 20, 20);
    OK(plan_reach_end(&place, &path, 5, &last, &e));
    ck_assert_uint_eq(last, 20);
    OK(plan_reach_end(&place, &path, 70, &last, &e));
    ck_assert_uint_eq(last, 69);
    timeline_clear(&path);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        one_run_over_it_all_is_believed,
        a_few_runs_one_behind_the_other_are_followed,
        where_runs_say_nothing_everything_is_listed,
        a_gap_between_two_runs_is_found,
        a_segment_that_was_removed_is_found_by_listing,
        what_was_on_its_way_is_listed,
        one_that_was_on_its_way_and_never_came_is_a_gap,
        a_gap_is_found_at_the_end_of_any_run,
        the_very_first_may_be_the_one,
        the_earlier_of_damage_and_gap_is_the_end,
        damage_cuts_the_stretch_short,
        damage_cuts_a_recorded_stretch_short,
        damage_counts_where_the_path_runs,
        where_more_runs_than_are_followed_hide_it_it_is_said_to_be_unseen,
        few_segments_are_listed_whatever_runs_say,
        the_child_must_have_been_seen_too,
        the_end_is_the_path_s_not_the_parent_s,
    };

    return check_main(suite_in_memory("ops/plan_reach", tests, COUNT(tests)));
}
