/*
 * test_s3_live.c - the S3 store against a real server, the one that regress/s3/start.sh or a bucket's owner names:
 *
 *     PITR_TEST_S3_ENDPOINT  PITR_TEST_S3_BUCKET  AWS_ACCESS_KEY_ID  AWS_SECRET_ACCESS_KEY
 *     optional: PITR_TEST_S3_CA_FILE  PITR_TEST_S3_REGION  PITR_TEST_S3_HTTP_ENDPOINT  AWS_SESSION_TOKEN
 *
 * Skipped when the first is not set. Every key lies below a prefix of its own, made of time and process id.
 */
#include "storage/s3_store.h"

#include "check_main.h"
#include "conformance.h"

#include "base/buf.h"
#include "stream/buf_sink.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char prefix[64];

static struct s3_options options(void)
{
    const char *region = getenv("PITR_TEST_S3_REGION");

    return (struct s3_options){.bucket = getenv("PITR_TEST_S3_BUCKET"),
                               .prefix = prefix,
                               .endpoint = getenv("PITR_TEST_S3_ENDPOINT"),
                               .region = region == NULL ? "auto" : region,
                               .ca_file = getenv("PITR_TEST_S3_CA_FILE"),
                               .access_key = getenv("AWS_ACCESS_KEY_ID"),
                               .secret_key = getenv("AWS_SECRET_ACCESS_KEY"),
                               .session_token = getenv("AWS_SESSION_TOKEN"),
                               .part_bytes = 5 << 20,
                               .connect_timeout_ms = 10000,
                               .stall_timeout_ms = 30000,
                               .request_timeout_ms = 60000,
                               .retry_budget_ms = 60000,
                               .conditional_put = true};
}

static enum err_code open_conditional(void *arg, struct store **out, struct err *e)
{
    struct s3_options o = options();

    (void) arg;
    return s3_store_open(&o, out, e);
}

static const struct conformance conditional = {
    .open = open_conditional, .prefix = "c/", .large_bytes = (23 << 20) + 17, .many = 1100, .timeout_s = 300};

static struct store *open_with(const struct s3_options *o)
{
    struct store *s = NULL;
    struct err e = ERR_NONE;

    ck_assert_msg(s3_store_open(o, &s, &e) == ERR_OK, "%s", e.text);
    return s;
}

/* The store's answer to a get of a key that is there: what went wrong with the store itself? */
static enum err_code get_kind(const struct s3_options *o, const char *key, struct err *e)
{
    CLEANUP(store_freep) struct store *s = open_with(o);
    CLEANUP(buf_clear) struct buf got = BUF_INIT(1 << 20);
    CLEANUP(sink_freep) struct sink *to = NULL;

    ck_assert_int_eq(buf_sink_new(&got, &to, e), ERR_OK);
    return store_get(s, key, NULL, to, NULL, e);
}

START_TEST(a_put_and_a_get_cost_one_request_each)
{
    struct s3_options o = options();
    CLEANUP(store_freep) struct store *s = open_with(&o);
    char *text;

    conformance_put(s, "one", "request");
    ck_assert_uint_eq(s->requests, 1);
    text = conformance_get(s, "one");
    ck_assert_str_eq(text, "request");
    ck_assert_uint_eq(s->requests, 2);
    free(text);
}
END_TEST

START_TEST(a_wrong_secret_is_denied)
{
    struct s3_options o = options();
    struct err e = ERR_NONE;

    o.secret_key = "not-the-secret-that-belongs-to-it";
    ck_assert_int_eq(get_kind(&o, "one", &e), ERR_DENIED);
    ck_assert_ptr_nonnull(strstr(e.text, "HTTP 403 SignatureDoesNotMatch"));
    ck_assert_ptr_null(strstr(e.text, o.secret_key));
}
END_TEST

START_TEST(a_missing_bucket_is_a_wrong_configuration)
{
    struct s3_options o = options();
    struct err e = ERR_NONE;

    o.bucket = "no-such-bucket-of-pitr";
    ck_assert_int_eq(get_kind(&o, "one", &e), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(e.text, "NoSuchBucket"));
    ck_assert_str_ne(e.hint, "");
}
END_TEST

START_TEST(an_unknown_authority_is_not_trusted)
{
    struct s3_options o = options();
    struct err e = ERR_NONE;

    if (o.ca_file == NULL)
        return; /* a public server: everybody's authorities know it */
    o.ca_file = NULL;
    ck_assert_int_eq(get_kind(&o, "one", &e), ERR_UNREACHABLE);
    ck_assert_ptr_nonnull(strstr(e.text, "certificate"));
    ck_assert_ptr_nonnull(strstr(e.hint, "ca-file"));
}
END_TEST

START_TEST(plain_http_on_loopback_works)
{
    struct s3_options o = options();
    struct err e = ERR_NONE;

    o.endpoint = getenv("PITR_TEST_S3_HTTP_ENDPOINT");
    if (o.endpoint == NULL)
        return;
    ck_assert_int_eq(get_kind(&o, "never-stored", &e), ERR_ABSENT);
}
END_TEST

static int64_t half_an_hour_ago(void *self)
{
    (void) self;
    return clock_now_us(&clock_system) - 1800LL * 1000000;
}

static int64_t mono(void *self)
{
    (void) self;
    return clock_mono_us(&clock_system);
}

START_TEST(a_machine_whose_clock_is_slow_still_archives)
{
    static const struct clock slow = {.now_us = half_an_hour_ago, .mono_us = mono};
    struct s3_options o = options();
    CLEANUP(store_freep) struct store *s = NULL;

    o.clock = &slow;
    s = open_with(&o);
    conformance_put(s, "slow-1", "a");
    conformance_put(s, "slow-2", "b");
    ck_assert_uint_eq(s->requests, 3); /* the first was refused once */
}
END_TEST

START_TEST(without_conditional_put_a_taken_key_is_found_by_listing)
{
    struct s3_options o = options();
    CLEANUP(store_freep) struct store *s = NULL;
    struct err e = ERR_NONE;

    o.conditional_put = false;
    s = open_with(&o);
    conformance_put(s, "weak", "first");
    ck_assert_int_eq(store_put(s, "weak", "second", 6, &e), ERR_CONFLICT);
    conformance_put(s, "wea", "a key that begins another one is free");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_put_and_a_get_cost_one_request_each,
        a_wrong_secret_is_denied,
        a_missing_bucket_is_a_wrong_configuration,
        an_unknown_authority_is_not_trusted,
        plain_http_on_loopback_works,
        a_machine_whose_clock_is_slow_still_archives,
        without_conditional_put_a_taken_key_is_found_by_listing,
    };
    Suite *suite;

    if (getenv("PITR_TEST_S3_ENDPOINT") == NULL) {
        puts("1..0 # SKIP no S3 server is named by PITR_TEST_S3_ENDPOINT");
        return 0;
    }
    (void) snprintf(prefix, sizeof(prefix), "pitr-test/%lld-%ld", (long long) time(NULL), (long) getpid());
    suite = suite_of("storage/s3_live", tests, sizeof(tests) / sizeof(tests[0]));
    conformance_add(suite, "conformance", &conditional);
    return check_main(suite);
}
