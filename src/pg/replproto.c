/*
 * pg/replproto.c - see pg/replproto.h.
 *
 * Connecting: replication=database first. When that fails, PQping tells whether the server answers at all; only then
 * is replication=true worth a try. If both are refused, the first refusal is the one reported. libpq keeps the SQLSTATE
 * of a refused connection to itself, so that a full server is told from a closed one by the message, in English only.
 * Limits: the reads have no time limit of their own. Over a Unix socket a stopped (SIGSTOP) server is waited for.
 */
#include "pg/replproto.h"

#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARAMS_MAX 64 /* libpq 15 knows some 40 keywords */

struct replproto {
    PGconn *pg;
    bool has_sql;
    replproto_notice *notice;
    void *notice_arg;
};

/* ---- errors and notices ---- */

/* libpq ends its messages with a newline, and some have several lines. */
static void tidy(const char *raw, char *out, size_t size)
{
    size_t len = raw != NULL ? strlen(raw) : 0;

    while (len > 0 && (raw[len - 1] == '\n' || raw[len - 1] == ' '))
        len--;
    len = len < size - 1 ? len : size - 1;
    if (len > 0)
        memcpy(out, raw, len);
    out[len] = '\0';
    for (char *c = out; *c != '\0'; c++)
        if (*c == '\n' || *c == '\t')
            *c = ' ';
}

static enum err_code kind_of_state(const char *state)
{
    static const struct {
        const char *prefix;
        enum err_code code;
    } kinds[] = {
        {"08", ERR_UNREACHABLE},    /* connection exception             */
        {"53", ERR_UNREACHABLE},    /* out of resources, connections    */
        {"57P", ERR_UNREACHABLE},   /* shutting down, starting up       */
        {"57014", ERR_UNREACHABLE}, /* cancelled                        */
        {"28", ERR_DENIED},         /* authentication                   */
        {"42501", ERR_DENIED},      /* insufficient privilege           */
        {"58P01", ERR_ABSENT},      /* undefined file                   */
        {"XX001", ERR_CORRUPT},     /* data corrupted                   */
        {"XX002", ERR_CORRUPT},     /* index corrupted                  */
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strncmp(state, kinds[i].prefix, strlen(kinds[i].prefix)) == 0)
            return kinds[i].code;
    return ERR_REFUSED;
}

enum err_code replproto_error(struct replproto *c, const PGresult *result, const char *doing, struct err *e)
{
    const char *state = result != NULL ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    char text[ERR_TEXT_MAX], detail[ERR_TEXT_MAX];
    const char *hint;

    if (state == NULL) { /* libpq's own: the connection broke */
        tidy(PQerrorMessage(c->pg), text, sizeof(text));
        return err_set(e, ERR_UNREACHABLE, "could not %s: %s", doing,
                       text[0] != '\0' ? text : "connection lost");
    }
    tidy(PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY), text, sizeof(text));
    tidy(PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL), detail, sizeof(detail));
    hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
    err_set(e, kind_of_state(state), "could not %s: server: %s%s%s", doing, text,
            detail[0] != '\0' ? "; " : "", detail);
    return hint != NULL ? err_hint(e, "%s", hint) : e->code;
}

static void receive_notice(void *arg, const PGresult *result)
{
    const struct replproto *c = arg;
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    char text[ERR_TEXT_MAX], detail[ERR_TEXT_MAX];

    tidy(PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY), text, sizeof(text));
    tidy(PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL), detail, sizeof(detail));
    severity = severity != NULL ? severity : "NOTICE";
    if (c->notice != NULL)
        c->notice(c->notice_arg, severity, text, detail);
    else
        log_debug("server %s: %s", severity, text);
}

void replproto_on_notice(struct replproto *c, replproto_notice *notice, void *arg)
{
    c->notice = notice;
    c->notice_arg = arg;
}

/* ---- connecting ---- */

struct params {
    const char *keywords[PARAMS_MAX + 1];
    const char *values[PARAMS_MAX + 1];
    size_t count;
};

static const char *option_value(const PQconninfoOption *options, const char *keyword)
{
    for (const PQconninfoOption *o = options; o != NULL && o->keyword != NULL; o++)
        if (strcmp(o->keyword, keyword) == 0)
            return o->val;
    return NULL;
}

/* Set a keyword, replacing an earlier value. */
static void params_set(struct params *p, const char *keyword, const char *value)
{
    size_t at = 0;

    while (at < p->count && strcmp(p->keywords[at], keyword) != 0)
        at++;
    if (at == PARAMS_MAX)
        return; /* more keywords than libpq has: can't be */
    p->keywords[at] = keyword;
    p->values[at] = value;
    if (at == p->count)
        p->count++;
}

/* What is neither in the connection string nor in libpq's environment. */
static void params_default(struct params *p, const PQconninfoOption *given, const PQconninfoOption *defaults,
                           const char *keyword, const char *value)
{
    if (option_value(given, keyword) == NULL && option_value(defaults, keyword) == NULL)
        params_set(p, keyword, value);
}

/* Defaults that libpq has compiled in don't count as somebody's wish. */
static void params_own(struct params *p, const PQconninfoOption *given, const char *keyword,
                       const char *value)
{
    if (option_value(given, keyword) == NULL)
        params_set(p, keyword, value);
}

static void params_fill(struct params *p, const PQconninfoOption *given, const PQconninfoOption *defaults,
                        const char *replication)
{
    *p = (struct params){.count = 0};
    for (const PQconninfoOption *o = given; o->keyword != NULL; o++)
        if (o->val != NULL)
            params_set(p, o->keyword, o->val);
    /* A service may name the database; libpq looks that up itself. */
    if (option_value(given, "service") == NULL)
        params_default(p, given, defaults, "dbname", "postgres");
    params_own(p, given, "fallback_application_name", "pitr");
    params_default(p, given, defaults, "connect_timeout", "30");
    params_own(p, given, "keepalives_idle", "30");
    params_own(p, given, "keepalives_interval", "10");
    params_own(p, given, "keepalives_count", "3");
    params_own(p, given, "tcp_user_timeout", "60000");
    /* Paths are bytes: no conversion on the way. */
    params_set(p, "client_encoding", "SQL_ASCII");
    if (replication != NULL)
        params_set(p, "replication", replication);
}

/* The server's clock does not end our waiting: a role's limits on statements and idle sessions are lifted. */
static enum err_code settle_session(struct replproto *c, struct err *e)
{
    static const char sql[] =
        "SELECT pg_catalog.set_config(name, CASE name WHEN 'search_path' THEN '' ELSE '0' END, false)"
        " FROM pg_catalog.pg_settings WHERE name IN ('search_path', 'statement_timeout', 'lock_timeout',"
        " 'idle_session_timeout', 'transaction_timeout')";
    PGresult *result;

    if (replproto_query(c, sql, 1, &result, e) != ERR_OK)
        return err_while(e, "preparing the session");
    PQclear(result);
    return ERR_OK;
}

static enum err_code connect_once(const struct params *p, struct replproto *c, struct err *e)
{
    char text[ERR_TEXT_MAX];

    c->pg = PQconnectdbParams(p->keywords, p->values, 0);
    if (c->pg == NULL)
        return err_nomem(e, "a connection");
    (void) PQsetNoticeReceiver(c->pg, receive_notice, c);
    if (PQstatus(c->pg) == CONNECTION_OK)
        return ERR_OK;
    tidy(PQerrorMessage(c->pg), text, sizeof(text));
    PQfinish(c->pg);
    c->pg = NULL;
    return err_set(e, ERR_UNREACHABLE, "could not connect to the server: %s", text);
}

/* Refusals that heal by themselves. */
static bool is_server_full(const char *text)
{
    static const char *const signs[] = {"too many clients", "too many connections",
                                        "remaining connection slots", "exceeds max_wal_senders",
                                        "exceeds \"max_wal_senders\""};

    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
        if (strstr(text, signs[i]) != NULL)
            return true;
    return false;
}

/* A second way in, or what the refusal of the first means. e is set, by the first. */
static enum err_code connect_physical(struct params *p, const PQconninfoOption *given,
                                      const PQconninfoOption *defaults, struct replproto *c, struct err *e)
{
    struct err second = ERR_NONE;
    PGPing ping;

    params_fill(p, given, defaults, NULL);
    ping = PQpingParams(p->keywords, p->values, 0);
    if (ping == PQPING_NO_ATTEMPT)
        e->code = ERR_USAGE;
    if (ping != PQPING_OK || is_server_full(e->text))
        return e->code;
    params_fill(p, given, defaults, "true");
    if (connect_once(p, c, &second) == ERR_OK) {
        *e = ERR_NONE;
        return ERR_OK;
    }
    e->code = ERR_DENIED;
    return err_hint(
        e, "The role needs the REPLICATION attribute and a line in pg_hba.conf, for the database (better) "
           "or for \"replication\".");
}

static enum err_code connect_somehow(const PQconninfoOption *given, const PQconninfoOption *defaults,
                                     struct replproto *c, struct err *e)
{
    struct params p;
    struct err why = ERR_NONE;

    params_fill(&p, given, defaults, "database");
    c->has_sql = connect_once(&p, c, &why) == ERR_OK;
    if (!c->has_sql &&
        (why.sys_errno == ENOMEM || connect_physical(&p, given, defaults, c, &why) != ERR_OK)) {
        *e = why;
        return e->code;
    }
    if (PQserverVersion(c->pg) < REPLPROTO_MIN_VERSION)
        return err_set(e, ERR_REFUSED, "server version %d is not supported, 13 is the oldest",
                       PQserverVersion(c->pg) / 10000);
    return c->has_sql ? settle_session(c, e) : ERR_OK;
}

/* As an ordinary client. ERR_DENIED when the server answers and does not let us in. */
static enum err_code connect_plain(const PQconninfoOption *given, const PQconninfoOption *defaults,
                                   struct replproto *c, struct err *e)
{
    struct params p;

    params_fill(&p, given, defaults, NULL);
    c->has_sql = connect_once(&p, c, e) == ERR_OK;
    if (c->has_sql)
        return settle_session(c, e);
    if (!is_server_full(e->text) && PQpingParams(p.keywords, p.values, 0) == PQPING_OK)
        e->code = ERR_DENIED;
    return e->code;
}

typedef enum err_code connecting(const PQconninfoOption *given, const PQconninfoOption *defaults,
                                 struct replproto *c, struct err *e);

static enum err_code connect_by(connecting *way, const char *conninfo, struct replproto **out, struct err *e)
{
    char *why = NULL;
    PQconninfoOption *given = PQconninfoParse(conninfo, &why);
    PQconninfoOption *defaults = PQconndefaults();
    struct replproto *c = calloc(1, sizeof(*c));
    enum err_code code;

    PQfreemem(why); /* quotes the string, and with it perhaps a password */
    if (given == NULL)
        code = err_set(e, ERR_USAGE,
                       "the connection string is malformed (it is not shown, as it may hold a password)");
    else if (defaults == NULL || c == NULL)
        code = err_nomem(e, "a connection");
    else
        code = way(given, defaults, c, e);
    PQconninfoFree(given);
    PQconninfoFree(defaults);
    if (code == ERR_OK)
        *out = c;
    else
        replproto_close(c);
    return code;
}

enum err_code replproto_connect(const char *conninfo, struct replproto **out, struct err *e)
{
    return connect_by(connect_somehow, conninfo, out, e);
}

enum err_code replproto_connect_sql(const char *conninfo, struct replproto **out, struct err *e)
{
    return connect_by(connect_plain, conninfo, out, e);
}

void replproto_close(struct replproto *c)
{
    if (c == NULL)
        return;
    PQfinish(c->pg);
    free(c);
}

void replproto_closep(struct replproto **c)
{
    replproto_close(*c);
    *c = NULL;
}

PGconn *replproto_pgconn(struct replproto *c)
{
    return c->pg;
}

bool replproto_has_sql(const struct replproto *c)
{
    return c->has_sql;
}

/* ---- commands ---- */

enum err_code replproto_query(struct replproto *c, const char *command, int fields, PGresult **out,
                              struct err *e)
{
    PGresult *result = PQexec(c->pg, command);
    ExecStatusType status = PQresultStatus(result);

    if (status != (fields > 0 ? PGRES_TUPLES_OK : PGRES_COMMAND_OK)) {
        if (status == PGRES_FATAL_ERROR || result == NULL)
            replproto_error(c, result, "run a command", e);
        else
            err_set(e, ERR_CORRUPT, "server answered a command with %s", PQresStatus(status));
        PQclear(result);
        return e->code;
    }
    if (PQnfields(result) < fields) {
        err_set(e, ERR_CORRUPT, "server answered with %d columns instead of %d", PQnfields(result), fields);
        PQclear(result);
        return e->code;
    }
    *out = result;
    return ERR_OK;
}

static enum err_code query_value(struct replproto *c, const char *command, char *out, size_t size,
                                 struct err *e)
{
    PGresult *result;
    enum err_code code = ERR_OK;

    if (replproto_query(c, command, 1, &result, e) != ERR_OK)
        return err_while(e, "asking for \"%s\"", command);
    if (PQntuples(result) != 1 || (size_t) PQgetlength(result, 0, 0) >= size)
        code = err_set(e, ERR_CORRUPT, "server gave no usable answer to \"%s\"", command);
    else
        memcpy(out, PQgetvalue(result, 0, 0), (size_t) PQgetlength(result, 0, 0) + 1);
    PQclear(result);
    return code;
}

static enum err_code bad_value(const char *what, const char *text, struct err *e)
{
    return err_set(e, ERR_CORRUPT, "server reports %s \"%s\", which is not understood", what, text);
}

/* "16MB", "1GB", and "1048576B" to be sure. */
static enum err_code parse_bytes(const char *text, uint32_t *out, struct err *e)
{
    static const struct {
        const char *unit;
        unsigned shift;
    } units[] = {{"B", 0}, {"kB", 10}, {"MB", 20}, {"GB", 30}};
    char *end;
    unsigned long long number = strtoull(text, &end, 10);

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (end > text && text[0] != '-' && strcmp(end, units[i].unit) == 0 && number > 0 &&
            number <= UINT32_MAX >> units[i].shift) {
            *out = (uint32_t) number << units[i].shift;
            return ERR_OK;
        }
    return bad_value("wal_segment_size", text, e);
}

static enum err_code identify_system(struct replproto *c, struct replproto_server *s, struct err *e)
{
    PGresult *r;
    enum err_code code = ERR_OK;
    char *end;

    if (replproto_query(c, "IDENTIFY_SYSTEM", 3, &r, e) != ERR_OK)
        return err_while(e, "asking for the system's identity");
    if (PQntuples(r) != 1) {
        PQclear(r);
        return err_set(e, ERR_CORRUPT, "server answered IDENTIFY_SYSTEM with other than one row");
    }
    s->system_identifier = strtoull(PQgetvalue(r, 0, 0), &end, 10);
    if (s->system_identifier == 0 || *end != '\0')
        code = bad_value("system identifier", PQgetvalue(r, 0, 0), e);
    s->tli = (uint32_t) strtoul(PQgetvalue(r, 0, 1), &end, 10);
    if (code == ERR_OK && (s->tli == 0 || *end != '\0'))
        code = bad_value("timeline", PQgetvalue(r, 0, 1), e);
    if (code == ERR_OK)
        code = lsn_parse(PQgetvalue(r, 0, 2), &s->flush, e);
    PQclear(r);
    return code;
}

static enum err_code show_segment_bytes(struct replproto *c, struct replproto_server *s, struct err *e)
{
    char text[64];

    if (query_value(c, "SHOW wal_segment_size", text, sizeof(text), e) != ERR_OK)
        return e->code;
    return parse_bytes(text, &s->segment_bytes, e);
}

static enum err_code show_directory_mode(struct replproto *c, struct replproto_server *s, struct err *e)
{
    char text[64], *end;
    unsigned long mode;

    if (query_value(c, "SHOW data_directory_mode", text, sizeof(text), e) != ERR_OK)
        return e->code;
    mode = strtoul(text, &end, 8);
    if (end == text || *end != '\0' || mode > 0777)
        return bad_value("data_directory_mode", text, e);
    s->directory_mode = (mode_t) mode;
    return ERR_OK;
}

static enum err_code show_flag(struct replproto *c, const char *command, bool *out, struct err *e)
{
    char text[64];

    if (query_value(c, command, text, sizeof(text), e) != ERR_OK)
        return e->code;
    if (strcmp(text, "on") != 0 && strcmp(text, "off") != 0 && strcmp(text, "t") != 0 &&
        strcmp(text, "f") != 0)
        return bad_value(command, text, e);
    *out = strcmp(text, "on") == 0 || strcmp(text, "t") == 0;
    return ERR_OK;
}

static enum err_code find_standby(struct replproto *c, struct replproto_server *s, struct err *e)
{
    s->knows_standby = c->has_sql || s->major >= 14; /* SHOW in_hot_standby is new in 14 */
    if (!s->knows_standby)
        return ERR_OK;
    return show_flag(c, c->has_sql ? "SELECT pg_catalog.pg_is_in_recovery()" : "SHOW in_hot_standby",
                     &s->is_standby, e);
}

enum err_code replproto_identify(struct replproto *c, struct replproto_server *out, struct err *e)
{
    struct replproto_server s = {.version = PQserverVersion(c->pg), .has_sql = c->has_sql};

    s.major = (unsigned) s.version / 10000;
    if (identify_system(c, &s, e) != ERR_OK || show_segment_bytes(c, &s, e) != ERR_OK ||
        show_directory_mode(c, &s, e) != ERR_OK ||
        show_flag(c, "SHOW data_checksums", &s.has_checksums, e) != ERR_OK ||
        find_standby(c, &s, e) != ERR_OK)
        return e->code;
    *out = s;
    return ERR_OK;
}

enum err_code replproto_clock(struct replproto *c, int64_t *us, struct err *e)
{
    static const char sql[] =
        "SELECT (EXTRACT(epoch FROM pg_catalog.clock_timestamp()) * 1000000)::pg_catalog.int8";
    char text[64], *end;
    long long value;

    if (!c->has_sql)
        return err_set(e, ERR_REFUSED, "the connection takes no SQL, so the server's clock can't be asked");
    if (query_value(c, sql, text, sizeof(text), e) != ERR_OK)
        return e->code;
    value = strtoll(text, &end, 10);
    if (end == text || *end != '\0')
        return bad_value("its clock as", text, e);
    *us = value;
    return ERR_OK;
}

enum err_code replproto_timeline_history(struct replproto *c, uint32_t tli, struct buf *out, struct err *e)
{
    char command[64];
    PGresult *r;
    enum err_code code;

    (void) snprintf(command, sizeof(command), "TIMELINE_HISTORY %" PRIu32, tli);
    if (replproto_query(c, command, 2, &r, e) != ERR_OK)
        return err_while(e, "asking for the history of timeline %" PRIu32, tli);
    if (PQntuples(r) != 1)
        code = err_set(e, ERR_CORRUPT, "server answered TIMELINE_HISTORY with other than one row");
    else
        code = buf_append(out, PQgetvalue(r, 0, 1), (size_t) PQgetlength(r, 0, 1), e);
    PQclear(r);
    return code;
}
