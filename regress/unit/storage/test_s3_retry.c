/*
 * test_s3_retry.c - the table of what is worth repeating, row by row.
 */
#include "storage/s3_retry.h"

#include "check_main.h"

#define ANSWER(o, s, c)                                        \
    {                                                          \
        .op = (o), .status = (s), .code = (c), .genuine = true \
    }

static const struct {
    struct s3_outcome outcome;
    struct s3_history history;
    enum s3_verdict verdict;
    enum err_code kind;
    const char *why;
} rows[] = {
    {ANSWER(S3_OP_GET, 200, ""), {0}, S3_DONE, ERR_OK, "the usual"},
    {ANSWER(S3_OP_GET, 206, ""), {0}, S3_DONE, ERR_OK, "a range"},
    {ANSWER(S3_OP_DELETE, 204, ""), {0}, S3_DONE, ERR_OK, "removed"},
    {{.op = S3_OP_PUT, .status = 200, .code = ""},
     {0},
     S3_AGAIN,
     ERR_UNREACHABLE,
     "a 200 that is not the store's"},
    {ANSWER(S3_OP_COMPLETE, 200, "InternalError"), {0}, S3_AGAIN, ERR_UNREACHABLE, "200 with an error in it"},
    {ANSWER(S3_OP_GET, 404, "NoSuchKey"), {0}, S3_FAILED, ERR_ABSENT, "the one answer that means absent"},
    {ANSWER(S3_OP_LIST, 404, "NoSuchKey"), {0}, S3_FAILED, ERR_CORRUPT, "makes no sense for a listing"},
    {ANSWER(S3_OP_PUT, 404, "NoSuchKey"), {0}, S3_FAILED, ERR_CORRUPT, "nor for a put"},
    {ANSWER(S3_OP_DELETE, 404, "NoSuchKey"), {0}, S3_DONE, ERR_OK, "gone is gone"},
    {ANSWER(S3_OP_DELETE, 404, ""), {0}, S3_FAILED, ERR_UNREACHABLE, "a proxy does not know what is gone"},
    {ANSWER(S3_OP_GET, 404, ""), {0}, S3_FAILED, ERR_UNREACHABLE, "a proxy's page is not the store's answer"},
    {ANSWER(S3_OP_GET, 404, "NoSuchWebsite"), {0}, S3_FAILED, ERR_CORRUPT, "an unheard-of 404"},
    {ANSWER(S3_OP_GET, 404, "NoSuchBucket"), {0}, S3_FAILED, ERR_USAGE, "configuration"},
    {ANSWER(S3_OP_COMPLETE, 404, "NoSuchUpload"), {0}, S3_FAILED, ERR_UNREACHABLE, "the caller looks closer"},
    {ANSWER(S3_OP_ABORT, 404, "NoSuchUpload"), {0}, S3_DONE, ERR_OK, "nothing to abort"},
    {ANSWER(S3_OP_GET, 401, ""), {0}, S3_FAILED, ERR_DENIED, "401"},
    {ANSWER(S3_OP_GET, 403, ""), {0}, S3_FAILED, ERR_DENIED, "403"},
    {ANSWER(S3_OP_GET, 403, "InvalidAccessKeyId"), {0}, S3_FAILED, ERR_DENIED, "403 with a code"},
    {ANSWER(S3_OP_GET, 400, "ExpiredToken"), {0}, S3_FAILED, ERR_DENIED, "a token's end"},
    {ANSWER(S3_OP_PUT, 403, "RequestTimeTooSkewed"),
     {0},
     S3_AGAIN_SKEW,
     ERR_DENIED,
     "take the server's time"},
    {ANSWER(S3_OP_PUT, 403, "RequestTimeTooSkewed"), {.skew = true}, S3_FAILED, ERR_DENIED, "but only once"},
    {ANSWER(S3_OP_PUT, 412, "PreconditionFailed"), {0}, S3_FAILED, ERR_CONFLICT, "taken"},
    {ANSWER(S3_OP_COMPLETE, 412, ""), {0}, S3_FAILED, ERR_CONFLICT, "taken, without a body"},
    {ANSWER(S3_OP_PUT, 304, ""), {0}, S3_FAILED, ERR_CONFLICT, "taken, as old MinIO says it"},
    {ANSWER(S3_OP_PUT, 403, "ObjectLockedByBucketPolicy"), {0}, S3_FAILED, ERR_CONFLICT, "taken and locked"},
    {ANSWER(S3_OP_DELETE, 403, "ObjectLockedByBucketPolicy"), {0}, S3_FAILED, ERR_REFUSED, "locked"},
    {ANSWER(S3_OP_PUT, 409, "ConditionalRequestConflict"), {0}, S3_AGAIN, ERR_CONFLICT, "a race"},
    {ANSWER(S3_OP_PUT, 409, "OperationAborted"), {0}, S3_AGAIN, ERR_UNREACHABLE, "another race"},
    {ANSWER(S3_OP_GET, 412, "PreconditionFailed"), {0}, S3_FAILED, ERR_CORRUPT, "changed while it was read"},
    {ANSWER(S3_OP_PUT, 400, "RequestTimeout"), {0}, S3_AGAIN, ERR_UNREACHABLE, "the body came too slowly"},
    {ANSWER(S3_OP_PUT, 400, "IncompleteBody"), {0}, S3_AGAIN, ERR_UNREACHABLE, "the body was cut"},
    {ANSWER(S3_OP_PUT, 400, "ClientDisconnect"), {0}, S3_AGAIN, ERR_UNREACHABLE, "R2's word for it"},
    {ANSWER(S3_OP_PUT, 400, "BadDigest"), {0}, S3_AGAIN_RESENT, ERR_CORRUPT, "damaged on the way"},
    {ANSWER(S3_OP_PUT, 400, "BadDigest"),
     {.resent = true},
     S3_FAILED,
     ERR_CORRUPT,
     "damaged twice is no chance"},
    {ANSWER(S3_OP_PUT, 400, "EntityTooLarge"), {0}, S3_FAILED, ERR_REFUSED, "understood, not done"},
    {ANSWER(S3_OP_PUT, 400, ""), {0}, S3_FAILED, ERR_UNREACHABLE, "a 400 of something in between"},
    {ANSWER(S3_OP_PUT, 413, ""), {0}, S3_FAILED, ERR_UNREACHABLE, "a proxy's limit"},
    {ANSWER(S3_OP_PUT, 501, "NotImplemented"), {0}, S3_FAILED, ERR_REFUSED, "never implemented by waiting"},
    {ANSWER(S3_OP_LIST, 408, ""), {0}, S3_AGAIN, ERR_UNREACHABLE, "408"},
    {ANSWER(S3_OP_LIST, 500, ""), {0}, S3_AGAIN, ERR_UNREACHABLE, "500"},
    {ANSWER(S3_OP_LIST, 502, ""), {0}, S3_AGAIN, ERR_UNREACHABLE, "502"},
    {ANSWER(S3_OP_LIST, 503, "SlowDown"), {0}, S3_AGAIN, ERR_UNREACHABLE, "503"},
    {ANSWER(S3_OP_LIST, 504, ""), {0}, S3_AGAIN, ERR_UNREACHABLE, "504"},
    {ANSWER(S3_OP_LIST, 505, ""), {0}, S3_FAILED, ERR_UNREACHABLE, "505"},
    {ANSWER(S3_OP_LIST, 519, ""), {0}, S3_FAILED, ERR_UNREACHABLE, "below Cloudflare's own"},
    {ANSWER(S3_OP_LIST, 520, ""), {0}, S3_AGAIN, ERR_UNREACHABLE, "Cloudflare's first"},
    {ANSWER(S3_OP_LIST, 527, ""), {0}, S3_AGAIN, ERR_UNREACHABLE, "Cloudflare's last"},
    {ANSWER(S3_OP_LIST, 528, ""), {0}, S3_FAILED, ERR_UNREACHABLE, "behind Cloudflare's own"},
    {ANSWER(S3_OP_GET, 301, "PermanentRedirect"), {0}, S3_FAILED, ERR_USAGE, "the wrong region"},
    {ANSWER(S3_OP_GET, 302, ""), {0}, S3_FAILED, ERR_UNREACHABLE, "a captive portal"},
    {{.op = S3_OP_GET, .transport = S3_BROKEN, .code = ""}, {0}, S3_AGAIN, ERR_UNREACHABLE, "no connection"},
    {{.op = S3_OP_GET, .transport = S3_BROKEN, .code = "", .reused = true},
     {0},
     S3_AGAIN_FRESH,
     ERR_UNREACHABLE,
     "an idle connection had died"},
    {{.op = S3_OP_GET, .transport = S3_BROKEN, .code = "", .reused = true},
     {.fresh = true},
     S3_AGAIN,
     ERR_UNREACHABLE,
     "and so had the network"},
    {{.op = S3_OP_GET, .transport = S3_BROKEN, .status = 200, .code = ""},
     {0},
     S3_AGAIN,
     ERR_UNREACHABLE,
     "a cut body"},
    {{.op = S3_OP_PUT, .transport = S3_BROKEN, .status = 403, .code = ""},
     {0},
     S3_AGAIN,
     ERR_DENIED,
     "refused before all was sent: for the clock, perhaps, or a quota"},
    {{.op = S3_OP_PUT, .transport = S3_BROKEN, .status = 403, .code = "RequestTimeTooSkewed"},
     {0},
     S3_AGAIN_SKEW,
     ERR_DENIED,
     "the reason came before the end"},
    {{.op = S3_OP_PUT, .transport = S3_BROKEN, .status = 503, .code = ""},
     {0},
     S3_AGAIN,
     ERR_UNREACHABLE,
     "a cut 503"},
    {{.op = S3_OP_GET, .transport = S3_BROKEN, .status = 404, .code = ""},
     {0},
     S3_AGAIN,
     ERR_UNREACHABLE,
     "a cut 404 names no reason: it is asked for again"},
    {{.op = S3_OP_GET, .transport = S3_BROKEN, .status = 404, .code = "", .reused = true},
     {0},
     S3_AGAIN_FRESH,
     ERR_UNREACHABLE,
     "at once over a new connection where it was an idle one"},
    {{.op = S3_OP_PUT, .transport = S3_BROKEN, .status = 400, .code = ""},
     {0},
     S3_AGAIN,
     ERR_UNREACHABLE,
     "nor does a cut 400"},
    {{.op = S3_OP_GET, .transport = S3_BROKEN, .status = 404, .code = "NoSuchKey"},
     {0},
     S3_FAILED,
     ERR_ABSENT,
     "one that was cut behind its reason has told it"},
    {{.op = S3_OP_PUT, .transport = S3_BROKEN, .status = 412, .code = ""},
     {0},
     S3_FAILED,
     ERR_CONFLICT,
     "a status that says it all needs no reason"},
    {{.op = S3_OP_GET, .transport = S3_UNTRUSTED, .code = ""},
     {0},
     S3_FAILED,
     ERR_UNREACHABLE,
     "not our server"},
    {{.op = S3_OP_GET, .transport = S3_MISCONFIGURED, .code = ""},
     {0},
     S3_FAILED,
     ERR_USAGE,
     "no such CA file"},
    {{.op = S3_OP_GET, .transport = S3_TRANSPORT_SYSTEM, .code = ""}, {0}, S3_FAILED, ERR_IO, "no memory"},
};

START_TEST(every_answer_has_one_verdict)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct s3_judgement j = s3_judge(&rows[i].outcome, &rows[i].history);

        ck_assert_msg(j.verdict == rows[i].verdict && j.kind == rows[i].kind, "%s: verdict %d, kind %s",
                      rows[i].why, (int) j.verdict, err_kind(j.kind));
    }
}
END_TEST

START_TEST(only_a_parsed_nosuchkey_of_a_get_is_absent)
{
    static const char *const codes[] = {
        "", "NoSuchKey", "NoSuchBucket", "NoSuchUpload", "AccessDenied", "SlowDown"};

    for (int op = S3_OP_GET; op <= S3_OP_DELETE; op++)
        for (int status = 0; status < 600; status++)
            for (size_t c = 0; c < sizeof(codes) / sizeof(codes[0]); c++) {
                struct s3_outcome o = {.op = (enum s3_op) op, .status = status, .code = codes[c]};
                struct s3_judgement j = s3_judge(&o, &(struct s3_history){0});

                ck_assert((j.kind == ERR_ABSENT) == (op == S3_OP_GET && status == 404 && c == 1));
                ck_assert(j.verdict != S3_DONE || j.kind == ERR_OK);
            }
}
END_TEST

START_TEST(a_throttled_key_waits_at_least_a_second)
{
    struct s3_outcome o = ANSWER(S3_OP_PUT, 429, "TooManyRequests");

    ck_assert_int_eq(s3_judge(&o, &(struct s3_history){0}).at_least_ms, 1000);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {every_answer_has_one_verdict, only_a_parsed_nosuchkey_of_a_get_is_absent,
                                  a_throttled_key_waits_at_least_a_second};

    return check_main(suite_of("storage/s3_retry", tests, sizeof(tests) / sizeof(tests[0])));
}
