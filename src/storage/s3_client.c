/*
 * storage/s3_client.c - see storage/s3_client.h.
 *
 * Connections wait in a stack, so the most recently used one goes out first and the rest of a burst grow old and
 * are closed by libcurl.
 */
#include "storage/s3_client.h"

#include "base/log.h"
#include "base/rng.h"
#include "base/secret.h"
#include "base/thread.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_FIRST_MS  500
#define WAIT_MOST_MS   30000
#define SKEW_LEAST_US  (60LL * 1000000) /* a smaller difference is not why a server refuses our time */
#define IDLE_CONNS_MAX 64

struct s3_client {
    struct s3_site site;
    char *bucket, *region, *ca_file, *access_key, *secret_key, *session_token; /* what site points to */
    int64_t retry_budget_ms;
    _Atomic uint64_t *requests;
    pthread_mutex_t lock; /* of the idle connections */
    struct s3_conn *idle[IDLE_CONNS_MAX];
    size_t idle_count;
    pthread_t
        loader; /* makes the first of them, which takes loading libcurl and the dozens of libraries it needs */
    bool is_loading;
    pthread_mutex_t loader_lock; /* of the two */
};

/* Copy a string, or NULL; notes in *whole when memory is short. */
static char *copy(const char *text, bool *whole)
{
    char *made = text == NULL ? NULL : strdup(text);

    if (text != NULL && made == NULL)
        *whole = false;
    return made;
}

static void wipe_free(char *secret)
{
    if (secret != NULL)
        secret_wipe(secret, strlen(secret));
    free(secret);
}

static void conn_give_back(struct s3_client *c, struct s3_conn *conn)
{
    pthread_mutex_lock(&c->lock);
    if (c->idle_count < IDLE_CONNS_MAX) {
        c->idle[c->idle_count++] = conn;
        conn = NULL;
    }
    pthread_mutex_unlock(&c->lock);
    s3_conn_free(conn);
}

/* A failure is told by who needs a connection, and meets it again. */
static void *load_ahead(void *client)
{
    struct err ignored = ERR_NONE;
    struct s3_conn *conn;

    if (s3_conn_new(&conn, &ignored) == ERR_OK)
        conn_give_back(client, conn);
    return NULL;
}

/* Before the first request, and before the program may end: its libraries must not go while they come. */
static void await_loader(struct s3_client *c)
{
    pthread_mutex_lock(&c->loader_lock);
    if (c->is_loading)
        (void) pthread_join(c->loader, NULL);
    c->is_loading = false;
    pthread_mutex_unlock(&c->loader_lock);
}

enum err_code s3_client_new(const struct s3_site *site, int64_t retry_budget_ms, _Atomic uint64_t *requests,
                            struct s3_client **out, struct err *e)
{
    struct s3_client *c = calloc(1, sizeof(*c));
    bool whole = true;

    if (c == NULL)
        return err_nomem(e, "an S3 client");
    (void) pthread_mutex_init(&c->lock, NULL);
    (void) pthread_mutex_init(&c->loader_lock, NULL);
    c->retry_budget_ms = retry_budget_ms;
    c->requests = requests;
    c->site = *site;
    c->site.bucket = c->bucket = copy(site->bucket, &whole);
    c->site.region = c->region = copy(site->region, &whole);
    c->site.ca_file = c->ca_file = copy(site->ca_file, &whole);
    c->site.access_key = c->access_key = copy(site->access_key, &whole);
    c->site.secret_key = c->secret_key = copy(site->secret_key, &whole);
    c->site.session_token = c->session_token = copy(site->session_token, &whole);
    if (!whole) {
        s3_client_free(c);
        return err_nomem(e, "an S3 client");
    }
    c->is_loading = thread_begin(&c->loader, load_ahead, c) == 0;
    *out = c;
    return ERR_OK;
}

void s3_client_free(struct s3_client *c)
{
    if (c == NULL)
        return;
    await_loader(c);
    for (size_t i = 0; i < c->idle_count; i++)
        s3_conn_free(c->idle[i]);
    (void) pthread_mutex_destroy(&c->lock);
    (void) pthread_mutex_destroy(&c->loader_lock);
    free(c->bucket);
    free(c->region);
    free(c->ca_file);
    free(c->access_key);
    wipe_free(c->secret_key);
    wipe_free(c->session_token);
    free(c);
}

const char *s3_client_bucket(const struct s3_client *c)
{
    return c->bucket;
}

static enum err_code conn_take(struct s3_client *c, struct s3_conn **out, struct err *e)
{
    struct s3_conn *conn = NULL;

    await_loader(c);
    pthread_mutex_lock(&c->lock);
    if (c->idle_count > 0)
        conn = c->idle[--c->idle_count];
    pthread_mutex_unlock(&c->lock);
    if (conn == NULL)
        return s3_conn_new(out, e);
    *out = conn;
    return ERR_OK;
}

/* Does a 2xx look like this operation's answer? A captive portal or a proxy may well say 200 to anything. */
static bool is_genuine(enum s3_op op, const struct s3_reply *reply)
{
    static const char *const roots[] = {[S3_OP_CREATE] = "InitiateMultipartUploadResult",
                                        [S3_OP_COMPLETE] = "CompleteMultipartUploadResult",
                                        [S3_OP_LIST] = "ListBucketResult"};

    switch (op) {
    case S3_OP_GET:
    case S3_OP_PUT:
    case S3_OP_PART:
        return reply->headers.etag[0] != '\0';
    case S3_OP_CREATE:
    case S3_OP_COMPLETE:
    case S3_OP_LIST:
        return s3_xml_plausible(reply->headers.content_type, reply->body.data, reply->body.len) &&
               s3_xml_has_root(reply->body.data, reply->body.len, roots[op]);
    case S3_OP_ABORT:
    case S3_OP_DELETE:
        return reply->status == 204 || reply->body.len == 0;
    }
    return false;
}

/* "read object "s3://bucket/key"", or what else it was that failed. */
static void deed_format(const struct s3_tries *t, char *out, size_t size)
{
    static const char *const words[] = {
        [S3_OP_GET] = "read object",
        [S3_OP_PUT] = "store object",
        [S3_OP_CREATE] = "begin the multipart upload of object",
        [S3_OP_PART] = "store a part of object",
        [S3_OP_COMPLETE] = "complete the multipart upload of object",
        [S3_OP_ABORT] = "abort the multipart upload of object",
        [S3_OP_LIST] = "list bucket",
        [S3_OP_DELETE] = "remove object",
    };

    (void) snprintf(out, size, "%s \"s3://%s%s%s\"", words[t->op], t->client->bucket,
                    t->key == NULL ? "" : "/", t->key == NULL ? "" : t->key);
}

static const char *request_id(const struct s3_reply *reply)
{
    if (reply->headers.request_id[0] != '\0')
        return reply->headers.request_id;
    if (reply->headers.cf_ray[0] != '\0')
        return reply->headers.cf_ray;
    return reply->error.request_id[0] != '\0' ? reply->error.request_id : "none";
}

static void hint_add(const struct s3_tries *t, const struct s3_reply *reply, struct err *e)
{
    const char *code = reply->error.code;
    const char *region =
        reply->headers.bucket_region[0] != '\0' ? reply->headers.bucket_region : reply->error.region;

    if (reply->transport == S3_UNTRUSTED)
        (void) err_hint(
            e, "The server's certificate is not signed by a known authority; a private one is named by "
               "the option \"ca-file\".");
    else if (strcmp(code, "NoSuchBucket") == 0)
        (void) err_hint(
            e, "Create the bucket \"%s\", or correct the endpoint or the name in the repository's URL.",
            t->client->bucket);
    else if (strcmp(code, "RequestTimeTooSkewed") == 0)
        (void) err_hint(e, "Set this machine's clock; the server's said \"%s\".", reply->headers.date);
    else if (e->code == ERR_USAGE && region[0] != '\0')
        (void) err_hint(e, "The bucket is in region \"%s\"; set \"region\" and the endpoint accordingly.",
                        region);
    else if (strcmp(code, "SignatureDoesNotMatch") == 0)
        (void) err_hint(e, "The secret access key does not belong to the access key id.");
    else if (reply->status == 412 && t->op == S3_OP_GET)
        (void) err_hint(e, "The object was replaced while it was read.");
}

static enum err_code failure_say(const struct s3_tries *t, const struct s3_reply *reply, enum err_code kind,
                                 struct err *e)
{
    char deed[S3_BUCKET_MAX + S3_KEY_MAX + 80];
    const char *type = reply->headers.content_type[0] != '\0' ? reply->headers.content_type : "untyped";

    deed_format(t, deed, sizeof(deed));
    if (reply->transport != S3_ANSWERED && reply->status < 400)
        (void) err_set(e, kind, "could not %s: %s", deed, reply->trouble);
    else if (reply->error.code[0] != '\0')
        (void) err_set(e, kind, "could not %s: HTTP %d %s%s%s (request id %s)", deed, reply->status,
                       reply->error.code, reply->error.message[0] == '\0' ? "" : ": ", reply->error.message,
                       request_id(reply));
    else if (reply->transport != S3_ANSWERED && kind == ERR_UNREACHABLE)
        (void) err_set(e, kind, "could not %s: HTTP %d, and the answer broke off before its reason: %s", deed,
                       reply->status, reply->trouble);
    else if (kind == ERR_CONFLICT || kind == ERR_DENIED)
        (void) err_set(e, kind, "could not %s: HTTP %d (request id %s)", deed, reply->status,
                       request_id(reply));
    else
        (void) err_set(e, kind,
                       "could not %s: HTTP %d with an answer that is not an object store's (%s, %zu bytes, "
                       "request id %s)",
                       deed, reply->status, type, reply->body.len, request_id(reply));
    if (t->backoff.tries > 0 && kind == ERR_UNREACHABLE)
        (void) err_while(e, "after %u tries", t->backoff.tries + 1);
    hint_add(t, reply, e);
    return kind;
}

/* Retry-After is in seconds, or a date by the server's clock. */
static int64_t retry_after_ms(const struct s3_reply *reply)
{
    const char *text = reply->headers.retry_after;
    int64_t at, now;

    if (isdigit((unsigned char) *text) && strlen(text) <= 6 && strspn(text, "0123456789") == strlen(text))
        return strtol(text, NULL, 10) * 1000;
    at = s3_http_date(text);
    now = s3_http_date(reply->headers.date);
    return at > now && now > 0 ? (at - now) / 1000 : 0;
}

/* Take over the server's time; false when it does not explain the refusal. */
static bool skew_correct(struct s3_client *c, const struct s3_reply *reply)
{
    int64_t theirs = s3_http_date(reply->headers.date);
    int64_t offset = theirs - clock_now_us(c->site.clock);
    int64_t change = offset - atomic_load(&c->site.clock_offset_us);

    if (theirs == 0 || (change < SKEW_LEAST_US && change > -SKEW_LEAST_US))
        return false;
    atomic_store(&c->site.clock_offset_us, offset);
    log_warning(
        "clock differs from the one of \"%s\" by %lld seconds, using the server's time to sign requests",
        c->site.endpoint.authority, (long long) (offset / 1000000));
    return true;
}

void s3_tries_begin(struct s3_tries *t, struct s3_client *c, enum s3_op op, const char *key,
                    int64_t budget_ms)
{
    int64_t budget = budget_ms < 0 || budget_ms > c->retry_budget_ms ? c->retry_budget_ms : budget_ms;

    *t = (struct s3_tries){.client = c, .op = op, .key = key};
    backoff_init(&t->backoff, c->site.clock, WAIT_FIRST_MS, WAIT_MOST_MS, budget);
}

/* Carry out a verdict other than S3_DONE: true when the caller is to try again. */
static bool verdict_obey(struct s3_tries *t, const struct s3_judgement *j, const struct s3_reply *reply)
{
    int64_t wish = retry_after_ms(reply);

    t->fresh_next = j->verdict == S3_AGAIN_FRESH;
    switch (j->verdict) {
    case S3_AGAIN_FRESH:
        t->history.fresh = true;
        return true;
    case S3_AGAIN_SKEW:
        t->history.skew = true;
        return skew_correct(t->client, reply);
    case S3_AGAIN_RESENT:
        t->history.resent = true;
        break;
    case S3_AGAIN:
        break;
    case S3_DONE:
    case S3_FAILED:
        return false;
    }
    return backoff_wait(&t->backoff, wish > j->at_least_ms ? wish : j->at_least_ms);
}

static enum err_code exchange(struct s3_tries *t, const struct s3_request *req, struct s3_reply *reply,
                              struct err *e)
{
    struct s3_client *c = t->client;
    struct s3_conn *conn;
    enum err_code rc;

    if (conn_take(c, &conn, e) != ERR_OK)
        return e->code;
    atomic_fetch_add(c->requests, 1);
    rc = s3_exchange(conn, &c->site, req, t->fresh_next, reply, e);
    if (reply->transport == S3_ANSWERED)
        conn_give_back(c, conn);
    else
        s3_conn_free(conn); /* libcurl 7.88 has no memory for a second look-up of a name by the same handle */
    return rc;
}

enum err_code s3_tries_next(struct s3_tries *t, const struct s3_request *req, struct s3_reply *reply,
                            bool *again, struct err *e)
{
    struct s3_outcome outcome = {.op = t->op};
    struct s3_judgement j;
    struct err failure = ERR_NONE;

    *again = false;
    if (exchange(t, req, reply, e) != ERR_OK)
        return e->code;
    outcome.transport = reply->transport;
    outcome.reused = reply->reused;
    outcome.status = reply->status;
    outcome.code = reply->error.code;
    outcome.genuine = is_genuine(t->op, reply);
    j = s3_judge(&outcome, &t->history);
    if (j.verdict == S3_DONE)
        return ERR_OK;
    (void) failure_say(t, reply, j.kind, &failure);
    if (!verdict_obey(t, &j, reply)) {
        *e = failure;
        return e->code;
    }
    log_debug("%s, retrying", failure.text);
    *again = true;
    return ERR_OK;
}

enum err_code s3_client_call(struct s3_client *c, enum s3_op op, const struct s3_request *req,
                             struct s3_reply *reply, struct err *e)
{
    struct s3_tries tries;
    bool again = true;

    s3_tries_begin(&tries, c, op, req->key, -1);
    while (again)
        if (s3_tries_next(&tries, req, reply, &again, e) != ERR_OK)
            return e->code;
    return ERR_OK;
}
