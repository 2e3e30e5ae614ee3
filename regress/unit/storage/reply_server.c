/*
 * reply_server.c - see reply_server.h. One thread accepts, one thread serves each connection.
 */
#include "reply_server.h"

#include "base/buf.h"

#include <check.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64
#define REQUEST_MAX     ((size_t) 16 << 20)

enum ending { KEEP_OPEN, CLOSE, RESET, STALL };

struct seen {
    char *head;
    char *body;
    size_t body_len;
};

struct reply_server {
    int listener;
    char endpoint[64];
    const char *cases[REPLY_CASES_MAX];
    size_t case_count;
    struct seen seen[REPLY_CASES_MAX];
    size_t requests;
    pthread_mutex_t lock;
    pthread_t acceptor;
    pthread_t threads[CONNECTIONS_MAX];
    int sockets[CONNECTIONS_MAX];
    size_t connections;
};

struct connection {
    struct reply_server *server;
    int fd;
};

/* Read up to the end of the headers, then the body that Content-Length announces. False at the end of input. */
static bool request_read(int fd, struct seen *out)
{
    struct buf b = BUF_INIT(REQUEST_MAX);
    struct err e = ERR_NONE;
    size_t head_len = 0, want = 0;
    const char *end;

    while (head_len == 0 || b.len < head_len + want) {
        ssize_t got;

        if (buf_reserve(&b, 65536, &e) != ERR_OK || (got = recv(fd, b.data + b.len, 65536, 0)) <= 0) {
            buf_clear(&b);
            return false;
        }
        b.len += (size_t) got;
        end = strstr(buf_cstr(&b), "\r\n\r\n");
        if (head_len == 0 && end != NULL) {
            const char *length = strcasestr((const char *) b.data, "\r\nContent-Length:");

            head_len = (size_t) (end - (const char *) b.data) + 4;
            want = length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0;
        }
    }
    out->head = strndup((const char *) b.data, head_len);
    out->body_len = want;
    out->body = malloc(want + 1);
    memcpy(out->body, b.data + head_len, want);
    out->body[want] = '\0';
    buf_clear(&b);
    return true;
}

static enum ending directive_read(const char *line)
{
    if (strncmp(line, "#! reset", 8) == 0)
        return RESET;
    if (strncmp(line, "#! stall", 8) == 0)
        return STALL;
    return strncmp(line, "#! close", 8) == 0 ? CLOSE : KEEP_OPEN;
}

/* Turn a case into the bytes to send. */
static enum ending case_read(const char *name, struct buf *out)
{
    char path[512];
    struct buf file = BUF_INIT(1 << 20);
    struct err e = ERR_NONE;
    enum ending ending = KEEP_OPEN;
    const char *at, *body, *eol;

    (void) snprintf(path, sizeof(path), "%s/%s.http", REPLIES_DIR, name);
    if (buf_read_file(&file, path, &e) != ERR_OK) {
        fprintf(stderr, "%s\n", e.text);
        abort();
    }
    if (file.len > 0 && file.data[file.len - 1] == '\n')
        file.len--;
    for (at = buf_cstr(&file); *at == '#'; at = *eol == '\0' ? eol : eol + 1) {
        eol = strchrnul(at, '\n');
        if (at[1] == '!')
            ending = directive_read(at);
    }
    body = strstr(at, "\n\n");
    body = body == NULL ? at + strlen(at) : body + 2;
    while (at < body && *at != '\0' && *at != '\n') {
        const char *mark;
        size_t len;

        eol = strchrnul(at, '\n');
        len = (size_t) (eol - at);
        mark = memmem(at, len, "@body", 5);
        if (mark != NULL)
            (void) buf_printf(out, &e, "%.*s%zu\r\n", (int) (mark - at), at, strlen(body));
        else
            (void) buf_printf(out, &e, "%.*s\r\n", (int) len, at);
        at = *eol == '\0' ? eol : eol + 1;
    }
    if (out->len > 0)
        (void) buf_printf(out, &e, "\r\n%s", body);
    buf_clear(&file);
    return ending;
}

static void reply_send(int fd, const struct buf *reply)
{
    for (size_t at = 0; at < reply->len;) {
        ssize_t put = send(fd, reply->data + at, reply->len - at, MSG_NOSIGNAL);

        if (put <= 0)
            return;
        at += (size_t) put;
    }
}

/* Note the request; its case's name. */
static const char *request_note(struct reply_server *r, struct seen *seen)
{
    const char *name = NULL;

    pthread_mutex_lock(&r->lock);
    if (r->requests < r->case_count) {
        name = r->cases[r->requests];
        r->seen[r->requests] = *seen;
    } else {
        free(seen->head);
        free(seen->body);
    }
    r->requests++;
    pthread_mutex_unlock(&r->lock);
    return name;
}

static bool answer(struct reply_server *r, int fd, struct seen *seen)
{
    struct buf reply = BUF_INIT(1 << 20);
    struct err e = ERR_NONE;
    const char *name = request_note(r, seen);
    enum ending ending = KEEP_OPEN;
    char byte;

    if (name == NULL)
        (void) buf_puts(&reply, "HTTP/1.1 418 beyond the script\r\nContent-Length: 0\r\n\r\n", &e);
    else
        ending = case_read(name, &reply);
    reply_send(fd, &reply);
    buf_clear(&reply);
    if (ending == STALL)
        (void) recv(fd, &byte, 1, 0); /* until the client has had enough */
    if (ending == RESET)
        (void) setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    return ending == KEEP_OPEN;
}

static void *connection_run(void *arg)
{
    struct connection *c = arg;
    struct seen seen;

    while (request_read(c->fd, &seen) && answer(c->server, c->fd, &seen))
        ;
    pthread_mutex_lock(&c->server->lock);
    for (size_t i = 0; i < c->server->connections; i++)
        if (c->server->sockets[i] == c->fd)
            c->server->sockets[i] = -1;
    (void) close(c->fd);
    pthread_mutex_unlock(&c->server->lock);
    free(c);
    return NULL;
}

static void *acceptor_run(void *arg)
{
    struct reply_server *r = arg;
    int fd;

    while ((fd = accept(r->listener, NULL, NULL)) >= 0 && r->connections < CONNECTIONS_MAX) {
        struct connection *c = malloc(sizeof(*c));

        *c = (struct connection){.server = r, .fd = fd};
        pthread_mutex_lock(&r->lock);
        r->sockets[r->connections] = fd;
        if (pthread_create(&r->threads[r->connections], NULL, connection_run, c) != 0)
            abort();
        r->connections++;
        pthread_mutex_unlock(&r->lock);
    }
    return NULL;
}

struct reply_server *reply_server_start(const char *const *cases)
{
    struct reply_server *r = calloc(1, sizeof(*r));
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(addr);

    ck_assert_ptr_nonnull(r);
    while (cases[r->case_count] != NULL) {
        ck_assert_uint_lt(r->case_count, REPLY_CASES_MAX);
        r->cases[r->case_count] = cases[r->case_count];
        r->case_count++;
    }
    pthread_mutex_init(&r->lock, NULL);
    r->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(r->listener, 0);
    ck_assert_int_eq(bind(r->listener, (struct sockaddr *) &addr, sizeof(addr)), 0);
    ck_assert_int_eq(listen(r->listener, 16), 0);
    ck_assert_int_eq(getsockname(r->listener, (struct sockaddr *) &addr, &len), 0);
    (void) snprintf(r->endpoint, sizeof(r->endpoint), "http://127.0.0.1:%u", (unsigned) ntohs(addr.sin_port));
    ck_assert_int_eq(pthread_create(&r->acceptor, NULL, acceptor_run, r), 0);
    return r;
}

void reply_server_stop(struct reply_server *r)
{
    (void) shutdown(r->listener, SHUT_RDWR);
    (void) pthread_join(r->acceptor, NULL);
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < r->connections; i++)
        if (r->sockets[i] >= 0)
            (void) shutdown(r->sockets[i], SHUT_RDWR);
    pthread_mutex_unlock(&r->lock);
    for (size_t i = 0; i < r->connections; i++)
        (void) pthread_join(r->threads[i], NULL);
    (void) close(r->listener);
    for (size_t i = 0; i < r->case_count; i++) {
        free(r->seen[i].head);
        free(r->seen[i].body);
    }
    pthread_mutex_destroy(&r->lock);
    free(r);
}

const char *reply_server_endpoint(const struct reply_server *r)
{
    return r->endpoint;
}

size_t reply_server_requests(struct reply_server *r)
{
    size_t n;

    pthread_mutex_lock(&r->lock);
    n = r->requests;
    pthread_mutex_unlock(&r->lock);
    return n;
}

size_t reply_server_connections(struct reply_server *r)
{
    size_t n;

    pthread_mutex_lock(&r->lock);
    n = r->connections;
    pthread_mutex_unlock(&r->lock);
    return n;
}

const char *reply_server_head(struct reply_server *r, size_t n)
{
    ck_assert_uint_lt(n, reply_server_requests(r));
    return r->seen[n].head;
}

const char *reply_server_body(struct reply_server *r, size_t n, size_t *len)
{
    ck_assert_uint_lt(n, reply_server_requests(r));
    *len = r->seen[n].body_len;
    return r->seen[n].body;
}

static int64_t test_now(void *self)
{
    return ((struct test_clock *) self)->now_us;
}

static int64_t test_mono(void *self)
{
    return clock_mono_us(&clock_system) + ((struct test_clock *) self)->slept_us;
}

static void test_sleep(void *self, int64_t us)
{
    struct test_clock *t = self;

    t->slept_us += us;
    t->sleeps++;
}

void test_clock_init(struct test_clock *t)
{
    *t = (struct test_clock){.now_us = 1795258800LL * 1000000};
    t->clock = (struct clock){.now_us = test_now, .mono_us = test_mono, .sleep_us = test_sleep, .self = t};
}

/* Only a script that stalls needs a limit that comes soon; a slow machine must not meet it elsewhere. */
static int64_t stall_limit_ms(const struct reply_server *r)
{
    for (size_t i = 0; i < r->case_count; i++)
        if (strstr(r->cases[i], "stall") != NULL)
            return 1000;
    return 30000;
}

struct s3_options reply_options(const struct reply_server *r, const struct test_clock *t)
{
    return (struct s3_options){.bucket = "bucket",
                               .prefix = "in",
                               .endpoint = r->endpoint,
                               .region = "auto",
                               .access_key = "AKIAIOSFODNN7EXAMPLE",
                               .secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                               .part_bytes = 5 << 20,
                               .connect_timeout_ms = 20000,
                               .stall_timeout_ms = stall_limit_ms(r),
                               .request_timeout_ms = 60000,
                               .retry_budget_ms = 60000,
                               .conditional_put = true,
                               .clock = &t->clock};
}
