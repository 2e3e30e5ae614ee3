/*
 * test_slow_proxy.c - the benchmark's network loses nothing, mixes nothing up, and is as slow as was asked for.
 *
 * Each test starts the program (PITR_TEST_SLOW_PROXY) before a listener of its own. That the proxy is not slower than
 * it has to be is for the benchmark to see: no test has an upper bound on time.
 */
#include "check_main.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int listener;
static uint16_t proxy_port;
static pid_t proxy;

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}

static struct sockaddr_in address_of(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void start_listener(void)
{
    struct sockaddr_in a = address_of(0);

    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *) &a, sizeof(a)), 0);
    ck_assert_int_eq(listen(listener, 16), 0);
}

static void start_proxy(const char *delay_ms, const char *rate_mib)
{
    struct sockaddr_in a;
    socklen_t len = sizeof(a);
    char backend[16], line[16] = "";
    int out[2];
    FILE *f;

    ck_assert_int_eq(getsockname(listener, (struct sockaddr *) &a, &len), 0);
    snprintf(backend, sizeof(backend), "%d", ntohs(a.sin_port));
    ck_assert_int_eq(pipe(out), 0);
    if ((proxy = fork()) == 0) {
        dup2(out[1], STDOUT_FILENO);
        close(out[0]);
        close(out[1]);
        execl(getenv("PITR_TEST_SLOW_PROXY"), "slow_proxy", "--backend", backend, "--delay-ms", delay_ms,
              "--rate-mib", rate_mib, (char *) NULL);
        _exit(127);
    }
    close(out[1]);
    f = fdopen(out[0], "r");
    ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
    fclose(f);
    proxy_port = (uint16_t) atoi(line);
    ck_assert_int_gt(proxy_port, 0);
}

static void set_up(void)
{
    signal(SIGPIPE, SIG_IGN);
    start_listener();
}

static void tear_down(void)
{
    kill(proxy, SIGKILL);
    waitpid(proxy, NULL, 0);
    close(listener);
}

static int connect_by_proxy(void)
{
    struct sockaddr_in a = address_of(proxy_port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(connect(fd, (struct sockaddr *) &a, sizeof(a)), 0);
    return fd;
}

static int accept_by_backend(void)
{
    int fd = accept(listener, NULL, NULL);

    ck_assert_int_ge(fd, 0);
    return fd;
}

/* A stream of pseudo-random bytes, and the same generator for the sizes of reads and writes. */
static uint32_t next_of(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static size_t any_size(uint32_t *state, size_t left)
{
    size_t size = (next_of(state) % 8 == 0 ? next_of(state) % 300000 : next_of(state) % 3000) + 1;

    return size < left ? size : left;
}

struct stream {
    int fd;
    uint32_t seed;
    size_t len;
    size_t right; /* bytes read that were as they should be */
    bool ended;
};

static void *send_stream(void *argument)
{
    const struct stream *s = argument;
    uint32_t bytes = s->seed, sizes = s->seed + 1;
    static _Thread_local unsigned char buf[300001];

    for (size_t left = s->len; left > 0;) {
        size_t n = any_size(&sizes, left);

        for (size_t i = 0; i < n; i++)
            buf[i] = (unsigned char) next_of(&bytes);
        if (send(s->fd, buf, n, MSG_NOSIGNAL) != (ssize_t) n)
            break;
        left -= n;
    }
    shutdown(s->fd, SHUT_WR);
    return NULL;
}

static void *receive_stream(void *argument)
{
    struct stream *s = argument;
    uint32_t bytes = s->seed, sizes = s->seed + 2;
    static _Thread_local unsigned char buf[300001];
    ssize_t got;

    while ((got = recv(s->fd, buf, any_size(&sizes, 300000), 0)) > 0) {
        for (ssize_t i = 0; i < got; i++)
            s->right += buf[i] == (unsigned char) next_of(&bytes) ? 1 : 0;
    }
    s->ended = got == 0;
    return NULL;
}

/* ------------------------------------------------------------------------------------------------- bytes */

#define PAIRS 3U

static const struct {
    const char *delay_ms;
    const char *rate_mib;
} networks[] = {{"0", "0"}, {"7", "0"}, {"0", "40"}, {"20", "40"}};

START_TEST(bytes_arrive_whole_and_in_order_on_all_connections_in_both_directions)
{
    struct stream sent[2 * PAIRS], received[2 * PAIRS];
    pthread_t threads[4 * PAIRS];

    start_proxy(networks[_i].delay_ms, networks[_i].rate_mib);
    for (unsigned i = 0; i < 2 * PAIRS; i += 2) {
        int client = connect_by_proxy(), backend = accept_by_backend();

        for (unsigned way = i; way < i + 2; way++) {
            bool up = way == i;

            sent[way] = (struct stream){up ? client : backend, 17 * way + 5, 3000000 + 70001 * way, 0, false};
            received[way] = sent[way];
            received[way].fd = up ? backend : client;
        }
    }
    for (unsigned i = 0; i < 2 * PAIRS; i++) {
        pthread_create(&threads[2 * i], NULL, send_stream, &sent[i]);
        pthread_create(&threads[2 * i + 1], NULL, receive_stream, &received[i]);
    }
    for (unsigned i = 0; i < 4 * PAIRS; i++)
        pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < 2 * PAIRS; i++) {
        ck_assert_uint_eq(received[i].right, received[i].len);
        ck_assert(received[i].ended);
    }
}
END_TEST

START_TEST(a_half_closed_connection_still_carries_the_answer)
{
    char buf[16];
    int client, backend;

    start_proxy("5", "0");
    client = connect_by_proxy();
    backend = accept_by_backend();
    ck_assert_int_eq(send(client, "ask", 3, 0), 3);
    shutdown(client, SHUT_WR);
    ck_assert_int_eq(recv(backend, buf, 3, MSG_WAITALL), 3);
    ck_assert_int_eq(recv(backend, buf, 1, 0), 0);
    ck_assert_int_eq(send(backend, "answer", 6, 0), 6);
    close(backend);
    ck_assert_int_eq(recv(client, buf, 7, MSG_WAITALL), 6);
    ck_assert_mem_eq(buf, "answer", 6);
}
END_TEST

START_TEST(a_reset_is_passed_on)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    char c;
    int client, backend;

    start_proxy("5", "0");
    client = connect_by_proxy();
    backend = accept_by_backend();
    setsockopt(backend, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(backend);
    ck_assert_int_eq(recv(client, &c, 1, 0), -1);
    ck_assert_int_eq(errno, ECONNRESET);
}
END_TEST

START_TEST(a_connection_that_the_server_refuses_is_reset)
{
    char c;

    start_proxy("0", "0");
    close(listener);
    ck_assert_int_le(recv(connect_by_proxy(), &c, 1, 0), 0);
}
END_TEST

START_TEST(what_nobody_reads_is_not_taken_without_end)
{
    static const char zeros[65536];
    struct pollfd p = {.events = POLLOUT};
    size_t taken = 0, arrived = 0;
    ssize_t n;

    start_proxy("0", "0");
    p.fd = connect_by_proxy();
    int backend = accept_by_backend();
    while (taken < (size_t) 200 << 20 && poll(&p, 1, 300) == 1 &&
           (n = send(p.fd, zeros, sizeof(zeros), MSG_DONTWAIT)) > 0)
        taken += (size_t) n;
    ck_assert_uint_lt(taken, (size_t) 100 << 20);
    shutdown(p.fd, SHUT_WR);
    for (char buf[65536]; (n = recv(backend, buf, sizeof(buf), 0)) > 0;)
        arrived += (size_t) n;
    ck_assert_uint_eq(arrived, taken);
}
END_TEST

/* -------------------------------------------------------------------------------------------------- time */

#define DELAY 0.040

/* One byte there and one back. */
static double ask(int client, int backend)
{
    double start = seconds();
    char c = 'x';

    ck_assert_int_eq(send(client, &c, 1, 0), 1);
    ck_assert_int_eq(recv(backend, &c, 1, 0), 1);
    ck_assert_int_eq(send(backend, &c, 1, 0), 1);
    ck_assert_int_eq(recv(client, &c, 1, 0), 1);
    return seconds() - start;
}

START_TEST(a_connect_and_each_question_take_a_round_trip)
{
    double start = seconds();
    int client, backend;

    start_proxy("40", "0");
    client = connect_by_proxy();
    backend = accept_by_backend();
    ask(client, backend);
    ck_assert_double_ge(seconds() - start, 2 * DELAY);
    ck_assert_double_ge(ask(client, backend), DELAY);
    ck_assert_double_ge(ask(client, backend), DELAY);
}
END_TEST

START_TEST(a_server_that_speaks_first_is_heard_after_two_round_trips)
{
    double start = seconds();
    char c = 'x';
    int client;

    start_proxy("40", "0");
    client = connect_by_proxy();
    ck_assert_int_eq(send(accept_by_backend(), &c, 1, 0), 1);
    ck_assert_int_eq(recv(client, &c, 1, 0), 1);
    ck_assert_double_ge(seconds() - start, 2 * DELAY);
}
END_TEST

START_TEST(the_end_of_a_stream_takes_its_time_too)
{
    double start;
    char c;
    int client, backend;

    start_proxy("40", "0");
    client = connect_by_proxy();
    backend = accept_by_backend();
    ask(client, backend);
    start = seconds();
    shutdown(client, SHUT_WR);
    ck_assert_int_eq(recv(backend, &c, 1, 0), 0);
    ck_assert_double_ge(seconds() - start, DELAY / 2);
}
END_TEST

START_TEST(the_rate_is_that_of_all_connections_together)
{
    struct stream sent[2], received[2];
    pthread_t threads[4];
    double start;

    start_proxy("0", "20");
    for (unsigned i = 0; i < 2; i++) {
        sent[i] = received[i] = (struct stream){connect_by_proxy(), i + 1, (size_t) 2 << 20, 0, false};
        received[i].fd = accept_by_backend();
    }
    start = seconds();
    for (unsigned i = 0; i < 2; i++) {
        pthread_create(&threads[2 * i], NULL, send_stream, &sent[i]);
        pthread_create(&threads[2 * i + 1], NULL, receive_stream, &received[i]);
    }
    for (unsigned i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(received[0].right + received[1].right, (size_t) 4 << 20);
    ck_assert_double_ge(seconds() - start, 4.0 / 20);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_half_closed_connection_still_carries_the_answer,
                                  a_reset_is_passed_on,
                                  a_connection_that_the_server_refuses_is_reset,
                                  what_nobody_reads_is_not_taken_without_end,
                                  a_connect_and_each_question_take_a_round_trip,
                                  a_server_that_speaks_first_is_heard_after_two_round_trips,
                                  the_end_of_a_stream_takes_its_time_too,
                                  the_rate_is_that_of_all_connections_together};
    Suite *suite =
        suite_between("bench/slow_proxy", set_up, tear_down, tests, sizeof(tests) / sizeof(tests[0]));
    TCase *tcase = tcase_create("networks");

    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, bytes_arrive_whole_and_in_order_on_all_connections_in_both_directions, 0,
                        (int) (sizeof(networks) / sizeof(networks[0])));
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
