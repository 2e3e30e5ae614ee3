/*
 * test_backup_index.c - an index is read in any pieces, has one spelling, and nothing else passes for one.
 */
#include "repo/backup_index.h"

#include "base/buf.h"
#include "check_main.h"
#include "repo/record_text.h"
#include "stream/buf_sink.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ID           "20261120T021500Z-1a2b"
#define OLDER        "20261113T021500Z-0000"
#define TEXT_MAX     ((size_t) 1 << 20)
#define HASH         "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OK(call)                                   \
    do {                                           \
        if ((call) != ERR_OK)                      \
            ck_abort_msg("%s: %s", #call, e.text); \
    } while (0)

#define HEAD  "pitr-index 1 " ID "\nS\t0\t" ID "\n"
#define FILE8 "F\t600\t8\t0\tf\n"
#define CHUNK "C\t8\t" HASH "\t0\t0\t0\t300\t48\n"
#define CRC   "X\t0000abcd\n"

/* Writes every record it is handed again: what was read is then what was written. */
static enum err_code write_again(const struct index_record *r, void *arg, struct err *e)
{
    return index_write(arg, r, e);
}

static enum err_code ignore(const struct index_record *r, void *arg, struct err *e)
{
    (void) r;
    (void) arg;
    (void) e;
    return ERR_OK;
}

static enum err_code read_text(const char *id, const char *text, size_t len, size_t piece, index_visit *visit,
                               void *arg, struct err *e)
{
    CLEANUP(sink_freep) struct sink *s = NULL;

    if (index_read_sink_new(id, visit, arg, &s, e) != ERR_OK)
        return e->code;
    for (size_t at = 0; at < len; at += piece)
        if (sink_write(s, text + at, len - at < piece ? len - at : piece, e) != ERR_OK)
            return e->code;
    return sink_finish(s, e);
}

static enum err_code refuse(const char *text, struct err *e)
{
    return read_text(ID, text, strlen(text), strlen(text) + 1, ignore, NULL, e);
}

static const char odd_path[] = "base/\x01\t\n\r %\x7F\x80\xFF\"\\;#caf\xC3\xA9";

/* One of everything. */
static void write_sample(struct buf *text)
{
    static const struct index_record records[] = {
        {.type = INDEX_SOURCE, .number = 0, .id = ID},
        {.type = INDEX_SOURCE, .number = 1, .id = OLDER},
        {.type = INDEX_TABLESPACE, .number = 16384, .path = "/srv/ts one"},
        {.type = INDEX_DIRECTORY, .mode = 0700, .path = "base"},
        {.type = INDEX_DIRECTORY, .mode = 02750, .path = "pg_tblspc/16384"},
        {.type = INDEX_LINK, .path = "pg_wal", .target = "../wal %41"},
        {.type = INDEX_FILE, .mode = 0, .size = 0, .mtime = -1, .path = odd_path},
        {.type = INDEX_FILE_END, .crc32c = 0},
        {.type = INDEX_FILE, .mode = 0640, .size = 4294967304, .mtime = 1795184940, .path = "..a/.b/...c"},
        {.type = INDEX_CHUNK,
         .chunk = {.length = 8,
                   .sha256 = {0xAB, 1},
                   .source = 1,
                   .pack = LAYOUT_PACK_MAX,
                   .frame = 7,
                   .offset = INT64_MAX,
                   .stored = UINT32_MAX}},
        {.type = INDEX_ZEROS, .size = 4294967296},
        {.type = INDEX_FILE_END, .crc32c = 0xFEDCBA98},
        {.type = INDEX_END, .files = 2, .chunks = 1, .size = 4294967304},
    };
    CLEANUP(sink_freep) struct sink *to = NULL;
    struct err e = ERR_NONE;

    OK(buf_sink_new(text, &to, &e));
    OK(index_write_begin(to, ID, &e));
    for (size_t i = 0; i < COUNT(records); i++)
        OK(index_write(to, &records[i], &e));
}

START_TEST(an_index_comes_back_the_same_in_pieces_of_any_size)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(TEXT_MAX);

    write_sample(&text);
    for (size_t piece = 1; piece <= 70; piece++) {
        CLEANUP(buf_clear) struct buf again = BUF_INIT(TEXT_MAX);
        CLEANUP(sink_freep) struct sink *to = NULL;
        struct err e = {.code = ERR_IO, .text = "left by an earlier call"};

        OK(buf_sink_new(&again, &to, &e));
        OK(index_write_begin(to, ID, &e));
        OK(read_text(piece % 2 ? ID : NULL, (const char *) text.data, text.len, piece, write_again, to, &e));
        ck_assert_str_eq(buf_cstr(&again), buf_cstr(&text));
    }
}
END_TEST

static enum err_code look_for_odd_path(const struct index_record *r, void *arg, struct err *e)
{
    (void) e;
    if (r->type == INDEX_FILE && strcmp(r->path, odd_path) == 0)
        *(bool *) arg = true;
    return ERR_OK;
}

START_TEST(odd_bytes_of_a_path_survive)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(TEXT_MAX);
    struct err e = ERR_NONE;
    bool found = false;

    write_sample(&text);
    OK(read_text(ID, (const char *) text.data, text.len, 13, look_for_odd_path, &found, &e));
    ck_assert(found);
}
END_TEST

START_TEST(every_single_byte_but_nul_survives_in_a_path)
{
    for (int byte = 1; byte < 256; byte++) {
        CLEANUP(buf_clear) struct buf text = BUF_INIT(TEXT_MAX), again = BUF_INIT(TEXT_MAX);
        CLEANUP(sink_freep) struct sink *to = NULL, *back = NULL;
        char path[] = {'a', (char) byte, 'b', '\0'};
        struct index_record directory = {.type = INDEX_DIRECTORY, .mode = 0700, .path = path};
        struct index_record end = {.type = INDEX_END};
        struct err e = ERR_NONE;

        OK(buf_sink_new(&text, &to, &e));
        OK(index_write_begin(to, ID, &e));
        OK(index_write(to, &directory, &e));
        OK(index_write(to, &end, &e));
        OK(buf_sink_new(&again, &back, &e));
        OK(index_write_begin(back, ID, &e));
        OK(read_text(ID, (const char *) text.data, text.len, 5, write_again, back, &e));
        ck_assert_str_eq(buf_cstr(&again), buf_cstr(&text));
    }
}
END_TEST

START_TEST(a_line_out_of_form_is_refused_with_its_number)
{
    static const struct {
        const char *text; /* behind HEAD, as line 3 and on */
        int line;
        const char *why;
    } table[] = {
        {"\n", 3, "empty line"},
        {"Q\t1\n", 3, "unknown letter"},
        {"DD\t700\tbase\n", 3, "two letters"},
        {"\tD\t700\tbase\n", 3, "no letter"},
        {"D\t700\n", 3, "a field too few"},
        {"D\t700\tbase\tmore\n", 3, "a field too many"},
        {"D\t700\tbase\t\n", 3, "an empty field too many"},
        {"D 700 base\n", 3, "blanks for tabs"},
        {"D\t700\tbase\r\n", 3, "carriage return"},
        {"D\t\tbase\n", 3, "no mode"},
        {"D\t800\tbase\n", 3, "mode is not octal"},
        {"D\t0700\tbase\n", 3, "leading zero"},
        {"D\t10000\tbase\n", 3, "mode too large"},
        {"D\t+700\tbase\n", 3, "sign"},
        {"D\t 700\tbase\n", 3, "blank"},
        {"D\t0x7\tbase\n", 3, "hex"},
        {"D\t700\t\n", 3, "empty path"},
        {"D\t700\t/base\n", 3, "absolute path"},
        {"D\t700\t..\n", 3, "parent"},
        {"D\t700\ta/../../b\n", 3, "parent in between"},
        {"D\t700\ta/..\n", 3, "parent at the end"},
        {"D\t700\t.\n", 3, "the directory itself"},
        {"D\t700\ta/./b\n", 3, "dot"},
        {"D\t700\ta//b\n", 3, "empty component"},
        {"D\t700\ta/\n", 3, "slash at the end"},
        {"D\t700\t%2E%2E/b\n", 3, "encoded though plain"},
        {"D\t700\ta%2Fb\n", 3, "encoded slash"},
        {"D\t700\ta%00b\n", 3, "encoded NUL"},
        {"D\t700\ta%0\n", 3, "half a pair"},
        {"D\t700\ta%\n", 3, "no pair"},
        {"D\t700\ta%0ab\n", 3, "small digit"},
        {"D\t700\ta%0Gb\n", 3, "no digit"},
        {"D\t700\ta% Ab\n", 3, "blank in a pair"},
        {"D\t700\ta b\n", 3, "plain blank"},
        {"D\t700\ta\x7F\n", 3, "plain DEL"},
        {"D\t700\ta\xC3\xA9\n", 3, "plain bytes above"},
        {"L\tpg_wal\t\n", 3, "link to nowhere"},
        {"L\t/pg_wal\tx\n", 3, "absolute link"},
        {"L\tpg_wal\n", 3, "link without target"},
        {"L\tpg_wal\ta b\n", 3, "target not encoded"},
        {"T\t0\t/ts\n", 3, "tablespace 0"},
        {"T\t4294967296\t/ts\n", 3, "no OID"},
        {"T\t16384\t\n", 3, "tablespace nowhere"},
        {"T\t-1\t/ts\n", 3, "negative OID"},
        {"S\t0\t" ID "\n", 3, "source twice"},
        {"S\t2\t" OLDER "\n", 3, "source skipped"},
        {"S\t1\tbackup\n", 3, "source is no backup"},
        {"S\t01\t" OLDER "\n", 3, "leading zero"},
        {"F\t600\t8\t0\n", 3, "file without path"},
        {"F\t600\t-8\t0\tf\n", 3, "negative size"},
        {"F\t600\t9223372036854775808\t0\tf\n", 3, "size beyond 2^63"},
        {"F\t600\t99999999999999999999\t0\tf\n", 3, "size beyond 2^64"},
        {"F\t600\t18446744073709551617\t0\tf\n", 3, "size 1 modulo 2^64"},
        {"F\t600\t08\t0\tf\n", 3, "leading zero"},
        {"F\t600\t8\t-0\tf\n", 3, "minus zero"},
        {"F\t600\t8\t--1\tf\n", 3, "two signs"},
        {"F\t600\t8\t+1\tf\n", 3, "plus"},
        {"F\t600\t8\t\tf\n", 3, "no time"},
        {"F\t600\t8\t-\tf\n", 3, "sign alone"},
        {"F\t600\t8\t0\t../f\n", 3, "parent"},
        {CHUNK, 3, "chunk outside a file"},
        {"Z\t8\n", 3, "zeros outside a file"},
        {CRC, 3, "end of no file"},
        {FILE8 CRC, 4, "file ends too early"},
        {FILE8 "Z\t7\n" CRC, 5, "a byte is missing"},
        {FILE8 "Z\t9\n", 4, "a byte too many"},
        {FILE8 "Z\t0\n", 4, "no zeros"},
        {FILE8 "Z\t-8\n", 4, "negative"},
        {FILE8 CHUNK "Z\t1\n", 5, "zeros behind the file's end"},
        {FILE8 CHUNK CHUNK, 5, "chunk behind the file's end"},
        {FILE8 FILE8, 4, "file within a file"},
        {FILE8 "D\t700\tbase\n", 4, "directory within a file"},
        {FILE8 "L\ta\tb\n", 4, "link within a file"},
        {FILE8 "T\t16384\t/ts\n", 4, "tablespace within a file"},
        {FILE8 "S\t1\t" OLDER "\n", 4, "source within a file"},
        {FILE8 "E\t1\t0\t8\n", 4, "end within a file"},
        {FILE8 "C\t8\t" HASH "\t1\t0\t0\t300\t48\n", 4, "source not known"},
        {FILE8 "C\t0\t" HASH "\t0\t0\t0\t300\t48\n", 4, "empty chunk"},
        {FILE8 "C\t8\t" HASH "\t0\t0\t0\t300\t0\n", 4, "stored in no bytes"},
        {FILE8 "C\t8\t" HASH "0\t0\t0\t0\t300\t48\n", 4, "hash too long"},
        {FILE8 "C\t8\t0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef\t0\t0\t0\t300\t48\n",
         4, "hash in capitals"},
        {FILE8 "C\t8\t" HASH "\t0\t1000000\t0\t300\t48\n", 4, "pack beyond the six digits of a key"},
        {FILE8 "C\t8\t" HASH "\t0\t0\t16777216\t300\t48\n", 4, "frame beyond what an object holds"},
        {FILE8 "C\t8\t" HASH "\t0\t4294967296\t0\t300\t48\n", 4, "pack beyond 32 bits"},
        {FILE8 "C\t8\t" HASH "\t0\t0\t4294967296\t300\t48\n", 4, "frame beyond 32 bits"},
        {FILE8 "C\t8\t" HASH "\t0\t0\t0\t9223372036854775808\t48\n", 4, "offset beyond 2^63"},
        {FILE8 "C\t8\t" HASH "\t0\t0\t0\t300\n", 4, "a field too few"},
        {FILE8 CHUNK "X\tabcd\n", 5, "short CRC"},
        {FILE8 CHUNK "X\t0000ABCD\n", 5, "CRC in capitals"},
        {FILE8 CHUNK "X\t0000000abcd\n", 5, "long CRC"},
        {FILE8 CHUNK "X\t0000abc\n", 5, "seven digits"},
        {FILE8 CHUNK CRC "E\t2\t1\t8\n", 6, "wrong count of files"},
        {FILE8 CHUNK CRC "E\t1\t2\t8\n", 6, "wrong count of chunks"},
        {FILE8 CHUNK CRC "E\t1\t1\t9\n", 6, "wrong sum"},
        {FILE8 CHUNK CRC "E\t1\t1\n", 6, "a field too few"},
        {"E\t0\t0\t0\nD\t700\tbase\n", 4, "record behind the end"},
        {"E\t0\t0\t0\nE\t0\t0\t0\n", 4, "two ends"},
        {"E\t0\t0\t0\n\n", 4, "empty line behind the end"},
        {"E\t0\t0\t00\n", 3, "leading zero"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        CLEANUP(buf_clear) struct buf text = BUF_INIT(TEXT_MAX);
        struct err e = ERR_NONE;
        char at[64];

        OK(buf_puts(&text, HEAD, &e));
        OK(buf_puts(&text, table[i].text, &e));
        if (refuse(buf_cstr(&text), &e) != ERR_CORRUPT)
            ck_abort_msg("%s: %s", table[i].why, e.text);
        (void) snprintf(at, sizeof(at), "line %d, is not of its form", table[i].line);
        if (strstr(e.text, at) == NULL)
            ck_abort_msg("%s: %s", table[i].why, e.text);
    }
}
END_TEST

START_TEST(a_text_that_does_not_begin_or_end_is_refused)
{
    static const struct {
        const char *text, *why;
    } table[] = {
        {"", "empty"},
        {"\n", "empty line"},
        {"pitr-index 1 " ID, "cut in the first line"},
        {"pitr-index 2 " ID "\n", "newer"},
        {"pitr-index 1 latest\n", "no backup"},
        {"pitr-index 1 " OLDER "\n", "another backup"},
        {"pitr-index 1 " ID " \n", "blank at the end"},
        {"S\t0\t" ID "\n", "no first line"},
        {"pitr-index 1 " ID "\nS\t0\t" OLDER "\n", "source 0 is another backup"},
        {HEAD, "no end"},
        {HEAD "E\t0\t0\t0", "end without newline"},
        {HEAD FILE8 CHUNK, "cut in a file"},
        {HEAD "E\t0\t0\t0\nx", "bytes behind the end"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct err e = ERR_NONE;

        if (refuse(table[i].text, &e) != ERR_CORRUPT)
            ck_abort_msg("%s: %s", table[i].why, e.text);
    }
}
END_TEST

START_TEST(an_index_without_files_is_whole)
{
    struct err e = ERR_NONE;

    OK(refuse(HEAD "E\t0\t0\t0\n", &e));
    OK(refuse(HEAD FILE8 CHUNK CRC "E\t1\t1\t8\n", &e));
}
END_TEST

START_TEST(sizes_whose_sum_does_not_fit_are_refused)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(TEXT_MAX);
    struct err e = ERR_NONE;

    OK(buf_puts(&text, HEAD, &e));
    for (int i = 0; i < 2; i++)
        OK(buf_puts(&text, "F\t600\t9223372036854775807\t0\tf\nZ\t9223372036854775807\n" CRC, &e));
    OK(buf_puts(&text, "F\t600\t2\t0\tf\nZ\t2\n" CRC, &e));
    OK(buf_puts(&text, "E\t3\t0\t0\n", &e)); /* the sum modulo 2^64 */
    ck_assert_int_eq(refuse(buf_cstr(&text), &e), ERR_CORRUPT);
}
END_TEST

START_TEST(a_nul_byte_is_refused)
{
    static const char text[] = HEAD "D\t700\tbase\0x\nE\t0\t0\t0\n";
    struct err e = ERR_NONE;

    ck_assert_int_eq(read_text(ID, text, sizeof(text) - 1, 7, ignore, NULL, &e), ERR_CORRUPT);
}
END_TEST

START_TEST(a_line_may_be_long_but_not_longer_than_agreed)
{
    static const struct {
        size_t length; /* of the line without its newline */
        enum err_code code;
    } table[] = {
        {RECORD_LINE_MAX, ERR_OK}, {RECORD_LINE_MAX + 1, ERR_CORRUPT}, {4 * RECORD_LINE_MAX, ERR_CORRUPT}};

    for (size_t i = 0; i < COUNT(table); i++) {
        CLEANUP(buf_clear) struct buf text = BUF_INIT(TEXT_MAX);
        struct err e = ERR_NONE;

        OK(buf_puts(&text, HEAD "D\t700\t", &e));
        for (size_t n = strlen("D\t700\t"); n < table[i].length; n++)
            OK(buf_puts(&text, "a", &e));
        OK(buf_puts(&text, "\nE\t0\t0\t0\n", &e));
        ck_assert_int_eq(read_text(ID, buf_cstr(&text), text.len, 4096, ignore, NULL, &e), table[i].code);
        ck_assert_int_eq(read_text(ID, buf_cstr(&text), text.len, text.len, ignore, NULL, &e), table[i].code);
    }
}
END_TEST

START_TEST(the_longest_paths_that_are_written_are_read)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(TEXT_MAX);
    CLEANUP(sink_freep) struct sink *to = NULL;
    char path[4097 + 1];
    struct index_record link = {.type = INDEX_LINK, .path = path, .target = path};
    struct index_record end = {.type = INDEX_END};
    struct err e = ERR_NONE;

    memset(path, '\xFF', sizeof(path));
    path[4097] = '\0';
    OK(buf_sink_new(&text, &to, &e));
    OK(index_write_begin(to, ID, &e));
    ck_assert_int_eq(index_write(to, &link, &e), ERR_CORRUPT);
    path[4096] = '\0';
    OK(index_write(to, &link, &e));
    OK(index_write(to, &end, &e));
    OK(read_text(ID, buf_cstr(&text), text.len, 100, ignore, NULL, &e));
}
END_TEST

static enum err_code fail_at_file(const struct index_record *r, void *arg, struct err *e)
{
    (void) arg;
    return r->type == INDEX_FILE ? err_set(e, ERR_DENIED, "enough") : ERR_OK;
}

START_TEST(a_visit_that_fails_ends_the_reading_with_its_own_words)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(TEXT_MAX);
    struct err e = ERR_NONE;

    write_sample(&text);
    ck_assert_int_eq(read_text(ID, buf_cstr(&text), text.len, 50, fail_at_file, NULL, &e), ERR_DENIED);
    ck_assert_str_eq(e.text, "enough");
}
END_TEST

START_TEST(every_cut_is_refused)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(TEXT_MAX);

    write_sample(&text);
    for (size_t len = 0; len < text.len; len++) {
        struct err e = ERR_NONE;

        if (read_text(ID, (const char *) text.data, len, 64, ignore, NULL, &e) != ERR_CORRUPT)
            ck_abort_msg("cut at %zu", len);
    }
}
END_TEST

/* Whatever a mutated text says: it is refused, or it is the one spelling of what was read from it. */
START_TEST(mutated_texts_are_refused_or_read_as_they_are_spelled)
{
    CLEANUP(buf_clear)
    struct buf good = BUF_INIT(TEXT_MAX),
               bad = BUF_INIT(TEXT_MAX), again = BUF_INIT(TEXT_MAX);
    static const char bytes[] = "\t\n%/.0123456789ABCDEFabcdefSTDLFCZXE-+ \0\xFF";
    uint64_t state = 88172645463325252u;

    write_sample(&good);
    for (int round = 0; round < 20000; round++) {
        struct sink *to;
        struct err e = ERR_NONE;
        size_t edits;

        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        buf_reset(&bad);
        buf_reset(&again);
        OK(buf_append(&bad, good.data, good.len, &e));
        edits = 1 + state % 3;
        for (size_t n = 0; n < edits; n++) {
            uint64_t dice = state >> (8 + 16 * n);
            size_t at = (dice ^ (state >> 40)) % bad.len;

            if (dice % 4 == 0 && bad.len > 1)
                memmove(bad.data + at, bad.data + at + 1, --bad.len - at);
            else
                bad.data[at] = (uint8_t) bytes[(dice >> 2) % (sizeof(bytes) - 1)];
        }
        OK(buf_sink_new(&again, &to, &e));
        OK(index_write_begin(to, ID, &e));
        if (read_text(ID, (const char *) bad.data, bad.len, 1 + state % 70, write_again, to, &e) == ERR_OK &&
            (again.len != bad.len || memcmp(again.data, bad.data, bad.len) != 0))
            ck_abort_msg("round %d: read what is spelled otherwise:\n%s", round, buf_cstr(&bad));
        sink_free(to);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        an_index_comes_back_the_same_in_pieces_of_any_size,
        odd_bytes_of_a_path_survive,
        every_single_byte_but_nul_survives_in_a_path,
        a_line_out_of_form_is_refused_with_its_number,
        a_text_that_does_not_begin_or_end_is_refused,
        an_index_without_files_is_whole,
        sizes_whose_sum_does_not_fit_are_refused,
        a_nul_byte_is_refused,
        a_line_may_be_long_but_not_longer_than_agreed,
        the_longest_paths_that_are_written_are_read,
        a_visit_that_fails_ends_the_reading_with_its_own_words,
        every_cut_is_refused,
        mutated_texts_are_refused_or_read_as_they_are_spelled,
    };

    return check_main(suite_of("repo/backup_index", tests, COUNT(tests)));
}
