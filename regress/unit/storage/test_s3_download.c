/*
 * test_s3_download.c - gets: one request, resumed where they broke, and never absent without the store's word.
 */
#include "reply_server.h"
#include "storage/s3_store.h"

#include "check_main.h"

#include "stream/buf_sink.h"

#include <string.h>

static const struct attempt {
    const char *cases[6];
    struct store_range range;
    enum err_code kind;
    const char *bytes; /* what the sink has, also on failure */
    unsigned requests;
    const char *text;
} attempts[] = {
    {{"get/ok"}, {0, 0}, ERR_OK, "0123456789", 1, ""},
    {{"get/rest-5"}, {5, 0}, ERR_OK, "56789", 1, ""},
    {{"get/rest-5"}, {5, 5}, ERR_OK, "56789", 1, ""},
    {{"get/rest-5"}, {5, 50}, ERR_OK, "56789", 1, ""},
    {{"get/rest-5"}, {5, 3}, ERR_CORRUPT, "", 1, "asked for bytes from 5"},
    {{"get/rest-too-short"}, {5, 0}, ERR_CORRUPT, "", 1, "\"bytes 5-7/10\""},
    {{"get/ok"}, {5, 0}, ERR_CORRUPT, "", 1, "HTTP 200 is no answer to a request for a range"},
    {{"get/rest-5"}, {0, 0}, ERR_CORRUPT, "", 1, "HTTP 206 is no answer"},
    {{"get/416-size-in-body"}, {10, 0}, ERR_OK, "", 1, ""},
    {{"get/416-size-in-body"}, {9, 0}, ERR_CORRUPT, "", 1, "of 10 bytes: range from 9 was refused"},
    {{"get/416-bare", "list/only-ok"}, {6, 2}, ERR_OK, "", 2, ""},
    {{"get/416-bare", "list/only-longer"}, {6, 2}, ERR_CORRUPT, "", 2, "vanished"},
    {{"get/short", "get/rest-5"}, {0, 0}, ERR_OK, "0123456789", 2, ""},
    {{"get/short", "any/503-slowdown", "any/reset", "get/rest-5"}, {0, 0}, ERR_OK, "0123456789", 4, ""},
    {{"get/stall-midway", "get/rest-3"}, {0, 0}, ERR_OK, "0123456789", 2, ""},
    {{"get/short", "get/rest-other-etag"}, {0, 0}, ERR_CORRUPT, "01234", 2, "was replaced while it was read"},
    {{"get/short", "get/rest-wrong-range"}, {0, 0}, ERR_CORRUPT, "01234", 2, "bytes 4-9/10"},
    {{"get/short", "get/ok"}, {0, 0}, ERR_CORRUPT, "01234", 2, "HTTP 200"},
    {{"get/short", "get/412"}, {0, 0}, ERR_CORRUPT, "01234", 2, "HTTP 412"},
    {{"get/short", "get/404-nosuchkey"}, {0, 0}, ERR_ABSENT, "01234", 2, "NoSuchKey"},
    {{"get/200-portal"}, {0, 0}, ERR_UNREACHABLE, "", 1, "no ETag"},
    {{"get/404-nosuchkey"},
     {0, 0},
     ERR_ABSENT,
     "",
     1,
     "could not read object \"s3://bucket/in/k\": HTTP 404 NoSuchKey"},
    {{"any/404-nosuchbucket"}, {0, 0}, ERR_USAGE, "", 1, "NoSuchBucket"},
    {{"any/404-html"}, {0, 0}, ERR_UNREACHABLE, "", 1, "not an object store's"},
    {{"any/404-empty"}, {0, 0}, ERR_UNREACHABLE, "", 1, "not an object store's"},
    {{"any/404-cut", "get/404-nosuchkey"}, {0, 0}, ERR_ABSENT, "", 2, "NoSuchKey"}, /* the reason decides */
    {{"any/404-doctype"}, {0, 0}, ERR_UNREACHABLE, "", 1, "HTTP 404"},
    {{"any/404-disguised"}, {0, 0}, ERR_UNREACHABLE, "", 1, "HTTP 404"},
    {{"any/503-slowdown", "get/404-nosuchkey"}, {0, 0}, ERR_ABSENT, "", 2, ""},
    {{"any/302-portal"}, {0, 0}, ERR_UNREACHABLE, "", 1, "HTTP 302"},
    {{"any/403-denied"}, {0, 0}, ERR_DENIED, "", 1, "AccessDenied"},
};

START_TEST(a_get_meets_this_and_ends_like_that)
{
    const struct attempt *a = &attempts[_i];
    struct reply_server *server = reply_server_start(a->cases);
    CLEANUP(store_freep) struct store *s = NULL;
    CLEANUP(buf_clear) struct buf got = BUF_INIT(1 << 20);
    CLEANUP(sink_freep) struct sink *to = NULL;
    struct store_object info = {.size = 77};
    struct test_clock clock;
    struct s3_options o;
    struct err e = ERR_NONE;
    enum err_code rc;

    test_clock_init(&clock);
    o = reply_options(server, &clock);
    ck_assert_int_eq(s3_store_open(&o, &s, &e), ERR_OK);
    ck_assert_int_eq(buf_sink_new(&got, &to, &e), ERR_OK);
    rc = store_get(s, "k", &a->range, to, &info, &e);
    ck_assert_msg(rc == a->kind, "%s, %s: %s: %s", a->cases[0], a->cases[1], err_kind(rc), e.text);
    ck_assert_str_eq(buf_cstr(&got), a->bytes);
    ck_assert_uint_eq(reply_server_requests(server), a->requests);
    ck_assert_uint_le(s->requests, a->requests); /* libcurl replaces a dead idle connection by itself */
    ck_assert_msg(strstr(e.text, a->text) != NULL, "%s", e.text);
    ck_assert_uint_eq(info.size, rc != ERR_OK                                                      ? 77
                                 : a->cases[1] != NULL && strcmp(a->cases[1], "list/only-ok") == 0 ? 5
                                                                                                   : 10);
    if (rc == ERR_OK)
        ck_assert_str_eq(info.key, "k");
    reply_server_stop(server);
}
END_TEST

START_TEST(a_broken_get_asks_for_the_rest_of_the_same_object)
{
    static const char *const cases[] = {"get/short", "get/rest-5", NULL};
    struct reply_server *server = reply_server_start(cases);
    CLEANUP(store_freep) struct store *s = NULL;
    CLEANUP(buf_clear) struct buf got = BUF_INIT(1 << 20);
    CLEANUP(sink_freep) struct sink *to = NULL;
    struct store_object info;
    struct test_clock clock;
    struct s3_options o;
    struct err e = ERR_NONE;

    test_clock_init(&clock);
    o = reply_options(server, &clock);
    ck_assert_int_eq(s3_store_open(&o, &s, &e), ERR_OK);
    ck_assert_int_eq(buf_sink_new(&got, &to, &e), ERR_OK);
    ck_assert_int_eq(store_get(s, "k", NULL, to, &info, &e), ERR_OK);
    ck_assert_ptr_null(strstr(reply_server_head(server, 0), "\r\nrange:"));
    ck_assert_ptr_nonnull(strstr(reply_server_head(server, 1), "\r\nrange: bytes=5-\r\n"));
    ck_assert_ptr_nonnull(strstr(reply_server_head(server, 1), "\r\nif-match: \"e1\"\r\n"));
    ck_assert_ptr_nonnull(strstr(reply_server_head(server, 1), "SignedHeaders=host;if-match;range;"));
    ck_assert_int_eq(info.modified_us, 1795222923000000LL);
    reply_server_stop(server);
}
END_TEST

static enum err_code full_write(struct sink *s, const void *bytes, size_t len, struct err *e)
{
    (void) s;
    (void) bytes;
    (void) len;
    return err_set(e, ERR_IO, "disk is full");
}

START_TEST(a_sink_that_fails_ends_the_get_with_its_own_error)
{
    static const char *const cases[] = {"get/ok", NULL};
    static const struct sink_ops full_ops = {.write = full_write};
    struct reply_server *server = reply_server_start(cases);
    CLEANUP(store_freep) struct store *s = NULL;
    struct sink full = {.ops = &full_ops};
    struct test_clock clock;
    struct s3_options o;
    struct err e = ERR_NONE;

    test_clock_init(&clock);
    o = reply_options(server, &clock);
    ck_assert_int_eq(s3_store_open(&o, &s, &e), ERR_OK);
    ck_assert_int_eq(store_get(s, "k", NULL, &full, NULL, &e), ERR_IO);
    ck_assert_str_eq(e.text, "disk is full");
    ck_assert_uint_eq(reply_server_requests(server), 1);
    reply_server_stop(server);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_broken_get_asks_for_the_rest_of_the_same_object,
                                  a_sink_that_fails_ends_the_get_with_its_own_error};
    Suite *suite = suite_of("storage/s3_download", tests, sizeof(tests) / sizeof(tests[0]));
    TCase *table = tcase_create("table");

    tcase_set_timeout(table, 60);
    tcase_add_loop_test(table, a_get_meets_this_and_ends_like_that, 0,
                        (int) (sizeof(attempts) / sizeof(attempts[0])));
    suite_add_tcase(suite, table);
    return check_main(suite);
}
