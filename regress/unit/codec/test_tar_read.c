/*
 * tar_read: made by libarchive and by hand, in pieces of every size, cut everywhere.
 */
#include "check_main.h"
#include "codec/tar_read.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAR_MAX (1 << 20)

/* A source: bytes in memory, handed out in pieces of `chunk`, failing at fail_at if that is set. */
struct source {
    const uint8_t *bytes;
    size_t len;
    size_t chunk;
    size_t at;
    size_t fail_at;
    bool has_ended;
    uint8_t piece[TAR_MAX]; /* so that a reader that keeps old pieces is found out */
};

static enum err_code source_pull(void *arg, const void **bytes, size_t *len, struct err *e)
{
    struct source *s = arg;
    size_t want = s->len - s->at < s->chunk ? s->len - s->at : s->chunk;

    ck_assert_msg(!s->has_ended, "pulled behind the end");
    if (s->fail_at > 0 && s->at >= s->fail_at)
        return err_set(e, ERR_UNREACHABLE, "the server went away");
    memset(s->piece, 0xAA, s->chunk < TAR_MAX ? s->chunk : TAR_MAX);
    memcpy(s->piece, s->bytes + s->at, want);
    s->at += want;
    s->has_ended = want == 0;
    *bytes = s->piece;
    *len = want;
    return ERR_OK;
}

/* A listing: "f path mode size mtime sum;", so that a whole archive compares as one string. */
struct listing {
    char text[8192];
    size_t len;
    uint64_t size, got, sum;
    int fail_in; /* 1 begin, 2 data, 3 end */
    bool is_open;
};

static enum err_code listing_begin(void *arg, const struct tar_member *m, struct err *e)
{
    struct listing *l = arg;

    ck_assert(!l->is_open);
    l->is_open = true;
    l->size = m->size;
    l->got = l->sum = 0;
    l->len +=
        (size_t) snprintf(l->text + l->len, sizeof(l->text) - l->len, "%c %s%s%s %o %llu %lld ",
                          "fdl"[m->type], m -> path, m -> target ? " > " : "", m->target ? m->target : "",
                          (unsigned) m->mode, (unsigned long long) m->size, (long long) m->mtime);
    return l->fail_in == 1 ? err_set(e, ERR_IO, "begin failed") : ERR_OK;
}

static enum err_code listing_data(void *arg, const void *bytes, size_t len, struct err *e)
{
    struct listing *l = arg;

    for (size_t i = 0; i < len; i++)
        l->sum = l->sum * 31 + ((const uint8_t *) bytes)[i];
    l->got += len;
    return l->fail_in == 2 ? err_set(e, ERR_IO, "data failed") : ERR_OK;
}

static enum err_code listing_end(void *arg, struct err *e)
{
    struct listing *l = arg;

    ck_assert(l->is_open);
    l->is_open = false;
    ck_assert_uint_eq(l->got, l->size);
    l->len +=
        (size_t) snprintf(l->text + l->len, sizeof(l->text) - l->len, "%llx;", (unsigned long long) l->sum);
    return l->fail_in == 3 ? err_set(e, ERR_IO, "end failed") : ERR_OK;
}

static struct source src; /* large: not on the stack */

static enum err_code list(const uint8_t *bytes, size_t len, size_t chunk, struct listing *l, struct err *e)
{
    struct tar_events events = {listing_begin, listing_data, listing_end, l};

    src.bytes = bytes;
    src.len = len;
    src.chunk = chunk;
    src.at = 0;
    src.has_ended = false;
    return tar_read(source_pull, &src, &events, e);
}

/* Tar blocks by hand. */
struct tape {
    uint8_t bytes[TAR_MAX];
    size_t len;
};
static struct tape tape;

static void put_sum(uint8_t *h)
{
    unsigned sum = 0;

    memset(h + 148, ' ', 8);
    for (int i = 0; i < 512; i++)
        sum += h[i];
    (void) snprintf((char *) h + 148, 8, "%06o", sum);
    h[155] = ' ';
}

static uint8_t *put_header(const char *name, char type, uint64_t size, const char *target)
{
    uint8_t *h = tape.bytes + tape.len;

    memset(h, 0, 512);
    memcpy(h, name, strlen(name));
    memcpy(h + 100, "0000600 ", 8);
    memcpy(h + 108, "0000000 ", 8);
    memcpy(h + 116, "0000000 ", 8);
    (void) snprintf((char *) h + 124, 12, "%011o", (unsigned) size);
    h[135] = ' ';
    (void) snprintf((char *) h + 136, 12, "%011o", 1000000000u);
    h[147] = ' ';
    h[156] = (uint8_t) type;
    memcpy(h + 157, target, strlen(target));
    memcpy(h + 257, "ustar\00000", 8);
    put_sum(h);
    tape.len += 512;
    return h;
}

static void put_body(const char *text, size_t len)
{
    memset(tape.bytes + tape.len, 0, (len + 511) / 512 * 512);
    memcpy(tape.bytes + tape.len, text, len);
    tape.len += (len + 511) / 512 * 512;
}

static void put_file(const char *name, const char *text)
{
    put_header(name, '0', strlen(text), "");
    put_body(text, strlen(text));
}

static void put_zeros(size_t len)
{
    memset(tape.bytes + tape.len, 0, len);
    tape.len += len;
}

static void put_sample(void)
{
    tape.len = 0;
    put_file("backup_label", "START");
    put_header("base/", '5', 0, "");
    put_file("base/1", "");
    put_header("./pg_wal/archive_status/", '5', 0, "");
    put_header("pg_tblspc/16384/", '2', 0, "/srv/space");
    put_file("global/pg_control", "control bytes");
}

#define SAMPLE_LISTING                                                                               \
    "f backup_label 600 5 1000000000 4b8cc42;d base 600 0 1000000000 0;f base/1 600 0 1000000000 0;" \
    "d pg_wal/archive_status 600 0 1000000000 0;l pg_tblspc/16384 > /srv/space 600 0 1000000000 0;"  \
    "f global/pg_control 600 13 1000000000 629b1ed1dcb3ffe8;"

START_TEST(every_chunk_size_gives_the_same_members)
{
    put_sample();
    put_zeros(1024);
    for (size_t chunk = 1; chunk <= 70; chunk += thin_step()) {
        struct err e = ERR_NONE;
        struct listing l = {0};

        ck_assert_msg(list(tape.bytes, tape.len, chunk, &l, &e) == ERR_OK, "chunk %zu: %s", chunk, e.text);
        ck_assert_str_eq(l.text, SAMPLE_LISTING);
        ck_assert(src.has_ended);
    }
}
END_TEST

START_TEST(a_missing_trailer_is_a_complete_archive)
{
    for (size_t zeros = 0; zeros <= 20 * 512; zeros += 512) {
        struct err e = ERR_NONE;
        struct listing l = {0};

        put_sample();
        put_zeros(zeros);
        ck_assert_msg(list(tape.bytes, tape.len, 700, &l, &e) == ERR_OK, "%zu zeros: %s", zeros, e.text);
        ck_assert_str_eq(l.text, SAMPLE_LISTING);
        ck_assert(src.has_ended);
    }
}
END_TEST

START_TEST(an_empty_stream_is_an_empty_archive)
{
    for (size_t zeros = 0; zeros <= 1024; zeros += 512) {
        struct err e = ERR_NONE;
        struct listing l = {0};

        tape.len = 0;
        put_zeros(zeros);
        ck_assert_msg(list(tape.bytes, tape.len, 100, &l, &e) == ERR_OK, "%zu zeros: %s", zeros, e.text);
        ck_assert_uint_eq(l.len, 0);
    }
}
END_TEST

/* Blocks that begin a member: only there a cut goes unseen. */
static bool is_member_start(size_t at)
{
    static const size_t starts[] = {0, 1024, 1536, 2048, 2560, 3072, 4096};

    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
        if (starts[i] == at)
            return true;
    return false;
}

START_TEST(a_stream_cut_inside_a_member_is_refused)
{
    put_sample();
    ck_assert_uint_eq(tape.len, 4096);
    for (size_t cut = 1; cut < tape.len; cut++) {
        struct err e = ERR_NONE;
        struct listing l = {0};
        enum err_code code = list(tape.bytes, cut, 333, &l, &e);

        ck_assert_msg(code == (is_member_start(cut) ? ERR_OK : ERR_CORRUPT), "cut at %zu: %s", cut, e.text);
    }
}
END_TEST

START_TEST(members_behind_the_end_mark_are_not_lost_in_silence)
{
    for (size_t zeros = 512; zeros <= 4096; zeros += 512)
        for (size_t chunk = 64; chunk <= 65536; chunk *= 4) {
            struct err e = ERR_NONE;
            struct listing l = {0};

            put_sample();
            put_zeros(zeros);
            put_file("base/lost", "data");
            ck_assert_int_eq(list(tape.bytes, tape.len, chunk, &l, &e), ERR_CORRUPT);
            ck_assert_msg(strstr(e.text, "behind its end mark") != NULL, "%s", e.text);
        }
}
END_TEST

START_TEST(unsafe_paths_and_other_types_are_refused_by_name)
{
    static const struct {
        const char *name;
        char type;
        const char *target;
        const char *why;
    } bad[] = {
        {"/etc/passwd", '0', "", "absolute"},
        {".//etc/passwd", '0', "", "absolute behind ./"},
        {"../x", '0', "", "climbs out"},
        {"a/../../x", '0', "", "climbs out in the middle"},
        {"a/..", '5', "", "climbs at the end"},
        {"./..", '5', "", "climbs behind ./"},
        {"a//b", '0', "", "an empty component"},
        {"a/./b", '0', "", "a dot component"},
        {"..", '2', "x", "a link in place of the parent"},
        {"./", '5', "", "the root itself"},
        {"/", '5', "", "the system's root"},
        {"hard", '1', "base/1", "a hard link"},
        {"dev", '3', "", "a character device"},
        {"disk", '4', "", "a block device"},
        {"pipe", '6', "", "a fifo"},
        {"link", '2', "", "a link to nowhere"},
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err e = ERR_NONE;
        struct listing l = {0};

        tape.len = 0;
        put_header(bad[i].name, bad[i].type, 0, bad[i].target);
        put_zeros(1024);
        ck_assert_msg(list(tape.bytes, tape.len, 512, &l, &e) == ERR_CORRUPT, "%s", bad[i].why);
        ck_assert_msg(strstr(e.text, bad[i].name) != NULL, "%s: %s", bad[i].why, e.text);
        ck_assert_msg(l.len == 0, "%s: was handed out", bad[i].why);
    }
}
END_TEST

START_TEST(names_that_only_look_odd_are_accepted)
{
    static const char *const good[][2] = {
        {"..x", "..x"},         {"a/..b", "a/..b"}, {"././a", "a"},
        {".hidden", ".hidden"}, {"a.", "a."},       {"\xff\xfe", "\xff\xfe"},
    };

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct err e = ERR_NONE;
        struct listing l = {0};
        char want[64];

        tape.len = 0;
        put_file(good[i][0], "");
        ck_assert_msg(list(tape.bytes, tape.len, 512, &l, &e) == ERR_OK, "%s: %s", good[i][0], e.text);
        (void) snprintf(want, sizeof(want), "f %s 600 0 ", good[i][1]);
        ck_assert_msg(strncmp(l.text, want, strlen(want)) == 0, "%s", l.text);
    }
}
END_TEST

START_TEST(a_base_256_size_is_read)
{
    struct err e = ERR_NONE;
    struct listing l = {0};
    uint8_t *h;

    tape.len = 0;
    h = put_header("base/big", '0', 0, "");
    memset(h + 124, 0, 12);
    h[124] = 0x80;
    h[134] = 0x02; /* 0x0203 = 515 bytes */
    h[135] = 0x03;
    put_sum(h);
    put_body("", 0);
    put_zeros(1024);
    ck_assert_msg(list(tape.bytes, tape.len, 100, &l, &e) == ERR_OK, "%s", e.text);
    ck_assert_str_eq(l.text, "f base/big 600 515 1000000000 0;");

    /* 9 GiB announced, one block sent */
    l = (struct listing){0};
    h[131] = 0x02;
    h[132] = 0x40;
    put_sum(h);
    ck_assert_int_eq(list(tape.bytes, 1024, 100, &l, &e), ERR_CORRUPT);
    ck_assert_msg(strncmp(l.text, "f base/big 600 9663676931 ", 26) == 0, "%s", l.text);
    ck_assert_msg(strstr(e.text, "base/big") != NULL, "%s", e.text);
}
END_TEST

START_TEST(every_damaged_header_byte_is_refused)
{
    for (size_t at = 0; at < 512; at++) {
        struct err e = ERR_NONE;
        struct listing l = {0};

        put_sample();
        tape.bytes[1024 + at] ^= 0x01;
        if (at == 154 || at == 155) /* behind the digits of the checksum */
            continue;
        ck_assert_msg(list(tape.bytes, tape.len, 600, &l, &e) == ERR_CORRUPT, "byte %zu", at);
    }
}
END_TEST

START_TEST(what_is_no_tar_is_refused)
{
    uint8_t noise[2048];
    struct err e = ERR_NONE;
    struct listing l = {0};

    for (size_t i = 0; i < sizeof(noise); i++)
        noise[i] = (uint8_t) (i * 7 + 1);
    ck_assert_int_eq(list(noise, sizeof(noise), 100, &l, &e), ERR_CORRUPT);
    ck_assert_int_eq(list((const uint8_t *) "x", 1, 100, &l, &e), ERR_CORRUPT);
}
END_TEST

START_TEST(an_error_of_the_source_is_passed_through)
{
    put_sample();
    put_zeros(1024);
    for (size_t at = 1; at <= tape.len; at += 37) {
        struct err e = ERR_NONE;
        struct listing l = {0};

        src.fail_at = at;
        ck_assert_int_eq(list(tape.bytes, tape.len, 37, &l, &e), ERR_UNREACHABLE);
        ck_assert_str_eq(e.text, "the server went away");
    }
    src.fail_at = 0;
}
END_TEST

START_TEST(an_error_of_a_callback_ends_the_reading)
{
    static const char *const want[] = {"", "begin failed", "data failed", "end failed"};

    for (int in = 1; in <= 3; in++) {
        struct err e = ERR_NONE;
        struct listing l = {.fail_in = in};

        put_sample();
        ck_assert_int_eq(list(tape.bytes, tape.len, 512, &l, &e), ERR_IO);
        ck_assert_str_eq(e.text, want[in]);
        ck_assert_msg(strstr(l.text, "base") == NULL, "went on: %s", l.text);
    }
}
END_TEST

static void write_entry(struct archive *a, const char *path, mode_t type, const char *target,
                        const char *text)
{
    struct archive_entry *entry = archive_entry_new();

    archive_entry_set_pathname(entry, path);
    archive_entry_set_filetype(entry, type);
    archive_entry_set_perm(entry, 0750);
    archive_entry_set_mtime(entry, 1234567890, 0);
    archive_entry_set_size(entry, (la_int64_t) strlen(text));
    if (target)
        archive_entry_set_symlink(entry, target);
    ck_assert_int_eq(archive_write_header(a, entry), ARCHIVE_OK);
    ck_assert_int_eq(archive_write_data(a, text, strlen(text)), (la_ssize_t) strlen(text));
    archive_entry_free(entry);
}

START_TEST(archives_of_libarchive_with_long_names_are_read)
{
    int (*const formats[])(struct archive *) = {archive_write_set_format_gnutar,
                                                archive_write_set_format_pax};
    char longest[401], want[2048];

    memset(longest, 'n', 400);
    for (int i = 40; i < 400; i += 40)
        longest[i] = '/';
    longest[400] = '\0';
    (void) snprintf(want, sizeof(want),
                    "d d 750 0 1234567890 0;f %s 750 1 1234567890 78;l link > %s 750 0 1234567890 0;",
                    longest, longest);
    for (size_t i = 0; i < 2; i++) {
        struct archive *a = archive_write_new();
        struct err e = ERR_NONE;
        struct listing l = {0};

        ck_assert_int_eq(formats[i](a), ARCHIVE_OK);
        ck_assert_int_eq(archive_write_open_memory(a, tape.bytes, TAR_MAX, &tape.len), ARCHIVE_OK);
        write_entry(a, "./d", AE_IFDIR, NULL, "");
        write_entry(a, longest, AE_IFREG, NULL, "x");
        write_entry(a, "link", AE_IFLNK, longest, "");
        ck_assert_int_eq(archive_write_close(a), ARCHIVE_OK);
        archive_write_free(a);
        ck_assert_msg(list(tape.bytes, tape.len, 61, &l, &e) == ERR_OK, "%s", e.text);
        ck_assert_str_eq(l.text, want);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_chunk_size_gives_the_same_members,
        a_missing_trailer_is_a_complete_archive,
        an_empty_stream_is_an_empty_archive,
        a_stream_cut_inside_a_member_is_refused,
        members_behind_the_end_mark_are_not_lost_in_silence,
        unsafe_paths_and_other_types_are_refused_by_name,
        names_that_only_look_odd_are_accepted,
        a_base_256_size_is_read,
        every_damaged_header_byte_is_refused,
        what_is_no_tar_is_refused,
        an_error_of_the_source_is_passed_through,
        an_error_of_a_callback_ends_the_reading,
        archives_of_libarchive_with_long_names_are_read,
    };

    return check_main(suite_of("codec/tar_read", tests, sizeof(tests) / sizeof(tests[0])));
}
