/*
 * repo/backup_catalog.c - see repo/backup_catalog.h for the grammar.
 *
 * State kept between lines: the last database and relation, for the order, and the totals that the last line repeats.
 */
#include "repo/backup_catalog.h"

#include "repo/record_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_LINE "pitr-catalog 1"
#define FRONT_MAX  96

/* ---- writing ---- */

enum err_code catalog_write_begin(struct catalog_writer *w, struct sink *to, const char *backup_id,
                                  struct err *e)
{
    *w = (struct catalog_writer){.to = to};
    return record_write_begin(to, FIRST_LINE, backup_id, e);
}

enum err_code catalog_write_database(struct catalog_writer *w, const struct catalog_database *d,
                                     struct err *e)
{
    char front[FRONT_MAX];

    (void) snprintf(front, sizeof(front), "D\t%" PRIu32 "\t%" PRIu32, d->oid, d->tablespace);
    if (record_write(w->to, front, &d->name, 1, e) != ERR_OK)
        return e->code;
    w->databases += d->oid != CATALOG_SHARED;
    return ERR_OK;
}

enum err_code catalog_write_relation(struct catalog_writer *w, const struct catalog_relation *r,
                                     struct err *e)
{
    const char *const texts[] = {r->schema, r->name, r->table_schema, r->table};
    bool is_part = r->table != NULL;
    char front[FRONT_MAX];

    (void) snprintf(front, sizeof(front), "%c\t%" PRIu32 "\t%" PRIu32 "\t%c", is_part ? 'P' : 'R',
                    r->relfilenode, r->tablespace, r->kind);
    if (record_write(w->to, front, texts, is_part ? 4 : 2, e) != ERR_OK)
        return e->code;
    w->relations++;
    return ERR_OK;
}

enum err_code catalog_write_unread(struct catalog_writer *w, const char *reason, struct err *e)
{
    if (record_write(w->to, "U", &reason, 1, e) != ERR_OK)
        return e->code;
    w->unread++;
    return ERR_OK;
}

enum err_code catalog_write_end(struct catalog_writer *w, struct err *e)
{
    char front[FRONT_MAX];

    (void) snprintf(front, sizeof(front), "E\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64, w->databases, w->unread,
                    w->relations);
    return record_write(w->to, front, NULL, 0, e);
}

/* ---- reading ---- */

struct catalog_read {
    struct record_text text;
    const struct catalog_visitor *visitor;
    bool in_database;
    bool is_unread; /* the database is: nothing more comes of it */
    uint32_t database;
    struct catalog_relation last; /* its numbers only; relfilenode 0: none yet in this database */
    uint64_t databases, unread, relations;
};

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

bool catalog_relation_is_valid(const struct catalog_relation *r, const struct catalog_relation *behind)
{
    if (r->relfilenode == 0 || r->tablespace == 0 || !is_letter(r->kind) || r->schema[0] == '\0' ||
        r->name[0] == '\0' || (r->table != NULL && (r->table_schema[0] == '\0' || r->table[0] == '\0')))
        return false;
    return behind == NULL || r->relfilenode > behind->relfilenode ||
           (r->relfilenode == behind->relfilenode && r->tablespace > behind->tablespace);
}

static enum err_code read_database(struct catalog_read *c, char **f, struct err *e)
{
    struct catalog_database d;

    if (!record_number32(f[1], &d.oid) || !record_number32(f[2], &d.tablespace) || d.tablespace == 0 ||
        !record_decode(f[3]) || (d.oid == CATALOG_SHARED) != (f[3][0] == '\0') ||
        (c->in_database && d.oid <= c->database))
        return record_refuse(&c->text, e);
    d.name = f[3];
    c->in_database = true;
    c->is_unread = false;
    c->database = d.oid;
    c->last.relfilenode = 0;
    c->databases += d.oid != CATALOG_SHARED;
    return c->visitor->database(c->visitor->arg, &d, e);
}

static enum err_code read_relation(struct catalog_read *c, char **f, struct err *e)
{
    bool is_part = f[0][0] == 'P';
    struct catalog_relation r = {.kind = f[3][0],
                                 .schema = f[4],
                                 .name = f[5],
                                 .table_schema = is_part ? f[6] : NULL,
                                 .table = is_part ? f[7] : NULL};

    if (!c->in_database || c->is_unread || !record_number32(f[1], &r.relfilenode) ||
        !record_number32(f[2], &r.tablespace) || strlen(f[3]) != 1 || !record_decode(f[4]) ||
        !record_decode(f[5]) || (is_part && (!record_decode(f[6]) || !record_decode(f[7]))) ||
        !catalog_relation_is_valid(&r, &c->last))
        return record_refuse(&c->text, e);
    c->last = (struct catalog_relation){.relfilenode = r.relfilenode, .tablespace = r.tablespace};
    c->relations++;
    return c->visitor->relation(c->visitor->arg, &r, e);
}

static enum err_code read_unread(struct catalog_read *c, char **f, struct err *e)
{
    if (!c->in_database || c->is_unread || !record_decode(f[1]) || f[1][0] == '\0')
        return record_refuse(&c->text, e);
    c->is_unread = true;
    c->unread++;
    return c->visitor->unread(c->visitor->arg, f[1], e);
}

static enum err_code read_end(struct catalog_read *c, char **f, struct err *e)
{
    uint64_t databases, unread, relations;

    if (!record_number(f[1], 10, UINT64_MAX, &databases) || !record_number(f[2], 10, UINT64_MAX, &unread) ||
        !record_number(f[3], 10, UINT64_MAX, &relations) || databases != c->databases ||
        unread != c->unread || relations != c->relations)
        return record_refuse(&c->text, e);
    c->text.ended = true;
    return ERR_OK;
}

static const struct row {
    char letter;
    int fields; /* with the letter */
    enum err_code (*read)(struct catalog_read *c, char **fields, struct err *e);
} rows[] = {
    {'D', 4, read_database}, {'R', 6, read_relation}, {'P', 8, read_relation},
    {'U', 2, read_unread},   {'E', 4, read_end},
};

static enum err_code take(struct record_text *text, char **fields, int count, struct err *e)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].letter == fields[0][0] && rows[i].fields == count)
            return rows[i].read((struct catalog_read *) text, fields, e);
    return record_refuse(text, e);
}

static const struct record_form form = {"backup catalog", FIRST_LINE, take};

enum err_code catalog_read_sink_new(const char *backup_id, const struct catalog_visitor *v, struct sink **out,
                                    struct err *e)
{
    struct catalog_read *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return err_nomem(e, "a catalog reader");
    record_text_init(&c->text, &form, backup_id);
    c->visitor = v;
    *out = &c->text.base;
    return ERR_OK;
}
