/*
 * test_s3_client.c - exchanges and their repetition (s3_request, s3_client) against scripted answers.
 */
#include "reply_server.h"
#include "storage/s3_store.h"

#include "check_main.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const struct attempt {
    const char *cases[8];
    enum err_code kind;
    unsigned requests, sleeps;
    const char *text; /* in the error */
    const char *hint; /* in its hint  */
} attempts[] = {
    {{"any/503-slowdown", "put/ok"}, ERR_OK, 2, 1, "", ""},
    {{"any/429-retry-after", "put/ok"}, ERR_OK, 2, 1, "", ""},
    {{"any/502-html", "any/503-slowdown", "put/400-incomplete", "put/ok"}, ERR_OK, 4, 3, "", ""},
    {{"any/reset", "put/ok"}, ERR_OK, 2, 1, "", ""},
    {{"any/stall", "put/ok"}, ERR_OK, 2, 1, "", ""},
    {{"any/garbage", "put/ok"}, ERR_OK, 2, 1, "", ""},
    {{"put/200-portal", "put/ok"}, ERR_OK, 2, 1, "", ""},
    {{"put/200-error", "put/ok"}, ERR_OK, 2, 1, "", ""},
    {{"put/400-baddigest", "put/ok"}, ERR_OK, 2, 1, "", ""},
    {{"put/400-baddigest", "put/400-baddigest"}, ERR_CORRUPT, 2, 1, "HTTP 400 BadDigest", ""},
    {{"put/409-race", "put/412"}, ERR_CONFLICT, 2, 1, "HTTP 412 PreconditionFailed", ""},
    {{"put/412"},
     ERR_CONFLICT,
     1,
     0,
     "could not store object \"s3://bucket/in/k\": HTTP 412 PreconditionFailed",
     ""},
    {{"put/304"}, ERR_CONFLICT, 1, 0, "HTTP 304", ""},
    {{"put/403-locked"}, ERR_CONFLICT, 1, 0, "ObjectLockedByBucketPolicy", ""},
    /* the answer got lost, the object did not */
    {{"any/reset", "put/412"}, ERR_CONFLICT, 2, 1, "HTTP 412", ""},
    {{"any/403-denied"},
     ERR_DENIED,
     1,
     0,
     "HTTP 403 AccessDenied: Access Denied (request id tx-AccessDenied)",
     ""},
    {{"any/403-skew", "any/403-skew"},
     ERR_DENIED,
     2,
     0,
     "RequestTimeTooSkewed",
     "Sat, 21 Nov 2026 12:00:00 GMT"},
    {{"any/404-nosuchbucket"}, ERR_USAGE, 1, 0, "NoSuchBucket", "\"bucket\""},
    {{"any/404-html"},
     ERR_UNREACHABLE,
     1,
     0,
     "HTTP 404 with an answer that is not an object store's (text/html",
     ""},
    {{"any/501-header"}, ERR_REFUSED, 1, 0, "HTTP 501 NotImplemented", ""},
    {{"any/301-region"}, ERR_USAGE, 1, 0, "HTTP 301 PermanentRedirect", "\"eu-west-1\""},
    {{"any/302-portal"}, ERR_UNREACHABLE, 1, 0, "HTTP 302", ""},
};

static enum err_code put(const struct s3_options *o, const char *key, const char *text, struct err *e)
{
    CLEANUP(store_freep) struct store *s = NULL;

    if (s3_store_open(o, &s, e) != ERR_OK)
        return e->code;
    return store_put(s, key, text, strlen(text), e);
}

START_TEST(a_put_meets_this_and_ends_like_that)
{
    const struct attempt *a = &attempts[_i];
    struct reply_server *server = reply_server_start(a->cases);
    struct test_clock clock;
    struct s3_options o;
    struct err e = ERR_NONE;
    enum err_code rc;

    test_clock_init(&clock);
    o = reply_options(server, &clock);
    rc = put(&o, "k", "WAL", &e);
    ck_assert_msg(rc == a->kind, "%s: %s: %s", a->cases[0], err_kind(rc), e.text);
    ck_assert_uint_eq(reply_server_requests(server), a->requests);
    ck_assert_uint_eq(clock.sleeps, a->sleeps);
    ck_assert_msg(strstr(e.text, a->text) != NULL, "%s", e.text);
    ck_assert_msg(strstr(e.hint, a->hint) != NULL, "%s", e.hint);
    ck_assert_ptr_null(strstr(e.text, o.secret_key));
    reply_server_stop(server);
}
END_TEST

START_TEST(a_put_is_one_request_and_its_bytes_are_these)
{
    static const char *const cases[] = {"put/ok", NULL};
    struct reply_server *server = reply_server_start(cases);
    struct test_clock clock;
    struct s3_options o;
    struct err e = ERR_NONE;
    const char *head, *body;
    size_t len;

    test_clock_init(&clock);
    o = reply_options(server, &clock);
    o.session_token = "token+/=";
    ck_assert_int_eq(put(&o, "a.b/c", "WAL", &e), ERR_OK);
    head = reply_server_head(server, 0);
    ck_assert_msg(strncmp(head, "PUT /bucket/in/a.b/c HTTP/1.1\r\n", 31) == 0, "%s", head);
    ck_assert_ptr_nonnull(strstr(head, "\r\nContent-Length: 3\r\n"));
    ck_assert_ptr_nonnull(strstr(head, "\r\nif-none-match: *\r\n"));
    ck_assert_ptr_nonnull(strstr(head, "\r\nx-amz-date: 20261121T110000Z\r\n"));
    ck_assert_ptr_nonnull(strstr(head,
                                 "\r\nx-amz-content-sha256: "
                                 "8acc0fd8dc61832550e97c21183107d57e62e5b5422192ca6f6892302f04bed8\r\n"));
    ck_assert_ptr_nonnull(strstr(head, "\r\nx-amz-security-token: token+/=\r\n"));
    ck_assert_ptr_nonnull(
        strstr(head, "Credential=AKIAIOSFODNN7EXAMPLE/20261121/auto/s3/aws4_request,SignedHeaders=host;"
                     "if-none-match;x-amz-content-sha256;x-amz-date;x-amz-security-token,"));
    ck_assert_ptr_null(strcasestr(head, "\r\nExpect:"));
    ck_assert_ptr_null(strcasestr(head, "\r\nTransfer-Encoding:"));
    body = reply_server_body(server, 0, &len);
    ck_assert_uint_eq(len, 3);
    ck_assert_mem_eq(body, "WAL", 3);
    reply_server_stop(server);
}
END_TEST

START_TEST(an_empty_object_has_a_length_too)
{
    static const char *const cases[] = {"put/ok", NULL};
    struct reply_server *server = reply_server_start(cases);
    struct test_clock clock;
    struct s3_options o;
    struct err e = ERR_NONE;

    test_clock_init(&clock);
    o = reply_options(server, &clock);
    ck_assert_int_eq(put(&o, "empty", "", &e), ERR_OK);
    ck_assert_ptr_nonnull(strstr(reply_server_head(server, 0), "\r\nContent-Length: 0\r\n"));
    reply_server_stop(server);
}
END_TEST

START_TEST(with_a_host_per_bucket_the_host_is_signed_and_sent)
{
    static const char *const cases[] = {"put/ok", NULL};
    struct reply_server *server = reply_server_start(cases);
    struct test_clock clock;
    struct s3_options o;
    struct err e = ERR_NONE;
    char endpoint[64], host[96];

    test_clock_init(&clock);
    o = reply_options(server, &clock);
    (void) snprintf(endpoint, sizeof(endpoint), "http://localhost%s",
                    strrchr(reply_server_endpoint(server), ':'));
    (void) snprintf(host, sizeof(host), "\r\nhost: bucket.localhost%s\r\n",
                    strrchr(reply_server_endpoint(server), ':'));
    o.endpoint = endpoint;
    o.virtual_host = true;
    ck_assert_msg(put(&o, "k", "WAL", &e) == ERR_OK, "%s", e.text);
    ck_assert_ptr_nonnull(strcasestr(reply_server_head(server, 0), host));
    ck_assert_int_eq(strncmp(reply_server_head(server, 0), "PUT /in/k HTTP/1.1\r\n", 20), 0);
    reply_server_stop(server);
}
END_TEST

START_TEST(a_servers_wish_to_wait_is_obeyed)
{
    static const char *const cases[] = {"any/429-retry-after", "put/ok", NULL};
    struct reply_server *server = reply_server_start(cases);
    struct test_clock clock;
    struct s3_options o;
    struct err e = ERR_NONE;

    test_clock_init(&clock);
    o = reply_options(server, &clock);
    ck_assert_int_eq(put(&o, "k", "WAL", &e), ERR_OK);
    ck_assert_int_ge(clock.slept_us, 7000000);
    reply_server_stop(server);
}
END_TEST

START_TEST(the_budget_ends_the_tries)
{
    static const char *const cases[] = {"any/503-slowdown",
                                        "any/503-slowdown",
                                        "any/503-slowdown",
                                        "any/503-slowdown",
                                        "any/503-slowdown",
                                        "any/503-slowdown",
                                        "any/503-slowdown",
                                        "any/503-slowdown",
                                        "any/503-slowdown",
                                        "any/503-slowdown",
                                        "any/503-slowdown",
                                        "any/503-slowdown",
                                        "any/503-slowdown",
                                        "any/503-slowdown",
                                        "any/503-slowdown",
                                        "any/503-slowdown",
                                        "any/503-slowdown",
                                        "any/503-slowdown",
                                        "any/503-slowdown",
                                        "any/503-slowdown",
                                        "any/503-slowdown",
                                        "any/503-slowdown",
                                        "any/503-slowdown",
                                        "any/503-slowdown",
                                        "any/503-slowdown",
                                        "any/503-slowdown",
                                        "any/503-slowdown",
                                        "any/503-slowdown",
                                        "any/503-slowdown",
                                        "any/503-slowdown",
                                        NULL};
    struct reply_server *server = reply_server_start(cases);
    struct test_clock clock;
    struct s3_options o;
    struct err e = ERR_NONE;

    test_clock_init(&clock);
    o = reply_options(server, &clock);
    o.retry_budget_ms = 10000;
    ck_assert_int_eq(put(&o, "k", "WAL", &e), ERR_UNREACHABLE);
    ck_assert_ptr_nonnull(strstr(e.text, "tries"));
    ck_assert_ptr_nonnull(strstr(e.text, "SlowDown"));
    ck_assert_int_le(clock.slept_us, 10000000);
    ck_assert_uint_ge(clock.sleeps, 2);
    reply_server_stop(server);
}
END_TEST

START_TEST(without_a_budget_there_is_one_try)
{
    static const char *const cases[] = {"any/503-slowdown", NULL};
    struct reply_server *server = reply_server_start(cases);
    struct test_clock clock;
    struct s3_options o;
    struct err e = ERR_NONE;

    test_clock_init(&clock);
    o = reply_options(server, &clock);
    o.retry_budget_ms = 0;
    ck_assert_int_eq(put(&o, "k", "WAL", &e), ERR_UNREACHABLE);
    ck_assert_uint_eq(reply_server_requests(server), 1);
    reply_server_stop(server);
}
END_TEST

START_TEST(a_refused_clock_is_corrected_for_good)
{
    static const char *const cases[] = {"any/403-skew", "put/ok", "put/ok", NULL};
    struct reply_server *server = reply_server_start(cases);
    CLEANUP(store_freep) struct store *s = NULL;
    struct test_clock clock;
    struct s3_options o;
    struct err e = ERR_NONE;

    test_clock_init(&clock);
    o = reply_options(server, &clock);
    ck_assert_int_eq(s3_store_open(&o, &s, &e), ERR_OK);
    ck_assert_int_eq(store_put(s, "k", "1", 1, &e), ERR_OK);
    ck_assert_int_eq(store_put(s, "l", "2", 1, &e), ERR_OK);
    ck_assert_uint_eq(s->requests, 3);
    ck_assert_ptr_nonnull(strstr(reply_server_head(server, 0), "x-amz-date: 20261121T110000Z"));
    ck_assert_ptr_nonnull(strstr(reply_server_head(server, 1), "x-amz-date: 20261121T120000Z"));
    ck_assert_ptr_nonnull(strstr(reply_server_head(server, 2), "x-amz-date: 20261121T120000Z"));
    reply_server_stop(server);
}
END_TEST

START_TEST(a_connection_is_used_again_and_a_dead_one_replaced_at_once)
{
    static const char *const cases[] = {"put/ok", "put/ok", "any/stall", "put/ok", NULL};
    struct reply_server *server = reply_server_start(cases);
    CLEANUP(store_freep) struct store *s = NULL;
    struct test_clock clock;
    struct s3_options o;
    struct err e = ERR_NONE;

    test_clock_init(&clock);
    o = reply_options(server, &clock);
    ck_assert_int_eq(s3_store_open(&o, &s, &e), ERR_OK);
    ck_assert_int_eq(store_put(s, "a", "1", 1, &e), ERR_OK);
    ck_assert_int_eq(store_put(s, "b", "2", 1, &e), ERR_OK);
    ck_assert_uint_eq(reply_server_connections(server), 1);
    ck_assert_int_eq(store_put(s, "c", "3", 1, &e), ERR_OK);
    ck_assert_uint_eq(reply_server_connections(server), 2);
    ck_assert_uint_eq(clock.sleeps, 0);
    reply_server_stop(server);
}
END_TEST

START_TEST(nobody_listening_is_unreachable)
{
    static const char *const cases[] = {NULL};
    struct reply_server *server = reply_server_start(cases);
    struct test_clock clock;
    struct s3_options o;
    struct err e = ERR_NONE;
    char endpoint[64];

    test_clock_init(&clock);
    o = reply_options(server, &clock);
    (void) snprintf(endpoint, sizeof(endpoint), "%s", reply_server_endpoint(server));
    reply_server_stop(server);
    o.endpoint = endpoint;
    ck_assert_int_eq(put(&o, "k", "WAL", &e), ERR_UNREACHABLE);
    ck_assert_uint_ge(clock.sleeps, 1);
}
END_TEST

/* So that no descriptor is left for a socket; the server is one that would answer. */
START_TEST(a_want_of_descriptors_is_no_outage)
{
    static const char *const cases[] = {"put/ok", NULL};
    CLEANUP(store_freep) struct store *s = NULL;
    struct reply_server *server = reply_server_start(cases);
    struct rlimit limit, none;
    struct test_clock clock;
    struct s3_options o;
    struct err e = ERR_NONE;
    int lowest;

    test_clock_init(&clock);
    o = reply_options(server, &clock);
    ck_assert_int_eq(s3_store_open(&o, &s, &e), ERR_OK);
    ck_assert_int_eq(store_put(s, "k", "WAL", 3, &e), ERR_OK);
    reply_server_stop(server); /* its connection is gone, and what libcurl needs besides is there */
    lowest = dup(STDERR_FILENO);
    ck_assert(lowest >= 0 && close(lowest) == 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0);
    none = limit;
    none.rlim_cur = (rlim_t) lowest;
    clock.sleeps = 0;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    ck_assert_int_eq(store_put(s, "l", "WAL", 3, &e), ERR_IO);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_ptr_nonnull(strstr(e.text, strerror(EMFILE)));
    ck_assert_uint_eq(clock.sleeps, 0);
}
END_TEST

/* A name that no resolver asks anybody for: one of its labels is too long. */
#define NAMELESS "http://abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-0123456789.invalid:9"

START_TEST(a_name_without_an_address_is_unreachable_however_often_it_is_tried)
{
    static const char *const cases[] = {NULL};
    struct reply_server *server = reply_server_start(cases);
    struct test_clock clock;
    struct s3_options o;
    struct err e = ERR_NONE;

    test_clock_init(&clock);
    o = reply_options(server, &clock);
    reply_server_stop(server);
    o.endpoint = NAMELESS;
    o.allow_http = true;
    ck_assert_msg(put(&o, "k", "WAL", &e) == ERR_UNREACHABLE, "%s", e.text);
    ck_assert_uint_ge(clock.sleeps, 2);
}
END_TEST

/* So many descriptors are left for asking after the name. */
START_TEST(nor_is_it_while_a_name_is_looked_up)
{
    static const char *const cases[] = {NULL};
    CLEANUP(store_freep) struct store *s = NULL;
    struct reply_server *server = reply_server_start(cases);
    struct rlimit limit, few;
    struct test_clock clock;
    struct s3_options o;
    struct err e = ERR_NONE;
    enum err_code code;
    int lowest;

    test_clock_init(&clock);
    o = reply_options(server, &clock);
    reply_server_stop(server);
    o.endpoint = NAMELESS;
    o.allow_http = true;
    ck_assert_int_eq(put(&o, "k", "WAL", &e), ERR_UNREACHABLE); /* so libcurl is there */
    lowest = dup(STDERR_FILENO);
    ck_assert(lowest >= 0 && close(lowest) == 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0);
    few = limit;
    few.rlim_cur = (rlim_t) (lowest + _i);
    clock.sleeps = 0;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    code = s3_store_open(&o, &s, &e) == ERR_OK ? store_put(s, "l", "WAL", 3, &e) : e.code;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_msg(code == ERR_IO, "%d descriptors: %s", _i, e.text);
    ck_assert_uint_eq(clock.sleeps, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_put_is_one_request_and_its_bytes_are_these,
                                  an_empty_object_has_a_length_too,
                                  with_a_host_per_bucket_the_host_is_signed_and_sent,
                                  a_servers_wish_to_wait_is_obeyed,
                                  the_budget_ends_the_tries,
                                  without_a_budget_there_is_one_try,
                                  a_refused_clock_is_corrected_for_good,
                                  a_connection_is_used_again_and_a_dead_one_replaced_at_once,
                                  nobody_listening_is_unreachable,
                                  a_name_without_an_address_is_unreachable_however_often_it_is_tried,
                                  a_want_of_descriptors_is_no_outage};
    Suite *suite = suite_of("storage/s3_client", tests, sizeof(tests) / sizeof(tests[0]));
    TCase *table = tcase_create("table");

    tcase_set_timeout(table, 60);
    tcase_add_loop_test(table, a_put_meets_this_and_ends_like_that, 0,
                        (int) (sizeof(attempts) / sizeof(attempts[0])));
    tcase_add_loop_test(table, nor_is_it_while_a_name_is_looked_up, 0, 6);
    suite_add_tcase(suite, table);
    return check_main(suite);
}
