/*
 * storage/s3_sign.c - see storage/s3_sign.h.
 *
 *   canonical = method \n path \n query \n (name:value \n)* \n names \n payload hash
 *   string    = AWS4-HMAC-SHA256 \n time \n scope \n hex(sha256(canonical));  scope = day/region/s3/aws4_request
 *   key       = HMAC(HMAC(HMAC(HMAC("AWS4" secret, day), region), "s3"), "aws4_request")
 *   signature = hex(HMAC(key, string))
 *
 * The key could be kept for a day; four HMACs cost microseconds, so it is not.
 */
#include "storage/s3_sign.h"

#include "base/hex.h"
#include "base/libcrypto.h"
#include "base/secret.h"
#include "base/timestamp.h"

#include <stdlib.h>
#include <string.h>

#define HASH_BYTES 32

enum err_code s3_hash(const void *bytes, size_t len, char *out, struct err *e)
{
    unsigned char digest[HASH_BYTES];

    if (libcrypto_load(e) != ERR_OK)
        return e->code;
    if (libcrypto.EVP_Digest(bytes, len, digest, NULL, libcrypto.EVP_sha256(), NULL) != 1)
        return err_set(e, ERR_IO, "could not compute SHA-256");
    hex_format(digest, sizeof(digest), out);
    return ERR_OK;
}

/* Trimmed, and inner runs of spaces made one. */
static enum err_code value_append(const char *value, struct buf *out, struct err *e)
{
    bool gap = false;

    for (value += strspn(value, " \t"); *value != '\0'; value++) {
        if (*value == ' ' || *value == '\t') {
            gap = true;
            continue;
        }
        if ((gap && buf_puts(out, " ", e) != ERR_OK) || buf_append(out, value, 1, e) != ERR_OK)
            return e->code;
        gap = false;
    }
    return ERR_OK;
}

static int header_compare(const void *a, const void *b)
{
    return strcmp(((const struct s3_pair *) a)->name, ((const struct s3_pair *) b)->name);
}

static enum err_code headers_append(const struct s3_pair *headers, struct buf *out, struct buf *names,
                                    struct err *e)
{
    struct s3_pair sorted[S3_PAIRS_MAX];
    size_t count = 0;

    for (; headers[count].name != NULL && count < S3_PAIRS_MAX; count++)
        sorted[count] = headers[count];
    qsort(sorted, count, sizeof(sorted[0]), header_compare);
    for (size_t i = 0; i < count; i++)
        if (buf_printf(out, e, "%s:", sorted[i].name) != ERR_OK ||
            value_append(sorted[i].value, out, e) != ERR_OK || buf_puts(out, "\n", e) != ERR_OK ||
            buf_printf(names, e, "%s%s", i == 0 ? "" : ";", sorted[i].name) != ERR_OK)
            return e->code;
    return ERR_OK;
}

enum err_code s3_canonical_request(const struct s3_sign_input *in, struct buf *out, struct buf *names,
                                   struct err *e)
{
    if (buf_printf(out, e, "%s\n%s\n%s\n", in->method, in->path, in->query) != ERR_OK ||
        headers_append(in->headers, out, names, e) != ERR_OK ||
        buf_printf(out, e, "\n%s\n%s", buf_cstr(names), in->payload_hash) != ERR_OK)
        return e->code;
    return ERR_OK;
}

/* Something was hashed before. */
static bool hmac(const void *key, size_t key_len, const void *text, size_t len, unsigned char *out)
{
    unsigned int out_len = HASH_BYTES;

    return libcrypto.HMAC(libcrypto.EVP_sha256(), key, (int) key_len, text, len, out, &out_len) != NULL &&
           out_len == HASH_BYTES;
}

static bool key_derive(const struct s3_signer *who, const char *day, unsigned char *key)
{
    char first[4 + 256] = "AWS4";
    size_t len = strlen(who->secret_key);
    bool made = false;

    if (len <= sizeof(first) - 4) {
        memcpy(first + 4, who->secret_key, len);
        made = hmac(first, 4 + len, day, 8, key) &&
               hmac(key, HASH_BYTES, who->region, strlen(who->region), key) &&
               hmac(key, HASH_BYTES, "s3", 2, key) && hmac(key, HASH_BYTES, "aws4_request", 12, key);
    }
    secret_wipe(first, sizeof(first));
    return made;
}

enum err_code s3_signature(const struct s3_signer *who, const char *canonical, size_t len, char *out,
                           struct err *e)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(1024);
    unsigned char key[HASH_BYTES], signature[HASH_BYTES];
    char time[TIMESTAMP_COMPACT_MAX], hash[S3_HASH_TEXT_MAX];
    bool made;

    timestamp_format_compact(who->time_us, time);
    if (s3_hash(canonical, len, hash, e) != ERR_OK ||
        buf_printf(&text, e, "AWS4-HMAC-SHA256\n%s\n%.8s/%s/s3/aws4_request\n%s", time, time, who->region,
                   hash) != ERR_OK)
        return e->code;
    made = key_derive(who, time, key) && hmac(key, sizeof(key), text.data, text.len, signature);
    secret_wipe(key, sizeof(key));
    if (!made)
        return err_set(e, ERR_IO, "could not sign the request");
    hex_format(signature, sizeof(signature), out);
    return ERR_OK;
}

enum err_code s3_authorization(const struct s3_signer *who, const struct s3_sign_input *in, struct buf *out,
                               struct err *e)
{
    CLEANUP(buf_clear) struct buf canonical = BUF_INIT(65536), names = BUF_INIT(1024);
    char time[TIMESTAMP_COMPACT_MAX], signature[S3_HASH_TEXT_MAX];

    timestamp_format_compact(who->time_us, time);
    if (s3_canonical_request(in, &canonical, &names, e) != ERR_OK ||
        s3_signature(who, buf_cstr(&canonical), canonical.len, signature, e) != ERR_OK)
        return e->code;
    return buf_printf(out, e,
                      "AWS4-HMAC-SHA256 Credential=%s/%.8s/%s/s3/aws4_request,SignedHeaders=%s,Signature=%s",
                      who->access_key, time, who->region, buf_cstr(&names), signature);
}
