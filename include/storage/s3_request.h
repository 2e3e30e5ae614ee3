/*
 * storage/s3_request.h - one signed HTTP exchange with an S3 server over libcurl.
 *
 * HTTP/1.1, TLS 1.2 or newer with the server verified, exact Content-Length, no Expect, no chunks, no redirects, no
 * netrc. A connection stays open between exchanges (300 s idle at most). Limits: to connect, on the time in which
 * no byte moves either way, and in total: a fixed time plus what the bytes take at 32 KiB/s.
 * Proxies are taken from the environment as libcurl does, except for servers on loopback.
 * Repeats   none, but one of libcurl's own: an idle connection that proves dead before any answer is replaced.
 * Source    libcurl's manual pages; facts about R2 in docs/PROVIDERS.md.
 *
 * Threads   an s3_conn serves one exchange at a time; an s3_site may be shared.
 */
#pragma once
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "storage/s3_body.h"
#include "storage/s3_retry.h"
#include "storage/s3_url.h"
#include "storage/s3_xml.h"
#include "stream/sink.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* The server, the bucket, and as whom we come. Strings are owned by whoever made the site. */
struct s3_site {
    struct s3_endpoint endpoint;
    const char *bucket;
    const char *region;
    const char *ca_file; /* NULL = the system's authorities */
    const char *access_key;
    const char *secret_key;
    const char *session_token; /* NULL = none */
    bool virtual_host;         /* bucket.host/key rather than host/bucket/key */
    int64_t connect_timeout_ms;
    int64_t stall_timeout_ms;
    int64_t request_timeout_ms;
    const struct clock *clock;
    _Atomic int64_t clock_offset_us; /* server's clock minus ours, once it refused our time */
};

struct s3_request {
    const char *method;
    const char *key;               /* whole key; NULL = the bucket itself                      */
    const struct s3_pair *query;   /* up to a NULL name; NULL = none                           */
    const struct s3_pair *headers; /* lower case, all are signed; up to a NULL name; NULL = none */
    const struct s3_body *body;    /* sent by PUT and POST, however short; NULL = empty        */
    struct sink *to;               /* where a 2xx body goes; NULL = into the reply             */
    int64_t stall_timeout_ms;      /* when more than the site's: some answers are long in coming */
};

/* Headers of an answer as they came, "" when absent. */
struct s3_headers {
    char content_type[96];
    char content_length[24];
    char content_range[80];
    char etag[128];
    char date[48];
    char last_modified[48];
    char retry_after[48];
    char request_id[128]; /* x-amz-request-id */
    char cf_ray[64];
    char bucket_region[64];
};

struct s3_reply {
    enum s3_transport transport;
    char trouble[320]; /* what broke, unless S3_ANSWERED; no secret in it        */
    int status;        /* 0 when none came                                       */
    bool reused;       /* it went over a connection opened by an earlier exchange */
    struct s3_headers headers;
    struct buf body;       /* of anything not given to a sink; errors are cut at 64 KiB */
    struct s3_error error; /* what the body says, when it is an S3 error document       */
};

struct s3_conn;

enum err_code s3_conn_new(struct s3_conn **out, struct err *e);
void s3_conn_free(struct s3_conn *conn);

void s3_reply_init(struct s3_reply *reply);
void s3_reply_clear(struct s3_reply *reply);

/*
 * Sign and send a request, and take the answer.
 *   fresh   do not use a connection that is open already
 *   reply   initialised; filled also when nothing came: transport says what happened
 * ERR_OK means only that reply tells the story. Fails with the error of req->to, whose chain is then broken, or
 * ERR_IO without memory.
 */
enum err_code s3_exchange(struct s3_conn *conn, const struct s3_site *site, const struct s3_request *req,
                          bool fresh, struct s3_reply *reply, struct err *e);

/* A moment of an answer's header, microseconds since 1970; 0 when it is none. */
int64_t s3_http_date(const char *text);
