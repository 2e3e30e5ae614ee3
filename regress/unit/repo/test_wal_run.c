/*
 * test_wal_run.c - what the spool keeps of a run comes back as it was, or not at all.
 */
#include "repo/wal_run.h"

#include "../scratch.h"
#include "base/durable.h"
#include "in_memory.h"

#define PLACE   "s3://bucket https://one"
#define LINE    "6789abcdef012345"
#define SEGMENT UINT64_C(0x1000000)

static char scratch[SCRATCH_MAX];
static struct spool *spool;

static void set_up(void)
{
    struct err e = ERR_NONE;

    scratch_make(scratch);
    OK(spool_open(scratch, "main", &spool, &e));
}

static void tear_down(void)
{
    spool_free(spool);
    scratch_remove(scratch);
}

static const struct wal_run_state some = {.timeline = 3,
                                          .segment_bytes = SEGMENT,
                                          .from = 5 * SEGMENT,
                                          .next = 9 * SEGMENT,
                                          .has_max = true,
                                          .max_us = -42,
                                          .commit = 8 * SEGMENT + 40,
                                          .loss = 5 * SEGMENT + 48,
                                          .begun = {.len = 3, .bytes = {0xAB, 0, 0xFF}}};

static bool is_known(struct wal_run_state *out)
{
    return wal_run_read(spool, PLACE, LINE, out);
}

static void keep(const struct wal_run_state *run)
{
    wal_run_write(spool, PLACE, LINE, run);
}

START_TEST(a_run_comes_back_as_it_was)
{
    struct wal_run_state back;

    keep(&some);
    ck_assert(is_known(&back));
    ck_assert(back.timeline == 3 && back.segment_bytes == SEGMENT && back.from == some.from &&
              back.next == some.next && back.has_max && back.max_us == -42 && back.commit == some.commit &&
              back.loss == some.loss && back.point == 0 && back.begun.len == 3 &&
              memcmp(back.begun.bytes, some.begun.bytes, 3) == 0);
}
END_TEST

START_TEST(the_newest_run_replaces_the_one_before)
{
    struct wal_run_state longer = some, back;

    keep(&some);
    longer.next += SEGMENT;
    longer.begun.len = 0;
    longer.has_max = false;
    keep(&longer);
    ck_assert(is_known(&back));
    ck_assert(back.next == longer.next && !back.has_max && back.begun.len == 0);
}
END_TEST

START_TEST(a_run_that_can_not_be_is_none)
{
    struct wal_run_state bad[] = {some, some, some, some, some, some, some};
    struct wal_run_state back;

    bad[0].timeline = 0;
    bad[1].segment_bytes = 12345;
    bad[2].next = bad[2].from;
    bad[3].from++;
    bad[4].commit = bad[4].next;
    bad[5].loss = bad[5].from - 1;
    bad[6].point = bad[6].next + 9;
    for (size_t i = 0; i < COUNT(bad); i++) {
        keep(&bad[i]);
        ck_assert_msg(!is_known(&back), "%zu", i);
    }
}
END_TEST

START_TEST(of_another_place_or_line_nothing_is_known)
{
    CLEANUP(buf_clear) struct buf one = BUF_INIT(4096), two = BUF_INIT(4096);
    struct wal_run_state back;

    keep(&some);
    ck_assert(!wal_run_read(spool, "s3://bucket https://two", LINE, &back));
    ck_assert(!wal_run_read(spool, PLACE, "7000000000000001", &back));
    ck_assert(spool_run_path(spool, PLACE, &one) && spool_run_path(spool, "s3://bucket https://two", &two));
    ck_assert_int_eq(rename(buf_cstr(&one), buf_cstr(&two)), 0);
    ck_assert(!wal_run_read(spool, "s3://bucket https://two", LINE, &back)); /* moved there */
}
END_TEST

START_TEST(a_state_with_any_byte_altered_or_cut_anywhere_is_none)
{
    CLEANUP(buf_clear) struct buf path = BUF_INIT(4096), state = BUF_INIT(4096);
    struct wal_run_state back;
    struct err e = ERR_NONE;

    keep(&some);
    ck_assert(spool_run_path(spool, PLACE, &path));
    OK(buf_read_file(&state, buf_cstr(&path), &e));
    ck_assert_uint_gt(state.len, 40);
    for (size_t at = 0; at < state.len; at++)
        for (int bit = 0; bit < 8; bit++) {
            state.data[at] ^= (uint8_t) (1u << bit);
            OK(durable_write_file(buf_cstr(&path), state.data, state.len, 0600, &e));
            ck_assert_msg(!is_known(&back), "byte %zu bit %d", at, bit);
            state.data[at] ^= (uint8_t) (1u << bit);
        }
    for (size_t len = 0; len < state.len; len++) {
        OK(durable_write_file(buf_cstr(&path), state.data, len, 0600, &e));
        ck_assert_msg(!is_known(&back), "cut to %zu", len);
    }
    OK(buf_append(&state, "\n", 1, &e));
    OK(durable_write_file(buf_cstr(&path), state.data, state.len, 0600, &e));
    ck_assert(!is_known(&back));
    OK(durable_write_file(buf_cstr(&path), state.data, state.len - 1, 0600, &e));
    ck_assert(is_known(&back));
}
END_TEST

START_TEST(a_spool_that_is_gone_knows_nothing)
{
    struct wal_run_state back;

    scratch_remove(scratch_path(scratch, "main"));
    keep(&some);
    ck_assert(!is_known(&back));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_run_comes_back_as_it_was,
        the_newest_run_replaces_the_one_before,
        a_run_that_can_not_be_is_none,
        of_another_place_or_line_nothing_is_known,
        a_state_with_any_byte_altered_or_cut_anywhere_is_none,
        a_spool_that_is_gone_knows_nothing,
    };

    return check_main(suite_between("repo/wal_run", set_up, tear_down, tests, COUNT(tests)));
}
