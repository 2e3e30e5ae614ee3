/*
 * storage/s3_body.h - the bytes of a request's body: somebody's, where they lie, or our own, gathered in pieces.
 *
 * Pieces, since a buffer that grows to the size of a part would be copied as it grows, and would all be new memory
 * while what it was filled from is being freed.
 */
#pragma once
#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

#define S3_BODY_PIECE ((size_t) 256 << 10)

struct s3_body {
    const void *borrowed; /* all of it; NULL = it lies in the pieces         */
    uint8_t **pieces;     /* each of S3_BODY_PIECE bytes, all but the last full; owned */
    size_t piece_count;   /* there may be more than len needs                */
    size_t len;
    size_t max; /* of a body of pieces */
};
#define S3_BODY_NONE ((struct s3_body){.borrowed = NULL})

/* An empty body of pieces, for so many bytes at most. */
struct s3_body s3_body_up_to(size_t max);

/* Bytes that stay where they are for as long as the body is used. Needs no clearing. */
struct s3_body s3_body_of(const void *bytes, size_t len);

/* Add to a body of pieces. ERR_REFUSED when it would exceed its limit: then nothing was added. */
enum err_code s3_body_append(struct s3_body *b, const void *bytes, size_t len, struct err *e);
/* Empty it; its memory stays, for what is appended next. */
void s3_body_reset(struct s3_body *b);
void s3_body_clear(struct s3_body *b);

/* Copy out what lies from `at` on, at most len bytes: how many they were. */
size_t s3_body_read(const struct s3_body *b, size_t at, void *out, size_t len);

/* SHA-256 of all of it, in hex as s3_hash (storage/s3_sign.h) has it. */
enum err_code s3_body_hash(const struct s3_body *b, char *out, struct err *e);
