/*
 * pg/replproto.h - one connection to a PostgreSQL server as a replication client (libpq).
 *
 * A connection with replication=database takes SQL and replication commands alike; where pg_hba.conf or the database
 * does not allow that, replication=true takes replication commands only (replproto_has_sql is false then). Servers
 * from 13 on. The role needs REPLICATION. Reads block; a dead peer is noticed by TCP keepalives and tcp_user_timeout,
 * unless the connection string sets them. The connection string is never printed: it may hold a password.
 * Source    PostgreSQL manual, "Streaming Replication Protocol".
 */
#pragma once
#include "base/err.h"
#include "pg/libpq.h"
#include <stdbool.h>

#define REPLPROTO_MIN_VERSION 130000

struct replproto;

/* A WARNING or NOTICE of the server: "WARNING", the text, its detail or "". Borrowed for the call. */
typedef void replproto_notice(void *arg, const char *severity, const char *text, const char *detail);

/*
 * Connect by a libpq connection string ("" takes all from libpq's environment); the database is "postgres" unless one
 * is named there. application_name is "pitr" unless set. On success *out is the caller's.
 * Fails with ERR_USAGE (malformed string, not shown), ERR_UNREACHABLE (no server, starting up, shutting down),
 * ERR_DENIED (the server answers, but does not let us in), ERR_REFUSED (too old).
 */
enum err_code replproto_connect(const char *conninfo, struct replproto **out, struct err *e);
/*
 * The same as an ordinary client: SQL, no replication commands, no REPLICATION needed. For questions about a server
 * that does not let replication clients in, and about its databases: database names one, NULL: as the string says.
 * Asked to identify itself over it, the server refuses.
 */
enum err_code replproto_connect_sql(const char *conninfo, const char *database, struct replproto **out,
                                    struct err *e);
/* Close; NULL is fine. Closing in the middle of a backup cancels it. replproto_closep is for CLEANUP. */
void replproto_close(struct replproto *c);
void replproto_closep(struct replproto **c);

/* Who gets notices from now on; NULL: nobody, they are logged at debug. */
void replproto_on_notice(struct replproto *c, replproto_notice *notice, void *arg);

/*
 * Run one command that answers with rows. *out is the caller's to libpq.clear.
 * Fails as replproto_error says; ERR_CORRUPT when the answer has fewer columns than fields.
 */
enum err_code replproto_query(struct replproto *c, const char *command, int fields, PGresult **out,
                              struct err *e);

/*
 * The same for any number of rows in constant memory: each is shown as it comes, as row 0 of a result that is borrowed
 * for the call. A row that fails is the last one shown; the rest is read over, so that the connection stays of use.
 */
typedef enum err_code replproto_row(void *arg, const PGresult *row, struct err *e);
enum err_code replproto_each_row(struct replproto *c, const char *command, int fields, replproto_row *row,
                                 void *arg, struct err *e);

/*
 * Turn a failed result, or the connection's own failure (result NULL), into an error, by SQLSTATE:
 *   ERR_UNREACHABLE   connection lost, server shutting down or out of resources
 *   ERR_DENIED        no right         ERR_CORRUPT   the server found damaged data
 *   ERR_ABSENT        no such file     ERR_REFUSED   everything else the server said no to
 * doing: "read timeline history". Takes the server's detail into the text and its hint into the hint.
 */
enum err_code replproto_error(struct replproto *c, const PGresult *result, const char *doing, struct err *e);

/* For what is none of these: borrowed. */
PGconn *replproto_pgconn(struct replproto *c);
bool replproto_has_sql(const struct replproto *c);
