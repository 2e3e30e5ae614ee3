/*
 * storage/s3_retry.c - see storage/s3_retry.h.
 *
 * The first row that matches decides. A code of NULL matches any, "" only an answer without one: that came from
 * something in between, so it never says that an object is absent.
 */
#include "storage/s3_retry.h"

#include <stddef.h>
#include <string.h>

#define ON(op)   (1U << (op))
#define ANY_OP   (~0U)
#define CREATING (ON(S3_OP_PUT) | ON(S3_OP_COMPLETE)) /* the two requests that carry If-None-Match */

struct rule {
    int first, last; /* status */
    const char *code;
    unsigned ops;
    struct s3_judgement answer;
};

static const struct rule rules[] = {
    {400, 499, "RequestTimeTooSkewed", ANY_OP, {S3_AGAIN_SKEW, ERR_DENIED, 0}},

    {404, 404, "NoSuchKey", ON(S3_OP_GET), {S3_FAILED, ERR_ABSENT, 0}},
    {404, 404, "NoSuchKey", ON(S3_OP_DELETE), {S3_DONE, ERR_OK, 0}},
    {404, 404, "NoSuchUpload", ON(S3_OP_ABORT), {S3_DONE, ERR_OK, 0}},
    /* The upload is gone: aborted by a lifecycle rule, or completed by a request whose answer got lost. */
    {404, 404, "NoSuchUpload", ANY_OP, {S3_FAILED, ERR_UNREACHABLE, 0}},
    {404, 404, "NoSuchBucket", ANY_OP, {S3_FAILED, ERR_USAGE, 0}},
    {404, 404, "", ANY_OP, {S3_FAILED, ERR_UNREACHABLE, 0}},
    {404, 404, NULL, ANY_OP, {S3_FAILED, ERR_CORRUPT, 0}},

    {412, 412, NULL, CREATING, {S3_FAILED, ERR_CONFLICT, 0}},
    {304, 304, NULL, CREATING, {S3_FAILED, ERR_CONFLICT, 0}}, /* how old MinIO says 412 */
    {412, 412, NULL, ON(S3_OP_GET), {S3_FAILED, ERR_CORRUPT, 0}},
    {409, 409, "ConditionalRequestConflict", CREATING, {S3_AGAIN, ERR_CONFLICT, 0}},
    {409, 409, "OperationAborted", ANY_OP, {S3_AGAIN, ERR_UNREACHABLE, 0}},
    /* A locked object can't be replaced, so there is one. */
    {403, 403, "ObjectLockedByBucketPolicy", CREATING, {S3_FAILED, ERR_CONFLICT, 0}},
    {403, 403, "ObjectLockedByBucketPolicy", ANY_OP, {S3_FAILED, ERR_REFUSED, 0}},
    {403, 403, "QuotaExceeded", ANY_OP, {S3_FAILED, ERR_REFUSED, 0}},

    {400, 400, "RequestTimeout", ANY_OP, {S3_AGAIN, ERR_UNREACHABLE, 0}},
    {400, 400, "IncompleteBody", ANY_OP, {S3_AGAIN, ERR_UNREACHABLE, 0}},
    {400, 400, "ClientDisconnect", ANY_OP, {S3_AGAIN, ERR_UNREACHABLE, 0}},
    {400, 400, "BadDigest", ANY_OP, {S3_AGAIN_RESENT, ERR_CORRUPT, 0}},
    {400, 400, "XAmzContentSHA256Mismatch", ANY_OP, {S3_AGAIN_RESENT, ERR_CORRUPT, 0}},
    {400, 400, "ExpiredToken", ANY_OP, {S3_FAILED, ERR_DENIED, 0}},
    {400, 400, "InvalidToken", ANY_OP, {S3_FAILED, ERR_DENIED, 0}},
    {400, 400, "AuthorizationHeaderMalformed", ANY_OP, {S3_FAILED, ERR_USAGE, 0}},
    {400, 400, "InvalidBucketName", ANY_OP, {S3_FAILED, ERR_USAGE, 0}},
    {401, 401, NULL, ANY_OP, {S3_FAILED, ERR_DENIED, 0}},
    {403, 403, NULL, ANY_OP, {S3_FAILED, ERR_DENIED, 0}},

    {408, 408, NULL, ANY_OP, {S3_AGAIN, ERR_UNREACHABLE, 0}},
    {429, 429, NULL, ANY_OP, {S3_AGAIN, ERR_UNREACHABLE, 1000}},
    {500, 500, NULL, ANY_OP, {S3_AGAIN, ERR_UNREACHABLE, 0}},
    {501, 501, NULL, ANY_OP, {S3_FAILED, ERR_REFUSED, 0}},
    {502, 504, NULL, ANY_OP, {S3_AGAIN, ERR_UNREACHABLE, 0}},
    {520, 527, NULL, ANY_OP, {S3_AGAIN, ERR_UNREACHABLE, 0}},
    {505, 599, NULL, ANY_OP, {S3_FAILED, ERR_UNREACHABLE, 0}},

    /* Redirects are never followed: the signature names the host. */
    {300, 399, "", ANY_OP, {S3_FAILED, ERR_UNREACHABLE, 0}},
    {300, 399, NULL, ANY_OP, {S3_FAILED, ERR_USAGE, 0}},
    {400, 499, "", ANY_OP, {S3_FAILED, ERR_UNREACHABLE, 0}},
    {400, 499, NULL, ANY_OP, {S3_FAILED, ERR_REFUSED, 0}},
};

/* NULL: no row is about it. */
static const struct rule *rule_for(const struct s3_outcome *o)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        const struct rule *r = &rules[i];

        if (o->status >= r->first && o->status <= r->last && (r->ops & ON(o->op)) != 0 &&
            (r->code == NULL || strcmp(r->code, o->code) == 0))
            return r;
    }
    return NULL;
}

static struct s3_judgement judge_answer(const struct s3_outcome *o)
{
    const struct rule *r;

    /* 200 with an error document is how S3 reports failures after it has begun to answer. */
    if (o->status >= 200 && o->status <= 299)
        return o->genuine && o->code[0] == '\0' ? (struct s3_judgement){S3_DONE, ERR_OK, 0}
                                                : (struct s3_judgement){S3_AGAIN, ERR_UNREACHABLE, 0};
    r = rule_for(o);
    return r != NULL ? r->answer : (struct s3_judgement){S3_FAILED, ERR_UNREACHABLE, 0};
}

static struct s3_judgement judge_transport(const struct s3_outcome *o, const struct s3_history *h)
{
    switch (o->transport) {
    case S3_ANSWERED:
    case S3_BROKEN:
        break;
    case S3_UNTRUSTED:
        return (struct s3_judgement){S3_FAILED, ERR_UNREACHABLE, 0};
    case S3_MISCONFIGURED:
        return (struct s3_judgement){S3_FAILED, ERR_USAGE, 0};
    case S3_TRANSPORT_SYSTEM:
        return (struct s3_judgement){S3_FAILED, ERR_IO, 0};
    }
    return (struct s3_judgement){o->reused && !h->fresh ? S3_AGAIN_FRESH : S3_AGAIN, ERR_UNREACHABLE, 0};
}

/*
 * A refusal that broke off before its reason; whoever refuses early does not wait until all was sent. That a key is
 * taken the status says alone. Of any other it may be the reason that decides: it is asked for again, and what the
 * status says is what it was when that does not help.
 */
static struct s3_judgement judge_cut(const struct s3_outcome *o, const struct s3_history *h)
{
    const struct rule *r = rule_for(o);
    struct s3_judgement j;

    if (r == NULL || (r->code != NULL && r->code[0] == '\0'))
        return judge_transport(o, h);
    j = r->answer;
    if (o->code[0] == '\0' && j.verdict == S3_FAILED && j.kind != ERR_CONFLICT)
        j.verdict = S3_AGAIN;
    return j;
}

struct s3_judgement s3_judge(const struct s3_outcome *o, const struct s3_history *h)
{
    struct s3_judgement j;

    if (o->transport == S3_ANSWERED)
        j = judge_answer(o);
    else if (o->transport == S3_BROKEN && o->status >= 400)
        j = judge_cut(o, h);
    else
        j = judge_transport(o, h);
    if ((j.verdict == S3_AGAIN_SKEW && h->skew) || (j.verdict == S3_AGAIN_RESENT && h->resent))
        j.verdict = S3_FAILED;
    return j;
}
