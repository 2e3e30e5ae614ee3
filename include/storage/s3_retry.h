/*
 * storage/s3_retry.h - what one answer of an S3 server means: done, worth repeating, or final and of which kind.
 *
 * Repeated are faults of the way (connect, TLS, broken or stalled transfers), of the moment (408, 429, 500, 502,
 * 503, 504, 520 to 527, some 400 and 409) and answers that are not an object store's. A clock that is off is
 * corrected once, a body that arrived damaged is sent once more. Other refusals are final.
 * Source    Cloudflare R2, "Error codes"; AWS, "Error responses"; see docs/PROVIDERS.md.
 *
 * PURE.
 */
#pragma once
#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>

enum s3_op {
    S3_OP_GET,
    S3_OP_PUT,
    S3_OP_CREATE, /* the start of a multipart upload */
    S3_OP_PART,
    S3_OP_COMPLETE,
    S3_OP_ABORT,
    S3_OP_LIST,
    S3_OP_DELETE
};

enum s3_transport {
    S3_ANSWERED,         /* a whole answer came                                              */
    S3_BROKEN,           /* could not connect, broken off, timed out: may heal               */
    S3_UNTRUSTED,        /* the server's certificate does not verify                         */
    S3_MISCONFIGURED,    /* the request can't even be tried: CA file unreadable, bad address */
    S3_TRANSPORT_SYSTEM, /* this machine has no memory or no descriptor left                 */
};

struct s3_outcome {
    enum s3_op op;
    enum s3_transport transport;
    bool reused;      /* it went over a connection that had been idle                    */
    int status;       /* 0 when none came                                                */
    const char *code; /* S3's error code, "" when the body was no error document         */
    bool genuine;     /* a 2xx has the shape that the operation's answer must have       */
};

/* What was already tried; all false at first. */
struct s3_history {
    bool fresh;  /* an idle connection failed and a new one was used */
    bool skew;   /* the clock was corrected                          */
    bool resent; /* a body that arrived damaged was sent once more   */
};

enum s3_verdict {
    S3_DONE,
    S3_FAILED,
    S3_AGAIN,       /* after a wait                                     */
    S3_AGAIN_FRESH, /* at once, over a new connection                   */
    S3_AGAIN_SKEW,  /* at once, with the server's time                  */
    S3_AGAIN_RESENT /* after a wait, and not a second time              */
};

struct s3_judgement {
    enum s3_verdict verdict;
    enum err_code kind;  /* what it is when no further try is made; ERR_OK for S3_DONE */
    int64_t at_least_ms; /* the shortest wait before another try                       */
};

struct s3_judgement s3_judge(const struct s3_outcome *o, const struct s3_history *h);
