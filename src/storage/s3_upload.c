/*
 * storage/s3_upload.c - see storage/s3_upload.h.
 *
 *   write    fill the part; when it is full and there is more: (create the upload,) send it, begin the next
 *   finish   no upload created: PUT. Else: send the last part, complete
 *   free     an upload created and not completed: abort, with a short budget; a lifecycle rule gets what remains
 *
 * Complete may answer 200 and then an error, or be repeated after it has succeeded (NoSuchUpload): whether the key
 * exists then decides between ERR_CONFLICT (compare) and ERR_UNREACHABLE (the upload is lost, begin anew).
 */
#include "storage/s3_upload.h"

#include "base/log.h"
#include "storage/s3_list.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ABORT_BUDGET_MS   5000
#define COMPLETE_STALL_MS 120000 /* the server joins the parts before it answers */
#define ETAG_MAX          80

struct upload {
    struct sink base;
    struct s3_client *client;
    bool conditional;
    bool settled; /* completed, or answered so that there is nothing to abort */
    uint64_t part_bytes;
    struct s3_body part;
    char *upload_id; /* NULL until a multipart upload was created */
    char (*etags)[ETAG_MAX];
    unsigned parts;
    char key[S3_KEY_MAX + 1];
};

static const struct s3_pair create_only[] = {{"if-none-match", "*"}, {NULL, NULL}};

/* Without a server that refuses existing keys: look first. */
static enum err_code key_check(struct upload *u, struct err *e)
{
    bool exists = false;

    if (u->conditional)
        return ERR_OK;
    if (s3_list_has(u->client, u->key, &exists, NULL, e) != ERR_OK)
        return e->code;
    if (exists)
        return err_set(e, ERR_CONFLICT, "object \"s3://%s/%s\" exists already", s3_client_bucket(u->client),
                       u->key);
    return ERR_OK;
}

static enum err_code put(struct upload *u, const struct s3_body *body, struct err *e)
{
    CLEANUP(s3_reply_clear) struct s3_reply reply;
    struct s3_request req = {
        .method = "PUT", .key = u->key, .headers = u->conditional ? create_only : NULL, .body = body};

    s3_reply_init(&reply);
    if (key_check(u, e) != ERR_OK)
        return e->code;
    return s3_client_call(u->client, S3_OP_PUT, &req, &reply, e);
}

static enum err_code create(struct upload *u, struct err *e)
{
    CLEANUP(s3_reply_clear) struct s3_reply reply;
    const struct s3_pair query[] = {{"uploads", NULL}, {NULL, NULL}};

    s3_reply_init(&reply);
    if (s3_client_call(u->client, S3_OP_CREATE,
                       &(struct s3_request){.method = "POST", .key = u->key, .query = query}, &reply,
                       e) != ERR_OK)
        return e->code;
    if (s3_upload_id_read(reply.body.data, reply.body.len, &u->upload_id, e) != ERR_OK)
        return err_while(e, "uploading object \"%s\"", u->key);
    return ERR_OK;
}

/* It goes back into XML as it came, so nothing may be in it that XML would read. */
static bool is_plain_etag(const char *etag)
{
    size_t len = strlen(etag);

    for (size_t i = 0; i < len; i++)
        if (!isgraph((unsigned char) etag[i]) || strchr("<>&", etag[i]) != NULL)
            return false;
    return len > 0 && len < ETAG_MAX;
}

static enum err_code etag_keep(struct upload *u, const char *etag, struct err *e)
{
    char(*grown)[ETAG_MAX];

    if (!is_plain_etag(etag))
        return err_set(e, ERR_CORRUPT, "object \"%s\": part %u was answered with an unusable ETag", u->key,
                       u->parts + 1);
    grown = realloc(u->etags, (u->parts + 1U) * sizeof(*grown));
    if (grown == NULL)
        return err_nomem(e, "the list of parts");
    u->etags = grown;
    (void) snprintf(u->etags[u->parts], ETAG_MAX, "%s", etag);
    u->parts++;
    return ERR_OK;
}

static enum err_code part_send(struct upload *u, struct err *e)
{
    CLEANUP(s3_reply_clear) struct s3_reply reply;
    char number[16];
    const struct s3_pair query[] = {{"partNumber", number}, {"uploadId", u->upload_id}, {NULL, NULL}};
    struct s3_request req = {.method = "PUT", .key = u->key, .query = query, .body = &u->part};

    s3_reply_init(&reply);
    (void) snprintf(number, sizeof(number), "%u", u->parts + 1);
    if (u->parts >= S3_PARTS_MAX) {
        err_set(e, ERR_REFUSED, "object \"%s\" needs more than %d parts of %llu bytes", u->key, S3_PARTS_MAX,
                (unsigned long long) u->part_bytes);
        return err_hint(e, "Raise the option \"part-size\".");
    }
    if (s3_client_call(u->client, S3_OP_PART, &req, &reply, e) != ERR_OK ||
        etag_keep(u, reply.headers.etag, e) != ERR_OK)
        return e->code;
    s3_body_reset(&u->part);
    return ERR_OK;
}

/* The form AWS documents: declaration, name space, ascending parts, quoted ETags as they came. */
static enum err_code parts_format(const struct upload *u, struct buf *out, struct err *e)
{
    if (buf_puts(out,
                 "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<CompleteMultipartUpload "
                 "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">",
                 e) != ERR_OK)
        return e->code;
    for (unsigned i = 0; i < u->parts; i++)
        if (buf_printf(out, e, "<Part><PartNumber>%u</PartNumber><ETag>%s</ETag></Part>", i + 1,
                       u->etags[i]) != ERR_OK)
            return e->code;
    return buf_puts(out, "</CompleteMultipartUpload>", e);
}

/* The server does not know the upload (any more): has an earlier try completed it? */
static enum err_code upload_vanished(struct upload *u, struct err *e)
{
    struct err trouble = ERR_NONE;
    bool exists = false;

    u->settled = true;
    if (s3_list_has(u->client, u->key, &exists, NULL, &trouble) != ERR_OK) {
        *e = trouble;
        return e->code;
    }
    if (exists)
        return err_set(e, ERR_CONFLICT, "object \"s3://%s/%s\" exists already", s3_client_bucket(u->client),
                       u->key);
    return e->code;
}

static enum err_code complete(struct upload *u, struct err *e)
{
    CLEANUP(s3_reply_clear) struct s3_reply reply;
    CLEANUP(buf_clear) struct buf list = BUF_INIT((size_t) S3_PARTS_MAX * 256);
    struct s3_body body;
    const struct s3_pair query[] = {{"uploadId", u->upload_id}, {NULL, NULL}};
    struct s3_request req = {.method = "POST",
                             .key = u->key,
                             .query = query,
                             .headers = u->conditional ? create_only : NULL,
                             .stall_timeout_ms = COMPLETE_STALL_MS};

    s3_reply_init(&reply);
    if (parts_format(u, &list, e) != ERR_OK || key_check(u, e) != ERR_OK)
        return e->code;
    body = s3_body_of(list.data, list.len);
    req.body = &body;
    if (s3_client_call(u->client, S3_OP_COMPLETE, &req, &reply, e) != ERR_OK)
        return strcmp(reply.error.code, "NoSuchUpload") == 0 ? upload_vanished(u, e) : e->code;
    u->settled = true;
    return ERR_OK;
}

static void abandon(struct upload *u)
{
    CLEANUP(s3_reply_clear) struct s3_reply reply;
    const struct s3_pair query[] = {{"uploadId", u->upload_id}, {NULL, NULL}};
    struct s3_tries tries;
    struct err trouble = ERR_NONE;
    bool again = true;

    s3_reply_init(&reply);
    s3_tries_begin(&tries, u->client, S3_OP_ABORT, u->key, ABORT_BUDGET_MS);
    while (again &&
           s3_tries_next(&tries, &(struct s3_request){.method = "DELETE", .key = u->key, .query = query},
                         &reply, &again, &trouble) == ERR_OK)
        ;
    if (trouble.code != ERR_OK)
        log_debug("%s, ignoring", trouble.text);
}

static enum err_code upload_write(struct sink *s, const void *bytes, size_t len, struct err *e)
{
    struct upload *u = (struct upload *) s;
    const char *next = bytes;

    while (len > 0) {
        size_t room = (size_t) u->part_bytes - u->part.len;
        size_t take = len < room ? len : room;

        if (room == 0) {
            if ((u->upload_id == NULL && create(u, e) != ERR_OK) || part_send(u, e) != ERR_OK)
                return e->code;
            continue;
        }
        if (s3_body_append(&u->part, next, take, e) != ERR_OK)
            return e->code;
        next += take;
        len -= take;
    }
    return ERR_OK;
}

static enum err_code upload_finish(struct sink *s, struct err *e)
{
    struct upload *u = (struct upload *) s;

    if (u->upload_id == NULL)
        return put(u, &u->part, e);
    if (part_send(u, e) != ERR_OK)
        return e->code;
    return complete(u, e);
}

static void upload_free(struct sink *s)
{
    struct upload *u = (struct upload *) s;

    if (u->upload_id != NULL && !u->settled)
        abandon(u);
    s3_body_clear(&u->part);
    free(u->upload_id);
    free(u->etags);
    free(u);
}

static const struct sink_ops upload_ops = {
    .write = upload_write, .finish = upload_finish, .free = upload_free};

/* Large enough that size_hint fits into S3_PARTS_MAX parts, in whole MiB. */
static uint64_t part_bytes_for(uint64_t part_bytes, uint64_t size_hint)
{
    uint64_t needed = size_hint / S3_PARTS_MAX + 1;

    if (needed <= part_bytes)
        return part_bytes;
    needed = (needed + 0xfffff) & ~(uint64_t) 0xfffff;
    return needed < S3_PART_MOST ? needed : S3_PART_MOST;
}

enum err_code s3_upload_open(struct s3_client *c, const struct s3_upload_options *o, struct sink **out,
                             struct err *e)
{
    struct upload *u = calloc(1, sizeof(*u));

    if (u == NULL)
        return err_nomem(e, "an upload");
    u->base.ops = &upload_ops;
    u->client = c;
    u->conditional = o->conditional;
    u->part_bytes = part_bytes_for(o->part_bytes, o->size_hint);
    u->part = s3_body_up_to((size_t) u->part_bytes);
    (void) snprintf(u->key, sizeof(u->key), "%s", o->key);
    *out = &u->base;
    return ERR_OK;
}

enum err_code s3_upload_put(struct s3_client *c, const struct s3_upload_options *o, const void *bytes,
                            size_t len, struct err *e)
{
    struct upload u = {.client = c, .conditional = o->conditional};
    const struct s3_body body = s3_body_of(bytes, len);

    assert(len <= o->part_bytes);
    (void) snprintf(u.key, sizeof(u.key), "%s", o->key);
    return put(&u, &body, e);
}
