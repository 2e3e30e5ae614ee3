/*
 * pg/conninfo.c - see pg/conninfo.h.
 */
#include "pg/conninfo.h"

#include <string.h>

static const char *option_value(const PQconninfoOption *options, const char *keyword)
{
    for (const PQconninfoOption *o = options; o != NULL && o->keyword != NULL; o++)
        if (strcmp(o->keyword, keyword) == 0)
            return o->val;
    return NULL;
}

/* Set a keyword, replacing an earlier value. */
static void set(struct conninfo *p, const char *keyword, const char *value)
{
    size_t at = 0;

    while (at < p->count && strcmp(p->keywords[at], keyword) != 0)
        at++;
    if (at == CONNINFO_MAX)
        return; /* more keywords than libpq has: can't be */
    p->keywords[at] = keyword;
    p->values[at] = value;
    if (at == p->count)
        p->count++;
}

/* What is neither in the connection string nor in libpq's environment. */
static void set_default(struct conninfo *p, const PQconninfoOption *given, const PQconninfoOption *defaults,
                        const char *keyword, const char *value)
{
    if (option_value(given, keyword) == NULL && option_value(defaults, keyword) == NULL)
        set(p, keyword, value);
}

/* Defaults that libpq has compiled in don't count as somebody's wish. */
static void set_own(struct conninfo *p, const PQconninfoOption *given, const char *keyword, const char *value)
{
    if (option_value(given, keyword) == NULL)
        set(p, keyword, value);
}

void conninfo_fill(struct conninfo *out, const PQconninfoOption *given, const PQconninfoOption *defaults,
                   const char *replication)
{
    *out = (struct conninfo){.count = 0};
    for (const PQconninfoOption *o = given; o->keyword != NULL; o++)
        if (o->val != NULL)
            set(out, o->keyword, o->val);
    /* A service may name the database; libpq looks that up itself. */
    if (option_value(given, "service") == NULL)
        set_default(out, given, defaults, "dbname", "postgres");
    set_own(out, given, "fallback_application_name", "pitr");
    set_default(out, given, defaults, "connect_timeout", "30");
    set_own(out, given, "keepalives_idle", "30");
    set_own(out, given, "keepalives_interval", "10");
    set_own(out, given, "keepalives_count", "3");
    set_own(out, given, "tcp_user_timeout", "60000");
    set(out, "client_encoding", "SQL_ASCII");
    if (replication != NULL)
        set(out, "replication", replication);
}

void conninfo_set_database(struct conninfo *c, const char *database)
{
    set(c, "dbname", database);
}
