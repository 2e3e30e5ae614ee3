/*
 * storage/s3_upload.h - the sink that makes an object: one PUT, or a multipart upload above the part size.
 *
 * Nothing is sent before part_bytes have come together, and what is sent stays in memory until the server has it, so
 * memory is one part. All parts but the last have the same length (R2 insists). finish makes the object exist or
 * answers ERR_CONFLICT; free without it aborts what was begun.
 *
 * Conditional  `If-None-Match: *` on the PUT or the completion lets the server refuse an existing key. Without
 *              (a store that ignores it) a listing of the key decides just before: two writers at the same moment
 *              may then both succeed, and the later one's bytes stay.
 * Lost answer  a request that succeeded while its answer got lost meets its own object when repeated and ends in
 *              ERR_CONFLICT; the caller compares the contents, as for any conflict.
 */
#pragma once
#include "storage/s3_client.h"
#include "stream/sink.h"

#define S3_PART_LEAST ((uint64_t) 5 << 20)                          /* all but the last part */
#define S3_PART_MOST  (((uint64_t) 5 << 30) - ((uint64_t) 5 << 20)) /* also of a single PUT */
#define S3_PARTS_MAX  10000

struct s3_upload_options {
    const char *key; /* whole key; copied */
    uint64_t part_bytes;
    uint64_t size_hint; /* 0 = unknown; when the parts would be too many they are made larger */
    bool conditional;
};

/* The same for bytes at hand, in one PUT and without a copy: len is at most part_bytes. */
enum err_code s3_upload_put(struct s3_client *c, const struct s3_upload_options *o, const void *bytes, size_t len,
                            struct err *e);

enum err_code s3_upload_open(struct s3_client *c, const struct s3_upload_options *o, struct sink **out,
                             struct err *e);
