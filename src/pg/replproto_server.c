/*
 * pg/replproto_server.c - see pg/replproto_server.h.
 *
 * Every answer is text, read strictly: what is not understood is refused rather than taken for a zero.
 */
#include "pg/replproto_server.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum err_code query_value(struct replproto *c, const char *command, char *out, size_t size,
                                 struct err *e)
{
    PGresult *result;
    enum err_code code = ERR_OK;

    if (replproto_query(c, command, 1, &result, e) != ERR_OK)
        return err_while(e, "asking for \"%s\"", command);
    if (libpq.ntuples(result) != 1 || (size_t) libpq.getlength(result, 0, 0) >= size)
        code = err_set(e, ERR_CORRUPT, "server gave no usable answer to \"%s\"", command);
    else
        memcpy(out, libpq.getvalue(result, 0, 0), (size_t) libpq.getlength(result, 0, 0) + 1);
    libpq.clear(result);
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
    if (libpq.ntuples(r) != 1) {
        libpq.clear(r);
        return err_set(e, ERR_CORRUPT, "server answered IDENTIFY_SYSTEM with other than one row");
    }
    s->system_identifier = strtoull(libpq.getvalue(r, 0, 0), &end, 10);
    if (s->system_identifier == 0 || *end != '\0')
        code = bad_value("system identifier", libpq.getvalue(r, 0, 0), e);
    s->tli = (uint32_t) strtoul(libpq.getvalue(r, 0, 1), &end, 10);
    if (code == ERR_OK && (s->tli == 0 || *end != '\0'))
        code = bad_value("timeline", libpq.getvalue(r, 0, 1), e);
    if (code == ERR_OK)
        code = lsn_parse(libpq.getvalue(r, 0, 2), &s->flush, e);
    libpq.clear(r);
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
    s->knows_standby = replproto_has_sql(c) || s->major >= 14; /* SHOW in_hot_standby is new in 14 */
    if (!s->knows_standby)
        return ERR_OK;
    return show_flag(c,
                     replproto_has_sql(c) ? "SELECT pg_catalog.pg_is_in_recovery()" : "SHOW in_hot_standby",
                     &s->is_standby, e);
}

enum err_code replproto_identify(struct replproto *c, struct replproto_server *out, struct err *e)
{
    struct replproto_server s = {.version = libpq.serverVersion(replproto_pgconn(c)),
                                 .has_sql = replproto_has_sql(c)};

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

    if (!replproto_has_sql(c))
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
    if (libpq.ntuples(r) != 1)
        code = err_set(e, ERR_CORRUPT, "server answered TIMELINE_HISTORY with other than one row");
    else
        code = buf_append(out, libpq.getvalue(r, 0, 1), (size_t) libpq.getlength(r, 0, 1), e);
    libpq.clear(r);
    return code;
}
