/*
 * storage/s3_list.h - one page of a listing, and the question whether one key exists.
 */
#pragma once
#include "storage/s3_client.h"
#include "storage/s3_xml.h"

struct s3_list_query {
    const char *prefix;
    const char *start_after; /* NULL = from the beginning            */
    const char *token;       /* NULL = the first page                */
    bool delimited;
    unsigned max_keys; /* 0 = as many as the server likes to send */
};

/* Fetch a page. out: the caller's, to be cleared with s3_page_clear. */
enum err_code s3_list_page(struct s3_client *c, const struct s3_list_query *query, struct s3_page *out,
                           struct err *e);

/* Does an object of exactly this key exist? size: NULL, or where to put its size. One request. */
enum err_code s3_list_has(struct s3_client *c, const char *key, bool *exists, uint64_t *size, struct err *e);
