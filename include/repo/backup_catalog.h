/*
 * repo/backup_catalog.h - the catalog of a backup: which relation a relfilenode was, in which database.
 *
 * WAL names relations by numbers only. Text of the form of repo/record_text.h, stored as a sealed object of kind
 * "catalog".
 *   pitr-catalog 1 <backup ID>
 *   D  oid  tablespace  name                database; what follows, up to the next D or E, is of it
 *   R  relfilenode  tablespace  kind  schema  name
 *   P  relfilenode  tablespace  kind  schema  name  table schema  table    part of a table: an index, a TOAST table
 *                                           or its index; the table is the one a user knows
 *   U  reason                               this database was not read, or not to its end
 *   E  databases  unread  relations         end; a text without it is cut
 * Databases ascend by OID; number 0, whose name is empty, has the relations that all databases share, and is not
 * counted in E. Relations ascend by relfilenode, then tablespace, within their database. kind is pg_class.relkind. A
 * tablespace is always named by its OID, never 0 for "the database's own".
 * Names are bytes: UTF-8 wherever the server could convert, else as it has them (databases' always).
 */
#pragma once
#include "base/err.h"
#include "stream/sink.h"
#include <stdbool.h>
#include <stdint.h>

#define CATALOG_SHARED 0 /* "database" of the relations that all share */

struct catalog_database {
    uint32_t oid;
    uint32_t tablespace;
    const char *name; /* "" for CATALOG_SHARED only */
};

struct catalog_relation {
    uint32_t relfilenode;
    uint32_t tablespace;
    char kind; /* r, i, S, t, m */
    const char *schema, *name;
    const char *table_schema, *table; /* NULL unless part of a table */
};

/* ---- writing ---- */

/* What was written so far, and to where. The caller sees to the order; what is out of it will not be read. */
struct catalog_writer {
    struct sink *to; /* borrowed */
    uint64_t databases, unread, relations;
};

enum err_code catalog_write_begin(struct catalog_writer *w, struct sink *to, const char *backup_id,
                                  struct err *e);
enum err_code catalog_write_database(struct catalog_writer *w, const struct catalog_database *d,
                                     struct err *e);
enum err_code catalog_write_relation(struct catalog_writer *w, const struct catalog_relation *r,
                                     struct err *e);
enum err_code catalog_write_unread(struct catalog_writer *w, const char *reason, struct err *e);
enum err_code catalog_write_end(struct catalog_writer *w, struct err *e);

/* What both sides ask for: a relation that may be written, and that is read. Behind: NULL, or the one before it. */
bool catalog_relation_is_valid(const struct catalog_relation *r, const struct catalog_relation *behind);

/* ---- reading ---- */

/* Strings are decoded, NUL-terminated and borrowed for the call. A failure ends the reading. */
struct catalog_visitor {
    enum err_code (*database)(void *arg, const struct catalog_database *d, struct err *e);
    enum err_code (*relation)(void *arg, const struct catalog_relation *r, struct err *e);
    enum err_code (*unread)(void *arg, const char *reason, struct err *e); /* the last database */
    void *arg;
};

/* A sink that reads such a text and shows its records (v is borrowed). backup_id: what it must be of, NULL = any. */
enum err_code catalog_read_sink_new(const char *backup_id, const struct catalog_visitor *v, struct sink **out,
                                    struct err *e);
