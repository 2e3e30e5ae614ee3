/*
 * test_wal_digest.c - the digest of valid WAL is that of the bytes up to its end, however they arrive.
 */
#include "ops/wal_digest.h"

#include "../pg/wal_builder.h"
#include "check_main.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SEGMENT      (1u << 20)
#define START        (UINT64_C(6) * SEGMENT)

static struct wal wal;

static void set_up(void)
{
    wal = (struct wal){.bytes = BUF_INIT(WAL_BUILDER_MAX),
                       .start = START,
                       .segment_bytes = SEGMENT,
                       .page_bytes = 8192,
                       .magic = 0xD110,
                       .tli = 1,
                       .prev = START - 64};
}

static void tear_down(void)
{
    buf_clear(&wal.bytes);
}

static void add_record(size_t len)
{
    static const uint8_t body[600000] = {3, 1, 4, 1, 5};

    (void) wal_record(&wal, 10, 0, 7, body, len);
}

static void fill_segment(uint8_t filler)
{
    while (wal.bytes.len < SEGMENT)
        wal_raw(&wal, &filler, 1);
}

/* Push it in pieces: true, and right, where there is a digest of valid WAL up to end; the other one is right anyway. */
static bool digest_up_to(lsn end, size_t piece)
{
    CLEANUP(walscan_freep) struct walscan *scan = NULL;
    CLEANUP(sink_freep) struct sink *s = NULL;
    uint8_t whole[SHA256_BYTES], valid[SHA256_BYTES], expected[SHA256_BYTES];
    struct err e = ERR_NONE;

    ck_assert(walscan_new(SEGMENT, START, NULL, NULL, &scan, &e) == ERR_OK &&
              wal_digest_sink_new(scan, START, &s, &e) == ERR_OK);
    for (size_t at = 0; at < wal.bytes.len; at += piece) {
        size_t n = wal.bytes.len - at < piece ? wal.bytes.len - at : piece;

        ck_assert_int_eq(sink_write(s, wal.bytes.data + at, n, &e), ERR_OK);
    }
    ck_assert(sink_finish(s, &e) == ERR_OK && wal_digest_whole(s, whole, &e) == ERR_OK);
    ck_assert_int_eq(sha256(wal.bytes.data, wal.bytes.len, expected, &e), ERR_OK);
    ck_assert_int_eq(memcmp(whole, expected, SHA256_BYTES), 0);
    ck_assert_uint_eq(walscan_end(scan), end);
    if (!wal_digest_valid(s, valid))
        return false;
    ck_assert_int_eq(sha256(wal.bytes.data, (size_t) (end - START), expected, &e), ERR_OK);
    ck_assert_msg(memcmp(valid, expected, SHA256_BYTES) == 0, "in pieces of %zu", piece);
    return true;
}

static const size_t pieces[] = {7, 8, 61, 4096, 8191, 65536, 262144, 262145, SEGMENT};

static void is_told_up_to(lsn end)
{
    for (size_t i = 0; i < COUNT(pieces); i += thin_step())
        ck_assert(digest_up_to(end, pieces[i]));
}

START_TEST(filler_behind_a_switch_does_not_count)
{
    lsn end;

    for (int n = 0; n < 500; n++)
        add_record((size_t) n);
    end = wal_switch(&wal) + 24;
    is_told_up_to(end);
    memset(wal.bytes.data + (end - START), 0xEE, (size_t) (START + SEGMENT - end));
    is_told_up_to(end);
}
END_TEST

/* Its bytes pass through several pieces before it turns out that it is none. */
START_TEST(a_long_record_that_is_not_valid_does_not_count)
{
    lsn end;

    for (int n = 0; n < 50; n++)
        add_record(33);
    end = wal_at(&wal);
    add_record(600000);
    wal.bytes.data[wal.bytes.len - 16] ^= 1;
    fill_segment(0);
    is_told_up_to(end);
}
END_TEST

START_TEST(a_long_record_that_is_valid_counts)
{
    lsn end;

    add_record(600000);
    end = wal_at(&wal);
    fill_segment(0);
    is_told_up_to(end);
}
END_TEST

/* The padding of a record belongs to the valid part, and may come with the next piece. */
START_TEST(every_end_is_found_whatever_the_pieces)
{
    for (size_t len = 0; len < 16; len++) {
        lsn end;

        tear_down();
        set_up();
        add_record(len);
        end = wal_at(&wal);
        wal_zeros(&wal, 128);
        for (size_t piece = 1; piece < 128; piece += thin_step())
            ck_assert(digest_up_to(end, piece));
    }
}
END_TEST

START_TEST(a_segment_without_an_end_inside_it_has_no_such_digest)
{
    add_record(600000);
    add_record(600000); /* goes on in the next segment */
    wal.bytes.len = SEGMENT;
    ck_assert(!digest_up_to(START + SEGMENT, SEGMENT));
}
END_TEST

START_TEST(a_segment_without_valid_wal_has_no_such_digest)
{
    wal_zeros(&wal, SEGMENT);
    ck_assert(!digest_up_to(START, SEGMENT));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        filler_behind_a_switch_does_not_count,
        a_long_record_that_is_not_valid_does_not_count,
        a_long_record_that_is_valid_counts,
        every_end_is_found_whatever_the_pieces,
        a_segment_without_an_end_inside_it_has_no_such_digest,
        a_segment_without_valid_wal_has_no_such_digest,
    };
    Suite *suite = suite_create("ops/wal_digest");
    TCase *tcase = tcase_create("ops/wal_digest");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 110);
    for (size_t i = 0; i < COUNT(tests); i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
