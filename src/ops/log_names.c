/*
 * ops/log_names.c - see ops/log_names.h.
 *
 * Two catalogs are kept: of the backup before the moment, and of the one behind it, which is read only when the first
 * does not know. As the moment moves on, the second becomes the first.
 */
#include "ops/log_names.h"

#include "base/log.h"
#include "ops/plan.h"
#include "repo/catalog_names.h"

#include <stdlib.h>
#include <string.h>

struct slot {
    char id[BACKUP_ID_MAX]; /* "" = there is no such backup */
    bool is_read;
    struct catalog_names *catalog; /* NULL = it has none, or that can't be read */
};

struct log_names {
    struct log_source *source;
    lsn from; /* before and behind hold for positions in [from, to) */
    lsn to;
    struct slot before;
    struct slot behind;
    struct log_named named;
};

enum err_code log_names_new(struct log_source *s, struct log_names **out, struct err *e)
{
    struct log_names *n = calloc(1, sizeof(*n));

    if (n == NULL)
        return err_nomem(e, "names");
    n->source = s;
    *out = n;
    return ERR_OK;
}

static void slot_clear(struct slot *s)
{
    catalog_names_free(s->catalog);
    *s = (struct slot){.is_read = false};
}

void log_names_free(struct log_names *n)
{
    if (n == NULL)
        return;
    slot_clear(&n->before);
    slot_clear(&n->behind);
    free(n);
}

void log_names_freep(struct log_names **n)
{
    log_names_free(*n);
    *n = NULL;
}

/* ---- the backups around the moment ---- */

static void take_id(struct slot *s, const char *id)
{
    if (strcmp(s->id, id) == 0)
        return;
    slot_clear(s);
    (void) snprintf(s->id, sizeof(s->id), "%s", id);
}

/* Among those fetched: the last on the path that ended at or before the moment, and the first behind it. */
static void choose(const struct log_names *n, lsn position, const struct backup_info **before,
                   const struct backup_info **behind)
{
    const struct backup_list *backups = &n->source->backups;

    *before = *behind = NULL;
    for (size_t i = 0; i < backups->count; i++) {
        const struct backup_info *b = &backups->list[i];

        if (!plan_is_on_path(&n->source->path, b))
            continue;
        if (b->stop_lsn <= position && (*before == NULL || b->stop_lsn > (*before)->stop_lsn))
            *before = b;
        if (b->stop_lsn > position && (*behind == NULL || b->stop_lsn < (*behind)->stop_lsn))
            *behind = b;
    }
}

/*
 * Summaries are fetched from the newest backwards until one ended before the moment; one that can't be had is passed
 * by.
 */
static void fetch_until_before(struct log_names *n, lsn position)
{
    struct backup_list *backups = &n->source->backups;
    const struct backup_info *before = NULL, *behind;

    for (size_t i = backups->id_count; i > 0 && before == NULL; i--) {
        struct err why = ERR_NONE;

        if (backup_list_fetch(n->source->repo, &n->source->layout, i - 1, backups, &why) != ERR_OK)
            log_warning("%s, looking for names elsewhere", why.text);
        choose(n, position, &before, &behind);
    }
}

static void settle(struct log_names *n, lsn position)
{
    const struct backup_info *before, *behind;

    if (n->from <= position && position < n->to)
        return;
    fetch_until_before(n, position);
    choose(n, position, &before, &behind);
    if (before != NULL && strcmp(before->id, n->behind.id) == 0) {
        slot_clear(&n->before);
        n->before = n->behind;
        n->behind = (struct slot){.is_read = false};
    }
    take_id(&n->before, before == NULL ? "" : before->id);
    take_id(&n->behind, behind == NULL ? "" : behind->id);
    n->from = before == NULL ? 0 : before->stop_lsn;
    n->to = behind == NULL ? UINT64_MAX : behind->stop_lsn;
}

/* The slot's catalog, read when it is first asked for. */
static const struct catalog_names *catalog_of(struct log_names *n, struct slot *s)
{
    struct err why = ERR_NONE;

    if (s->is_read || s->id[0] == '\0')
        return s->catalog;
    s->is_read = true;
    if (catalog_names_read(n->source->repo, &n->source->layout, s->id, &s->catalog, &why) != ERR_OK &&
        why.code != ERR_ABSENT)
        log_warning("the catalog of backup %s can't be read, so names are missing: %s", s->id, why.text);
    return s->catalog;
}

/* ---- names as SQL writes them ---- */

static bool is_plain(const char *name)
{
    const char *first = "abcdefghijklmnopqrstuvwxyz_", *others = "abcdefghijklmnopqrstuvwxyz_0123456789$";

    return name[0] != '\0' && strchr(first, name[0]) != NULL && name[strspn(name, others)] == '\0';
}

static void put(char *out, char c)
{
    size_t len = strlen(out);

    if (len + 1 == LOG_NAME_MAX)
        return;
    out[len] = c;
    out[len + 1] = '\0';
}

/* One more part of a name; control characters, which could forge a line, become "?". */
static void append(char *out, const char *name)
{
    bool quoted = !is_plain(name);

    if (out[0] != '\0')
        put(out, '.');
    if (quoted)
        put(out, '"');
    for (const char *c = name; *c != '\0'; c++) {
        if (*c == '"')
            put(out, '"');
        put(out, (unsigned char) *c < 0x20 || *c == 0x7f ? '?' : *c);
    }
    if (quoted)
        put(out, '"');
}

static bool database_in(const struct catalog_names *c, uint32_t oid, char *out)
{
    struct catalog_database d;

    if (c == NULL || !catalog_names_database(c, oid, &d, NULL))
        return false;
    out[0] = '\0';
    if (d.name[0] != '\0')
        append(out, d.name);
    return true;
}

/* ---- looking up ---- */

static bool relation_in(const struct catalog_names *c, struct log_relation *r)
{
    struct catalog_relation found;

    if (c == NULL ||
        !catalog_names_relation(c, r->file.tablespace, r->file.database, r->file.relfilenode, &found) ||
        !database_in(c, r->file.database, r->name))
        return false;
    r->kind = found.kind;
    if (found.table != NULL) {
        memcpy(r->table, r->name, sizeof(r->table));
        append(r->table, found.table_schema);
        append(r->table, found.table);
    }
    append(r->name, found.schema);
    append(r->name, found.name);
    return true;
}

static void look_up_relation(struct log_names *n, const struct walevent_relation *file,
                             struct log_relation *r)
{
    r->file = *file;
    r->kind = 0;
    r->is_implied = false;
    r->name[0] = r->table[0] = '\0';
    if (!relation_in(catalog_of(n, &n->before), r))
        (void) relation_in(catalog_of(n, &n->behind), r);
}

static bool is_listed(const struct log_named *named, const char *table)
{
    for (uint32_t i = 0; i < named->relation_count; i++)
        if (strcmp(named->relations[i].name, table) == 0)
            return true;
    return false;
}

static void look_up_relations(struct log_names *n, const struct walevent *v)
{
    struct log_named *named = &n->named;

    named->relation_count = walevent_kept(v->relation_count);
    for (uint32_t i = 0; i < named->relation_count; i++)
        look_up_relation(n, &v->relations[i], &named->relations[i]);
    for (uint32_t i = 0; i < named->relation_count; i++)
        named->relations[i].is_implied =
            named->relations[i].table[0] != '\0' && is_listed(named, named->relations[i].table);
}

const struct log_named *log_names_look_up(struct log_names *n, const struct walevent *v)
{
    struct log_named *named = &n->named;

    named->database[0] = '\0';
    named->relation_count = 0;
    if (v->database == 0 && v->relation_count == 0)
        return named;
    settle(n, v->start);
    if (v->database != 0 && !database_in(catalog_of(n, &n->before), v->database, named->database))
        (void) database_in(catalog_of(n, &n->behind), v->database, named->database);
    look_up_relations(n, v);
    named->backup = catalog_of(n, &n->before) == NULL ? NULL : n->before.id;
    return named;
}
