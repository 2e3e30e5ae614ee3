/* Tests of src/pg/walseg.c. */
#include "check_main.h"
#include "pg/walseg.h"
#include "pg_data.h"

#include <string.h>

#define MIB (1u << 20)

START_TEST(the_four_kinds_of_names_are_read_and_written_back)
{
    static const struct {
        const char *name;
        struct walfile file;
    } cases[] = {
        {"000000010000000A000000FE", {WALFILE_SEGMENT, 1, 10, 254, 0}},
        {"FFFFFFFFFFFFFFFFFFFFFFFF", {WALFILE_SEGMENT, UINT32_MAX, UINT32_MAX, UINT32_MAX, 0}},
        {"000000010000000000000000", {WALFILE_SEGMENT, 1, 0, 0, 0}},
        {"000000020000000000000003.partial", {WALFILE_PARTIAL, 2, 0, 3, 0}},
        {"000000010000000000000002.00000028.backup", {WALFILE_BACKUP_HISTORY, 1, 0, 2, 0x28}},
        {"00000002.history", {WALFILE_HISTORY, 2, 0, 0, 0}},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err e = ERR_NONE;
        struct walfile f = {0};
        char name[WALFILE_NAME_MAX];

        ck_assert_msg(walfile_parse(cases[i].name, &f, &e) == ERR_OK, "%s", e.text);
        ck_assert_int_eq(f.kind, cases[i].file.kind);
        ck_assert_uint_eq(f.tli, cases[i].file.tli);
        ck_assert_uint_eq(f.log, cases[i].file.log);
        ck_assert_uint_eq(f.seg, cases[i].file.seg);
        ck_assert_uint_eq(f.offset, cases[i].file.offset);
        walfile_format(&f, name);
        ck_assert_str_eq(name, cases[i].name);
    }
}
END_TEST

START_TEST(names_of_other_shapes_are_refused)
{
    static const char *const cases[] = {
        "",
        "00000001",
        "00000001000000000000000",   /* a digit short */
        "0000000100000000000000011", /* a digit over */
        "00000001000000000000000a",  /* lower case */
        "000000000000000000000001",  /* timeline 0 */
        "00000000.history",
        "0000000G0000000000000001",
        "000000010000000000000001.",
        "000000010000000000000001.Partial",
        "000000010000000000000001.partial ",
        "000000010000000000000001.gz",
        "000000010000000000000001.backup",
        "000000010000000000000001.0000028.backup",
        "000000010000000000000001.000000288.backup",
        "0000001.history",
        "000000001.history",
        "00000001.histor",
        "00000001.history.tmp",
        "../00000001.history",
        "/000000010000000000000001",
        "RECOVERYXLOG",
        "000000010000000000000001\n",
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err e = ERR_NONE;
        struct walfile f = {.tli = 7};

        ck_assert_msg(walfile_parse(cases[i], &f, &e) == ERR_USAGE, "\"%s\" was taken", cases[i]);
        ck_assert_uint_eq(f.tli, 7);
        ck_assert_ptr_nonnull(strstr(e.text, cases[i]));
    }
}
END_TEST

START_TEST(every_cut_and_every_changed_byte_of_a_name_is_safe)
{
    static const char *const names[] = {"000000010000000000000002.00000028.backup",
                                        "000000010000000000000002.partial", "00000002.history"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t len = strlen(names[i]);

        for (size_t at = 0; at < len; at++)
            for (int byte = 0; byte < 256; byte++) {
                char *name = (char *) exact_copy(names[i], len + 1);
                struct err e = ERR_NONE;
                struct walfile f;
                char again[WALFILE_NAME_MAX];

                name[at] = (char) byte;
                if (walfile_parse(name, &f, &e) == ERR_OK) {
                    walfile_format(&f, again);
                    ck_assert_str_eq(again, name);
                }
                free(name);
            }
    }
}
END_TEST

START_TEST(segment_sizes_are_powers_of_two_from_1_mib_to_1_gib)
{
    static const struct {
        uint64_t bytes;
        bool valid;
    } cases[] = {
        {0, false},
        {1, false},
        {MIB / 2, false},
        {MIB, true},
        {MIB + 1, false},
        {3 * MIB, false},
        {16 * MIB, true},
        {1024u * MIB, true},
        {2048u * MIB, false},
        {UINT64_C(1) << 32, false},
        {UINT64_C(1) << 52, false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        ck_assert_msg(walseg_size_is_valid(cases[i].bytes) == cases[i].valid, "%ju",
                      (uintmax_t) cases[i].bytes);
}
END_TEST

START_TEST(positions_numbers_and_names_agree_for_every_segment_size)
{
    static const struct {
        uint32_t segment_bytes;
        lsn position;
        const char *name;
        lsn start;
    } cases[] = {
        {16 * MIB, 0, "000000030000000000000000", 0},
        {16 * MIB, 16 * MIB - 1, "000000030000000000000000", 0},
        {16 * MIB, 16 * MIB, "000000030000000000000001", 16 * MIB},
        {16 * MIB, UINT64_C(0x16B374D848), "0000000300000016000000B3", UINT64_C(0x16B3000000)},
        {MIB, UINT64_C(0x16B374D848), "000000030000001600000B37", UINT64_C(0x16B3700000)},
        {1024 * MIB, UINT64_C(0x16B374D848), "000000030000001600000002", UINT64_C(0x1680000000)},
        {1024 * MIB, UINT64_MAX, "00000003FFFFFFFF00000003", UINT64_C(0xFFFFFFFFC0000000)},
        {MIB, UINT64_MAX, "00000003FFFFFFFF00000FFF", UINT64_C(0xFFFFFFFFFFF00000)},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t number = walseg_number(cases[i].position, cases[i].segment_bytes), again = 0;
        struct err e = ERR_NONE;
        struct walfile f;
        char name[WALFILE_NAME_MAX];

        walseg_name(3, number, cases[i].segment_bytes, name);
        ck_assert_str_eq(name, cases[i].name);
        ck_assert_uint_eq(walseg_start(number, cases[i].segment_bytes), cases[i].start);
        ck_assert_int_eq(walfile_parse(name, &f, &e), ERR_OK);
        ck_assert_int_eq(walseg_of_file(&f, cases[i].segment_bytes, &again, &e), ERR_OK);
        ck_assert_uint_eq(again, number);
    }
}
END_TEST

START_TEST(a_segment_number_beyond_its_log_is_refused)
{
    static const struct {
        uint32_t segment_bytes;
        uint32_t first_too_large;
    } cases[] = {{MIB, 4096}, {16 * MIB, 256}, {1024 * MIB, 4}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct walfile f = {.kind = WALFILE_PARTIAL, .tli = 1, .log = 0, .seg = cases[i].first_too_large};
        struct err e = ERR_NONE;
        uint64_t number = 42;

        ck_assert_int_eq(walseg_of_file(&f, cases[i].segment_bytes, &number, &e), ERR_CORRUPT);
        ck_assert_uint_eq(number, 42);
        f.seg--;
        ck_assert_int_eq(walseg_of_file(&f, cases[i].segment_bytes, &number, &e), ERR_OK);
        ck_assert_uint_eq(number, cases[i].first_too_large - 1);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {the_four_kinds_of_names_are_read_and_written_back,
                                  names_of_other_shapes_are_refused,
                                  every_cut_and_every_changed_byte_of_a_name_is_safe,
                                  segment_sizes_are_powers_of_two_from_1_mib_to_1_gib,
                                  positions_numbers_and_names_agree_for_every_segment_size,
                                  a_segment_number_beyond_its_log_is_refused};

    return check_main(suite_of("pg/walseg", tests, sizeof(tests) / sizeof(tests[0])));
}
