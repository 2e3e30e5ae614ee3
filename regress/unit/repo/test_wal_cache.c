/*
 * test_wal_cache.c - what was kept comes back, and nothing in the place of another.
 */
#include "repo/wal_cache.h"

#include "check_main.h"

#define MIB (1u << 20)

static struct wal_facts facts_of(uint32_t tli, uint64_t number, uint32_t segment_bytes)
{
    return (struct wal_facts){.timeline = tli,
                              .first_lsn = number * segment_bytes,
                              .segment_bytes = segment_bytes,
                              .last_lsn = number};
}

START_TEST(what_was_kept_comes_back)
{
    CLEANUP(wal_cache_clear) struct wal_cache c = {.places = NULL};

    ck_assert_ptr_null(wal_cache_at(&c, 1, 5 * MIB, MIB));
    for (uint64_t n = 1; n <= 500; n++)
        wal_cache_keep(&c, &(const struct wal_facts){
                               .timeline = 1, .first_lsn = n * MIB, .segment_bytes = MIB, .last_lsn = n});
    for (uint64_t n = 1; n <= 500; n++)
        ck_assert_uint_eq(wal_cache_at(&c, 1, n * MIB, MIB)->last_lsn, n);
}
END_TEST

/* Whatever shares a place: only the segment itself is answered. */
START_TEST(no_segment_is_taken_for_another)
{
    CLEANUP(wal_cache_clear) struct wal_cache c = {.places = NULL};
    const struct wal_facts f = facts_of(1, 7, MIB);

    wal_cache_keep(&c, &f);
    for (uint32_t tli = 1; tli <= 8; tli++)
        for (uint64_t n = 0; n < 5000; n++)
            ck_assert((wal_cache_at(&c, tli, n * MIB, MIB) != NULL) == (tli == 1 && n == 7));
    ck_assert_ptr_null(wal_cache_at(&c, 1, 7 * MIB, MIB / 4));
    for (uint64_t n = 8; n < 5000; n++) {
        const struct wal_facts later = facts_of(1, n, MIB);

        wal_cache_keep(&c, &later);
        ck_assert_ptr_nonnull(wal_cache_at(&c, 1, n * MIB, MIB));
    }
    ck_assert_ptr_null(wal_cache_at(&c, 1, 7 * MIB, MIB));
}
END_TEST

START_TEST(without_a_cache_nothing_is_kept)
{
    const struct wal_facts f = facts_of(1, 7, MIB);

    wal_cache_keep(NULL, &f);
    ck_assert_ptr_null(wal_cache_at(NULL, 1, 7 * MIB, MIB));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {what_was_kept_comes_back, no_segment_is_taken_for_another,
                                  without_a_cache_nothing_is_kept};

    return check_main(suite_of("repo/wal_cache", tests, sizeof(tests) / sizeof(tests[0])));
}
