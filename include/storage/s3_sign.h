/*
 * storage/s3_sign.h - AWS Signature Version 4 for S3: the Authorization header of one request.
 *
 * Signed are the method, the path and query exactly as sent, the given headers and the body's SHA-256. The date
 * comes from one moment, so that time stamp and scope can't fall on two sides of midnight.
 * Source    AWS, "Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)".
 *
 * PURE.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "storage/s3_url.h"
#include <stddef.h>
#include <stdint.h>

#define S3_HASH_TEXT_MAX 65 /* SHA-256 in hexadecimal, with its NUL */

struct s3_signer {
    const char *access_key;
    const char *secret_key;
    const char *region;
    int64_t time_us; /* microseconds since 1970 UTC; x-amz-date must be of the same second */
};

struct s3_sign_input {
    const char *method;
    const char *path;  /* encoded, from the slash on                                          */
    const char *query; /* encoded and in canonical order (s3_query_format), "" when there is none */
    const struct s3_pair *headers; /* all to sign, up to a NULL name, at most S3_PAIRS_MAX; in lower case */
    const char *payload_hash;      /* lower-case hex, equal to x-amz-content-sha256                       */
};

/* SHA-256 of bytes as lower-case hex. out: S3_HASH_TEXT_MAX bytes. */
enum err_code s3_hash(const void *bytes, size_t len, char *out, struct err *e);

/* Append the canonical request to out and its list of signed header names ("host;x-amz-date") to names. */
enum err_code s3_canonical_request(const struct s3_sign_input *in, struct buf *out, struct buf *names,
                                   struct err *e);

/* The signature of a canonical request. out: S3_HASH_TEXT_MAX bytes. */
enum err_code s3_signature(const struct s3_signer *who, const char *canonical, size_t len, char *out,
                           struct err *e);

/* Append the value of the Authorization header. */
enum err_code s3_authorization(const struct s3_signer *who, const struct s3_sign_input *in, struct buf *out,
                               struct err *e);
