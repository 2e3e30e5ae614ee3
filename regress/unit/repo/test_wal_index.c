/*
 * test_wal_index.c - runs of segments and the tree of timelines, read from listings that hold other things too.
 */
#include "repo/wal_index.h"

#include "in_memory.h"
#include "repo/object.h"

#include <stdio.h>

#define WAL "main/6789abcdef012345/wal/"

static const uint32_t sizes[] = {WALSEG_MIN_BYTES, 16u << 20, WALSEG_MAX_BYTES};

static void put_segment(uint32_t tli, uint64_t number, uint32_t segment_bytes)
{
    struct walfile f = walseg_file(tli, number, segment_bytes);
    char key[STORE_KEY_MAX + 1];

    layout_wal_file(&layout, &f, key);
    raw_text(key, "12345");
}

static void runs_are(uint32_t tli, uint64_t first, uint64_t last, uint32_t segment_bytes,
                     const uint64_t (*runs)[2], size_t count)
{
    struct wal_runs found = {0};
    struct err e = ERR_STALE;

    OK(wal_runs_read(&repo, &layout, tli, first, last, segment_bytes, &found, &e));
    ck_assert_uint_eq(found.count, count);
    for (size_t i = 0; i < count; i++) {
        ck_assert_uint_eq(found.list[i].tli, tli);
        ck_assert_uint_eq(found.list[i].first, runs[i][0]);
        ck_assert_uint_eq(found.list[i].last, runs[i][1]);
        ck_assert_uint_eq(found.list[i].stored_bytes, 5 * (runs[i][1] - runs[i][0] + 1));
        ck_assert_int_gt(found.list[i].modified_us, 0);
    }
    wal_runs_clear(&found);
}

START_TEST(runs_go_on_over_the_borders_of_logs)
{
    for (size_t i = 0; i < COUNT(sizes); i++) {
        uint64_t per_log = (UINT64_C(1) << 32) / sizes[i];
        uint64_t begin = 255 * per_log - 3, hole = 256 * per_log, end = hole + 3;
        const uint64_t whole[][2] = {{begin, hole - 1}, {hole + 1, end}};
        const uint64_t inner[][2] = {{begin + 2, hole - 1}, {hole + 1, hole + 1}};
        const uint64_t tail[][2] = {{hole + 2, end}};
        const uint64_t one[][2] = {{255 * per_log, 255 * per_log}};

        repo_tear_down();
        repo_set_up();
        for (uint64_t n = begin; n <= end; n++)
            if (n != hole)
                put_segment(1, n, sizes[i]);
        put_segment(2, hole, sizes[i]);
        runs_are(1, 0, UINT64_MAX, sizes[i], whole, 2);
        runs_are(1, begin, end, sizes[i], whole, 2);
        runs_are(1, begin + 2, hole + 1, sizes[i], inner, 2);
        runs_are(1, hole + 2, UINT64_MAX, sizes[i], tail, 1);
        runs_are(1, 255 * per_log, 255 * per_log, sizes[i], one, 1);
        runs_are(1, hole, hole, sizes[i], NULL, 0);
        runs_are(1, end + 1, UINT64_MAX, sizes[i], NULL, 0);
        runs_are(1, 0, begin - 1, sizes[i], NULL, 0);
        runs_are(3, 0, UINT64_MAX, sizes[i], NULL, 0);
    }
}
END_TEST

START_TEST(what_is_no_complete_segment_under_its_own_key_is_passed_over)
{
    static const char *const others[] = {
        WAL "00000001/00000000/000000010000000000000003.partial",
        WAL "00000001/00000000/000000010000000000000003.00000028.backup",
        WAL "00000001/00000000/000000010000000000000001.00000028.backup",
        WAL "00000001/00000000/notes.txt",
        WAL "00000001/00000000/00000001000000000000000a",
        WAL "00000001/00000000/0000000100000000000000010",
        WAL "00000001/00000000/000000010000000000000100", /* of a smaller segment size */
        WAL "00000001/00000000/000000020000000000000003", /* another timeline's name */
        WAL "00000001/00000000/000000010000000100000000", /* another log's directory */
        WAL "00000001/00000001/000000010000000000000003", /* the same */
        WAL "00000001/000000010000000000000003",          /* no log's directory at all */
        WAL "00000001/00000000/deep/000000010000000000000003",
        WAL "00000001/0000000A/000000010000000F00000000",
    };
    const uint64_t runs[][2] = {{1, 2}, {4, 5}};

    for (uint64_t n = 1; n <= 5; n++)
        if (n != 3)
            put_segment(1, n, 16u << 20);
    for (size_t i = 0; i < COUNT(others); i++)
        raw_text(others[i], "123");
    runs_are(1, 0, UINT64_MAX, 16u << 20, runs, 2);
    runs_are(1, 1, 5, 16u << 20, runs, 2);
}
END_TEST

START_TEST(a_listing_that_breaks_gives_no_runs)
{
    struct wal_runs found = {0};
    struct err e = ERR_NONE;

    for (uint64_t n = 1; n <= 5; n++)
        put_segment(1, n, 16u << 20);
    for (uint64_t byte = 0; byte < 5; byte++) {
        faulty_fail(repo.store,
                    &(struct faulty_plan){.at = FAULTY_LIST, .byte = byte, .kind = ERR_UNREACHABLE});
        ck_assert_int_eq(wal_runs_read(&repo, &layout, 1, 0, UINT64_MAX, 16u << 20, &found, &e),
                         ERR_UNREACHABLE);
        ck_assert_uint_eq(found.count, 0);
    }
}
END_TEST

START_TEST(runs_are_put_one_behind_the_other)
{
    struct wal_runs all = {0}, more = {0};
    struct err e = ERR_NONE;

    put_segment(1, 1, 16u << 20);
    put_segment(2, 1, 16u << 20);
    OK(wal_runs_append(&all, &more, &e));
    for (uint32_t tli = 1; tli <= 3; tli++) {
        OK(wal_runs_read(&repo, &layout, tli, 0, UINT64_MAX, 16u << 20, &more, &e));
        OK(wal_runs_append(&all, &more, &e));
        ck_assert_uint_eq(more.count, 0);
    }
    ck_assert_uint_eq(all.count, 2);
    for (size_t i = 0; i < 2; i++)
        ck_assert(all.list[i].tli == i + 1 && all.list[i].first == 1 && all.list[i].last == 1);
    wal_runs_clear(&all);
}
END_TEST

static void put_history(const char *name, const char *text, size_t len)
{
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    enum object_outcome outcome;
    struct err e = ERR_NONE;
    char key[STORE_KEY_MAX + 1];

    (void) snprintf(key, sizeof(key), WAL "%s", name);
    OK(store_remove(repo.store, key, &e));
    OK(object_describe_new(&repo, "history", name, &d, &e));
    OK(object_put_bytes(&repo, key, &d, text, len, &outcome, &e));
}

START_TEST(timelines_come_from_directories_and_histories)
{
    static const char second[] = "1\t0/3000000\tno recovery target specified\n";
    static const char tenth[] = "1\t0/3000000\tx\n2\t0/5000000\tx\n";
    struct wal_timelines t = {0};
    struct err e = ERR_STALE;
    uint64_t before;

    OK(wal_timelines_read(&repo, &layout, &t, &e));
    ck_assert_uint_eq(t.count, 0);
    put_history("0000000A.history", tenth, sizeof(tenth) - 1);
    put_history("00000002.history", second, sizeof(second) - 1);
    put_segment(1, 5, 16u << 20);
    put_segment(0xA, 5, 16u << 20);
    put_segment(3, 5, 16u << 20);
    raw_text(WAL "notes", "x");
    raw_text(WAL "0000000b/x", "x");
    raw_text(WAL "00000004.history.bak", "x");
    raw_text(WAL "00000005.history/x", "x");
    before = requests();
    OK(wal_timelines_read(&repo, &layout, &t, &e));
    ck_assert_uint_eq(requests() - before, 3);
    ck_assert_uint_eq(t.count, 4);
    ck_assert_uint_eq(t.list[0].tli, 1);
    ck_assert(t.list[0].has_segments && !t.list[0].has_history);
    ck_assert_uint_eq(t.list[1].tli, 2);
    ck_assert(!t.list[1].has_segments && t.list[1].has_history);
    ck_assert_uint_eq(t.list[1].path.count, 2);
    ck_assert_uint_eq(t.list[2].tli, 3); /* its history is missing: known as itself only */
    ck_assert(t.list[2].has_segments && !t.list[2].has_history);
    ck_assert_uint_eq(t.list[2].path.count, 1);
    ck_assert_uint_eq(t.list[3].tli, 0xA);
    ck_assert_uint_eq(t.list[3].path.count, 3);
    ck_assert_ptr_eq(wal_timelines_at(&t, 0xA), &t.list[3]);
    ck_assert_ptr_null(wal_timelines_at(&t, 4));
    wal_timelines_clear(&t);
}
END_TEST

START_TEST(a_history_that_can_not_be_read_is_an_error)
{
    static const char second[] = "1\t0/3000000\tx\n", with_nul[] = "1\t0/3000000\tx\n\0002\t0/5000000\ty\n";
    struct wal_timelines t = {0};
    struct err e = ERR_NONE;

    put_segment(1, 5, 16u << 20);
    raw_text(WAL "00000002.history", "not sealed");
    ck_assert_int_eq(wal_timelines_read(&repo, &layout, &t, &e), ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(e.text, "timeline 2"));
    put_history("00000002.history", "1\t0/3000000", 3);
    ck_assert_int_eq(wal_timelines_read(&repo, &layout, &t, &e), ERR_CORRUPT);
    put_history("00000002.history", second, sizeof(second) - 1);
    OK(wal_timelines_read(&repo, &layout, &t, &e));
    wal_timelines_clear(&t);
    fail_next(FAULTY_GET, ERR_UNREACHABLE);
    ck_assert_int_eq(wal_timelines_read(&repo, &layout, &t, &e), ERR_UNREACHABLE);
    fail_next(FAULTY_LIST, ERR_DENIED);
    ck_assert_int_eq(wal_timelines_read(&repo, &layout, &t, &e), ERR_DENIED);
    put_history("00000003.history", with_nul,
                sizeof(with_nul) - 1); /* what stands behind the NUL must not vanish */
    ck_assert_int_eq(wal_timelines_read(&repo, &layout, &t, &e), ERR_CORRUPT);
    ck_assert_uint_eq(t.count, 0);
}
END_TEST

START_TEST(a_sealed_history_needs_its_identity)
{
    static const char second[] = "1\t0/3000000\tx\n";
    struct wal_timelines t = {0};
    struct err e = ERR_NONE;

    use_new_key(true);
    put_history("00000002.history", second, sizeof(second) - 1);
    OK(wal_timelines_read(&repo, &layout, &t, &e));
    wal_timelines_clear(&t);
    identities_clear(&repo.identities);
    ck_assert_int_eq(wal_timelines_read(&repo, &layout, &t, &e), ERR_DENIED);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        runs_go_on_over_the_borders_of_logs,
        what_is_no_complete_segment_under_its_own_key_is_passed_over,
        a_listing_that_breaks_gives_no_runs,
        runs_are_put_one_behind_the_other,
        timelines_come_from_directories_and_histories,
        a_history_that_can_not_be_read_is_an_error,
        a_sealed_history_needs_its_identity,
    };

    return check_main(suite_in_memory("repo/wal_index", tests, COUNT(tests)));
}
