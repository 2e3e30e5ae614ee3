/*
 * test_archive_memory.c - files that are pushed at once stay below one bound, and the first never waits.
 */
#include "ops/archive_memory.h"

#include "check_main.h"

#include <stdlib.h>

static struct archive_memory m;

static void set_up(void)
{
    m = (struct archive_memory){.most = 20};
}

START_TEST(the_first_gets_what_it_needs_however_much_that_is)
{
    ck_assert(archive_memory_has_room(&m, 2, 66));
    archive_memory_begin(&m, 0, 2, 66);
    ck_assert(archive_memory_grow(&m, 0, 66));
    ck_assert(!archive_memory_has_room(&m, 1, 1));
}
END_TEST

START_TEST(one_that_alone_needs_more_than_all_may_have_is_not_begun_beside_another)
{
    archive_memory_begin(&m, 0, 2, 4);
    ck_assert(!archive_memory_has_room(&m, 2, 21));
    ck_assert(archive_memory_has_room(&m, 2, 20));
}
END_TEST

START_TEST(a_later_one_gets_only_what_those_before_it_can_not_come_to_need)
{
    archive_memory_begin(&m, 0, 2, 16);
    ck_assert(archive_memory_has_room(&m, 4, 16));
    ck_assert(!archive_memory_has_room(&m, 5, 16));
    archive_memory_begin(&m, 1, 2, 16);
    ck_assert(archive_memory_grow(&m, 1, 4));
    ck_assert(!archive_memory_grow(&m, 1, 5));
    ck_assert(archive_memory_grow(&m, 0, 16));
}
END_TEST

START_TEST(what_was_read_whole_keeps_what_it_takes_until_it_is_stored)
{
    archive_memory_begin(&m, 0, 2, 16);
    archive_memory_begin(&m, 1, 2, 16);
    archive_memory_settle(&m, 0, 6);
    ck_assert(archive_memory_grow(&m, 1, 14));
    ck_assert(!archive_memory_grow(&m, 1, 15));
    archive_memory_end(&m, 0);
    ck_assert(archive_memory_grow(&m, 1, 16));
    archive_memory_end(&m, 1);
    ck_assert(archive_memory_has_room(&m, 2, 20));
}
END_TEST

START_TEST(asking_for_less_or_for_more_than_it_needs_changes_nothing)
{
    archive_memory_begin(&m, 0, 4, 6);
    ck_assert(archive_memory_grow(&m, 0, 1));
    ck_assert_uint_eq(m.claims[0].bytes, 4);
    ck_assert(archive_memory_grow(&m, 0, 1000));
    ck_assert_uint_eq(m.claims[0].bytes, 6);
    archive_memory_settle(&m, 0, 1000);
    ck_assert_uint_eq(m.claims[0].bytes, 6);
}
END_TEST

static uint64_t taken(void)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < m.count; i++)
        sum += m.claims[i].bytes;
    return sum;
}

/* One step of a random claim; false when it has to wait. */
static bool step(size_t at)
{
    struct archive_claim *c = &m.claims[at];

    if (c->bytes < c->need && rand() % 4 > 0)
        return archive_memory_grow(&m, c->number, c->bytes + 1);
    if (c->bytes < c->need || rand() % 2 > 0)
        archive_memory_settle(&m, c->number, (uint64_t) rand() % (c->bytes + 1));
    else
        archive_memory_end(&m, c->number);
    return true;
}

START_TEST(whatever_happens_the_bound_holds_and_the_first_goes_on)
{
    size_t number = 0;

    srand(7);
    for (int i = 0; i < 20000; i++) {
        uint64_t need = 2 + (uint64_t) rand() % 17;
        size_t at;

        if (archive_memory_has_room(&m, 2, need))
            archive_memory_begin(&m, number++, 2, need);
        ck_assert_uint_le(taken(), m.most);
        at = (size_t) rand() % m.count;
        ck_assert(step(at) || at > 0);
        ck_assert_uint_le(taken(), m.most);
    }
    ck_assert_uint_gt(number, 1000);
}
END_TEST

/* Larger segments, several repositories. */
START_TEST(whatever_a_file_may_need_a_second_one_can_be_begun)
{
    static const uint64_t needs[] = {1, 18, 34, 66, 130};

    for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
        m = (struct archive_memory){.most = archive_memory_most(20, 2, needs[i])};

        archive_memory_begin(&m, 0, 2, needs[i]);
        ck_assert_msg(archive_memory_has_room(&m, 2, needs[i]), "need %d", (int) needs[i]);
        ck_assert_uint_ge(m.most, 20);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/archive_memory");
    TCase *tests = tcase_create("ops/archive_memory");

    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, the_first_gets_what_it_needs_however_much_that_is);
    tcase_add_test(tests, one_that_alone_needs_more_than_all_may_have_is_not_begun_beside_another);
    tcase_add_test(tests, a_later_one_gets_only_what_those_before_it_can_not_come_to_need);
    tcase_add_test(tests, what_was_read_whole_keeps_what_it_takes_until_it_is_stored);
    tcase_add_test(tests, asking_for_less_or_for_more_than_it_needs_changes_nothing);
    tcase_add_test(tests, whatever_happens_the_bound_holds_and_the_first_goes_on);
    tcase_add_test(tests, whatever_a_file_may_need_a_second_one_can_be_begun);
    suite_add_tcase(suite, tests);
    return check_main(suite);
}
