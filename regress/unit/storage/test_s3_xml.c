/*
 * test_s3_xml.c - documents of servers, good, cut, hostile; every truncation and every changed byte survives.
 */
#include "storage/s3_xml.h"

#include "check_main.h"

#include <stdio.h>
#include <string.h>

static const char page_text[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name><Prefix>a%2F</Prefix>"
    "<IsTruncated>true</IsTruncated><NextContinuationToken>1/x=&amp;</NextContinuationToken>"
    "<EncodingType>url</EncodingType>"
    "<Contents><Key>a/b+c%2Bd</Key><LastModified>2026-11-20T14:29:00.123Z</"
    "LastModified><Size>18446744073709551615</Size>"
    "<Owner><ID>Key</ID></Owner></Contents>"
    "<Contents><Key>a/z</Key><LastModified>yesterday</LastModified><Size>0</Size></Contents>"
    "<CommonPrefixes><Prefix>a/m/</Prefix></CommonPrefixes></ListBucketResult>";

START_TEST(a_page_is_read_merged_and_decoded)
{
    struct s3_page page = S3_PAGE_NONE;
    struct err e = ERR_NONE;

    ck_assert_msg(s3_page_read(page_text, strlen(page_text), &page, &e) == ERR_OK, "%s", e.text);
    ck_assert_uint_eq(page.count, 3);
    ck_assert_str_eq(page.entries[0].key, "a/b c+d");
    ck_assert_uint_eq(page.entries[0].size, UINT64_MAX);
    ck_assert_int_eq(page.entries[0].modified_us, 1795184940123000LL);
    ck_assert_str_eq(page.entries[1].key, "a/m/");
    ck_assert(page.entries[1].is_prefix && !page.entries[0].is_prefix);
    ck_assert_int_eq(page.entries[2].modified_us, 0);
    ck_assert(page.truncated);
    ck_assert_str_eq(page.next_token, "1/x=&");
    s3_page_clear(&page);
}
END_TEST

#define LIST(x) "<ListBucketResult>" x "</ListBucketResult>"

/*
 * A time is told only, nothing hangs on it: one that can't be read is none. No zone's name is looked up for a server.
 */
START_TEST(a_time_with_anything_but_an_offset_is_none)
{
    static const char *const times[] = {"yesterday",
                                        "",
                                        "2026-11-20T14:29:00",
                                        "2026-11-20T14:29:00 Europe/Berlin",
                                        "2026-11-20 14:29:00 CET",
                                        "2026-02-30T14:29:00Z",
                                        "2026-11-20T14:29:00Zx",
                                        "Fri, 20 Nov 2026 14:29:00 GMT"};

    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        struct s3_page page = S3_PAGE_NONE;
        struct err e = ERR_NONE;
        char text[512];

        (void) snprintf(text, sizeof(text),
                        LIST("<Contents><Key>a</Key><LastModified>%s</LastModified></Contents>"), times[i]);
        ck_assert_msg(s3_page_read(text, strlen(text), &page, &e) == ERR_OK, "%s: %s", times[i], e.text);
        ck_assert_msg(page.entries[0].modified_us == 0, "\"%s\" was taken for a time", times[i]);
        s3_page_clear(&page);
    }
}
END_TEST

static const struct {
    const char *text, *why;
} bad_pages[] = {
    {"", "nothing"},
    {"<Error><Code>SlowDown</Code></Error>", "an error document"},
    {"<html><body>hello</body></html>", "a page of a proxy"},
    {LIST("<IsTruncated>true</IsTruncated>"), "more without a token"},
    {LIST("<IsTruncated>true</IsTruncated><NextContinuationToken></NextContinuationToken>"),
     "an empty token"},
    {LIST("<Contents><Size>1</Size></Contents>"), "no key"},
    {LIST("<Contents><Key></Key></Contents>"), "an empty key"},
    {LIST("<Contents><Key>a</Key><Key>b</Key></Contents>"), "two keys in one"},
    {LIST("<Contents><Key>a</Key></Contents><Contents><Key>a</Key></Contents>"), "a key twice"},
    {LIST("<Contents><Key>a</Key><Size>-1</Size></Contents>"), "a negative size"},
    {LIST("<Contents><Key>a</Key><Size>18446744073709551616</Size></Contents>"), "a size beyond 64 bits"},
    {LIST("<Contents><Key>a</Key><Size></Size></Contents>"), "an empty size"},
    {LIST("<EncodingType>url</EncodingType><Contents><Key>a%4</Key></Contents>"), "a cut escape"},
    {LIST("<EncodingType>url</EncodingType><Contents><Key>a%00b</Key></Contents>"), "an escaped NUL"},
    {LIST("<a><a><a><a><a><a><a><a>x</a></a></a></a></a></a></a></a>"), "nested without end"},
    {"<!DOCTYPE x [<!ENTITY a \"b\">]>" LIST("<Contents><Key>&a;</Key></Contents>"), "a document type"},
    {LIST("<Contents><Key>a</Key></Contents>") "<more/>", "something behind the end"},
};

START_TEST(what_is_no_page_is_refused)
{
    for (size_t i = 0; i < sizeof(bad_pages) / sizeof(bad_pages[0]); i++) {
        struct s3_page page = S3_PAGE_NONE;
        struct err e = ERR_NONE;

        ck_assert_msg(s3_page_read(bad_pages[i].text, strlen(bad_pages[i].text), &page, &e) == ERR_CORRUPT,
                      "%s", bad_pages[i].why);
        ck_assert_ptr_null(page.entries);
    }
}
END_TEST

START_TEST(every_truncation_of_a_page_is_refused)
{
    for (size_t len = 0; len < strlen(page_text); len++) {
        struct s3_page page = S3_PAGE_NONE;
        struct err e = ERR_NONE;

        ck_assert_int_eq(s3_page_read(page_text, len, &page, &e), ERR_CORRUPT);
    }
}
END_TEST

START_TEST(no_changed_byte_does_harm)
{
    char text[sizeof(page_text)];

    for (size_t at = 0; at < strlen(page_text); at++)
        for (unsigned flip = 1; flip < 256; flip <<= 1) {
            struct s3_page page = S3_PAGE_NONE;
            struct s3_error error;
            struct err e = ERR_NONE;

            memcpy(text, page_text, sizeof(text));
            text[at] = (char) (text[at] ^ (char) flip);
            if (s3_page_read(text, strlen(page_text), &page, &e) == ERR_OK)
                s3_page_clear(&page);
            s3_error_read(text, strlen(page_text), &error);
        }
}
END_TEST

START_TEST(an_error_document_is_read)
{
    static const char text[] =
        "<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code><Message>a\nb</Message>"
        "<RequestId>r-1</RequestId><Region>eu</Region><Nested><Code>Other</Code></Nested></Error>";
    struct s3_error error;

    s3_error_read(text, strlen(text), &error);
    ck_assert_str_eq(error.code, "NoSuchKey");
    ck_assert_str_eq(error.message, "a b");
    ck_assert_str_eq(error.request_id, "r-1");
    ck_assert_str_eq(error.region, "eu");
    ck_assert_uint_eq(error.object_size, UINT64_MAX);
    for (size_t len = 0; len < strlen(text); len++) {
        s3_error_read(text, len, &error);
        ck_assert_str_eq(error.code, "");
    }
}
END_TEST

START_TEST(an_over_long_message_is_cut)
{
    static char text[9000];
    struct s3_error error;
    size_t len =
        (size_t) snprintf(text, sizeof(text), "<Error><Code>C</Code><Message>%08000d</Message></Error>", 1);

    s3_error_read(text, len, &error);
    ck_assert_str_eq(error.code, "C");
    ck_assert_uint_eq(strlen(error.message), sizeof(error.message) - 1);
}
END_TEST

static const struct {
    const char *type, *body;
    bool plausible;
} bodies[] = {
    {"application/xml", "<Error/>", true},
    {"", "  \r\n<Error/>", true},
    {"text/xml", "\xEF\xBB\xBF<Error/>", true},
    {"binary/octet-stream", "<Error/>", true},
    {"text/html", "<Error/>", false},
    {"application/json", "{}", false},
    {"application/xml", "", false},
    {"application/xml", "Error", false},
    {"", "<!doctype html><html>", false},
    {"", "<HTML>", false},
};

START_TEST(pages_of_proxies_are_told_apart_before_parsing)
{
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        ck_assert_msg(s3_xml_plausible(bodies[i].type, bodies[i].body, strlen(bodies[i].body)) ==
                          bodies[i].plausible,
                      "%s: %s", bodies[i].type, bodies[i].body);
}
END_TEST

START_TEST(an_upload_id_is_read_or_missed)
{
    static const char good[] = "<InitiateMultipartUploadResult><Key>k</Key><UploadId>u/1</UploadId>"
                               "</InitiateMultipartUploadResult>";
    static const char *const bad[] = {
        "<InitiateMultipartUploadResult/>", "<X><UploadId>u</UploadId></X>", "",
        "<InitiateMultipartUploadResult><UploadId/></InitiateMultipartUploadResult>"};
    struct err e = ERR_NONE;
    char *id = NULL;

    ck_assert_int_eq(s3_upload_id_read(good, strlen(good), &id, &e), ERR_OK);
    ck_assert_str_eq(id, "u/1");
    free(id);
    id = NULL;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_int_eq(s3_upload_id_read(bad[i], strlen(bad[i]), &id, &e), ERR_CORRUPT);
    ck_assert_ptr_null(id);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_page_is_read_merged_and_decoded, a_time_with_anything_but_an_offset_is_none,
        what_is_no_page_is_refused,        every_truncation_of_a_page_is_refused,
        no_changed_byte_does_harm,         an_error_document_is_read,
        an_over_long_message_is_cut,       pages_of_proxies_are_told_apart_before_parsing,
        an_upload_id_is_read_or_missed};

    return check_main(suite_of("storage/s3_xml", tests, sizeof(tests) / sizeof(tests[0])));
}
