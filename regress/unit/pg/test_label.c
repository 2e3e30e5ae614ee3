/*
 * label: labels as PostgreSQL 13, 15, 17 wrote them, a history file, and what is none.
 */
#include "pg/label.h"

#include "check_main.h"
#include <stdio.h>
#include <string.h>

#define HEAD                                                           \
    "START WAL LOCATION: 1A/4000028 (file 000000030000001A00000004)\n" \
    "CHECKPOINT LOCATION: 1A/4000060\n"
#define PLAIN                                                                                             \
    HEAD "BACKUP METHOD: streamed\nBACKUP FROM: primary\nSTART TIME: 2026-11-20 14:29:00 UTC\nLABEL: a: " \
         "label\n"                                                                                        \
         "START TIMELINE: 3\n"

static enum err_code parse(const char *text, struct label *l, struct err *e)
{
    return label_parse(text, strlen(text), l, e);
}

START_TEST(a_label_is_read)
{
    struct err e = ERR_NONE;
    struct label l;

    ck_assert_msg(parse(PLAIN, &l, &e) == ERR_OK, "%s", e.text);
    ck_assert_uint_eq(l.start, 0x1A04000028);
    ck_assert_uint_eq(l.checkpoint, 0x1A04000060);
    ck_assert_str_eq(l.start_segment, "000000030000001A00000004");
    ck_assert_uint_eq(l.start_tli, 3);
    ck_assert_str_eq(l.name, "a: label");
    ck_assert_str_eq(l.start_time, "2026-11-20 14:29:00 UTC");
    ck_assert(!l.is_from_standby && !l.is_incremental && !l.has_stop);
}
END_TEST

START_TEST(master_and_standby_are_told_apart)
{
    static const struct {
        const char *from;
        bool is_standby;
    } rows[] = {{"master", false}, {"primary", false}, {"standby", true}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[1024];
        struct err e = ERR_NONE;
        struct label l;

        (void) snprintf(
            text, sizeof(text),
            HEAD "BACKUP METHOD: streamed\nBACKUP FROM: %s\nSTART TIME: x\nLABEL: \nSTART TIMELINE: 1\n",
            rows[i].from);
        ck_assert_msg(parse(text, &l, &e) == ERR_OK, "%s", e.text);
        ck_assert_int_eq(l.is_from_standby, rows[i].is_standby);
        ck_assert_str_eq(l.name, "");
    }
}
END_TEST

START_TEST(an_incremental_label_is_read)
{
    struct err e = ERR_NONE;
    struct label l;

    ck_assert_int_eq(parse(PLAIN "INCREMENTAL FROM LSN: 0/2000028\nINCREMENTAL FROM TLI: 2\n", &l, &e),
                     ERR_OK);
    ck_assert(l.is_incremental);
    ck_assert_uint_eq(l.incremental_from, 0x2000028);
    ck_assert_uint_eq(l.incremental_tli, 2);
}
END_TEST

START_TEST(a_history_file_has_a_stop_too)
{
    struct err e = ERR_NONE;
    struct label l;

    ck_assert_msg(parse("START WAL LOCATION: 0/2000028 (file 000000010000000000000002)\n"
                        "STOP WAL LOCATION: 0/2000100 (file 000000010000000000000002)\n"
                        "CHECKPOINT LOCATION: 0/2000060\nBACKUP METHOD: streamed\nBACKUP FROM: primary\n"
                        "START TIME: 2026-11-20 14:29:00 UTC\nLABEL: pitr\nSTART TIMELINE: 1\n"
                        "STOP TIME: 2026-11-20 14:29:07 UTC\nSTOP TIMELINE: 1\n",
                        &l, &e) == ERR_OK,
                  "%s", e.text);
    ck_assert(l.has_stop);
    ck_assert_uint_eq(l.stop, 0x2000100);
    ck_assert_uint_eq(l.stop_tli, 1);
    ck_assert_str_eq(l.stop_time, "2026-11-20 14:29:07 UTC");
}
END_TEST

START_TEST(unknown_lines_are_passed_over)
{
    struct err e = ERR_NONE;
    struct label l;

    ck_assert_int_eq(parse(PLAIN "SOMETHING NEW: 1\n\nLABELS: x\n", &l, &e), ERR_OK);
    ck_assert_str_eq(l.name, "a: label");
}
END_TEST

START_TEST(what_is_no_label_is_refused_with_its_line)
{
    static const struct {
        const char *text, *expected, *why;
    } bad[] = {
        {"", "START WAL LOCATION\" is missing", "empty"},
        {HEAD, "BACKUP METHOD\" is missing", "half"},
        {PLAIN "LABEL: again\n", "line 8: \"LABEL\" comes twice", "a line twice"},
        {PLAIN "STOP TIM", "line 8 is cut off", "no newline at the end"},
        {PLAIN "INCREMENTAL FROM LSN: 0/2000028\n", "INCREMENTAL FROM", "half of incremental"},
        {PLAIN "INCREMENTAL FROM TLI: 1\n", "INCREMENTAL FROM", "the other half"},
        {PLAIN "STOP WAL LOCATION: 0/1 (file 000000010000000000000002)\n", "STOP TIMELINE", "half of a stop"},
        {"START WAL LOCATION: 0/4000028\n", "line 1: invalid WAL location", "no file"},
        {"START WAL LOCATION: 0/4000028 (file 00000001000000000000000g)\n", "line 1", "a bad file"},
        {"START WAL LOCATION: 0/4000028 (file 000000010000000000000004) \n", "line 1", "something behind it"},
        {"START WAL LOCATION: 4000028 (file 000000010000000000000004)\n", "line 1", "a bad LSN"},
        {"START WAL LOCATION: 0000000000000000/4000028 (file 000000010000000000000004)\n", "line 1",
         "a long LSN"},
        {"CHECKPOINT LOCATION: zero\n", "line 1", "a bad checkpoint"},
        {"BACKUP METHOD: magic\n", "unknown backup method \"magic\"", "a method of its own"},
        {"BACKUP FROM: space\n", "unknown backup source", "a source of its own"},
        {"START TIMELINE: 0\n", "invalid timeline", "timeline 0"},
        {"START TIMELINE: -1\n", "invalid timeline", "a signed timeline"},
        {"START TIMELINE: 4294967296\n", "invalid timeline", "a timeline too large"},
        {"START TIMELINE: 1x\n", "invalid timeline", "rubbish behind it"},
        {"START TIME: 0123456789012345678901234567890123456789012345678901234567890123456789\n",
         "longer than", "time"},
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err e = ERR_NONE;
        struct label l = {.start = 77};

        ck_assert_msg(parse(bad[i].text, &l, &e) == ERR_CORRUPT, "%s", bad[i].why);
        ck_assert_msg(strstr(e.text, bad[i].expected) != NULL, "%s: %s", bad[i].why, e.text);
        ck_assert_msg(l.start == 77, "%s: output was touched", bad[i].why);
    }
}
END_TEST

START_TEST(zero_bytes_and_length_are_bounded)
{
    static char big[LABEL_FILE_MAX + 1];
    struct err e = ERR_NONE;
    struct label l;

    ck_assert_int_eq(label_parse(PLAIN, sizeof(PLAIN), &l, &e), ERR_CORRUPT);
    memset(big, '\n', sizeof(big));
    ck_assert_int_eq(label_parse(big, sizeof(big), &l, &e), ERR_CORRUPT);
    ck_assert(strstr(e.text, "too long") != NULL);
    memcpy(big, PLAIN, strlen(PLAIN));
    ck_assert_int_eq(label_parse(big, LABEL_FILE_MAX, &l, &e), ERR_OK);
}
END_TEST

START_TEST(every_cut_is_refused)
{
    for (size_t len = 0; len < strlen(PLAIN); len++) {
        struct err e = ERR_NONE;
        struct label l;

        ck_assert_msg(label_parse(PLAIN, len, &l, &e) == ERR_CORRUPT, "cut at %zu", len);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_label_is_read,
        master_and_standby_are_told_apart,
        an_incremental_label_is_read,
        a_history_file_has_a_stop_too,
        unknown_lines_are_passed_over,
        what_is_no_label_is_refused_with_its_line,
        zero_bytes_and_length_are_bounded,
        every_cut_is_refused,
    };

    return check_main(suite_of("pg/label", tests, sizeof(tests) / sizeof(tests[0])));
}
