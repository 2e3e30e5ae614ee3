/*
 * storage/s3_client.h - requests that are repeated as long as that makes sense, over a pool of open connections.
 *
 * Every try is signed anew. Waits have full jitter and obey Retry-After; one budget of time bounds them all. The
 * first failure of a connection that had been idle is repeated at once over a new one. When the server refuses our
 * time, its Date header corrects our clock for signing, once, with a warning: the machine's clock needs care.
 *
 * Threads   a client may be used from several at once; each exchange takes a connection for itself.
 */
#pragma once
#include "base/backoff.h"
#include "storage/s3_request.h"
#include <stdatomic.h>

struct s3_client;

/*
 * site's strings are copied; the copies of secrets are wiped when the client is freed. libcurl is being loaded
 * meanwhile, in a thread of its own: a caller that has something to compute before its first request does not wait for
 * it.
 *   retry_budget_ms  for all tries of one request together; 0 = a single try
 *   requests         where to count exchanges begun; outlives the client
 */
enum err_code s3_client_new(const struct s3_site *site, int64_t retry_budget_ms, _Atomic uint64_t *requests,
                            struct s3_client **out, struct err *e);
void s3_client_free(struct s3_client *c);

/* The tries of one request. For callers that change the request between them; others use s3_client_call. */
struct s3_tries {
    struct s3_client *client;
    enum s3_op op;
    const char *key; /* NULL = the bucket */
    struct backoff backoff;
    struct s3_history history;
    bool fresh_next;
};

/* budget_ms: at most this; -1 = the client's. */
void s3_tries_begin(struct s3_tries *t, struct s3_client *c, enum s3_op op, const char *key,
                    int64_t budget_ms);

/*
 * Make one try, and decide. ERR_OK: it succeeded, or *again is true and the caller repeats it (the wait is over).
 * Fails with the request's final error, worded with operation, object, HTTP status, S3 code and request id.
 */
enum err_code s3_tries_next(struct s3_tries *t, const struct s3_request *req, struct s3_reply *reply,
                            bool *again, struct err *e);

/* All the tries of a request that stays the same. reply: initialised; its error part is valid on failure as well. */
enum err_code s3_client_call(struct s3_client *c, enum s3_op op, const struct s3_request *req,
                             struct s3_reply *reply, struct err *e);

/* What messages call an object: "s3://bucket/key". */
const char *s3_client_bucket(const struct s3_client *c);
