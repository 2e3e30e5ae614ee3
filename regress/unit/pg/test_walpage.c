/* Tests of src/pg/walpage.c, with the headers that servers of every version wrote. */
#include "check_main.h"
#include "codec/le.h"
#include "pg/walpage.h"
#include "pg_data.h"

#define MIB (1u << 20)

static const struct captured {
    unsigned major;
    uint16_t magic;
    uint64_t system_identifier;
    uint32_t segment_bytes;
    const char *name;
} captured[] = {
    {13, 0xD106, UINT64_C(7710435765094716959), 16 * MIB, "000000010000000000000001"},
    {14, 0xD10D, UINT64_C(7710435770700457554), 1 * MIB, "00000001000000000000000A"},
    {15, 0xD110, UINT64_C(7710435776863995517), 16 * MIB, "000000010000000000000001"},
    {16, 0xD113, UINT64_C(7710435782437758631), 64 * MIB, "000000010000000000000001"},
    {17, 0xD116, UINT64_C(7710435788330510054), 16 * MIB, "000000010000000000000001"},
    {18, 0xD118, UINT64_C(7710435794034763536), 16 * MIB, "000000010000000000000001"},
};
#define CAPTURED (sizeof(captured) / sizeof(captured[0]))

START_TEST(the_first_page_of_every_version_is_read_and_fits_its_name)
{
    for (size_t i = 0; i < CAPTURED; i++) {
        uint8_t head[WALPAGE_LONG_HEADER];
        struct err e = ERR_NONE;
        struct walpage p = {0};
        struct walfile name;

        head_read("walpage", captured[i].major, head, WALPAGE_LONG_HEADER);
        ck_assert_msg(walpage_parse(head, sizeof(head), &p, &e) == ERR_OK, "%s", e.text);
        ck_assert_uint_eq(p.major, captured[i].major);
        ck_assert_uint_eq(p.magic, captured[i].magic);
        ck_assert_uint_eq(p.tli, 1);
        ck_assert_uint_eq(p.system_identifier, captured[i].system_identifier);
        ck_assert_uint_eq(p.segment_bytes, captured[i].segment_bytes);
        ck_assert_uint_eq(p.page_bytes, 8192);
        ck_assert_int_eq(walfile_parse(captured[i].name, &name, &e), ERR_OK);
        ck_assert_msg(walpage_check_name(&p, &name, &e) == ERR_OK, "%s", e.text);
    }
}
END_TEST

START_TEST(what_is_no_first_page_is_refused_with_the_reason)
{
    static const struct {
        size_t at;
        size_t width;
        uint64_t value;
        const char *reason;
    } cases[] = {
        {0, 2, 0xD105, "magic 0xD105 is not that of PostgreSQL 13 to 18"},
        {0, 2, 0x10D1, "magic 0x10D1"}, /* the other byte order */
        {2, 2, 0x0001, "no long header"},
        {2, 2, 0x0012, "unknown flags 0x0012"},
        {4, 4, 0, "timeline 0"},
        {8, 8, 0x1002000, "address 0/1002000"},
        {32, 4, 0, "segment size of 0"},
        {32, 4, 3 * MIB, "segment size of 3145728"},
        {32, 4, 1u << 31, "segment size of 2147483648"},
        {36, 4, 0, "page size of 0"},
        {36, 4, 8191, "page size of 8191"},
        {36, 4, 1u << 17, "page size of 131072"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t head[WALPAGE_LONG_HEADER], value[8];
        struct err e = ERR_NONE;
        struct walpage p = {.major = 42};

        head_read("walpage", 15, head, WALPAGE_LONG_HEADER);
        le64_put(value, cases[i].value);
        memcpy(head + cases[i].at, value, cases[i].width);
        ck_assert_int_eq(walpage_parse(head, sizeof(head), &p, &e), ERR_CORRUPT);
        ck_assert_msg(strstr(e.text, cases[i].reason) != NULL, "\"%s\" does not say \"%s\"", e.text,
                      cases[i].reason);
        ck_assert_uint_eq(p.major, 42);
    }
}
END_TEST

START_TEST(zeros_and_short_files_are_refused)
{
    uint8_t head[WALPAGE_LONG_HEADER] = {0};
    struct err e = ERR_NONE;
    struct walpage p;

    ck_assert_int_eq(walpage_parse(head, sizeof(head), &p, &e), ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(e.text, "zeros"));
    head_read("walpage", 15, head, WALPAGE_LONG_HEADER);
    for (size_t len = 0; len < sizeof(head); len++) {
        uint8_t *cut = exact_copy(head, len);

        ck_assert_int_eq(walpage_parse(cut, len, &p, &e), ERR_CORRUPT);
        free(cut);
    }
}
END_TEST

START_TEST(a_page_is_held_against_the_name_of_its_file)
{
    static const struct {
        lsn address;
        uint32_t tli;
        const char *name;
        const char *reason; /* NULL: it fits */
    } cases[] = {
        {0x1000000, 1, "000000010000000000000001", NULL},
        {0x1000000, 1, "000000010000000000000001.partial", NULL},
        {0x1000000, 1, "000000030000000000000001", NULL}, /* begins before the fork */
        {UINT64_C(0x5FF000000), 2, "0000000200000005000000FF", NULL},
        {0x1000000, 2, "000000010000000000000001", "timeline 2, which is later"},
        {0x1000000, 1, "000000010000000000000002", "first page of segment \"000000010000000000000001\""},
        {UINT64_C(0x101000000), 1, "000000010000000000000001",
         "first page of segment \"000000010000000100000001\""},
        {0x1000000, 1, "000000010000000000000100", "no WAL file \"000000010000000000000100\""},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct walpage p = {
            .major = 15, .tli = cases[i].tli, .address = cases[i].address, .segment_bytes = 16 * MIB};
        struct err e = ERR_NONE;
        struct walfile name;

        ck_assert_int_eq(walfile_parse(cases[i].name, &name, &e), ERR_OK);
        if (cases[i].reason == NULL) {
            ck_assert_msg(walpage_check_name(&p, &name, &e) == ERR_OK, "%s", e.text);
        } else {
            ck_assert_int_eq(walpage_check_name(&p, &name, &e), ERR_CORRUPT);
            ck_assert_msg(strstr(e.text, cases[i].reason) != NULL, "%s", e.text);
        }
    }
}
END_TEST

START_TEST(arbitrary_bytes_are_safe_and_what_is_taken_is_sound)
{
    uint64_t state = 1;
    uint8_t head[WALPAGE_LONG_HEADER];
    size_t taken = 0;

    for (int round = 0; round < 200000; round++) {
        struct err e = ERR_NONE;
        struct walpage p;
        struct walfile name = {.kind = WALFILE_SEGMENT, .tli = 1, .seg = (uint32_t) next_random(&state)};

        if (round % 64 == 0)
            head_read("walpage", captured[(size_t) (round / 64) % CAPTURED].major, head, WALPAGE_LONG_HEADER);
        head[next_random(&state) % sizeof(head)] = (uint8_t) next_random(&state);
        if (walpage_parse(head, sizeof(head), &p, &e) != ERR_OK)
            continue;
        taken++;
        ck_assert(walseg_size_is_valid(p.segment_bytes) && p.address % p.segment_bytes == 0 && p.major >= 13);
        (void) walpage_check_name(&p, &name, &e);
    }
    ck_assert_uint_gt(taken, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_first_page_of_every_version_is_read_and_fits_its_name,
        what_is_no_first_page_is_refused_with_the_reason, zeros_and_short_files_are_refused,
        a_page_is_held_against_the_name_of_its_file, arbitrary_bytes_are_safe_and_what_is_taken_is_sound};

    return check_main(suite_of("pg/walpage", tests, sizeof(tests) / sizeof(tests[0])));
}
