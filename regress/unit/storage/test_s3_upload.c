/*
 * test_s3_upload.c - single PUTs and multipart uploads: what is sent, what ends them, what is left behind.
 */
#include "reply_server.h"
#include "storage/s3_store.h"

#include "check_main.h"

#include <stdlib.h>
#include <string.h>

#define MIB ((size_t) 1 << 20)

/* Push len bytes in uneven pieces and finish. */
static enum err_code push(struct store *s, size_t len, uint64_t hint, struct err *e)
{
    CLEANUP(sink_freep) struct sink *put = NULL;
    static char piece[700001];

    memset(piece, 'x', sizeof(piece));
    if (store_put_open(s, "k", hint, &put, e) != ERR_OK)
        return e->code;
    while (len > 0) {
        size_t take = len < sizeof(piece) ? len : sizeof(piece);

        if (sink_write(put, piece, take, e) != ERR_OK)
            return e->code;
        len -= take;
    }
    return sink_finish(put, e);
}

/* The same bytes, all at hand. */
static enum err_code put_whole(struct store *s, size_t len, uint64_t hint, struct err *e)
{
    void *bytes = malloc(len);
    enum err_code code;

    (void) hint;
    ck_assert_ptr_nonnull(bytes);
    memset(bytes, 'x', len);
    code = store_put(s, "k", bytes, len, e);
    free(bytes);
    return code;
}

static const struct attempt {
    const char *cases[10];
    size_t len;
    bool weak; /* without conditional put */
    enum err_code kind;
    const char *requests; /* their first words: P put, C create, p part, F complete, A abort, L list */
    const char *text;
} attempts[] = {
    {{"put/ok"}, 5 * MIB, false, ERR_OK, "P", ""},
    {{"put/ok"}, 1, false, ERR_OK, "P", ""},
    {{"multipart/created", "multipart/part-1", "multipart/part-2", "multipart/completed"},
     5 * MIB + 1,
     false,
     ERR_OK,
     "CppF",
     ""},
    {{"multipart/created", "multipart/part-1", "multipart/part-2", "multipart/part-3", "multipart/completed"},
     15 * MIB,
     false,
     ERR_OK,
     "CpppF",
     ""},
    {{"multipart/created", "any/503-slowdown", "multipart/part-1", "any/reset", "multipart/part-2",
      "put/200-error", "multipart/completed"},
     7 * MIB,
     false,
     ERR_OK,
     "CppppFF",
     ""},
    {{"multipart/created", "multipart/part-1", "multipart/part-2", "multipart/completed-empty",
      "multipart/completed"},
     7 * MIB,
     false,
     ERR_OK,
     "CppFF",
     ""},
    {{"multipart/created", "multipart/part-1", "multipart/part-2", "multipart/412", "delete/204"},
     7 * MIB,
     false,
     ERR_CONFLICT,
     "CppFA",
     "HTTP 412"},
    {{"multipart/created", "multipart/part-1", "multipart/part-2", "any/reset", "multipart/nosuchupload",
      "list/only-ok"},
     7 * MIB,
     false,
     ERR_CONFLICT,
     "CppFFL",
     "exists already"},
    {{"multipart/created", "multipart/part-1", "multipart/part-2", "multipart/nosuchupload",
      "list/only-longer"},
     7 * MIB,
     false,
     ERR_UNREACHABLE,
     "CppFL",
     "NoSuchUpload"},
    {{"multipart/created", "multipart/part-1", "any/403-denied", "delete/204"},
     7 * MIB,
     false,
     ERR_DENIED,
     "CppA",
     "could not store a part of object"},
    {{"multipart/created", "multipart/part-evil-etag", "multipart/nosuchupload"},
     7 * MIB,
     false,
     ERR_CORRUPT,
     "CpA",
     "unusable ETag"},
    {{"multipart/created-no-id"}, 7 * MIB, false, ERR_CORRUPT, "C", "no upload id"},
    {{"any/404-nosuchbucket"}, 7 * MIB, false, ERR_USAGE, "C", "NoSuchBucket"},
    {{"list/only-longer", "put/ok"}, 3, true, ERR_OK, "LP", ""},
    {{"list/only-ok"}, 3, true, ERR_CONFLICT, "L", "exists already"},
    {{"list/none", "put/ok"}, 3, true, ERR_OK, "LP", ""},
    {{"any/403-denied"}, 3, true, ERR_DENIED, "L", "list bucket"},
    {{"multipart/created", "multipart/part-1", "multipart/part-2", "list/only-ok", "delete/204"},
     7 * MIB,
     true,
     ERR_CONFLICT,
     "CppLA",
     "exists already"},
};

static char letter(const char *head)
{
    if (strncmp(head, "POST", 4) == 0)
        return strstr(head, "?uploads=") != NULL ? 'C' : 'F';
    if (strncmp(head, "PUT", 3) == 0)
        return strstr(head, "?partNumber=") != NULL ? 'p' : 'P';
    return strncmp(head, "DELETE", 6) == 0 ? 'A' : 'L';
}

static void try_row(int row, enum err_code (*put)(struct store *, size_t, uint64_t, struct err *))
{
    const struct attempt *a = &attempts[row];
    struct reply_server *server = reply_server_start(a->cases);
    CLEANUP(store_freep) struct store *s = NULL;
    struct test_clock clock;
    struct s3_options o;
    struct err e = ERR_NONE;
    enum err_code rc;
    char letters[16] = "";

    test_clock_init(&clock);
    o = reply_options(server, &clock);
    o.conditional_put = !a->weak;
    ck_assert_int_eq(s3_store_open(&o, &s, &e), ERR_OK);
    rc = put(s, a->len, 0, &e);
    ck_assert_msg(rc == a->kind, "row %d: %s: %s", row, err_kind(rc), e.text);
    ck_assert_uint_lt(reply_server_requests(server), sizeof(letters));
    for (size_t i = 0; i < reply_server_requests(server); i++)
        letters[i] = letter(reply_server_head(server, i));
    ck_assert_msg(strcmp(letters, a->requests) == 0, "row %d: %s", row, letters);
    ck_assert_msg(strstr(e.text, a->text) != NULL, "%s", e.text);
    reply_server_stop(server);
}

START_TEST(an_upload_meets_this_and_ends_like_that)
{
    try_row(_i, push);
}
END_TEST

START_TEST(bytes_at_hand_meet_the_same_and_end_alike)
{
    try_row(_i, put_whole);
}
END_TEST

START_TEST(parts_are_equal_and_complete_says_it_as_aws_does)
{
    static const char *const cases[] = {"multipart/created", "multipart/part-1", "multipart/part-2",
                                        "multipart/completed", NULL};
    struct reply_server *server = reply_server_start(cases);
    CLEANUP(store_freep) struct store *s = NULL;
    struct test_clock clock;
    struct s3_options o;
    struct err e = ERR_NONE;
    size_t len;

    test_clock_init(&clock);
    o = reply_options(server, &clock);
    ck_assert_int_eq(s3_store_open(&o, &s, &e), ERR_OK);
    ck_assert_int_eq(push(s, 5 * MIB + 3, 5 * MIB + 3, &e), ERR_OK);
    ck_assert_int_eq(strncmp(reply_server_head(server, 0), "POST /bucket/in/k?uploads= HTTP/1.1\r\n", 37), 0);
    (void) reply_server_body(server, 1, &len);
    ck_assert_uint_eq(len, 5 * MIB);
    ck_assert_ptr_nonnull(strstr(reply_server_head(server, 1), "?partNumber=1&uploadId=u~1%2F%2B HTTP"));
    (void) reply_server_body(server, 2, &len);
    ck_assert_uint_eq(len, 3);
    ck_assert_ptr_null(strstr(reply_server_head(server, 2), "if-none-match"));
    ck_assert_ptr_nonnull(strstr(reply_server_head(server, 3), "\r\nif-none-match: *\r\n"));
    ck_assert_str_eq(
        reply_server_body(server, 3, &len),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        "<Part><PartNumber>1</PartNumber><ETag>\"etag-1\"</ETag></Part>"
        "<Part><PartNumber>2</PartNumber><ETag>\"etag-2\"</ETag></Part></CompleteMultipartUpload>");
    reply_server_stop(server);
}
END_TEST

START_TEST(an_abandoned_upload_is_aborted_and_an_abandoned_put_sends_nothing)
{
    static const char *const cases[] = {"multipart/created", "multipart/part-1", "delete/204", NULL};
    struct reply_server *server = reply_server_start(cases);
    CLEANUP(store_freep) struct store *s = NULL;
    struct sink *put = NULL;
    struct test_clock clock;
    struct s3_options o;
    struct err e = ERR_NONE;
    static char piece[6 << 20];

    test_clock_init(&clock);
    o = reply_options(server, &clock);
    ck_assert_int_eq(s3_store_open(&o, &s, &e), ERR_OK);
    ck_assert_int_eq(store_put_open(s, "small", 0, &put, &e), ERR_OK);
    ck_assert_int_eq(sink_write(put, piece, 100, &e), ERR_OK);
    sink_free(put);
    ck_assert_uint_eq(s->requests, 0);
    ck_assert_int_eq(store_put_open(s, "k", 0, &put, &e), ERR_OK);
    ck_assert_int_eq(sink_write(put, piece, sizeof(piece), &e), ERR_OK);
    sink_free(put);
    ck_assert_uint_eq(s->requests, 3);
    ck_assert_int_eq(strncmp(reply_server_head(server, 2), "DELETE /bucket/in/k?uploadId=u~1%2F%2B ", 38), 0);
    reply_server_stop(server);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {parts_are_equal_and_complete_says_it_as_aws_does,
                                  an_abandoned_upload_is_aborted_and_an_abandoned_put_sends_nothing};
    Suite *suite = suite_of("storage/s3_upload", tests, sizeof(tests) / sizeof(tests[0]));
    TCase *table = tcase_create("table");

    tcase_set_timeout(table, 60);
    tcase_add_loop_test(table, an_upload_meets_this_and_ends_like_that, 0,
                        (int) (sizeof(attempts) / sizeof(attempts[0])));
    tcase_add_loop_test(table, bytes_at_hand_meet_the_same_and_end_alike, 0,
                        (int) (sizeof(attempts) / sizeof(attempts[0])));
    suite_add_tcase(suite, table);
    return check_main(suite);
}
