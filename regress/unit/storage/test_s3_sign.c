/*
 * test_s3_sign.c - signatures against AWS's published examples and R2-shaped vectors of an independent signer.
 */
#include "storage/s3_sign.h"

#include "check_main.h"

#include <string.h>

#define AWS_HOST   "examplebucket.s3.amazonaws.com"
#define R2_HOST    "0123456789abcdef0123456789abcdef.r2.cloudflarestorage.com"
#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define PUT_HASH   "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"
#define WAL_HASH   "8acc0fd8dc61832550e97c21183107d57e62e5b5422192ca6f6892302f04bed8"
#define AWS_TIME   1369353600LL /* 20130524T000000Z */
#define R2_TIME    1767225600LL /* 20260101T000000Z */

static const struct vector {
    const char *why;
    int64_t time_s;
    const char *region, *method, *path;
    struct s3_pair query[8], headers[6];
    const char *payload;
    const char *names, *canonical_hash, *signature; /* canonical_hash NULL = not published */
} vectors[] = {
    {"AWS example: GET object",
     AWS_TIME,
     "us-east-1",
     "GET",
     "/test.txt",
     {{NULL, NULL}},
     {{"x-amz-date", "20130524T000000Z"},
      {"range", "bytes=0-9"},
      {"x-amz-content-sha256", EMPTY_HASH},
      {"host", AWS_HOST}},
     EMPTY_HASH,
     "host;range;x-amz-content-sha256;x-amz-date",
     "7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972",
     "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
    {"AWS example: PUT object",
     AWS_TIME,
     "us-east-1",
     "PUT",
     "/test%24file.text",
     {{NULL, NULL}},
     {{"host", AWS_HOST},
      {"date", "Fri, 24 May 2013 00:00:00 GMT"},
      {"x-amz-content-sha256", PUT_HASH},
      {"x-amz-date", "20130524T000000Z"},
      {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
     PUT_HASH,
     "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
     "9e0e90d9c76de8fa5b200d8c849cd5b8dc7a3be3951ddb7f6a76b4158342019d",
     "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
    {"AWS example: GET lifecycle, a query without a value",
     AWS_TIME,
     "us-east-1",
     "GET",
     "/",
     {{"lifecycle", NULL}},
     {{"host", AWS_HOST}, {"x-amz-content-sha256", EMPTY_HASH}, {"x-amz-date", "20130524T000000Z"}},
     EMPTY_HASH,
     "host;x-amz-content-sha256;x-amz-date",
     "9766c798316ff2757b517bc739a67f6213b4ab36dd5da2f94eaebf79c77395ca",
     "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
    {"AWS example: list objects",
     AWS_TIME,
     "us-east-1",
     "GET",
     "/",
     {{"prefix", "J"}, {"max-keys", "2"}},
     {{"host", AWS_HOST}, {"x-amz-content-sha256", EMPTY_HASH}, {"x-amz-date", "20130524T000000Z"}},
     EMPTY_HASH,
     "host;x-amz-content-sha256;x-amz-date",
     "df57d21db20da04d7fa30298dd4488ba3a2b47ca3a489c74750e0f1e7df1b9b7",
     "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
    {"AWS example: presigned GET",
     AWS_TIME,
     "us-east-1",
     "GET",
     "/test.txt",
     {{"X-Amz-Algorithm", "AWS4-HMAC-SHA256"},
      {"X-Amz-Credential", "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"},
      {"X-Amz-Date", "20130524T000000Z"},
      {"X-Amz-Expires", "86400"},
      {"X-Amz-SignedHeaders", "host"}},
     {{"host", AWS_HOST}},
     "UNSIGNED-PAYLOAD",
     "host",
     "3bfa292879f6447bbcda7001decf97f4a54dc650c8942174ae0a9121cf58ad04",
     "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"},
    {"R2: a conditional PUT of a segment",
     R2_TIME,
     "auto",
     "PUT",
     "/wal-bucket/main/16/0000000100000000/000000010000000000000001.zst",
     {{NULL, NULL}},
     {{"host", R2_HOST},
      {"if-none-match", "*"},
      {"x-amz-content-sha256", WAL_HASH},
      {"x-amz-date", "20260101T000000Z"}},
     WAL_HASH,
     "host;if-none-match;x-amz-content-sha256;x-amz-date",
     NULL,
     "88e8bca14fd5c55ce52303d070ff5c20676694478aa288647b902267773c41cc"},
    {"R2: a listing with everything that needs encoding",
     R2_TIME,
     "auto",
     "GET",
     "/wal-bucket",
     {{"start-after", "x~y"}, {"list-type", "2"}, {"delimiter", "/"}, {"prefix", "a b+c/\xC3\xA9="}},
     {{"host", R2_HOST}, {"x-amz-content-sha256", EMPTY_HASH}, {"x-amz-date", "20260101T000000Z"}},
     EMPTY_HASH,
     "host;x-amz-content-sha256;x-amz-date",
     NULL,
     "a0c20324df37ec48cd081a8b2dc08757646044a4d22b03b82ace4c47152c1067"},
};
#define VECTORS ((int) (sizeof(vectors) / sizeof(vectors[0])))

START_TEST(a_published_request_gets_its_published_signature)
{
    const struct vector *v = &vectors[_i];
    CLEANUP(buf_clear) struct buf query = BUF_INIT(4096), canonical = BUF_INIT(4096), names = BUF_INIT(512);
    struct s3_signer who = {"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", v->region,
                            v->time_s * 1000000 + 999999};
    struct err e = ERR_NONE;
    struct s3_sign_input in = {
        .method = v->method, .path = v->path, .headers = v->headers, .payload_hash = v->payload};
    char hash[S3_HASH_TEXT_MAX], signature[S3_HASH_TEXT_MAX];

    ck_assert_int_eq(s3_query_format(v->query, &query, &e), ERR_OK);
    in.query = buf_cstr(&query);
    ck_assert_int_eq(s3_canonical_request(&in, &canonical, &names, &e), ERR_OK);
    ck_assert_str_eq(buf_cstr(&names), v->names);
    ck_assert_int_eq(s3_hash(canonical.data, canonical.len, hash, &e), ERR_OK);
    if (v->canonical_hash != NULL)
        ck_assert_msg(strcmp(hash, v->canonical_hash) == 0, "%s: canonical request is\n%s", v->why,
                      buf_cstr(&canonical));
    ck_assert_int_eq(s3_signature(&who, buf_cstr(&canonical), canonical.len, signature, &e), ERR_OK);
    ck_assert_msg(strcmp(signature, v->signature) == 0, "%s: signature %s", v->why, signature);
}
END_TEST

START_TEST(the_header_names_scope_and_signed_headers)
{
    const struct vector *v = &vectors[0];
    CLEANUP(buf_clear) struct buf header = BUF_INIT(4096);
    struct s3_signer who = {"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1",
                            AWS_TIME * 1000000};
    struct s3_sign_input in = {
        .method = "GET", .path = "/test.txt", .query = "", .headers = v->headers, .payload_hash = EMPTY_HASH};
    struct err e = ERR_NONE;

    ck_assert_int_eq(s3_authorization(&who, &in, &header, &e), ERR_OK);
    ck_assert_str_eq(buf_cstr(&header),
                     "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
                     "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
                     "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}
END_TEST

START_TEST(spaces_in_header_values_are_trimmed_and_collapsed)
{
    const struct s3_pair headers[] = {{"b", "  two \t words  "}, {"a", ""}, {NULL, NULL}};
    CLEANUP(buf_clear) struct buf canonical = BUF_INIT(4096), names = BUF_INIT(512);
    struct s3_sign_input in = {
        .method = "GET", .path = "/", .query = "", .headers = headers, .payload_hash = "h"};
    struct err e = ERR_NONE;

    ck_assert_int_eq(s3_canonical_request(&in, &canonical, &names, &e), ERR_OK);
    ck_assert_str_eq(buf_cstr(&canonical), "GET\n/\n\na:\nb:two words\n\na;b\nh");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("storage/s3_sign");
    TCase *tcase = tcase_create("s3_sign");

    tcase_add_loop_test(tcase, a_published_request_gets_its_published_signature, 0, VECTORS);
    tcase_add_test(tcase, the_header_names_scope_and_signed_headers);
    tcase_add_test(tcase, spaces_in_header_values_are_trimmed_and_collapsed);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
