/* Tests of src/pg/walcut.c: of a record that is cut anywhere the time is told as soon as its bytes are there. */
#include "check_main.h"
#include "pg/walcut.h"
#include "walscan_told.h"

#define TIME 77

/* A record of the transaction manager whose main data is the time and something behind it. */
static size_t record_of(uint8_t info, bool has_origin, bool has_toplevel, size_t more, uint8_t out[1024])
{
    struct wal w = wal_new();
    struct wal_body main = {.len = 0}, body = {.len = 0}, rest;

    body_u64(&main, TIME);
    for (size_t i = 0; i < more; i++)
        body_u8(&main, 0xEE);
    rest = body_of_main(&main);
    if (has_origin) {
        body_u8(&body, 253);
        body_u8(&body, 1);
        body_u8(&body, 0);
    }
    if (has_toplevel) {
        body_u8(&body, 252);
        body_u32(&body, 700);
    }
    body_bytes(&body, rest.bytes, rest.len);
    wal_record_bytes(&w, 1, info, 701, body.bytes, body.len, out);
    wal_clear(&w);
    return 24 + body.len;
}

START_TEST(a_time_is_told_when_its_bytes_are_there_wherever_the_cut_is)
{
    static const struct {
        uint8_t info;
        bool has_origin, has_toplevel;
        size_t more;
        size_t needs; /* bytes of the record */
    } table[] = {{0x00, false, false, 0, 34}, {0x20, false, false, 0, 34}, {0x30, true, false, 0, 37},
                 {0x40, false, true, 0, 39},  {0x80, true, true, 300, 45}, {0x00, false, false, 700, 37}};

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        uint8_t bytes[1024];
        const size_t len =
            record_of(table[i].info, table[i].has_origin, table[i].has_toplevel, table[i].more, bytes);

        for (size_t cut = 0; cut <= len; cut++) {
            struct walcut c = {.len = 0};
            int64_t us = 0;

            walcut_add(&c, bytes, cut);
            ck_assert_msg(walcut_time(&c, 15, &us) == (cut >= table[i].needs), "row %zu, cut %zu", i, cut);
            walcut_add(&c, bytes + cut, len - cut);
            ck_assert_msg(walcut_time(&c, 15, &us) && us == EPOCH_2000 + TIME, "row %zu, cut %zu", i, cut);
        }
    }
}
END_TEST

START_TEST(other_records_have_no_time)
{
    static const uint8_t others[] = {0x10, 0x50, 0x60}; /* PREPARE, ASSIGNMENT, INVALIDATIONS */

    for (size_t i = 0; i < sizeof(others); i++) {
        uint8_t bytes[1024];
        struct walcut c = {.len = 0};
        int64_t us = 0;

        walcut_add(&c, bytes, record_of(others[i], false, false, 100, bytes));
        ck_assert_msg(!walcut_time(&c, 15, &us), "%x", others[i]);
    }
}
END_TEST

START_TEST(what_is_no_record_has_no_time)
{
    struct walcut c = {.len = WALCUT_MAX};
    int64_t us = 0;

    ck_assert(!walcut_time(&c, 15, &us));
    memset(c.bytes, 0xFF, sizeof(c.bytes));
    ck_assert(!walcut_time(&c, 15, &us));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pg/walcut");
    TCase *tests = tcase_create("pg/walcut");

    tcase_add_test(tests, a_time_is_told_when_its_bytes_are_there_wherever_the_cut_is);
    tcase_add_test(tests, other_records_have_no_time);
    tcase_add_test(tests, what_is_no_record_has_no_time);
    suite_add_tcase(suite, tests);
    return check_main(suite);
}
