/*
 * test_pack_ranges.c - the ranges that a pack is read by hold all that is wanted, no byte twice, and no larger hole
 * than is cheaper than a request.
 */
#include "repo/pack_ranges.h"

#include "check_main.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define GAP          PACK_GAP_BYTES
#define KIB          UINT64_C(1024)
#define WANTS_MAX    60

/* Wants as {offset, stored}, and the ranges they make as {begin, end}; both end with a zero length. */
static const struct {
    const char *why;
    uint64_t wants[6][2];
    uint64_t ranges[4][2];
} cases[] = {
    {"one at the front takes the descriptor along", {{1000, 50}}, {{0, 1050}}},
    {"one as far from the front as is worth it", {{GAP, 50}}, {{0, GAP + 50}}},
    {"one farther off is asked for alone", {{GAP + 1, 50}}, {{GAP + 1, GAP + 51}}},
    {"neighbours", {{1000, 50}, {1050, 50}}, {{0, 1100}}},
    {"a hole as large as is worth it", {{1000, 50}, {1050 + GAP, 50}}, {{0, 1100 + GAP}}},
    {"a larger hole", {{1000, 50}, {1051 + GAP, 50}}, {{0, 1050}, {1051 + GAP, 1101 + GAP}}},
    {"in any order", {{1051 + GAP, 50}, {1000, 50}}, {{0, 1050}, {1051 + GAP, 1101 + GAP}}},
    {"the same frame twice", {{2 * GAP, 50}, {2 * GAP, 50}}, {{2 * GAP, 2 * GAP + 50}}},
    {"a frame inside another, as only a lie has it",
     {{2 * GAP, 5000}, {2 * GAP + 10, 50}},
     {{2 * GAP, 2 * GAP + 5000}}},
    {"the last place there is", {{INT64_MAX, UINT32_MAX}}, {{INT64_MAX, (uint64_t) INT64_MAX + UINT32_MAX}}},
    {"three ranges",
     {{1000, 50}, {10 * GAP, 50}, {10 * GAP + 50, 50}, {20 * GAP, 50}},
     {{0, 1050}, {10 * GAP, 10 * GAP + 100}, {20 * GAP, 20 * GAP + 50}}},
};

START_TEST(wants_make_these_ranges)
{
    struct pack_want wants[6] = {{0}};
    size_t count = 0, at = 0;

    for (; count < COUNT(wants) && cases[_i].wants[count][1] > 0; count++) {
        wants[count].offset = cases[_i].wants[count][0];
        wants[count].stored = (uint32_t) cases[_i].wants[count][1];
    }
    pack_wants_sort(wants, count);
    for (size_t i = 0; i < COUNT(cases[_i].ranges) && cases[_i].ranges[i][1] > 0; i++) {
        struct pack_range r;

        ck_assert_msg(at < count, "%s: ends after %zu ranges", cases[_i].why, i);
        r = pack_range_first(wants + at, count - at);
        ck_assert_msg(r.begin == cases[_i].ranges[i][0] && r.end == cases[_i].ranges[i][1],
                      "%s: range %zu is %llu to %llu", cases[_i].why, i, (unsigned long long) r.begin,
                      (unsigned long long) r.end);
        at += r.count;
    }
    ck_assert_msg(at == count, "%s: has more ranges", cases[_i].why);
}
END_TEST

static uint64_t next_number(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* A pack's frames one behind the other, of which some are wanted, in no order. */
static size_t make_wants(uint64_t *state, struct pack_want *wants)
{
    uint64_t at = 300 + next_number(state) % 4000, one_in = 1 + next_number(state) % 8;
    size_t count = 0, frames = 1 + next_number(state) % WANTS_MAX;

    for (size_t i = 0; i < frames; i++) {
        uint32_t stored = (uint32_t) (29 + next_number(state) % (300 * KIB));

        if (next_number(state) % one_in == 0)
            wants[count++] = (struct pack_want){.offset = at, .stored = stored, .frame = (uint32_t) i};
        at += stored;
    }
    for (size_t i = 1; i < count; i++) {
        size_t with = next_number(state) % (i + 1);
        struct pack_want one = wants[i];

        wants[i] = wants[with];
        wants[with] = one;
    }
    return count;
}

/* The wants of one range lie in it, and it has nothing at its ends and no hole inside that should not be there. */
static void check_range(const struct pack_want *wants, struct pack_range r)
{
    uint64_t at = r.begin;

    for (size_t i = 0; i < r.count; i++) {
        if (wants[i].offset < at || wants[i].offset - at > GAP)
            ck_abort_msg("want %zu of the range lies elsewhere", i);
        at = wants[i].offset + wants[i].stored;
    }
    if (at != r.end || (r.begin != 0 && r.begin != wants[0].offset))
        ck_abort_msg("the range is larger than its wants");
}

START_TEST(ranges_hold_all_wants_and_no_byte_twice_and_waste_no_more_than_a_request_is_worth)
{
    uint64_t state = 88172645463325252u;

    for (int round = 0; round < 20000; round++) {
        struct pack_want wants[WANTS_MAX];
        size_t count = make_wants(&state, wants), at = 0;
        uint64_t end = 0;

        pack_wants_sort(wants, count);
        while (at < count) {
            struct pack_range r = pack_range_first(wants + at, count - at);

            if (r.count == 0 || r.count > count - at || (at > 0 && r.begin <= end + GAP))
                ck_abort_msg("round %d: a range that should not be", round);
            check_range(wants + at, r);
            end = r.end;
            at += r.count;
        }
    }
}
END_TEST

START_TEST(a_want_is_what_the_index_says_of_the_chunk)
{
    const struct index_chunk c = {.length = 1,
                                  .sha256 = {2, 3},
                                  .source = 4,
                                  .pack = 5,
                                  .frame = 6,
                                  .offset = UINT64_C(7) << 40,
                                  .stored = 8};
    struct pack_want w = pack_want(&c, 9, UINT64_C(10) << 40);

    ck_assert_uint_eq(w.length, 1);
    ck_assert_mem_eq(w.sha256, c.sha256, sizeof(w.sha256));
    ck_assert_uint_eq(w.frame, 6);
    ck_assert_uint_eq(w.offset, UINT64_C(7) << 40);
    ck_assert_uint_eq(w.stored, 8);
    ck_assert_uint_eq(w.file, 9);
    ck_assert_uint_eq(w.at, UINT64_C(10) << 40);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("repo/pack_ranges");
    TCase *tcase = tcase_create("repo/pack_ranges");

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, wants_make_these_ranges, 0, (int) COUNT(cases));
    tcase_add_test(tcase, ranges_hold_all_wants_and_no_byte_twice_and_waste_no_more_than_a_request_is_worth);
    tcase_add_test(tcase, a_want_is_what_the_index_says_of_the_chunk);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
