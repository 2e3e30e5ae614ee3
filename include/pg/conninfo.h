/*
 * pg/conninfo.h - what libpq is told on top of a connection string.
 *
 *   always               client_encoding SQL_ASCII: paths are bytes, no conversion on the way; replication, if wanted
 *   unless the string    fallback_application_name, keepalives_idle, keepalives_interval, keepalives_count,
 *     says otherwise     tcp_user_timeout
 *   unless the string    dbname "postgres" (nor where a service is named, which may name one), connect_timeout
 *     or the environment
 * PURE.
 * Source    PostgreSQL manual, "Database Connection Control Functions".
 */
#pragma once
#include "pg/libpq.h"
#include <stddef.h>

#define CONNINFO_MAX 64 /* libpq 15 knows some 40 keywords */

/* As PQconnectdbParams wants them: ended by NULL. All text is borrowed. */
struct conninfo {
    const char *keywords[CONNINFO_MAX + 1];
    const char *values[CONNINFO_MAX + 1];
    size_t count;
};

/*
 * Fill *out.
 *   given         the connection string, parsed (PQconninfoParse); outlives *out
 *   defaults      the environment's (PQconndefaults); looked at only
 *   replication   "database", "true"; NULL: an ordinary client
 */
void conninfo_fill(struct conninfo *out, const PQconninfoOption *given, const PQconninfoOption *defaults,
                   const char *replication);

/* Connect to this database (borrowed), whatever string, service or environment say. */
void conninfo_set_database(struct conninfo *c, const char *database);
