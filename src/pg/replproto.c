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
#include "pg/conninfo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
    const char *state = result != NULL ? libpq.resultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    char text[ERR_TEXT_MAX], detail[ERR_TEXT_MAX];
    const char *hint;

    if (state == NULL) { /* libpq's own: the connection broke */
        tidy(libpq.errorMessage(c->pg), text, sizeof(text));
        return err_set(e, ERR_UNREACHABLE, "could not %s: %s", doing,
                       text[0] != '\0' ? text : "connection lost");
    }
    tidy(libpq.resultErrorField(result, PG_DIAG_MESSAGE_PRIMARY), text, sizeof(text));
    tidy(libpq.resultErrorField(result, PG_DIAG_MESSAGE_DETAIL), detail, sizeof(detail));
    hint = libpq.resultErrorField(result, PG_DIAG_MESSAGE_HINT);
    err_set(e, kind_of_state(state), "could not %s: server: %s%s%s", doing, text,
            detail[0] != '\0' ? "; " : "", detail);
    return hint != NULL ? err_hint(e, "%s", hint) : e->code;
}

static void receive_notice(void *arg, const PGresult *result)
{
    const struct replproto *c = arg;
    const char *severity = libpq.resultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    char text[ERR_TEXT_MAX], detail[ERR_TEXT_MAX];

    tidy(libpq.resultErrorField(result, PG_DIAG_MESSAGE_PRIMARY), text, sizeof(text));
    tidy(libpq.resultErrorField(result, PG_DIAG_MESSAGE_DETAIL), detail, sizeof(detail));
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
    libpq.clear(result);
    return ERR_OK;
}

static enum err_code connect_once(const struct conninfo *p, struct replproto *c, struct err *e)
{
    char text[ERR_TEXT_MAX];

    c->pg = libpq.connectdbParams(p->keywords, p->values, 0);
    if (c->pg == NULL)
        return err_nomem(e, "a connection");
    (void) libpq.setNoticeReceiver(c->pg, receive_notice, c);
    if (libpq.status(c->pg) == CONNECTION_OK)
        return ERR_OK;
    tidy(libpq.errorMessage(c->pg), text, sizeof(text));
    libpq.finish(c->pg);
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
static enum err_code connect_physical(struct conninfo *p, const PQconninfoOption *given,
                                      const PQconninfoOption *defaults, struct replproto *c, struct err *e)
{
    struct err second = ERR_NONE;
    PGPing ping;

    conninfo_fill(p, given, defaults, NULL);
    ping = libpq.pingParams(p->keywords, p->values, 0);
    if (ping == PQPING_NO_ATTEMPT)
        e->code = ERR_USAGE;
    if (ping != PQPING_OK || is_server_full(e->text))
        return e->code;
    conninfo_fill(p, given, defaults, "true");
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
                                     const char *database, struct replproto *c, struct err *e)
{
    struct conninfo p;
    struct err why = ERR_NONE;

    (void) database; /* of no matter to a replication client */
    conninfo_fill(&p, given, defaults, "database");
    c->has_sql = connect_once(&p, c, &why) == ERR_OK;
    if (!c->has_sql &&
        (why.sys_errno == ENOMEM || connect_physical(&p, given, defaults, c, &why) != ERR_OK)) {
        *e = why;
        return e->code;
    }
    if (libpq.serverVersion(c->pg) < REPLPROTO_MIN_VERSION)
        return err_set(e, ERR_REFUSED, "server version %d is not supported, 13 is the oldest",
                       libpq.serverVersion(c->pg) / 10000);
    return c->has_sql ? settle_session(c, e) : ERR_OK;
}

/* As an ordinary client. ERR_DENIED when the server answers and does not let us in. */
static enum err_code connect_plain(const PQconninfoOption *given, const PQconninfoOption *defaults,
                                   const char *database, struct replproto *c, struct err *e)
{
    struct conninfo p;

    conninfo_fill(&p, given, defaults, NULL);
    if (database != NULL)
        conninfo_set_database(&p, database);
    c->has_sql = connect_once(&p, c, e) == ERR_OK;
    if (c->has_sql)
        return settle_session(c, e);
    if (!is_server_full(e->text) && libpq.pingParams(p.keywords, p.values, 0) == PQPING_OK)
        e->code = ERR_DENIED;
    return e->code;
}

typedef enum err_code connecting(const PQconninfoOption *given, const PQconninfoOption *defaults,
                                 const char *database, struct replproto *c, struct err *e);

static enum err_code connect_by(connecting *way, const char *conninfo, const char *database,
                                struct replproto **out, struct err *e)
{
    char *why = NULL;
    PQconninfoOption *given, *defaults;
    struct replproto *c;
    enum err_code code;

    if (libpq_load(e) != ERR_OK)
        return e->code;
    given = libpq.conninfoParse(conninfo, &why);
    defaults = libpq.conndefaults();
    c = calloc(1, sizeof(*c));
    libpq.freemem(why); /* quotes the string, and with it perhaps a password */
    if (given == NULL)
        code = err_set(e, ERR_USAGE,
                       "the connection string is malformed (it is not shown, as it may hold a password)");
    else if (defaults == NULL || c == NULL)
        code = err_nomem(e, "a connection");
    else
        code = way(given, defaults, database, c, e);
    libpq.conninfoFree(given);
    libpq.conninfoFree(defaults);
    if (code == ERR_OK)
        *out = c;
    else
        replproto_close(c);
    return code;
}

enum err_code replproto_connect(const char *conninfo, struct replproto **out, struct err *e)
{
    return connect_by(connect_somehow, conninfo, NULL, out, e);
}

enum err_code replproto_connect_sql(const char *conninfo, const char *database, struct replproto **out,
                                    struct err *e)
{
    return connect_by(connect_plain, conninfo, database, out, e);
}

void replproto_close(struct replproto *c)
{
    if (c == NULL)
        return;
    libpq.finish(c->pg);
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

/* Does an answer have the rows that were asked for? status: what it has when it does. */
static enum err_code check_answer(struct replproto *c, const PGresult *result, ExecStatusType wanted,
                                  int fields, struct err *e)
{
    ExecStatusType status = libpq.resultStatus(result);

    if (status == PGRES_FATAL_ERROR) /* also of no result at all */
        return replproto_error(c, result, "run a command", e);
    if (status != wanted)
        return err_set(e, ERR_CORRUPT, "server answered a command with %s", libpq.resStatus(status));
    if (libpq.nfields(result) < fields)
        return err_set(e, ERR_CORRUPT, "server answered with %d columns instead of %d", libpq.nfields(result),
                       fields);
    return ERR_OK;
}

enum err_code replproto_query(struct replproto *c, const char *command, int fields, PGresult **out,
                              struct err *e)
{
    PGresult *result = libpq.exec(c->pg, command);

    if (check_answer(c, result, PGRES_TUPLES_OK, fields, e) != ERR_OK) {
        libpq.clear(result);
        return e->code;
    }
    *out = result;
    return ERR_OK;
}

/* Rows come one by one, and behind the last an answer without any; a failure comes in a row's place. */
enum err_code replproto_each_row(struct replproto *c, const char *command, int fields, replproto_row *row,
                                 void *arg, struct err *e)
{
    enum err_code code = ERR_OK;
    PGresult *result;

    if (libpq.sendQuery(c->pg, command) != 1 || libpq.setSingleRowMode(c->pg) != 1)
        return replproto_error(c, NULL, "run a command", e);
    while ((result = libpq.getResult(c->pg)) != NULL) {
        bool is_row = libpq.resultStatus(result) == PGRES_SINGLE_TUPLE;

        if (code == ERR_OK)
            code = check_answer(c, result, is_row ? PGRES_SINGLE_TUPLE : PGRES_TUPLES_OK, fields, e);
        if (code == ERR_OK && is_row)
            code = row(arg, result, e);
        libpq.clear(result);
    }
    return code;
}
