/*
 * test_archive_file.c - a file of pg_wal is read once: hashed, its records noted, and kept in the form it is stored in.
 */
#include "ops/archive_file.h"

#include "codec/unseal.h"
#include "pgdata.h"

#include "check_main.h"

#define SEGMENT "000000010000000000000006"
#define PATH    "pg_wal/" SEGMENT

static void open_and_read(struct archive_file *f, enum codec codec)
{
    ck_assert_msg(archive_file_open(f, PATH, &e) == ERR_OK && archive_file_read(f, codec, 0, &e) == ERR_OK,
                  "%s", e.text);
}

/* What was kept, sealed for nobody and opened again. */
static void unpack(const struct archive_file *f, struct buf *out)
{
    CLEANUP(buf_clear) struct buf sealed = BUF_INIT(4 * MIB);
    CLEANUP(sink_freep) struct sink *to = NULL, *chain = NULL;
    const struct recipients nobody = {NULL, 0};
    const struct identities none = {NULL, 0};
    struct descriptor d = {.kind = "wal", .name = SEGMENT, .sized = true, .size = f->size};
    struct sink *plain;

    memcpy(d.sha256, f->sha256, SHA256_BYTES);
    ck_assert(buf_sink_new(&sealed, &to, &e) == ERR_OK &&
              packed_seal(&f->content, &d, &nobody, to, &e) == ERR_OK);
    ck_assert(buf_sink_new(out, &plain, &e) == ERR_OK &&
              unseal_sink_new(&none, NULL, NULL, plain, &chain, &e) == ERR_OK);
    ck_assert_msg(sink_write(chain, sealed.data, sealed.len, &e) == ERR_OK &&
                      sink_finish(chain, &e) == ERR_OK,
                  "%s", e.text);
}

START_TEST(a_segment_is_hashed_noted_and_compressed_in_one_pass)
{
    static const enum codec codecs[] = {CODEC_NONE, CODEC_LZ4, CODEC_ZSTD};
    CLEANUP(archive_file_clear) struct archive_file f = ARCHIVE_FILE_NONE;
    CLEANUP(buf_clear) struct buf back = BUF_INIT(2 * MIB);
    uint8_t *bytes = segment_bytes(SEGMENT, 7), digest[SHA256_BYTES];

    write_file(PATH, bytes, MIB);
    open_and_read(&f, codecs[_i]);
    ck_assert_int_eq(sha256(bytes, MIB, digest, &e), ERR_OK);
    ck_assert_mem_eq(f.sha256, digest, SHA256_BYTES);
    ck_assert(f.is_packed && f.content.codec == codecs[_i] && f.facts.has_records && !f.facts.is_damaged);
    ck_assert_uint_eq(f.facts.first_lsn, 6 * MIB);
    ck_assert_uint_eq(f.system_identifier, control.system_identifier);
    unpack(&f, &back);
    ck_assert(back.len == MIB && memcmp(back.data, bytes, MIB) == 0);
}
END_TEST

START_TEST(a_text_file_is_hashed_and_compressed_too)
{
    static const char text[] = "1\t0/5000148\tno recovery target specified\n";
    CLEANUP(archive_file_clear) struct archive_file f = ARCHIVE_FILE_NONE;
    uint8_t digest[SHA256_BYTES];

    write_file("pg_wal/00000002.history", text, sizeof(text) - 1);
    ck_assert_int_eq(archive_file_open(&f, "pg_wal/00000002.history", &e), ERR_OK);
    ck_assert_int_eq(archive_file_read(&f, CODEC_LZ4, 0, &e), ERR_OK);
    ck_assert_int_eq(sha256(text, sizeof(text) - 1, digest, &e), ERR_OK);
    ck_assert_mem_eq(f.sha256, digest, SHA256_BYTES);
    ck_assert(!archive_file_is_wal(&f) && f.is_packed);
    ck_assert_uint_eq(f.content.plain_bytes, sizeof(text) - 1);
}
END_TEST

START_TEST(a_file_that_changes_its_length_while_it_is_read_is_refused)
{
    for (int longer = 0; longer < 2; longer++) {
        CLEANUP(archive_file_clear) struct archive_file f = ARCHIVE_FILE_NONE;

        write_file(PATH, segment_bytes(SEGMENT, 7), MIB);
        ck_assert_int_eq(archive_file_open(&f, PATH, &e), ERR_OK);
        ck_assert_int_eq(truncate(PATH, longer ? MIB + 1 : MIB - 1), 0);
        ck_assert_int_eq(archive_file_read(&f, CODEC_LZ4, 0, &e), ERR_IO);
        ck_assert_ptr_nonnull(strstr(e.text, "changed while it was read"));
        e = ERR_NONE;
    }
}
END_TEST

START_TEST(read_again_it_must_be_what_was_hashed)
{
    CLEANUP(archive_file_clear) struct archive_file f = ARCHIVE_FILE_NONE;
    CLEANUP(buf_clear) struct buf again = BUF_INIT(2 * MIB);
    CLEANUP(sink_freep) struct sink *to = NULL;
    uint8_t *bytes = segment_bytes(SEGMENT, 7);

    write_file(PATH, bytes, MIB);
    open_and_read(&f, CODEC_LZ4);
    ck_assert(buf_sink_new(&again, &to, &e) == ERR_OK && archive_file_push(&f, to, &e) == ERR_OK);
    ck_assert(again.len == MIB && memcmp(again.data, bytes, MIB) == 0);
    bytes[MIB - 1] ^= 1;
    write_file(PATH, bytes, MIB);
    ck_assert_int_eq(archive_file_push(&f, to, &e), ERR_IO);
}
END_TEST

START_TEST(the_data_directory_is_the_path_without_its_last_two_components)
{
    static const char *const table[][2] = {{"pg_wal/" SEGMENT, "."},
                                           {"/srv/pg/pg_wal/" SEGMENT, "/srv/pg"},
                                           {"data/pg_wal/" SEGMENT, "data"},
                                           {"/pg_wal/" SEGMENT, "/"},
                                           {SEGMENT, "."}};

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct archive_file f = ARCHIVE_FILE_NONE;
        char out[64];

        f.path = table[i][0];
        archive_file_pgdata(&f, out, sizeof(out));
        ck_assert_str_eq(out, table[i][1]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/archive_file");
    TCase *tests = tcase_create("ops/archive_file");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, pgdata_set_up, pgdata_tear_down);
    tcase_add_loop_test(tests, a_segment_is_hashed_noted_and_compressed_in_one_pass, 0, 3);
    tcase_add_test(tests, a_text_file_is_hashed_and_compressed_too);
    tcase_add_test(tests, a_file_that_changes_its_length_while_it_is_read_is_refused);
    tcase_add_test(tests, read_again_it_must_be_what_was_hashed);
    tcase_add_test(tests, the_data_directory_is_the_path_without_its_last_two_components);
    suite_add_tcase(suite, tests);
    return check_main(suite);
}
