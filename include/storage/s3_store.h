/*
 * storage/s3_store.h - the store on Cloudflare R2, AWS S3, MinIO, Ceph and other S3 servers.
 *
 * Requests   put: one PUT up to part_bytes, else create, parts, complete; get: one GET; list: one per page of 1000
 *            keys; remove: one DELETE. Only a repeated try adds to that; HEAD is never used.
 * Kinds      besides the contract's: ERR_USAGE for a missing bucket or a wrong region, ERR_REFUSED for what the
 *            server understands and does not do (lock, quota, not implemented).
 * Foreign    objects under the prefix whose keys the contract does not allow are left out of listings.
 */
#pragma once
#include "base/clock.h"
#include "storage/s3_url.h"
#include "storage/store.h"

/* Strings are copied. Numbers have no default here: whoever configures the store has (cli/options.c). */
struct s3_options {
    const char *bucket;
    const char *prefix;   /* NULL or "" = none                                                    */
    const char *endpoint; /* "https://host[:port]"                                                */
    const char *region;   /* R2, MinIO and Ceph take "auto"                                       */
    bool virtual_host;    /* bucket.host/key; else host/bucket/key                                */
    const char *ca_file;  /* PEM; NULL = the system's authorities                                 */
    const char *access_key;
    const char *secret_key;
    const char *session_token;  /* NULL or "" = none                                              */
    uint64_t part_bytes;        /* 5 MiB to 4.995 GiB                                             */
    int64_t connect_timeout_ms;
    int64_t stall_timeout_ms;   /* in which no byte moves                                         */
    int64_t request_timeout_ms; /* without what the bytes take at 32 KiB/s                        */
    int64_t retry_budget_ms;    /* for all tries of a request; 0 = a single try                   */
    bool conditional_put;       /* If-None-Match: * works; without, two writers may both succeed  */
    bool allow_http;            /* http:// also for servers not on loopback                       */
    const struct clock *clock;  /* NULL = the machine's                                            */
};

/* Checks the options (ERR_USAGE), connects nowhere. The store is the caller's, to be freed with store_free. */
enum err_code s3_store_open(const struct s3_options *o, struct store **out, struct err *e);
