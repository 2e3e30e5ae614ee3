/*
 * storage/s3_url.h - names of places in S3: repository URLs, endpoints, and the one encoding of paths and queries.
 *
 * Text      "s3://bucket/prefix" names a repository; "https://host[:port]" names the server that keeps it.
 * Encoding  each byte once, unreserved [A-Za-z0-9._~-] stay, upper-case %XX, space is %20; "/" stays in paths only.
 *           What is signed is exactly what is sent, so nothing else may encode.
 * Source    AWS, "Authenticating Requests: Using the Authorization Header", UriEncode().
 *
 * PURE.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>

#define S3_BUCKET_MAX    63
#define S3_PREFIX_MAX    256
#define S3_AUTHORITY_MAX 262 /* 255 bytes of host, ":", five digits */
#define S3_KEY_MAX       1024

struct s3_url {
    char bucket[S3_BUCKET_MAX + 1];
    char prefix[S3_PREFIX_MAX + 1]; /* no slash at either end; "" = the whole bucket */
};

struct s3_endpoint {
    bool tls;
    bool loopback;                        /* localhost, 127.0.0.0/8 or ::1                                */
    bool is_address;                      /* an IP address, below which there can be no bucket's own host */
    char authority[S3_AUTHORITY_MAX + 1]; /* host[:port] as the Host header says it; no default port      */
};

struct s3_pair {
    const char *name;
    const char *value;
};

/* Read "s3://bucket[/prefix[/]]". ERR_USAGE names what is wrong; out is untouched then. */
enum err_code s3_url_parse(const char *text, struct s3_url *out, struct err *e);

/* Read "https://host[:port][/]" or the same with http. ERR_USAGE for user names, paths, queries, other schemes. */
enum err_code s3_endpoint_parse(const char *text, struct s3_endpoint *out, struct err *e);

/* Append text encoded; keep_slash for paths. */
enum err_code s3_uri_encode(const char *text, bool keep_slash, struct buf *out, struct err *e);

/*
 * Append the pairs as a query, encoded and in canonical order (by encoded name, then value).
 *   pairs   up to a name of NULL, at most S3_PAIRS_MAX; a value of NULL is "name="
 */
#define S3_PAIRS_MAX 16
enum err_code s3_query_format(const struct s3_pair *pairs, struct buf *out, struct err *e);
