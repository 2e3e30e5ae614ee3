/*
 * reply_server.h - a server on loopback that plays answers from regress/replies, and a clock that nobody waits for.
 *
 * It answers the n-th request of its life, over whatever connection it comes, with the n-th case, and remembers
 * what was asked. A request beyond the last case is answered with "418" and fails the test that counts.
 */
#pragma once
#include "base/clock.h"
#include "storage/s3_store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPLY_CASES_MAX 32

struct reply_server;

/* cases: names like "get/ok", up to a NULL. Fails the test when it can't start. */
struct reply_server *reply_server_start(const char *const *cases);
void reply_server_stop(struct reply_server *r);

/* "http://127.0.0.1:port" */
const char *reply_server_endpoint(const struct reply_server *r);
/* Requests so far, and connections. */
size_t reply_server_requests(struct reply_server *r);
size_t reply_server_connections(struct reply_server *r);
/* Head of the n-th request, from 0, as it came; its body and the body's length. Borrowed. */
const char *reply_server_head(struct reply_server *r, size_t n);
const char *reply_server_body(struct reply_server *r, size_t n, size_t *len);

/* Sleeping only moves it: real time passes on mono, so that limits on a stalled transfer come due. */
struct test_clock {
    struct clock clock;
    int64_t slept_us;
    unsigned sleeps;
    int64_t now_us;
};

/* It is 2026-11-21 11:00:00 UTC. The clock lives where t lives. */
void test_clock_init(struct test_clock *t);

/* Options for a store on that server: bucket "bucket", prefix "in", conditional put, a short limit if it stalls. */
struct s3_options reply_options(const struct reply_server *r, const struct test_clock *t);
