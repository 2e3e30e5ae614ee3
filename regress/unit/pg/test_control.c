/* Tests of src/pg/control.c, with the files that servers of every version wrote. */
#include "check_main.h"
#include "codec/crc32c.h"
#include "codec/le.h"
#include "pg/control.h"
#include "pg_data.h"

#include <sys/stat.h>
#include <unistd.h>

#define MIB       (1u << 20)
#define HEAD_MAX  296
#define CRC_AT_15 288

/* Each server ran with max_connections = 1NN, max_worker_processes = 2NN and so on, NN its version. */
static const struct captured {
    unsigned major;
    uint32_t control_version;
    uint32_t catalog_version;
    uint64_t system_identifier;
    lsn checkpoint;
    lsn redo;
    uint32_t segment_bytes;
    uint32_t data_checksum_version;
} captured[] = {
    {13, 1300, 202007201, UINT64_C(7710435765094716959), 0x15C4A50, 0x15C4A18, 16 * MIB, 0},
    {14, 1300, 202107181, UINT64_C(7710435770700457554), 0xA43308, 0xA432D0, 1 * MIB, 1},
    {15, 1300, 202209061, UINT64_C(7710435776863995517), 0x1735928, 0x17358F0, 16 * MIB, 1},
    {16, 1300, 202307071, UINT64_C(7710435782437758631), 0x4721088, 0x4721050, 64 * MIB, 1},
    {17, 1700, 202406281, UINT64_C(7710435788330510054), 0x17219A8, 0x1721950, 16 * MIB, 1},
    {18, 1800, 202506291, UINT64_C(7710435794034763536), 0x174B358, 0x174B300, 16 * MIB, 1},
};
#define CAPTURED (sizeof(captured) / sizeof(captured[0]))

START_TEST(the_control_file_of_every_version_is_read)
{
    for (size_t i = 0; i < CAPTURED; i++) {
        const struct captured *want = &captured[i];
        int nn = (int) want->major;
        uint8_t file[CONTROL_FILE_BYTES] = {0};
        struct err e = ERR_NONE;
        struct control c = {0};

        head_read("pg_control", want->major, file, HEAD_MAX);
        ck_assert_msg(control_parse(file, sizeof(file), &c, &e) == ERR_OK, "%u: %s", want->major, e.text);
        ck_assert_uint_eq(c.major, want->major);
        ck_assert_uint_eq(c.control_version, want->control_version);
        ck_assert_uint_eq(c.catalog_version, want->catalog_version);
        ck_assert_uint_eq(c.system_identifier, want->system_identifier);
        ck_assert_uint_eq(c.state, 6); /* DB_IN_PRODUCTION */
        ck_assert_uint_eq(c.checkpoint, want->checkpoint);
        ck_assert_uint_eq(c.redo, want->redo);
        ck_assert_uint_eq(c.tli, 1);
        ck_assert_int_eq(c.wal_level, 2); /* logical */
        ck_assert_int_eq(c.max_connections, 100 + nn);
        ck_assert_int_eq(c.max_worker_processes, 200 + nn);
        ck_assert_int_eq(c.max_wal_senders, nn);
        ck_assert_int_eq(c.max_prepared_xacts, 300 + nn);
        ck_assert_int_eq(c.max_locks_per_xact, 400 + nn);
        ck_assert_uint_eq(c.block_bytes, 8192);
        ck_assert_uint_eq(c.wal_page_bytes, 8192);
        ck_assert_uint_eq(c.segment_bytes, want->segment_bytes);
        ck_assert_uint_eq(c.data_checksum_version, want->data_checksum_version);
    }
}
END_TEST

START_TEST(every_changed_byte_is_noticed)
{
    for (size_t i = 0; i < CAPTURED; i++) {
        size_t len = captured[i].control_version >= 1800 ? HEAD_MAX : CRC_AT_15 + 4;
        uint8_t head[HEAD_MAX];

        head_read("pg_control", captured[i].major, head, HEAD_MAX);
        for (size_t at = 0; at < len; at++) {
            struct err e = ERR_NONE;
            struct control c = {.major = 42};

            head[at] ^= 0x10;
            ck_assert_int_eq(control_parse(head, sizeof(head), &c, &e), ERR_CORRUPT);
            ck_assert_uint_eq(c.major, 42);
            head[at] ^= 0x10;
        }
    }
}
END_TEST

START_TEST(every_truncation_is_refused)
{
    for (size_t i = 0; i < CAPTURED; i++) {
        size_t len = captured[i].control_version >= 1800 ? HEAD_MAX : CRC_AT_15 + 4;
        uint8_t head[HEAD_MAX];

        head_read("pg_control", captured[i].major, head, HEAD_MAX);
        for (size_t cut = 0; cut < len; cut++) {
            uint8_t *copy = exact_copy(head, cut);
            struct err e = ERR_NONE;
            struct control c;

            ck_assert_int_eq(control_parse(copy, cut, &c, &e), ERR_CORRUPT);
            free(copy);
        }
    }
}
END_TEST

START_TEST(an_unknown_version_is_shown_and_an_unreleased_catalog_has_no_major)
{
    uint8_t head[HEAD_MAX];
    struct err e = ERR_NONE;
    struct control c = {0};

    head_read("pg_control", 15, head, HEAD_MAX);
    le32_put(head + 8, 1201);
    ck_assert_int_eq(control_parse(head, sizeof(head), &c, &e), ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(e.text, "version 1201"));
    le32_put(head + 8, 1300);
    le32_put(head + 12, 202202221);
    le32_put(head + CRC_AT_15, crc32c(0, head, CRC_AT_15));
    ck_assert_int_eq(control_parse(head, sizeof(head), &c, &e), ERR_OK);
    ck_assert_uint_eq(c.major, 0);
}
END_TEST

START_TEST(impossible_sizes_under_a_right_checksum_are_refused)
{
    static const struct {
        size_t at;
        uint32_t value;
    } cases[] = {{216, 0}, {216, 8191}, {224, 0}, {224, 1u << 17}, {228, 0}, {228, 3 * MIB}, {228, MIB / 2}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t head[HEAD_MAX];
        struct err e = ERR_NONE;
        struct control c;

        head_read("pg_control", 15, head, HEAD_MAX);
        le32_put(head + cases[i].at, cases[i].value);
        le32_put(head + CRC_AT_15, crc32c(0, head, CRC_AT_15));
        ck_assert_int_eq(control_parse(head, sizeof(head), &c, &e), ERR_CORRUPT);
        ck_assert_ptr_nonnull(strstr(e.text, "impossible sizes"));
    }
}
END_TEST

/* A data directory below $TMPDIR that holds these bytes as its control file. */
static void pgdata_make(char dir[256], const void *bytes, size_t len)
{
    const char *tmp = getenv("TMPDIR");
    char path[300];
    FILE *f;

    (void) snprintf(dir, 256, "%.200s/pitr-control-XXXXXX", tmp != NULL ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    (void) snprintf(path, sizeof(path), "%s/global", dir);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    (void) snprintf(path, sizeof(path), "%s/global/pg_control", dir);
    f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
    ck_assert_int_eq(fclose(f), 0);
}

static void pgdata_remove(const char *dir)
{
    char path[300];

    (void) snprintf(path, sizeof(path), "%s/global/pg_control", dir);
    (void) unlink(path);
    (void) snprintf(path, sizeof(path), "%s/global", dir);
    (void) rmdir(path);
    ck_assert_int_eq(rmdir(dir), 0);
}

START_TEST(the_file_is_found_in_a_data_directory)
{
    uint8_t file[CONTROL_FILE_BYTES] = {0};
    struct err e = ERR_NONE;
    struct control c = {0};
    char dir[256];

    head_read("pg_control", 17, file, HEAD_MAX);
    pgdata_make(dir, file, sizeof(file));
    ck_assert_msg(control_read(dir, &c, &e) == ERR_OK, "%s", e.text);
    ck_assert_uint_eq(c.major, 17);
    pgdata_remove(dir);
}
END_TEST

START_TEST(a_damaged_empty_missing_or_oversized_file_is_an_error_that_names_it)
{
    static const struct {
        size_t len;
        enum err_code code;
    } cases[] = {{0, ERR_CORRUPT},
                 {100, ERR_CORRUPT},
                 {CONTROL_FILE_BYTES, ERR_CORRUPT},
                 {CONTROL_FILE_BYTES + 1, ERR_CORRUPT}};
    uint8_t file[CONTROL_FILE_BYTES + 1] = {0};
    struct err e = ERR_NONE;
    struct control c = {.major = 42};
    char dir[256];

    head_read("pg_control", 17, file, HEAD_MAX);
    file[100] ^= 1;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pgdata_make(dir, file, cases[i].len);
        ck_assert_int_eq(control_read(dir, &c, &e), cases[i].code);
        ck_assert_ptr_nonnull(strstr(e.text, "global/pg_control"));
        pgdata_remove(dir);
    }
    ck_assert_int_eq(control_read(dir, &c, &e), ERR_IO);
    ck_assert_ptr_nonnull(strstr(e.text, "global/pg_control"));
    ck_assert_uint_eq(c.major, 42);
}
END_TEST

START_TEST(arbitrary_bytes_are_safe_and_what_is_taken_has_possible_sizes)
{
    uint64_t state = 1;
    uint8_t head[HEAD_MAX];
    size_t taken = 0;

    for (int round = 0; round < 100000; round++) {
        struct err e = ERR_NONE;
        struct control c;

        if (round % 64 == 0)
            head_read("pg_control", captured[(size_t) (round / 64) % CAPTURED].major, head, HEAD_MAX);
        head[next_random(&state) % sizeof(head)] = (uint8_t) next_random(&state);
        le32_put(head + CRC_AT_15, crc32c(0, head, CRC_AT_15));
        if (control_parse(head, sizeof(head), &c, &e) != ERR_OK)
            continue;
        taken++;
        ck_assert_uint_ge(c.segment_bytes, MIB);
        ck_assert_uint_ge(c.block_bytes, 1024);
    }
    ck_assert_uint_gt(taken, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {the_control_file_of_every_version_is_read,
                                  every_changed_byte_is_noticed,
                                  every_truncation_is_refused,
                                  an_unknown_version_is_shown_and_an_unreleased_catalog_has_no_major,
                                  impossible_sizes_under_a_right_checksum_are_refused,
                                  the_file_is_found_in_a_data_directory,
                                  a_damaged_empty_missing_or_oversized_file_is_an_error_that_names_it,
                                  arbitrary_bytes_are_safe_and_what_is_taken_has_possible_sizes};

    return check_main(suite_of("pg/control", tests, sizeof(tests) / sizeof(tests[0])));
}
