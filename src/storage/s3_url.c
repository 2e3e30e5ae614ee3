/*
 * storage/s3_url.c - see storage/s3_url.h.
 *
 * Hosts are checked byte by byte rather than by a URL library: they end up in a signed header, and only the plain
 * forms are of use here (name, IPv4, bracketed IPv6, port).
 */
#include "storage/s3_url.h"

#include "storage/store.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static enum err_code check_bucket(const char *bucket, struct err *e)
{
    size_t len = strlen(bucket);

    if (len < 3 || len > S3_BUCKET_MAX)
        return err_set(e, ERR_USAGE, "bucket name \"%.80s\" is not 3 to %d bytes long", bucket,
                       S3_BUCKET_MAX);
    for (size_t i = 0; i < len; i++) {
        bool inner = i > 0 && i + 1 < len && strchr("._-", bucket[i]) != NULL;

        if (!is_alnum(bucket[i]) && !inner)
            return err_set(e, ERR_USAGE,
                           "bucket name \"%s\" is not made of letters, digits and inner \".\", \"_\", \"-\"",
                           bucket);
    }
    return ERR_OK;
}

static enum err_code prefix_read(const char *text, char *out, struct err *e)
{
    size_t len = strlen(text);

    if (len > 1 && text[len - 1] == '/')
        len--;
    if (len > S3_PREFIX_MAX)
        return err_set(e, ERR_USAGE, "prefix is longer than %d bytes", S3_PREFIX_MAX);
    memcpy(out, text, len);
    out[len] = '\0';
    return len == 0 ? ERR_OK : store_key_check(out, e);
}

enum err_code s3_url_parse(const char *text, struct s3_url *out, struct err *e)
{
    struct s3_url url = {0};
    const char *bucket, *slash;
    size_t len;

    if (strncmp(text, "s3://", 5) != 0) {
        err_set(e, ERR_USAGE, "\"%s\" is not an S3 URL", text);
        return err_hint(e, "Write it as s3://bucket/prefix.");
    }
    bucket = text + 5;
    slash = strchr(bucket, '/');
    len = slash == NULL ? strlen(bucket) : (size_t) (slash - bucket);
    if (len > S3_BUCKET_MAX)
        return err_set(e, ERR_USAGE, "bucket name in \"%s\" is longer than %d bytes", text, S3_BUCKET_MAX);
    memcpy(url.bucket, bucket, len);
    if (check_bucket(url.bucket, e) != ERR_OK ||
        prefix_read(slash == NULL ? "" : slash + 1, url.prefix, e) != ERR_OK)
        return err_while(e, "URL \"%s\"", text);
    *out = url;
    return ERR_OK;
}

/* The length of a leading host: a bracketed IPv6 address or a name; 0 when there is none. */
static size_t host_length(const char *text)
{
    size_t len = 0;

    if (*text == '[') {
        for (len = 1; isxdigit((unsigned char) text[len]) || text[len] == ':' || text[len] == '.'; len++)
            ;
        return text[len] == ']' ? len + 1 : 0;
    }
    while (is_alnum(text[len]) || text[len] == '.' || text[len] == '-')
        len++;
    return len;
}

/* Read ":port" or nothing; -1 when it is neither. *rest is moved behind it. */
static long port_read(const char **rest, long otherwise)
{
    char *end;
    long port;

    if (**rest != ':')
        return otherwise;
    if (!isdigit((unsigned char) (*rest)[1]))
        return -1;
    port = strtol(*rest + 1, &end, 10);
    *rest = end;
    return port >= 1 && port <= 65535 ? port : -1;
}

static void host_describe(struct s3_endpoint *ep, const char *host, size_t len)
{
    bool named = false;

    for (size_t i = 0; i < len; i++)
        named = named || (host[i] != '.' && !isdigit((unsigned char) host[i]));
    ep->is_address = host[0] == '[' || !named;
    ep->loopback = (len == 9 && strncasecmp(host, "localhost", 9) == 0) ||
                   (len > 10 && strncasecmp(host + len - 10, ".localhost", 10) == 0) ||
                   (len == 5 && memcmp(host, "[::1]", 5) == 0) || (!named && strncmp(host, "127.", 4) == 0);
}

enum err_code s3_endpoint_parse(const char *text, struct s3_endpoint *out, struct err *e)
{
    struct s3_endpoint ep = {.tls = strncmp(text, "https://", 8) == 0};
    const char *host, *rest;
    size_t len;
    long port;

    if (!ep.tls && strncmp(text, "http://", 7) != 0) {
        err_set(e, ERR_USAGE, "endpoint \"%s\" does not begin with https://", text);
        return err_hint(e, "Write it as https://ACCOUNT.r2.cloudflarestorage.com.");
    }
    host = text + (ep.tls ? 8 : 7);
    if (strchr(host, '@') != NULL)
        return err_set(e, ERR_USAGE, "endpoint holds a user name or password");
    len = host_length(host);
    rest = host + len;
    port = port_read(&rest, ep.tls ? 443 : 80);
    if (len == 0 || len > 255 || port < 0)
        return err_set(e, ERR_USAGE, "endpoint \"%s\" does not name a host and port", text);
    if (strcmp(rest, "") != 0 && strcmp(rest, "/") != 0) {
        err_set(e, ERR_USAGE, "endpoint \"%s\" has something behind its host", text);
        return err_hint(e, "Bucket and prefix belong into the repository's URL, s3://bucket/prefix.");
    }
    host_describe(&ep, host, len);
    if (port == (ep.tls ? 443 : 80))
        (void) snprintf(ep.authority, sizeof(ep.authority), "%.*s", (int) len, host);
    else
        (void) snprintf(ep.authority, sizeof(ep.authority), "%.*s:%ld", (int) len, host, port);
    *out = ep;
    return ERR_OK;
}

enum err_code s3_uri_encode(const char *text, bool keep_slash, struct buf *out, struct err *e)
{
    static const char digits[] = "0123456789ABCDEF";

    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char) *text;
        char coded[3] = {'%', digits[c >> 4], digits[c & 15]};
        bool plain = is_alnum(*text) || strchr("._~-", *text) != NULL || (keep_slash && c == '/');

        if (buf_append(out, plain ? text : coded, plain ? 1 : 3, e) != ERR_OK)
            return e->code;
    }
    return ERR_OK;
}

struct coded_pair {
    struct buf name;
    struct buf value;
};

static int pair_compare(const void *a, const void *b)
{
    struct coded_pair *x = (struct coded_pair *) (uintptr_t) a, *y = (struct coded_pair *) (uintptr_t) b;
    int by_name = strcmp(buf_cstr(&x->name), buf_cstr(&y->name));

    return by_name != 0 ? by_name : strcmp(buf_cstr(&x->value), buf_cstr(&y->value));
}

static enum err_code pairs_append(struct coded_pair *coded, size_t count, struct buf *out, struct err *e)
{
    for (size_t i = 0; i < count; i++)
        if (buf_printf(out, e, "%s%s=%s", i == 0 ? "" : "&", buf_cstr(&coded[i].name),
                       buf_cstr(&coded[i].value)) != ERR_OK)
            return e->code;
    return ERR_OK;
}

enum err_code s3_query_format(const struct s3_pair *pairs, struct buf *out, struct err *e)
{
    struct coded_pair coded[S3_PAIRS_MAX];
    enum err_code rc = ERR_OK;
    size_t count = 0;

    for (; rc == ERR_OK && pairs != NULL && pairs[count].name != NULL && count < S3_PAIRS_MAX; count++) {
        struct coded_pair *c = &coded[count];

        buf_init(&c->name, 1024);
        buf_init(&c->value, 16384); /* continuation tokens are as long as the server likes */
        rc = s3_uri_encode(pairs[count].name, false, &c->name, e);
        if (rc == ERR_OK && pairs[count].value != NULL)
            rc = s3_uri_encode(pairs[count].value, false, &c->value, e);
    }
    if (rc == ERR_OK) {
        qsort(coded, count, sizeof(coded[0]), pair_compare);
        rc = pairs_append(coded, count, out, e);
    }
    for (size_t i = 0; i < count; i++) {
        buf_clear(&coded[i].name);
        buf_clear(&coded[i].value);
    }
    return rc;
}
