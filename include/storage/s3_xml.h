/*
 * storage/s3_xml.h - the XML an S3 server answers with: errors, listing pages, multipart uploads.
 *
 * Input is untrusted: documents with a DOCTYPE, nesting beyond S3's or over-long texts are refused, and a document
 * counts only when it is whole. HTML and other pages of proxies are told apart before anything is parsed.
 * Source    AWS, S3 API reference, "Error responses", "ListObjectsV2", "CreateMultipartUpload",
 *           "CompleteMultipartUpload".
 *
 * PURE.
 */
#pragma once
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct s3_error {
    char code[64];        /* "NoSuchKey"; "" when the answer was no S3 error document */
    char message[256];    /* printable, cut when longer                               */
    char request_id[128]; /* "" when absent                                           */
    char region[64];      /* where the bucket is, in answers about the wrong region   */
    uint64_t object_size; /* ActualObjectSize of InvalidRange; UINT64_MAX when absent */
};

struct s3_entry {
    char *key;
    uint64_t size;
    int64_t modified_us;
    bool is_prefix;
};

struct s3_page {
    struct s3_entry *entries; /* in byte order of keys, strictly ascending */
    size_t count;
    bool truncated;
    char *next_token; /* NULL unless truncated */
};

#define S3_PAGE_NONE ((struct s3_page){.entries = NULL})

/* Could these bytes be an XML document? From the Content-Type ("" when there was none) and the first bytes. */
bool s3_xml_plausible(const char *content_type, const void *bytes, size_t len);

/* Is this a whole document with that root element? */
bool s3_xml_has_root(const void *bytes, size_t len, const char *root);

/* Read an error document. Anything else leaves everything in out empty. */
void s3_error_read(const void *bytes, size_t len, struct s3_error *out);

/*
 * Read a page of ListObjectsV2, keys decoded when the server encoded them, objects and prefixes merged.
 * ERR_CORRUPT for what is no such page, is out of order, or says there is more without saying where.
 *   out   the caller's, to be cleared with s3_page_clear
 */
enum err_code s3_page_read(const void *bytes, size_t len, struct s3_page *out, struct err *e);
void s3_page_clear(struct s3_page *page);

/* The UploadId of a CreateMultipartUpload answer, a new string in *out. ERR_CORRUPT when there is none. */
enum err_code s3_upload_id_read(const void *bytes, size_t len, char **out, struct err *e);
