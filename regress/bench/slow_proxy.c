/*
 * slow_proxy.c - a TCP relay on loopback that makes the way to a server as long and as narrow as a real network.
 *
 *   slow_proxy --backend PORT [--listen PORT] [--delay-ms N] [--rate-mib N]
 *
 * Listens on 127.0.0.1 (a free port without --listen), prints the port, and carries each connection to 127.0.0.1:PORT
 * until it is killed. A round trip takes N milliseconds more, half of them in each direction. The rate is MiB per
 * second in each direction, for all connections together; 0, the default of both, is none.
 *
 * Bytes come out of a delay line at the moment they are due (delay_line.h). Nothing is slept for, and nothing held back
 * to be sent in one piece (TCP_NODELAY at both ends).
 *
 * The kernel answers a connect() at once. A network takes a round trip for it: so what a client sends in the first
 * round trip counts as sent at its end, and what the server sends before the client's third packet can have come, one
 * and a half round trips in, counts as sent then.
 *
 * Not played: slow start, losses, jitter. A connection has at most WAY_WINDOW bytes under way in each direction, beside
 * what the kernel's own buffers hold, so it carries at most two windows in a round trip.
 */
#include "delay_line.h"

#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define MAX_CONNECTIONS 512U

struct connection {
    struct end client;
    struct end backend;
    struct way up;
    struct way down;
    struct connection *next_unused;
};

struct proxy {
    int epoll;
    int listener;
    int timer;
    int64_t timer_at;
    uint16_t backend_port;
    struct line up;
    struct line down;
    struct connection *connections[MAX_CONNECTIONS];
    unsigned count;
    unsigned turn; /* whose turn it is to be first */
    struct connection *unused;
};

static _Noreturn void die(const char *what)
{
    perror(what);
    exit(1);
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ------------------------------------------------------------------------------------------- connections */

static void watch(const struct proxy *p, int fd, uint32_t events, void *what)
{
    struct epoll_event event = {.events = events, .data.ptr = what};

    if (epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        die("epoll_ctl");
}

static void end_open(const struct proxy *p, struct end *e, int fd)
{
    int on = 1;

    *e = (struct end){.fd = fd};
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0)
        die("setsockopt");
    watch(p, fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, e);
}

/* With an error the peer is told so: what it sent last may not have come. */
static void end_close(const struct end *e, bool failed)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};

    if (failed)
        (void) setsockopt(e->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(e->fd);
}

/* A refused connection shows as an error of the first read. */
static int connect_to(uint16_t port)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        die("socket");
    if (connect(fd, (struct sockaddr *) &a, sizeof(a)) == 0 || errno == EINPROGRESS)
        return fd;
    close(fd);
    return -1;
}

static struct connection *connection_new(struct proxy *p)
{
    struct connection *c = p->unused;

    if (c != NULL)
        p->unused = c->next_unused;
    else if ((c = calloc(1, sizeof(*c))) == NULL)
        die("calloc");
    return c;
}

static void connection_open(struct proxy *p, int client)
{
    int64_t now = now_ns();
    int backend = p->count < MAX_CONNECTIONS ? connect_to(p->backend_port) : -1;
    struct connection *c;

    if (backend < 0) {
        end_close(&(struct end){.fd = client}, true);
        return;
    }
    c = connection_new(p);
    end_open(p, &c->client, client);
    end_open(p, &c->backend, backend);
    way_open(&c->up, &c->client, &c->backend, &p->up, now + 2 * p->up.delay_ns);
    way_open(&c->down, &c->backend, &c->client, &p->down, now + 3 * p->up.delay_ns);
    p->connections[p->count++] = c;
}

static bool connection_is_over(const struct connection *c)
{
    bool failed = (c->up.over && c->up.failed) || (c->down.over && c->down.failed);

    return failed || (c->up.over && c->down.over);
}

static void connection_close(struct proxy *p, unsigned index)
{
    struct connection *c = p->connections[index];

    end_close(&c->client, c->down.over && c->down.failed);
    end_close(&c->backend, c->up.over && c->up.failed);
    c->next_unused = p->unused;
    p->unused = c;
    p->connections[index] = p->connections[--p->count];
}

static void accept_all(struct proxy *p)
{
    for (;;) {
        int fd = accept4(p->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0)
            connection_open(p, fd);
        else if (errno == EAGAIN)
            return;
        else if (errno != EINTR && errno != ECONNABORTED)
            die("accept");
    }
}

/* ---------------------------------------------------------------------------------------------- the loop */

/* Each connection moves a chunk in each direction; who is first changes. Returns when to come again. */
static int64_t move_all(struct proxy *p)
{
    int64_t again_at = NEVER;

    p->turn++;
    for (unsigned i = 0; i < p->count; i++) {
        struct connection *c = p->connections[(p->turn + i) % p->count];

        way_move(&c->up);
        way_move(&c->down);
    }
    for (unsigned i = p->count; i-- > 0;) {
        if (connection_is_over(p->connections[i]))
            connection_close(p, i);
        else
            again_at = sooner(again_at, sooner(way_again_at(&p->connections[i]->up),
                                               way_again_at(&p->connections[i]->down)));
    }
    return again_at;
}

static void set_timer(struct proxy *p, int64_t at)
{
    struct itimerspec t = {.it_value = {.tv_sec = at / 1000000000, .tv_nsec = at % 1000000000}};

    if (at == 0 || at == NEVER || at == p->timer_at)
        return;
    if (timerfd_settime(p->timer, TFD_TIMER_ABSTIME, &t, NULL) != 0)
        die("timerfd_settime");
    p->timer_at = at;
}

static void note_event(struct proxy *p, const struct epoll_event *event)
{
    struct end *e = event->data.ptr;

    if (event->data.ptr == &p->listener) {
        accept_all(p);
    } else if (event->data.ptr == &p->timer) {
        p->timer_at = 0;
    } else {
        e->readable |= (event->events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
        e->writable |= (event->events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
    }
}

static _Noreturn void relay(struct proxy *p)
{
    struct epoll_event events[64];

    for (;;) {
        int64_t again_at = move_all(p);
        int count;

        set_timer(p, again_at);
        count = epoll_wait(p->epoll, events, 64, again_at == 0 ? 0 : -1);
        if (count < 0 && errno != EINTR)
            die("epoll_wait");
        for (int i = 0; i < count; i++)
            note_event(p, &events[i]);
    }
}

/* Returns the port. */
static uint16_t listen_on(struct proxy *p, uint16_t port)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int on = 1;

    p->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (p->listener < 0 || setsockopt(p->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        bind(p->listener, (struct sockaddr *) &a, sizeof(a)) != 0 || listen(p->listener, 511) != 0 ||
        getsockname(p->listener, (struct sockaddr *) &a, &len) != 0)
        die("could not listen");
    return ntohs(a.sin_port);
}

static double number(const char *text, double most)
{
    char *end;
    double n = strtod(text, &end);

    if (*text == '\0' || *end != '\0' || !(n >= 0 && n <= most)) {
        fprintf(stderr, "slow_proxy: \"%s\" is not a number from 0 to %.0f\n", text, most);
        exit(2);
    }
    return n;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"listen", required_argument, NULL, 'l'},
                                            {"backend", required_argument, NULL, 'b'},
                                            {"delay-ms", required_argument, NULL, 'd'},
                                            {"rate-mib", required_argument, NULL, 'r'},
                                            {NULL, 0, NULL, 0}};
    static struct proxy p;
    uint16_t port = 0;
    double rate = 0;

    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'l')
            port = (uint16_t) number(optarg, 65535);
        else if (c == 'b')
            p.backend_port = (uint16_t) number(optarg, 65535);
        else if (c == 'd')
            p.up.delay_ns = (int64_t) (number(optarg, 60000) * 1e6 / 2);
        else if (c == 'r')
            rate = number(optarg, 1e6);
        else
            return 2;
    }
    if (p.backend_port == 0 || optind != argc) {
        fprintf(stderr, "usage: slow_proxy --backend PORT [--listen PORT] [--delay-ms N] [--rate-mib N]\n");
        return 2;
    }
    p.up.ns_per_byte = rate > 0 ? 1e9 / (rate * 1048576) : 0;
    p.down = p.up;
    p.epoll = epoll_create1(EPOLL_CLOEXEC);
    p.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (p.epoll < 0 || p.timer < 0)
        die("could not wait for events");
    port = listen_on(&p, port);
    watch(&p, p.listener, EPOLLIN, &p.listener);
    watch(&p, p.timer, EPOLLIN | EPOLLET, &p.timer);
    printf("%d\n", port);
    fflush(stdout);
    relay(&p);
}
