/*
 * fake_server.h - a server that misbehaves: a thread that speaks as much of the protocol as libpq needs to believe it,
 * and then sends what the test says. It listens on a Unix socket in a directory of its own and serves one connection.
 * Real servers: test_basebackup_live.c.
 *
 * A script is one letter a message:
 *   s  rows: a position       t  rows: tablespace 16384 at /srv/a, data directory   b  rows: data directory only
 *   o  copy out begins        c  copy ends       K  command complete       Z  ready for query
 *   E  error XX001            X  FATAL 57P01     .  close the connection
 *   <…>  CopyData with these bytes; "|" is a zero byte, so "<nbase.tar||>" begins the data directory's archive
 *   (…)  rows: one, of these values with "|" between
 *   {…}  an error: SQLSTATE "|" text
 */
#pragma once
#include <pthread.h>

struct fake_answer {
    const char *command; /* what the command begins with; "": any. A row with NULL ends the table */
    const char *script;
};

struct fake_server {
    const char *version;
    const struct fake_answer
        *answers; /* what none of them is for gets one empty value: the session's settings */
    char dir[64];
    char conninfo[128]; /* to connect by */
    int listener;
    pthread_t thread;
};

/* version: "14.9". answers outlive the server. Fails the test when it can't start. */
void fake_server_start(struct fake_server *s, const char *version, const struct fake_answer *answers);
/* After the client has closed its connection. */
void fake_server_stop(struct fake_server *s);
