/*
 * repo/repo.h - an opened repository: a store, the keys to write and read it with, and how objects are packed.
 *
 * Credentials file or output of the command: lines "access-key-id = …", "secret-access-key = …", "session-token = …",
 * of any length; empty lines and those that begin with '#' or ';' are passed over.
 *
 * Recipients (public) are needed to write, identities (secret) to read what was sealed for them. Neither is needed
 * to compare by descriptor, which is clear.
 */
#pragma once
#include "base/err.h"
#include "codec/compress.h"
#include "codec/keys.h"
#include "storage/store.h"
#include <stdbool.h>
#include <stdint.h>

/* As configured; every string borrowed until repo_open returns. Defaults are the caller's. */
struct repo_options {
    const char *name;             /* section name, for messages                                      */
    const char *url;              /* "file:///dir" or "s3://bucket/prefix"                           */
    const char *endpoint;         /* S3 only, required there                                         */
    bool allow_http;              /* S3 only: http:// also for servers not on loopback               */
    const char *region;           /* S3 only, required there                                         */
    bool virtual_host;            /* addressing = virtual                                            */
    const char *ca_file;          /* NULL = the system's                                             */
    const char *credentials_file; /* first choice                                                    */
    const char *credentials_command; /* second; neither: the environment's AWS_*                     */
    uint64_t part_bytes;          /* this and the limits: S3 only, see storage/s3_store.h            */
    int64_t connect_timeout_ms;
    int64_t stall_timeout_ms;
    int64_t request_timeout_ms;
    int64_t retry_budget_ms;      /* 0 = no retries                                                  */
    bool unconditional_put;       /* the store has no conditional PUT: look first instead (weaker)   */
    const char *recipients_file;  /* NULL = objects are stored unencrypted                           */
    const char *identity_file;
    const char *identity_command;
    bool accept_unencrypted; /* read objects that are not sealed although an identity is there: they may be older */
    enum codec codec;
    int level;
};

enum repo_access {
    REPO_WRITE = 1,
    REPO_READ = 2,
    REPO_CREATE = 4 /* a directory that is missing is made; never for who only looks */
};

struct repo {
    char *name;
    char *place; /* see repo_place; NULL = the store's URL */
    struct store *store;
    struct recipients recipients; /* loaded with REPO_WRITE */
    struct identities identities; /* loaded with REPO_READ, when configured */
    bool accept_unencrypted;
    bool unconditional_put;       /* as configured; never for a directory */
    enum codec codec;
    int level;
};

/* access: of enum repo_access, joined. No request is made for S3; a directory is opened. Errors name the repository. */
enum err_code repo_open(const struct repo_options *o, unsigned access, struct repo **out, struct err *e);
void repo_free(struct repo *r);

/* What the spool knows the repository by: the URL as configured and, for S3, the endpoint behind a blank. Borrowed. */
const char *repo_place(const struct repo *r);
/* The same by options, without opening it; the caller frees it. NULL: out of memory. */
char *repo_place_of(const struct repo_options *o);
/* Is it that of a directory? */
bool repo_place_is_directory(const char *place);
