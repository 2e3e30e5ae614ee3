/*
 * test_backup_memory.c - what a backup may take in memory, whatever the options are.
 */
#include "ops/backup_memory.h"

#include "check_main.h"
#include "ops/backup_batch.h"

#define MIB          ((uint64_t) 1 << 20)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

START_TEST(all_buffers_together_stay_within_the_memory_given)
{
    static const uint64_t memories[] = {32 * MIB, 64 * MIB, 100 * MIB, 256 * MIB, 1024 * MIB, 65536 * MIB};
    static const uint32_t chunks[] = {64 << 10, 256 << 10, 1 << 20}, sizes[] = {1 << 20, 32 << 20, 64 << 20};
    static const size_t jobs[] = {1, 2, 8, 64};

    for (size_t i = 0; i < COUNT(memories) * COUNT(chunks) * COUNT(sizes) * COUNT(jobs); i++) {
        uint64_t all = memories[i % COUNT(memories)];
        uint32_t chunk = chunks[i / COUNT(memories) % COUNT(chunks)];
        uint32_t size = sizes[i / COUNT(memories) / COUNT(chunks) % COUNT(sizes)];
        size_t n = jobs[i / COUNT(memories) / COUNT(chunks) / COUNT(sizes)];
        struct backup_memory m = backup_memory_divide(all, n, chunk, size);

        ck_assert_uint_le(m.batches_max * backup_batch_bytes(chunk) + m.packs_max * m.pack_bytes, all);
        ck_assert_uint_ge(m.batches_max, 2);
        ck_assert_uint_ge(m.packs_max, 2);
        ck_assert_uint_eq(m.uploads, m.packs_max - 1);
        ck_assert_uint_le(m.pack_bytes, size);
        ck_assert_uint_ge(m.pack_bytes, size < 8 * MIB ? size : 8 * MIB);
    }
}
END_TEST

START_TEST(the_default_is_packs_of_full_size_four_on_their_way)
{
    struct backup_memory m = backup_memory_divide(0, 2, 256 << 10, 32 << 20);

    ck_assert_uint_eq(m.pack_bytes, 32 * MIB);
    ck_assert_uint_eq(m.uploads, 4);
    ck_assert_uint_eq(m.batches_max, 6);
}
END_TEST

START_TEST(little_memory_makes_packs_smaller)
{
    struct backup_memory m = backup_memory_divide(32 * MIB, 2, 256 << 10, 32 << 20);

    ck_assert_uint_lt(m.pack_bytes, 16 * MIB);
    ck_assert_uint_eq(m.packs_max, 2);
}
END_TEST

START_TEST(chunks_of_the_largest_size_leave_two_batches_and_two_packs)
{
    struct backup_memory m = backup_memory_divide(32 * MIB, 64, 4 << 20, 64 << 20);

    ck_assert_uint_eq(m.batches_max, 2);
    ck_assert_uint_eq(m.packs_max, 2);
    ck_assert_uint_ge(m.pack_bytes, 7 * MIB);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        all_buffers_together_stay_within_the_memory_given,
        the_default_is_packs_of_full_size_four_on_their_way,
        little_memory_makes_packs_smaller,
        chunks_of_the_largest_size_leave_two_batches_and_two_packs,
    };

    return check_main(suite_of("ops/backup_memory", tests, COUNT(tests)));
}
