/*
 * storage/s3_store.c - see storage/s3_store.h.
 *
 * A listing walks pages by continuation token. Keys must ascend through all of them and tokens must change, so a
 * server that repeats itself ends in ERR_CORRUPT instead of a loop. Servers differ in whether a delimited listing
 * that starts inside a "directory" still names it; the store asks for that one apart, then goes on behind it.
 */
#include "storage/s3_store.h"

#include "base/log.h"
#include "storage/s3_client.h"
#include "storage/s3_download.h"
#include "storage/s3_list.h"
#include "storage/s3_upload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EMPTY_PAGES_MAX 1000

struct s3_store {
    struct store base;
    struct s3_client *client;
    uint64_t part_bytes;
    bool conditional;
    char prefix[S3_PREFIX_MAX + 2]; /* "" or with a slash at its end */
};

static void full_key(const struct s3_store *s, const char *key, char *out)
{
    (void) snprintf(out, S3_KEY_MAX + 1, "%s%s", s->prefix, key);
}

/* full: S3_KEY_MAX + 1 bytes for the whole key, which the options borrow. */
static struct s3_upload_options upload_of(const struct s3_store *s, const char *key, uint64_t size_hint,
                                          char *full)
{
    full_key(s, key, full);
    return (struct s3_upload_options){
        .key = full, .part_bytes = s->part_bytes, .size_hint = size_hint, .conditional = s->conditional};
}

static enum err_code s3_put_open(struct store *base, const char *key, uint64_t size_hint, struct sink **out,
                                 struct err *e)
{
    struct s3_store *s = (struct s3_store *) base;
    char full[S3_KEY_MAX + 1];
    const struct s3_upload_options o = upload_of(s, key, size_hint, full);

    return s3_upload_open(s->client, &o, out, e);
}

static enum err_code s3_put(struct store *base, const char *key, const void *bytes, size_t len, struct err *e)
{
    CLEANUP(sink_freep) struct sink *parts = NULL;
    struct s3_store *s = (struct s3_store *) base;
    char full[S3_KEY_MAX + 1];
    const struct s3_upload_options o = upload_of(s, key, len, full);

    if (len <= s->part_bytes)
        return s3_upload_put(s->client, &o, bytes, len, e);
    if (s3_upload_open(s->client, &o, &parts, e) != ERR_OK || sink_write(parts, bytes, len, e) != ERR_OK)
        return e->code;
    return sink_finish(parts, e);
}

static enum err_code s3_get(struct store *base, const char *key, const struct store_range *range,
                            struct sink *to, struct store_object *info, struct err *e)
{
    struct s3_store *s = (struct s3_store *) base;
    char full[S3_KEY_MAX + 1];

    full_key(s, key, full);
    if (s3_download(s->client, full, range, to, info, e) != ERR_OK)
        return e->code;
    if (info != NULL)
        (void) snprintf(info->key, sizeof(info->key), "%s", key);
    return ERR_OK;
}

static enum err_code s3_remove(struct store *base, const char *key, struct err *e)
{
    CLEANUP(s3_reply_clear) struct s3_reply reply;
    struct s3_store *s = (struct s3_store *) base;
    char full[S3_KEY_MAX + 1];

    s3_reply_init(&reply);
    full_key(s, key, full);
    return s3_client_call(s->client, S3_OP_DELETE, &(struct s3_request){.method = "DELETE", .key = full},
                          &reply, e);
}

/* A listing under way. */
struct walk {
    struct s3_store *store;
    store_visit *visit;
    void *arg;
    bool delimited;
    char prefix[S3_KEY_MAX + 1];      /* whole                                             */
    char start_after[S3_KEY_MAX + 1]; /* whole; "" = from the prefix on                    */
    char last[S3_KEY_MAX + 1];        /* the last key seen, as the server has it           */
    bool ended;                       /* the visitor has had enough                        */
};

/* Hand an entry on unless its key could not be one of the contract's. */
static void entry_visit(struct walk *w, const struct s3_entry *entry)
{
    struct store_object obj = {
        .size = entry->size, .modified_us = entry->modified_us, .is_prefix = entry->is_prefix};
    const char *key = entry->key + strlen(w->store->prefix);
    size_t len = strlen(key);
    struct err why = ERR_NONE;

    if (len > 0 && len <= STORE_KEY_MAX) {
        memcpy(obj.key, key, len + 1);
        if (entry->is_prefix && obj.key[len - 1] == '/')
            obj.key[len - 1] = '\0';
    }
    if (store_key_check(obj.key, &why) != ERR_OK) {
        log_debug("object in \"%s\" is not ours: %s, ignoring", w->store->base.url, why.text);
        return;
    }
    memcpy(obj.key, key, len + 1);
    w->ended = !w->visit(&obj, w->arg);
}

static enum err_code page_visit(struct walk *w, const struct s3_page *page, struct err *e)
{
    for (size_t i = 0; i < page->count && !w->ended; i++) {
        const struct s3_entry *entry = &page->entries[i];

        if (strlen(entry->key) > S3_KEY_MAX || strncmp(entry->key, w->prefix, strlen(w->prefix)) != 0)
            return err_set(e, ERR_CORRUPT, "listing of \"%s\" names a key outside of the prefix",
                           w->store->base.url);
        if (strcmp(entry->key, w->last) <= 0)
            return err_set(e, ERR_CORRUPT,
                           "listing of \"%s\" repeats itself or is out of order at key \"%.300s\"",
                           w->store->base.url, entry->key);
        (void) snprintf(w->last, sizeof(w->last), "%s", entry->key);
        if (strcmp(entry->key, w->start_after) > 0)
            entry_visit(w, entry);
    }
    return ERR_OK;
}

static void freep(char **text)
{
    free(*text);
}

static enum err_code pages_walk(struct walk *w, struct err *e)
{
    CLEANUP(freep) char *token = NULL;
    unsigned empty = 0;

    for (bool more = true; more && !w->ended;) {
        CLEANUP(s3_page_clear) struct s3_page page = S3_PAGE_NONE;
        struct s3_list_query query = {.prefix = w->prefix, .token = token, .delimited = w->delimited};

        if (strcmp(w->start_after, w->prefix) > 0)
            query.start_after = w->start_after;
        if (s3_list_page(w->store->client, &query, &page, e) != ERR_OK || page_visit(w, &page, e) != ERR_OK)
            return e->code;
        more = page.truncated;
        empty = page.count == 0 ? empty + 1 : 0;
        if (more && (empty > EMPTY_PAGES_MAX || (token != NULL && strcmp(token, page.next_token) == 0)))
            return err_set(e, ERR_CORRUPT, "listing of \"%s\" does not come to an end", w->store->base.url);
        free(token);
        token = page.next_token;
        page.next_token = NULL;
    }
    return ERR_OK;
}

/*
 * The start lies inside a common prefix: name that one if it has a key behind the start, then move the start behind
 * all its keys ("~" sorts behind every character of a key).
 */
static enum err_code group_visit(struct walk *w, struct err *e)
{
    CLEANUP(s3_page_clear) struct s3_page page = S3_PAGE_NONE;
    size_t prefix_len = strlen(w->prefix), len;
    struct s3_entry group = {.is_prefix = true};
    enum err_code code;
    char *slash;

    if (!w->delimited || strncmp(w->start_after, w->prefix, prefix_len) != 0)
        return ERR_OK;
    slash = strchr(w->start_after + prefix_len, '/');
    len = slash == NULL ? 0 : (size_t) (slash + 1 - w->start_after);
    if (slash == NULL || len >= S3_KEY_MAX)
        return ERR_OK;
    group.key = strndup(w->start_after, len);
    if (group.key == NULL)
        return err_nomem(e, "a key");
    code = s3_list_page(
        w->store->client,
        &(struct s3_list_query){.prefix = group.key, .start_after = w->start_after, .max_keys = 1}, &page, e);
    if (code == ERR_OK) {
        if (page.count > 0)
            entry_visit(w, &group);
        memcpy(slash + 1, "~", 2);
    }
    free(group.key);
    return code;
}

static enum err_code s3_list(struct store *base, const struct store_listing *what, store_visit *visit,
                             void *arg, struct err *e)
{
    struct s3_store *s = (struct s3_store *) base;
    struct walk w = {.store = s, .visit = visit, .arg = arg, .delimited = what->delimited};
    struct err failure = ERR_NONE;

    full_key(s, what->prefix == NULL ? "" : what->prefix, w.prefix);
    if (what->start_after != NULL && what->start_after[0] != '\0') {
        if (strlen(what->start_after) > STORE_KEY_MAX)
            return err_set(e, ERR_USAGE, "start of a listing is longer than %d bytes", STORE_KEY_MAX);
        full_key(s, what->start_after, w.start_after);
    }
    if (group_visit(&w, &failure) != ERR_OK || pages_walk(&w, &failure) != ERR_OK) {
        *e = failure;
        return e->code;
    }
    return ERR_OK;
}

static void s3_free(struct store *base)
{
    struct s3_store *s = (struct s3_store *) base;

    s3_client_free(s->client);
    free(s->base.url);
    free(s);
}

static const struct store_ops s3_ops = {.put_open = s3_put_open,
                                        .put = s3_put,
                                        .get = s3_get,
                                        .list = s3_list,
                                        .remove = s3_remove,
                                        .free = s3_free};

/* A value that goes into a request header: present, and without anything that would end the header. */
static enum err_code header_value_check(const char *value, const char *what, bool needed, struct err *e)
{
    if (value == NULL || *value == '\0')
        return needed ? err_set(e, ERR_USAGE, "no %s is set", what) : ERR_OK;
    if (strlen(value) > (needed ? 240U : 16384U))
        return err_set(e, ERR_USAGE, "the %s is too long", what);
    for (; *value != '\0'; value++)
        if (*value <= ' ' || *value >= 0x7f)
            return err_set(e, ERR_USAGE, "the %s holds a character that can't be part of one", what);
    return ERR_OK;
}

static enum err_code credentials_check(const struct s3_options *o, struct err *e)
{
    if (header_value_check(o->access_key, "access key id", true, e) != ERR_OK ||
        header_value_check(o->secret_key, "secret access key", true, e) != ERR_OK)
        return err_hint(e, "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a file that has them.");
    if (header_value_check(o->session_token, "session token", false, e) != ERR_OK ||
        header_value_check(o->region, "region", true, e) != ERR_OK)
        return e->code;
    return ERR_OK;
}

static enum err_code endpoint_check(const struct s3_options *o, struct s3_endpoint *out, struct err *e)
{
    if (o->endpoint == NULL || *o->endpoint == '\0') {
        err_set(e, ERR_USAGE, "no endpoint is set for bucket \"%s\"", o->bucket);
        return err_hint(e,
                        "Set \"endpoint\" or R2_ENDPOINT, for R2 https://ACCOUNT.r2.cloudflarestorage.com.");
    }
    if (s3_endpoint_parse(o->endpoint, out, e) != ERR_OK)
        return e->code;
    if (!out->tls && !out->loopback && !o->allow_http) {
        err_set(e, ERR_USAGE, "endpoint \"%s\" is not encrypted", o->endpoint);
        return err_hint(
            e, "Use https. Plain http is for this machine itself: elsewhere anyone on the way can read "
               "objects and answer in the server's place. Where that is wanted, set allow-http = yes.");
    }
    if (o->virtual_host && out->is_address)
        return err_set(e, ERR_USAGE,
                       "endpoint \"%s\" is an address, which can't have a bucket's name before it",
                       o->endpoint);
    return ERR_OK;
}

static enum err_code numbers_check(const struct s3_options *o, struct err *e)
{
    if (o->part_bytes < S3_PART_LEAST || o->part_bytes > S3_PART_MOST)
        return err_set(e, ERR_USAGE, "part size of %llu bytes is not between 5 MiB and 4.995 GiB",
                       (unsigned long long) o->part_bytes);
    if (o->connect_timeout_ms <= 0 || o->stall_timeout_ms <= 0 || o->request_timeout_ms <= 0 ||
        o->retry_budget_ms < 0)
        return err_set(e, ERR_USAGE, "a time limit is not positive");
    return ERR_OK;
}

static enum err_code client_open(const struct s3_options *o, struct s3_store *s, struct err *e)
{
    struct s3_site site = {
        .bucket = o->bucket,
        .region = o->region,
        .ca_file = o->ca_file,
        .access_key = o->access_key,
        .secret_key = o->secret_key,
        .session_token = o->session_token == NULL || *o->session_token == '\0' ? NULL : o->session_token,
        .virtual_host = o->virtual_host,
        .connect_timeout_ms = o->connect_timeout_ms,
        .stall_timeout_ms = o->stall_timeout_ms,
        .request_timeout_ms = o->request_timeout_ms,
        .clock = o->clock == NULL ? &clock_system : o->clock,
    };

    if (endpoint_check(o, &site.endpoint, e) != ERR_OK)
        return e->code;
    return s3_client_new(&site, o->retry_budget_ms, &s->base.requests, &s->client, e);
}

static enum err_code place_set(const struct s3_options *o, struct s3_store *s, struct err *e)
{
    CLEANUP(buf_clear) struct buf url = BUF_INIT(1024);
    struct s3_url place;

    if (buf_printf(&url, e, "s3://%s%s%s", o->bucket, o->prefix == NULL || *o->prefix == '\0' ? "" : "/",
                   o->prefix == NULL ? "" : o->prefix) != ERR_OK ||
        s3_url_parse(buf_cstr(&url), &place, e) != ERR_OK)
        return e->code;
    (void) snprintf(s->prefix, sizeof(s->prefix), "%s%s", place.prefix, place.prefix[0] == '\0' ? "" : "/");
    buf_reset(&url);
    if (buf_printf(&url, e, "s3://%s%s%s", place.bucket, place.prefix[0] == '\0' ? "" : "/", place.prefix) !=
        ERR_OK)
        return e->code;
    s->base.url = strdup(buf_cstr(&url));
    return s->base.url == NULL ? err_nomem(e, "a store") : ERR_OK;
}

enum err_code s3_store_open(const struct s3_options *o, struct store **out, struct err *e)
{
    struct s3_store *s;

    if (o->bucket == NULL || *o->bucket == '\0')
        return err_set(e, ERR_USAGE, "no bucket is set");
    if (credentials_check(o, e) != ERR_OK || numbers_check(o, e) != ERR_OK)
        return e->code;
    s = calloc(1, sizeof(*s));
    if (s == NULL)
        return err_nomem(e, "a store");
    s->base.ops = &s3_ops;
    s->part_bytes = o->part_bytes;
    s->conditional = o->conditional_put;
    if (place_set(o, s, e) != ERR_OK || client_open(o, s, e) != ERR_OK) {
        s3_free(&s->base);
        return e->code;
    }
    *out = &s->base;
    return ERR_OK;
}
