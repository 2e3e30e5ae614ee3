/*
 * repo/catalog_names.c - see repo/catalog_names.h.
 *
 * All strings lie one behind the other in one buffer, each with its NUL; entries say where theirs begin. A relation's
 * are schema and name, and for a part of a table that table's schema and name.
 */
#include "repo/catalog_names.h"

#include "base/buf.h"
#include "repo/object.h"

#include <stdlib.h>
#include <string.h>

#define NAMES_MAX ((size_t) 4 << 30)

struct database {
    uint32_t oid;
    uint32_t tablespace;
    size_t name;
    size_t unread; /* 0: it was read: no reason begins there, as the first name does */
    size_t first;  /* of its relations; they end where those of the next database begin */
};

struct relation {
    uint32_t relfilenode;
    uint32_t tablespace;
    size_t names;
    char kind;
    bool is_part;
};

struct catalog_names {
    struct database *databases; /* ascending by OID */
    size_t database_count, database_room;
    struct relation *relations;
    size_t relation_count, relation_room;
    struct buf names;
};

/* The list with room for one more entry, or NULL; list is then as it was. */
static void *with_room(void *list, size_t count, size_t *room, size_t size)
{
    size_t wanted = *room > 0 ? *room * 2 : 64;
    void *grown;

    if (count < *room)
        return list;
    grown = reallocarray(list, wanted, size);
    if (grown != NULL)
        *room = wanted;
    return grown;
}

static enum err_code keep(struct catalog_names *c, const char *text, struct err *e)
{
    return buf_append(&c->names, text, strlen(text) + 1, e);
}

static enum err_code add_database(void *arg, const struct catalog_database *d, struct err *e)
{
    struct catalog_names *c = arg;
    struct database *list =
        with_room(c->databases, c->database_count, &c->database_room, sizeof(*c->databases));
    size_t name = c->names.len;

    if (list == NULL)
        return err_nomem(e, "the names of databases");
    c->databases = list;
    if (keep(c, d->name, e) != ERR_OK)
        return e->code;
    list[c->database_count++] = (struct database){
        .oid = d->oid, .tablespace = d->tablespace, .name = name, .first = c->relation_count};
    return ERR_OK;
}

static enum err_code add_relation(void *arg, const struct catalog_relation *r, struct err *e)
{
    struct catalog_names *c = arg;
    struct relation *list =
        with_room(c->relations, c->relation_count, &c->relation_room, sizeof(*c->relations));
    size_t names = c->names.len;
    bool is_part = r->table != NULL;

    if (list == NULL)
        return err_nomem(e, "the names of relations");
    c->relations = list;
    if (keep(c, r->schema, e) != ERR_OK || keep(c, r->name, e) != ERR_OK ||
        (is_part && (keep(c, r->table_schema, e) != ERR_OK || keep(c, r->table, e) != ERR_OK)))
        return e->code;
    list[c->relation_count++] = (struct relation){r->relfilenode, r->tablespace, names, r->kind, is_part};
    return ERR_OK;
}

static enum err_code note_unread(void *arg, const char *reason, struct err *e)
{
    struct catalog_names *c = arg;

    c->databases[c->database_count - 1].unread = c->names.len;
    return keep(c, reason, e);
}

enum err_code catalog_names_read(struct repo *r, const struct layout *l, const char *backup_id,
                                 struct catalog_names **out, struct err *e)
{
    CLEANUP(catalog_names_freep) struct catalog_names *c = calloc(1, sizeof(*c));
    struct catalog_visitor v = {add_database, add_relation, note_unread, c};
    struct sink *reader;
    char key[STORE_KEY_MAX + 1];

    if (c == NULL)
        return err_nomem(e, "the names of relations");
    buf_init(&c->names, NAMES_MAX);
    layout_backup_catalog(l, backup_id, key);
    if (catalog_read_sink_new(backup_id, &v, &reader, e) != ERR_OK ||
        object_get(r, key, "catalog", backup_id, reader, NULL, e) != ERR_OK)
        return e->code;
    *out = c;
    c = NULL;
    return ERR_OK;
}

void catalog_names_free(struct catalog_names *c)
{
    if (c == NULL)
        return;
    free(c->databases);
    free(c->relations);
    buf_clear(&c->names);
    free(c);
}

void catalog_names_freep(struct catalog_names **c)
{
    catalog_names_free(*c);
    *c = NULL;
}

static int compare_database(const void *key, const void *element)
{
    uint32_t wanted = *(const uint32_t *) key, oid = ((const struct database *) element)->oid;

    return wanted < oid ? -1 : wanted > oid;
}

static const struct database *find_database(const struct catalog_names *c, uint32_t oid)
{
    return c->database_count == 0
               ? NULL
               : bsearch(&oid, c->databases, c->database_count, sizeof(*c->databases), compare_database);
}

static const char *name_at(const struct catalog_names *c, size_t at)
{
    return (const char *) c->names.data + at;
}

bool catalog_names_database(const struct catalog_names *c, uint32_t oid, struct catalog_database *out,
                            const char **unread)
{
    const struct database *d = find_database(c, oid);

    if (d == NULL)
        return false;
    *out = (struct catalog_database){d->oid, d->tablespace, name_at(c, d->name)};
    if (unread != NULL)
        *unread = d->unread > 0 ? name_at(c, d->unread) : NULL;
    return true;
}

static int compare_relation(const void *key, const void *element)
{
    const struct relation *wanted = key, *r = element;

    if (wanted->relfilenode != r->relfilenode)
        return wanted->relfilenode < r->relfilenode ? -1 : 1;
    return wanted->tablespace < r->tablespace ? -1 : wanted->tablespace > r->tablespace;
}

static const char *behind(const char *text)
{
    return text + strlen(text) + 1;
}

bool catalog_names_relation(const struct catalog_names *c, uint32_t tablespace, uint32_t database,
                            uint32_t relfilenode, struct catalog_relation *out)
{
    const struct database *d = find_database(c, database);
    struct relation wanted = {.relfilenode = relfilenode, .tablespace = tablespace};
    const struct relation *r = NULL;
    size_t end;

    if (d == NULL)
        return false;
    end = d + 1 < c->databases + c->database_count ? d[1].first : c->relation_count;
    if (end > d->first)
        r = bsearch(&wanted, c->relations + d->first, end - d->first, sizeof(*r), compare_relation);
    if (r == NULL)
        return false;
    *out = (struct catalog_relation){.relfilenode = relfilenode, .tablespace = tablespace, .kind = r->kind};
    out->schema = name_at(c, r->names);
    out->name = behind(out->schema);
    if (r->is_part) {
        out->table_schema = behind(out->name);
        out->table = behind(out->table_schema);
    }
    return true;
}
