/*
 * test_s3_url.c - repository URLs, endpoints and the encoding of what goes into a request.
 */
#include "storage/s3_url.h"

#include "check_main.h"

#include <string.h>

static const struct {
    const char *text, *bucket, *prefix; /* bucket NULL = refused */
    const char *why;
} urls[] = {
    {"s3://bucket", "bucket", "", "a whole bucket"},
    {"s3://bucket/", "bucket", "", "a slash alone is no prefix"},
    {"s3://rr-backups/pg", "rr-backups", "pg", "bucket and prefix"},
    {"s3://b.c_d/a/b/", "b.c_d", "a/b", "a slash at the end does not count"},
    {"s3://bucket//", NULL, NULL, "an empty component"},
    {"s3://bucket/a//b", NULL, NULL, "an empty component inside"},
    {"s3://bucket/../b", NULL, NULL, "a component of dots"},
    {"s3://bucket/a b", NULL, NULL, "a character no key has"},
    {"s3://bucket/a?x=1", NULL, NULL, "a query"},
    {"s3://ab/a", NULL, NULL, "a bucket's name has at least three bytes"},
    {"s3://-ab/a", NULL, NULL, "a bucket's name begins with a letter or digit"},
    {"s3://a:b@host/a", NULL, NULL, "credentials have no place here"},
    {"s3:///a", NULL, NULL, "no bucket"},
    {"S3://bucket", NULL, NULL, "the scheme is in lower case"},
    {"https://bucket/a", NULL, NULL, "another scheme"},
    {"s3://a123456789012345678901234567890123456789012345678901234567890123", NULL, NULL, "64 bytes"},
    {"", NULL, NULL, "nothing"},
};

START_TEST(a_repository_url_is_read_or_refused)
{
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct s3_url url = {.bucket = "untouched"};
        struct err e = ERR_NONE;
        enum err_code rc = s3_url_parse(urls[i].text, &url, &e);

        ck_assert_msg(rc == (urls[i].bucket == NULL ? ERR_USAGE : ERR_OK), "%s: %s", urls[i].why, e.text);
        ck_assert_msg(strcmp(url.bucket, urls[i].bucket == NULL ? "untouched" : urls[i].bucket) == 0, "%s",
                      urls[i].why);
        if (rc == ERR_OK)
            ck_assert_msg(strcmp(url.prefix, urls[i].prefix) == 0, "%s", urls[i].why);
    }
}
END_TEST

static const struct {
    const char *text, *authority; /* NULL = refused */
    bool tls, loopback, is_address;
    const char *why;
} endpoints[] = {
    {"https://acc.r2.cloudflarestorage.com", "acc.r2.cloudflarestorage.com", true, false, false, "R2"},
    {"https://acc.r2.cloudflarestorage.com/", "acc.r2.cloudflarestorage.com", true, false, false,
     "a slash at the end"},
    {"https://host:443", "host", true, false, false, "the default port is not said"},
    {"http://host:80", "host", false, false, false, "nor is the other"},
    {"https://host:80", "host:80", true, false, false, "which is no default for https"},
    {"https://localhost:8443", "localhost:8443", true, true, false, "loopback by name"},
    {"http://b.localhost:1", "b.localhost:1", false, true, false, "loopback by RFC 6761"},
    {"http://127.0.0.1:9000", "127.0.0.1:9000", false, true, true, "loopback by address"},
    {"http://127.evil.example", "127.evil.example", false, false, false, "a name that looks like loopback"},
    {"http://[::1]:9000", "[::1]:9000", false, true, true, "IPv6 loopback"},
    {"https://[2001:db8::1]", "[2001:db8::1]", true, false, true, "an IPv6 address"},
    {"https://host/bucket", NULL, 0, 0, 0, "the bucket belongs elsewhere"},
    {"https://host?x", NULL, 0, 0, 0, "a query"},
    {"https://key:secret@host", NULL, 0, 0, 0, "credentials"},
    {"https://host:0", NULL, 0, 0, 0, "no port"},
    {"https://host:65536", NULL, 0, 0, 0, "no port either"},
    {"https://host:", NULL, 0, 0, 0, "an empty port"},
    {"https://", NULL, 0, 0, 0, "no host"},
    {"https://[::1", NULL, 0, 0, 0, "an open bracket"},
    {"https://ho st", NULL, 0, 0, 0, "a space"},
    {"https://host\r\nX-Evil: 1", NULL, 0, 0, 0, "a header of its own"},
    {"host:9000", NULL, 0, 0, 0, "no scheme"},
    {"ftp://host", NULL, 0, 0, 0, "another scheme"},
};

START_TEST(an_endpoint_is_read_or_refused)
{
    for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
        struct s3_endpoint ep = {.authority = ""};
        struct err e = ERR_NONE;
        enum err_code rc = s3_endpoint_parse(endpoints[i].text, &ep, &e);

        ck_assert_msg(rc == (endpoints[i].authority == NULL ? ERR_USAGE : ERR_OK), "%s", endpoints[i].why);
        if (rc != ERR_OK)
            continue;
        ck_assert_msg(strcmp(ep.authority, endpoints[i].authority) == 0, "%s: %s", endpoints[i].why,
                      ep.authority);
        ck_assert_msg(ep.tls == endpoints[i].tls && ep.loopback == endpoints[i].loopback &&
                          ep.is_address == endpoints[i].is_address,
                      "%s", endpoints[i].why);
    }
}
END_TEST

START_TEST(a_refused_endpoint_does_not_repeat_a_password)
{
    struct s3_endpoint ep;
    struct err e = ERR_NONE;

    ck_assert_int_eq(s3_endpoint_parse("https://user:hunter2@host", &ep, &e), ERR_USAGE);
    ck_assert_ptr_null(strstr(e.text, "hunter2"));
}
END_TEST

START_TEST(every_byte_is_encoded_once)
{
    CLEANUP(buf_clear) struct buf path = BUF_INIT(256), part = BUF_INIT(256);
    struct err e = ERR_NONE;

    ck_assert_int_eq(s3_uri_encode("/a b+c=%~_-./\xC3\xA9", true, &path, &e), ERR_OK);
    ck_assert_str_eq(buf_cstr(&path), "/a%20b%2Bc%3D%25~_-./%C3%A9");
    ck_assert_int_eq(s3_uri_encode("a/b", false, &part, &e), ERR_OK);
    ck_assert_str_eq(buf_cstr(&part), "a%2Fb");
}
END_TEST

START_TEST(a_query_is_sorted_by_name_and_then_by_value)
{
    const struct s3_pair pairs[] = {{"b", "2"},        {"a1", "x"}, {"a", "z"},
                                    {"uploads", NULL}, {"b", "1"},  {NULL, NULL}};
    CLEANUP(buf_clear) struct buf query = BUF_INIT(256);
    struct err e = ERR_NONE;

    ck_assert_int_eq(s3_query_format(pairs, &query, &e), ERR_OK);
    ck_assert_str_eq(buf_cstr(&query), "a=z&a1=x&b=1&b=2&uploads=");
    buf_reset(&query);
    ck_assert_int_eq(s3_query_format(NULL, &query, &e), ERR_OK);
    ck_assert_uint_eq(query.len, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_repository_url_is_read_or_refused, an_endpoint_is_read_or_refused,
                                  a_refused_endpoint_does_not_repeat_a_password, every_byte_is_encoded_once,
                                  a_query_is_sorted_by_name_and_then_by_value};

    return check_main(suite_of("storage/s3_url", tests, sizeof(tests) / sizeof(tests[0])));
}
