/*
 * test_s3_store.c - listings that come whole or not at all, removes, and options that are refused.
 */
#include "reply_server.h"
#include "storage/s3_store.h"

#include "check_main.h"

#include "base/buf.h"

#include <pthread.h>
#include <stddef.h>
#include <string.h>

static bool visit_line(const struct store_object *obj, void *arg)
{
    struct err e = ERR_NONE;

    return buf_printf(arg, &e, "%s:%llu%s ", obj->key, (unsigned long long) obj->size,
                      obj->is_prefix ? "p" : "") == ERR_OK;
}

static const struct attempt {
    const char *cases[6];
    struct store_listing what;
    enum err_code kind;
    const char *seen;
    unsigned requests;
    const char *text;
} attempts[] = {
    {{"list/none"}, {.prefix = NULL}, ERR_OK, "", 1, ""},
    {{"list/page-1", "list/page-2"}, {.prefix = NULL}, ERR_OK, "a:1 b:2 c:3 ", 2, ""},
    {{"any/503-slowdown", "list/page-1", "any/502-html", "list/page-2"},
     {.prefix = NULL},
     ERR_OK,
     "a:1 b:2 c:3 ",
     4,
     ""},
    {{"list/cut", "list/page-2"}, {.prefix = NULL}, ERR_OK, "c:3 ", 2, ""},
    {{"put/200-portal", "list/page-2"}, {.prefix = NULL}, ERR_OK, "c:3 ", 2, ""},
    {{"list/page-1", "list/page-2"}, {.start_after = "a"}, ERR_OK, "b:2 c:3 ", 2, ""},
    {{"list/page-mixed"}, {.delimited = true}, ERR_OK, "a/:0p b:2 c/:0p d:4 ", 1, ""},
    {{"list/only-ok", "list/none"}, {.delimited = true, .start_after = "k/x"}, ERR_OK, "k/:0p ", 2, ""},
    {{"list/none", "list/none"}, {.delimited = true, .start_after = "k/x"}, ERR_OK, "", 2, ""},
    {{"list/page-1", "list/page-1"},
     {.prefix = NULL},
     ERR_CORRUPT,
     "a:1 b:2 ",
     2,
     "repeats itself or is out of order"},
    {{"list/page-1", "list/page-1-again"}, {.prefix = NULL}, ERR_CORRUPT, "a:1 b:2 ", 2, "repeats itself"},
    {{"list/page-1", "list/page-unordered"}, {.prefix = NULL}, ERR_CORRUPT, "a:1 b:2 ", 2, "\"in/aa\""},
    {{"list/page-empty", "list/page-empty"}, {.prefix = NULL}, ERR_CORRUPT, "", 2, "does not come to an end"},
    {{"list/page-no-token"}, {.prefix = NULL}, ERR_CORRUPT, "", 1, "no continuation token"},
    {{"list/page-no-key"}, {.prefix = NULL}, ERR_CORRUPT, "", 1, "without a readable key"},
    {{"list/page-outside"}, {.prefix = NULL}, ERR_CORRUPT, "", 1, "outside of the prefix"},
    {{"any/404-nosuchbucket"}, {.prefix = NULL}, ERR_USAGE, "", 1, "could not list bucket \"s3://bucket\""},
    {{"any/404-html"}, {.prefix = NULL}, ERR_UNREACHABLE, "", 1, "not an object store's"},
    {{"get/404-nosuchkey"}, {.prefix = NULL}, ERR_CORRUPT, "", 1, "NoSuchKey"},
};

START_TEST(a_listing_meets_this_and_ends_like_that)
{
    const struct attempt *a = &attempts[_i];
    struct reply_server *server = reply_server_start(a->cases);
    CLEANUP(store_freep) struct store *s = NULL;
    CLEANUP(buf_clear) struct buf seen = BUF_INIT(4096);
    struct test_clock clock;
    struct s3_options o;
    struct err e = ERR_NONE;
    enum err_code rc;

    test_clock_init(&clock);
    o = reply_options(server, &clock);
    ck_assert_int_eq(s3_store_open(&o, &s, &e), ERR_OK);
    rc = store_list(s, &a->what, visit_line, &seen, &e);
    ck_assert_msg(rc == a->kind, "row %d: %s: %s", _i, err_kind(rc), e.text);
    ck_assert_msg(strcmp(buf_cstr(&seen), a->seen) == 0, "row %d: %s", _i, buf_cstr(&seen));
    ck_assert_uint_eq(reply_server_requests(server), a->requests);
    ck_assert_msg(strstr(e.text, a->text) != NULL, "%s", e.text);
    reply_server_stop(server);
}
END_TEST

START_TEST(a_listing_asks_for_what_is_wanted)
{
    static const char *const cases[] = {"list/page-1", "list/page-2", NULL};
    struct store_listing what = {.prefix = "", .start_after = "0x", .delimited = true};
    struct reply_server *server = reply_server_start(cases);
    CLEANUP(store_freep) struct store *s = NULL;
    CLEANUP(buf_clear) struct buf seen = BUF_INIT(4096);
    struct test_clock clock;
    struct s3_options o;
    struct err e = ERR_NONE;

    test_clock_init(&clock);
    o = reply_options(server, &clock);
    ck_assert_int_eq(s3_store_open(&o, &s, &e), ERR_OK);
    ck_assert_str_eq(s->url, "s3://bucket/in");
    ck_assert_int_eq(store_list(s, &what, visit_line, &seen, &e), ERR_OK);
    ck_assert_ptr_nonnull(strstr(reply_server_head(server, 0),
                                 "GET /bucket?delimiter=%2F&encoding-type=url&list-type=2&"
                                 "prefix=in%2F&start-after=in%2F0x HTTP"));
    ck_assert_ptr_nonnull(strstr(reply_server_head(server, 1),
                                 "GET /bucket?continuation-token=t%2F1%2B2%3D&delimiter=%2F&"
                                 "encoding-type=url&list-type=2&prefix=in%2F HTTP"));
    reply_server_stop(server);
}
END_TEST

static const struct {
    const char *reply;
    enum err_code kind;
} removals[] = {{"delete/204", ERR_OK},
                {"get/404-nosuchkey", ERR_OK},
                {"any/404-html", ERR_UNREACHABLE},
                {"put/403-locked", ERR_REFUSED},
                {"any/404-nosuchbucket", ERR_USAGE}};

START_TEST(a_remove_believes_only_the_store)
{
    for (size_t i = 0; i < sizeof(removals) / sizeof(removals[0]); i++) {
        const char *const cases[] = {removals[i].reply, NULL};
        struct reply_server *server = reply_server_start(cases);
        CLEANUP(store_freep) struct store *s = NULL;
        struct test_clock clock;
        struct s3_options o;
        struct err e = ERR_NONE;

        test_clock_init(&clock);
        o = reply_options(server, &clock);
        ck_assert_int_eq(s3_store_open(&o, &s, &e), ERR_OK);
        ck_assert_msg(store_remove(s, "k", &e) == removals[i].kind, "%s: %s", removals[i].reply, e.text);
        reply_server_stop(server);
    }
}
END_TEST

static void *put_some(void *arg)
{
    struct err e = ERR_NONE;

    for (int i = 0; i < 4; i++)
        if (store_put(arg, "k", "x", 1, &e) != ERR_OK)
            return arg;
    return NULL;
}

START_TEST(threads_share_the_store_and_its_connections)
{
    static const char *const cases[] = {"put/ok", "put/ok", "put/ok", "put/ok", "put/ok", "put/ok",
                                        "put/ok", "put/ok", "put/ok", "put/ok", "put/ok", "put/ok",
                                        "put/ok", "put/ok", "put/ok", "put/ok", NULL};
    struct reply_server *server = reply_server_start(cases);
    CLEANUP(store_freep) struct store *s = NULL;
    struct test_clock clock;
    struct s3_options o;
    struct err e = ERR_NONE;
    pthread_t threads[4];

    test_clock_init(&clock);
    o = reply_options(server, &clock);
    ck_assert_int_eq(s3_store_open(&o, &s, &e), ERR_OK);
    for (size_t i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, put_some, s), 0);
    for (size_t i = 0; i < 4; i++) {
        void *failed = s;

        ck_assert_int_eq(pthread_join(threads[i], &failed), 0);
        ck_assert_ptr_null(failed);
    }
    ck_assert_uint_eq(s->requests, 16);
    ck_assert_uint_le(reply_server_connections(server), 4);
    reply_server_stop(server);
}
END_TEST

static const struct s3_options good = {.bucket = "bucket",
                                       .prefix = "a/b",
                                       .endpoint = "https://host",
                                       .access_key = "id",
                                       .region = "auto",
                                       .secret_key = "secret",
                                       .part_bytes = 5 << 20,
                                       .connect_timeout_ms = 1000,
                                       .stall_timeout_ms = 1000,
                                       .request_timeout_ms = 1000,
                                       .conditional_put = true};

#define WITH(field, value)                                                      \
    {                                                                           \
        .set = offsetof(struct s3_options, field), .text = value, .why = #field \
    }

static const struct {
    size_t set;
    const char *text;
    const char *why;
} bad_texts[] = {
    WITH(bucket, NULL),
    WITH(bucket, "b"),
    WITH(bucket, "a/b"),
    WITH(prefix, "../x"),
    WITH(prefix, "a//b"),
    WITH(endpoint, NULL),
    WITH(endpoint, ""),
    WITH(endpoint, "host"),
    WITH(endpoint, "http://host"),
    WITH(access_key, NULL),
    WITH(access_key, ""),
    WITH(access_key, "a\r\nb"),
    WITH(secret_key, NULL),
    WITH(secret_key, "secret\n"),
    WITH(session_token, "a b"),
    WITH(region, ""),
    WITH(region, "eu west"),
};

START_TEST(options_that_cannot_work_are_refused)
{
    for (size_t i = 0; i < sizeof(bad_texts) / sizeof(bad_texts[0]); i++) {
        struct s3_options o = good;
        struct store *s = NULL;
        struct err e = ERR_NONE;

        memcpy((char *) &o + bad_texts[i].set, &bad_texts[i].text, sizeof(bad_texts[i].text));
        ck_assert_msg(s3_store_open(&o, &s, &e) == ERR_USAGE, "%s", bad_texts[i].why);
        ck_assert_ptr_null(strstr(e.text, "secret\n"));
    }
}
END_TEST

START_TEST(numbers_that_cannot_work_are_refused)
{
    struct s3_options small = good, large = good, negative = good, unlimited = good, address = good;
    struct store *s = NULL;
    struct err e = ERR_NONE;

    small.part_bytes = (5 << 20) - 1;
    large.part_bytes = UINT64_C(5) << 30;
    negative.stall_timeout_ms = -1;
    unlimited.request_timeout_ms = 0;
    address.endpoint = "https://127.0.0.1";
    address.virtual_host = true;
    ck_assert_int_eq(s3_store_open(&small, &s, &e), ERR_USAGE);
    ck_assert_int_eq(s3_store_open(&large, &s, &e), ERR_USAGE);
    ck_assert_int_eq(s3_store_open(&negative, &s, &e), ERR_USAGE);
    ck_assert_int_eq(s3_store_open(&unlimited, &s, &e), ERR_USAGE);
    ck_assert_int_eq(s3_store_open(&address, &s, &e), ERR_USAGE);
}
END_TEST

START_TEST(plain_http_beyond_this_machine_must_be_asked_for)
{
    struct s3_options o = good;
    struct store *s = NULL;
    struct err e = ERR_NONE;

    o.endpoint = "http://host.example";
    ck_assert_int_eq(s3_store_open(&o, &s, &e), ERR_USAGE);
    o.allow_http = true;
    ck_assert_int_eq(s3_store_open(&o, &s, &e), ERR_OK);
    store_free(s);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_listing_asks_for_what_is_wanted,           a_remove_believes_only_the_store,
        threads_share_the_store_and_its_connections, options_that_cannot_work_are_refused,
        numbers_that_cannot_work_are_refused,        plain_http_beyond_this_machine_must_be_asked_for};
    Suite *suite = suite_of("storage/s3_store", tests, sizeof(tests) / sizeof(tests[0]));
    TCase *table = tcase_create("table");

    tcase_set_timeout(table, 60);
    tcase_add_loop_test(table, a_listing_meets_this_and_ends_like_that, 0,
                        (int) (sizeof(attempts) / sizeof(attempts[0])));
    suite_add_tcase(suite, table);
    return check_main(suite);
}
