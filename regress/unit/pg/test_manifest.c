/*
 * manifest: both versions, encoded paths, the byte order of CRC-32C, and every way to be damaged.
 */
#include "pg/manifest.h"

#include "base/hex.h"
#include "check_main.h"
#include "codec/crc32c.h"
#include "codec/sha256.h"
#include <stdio.h>
#include <string.h>

#define V2 "{ \"PostgreSQL-Backup-Manifest-Version\": 2,\n\"System-Identifier\": 7291837465012345678,\n"
#define V1 "{ \"PostgreSQL-Backup-Manifest-Version\": 1,\n"
#define FILE_A                                                                                \
    "{ \"Path\": \"base/1/2\", \"Size\": 3, \"Last-Modified\": \"2026-11-20 14:29:00 GMT\", " \
    "\"Checksum-Algorithm\": \"CRC32C\", \"Checksum\": \"64440205\" }"
#define FILE_B "{ \"Path\": \"PG_VERSION\", \"Size\": 0 }"
#define RANGES                                                                                            \
    "\"WAL-Ranges\": [\n{ \"Timeline\": 2, \"Start-LSN\": \"0/5000028\", \"End-LSN\": \"0/5000100\" },\n" \
    "{ \"Timeline\": 1, \"Start-LSN\": \"0/4000028\", \"End-LSN\": \"0/5000028\" }\n],\n"
#define GOOD V2 "\"Files\": [\n" FILE_A ",\n" FILE_B "\n],\n" RANGES

/* Put the last line behind a body. */
static size_t seal_text(const char *body, char *out, size_t size)
{
    uint8_t digest[SHA256_BYTES];
    char hex[2 * SHA256_BYTES + 1];
    struct err e = ERR_NONE;

    ck_assert_int_eq(sha256(body, strlen(body), digest, &e), ERR_OK);
    hex_format(digest, sizeof(digest), hex);
    return (size_t) snprintf(out, size, "%s\"Manifest-Checksum\": \"%s\"}\n", body, hex);
}

static enum err_code parse_body(const char *body, struct manifest *m, struct err *e)
{
    static char text[16384];
    size_t len = seal_text(body, text, sizeof(text));

    return manifest_parse(text, len, m, e);
}

START_TEST(version_2_is_read)
{
    struct err e = ERR_NONE;
    struct manifest m = MANIFEST_EMPTY;
    const struct manifest_file *f;

    ck_assert_msg(parse_body(GOOD, &m, &e) == ERR_OK, "%s", e.text);
    ck_assert_uint_eq(m.version, 2);
    ck_assert_uint_eq(m.system_identifier, 7291837465012345678u);
    ck_assert_uint_eq(m.file_count, 2);
    ck_assert_str_eq(m.files[0].path, "PG_VERSION");
    ck_assert_int_eq(m.files[0].algorithm, MANIFEST_NONE);
    ck_assert_ptr_eq(manifest_find(&m, "base/1"), NULL);
    f = manifest_find(&m, "base/1/2");
    ck_assert_ptr_eq(f, &m.files[1]);
    ck_assert_uint_eq(f->size, 3);
    ck_assert_uint_eq(m.range_count, 2);
    ck_assert_uint_eq(m.ranges[0].tli, 2);
    ck_assert_uint_eq(m.ranges[0].start, 0x5000028);
    ck_assert_uint_eq(m.ranges[1].end, 0x5000028);
    manifest_clear(&m);
    ck_assert_uint_eq(m.file_count, 0);
}
END_TEST

START_TEST(crc32c_is_compared_in_memory_order)
{
    struct err e = ERR_NONE;
    struct manifest m = MANIFEST_EMPTY;
    const struct manifest_file *f;

    ck_assert_int_eq(parse_body(GOOD, &m, &e), ERR_OK);
    f = manifest_find(&m, "base/1/2");
    ck_assert_uint_eq(crc32c(0, "17\n", 3), 0x05024464);
    ck_assert(manifest_has_crc32c(f, 0x05024464));
    ck_assert(!manifest_has_crc32c(f, 0x64440205));
    ck_assert(!manifest_has_crc32c(manifest_find(&m, "PG_VERSION"), 0));
    manifest_clear(&m);
}
END_TEST

START_TEST(version_1_has_no_system_identifier)
{
    struct err e = ERR_NONE;
    struct manifest m = MANIFEST_EMPTY;

    ck_assert_msg(parse_body(V1 "\"Files\": [\n" FILE_A "\n],\n" RANGES, &m, &e) == ERR_OK, "%s", e.text);
    ck_assert_uint_eq(m.version, 1);
    ck_assert_uint_eq(m.system_identifier, 0);
    manifest_clear(&m);
}
END_TEST

START_TEST(paths_are_bytes)
{
    static const struct {
        const char *member, *path;
    } rows[] = {
        {"\"Encoded-Path\": \"62617365ff2f0a\"", "base\xff/\n"},
        {"\"Path\": \"a \\\"quoted\\\" \\u00e4\\t\"", "a \"quoted\" \xc3\xa4\t"},
        {"\"Path\": \"[{,]}:\"", "[{,]}:"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char body[4096];
        struct err e = ERR_NONE;
        struct manifest m = MANIFEST_EMPTY;

        (void) snprintf(body, sizeof(body), V2 "\"Files\": [ { %s, \"Size\": 1 } ],\n" RANGES,
                        rows[i].member);
        ck_assert_msg(parse_body(body, &m, &e) == ERR_OK, "%s", e.text);
        ck_assert_str_eq(m.files[0].path, rows[i].path);
        manifest_clear(&m);
    }
}
END_TEST

START_TEST(all_algorithms_are_known)
{
    static const struct {
        const char *name;
        enum manifest_algorithm algorithm;
        size_t bytes;
    } rows[] = {
        {"CRC32C", MANIFEST_CRC32C, 4},  {"SHA224", MANIFEST_SHA224, 28}, {"SHA256", MANIFEST_SHA256, 32},
        {"SHA384", MANIFEST_SHA384, 48}, {"SHA512", MANIFEST_SHA512, 64}, {"NONE", MANIFEST_NONE, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char body[4096], hex[2 * 64 + 1];
        struct err e = ERR_NONE;
        struct manifest m = MANIFEST_EMPTY;

        memset(hex, 'a', sizeof(hex));
        hex[2 * rows[i].bytes] = '\0';
        (void) snprintf(body, sizeof(body),
                        V2 "\"Files\": [{\"Path\": \"x\", \"Size\": 1, \"Checksum-Algorithm\": \"%s\", "
                           "\"Checksum\": \"%s\"}],\n" RANGES,
                        rows[i].name, hex);
        ck_assert_msg(parse_body(body, &m, &e) == ERR_OK, "%s: %s", rows[i].name, e.text);
        ck_assert_int_eq(m.files[0].algorithm, rows[i].algorithm);
        for (size_t k = 0; k < rows[i].bytes; k++)
            ck_assert_uint_eq(m.files[0].digest[k], 0xaa);
        manifest_clear(&m);
    }
}
END_TEST

START_TEST(many_files_are_found_again)
{
    enum { FILES = 5000 };
    static char body[FILES * 64 + 1024], text[sizeof(body) + 256];
    struct err e = ERR_NONE;
    struct manifest m = MANIFEST_EMPTY;
    size_t len = (size_t) snprintf(body, sizeof(body), V2 "\"Files\": [");

    for (int i = 0; i < FILES; i++)
        len += (size_t) snprintf(body + len, sizeof(body) - len, "%s{\"Path\": \"base/%d\", \"Size\": %d}",
                                 i ? ",\n" : "", (i * 7919) % FILES, (i * 7919) % FILES);
    len += (size_t) snprintf(body + len, sizeof(body) - len, "],\n" RANGES);
    len = seal_text(body, text, sizeof(text));
    ck_assert_msg(manifest_parse(text, len, &m, &e) == ERR_OK, "%s", e.text);
    ck_assert_uint_eq(m.file_count, FILES);
    for (int i = 0; i < FILES; i++) {
        char path[32];

        (void) snprintf(path, sizeof(path), "base/%d", i);
        ck_assert_ptr_ne(manifest_find(&m, path), NULL);
        ck_assert_uint_eq(manifest_find(&m, path)->size, (unsigned) i);
    }
    manifest_clear(&m);
}
END_TEST

START_TEST(what_is_no_manifest_is_refused)
{
    static const struct {
        const char *body, *expected, *why;
    } bad[] = {
        {"\n", "expected '{'", "nothing"},
        {"{ \"Files\": [" FILE_A "],\n" RANGES, "Version\" is missing", "no version"},
        {"{ \"PostgreSQL-Backup-Manifest-Version\": 3,\n\"Files\": [" FILE_A "],\n" RANGES,
         "unknown version 3", "new"},
        {"{ \"PostgreSQL-Backup-Manifest-Version\": \"2\",\n\"Files\": [" FILE_A "],\n" RANGES,
         "no valid number", "text"},
        {"{ \"PostgreSQL-Backup-Manifest-Version\": 2,\n\"Files\": [" FILE_A "],\n" RANGES,
         "System-Identifier\" is missing", "no id"},
        {V2 "\"Files\": [],\n" RANGES, "no files or no WAL", "no files"},
        {V2 RANGES, "no files or no WAL", "no list of files"},
        {V2 "\"Files\": [" FILE_A "],\n\"WAL-Ranges\": [],\n", "no files or no WAL", "no WAL"},
        {V2 "\"Files\": [" FILE_A "," FILE_B "," FILE_A "],\n" RANGES, "\"base/1/2\" comes twice",
         "a path twice"},
        {V2 "\"Files\": [" FILE_A "],\n\"Files\": [" FILE_B "],\n" RANGES, "comes twice", "two lists"},
        {V2 "\"Files\": [" FILE_A ",],\n" RANGES, "invalid JSON", "a comma too many"},
        {V2 "\"Files\": [" FILE_A " " FILE_B "],\n" RANGES, "expected ']'", "a comma too few"},
        {V2 "\"Files\": {\"a\": 1},\n" RANGES, "expected '['", "no array"},
        {V2 "\"Files\": [1],\n" RANGES, "no object", "a number for a file"},
        {V2 "\"Files\": [{\"Size\": 1}],\n" RANGES, "file 1: \"Path\" is missing", "no path"},
        {V2 "\"Files\": [{\"Path\": \"\", \"Size\": 1}],\n" RANGES, "path is empty", "empty path"},
        {V2 "\"Files\": [{\"Path\": \"x\"}],\n" RANGES, "\"Size\" is missing", "no size"},
        {V2 "\"Files\": [{\"Path\": \"x\", \"Size\": -1}],\n" RANGES, "\"Size\"", "a negative size"},
        {V2 "\"Files\": [{\"Path\": \"x\", \"Size\": 1.5}],\n" RANGES, "\"Size\"", "half a byte"},
        {V2 "\"Files\": [{\"Path\": \"x\", \"Size\": 1, \"Size\": 2}],\n" RANGES, "invalid JSON",
         "two sizes"},
        {V2 "\"Files\": [{\"Path\": \"x\", \"Encoded-Path\": \"61\", \"Size\": 1}],\n" RANGES, "both",
         "two paths"},
        {V2 "\"Files\": [{\"Encoded-Path\": \"6\", \"Size\": 1}],\n" RANGES, "Encoded-Path", "odd digits"},
        {V2 "\"Files\": [{\"Encoded-Path\": \"6100\", \"Size\": 1}],\n" RANGES, "Encoded-Path",
         "a zero byte"},
        {V2 "\"Files\": [{\"Path\": \"a\\u0000b\", \"Size\": 1}],\n" RANGES, "invalid JSON",
         "a zero byte escaped"},
        {V2 "\"Files\": [{\"Path\": \"x\", \"Size\": 1, \"Checksum\": \"00\"}],\n" RANGES,
         "Checksum-Algorithm", "no name"},
        {V2 "\"Files\": [{\"Path\": \"x\", \"Size\": 1, \"Checksum-Algorithm\": \"MD5\", \"Checksum\": "
            "\"00\"}],\n" RANGES,
         "\"MD5\"", "MD5"},
        {V2 "\"Files\": [{\"Path\": \"x\", \"Size\": 1, \"Checksum-Algorithm\": \"CRC32C\", \"Checksum\": "
            "\"0000\"}],\n" RANGES,
         "\"0000\"", "short"},
        {V2 "\"Files\": [" FILE_A
            "],\n\"WAL-Ranges\": [{\"Timeline\": 0, \"Start-LSN\": \"0/1\", \"End-LSN\": \"0/2\"}],\n",
         "WAL range 1", "TLI 0"},
        {V2 "\"Files\": [" FILE_A
            "],\n\"WAL-Ranges\": [{\"Timeline\": 1, \"Start-LSN\": \"0/3\", \"End-LSN\": \"0/2\"}],\n",
         "WAL range 1", "backwards"},
        {V2 "\"Files\": [" FILE_A
            "],\n\"WAL-Ranges\": [{\"Timeline\": 1, \"Start-LSN\": \"x\", \"End-LSN\": \"0/2\"}],\n",
         "WAL range 1", "no LSN"},
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err e = ERR_NONE;
        struct manifest m = MANIFEST_EMPTY;

        ck_assert_msg(parse_body(bad[i].body, &m, &e) == ERR_CORRUPT, "%s", bad[i].why);
        ck_assert_msg(strstr(e.text, bad[i].expected) != NULL, "%s: %s", bad[i].why, e.text);
        ck_assert_ptr_eq(m.files, NULL);
    }
}
END_TEST

START_TEST(every_cut_and_every_flipped_byte_is_refused)
{
    char text[2048], hurt[2048];
    size_t len = seal_text(GOOD, text, sizeof(text));

    for (size_t cut = 0; cut < len - 1; cut++) { /* only the last newline may be missing */
        struct err e = ERR_NONE;
        struct manifest m = MANIFEST_EMPTY;

        ck_assert_msg(manifest_parse(text, cut, &m, &e) == ERR_CORRUPT, "cut at %zu", cut);
    }
    for (size_t at = 0; at < len - 1; at++) {
        struct err e = ERR_NONE;
        struct manifest m = MANIFEST_EMPTY;

        memcpy(hurt, text, len);
        hurt[at] ^= 0x01;
        ck_assert_msg(manifest_parse(hurt, len, &m, &e) == ERR_CORRUPT, "byte %zu", at);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        version_2_is_read,
        crc32c_is_compared_in_memory_order,
        version_1_has_no_system_identifier,
        paths_are_bytes,
        all_algorithms_are_known,
        many_files_are_found_again,
        what_is_no_manifest_is_refused,
        every_cut_and_every_flipped_byte_is_refused,
    };

    return check_main(suite_of("pg/manifest", tests, sizeof(tests) / sizeof(tests[0])));
}
