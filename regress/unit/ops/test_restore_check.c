/*
 * test_restore_check.c - what the server's manifest does not confirm is refused.
 */
#include "ops/restore_check.h"

#include "base/hex.h"
#include "codec/crc32c.h"
#include "restored.h"

#define START 0x4000028
#define STOP  0x5000100
#define RANGES                                                                     \
    "{\"Timeline\": 2, \"Start-LSN\": \"0/5000000\", \"End-LSN\": \"0/5000100\"}," \
    "{\"Timeline\": 1, \"Start-LSN\": \"0/4000028\", \"End-LSN\": \"0/5000000\"}"

static const struct sample promised[] = {{"base/", 0700, EMPTY, 0}, {"base/one", 0600, NOISE, 100}};

/* A manifest of one file, with what it is to say of it, and as its ranges the WAL from START to STOP. */
static void write_manifest(const char *path, size_t size, uint32_t crc, const char *more_files)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(8192);
    uint8_t digest[SHA256_BYTES];
    char hex[2 * SHA256_BYTES + 1];
    struct err e = ERR_NONE;
    FILE *file = fopen(scratch_path(tree.pgdata, "backup_manifest"), "w");

    OK(buf_printf(
        &text, &e,
        "{\"PostgreSQL-Backup-Manifest-Version\": 1,\n\"Files\": [{\"Path\": \"%s\", \"Size\": %zu, "
        "\"Checksum-Algorithm\": \"CRC32C\", \"Checksum\": \"%02x%02x%02x%02x\"}%s],\n"
        "\"WAL-Ranges\": [" RANGES "],\n",
        path, size, crc & 0xff, crc >> 8 & 0xff, crc >> 16 & 0xff, crc >> 24, more_files));
    OK(sha256(text.data, text.len, digest, &e));
    hex_format(digest, sizeof(digest), hex);
    ck_assert_ptr_nonnull(file);
    ck_assert_int_gt(fprintf(file, "%s\"Manifest-Checksum\": \"%s\"}\n", buf_cstr(&text), hex), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static uint32_t promised_crc(void)
{
    uint8_t *bytes = content(&promised[1]);
    uint32_t crc = crc32c(0, bytes, promised[1].size);

    free(bytes);
    return crc;
}

/* What backup.json says, and what the manifest says of the one file. */
static const struct {
    const char *why;
    uint32_t timeline;
    lsn start, stop;
    const char *path;
    size_t size;
    uint32_t crc_flip;
    const char *more_files;
    const char *text; /* of the refusal; NULL: none */
} checked[] = {
    {"all as promised", 2, START, STOP, "base/one", 100, 0, "", NULL},
    {"an older timeline", 1, START, STOP, "base/one", 100, 0, "", "timeline or LSNs differ"},
    {"a newer timeline", 3, START, STOP, "base/one", 100, 0, "", "timeline or LSNs differ"},
    {"an earlier start", 2, START - 8, STOP, "base/one", 100, 0, "", "timeline or LSNs differ"},
    {"a later start", 2, START + 8, STOP, "base/one", 100, 0, "", "timeline or LSNs differ"},
    {"an earlier stop", 2, START, STOP - 8, "base/one", 100, 0, "", "timeline or LSNs differ"},
    {"a later stop", 2, START, STOP + 8, "base/one", 100, 0, "", "timeline or LSNs differ"},
    {"a file under another name", 2, START, STOP, "base/two", 100, 0, "", "is not in the server's manifest"},
    {"another size", 2, START, STOP, "base/one", 101, 0, "", "is not what the server's manifest promises"},
    {"other content", 2, START, STOP, "base/one", 100, 1, "", "is not what the server's manifest promises"},
    {"a file that is not there", 2, START, STOP, "base/one", 100, 0, ",{\"Path\": \"x\", \"Size\": 0}",
     "names 2 files, the index 1"},
};

START_TEST(what_the_servers_manifest_does_not_confirm_is_refused)
{
    CLEANUP(restore_files_freep) struct restore_files *f = NULL;
    struct err e = ERR_NONE;
    enum err_code code;

    store(promised, COUNT(promised));
    OK(lay_out_and_fill(&f, 2, &e));
    write_manifest(checked[_i].path, checked[_i].size, promised_crc() ^ checked[_i].crc_flip,
                   checked[_i].more_files);
    info.timeline = checked[_i].timeline;
    info.start_lsn = checked[_i].start;
    info.stop_lsn = checked[_i].stop;
    code = restore_check(f, &info, &e);
    ck_assert_msg(code == (checked[_i].text == NULL ? ERR_OK : ERR_CORRUPT), "%s: %d, %s", checked[_i].why,
                  (int) code, e.text);
    ck_assert_msg(checked[_i].text == NULL || strstr(e.text, checked[_i].text) != NULL, "%s: %s",
                  checked[_i].why, e.text);
}
END_TEST

START_TEST(without_the_servers_manifest_nothing_is_confirmed)
{
    CLEANUP(restore_files_freep) struct restore_files *f = NULL;
    struct err e = ERR_NONE;

    store(promised, COUNT(promised));
    OK(lay_out_and_fill(&f, 2, &e));
    ck_assert_int_ne(restore_check(f, &info, &e), ERR_OK);
    ck_assert_msg(strstr(e.text, "backup_manifest") != NULL, "%s", e.text);
}
END_TEST

START_TEST(a_file_that_the_index_names_twice_is_not_confirmed)
{
    CLEANUP(restore_files_freep) struct restore_files *f = NULL;
    const struct sample twice[] = {promised[0], promised[1], promised[1]};
    struct err e = ERR_NONE;

    store(twice, COUNT(twice));
    OK(lay_out_and_fill(&f, 2, &e));
    write_manifest("base/one", promised[1].size, promised_crc(), "");
    info.timeline = 2;
    info.start_lsn = START;
    info.stop_lsn = STOP;
    ck_assert_int_eq(restore_check(f, &info, &e), ERR_CORRUPT);
    ck_assert_msg(strstr(e.text, "names 1 files, the index 2") != NULL, "%s", e.text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/restore_check");
    TCase *tcase = tcase_create("ops/restore_check");

    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, what_the_servers_manifest_does_not_confirm_is_refused, 0,
                        (int) COUNT(checked));
    tcase_add_test(tcase, without_the_servers_manifest_nothing_is_confirmed);
    tcase_add_test(tcase, a_file_that_the_index_names_twice_is_not_confirmed);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
