/*
 * pg/replproto.h - one connection to a PostgreSQL server as a replication client (libpq).
 *
 * A connection with replication=database takes SQL and replication commands alike; where pg_hba.conf or the database
 * does not allow that, replication=true takes replication commands only (has_sql is false then). Servers from 13 on.
 * The role needs REPLICATION. Reads block; a dead peer is noticed by TCP keepalives and tcp_user_timeout, unless the
 * connection string sets them. The connection string is never printed: it may hold a password.
 * Source    PostgreSQL manual, "Streaming Replication Protocol".
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "pg/lsn.h"
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define REPLPROTO_MIN_VERSION 130000

struct replproto;

/* A WARNING or NOTICE of the server: "WARNING", the text, its detail or "". Borrowed for the call. */
typedef void replproto_notice(void *arg, const char *severity, const char *text, const char *detail);

struct replproto_server {
    uint64_t system_identifier;
    uint32_t tli;
    lsn flush;      /* of a standby: what it has received or replayed */
    unsigned major; /* 13 … */
    int version;    /* as libpq counts: 150004 */
    uint32_t segment_bytes;
    mode_t directory_mode; /* of the data directory: 0700 or 0750 */
    bool has_checksums;
    bool has_sql;
    bool knows_standby; /* false on 13 without SQL: backup_label tells (label.h) */
    bool is_standby;
};

/*
 * Connect by a libpq connection string ("" takes all from libpq's environment); the database is "postgres" unless one
 * is named there. application_name is "pitr" unless set. On success *out is the caller's.
 * Fails with ERR_USAGE (malformed string, not shown), ERR_UNREACHABLE (no server, starting up, shutting down),
 * ERR_DENIED (the server answers, but does not let us in), ERR_REFUSED (too old).
 */
enum err_code replproto_connect(const char *conninfo, struct replproto **out, struct err *e);
/*
 * The same as an ordinary client: SQL, no replication commands, no REPLICATION needed. For questions about a server
 * that does not let replication clients in. Asked to identify itself over it, the server refuses.
 */
enum err_code replproto_connect_sql(const char *conninfo, struct replproto **out, struct err *e);
/* Close; NULL is fine. Closing in the middle of a backup cancels it. replproto_closep is for CLEANUP. */
void replproto_close(struct replproto *c);
void replproto_closep(struct replproto **c);

/* Who gets notices from now on; NULL: nobody, they are logged at debug. */
void replproto_on_notice(struct replproto *c, replproto_notice *notice, void *arg);

/* Ask the server who it is and how it is set. */
enum err_code replproto_identify(struct replproto *c, struct replproto_server *out, struct err *e);

/*
 * The server's clock, µs since 1970. ERR_REFUSED without SQL.
 */
enum err_code replproto_clock(struct replproto *c, int64_t *us, struct err *e);

/* Append the history file of a timeline. ERR_ABSENT when the server has none (timeline 1 never has). */
enum err_code replproto_timeline_history(struct replproto *c, uint32_t tli, struct buf *out, struct err *e);

/* ---- for the other files of this room, and for SQL where the connection has it ---- */

/*
 * Run one command that answers with rows (or, fields 0, with none). *out is the caller's to PQclear.
 * Fails as replproto_error says; ERR_CORRUPT when the answer has fewer columns than fields.
 */
enum err_code replproto_query(struct replproto *c, const char *command, int fields, PGresult **out,
                              struct err *e);

/*
 * Turn a failed result, or the connection's own failure (result NULL), into an error, by SQLSTATE:
 *   ERR_UNREACHABLE   connection lost, server shutting down or out of resources
 *   ERR_DENIED        no right         ERR_CORRUPT   the server found damaged data
 *   ERR_ABSENT        no such file     ERR_REFUSED   everything else the server said no to
 * doing: "read timeline history". Takes the server's detail into the text and its hint into the hint.
 */
enum err_code replproto_error(struct replproto *c, const PGresult *result, const char *doing, struct err *e);

PGconn *replproto_pgconn(struct replproto *c);
bool replproto_has_sql(const struct replproto *c);
