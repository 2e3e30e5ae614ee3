/*
 * ops/backup_catalog.c - see ops/backup_catalog.h.
 *
 * The server sorts, so that rows go straight into the text. A relation whose row can't be believed ends its database as
 * an error of the server would: what is stored must be readable.
 */
#include "ops/backup_catalog.h"

#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLOSED "it does not allow connections"

/*
 * Names come as UTF-8 where the server can convert. It, or a lock on its catalogs, does not hold the backup up for
 * long.
 */
#define SESSION                                                                                              \
    "SELECT pg_catalog.set_config(name, value, false) FROM (VALUES ('client_encoding', 'UTF8'),"             \
    " ('default_transaction_read_only', 'on'), ('statement_timeout', '60s'), ('lock_timeout', '10s')) AS s " \
    "(name, value)"

#define DATABASES                                                                            \
    "SELECT oid, dattablespace, datname, datallowconn FROM pg_catalog.pg_database ORDER BY " \
    "oid::pg_catalog.int8"

/*
 * Relations with a file, by relfilenode: mapped ones (0 in pg_class) by the function. A relation in the database's own
 * tablespace has 0 there. The table of an index is its own, unless that is a TOAST table: then it is the one above.
 */
#define RELATIONS(is_shared, own_tablespace)                                                    \
    "SELECT f.node, COALESCE(NULLIF(c.reltablespace, 0), " own_tablespace                       \
    "), c.relkind, n.nspname, c.relname,"                                                       \
    " tn.nspname, t.relname"                                                                    \
    " FROM pg_catalog.pg_class c"                                                               \
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"                                 \
    " CROSS JOIN LATERAL (SELECT CASE WHEN c.relfilenode <> 0 THEN c.relfilenode"               \
    " ELSE pg_catalog.pg_relation_filenode(c.oid) END) AS f (node)"                             \
    " LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid"                                  \
    " LEFT JOIN pg_catalog.pg_class o ON o.reltoastrelid = COALESCE(i.indrelid, c.oid)"         \
    " LEFT JOIN pg_catalog.pg_class t ON t.oid = COALESCE(o.oid, i.indrelid)"                   \
    " LEFT JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace"                          \
    " WHERE c.relkind IN ('r', 'i', 'S', 't', 'm') AND c.relpersistence <> 't' AND f.node <> 0" \
    " AND " is_shared " c.relisshared"                                                          \
    " ORDER BY f.node::pg_catalog.int8, 2"

static const char shared_relations[] = RELATIONS("", "1664"); /* pg_global */
static const char own_relations[] = RELATIONS(
    "NOT",
    "(SELECT dattablespace FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())");

/* ---- what rows say ---- */

/* An OID as the server prints it; 0 for anything else. */
static uint32_t oid_at(const PGresult *row, int at, int field)
{
    const char *text = libpq.getvalue(row, at, field);
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    return *end == '\0' && value <= UINT32_MAX ? (uint32_t) value : 0;
}

static const char *text_at(const PGresult *row, int field)
{
    return libpq.getisnull(row, 0, field) ? NULL : libpq.getvalue(row, 0, field);
}

/* The relations of one database, on their way into the text. */
struct reading {
    struct catalog_writer *writer;
    struct catalog_relation last; /* its numbers */
    bool is_full;                 /* it is the text that can't be written */
};

static enum err_code take_relation(void *arg, const PGresult *row, struct err *e)
{
    struct reading *reading = arg;
    struct catalog_relation r = {.relfilenode = oid_at(row, 0, 0),
                                 .tablespace = oid_at(row, 0, 1),
                                 .kind = libpq.getvalue(row, 0, 2)[0],
                                 .schema = libpq.getvalue(row, 0, 3),
                                 .name = libpq.getvalue(row, 0, 4),
                                 .table_schema = text_at(row, 5),
                                 .table = text_at(row, 6)};

    if ((r.table == NULL) != (r.table_schema == NULL) || !catalog_relation_is_valid(&r, &reading->last))
        return err_set(e, ERR_CORRUPT, "relation \"%s.%s\" has an impossible entry in pg_class", r.schema,
                       r.name);
    if (catalog_write_relation(reading->writer, &r, e) != ERR_OK) {
        reading->is_full = true;
        return e->code;
    }
    reading->last = (struct catalog_relation){.relfilenode = r.relfilenode, .tablespace = r.tablespace};
    return ERR_OK;
}

/* ---- one database after the other ---- */

/* Trouble with SQL, behind what was read of the database: told and noted. hint: told too. */
static enum err_code note_unread(struct backup_catalog *c, const char *database, const struct err *why,
                                 struct err *e)
{
    log_warning("backup catalog: the relations of database \"%s\" will have no names: %s", database,
                why->text);
    if (c->writer.unread == 0)
        log_hint(
            "The role needs CONNECT on each database and a line in pg_hba.conf for it; no rights on tables.");
    return catalog_write_unread(&c->writer, why->text, e);
}

static enum err_code read_relations(struct backup_catalog *c, struct replproto *conn, const char *sql,
                                    const char *database, struct err *e)
{
    struct reading reading = {.writer = &c->writer};
    struct err why = ERR_NONE;

    if (replproto_each_row(conn, sql, 7, take_relation, &reading, &why) == ERR_OK)
        return ERR_OK;
    if (reading.is_full) {
        *e = why;
        return e->code;
    }
    return note_unread(c, database, &why, e);
}

static enum err_code prepare(struct replproto *conn, struct err *e)
{
    PGresult *answer;

    if (replproto_query(conn, SESSION, 1, &answer, e) != ERR_OK)
        return e->code;
    libpq.clear(answer);
    return ERR_OK;
}

static enum err_code read_database(struct backup_catalog *c, const char *conninfo, const char *database,
                                   struct err *e)
{
    CLEANUP(replproto_closep) struct replproto *conn = NULL;
    struct err why = ERR_NONE;

    if (replproto_connect_sql(conninfo, database, &conn, &why) != ERR_OK || prepare(conn, &why) != ERR_OK)
        return note_unread(c, database, &why, e);
    return read_relations(c, conn, own_relations, database, e);
}

static enum err_code read_listed(struct backup_catalog *c, const char *conninfo, const PGresult *list, int at,
                                 struct err *e)
{
    struct catalog_database d = {oid_at(list, at, 0), oid_at(list, at, 1), libpq.getvalue(list, at, 2)};

    if (catalog_write_database(&c->writer, &d, e) != ERR_OK)
        return e->code;
    /* template0: nothing changes in it, nothing to warn of */
    if (strcmp(libpq.getvalue(list, at, 3), "t") != 0)
        return catalog_write_unread(&c->writer, CLOSED, e);
    return read_database(c, conninfo, d.name, e);
}

static enum err_code write_all(struct backup_catalog *c, struct replproto *conn, const char *conninfo,
                               const PGresult *list, struct err *e)
{
    struct catalog_database shared = {CATALOG_SHARED, 1664, ""};

    if (catalog_write_database(&c->writer, &shared, e) != ERR_OK ||
        read_relations(c, conn, shared_relations, "(shared)", e) != ERR_OK)
        return e->code;
    for (int i = 0; i < libpq.ntuples(list); i++)
        if (read_listed(c, conninfo, list, i, e) != ERR_OK)
            return e->code;
    return catalog_write_end(&c->writer, e);
}

enum err_code backup_catalog_take(struct backup_catalog *c, struct replproto *conn, const char *conninfo,
                                  const char *dir, const char *backup_id, struct err *e)
{
    struct err why = ERR_NONE;
    PGresult *list;

    if (!replproto_has_sql(conn)) {
        log_info("backup catalog: the connection takes no SQL, so dropped relations will have no names");
        return ERR_OK;
    }
    if (replproto_query(conn, DATABASES, 4, &list, &why) != ERR_OK) {
        log_warning(
            "backup catalog: the databases can't be listed, so dropped relations will have no names: %s",
            why.text);
        return ERR_OK;
    }
    if (temp_text_open(&c->text, dir, e) == ERR_OK &&
        catalog_write_begin(&c->writer, &c->text.sink, backup_id, e) == ERR_OK)
        c->is_taken = write_all(c, conn, conninfo, list, e) == ERR_OK;
    libpq.clear(list);
    return c->is_taken ? ERR_OK : e->code;
}

enum err_code backup_catalog_store(struct backup_catalog *c, struct repo *r, const struct layout *l,
                                   struct backup_info *info, struct err *e)
{
    char key[STORE_KEY_MAX + 1];

    if (!c->is_taken)
        return ERR_OK;
    layout_backup_catalog(l, info->id, key);
    if (temp_text_store(&c->text, r, key, "catalog", info->id, NULL, e) != ERR_OK)
        return err_while(e, "storing the catalog");
    info->has_catalog = true;
    info->catalog.databases = c->writer.databases;
    info->catalog.unread = c->writer.unread;
    info->catalog.relations = c->writer.relations;
    return ERR_OK;
}

void backup_catalog_close(struct backup_catalog *c)
{
    temp_text_close(&c->text);
    *c = BACKUP_CATALOG_NONE;
}
