/*
 * storage/s3_request.c - see storage/s3_request.h.
 *
 * Each connection is a libcurl easy handle in a multi handle of its own. The multi handle is there for the clock:
 * it lets our loop look at the limits every time bytes move and exactly when a limit is due, in milliseconds, where
 * libcurl's own low-speed check works in seconds and counts bytes as sent once the kernel has taken them. We ask
 * the socket (SIOCOUTQ), so that a slow uplink with deep buffers is not taken for a stalled one.
 *
 * The URL libcurl gets is built from the very strings that are signed; CURLOPT_PATH_AS_IS keeps it from tidying.
 */
#include "storage/s3_request.h"

#include "base/secret.h"
#include "base/timestamp.h"
#include "storage/libcurl.h"
#include "storage/s3_sign.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define ERROR_BODY_MAX     65536
#define ANSWER_BODY_MAX    ((size_t) 16 << 20)
#define IDLE_SECONDS       300L /* below the 400 s after which Cloudflare's edge closes */
#define FLOOR_BYTES_PER_MS 32
#define RESOLVER_FDS       6

struct s3_conn {
    CURLM *multi;
    CURL *easy;
    char trouble[CURL_ERROR_SIZE];
};

/* One exchange under way; the callbacks' argument. */
struct exchange {
    struct s3_conn *conn;
    const struct s3_site *site;
    const struct s3_request *req;
    struct s3_reply *reply;
    struct curl_slist *headers;
    size_t sent;         /* bytes of the body libcurl has taken     */
    int no_socket;       /* errno: what we have too little of for a socket; 0 = there was one */
    bool cut_off;        /* we ended it; reply->trouble says why    */
    struct err *failure; /* of the sink or of memory; ERR_OK so far */
};

enum err_code s3_conn_new(struct s3_conn **out, struct err *e)
{
    struct s3_conn *conn;

    if (libcurl_load(e) != ERR_OK)
        return e->code;
    conn = calloc(1, sizeof(*conn));
    if (conn != NULL) {
        conn->multi = libcurl.multi_init();
        conn->easy = libcurl.easy_init();
    }
    if (conn == NULL || conn->multi == NULL || conn->easy == NULL) {
        s3_conn_free(conn);
        return err_nomem(e, "a connection");
    }
    *out = conn;
    return ERR_OK;
}

void s3_conn_free(struct s3_conn *conn)
{
    if (conn == NULL)
        return;
    libcurl.easy_cleanup(conn->easy);
    (void) libcurl.multi_cleanup(conn->multi);
    free(conn);
}

void s3_reply_init(struct s3_reply *reply)
{
    *reply = (struct s3_reply){.error.object_size = UINT64_MAX};
    buf_init(&reply->body, ANSWER_BODY_MAX);
}

void s3_reply_clear(struct s3_reply *reply)
{
    buf_clear(&reply->body);
}

int64_t s3_http_date(const char *text)
{
    time_t seconds = *text == '\0' ? -1 : libcurl.getdate(text, NULL);

    return seconds <= 0 ? 0 : (int64_t) seconds * 1000000;
}

/* Headers to keep, and where. */
static const struct {
    const char *name;
    size_t offset;
    size_t size;
} kept_headers[] = {
#define KEEP(name, field)                                                                     \
    {                                                                                         \
        name, offsetof(struct s3_headers, field), sizeof(((struct s3_headers *) NULL)->field) \
    }
    KEEP("content-type", content_type),
    KEEP("content-length", content_length),
    KEEP("content-range", content_range),
    KEEP("etag", etag),
    KEEP("date", date),
    KEEP("last-modified", last_modified),
    KEEP("retry-after", retry_after),
    KEEP("x-amz-request-id", request_id),
    KEEP("cf-ray", cf_ray),
    KEEP("x-amz-bucket-region", bucket_region),
#undef KEEP
};

/* A value that does not fit is no value of S3's: it is left out rather than cut. */
static void header_keep(struct s3_headers *headers, const char *name, size_t name_len, const char *value,
                        size_t len)
{
    for (size_t i = 0; i < sizeof(kept_headers) / sizeof(kept_headers[0]); i++) {
        char *out = (char *) headers + kept_headers[i].offset;

        if (strlen(kept_headers[i].name) != name_len ||
            strncasecmp(kept_headers[i].name, name, name_len) != 0)
            continue;
        if (len >= kept_headers[i].size)
            len = 0;
        for (size_t at = 0; at < len; at++)
            out[at] = (unsigned char) value[at] < 0x20 || value[at] == 0x7f ? '?' : value[at];
        out[len] = '\0';
    }
}

/* A new status line begins the answer anew: an interim "100 Continue" comes before the real one. */
static size_t on_header(char *line, size_t size, size_t count, void *arg)
{
    struct exchange *x = arg;
    size_t len = size * count, name_len, begin, end = len;
    const char *colon;

    if (len > 12 && strncmp(line, "HTTP/", 5) == 0) {
        x->reply->headers = (struct s3_headers){.etag = ""};
        buf_reset(&x->reply->body);
        return len;
    }
    colon = memchr(line, ':', len);
    if (colon == NULL)
        return len;
    name_len = begin = (size_t) (colon - line);
    for (begin++; begin < len && (line[begin] == ' ' || line[begin] == '\t'); begin++)
        ;
    while (end > begin && strchr(" \t\r\n", line[end - 1]) != NULL && line[end - 1] != '\0')
        end--;
    header_keep(&x->reply->headers, line, name_len, line + begin, end - begin);
    return len;
}

static int status_now(const struct exchange *x)
{
    long status = 0;

    (void) curl_easy_getinfo(x->conn->easy, CURLINFO_RESPONSE_CODE, &status);
    return (int) status;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct exchange *x = arg;
    size_t len = size * count;
    int status = status_now(x);
    bool good = status >= 200 && status <= 299;

    x->reply->status = status; /* the sink may want to look at the answer it gets */
    if (good && x->req->to != NULL)
        return sink_write(x->req->to, bytes, len, x->failure) == ERR_OK ? len : 0;
    if (!good) { /* of an error the beginning is enough */
        size_t room = ERROR_BODY_MAX - x->reply->body.len;

        return buf_append(&x->reply->body, bytes, len < room ? len : room, x->failure) == ERR_OK ? len : 0;
    }
    return buf_append(&x->reply->body, bytes, len, x->failure) == ERR_OK ? len : 0;
}

static size_t on_send(char *out, size_t size, size_t count, void *arg)
{
    struct exchange *x = arg;
    const size_t len = x->req->body == NULL ? 0 : s3_body_read(x->req->body, x->sent, out, size * count);

    x->sent += len;
    return len;
}

static size_t body_len(const struct s3_request *req)
{
    return req->body == NULL ? 0 : req->body->len;
}

/* libcurl rewinds the body when an idle connection turns out to be dead. */
static int on_seek(void *arg, curl_off_t offset, int origin)
{
    struct exchange *x = arg;

    if (origin != SEEK_SET || offset < 0 || (uint64_t) offset > body_len(x->req))
        return CURL_SEEKFUNC_FAIL;
    x->sent = (size_t) offset;
    return CURL_SEEKFUNC_OK;
}

/* Too many of our own are open, or the kernel has no memory: no outage of the server's. */
static bool is_shortage(int number)
{
    return number == EMFILE || number == ENFILE || number == ENOBUFS || number == ENOMEM;
}

/*
 * What a question for an address needs, which the resolver would not say: a socket, files, a pair to wait at. errno, or 0
 * when so many can be had.
 */
static int shortage_now(void)
{
    int fds[RESOLVER_FDS], count = 0, why = 0;

    while (count < RESOLVER_FDS && (fds[count] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) >= 0)
        count++;
    if (count < RESOLVER_FDS && is_shortage(errno))
        why = errno;
    while (count > 0)
        (void) close(fds[--count]);
    return why;
}

/* As libcurl does it; but where it fails it does not say why. */
static curl_socket_t on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
    struct exchange *x = arg;
    int fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);

    (void) purpose;
    x->no_socket = fd < 0 && is_shortage(errno) ? errno : 0;
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static bool has_body(const struct s3_request *req)
{
    return strcmp(req->method, "PUT") == 0 || strcmp(req->method, "POST") == 0;
}

/* What the URL, the Host header and the signature are made of. */
struct address {
    struct buf host;
    struct buf path;
    struct buf query;
    struct buf url;
};

static void address_clear(struct address *a)
{
    buf_clear(&a->host);
    buf_clear(&a->path);
    buf_clear(&a->query);
    buf_clear(&a->url);
}

static enum err_code address_make(const struct s3_site *site, const struct s3_request *req, struct address *a,
                                  struct err *e)
{
    const char *authority = site->endpoint.authority;

    if (buf_printf(&a->host, e, "%s%s%s", site->virtual_host ? site->bucket : "",
                   site->virtual_host ? "." : "", authority) != ERR_OK ||
        buf_puts(&a->path, "/", e) != ERR_OK)
        return e->code;
    if (!site->virtual_host && (s3_uri_encode(site->bucket, false, &a->path, e) != ERR_OK ||
                                (req->key != NULL && buf_puts(&a->path, "/", e) != ERR_OK)))
        return e->code;
    if ((req->key != NULL && s3_uri_encode(req->key, true, &a->path, e) != ERR_OK) ||
        s3_query_format(req->query, &a->query, e) != ERR_OK)
        return e->code;
    return buf_printf(&a->url, e, "%s://%s%s%s%s", site->endpoint.tls ? "https" : "http", buf_cstr(&a->host),
                      buf_cstr(&a->path), a->query.len > 0 ? "?" : "", buf_cstr(&a->query));
}

static enum err_code slist_add(struct curl_slist **list, const char *line, struct err *e)
{
    struct curl_slist *longer = libcurl.slist_append(*list, line);

    if (longer == NULL)
        return err_nomem(e, "request headers");
    *list = longer;
    return ERR_OK;
}

/* The signed headers as lines, the signature, and empty ones for what libcurl must not send. */
static enum err_code slist_make(const struct s3_pair *headers, const char *authorization,
                                struct curl_slist **list, struct err *e)
{
    CLEANUP(secret_clear) struct buf line = BUF_INIT(32768);

    for (; headers->name != NULL; headers++) {
        buf_reset(&line);
        if (buf_printf(&line, e, "%s: %s", headers->name, headers->value) != ERR_OK ||
            slist_add(list, buf_cstr(&line), e) != ERR_OK)
            return e->code;
    }
    buf_reset(&line);
    if (buf_printf(&line, e, "Authorization: %s", authorization) != ERR_OK ||
        slist_add(list, buf_cstr(&line), e) != ERR_OK || slist_add(list, "Expect:", e) != ERR_OK ||
        slist_add(list, "Transfer-Encoding:", e) != ERR_OK)
        return e->code;
    return slist_add(list, "Content-Type:", e);
}

static enum err_code sign(struct exchange *x, struct address *a, struct err *e)
{
    CLEANUP(buf_clear) struct buf authorization = BUF_INIT(4096);
    const struct s3_site *site = x->site;
    struct s3_signer who = {
        .access_key = site->access_key, .secret_key = site->secret_key, .region = site->region};
    struct s3_pair headers[S3_PAIRS_MAX];
    char time[TIMESTAMP_COMPACT_MAX], hash[S3_HASH_TEXT_MAX];
    size_t count = 0;

    who.time_us = clock_now_us(site->clock) + atomic_load(&site->clock_offset_us);
    timestamp_format_compact(who.time_us, time);
    if (s3_body_hash(x->req->body == NULL ? &S3_BODY_NONE : x->req->body, hash, e) != ERR_OK)
        return e->code;
    headers[count++] = (struct s3_pair){"host", buf_cstr(&a->host)};
    headers[count++] = (struct s3_pair){"x-amz-content-sha256", hash};
    headers[count++] = (struct s3_pair){"x-amz-date", time};
    if (site->session_token != NULL)
        headers[count++] = (struct s3_pair){"x-amz-security-token", site->session_token};
    for (const struct s3_pair *p = x->req->headers; p != NULL && p->name != NULL && count + 1 < S3_PAIRS_MAX;
         p++)
        headers[count++] = *p;
    headers[count] = (struct s3_pair){NULL, NULL};
    if (s3_authorization(&who,
                         &(struct s3_sign_input){.method = x->req->method,
                                                 .path = buf_cstr(&a->path),
                                                 .query = buf_cstr(&a->query),
                                                 .headers = headers,
                                                 .payload_hash = hash},
                         &authorization, e) != ERR_OK)
        return e->code;
    return slist_make(headers, buf_cstr(&authorization), &x->headers, e);
}

/* Each curl_easy_setopt can fail for want of memory only; OR their codes and look once. */
static CURLcode options_for_all(CURL *c, const struct s3_site *site)
{
    CURLcode rc = CURLE_OK;

    rc |= curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    rc |= curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
    rc |= curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
    rc |= curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    rc |= curl_easy_setopt(c, CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
    rc |= curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, site->endpoint.tls ? "https" : "http");
    rc |= curl_easy_setopt(c, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
    rc |= curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
    rc |= curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
    if (site->ca_file != NULL)
        rc |= curl_easy_setopt(c, CURLOPT_CAINFO, site->ca_file);
    if (site->endpoint.loopback)
        rc |= curl_easy_setopt(c, CURLOPT_PROXY, "");
    rc |= curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    rc |= curl_easy_setopt(c, CURLOPT_MAXAGE_CONN, IDLE_SECONDS);
    rc |= curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
    rc |= curl_easy_setopt(c, CURLOPT_TCP_KEEPIDLE, 60L);
    rc |= curl_easy_setopt(c, CURLOPT_TCP_KEEPINTVL, 15L);
    rc |= curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long) site->connect_timeout_ms);
    rc |= curl_easy_setopt(c, CURLOPT_UPLOAD_BUFFERSIZE, 524288L);
    rc |= curl_easy_setopt(c, CURLOPT_BUFFERSIZE, 262144L);
    rc |= curl_easy_setopt(c, CURLOPT_USERAGENT, "pitr/" PITR_VERSION);
    return rc;
}

static CURLcode options_for_one(CURL *c, struct exchange *x, const char *url, bool fresh)
{
    CURLcode rc = CURLE_OK;

    rc |= curl_easy_setopt(c, CURLOPT_URL, url);
    rc |= curl_easy_setopt(c, CURLOPT_HTTPHEADER, x->headers);
    rc |= curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, fresh ? 1L : 0L);
    rc |= curl_easy_setopt(c, CURLOPT_ERRORBUFFER, x->conn->trouble);
    rc |= curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, on_socket);
    rc |= curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, x);
    rc |= curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    rc |= curl_easy_setopt(c, CURLOPT_HEADERDATA, x);
    rc |= curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    rc |= curl_easy_setopt(c, CURLOPT_WRITEDATA, x);
    if (has_body(x->req)) {
        rc |= curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
        rc |= curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t) body_len(x->req));
        rc |= curl_easy_setopt(c, CURLOPT_READFUNCTION, on_send);
        rc |= curl_easy_setopt(c, CURLOPT_READDATA, x);
        rc |= curl_easy_setopt(c, CURLOPT_SEEKFUNCTION, on_seek);
        rc |= curl_easy_setopt(c, CURLOPT_SEEKDATA, x);
    }
    rc |= curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, x->req->method);
    return rc;
}

/* Bytes that have moved, either way, as far as the other side has them. */
static int64_t bytes_moved(const struct exchange *x)
{
    curl_off_t up = 0, down = 0;
    curl_socket_t fd = CURL_SOCKET_BAD;
    int queued = 0;

    (void) curl_easy_getinfo(x->conn->easy, CURLINFO_SIZE_UPLOAD_T, &up);
    (void) curl_easy_getinfo(x->conn->easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
    if (up > 0 && curl_easy_getinfo(x->conn->easy, CURLINFO_ACTIVESOCKET, &fd) == CURLE_OK &&
        fd != CURL_SOCKET_BAD && ioctl((int) fd, SIOCOUTQ, &queued) != 0)
        queued = 0;
    return (int64_t) up + (int64_t) down - queued;
}

struct limits {
    int64_t begun_ms;
    int64_t moved_ms; /* when bytes last moved */
    int64_t moved;
    int64_t stall_ms;
};

static int64_t mono_ms(const struct exchange *x)
{
    return clock_mono_us(x->site->clock) / 1000;
}

/* Milliseconds until the next limit is due; 0 with reply->trouble set when one is exceeded. */
static int64_t limits_left(struct exchange *x, struct limits *l)
{
    int64_t now = mono_ms(x), moved = bytes_moved(x);
    int64_t total, stall_left, total_left;

    if (moved != l->moved) {
        l->moved = moved;
        l->moved_ms = now;
    }
    total = x->site->request_timeout_ms + (moved > 0 ? moved : 0) / FLOOR_BYTES_PER_MS;
    stall_left = l->moved_ms + l->stall_ms - now;
    total_left = l->begun_ms + total - now;
    if (stall_left <= 0)
        (void) snprintf(x->reply->trouble, sizeof(x->reply->trouble), "no byte moved for %lld ms",
                        (long long) l->stall_ms);
    else if (total_left <= 0)
        (void) snprintf(x->reply->trouble, sizeof(x->reply->trouble), "not done after %lld ms",
                        (long long) (now - l->begun_ms));
    else
        return stall_left < total_left ? stall_left : total_left;
    x->cut_off = true;
    return 0;
}

/* Let it run to its end or to a limit. */
static CURLcode run(struct exchange *x)
{
    CURLM *multi = x->conn->multi;
    struct limits l = {.begun_ms = mono_ms(x), .moved_ms = mono_ms(x), .stall_ms = x->site->stall_timeout_ms};
    CURLcode result = CURLE_OPERATION_TIMEDOUT;
    CURLMcode rc;
    CURLMsg *message;
    int running = 1, ignored;

    if (x->req->stall_timeout_ms > l.stall_ms)
        l.stall_ms = x->req->stall_timeout_ms;
    rc = libcurl.multi_add_handle(multi, x->conn->easy);
    while (rc == CURLM_OK && (rc = libcurl.multi_perform(multi, &running)) == CURLM_OK && running != 0) {
        int64_t left = limits_left(x, &l);

        if (left == 0)
            break;
        rc = libcurl.multi_poll(multi, NULL, 0, left < 1000 ? (int) left : 1000, &ignored);
    }
    message = libcurl.multi_info_read(multi, &ignored);
    if (message != NULL && message->msg == CURLMSG_DONE)
        result = message->data.result;
    else if (rc != CURLM_OK)
        result = CURLE_OUT_OF_MEMORY;
    return result;
}

static enum s3_transport transport_of(CURLcode rc)
{
    switch (rc) {
    case CURLE_OK:
        return S3_ANSWERED;
    case CURLE_PEER_FAILED_VERIFICATION:
        return S3_UNTRUSTED;
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_URL_MALFORMAT:
        return S3_MISCONFIGURED;
    case CURLE_OUT_OF_MEMORY:
    case CURLE_FAILED_INIT:
        return S3_TRANSPORT_SYSTEM;
    default:
        return S3_BROKEN;
    }
}

/* Was it for want of something of ours that there was no connection? errno, or 0. */
static int shortage_of(const struct exchange *x, CURLcode rc)
{
    if (rc == CURLE_COULDNT_CONNECT)
        return x->no_socket;
    return rc == CURLE_COULDNT_RESOLVE_HOST || rc == CURLE_COULDNT_RESOLVE_PROXY ? shortage_now() : 0;
}

static void outcome_record(struct exchange *x, CURLcode rc)
{
    struct s3_reply *reply = x->reply;
    const char *text = x->conn->trouble[0] != '\0' ? x->conn->trouble : libcurl.easy_strerror(rc);
    const int shortage = shortage_of(x, rc);
    long connects = 1;

    reply->status = status_now(x);
    reply->transport = shortage != 0 ? S3_TRANSPORT_SYSTEM : transport_of(rc);
    (void) curl_easy_getinfo(x->conn->easy, CURLINFO_NUM_CONNECTS, &connects);
    reply->reused = connects == 0;
    if (shortage != 0)
        (void) snprintf(reply->trouble, sizeof(reply->trouble), "could not create a socket: %s",
                        strerror(shortage));
    else if (rc != CURLE_OK && !x->cut_off)
        (void) snprintf(reply->trouble, sizeof(reply->trouble), "%s", text);
    if (reply->body.len > 0 &&
        s3_xml_plausible(reply->headers.content_type, reply->body.data, reply->body.len))
        s3_error_read(reply->body.data, reply->body.len, &reply->error);
}

enum err_code s3_exchange(struct s3_conn *conn, const struct s3_site *site, const struct s3_request *req,
                          bool fresh, struct s3_reply *reply, struct err *e)
{
    CLEANUP(address_clear)
    struct address a = {BUF_INIT(512), BUF_INIT(4 * S3_KEY_MAX), BUF_INIT(65536), BUF_INIT(73728)};
    struct err failure = ERR_NONE;
    struct exchange x = {.conn = conn, .site = site, .req = req, .reply = reply, .failure = &failure};
    CURLcode rc = CURLE_OUT_OF_MEMORY;

    s3_reply_clear(reply);
    s3_reply_init(reply);
    conn->trouble[0] = '\0';
    libcurl.easy_reset(conn->easy);
    if (address_make(site, req, &a, e) != ERR_OK || sign(&x, &a, e) != ERR_OK) {
        libcurl.slist_free_all(x.headers);
        return e->code;
    }
    if (options_for_all(conn->easy, site) == CURLE_OK &&
        options_for_one(conn->easy, &x, buf_cstr(&a.url), fresh) == CURLE_OK)
        rc = run(&x);
    outcome_record(&x, rc);
    (void) libcurl.multi_remove_handle(conn->multi, conn->easy);
    libcurl.easy_reset(conn->easy); /* it must not point into what goes now */
    libcurl.slist_free_all(x.headers);
    if (failure.code != ERR_OK)
        *e = failure;
    return failure.code;
}
