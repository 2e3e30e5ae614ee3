/* Tests of src/pg/replproto_server.c, against a server that says odd things. Real ones: test_basebackup_live.c. */
#include "pg/replproto_server.h"

#include "check_main.h"
#include "fake_server.h"

#include <string.h>

/* A server that answers one command by this script, and all others well. */
struct asked {
    struct fake_server server;
    struct fake_answer answers[9];
    struct replproto *c;
};

static void connect_to(struct asked *a, const char *version, const char *command, const char *script)
{
    static const struct fake_answer good[] = {
        {"IDENTIFY_SYSTEM", "(7710435776863995517|3|16/B374D848|)Z"},
        {"SHOW wal_segment_size", "(16MB)Z"},
        {"SHOW data_directory_mode", "(0750)Z"},
        {"SHOW data_checksums", "(on)Z"},
        {"SELECT pg_catalog.pg_is_in_recovery", "(f)Z"},
        {"SELECT (EXTRACT(epoch", "(1795149000123456)Z"},
        {"TIMELINE_HISTORY", "(00000003.history|1\t0/3000000\tx\n)Z"},
        {NULL, NULL},
    };
    struct err e = ERR_NONE;

    *a = (struct asked){.answers = {{command, script}}};
    memcpy(a->answers + 1, good, sizeof(good));
    fake_server_start(&a->server, version, a->answers);
    ck_assert_msg(replproto_connect(a->server.conninfo, &a->c, &e) == ERR_OK, "%s", e.text);
}

static void disconnect(struct asked *a)
{
    replproto_close(a->c);
    fake_server_stop(&a->server);
}

START_TEST(a_server_is_told_by_what_it_says)
{
    static const struct {
        const char *text;
        uint32_t bytes;
    } sizes[] = {{"(1MB)Z", 1u << 20},
                 {"(16MB)Z", 16u << 20},
                 {"(1GB)Z", 1u << 30},
                 {"(1048576B)Z", 1u << 20},
                 {"(2048kB)Z", 2u << 20}};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct replproto_server s;
        struct err e = ERR_NONE;
        struct asked a;

        connect_to(&a, "13.2", "SHOW wal_segment_size", sizes[i].text);
        ck_assert_msg(replproto_identify(a.c, &s, &e) == ERR_OK, "%s", e.text);
        ck_assert_uint_eq(s.segment_bytes, sizes[i].bytes);
        ck_assert_uint_eq(s.system_identifier, UINT64_C(7710435776863995517));
        ck_assert_uint_eq(s.tli, 3);
        ck_assert_uint_eq(s.flush, UINT64_C(0x16B374D848));
        ck_assert_uint_eq(s.major, 13);
        ck_assert_int_eq(s.version, 130002);
        ck_assert_uint_eq(s.directory_mode, 0750);
        ck_assert(s.has_checksums && s.has_sql && s.knows_standby && !s.is_standby);
        disconnect(&a);
    }
}
END_TEST

START_TEST(an_answer_that_is_not_understood_is_refused)
{
    static const struct {
        const char *command, *script, *expected;
    } rows[] = {
        {"IDENTIFY_SYSTEM", "(0|1|0/1|)Z", "system identifier \"0\""},
        {"IDENTIFY_SYSTEM", "(77x|1|0/1|)Z", "system identifier \"77x\""},
        {"IDENTIFY_SYSTEM", "(77|0|0/1|)Z", "timeline \"0\""},
        {"IDENTIFY_SYSTEM", "(77|1x|0/1|)Z", "timeline \"1x\""},
        {"IDENTIFY_SYSTEM", "(77|1|nowhere|)Z", "nowhere"},
        {"IDENTIFY_SYSTEM", "(77|1)Z", "2 columns instead of 3"},
        {"IDENTIFY_SYSTEM", "tZ", "other than one row"},
        {"SHOW wal_segment_size", "(16)Z", "wal_segment_size \"16\""},
        {"SHOW wal_segment_size", "(16mb)Z", "wal_segment_size \"16mb\""},
        {"SHOW wal_segment_size", "(MB)Z", "wal_segment_size \"MB\""},
        {"SHOW wal_segment_size", "(-1MB)Z", "wal_segment_size \"-1MB\""},
        {"SHOW wal_segment_size", "(0MB)Z", "wal_segment_size \"0MB\""},
        {"SHOW wal_segment_size", "(4GB)Z", "wal_segment_size \"4GB\""},
        {"SHOW wal_segment_size", "()Z", "wal_segment_size \"\""},
        {"SHOW wal_segment_size", "(sixty-four characters and more of something that is no size at all ...)Z",
         "no usable answer"},
        {"SHOW data_directory_mode", "(rwx)Z", "data_directory_mode \"rwx\""},
        {"SHOW data_directory_mode", "(0788)Z", "data_directory_mode \"0788\""},
        {"SHOW data_directory_mode", "(1777)Z", "data_directory_mode \"1777\""},
        {"SHOW data_checksums", "(maybe)Z", "\"maybe\""},
        {"SELECT pg_catalog.pg_is_in_recovery", "()Z", "pg_is_in_recovery"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct replproto_server s = {.tli = 42};
        struct err e = ERR_NONE;
        struct asked a;

        connect_to(&a, "15.4", rows[i].command, rows[i].script);
        ck_assert_msg(replproto_identify(a.c, &s, &e) == ERR_CORRUPT, "%s: %s", rows[i].script, e.text);
        ck_assert_msg(strstr(e.text, rows[i].expected) != NULL, "%s: %s", rows[i].script, e.text);
        ck_assert_uint_eq(s.tli, 42);
        disconnect(&a);
    }
}
END_TEST

START_TEST(a_clock_that_is_no_number_is_refused)
{
    struct err e = ERR_NONE;
    struct asked a;
    int64_t us = 42;

    connect_to(&a, "15.4", "SELECT (EXTRACT(epoch", "(noon)Z");
    ck_assert_int_eq(replproto_clock(a.c, &us, &e), ERR_CORRUPT);
    ck_assert_int_eq(us, 42);
    disconnect(&a);
    e = ERR_NONE;
    connect_to(&a, "15.4", "nothing else", "()Z");
    ck_assert_msg(replproto_clock(a.c, &us, &e) == ERR_OK, "%s", e.text);
    ck_assert_int_eq(us, 1795149000123456);
    disconnect(&a);
}
END_TEST

START_TEST(a_history_comes_as_its_bytes_or_not_at_all)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(1024);
    struct err e = ERR_NONE;
    struct asked a;

    connect_to(&a, "15.4", "TIMELINE_HISTORY 7", "{58P01|could not open file}Z");
    ck_assert_int_eq(replproto_timeline_history(a.c, 7, &text, &e), ERR_ABSENT);
    e = ERR_NONE;
    ck_assert_msg(replproto_timeline_history(a.c, 3, &text, &e) == ERR_OK, "%s", e.text);
    ck_assert_str_eq(buf_cstr(&text), "1\t0/3000000\tx\n");
    disconnect(&a);
    connect_to(&a, "15.4", "TIMELINE_HISTORY", "tZ");
    ck_assert_int_eq(replproto_timeline_history(a.c, 3, &text, &e), ERR_CORRUPT);
    ck_assert_msg(strstr(e.text, "other than one row") != NULL, "%s", e.text);
    disconnect(&a);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_server_is_told_by_what_it_says, an_answer_that_is_not_understood_is_refused,
        a_clock_that_is_no_number_is_refused, a_history_comes_as_its_bytes_or_not_at_all};

    return check_main(suite_of("pg/replproto_server", tests, sizeof(tests) / sizeof(tests[0])));
}
