/*
 * test_log_pick.c - of a range that is too long to list, the segments that a log has to look into, and the holes that
 * it knows.
 *
 * Built with PLAN_LIST_MAX of 4 segments.
 */
#include "ops/log_pick.h"

#include "../repo/in_memory.h"
#include "repo/object.h"

#include <stdio.h>

#define MIB  (1u << 20)
#define LAST 40u

static struct log_source source;

/* One run from segment 1 on. */
static void put_segment(uint64_t number, uint64_t loss, uint64_t run_to)
{
    CLEANUP(descriptor_clear) struct descriptor d = {.size = 0};
    struct wal_facts f = {.system_identifier = SYSTEM,
                          .major = 15,
                          .timeline = 1,
                          .segment_bytes = MIB,
                          .first_lsn = number * MIB,
                          .end_lsn = (number + 1) * MIB,
                          .last_lsn = number * MIB + 800,
                          .has_records = true,
                          .has_drops = true,
                          .has_marks = true,
                          .loss_lsn = number == loss ? number * MIB + 400 : 0};
    char key[STORE_KEY_MAX + 1], name[WALFILE_NAME_MAX];
    enum object_outcome outcome;
    struct err e = ERR_NONE;

    wal_facts_begin_run(&f);
    f.run_from = MIB;
    f.run_to = run_to * MIB;
    f.run_loss = number >= loss ? loss * MIB + 400 : 0;
    wal_object_key(&source.place, 1, number, key, name);
    OK(object_describe_new(&repo, "wal", name, &d, &e));
    OK(wal_facts_write(&f, &d, &e));
    OK(object_put_bytes(&repo, key, &d, "x", 1, &outcome, &e));
}

/* Something is lost in segment 10. So many before each were on their way when it was sealed; none of these came. */
static void put_all(uint64_t in_flight, uint64_t missing)
{
    struct err e = ERR_NONE;

    source = (struct log_source){.repo = &repo, .first = 1, .last = LAST};
    source.place = (struct wal_place){&repo, &layout, MIB, NULL};
    OK(timeline_single(1, &source.path, &e));
    for (uint64_t n = 1; n <= LAST; n++)
        if (n != missing)
            put_segment(n, 10, n > in_flight ? n - in_flight : 1);
}

static void picks(const char *expected, unsigned most)
{
    CLEANUP(log_picks_clear) struct log_picks p = {.list = NULL};
    const struct log_range range = {.first = 2, .last = LAST};
    const struct log_wish wish = {.losses = true};
    const uint64_t before = requests();
    char text[256] = "", *end = text;
    struct err e = ERR_NONE;

    OK(log_pick_find(&source, &range, &wish, &p, &e));
    for (size_t i = 0; i < p.count; i++)
        end += sprintf(end, " %u", (unsigned) p.list[i]);
    ck_assert_str_eq(text, expected);
    ck_assert_uint_le(requests() - before, most);
    timeline_clear(&source.path);
}

START_TEST(a_run_that_was_acknowledged_is_passed_over_unlisted)
{
    put_all(0, 0);
    picks(" 10", 3);
}
END_TEST

START_TEST(what_was_removed_of_it_is_not_known)
{
    put_all(0, 30);
    picks(" 10", 3);
}
END_TEST

START_TEST(what_was_on_its_way_is_listed)
{
    put_all(15, 0);
    picks(" 10", 6);
}
END_TEST

START_TEST(what_never_came_is_a_hole)
{
    put_all(15, 39);
    picks(" 10 39", 9);
    repo_tear_down();
    repo_set_up();
    put_all(15, 25);
    picks(" 10 25", 9);
    repo_tear_down();
    repo_set_up();
    put_all(5, 7); /* before the one that is read */
    picks(" 7 10", 12);
}
END_TEST

START_TEST(what_was_lost_in_one_that_never_came_leads_to_the_hole)
{
    put_all(40, 10);
    picks(" 10", 9);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_run_that_was_acknowledged_is_passed_over_unlisted,
        what_was_removed_of_it_is_not_known,
        what_was_on_its_way_is_listed,
        what_never_came_is_a_hole,
        what_was_lost_in_one_that_never_came_leads_to_the_hole,
    };

    return check_main(suite_in_memory("ops/log_pick", tests, COUNT(tests)));
}
