/*
 * storage/s3_download.c - see storage/s3_download.h.
 *
 * Between libcurl and the sink stands a gate. It looks at the answer's headers before the first byte passes (right
 * status, an ETag, the range that was asked for) and counts, so that a resumed try knows where to go on and an
 * answer that ends early or runs over is noticed whatever framing it came in.
 */
#include "storage/s3_download.h"

#include "storage/s3_list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct download {
    struct sink gate; /* what the exchange writes to */
    struct sink *to;
    const struct s3_reply *reply;
    const char *key;
    uint64_t offset;    /* of the range                                        */
    uint64_t length;    /* of the range, 0 = to the end                        */
    uint64_t delivered; /* bytes of the range that went into `to`              */
    bool ranged;        /* this try asked for a range                          */
    bool checked;       /* this try's headers were looked at                   */
    uint64_t expected;  /* bytes still due in this try; UINT64_MAX = not said  */
    uint64_t total;     /* size of the object; UINT64_MAX = not said           */
    char etag[128];     /* "" until the first answer                           */
};

static bool number_read(const char **text, uint64_t *out)
{
    char *end;

    if (**text < '0' || **text > '9')
        return false;
    errno = 0;
    *out = strtoull(*text, &end, 10);
    *text = end;
    return errno == 0;
}

/* "bytes 10-19/100" */
static bool content_range_read(const char *text, uint64_t *first, uint64_t *last, uint64_t *total)
{
    if (strncmp(text, "bytes ", 6) != 0)
        return false;
    text += 6;
    return number_read(&text, first) && *text++ == '-' && number_read(&text, last) && *text++ == '/' &&
           number_read(&text, total) && *text == '\0' && *first <= *last && *last < *total;
}

static enum err_code range_check(struct download *d, struct err *e)
{
    uint64_t first, last, total, wanted = d->offset + d->delivered;
    uint64_t end = d->length == 0 || d->length > UINT64_MAX - d->offset ? UINT64_MAX : d->offset + d->length;

    if (!content_range_read(d->reply->headers.content_range, &first, &last, &total))
        return err_set(e, ERR_CORRUPT, "object \"%s\": answer to a range request has content range \"%s\"",
                       d->key, d->reply->headers.content_range);
    if (first != wanted || last != (end < total ? end : total) - 1 ||
        (d->total != UINT64_MAX && d->total != total))
        return err_set(e, ERR_CORRUPT, "object \"%s\": asked for bytes from %" PRIu64 ", but got \"%s\"",
                       d->key, wanted, d->reply->headers.content_range);
    d->total = total;
    d->expected = last - first + 1;
    return ERR_OK;
}

/* Is this 2xx the answer to what was asked? Once per try, before its first byte. */
static enum err_code headers_check(struct download *d, struct err *e)
{
    const struct s3_headers *h = &d->reply->headers;
    const char *length = h->content_length;

    d->checked = true;
    if (h->etag[0] == '\0')
        return err_set(e, ERR_UNREACHABLE,
                       "object \"%s\": the answer has no ETag, so it is not an object store's", d->key);
    if (d->etag[0] != '\0' && strcmp(d->etag, h->etag) != 0)
        return err_set(e, ERR_CORRUPT, "object \"%s\" was replaced while it was read", d->key);
    memcpy(d->etag, h->etag, sizeof(d->etag));
    if (d->reply->status != (d->ranged ? 206 : 200))
        return err_set(e, ERR_CORRUPT, "object \"%s\": HTTP %d is no answer to a request %s a range", d->key,
                       d->reply->status, d->ranged ? "for" : "without");
    if (d->ranged)
        return range_check(d, e);
    if (*length == '\0')
        return ERR_OK;
    if (!number_read(&length, &d->total) || *length != '\0')
        return err_set(e, ERR_CORRUPT, "object \"%s\": invalid content length \"%s\"", d->key,
                       h->content_length);
    d->expected = d->total;
    return ERR_OK;
}

static enum err_code gate_write(struct sink *s, const void *bytes, size_t len, struct err *e)
{
    struct download *d = (struct download *) s;

    if (!d->checked && headers_check(d, e) != ERR_OK)
        return e->code;
    if (len > d->expected)
        return err_set(e, ERR_CORRUPT, "object \"%s\": more bytes came than were announced", d->key);
    if (sink_write(d->to, bytes, len, e) != ERR_OK)
        return e->code;
    d->delivered += len;
    if (d->expected != UINT64_MAX)
        d->expected -= len;
    return ERR_OK;
}

static enum err_code gate_finish(struct sink *s, struct err *e)
{
    (void) s;
    (void) e;
    return ERR_OK;
}

static void gate_free(struct sink *s)
{
    (void) s;
}

static const struct sink_ops gate_ops = {.write = gate_write, .finish = gate_finish, .free = gate_free};

/* A range that begins at or behind the end: the server's 416 is an answer, if the object's size bears it out. */
static enum err_code behind_end(struct s3_client *c, struct download *d, struct err *e)
{
    const char *text = d->reply->headers.content_range;
    bool exists = false;

    d->total = d->reply->error.object_size;
    if (strncmp(text, "bytes */", 8) == 0) {
        text += 8;
        if (!number_read(&text, &d->total))
            d->total = UINT64_MAX;
    }
    if (d->total == UINT64_MAX) {
        if (s3_list_has(c, d->key, &exists, &d->total, e) != ERR_OK)
            return e->code;
        if (!exists)
            return err_set(e, ERR_CORRUPT, "object \"%s\" vanished while it was read", d->key);
    }
    if (d->offset < d->total)
        return err_set(e, ERR_CORRUPT,
                       "object \"%s\" of %" PRIu64 " bytes: range from %" PRIu64 " was refused", d->key,
                       d->total, d->offset);
    return ERR_OK;
}

/* One try, from where the last one ended. */
static enum err_code try(struct download *d, struct s3_tries *tries, struct s3_reply *reply, bool *again,
                         struct err *e)
{
    struct s3_pair headers[3] = {{NULL, NULL}};
    uint64_t from = d->offset + d->delivered;
    size_t count = 0;
    char range[64];

    d->ranged = from > 0 || d->length > 0;
    d->checked = false;
    d->expected = UINT64_MAX;
    if (d->length > 0 && d->length <= UINT64_MAX - d->offset)
        (void) snprintf(range, sizeof(range), "bytes=%" PRIu64 "-%" PRIu64, from, d->offset + d->length - 1);
    else
        (void) snprintf(range, sizeof(range), "bytes=%" PRIu64 "-", from);
    if (d->ranged)
        headers[count++] = (struct s3_pair){"range", range};
    if (d->delivered > 0)
        headers[count] = (struct s3_pair){"if-match", d->etag};
    return s3_tries_next(
        tries, &(struct s3_request){.method = "GET", .key = d->key, .headers = headers, .to = &d->gate},
        reply, again, e);
}

static bool is_range_refused(const struct download *d, const struct s3_reply *reply)
{
    return reply->status == 416 && d->delivered == 0 && d->ranged &&
           (strcmp(reply->error.code, "InvalidRange") == 0 ||
            strncmp(reply->headers.content_range, "bytes */", 8) == 0);
}

/* The last try succeeded: did all arrive? */
static enum err_code completed(struct download *d, struct err *e)
{
    if (!d->checked && headers_check(d, e) != ERR_OK)
        return e->code;
    if (d->expected != 0 && d->expected != UINT64_MAX)
        return err_set(e, ERR_CORRUPT, "object \"%s\": %" PRIu64 " bytes are missing at its end", d->key,
                       d->expected);
    if (d->total == UINT64_MAX)
        d->total = d->offset + d->delivered;
    return ERR_OK;
}

enum err_code s3_download(struct s3_client *c, const char *key, const struct store_range *range,
                          struct sink *to, struct store_object *info, struct err *e)
{
    CLEANUP(s3_reply_clear) struct s3_reply reply;
    struct download d = {.gate.ops = &gate_ops, .to = to, .reply = &reply, .key = key, .total = UINT64_MAX};
    struct s3_tries tries;
    struct err failure = ERR_NONE;
    bool again = true;

    if (range != NULL) {
        d.offset = range->offset;
        d.length = range->length;
    }
    s3_reply_init(&reply);
    s3_tries_begin(&tries, c, S3_OP_GET, key, -1);
    while (again && failure.code == ERR_OK)
        (void) try(&d, &tries, &reply, &again, &failure);
    if (failure.code != ERR_OK && is_range_refused(&d, &reply))
        failure.code = behind_end(c, &d, &failure);
    else if (failure.code == ERR_OK)
        failure.code = completed(&d, &failure);
    if (failure.code != ERR_OK) {
        *e = failure;
        return e->code;
    }
    if (info != NULL) {
        info->size = d.total;
        info->modified_us = s3_http_date(reply.headers.last_modified);
        info->is_prefix = false;
    }
    return ERR_OK;
}
