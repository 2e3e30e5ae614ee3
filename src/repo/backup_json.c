/*
 * repo/backup_json.c - see repo/backup_json.h.
 *
 * One table of scalar members serves reading and writing, so that neither can forget one.
 */
#include "repo/backup_json.h"

#include "base/hex.h"
#include "base/timestamp.h"
#include "repo/json_text.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum member_type { M_U32, M_U64, M_INT, M_BOOL, M_LSN, M_TIME, M_LINE, M_SHA256, M_ID, M_TEXT };

struct member {
    const char *name;
    enum member_type type;
    size_t at;
};

#define AT(m) offsetof(struct backup_info, m)
static const struct member members[] = {
    {"id", M_ID, AT(id)},
    {"label", M_TEXT, AT(label)},
    {"timeline", M_U32, AT(timeline)},
    {"start_lsn", M_LSN, AT(start_lsn)},
    {"stop_lsn", M_LSN, AT(stop_lsn)},
    {"start_time", M_TIME, AT(start_us)},
    {"stop_time", M_TIME, AT(stop_us)},
    {"system_identifier", M_LINE, AT(system_identifier)},
    {"postgresql", M_U32, AT(server_version)},
    {"segment_bytes", M_U32, AT(segment_bytes)},
    {"from_standby", M_BOOL, AT(from_standby)},
    {"checksums", M_BOOL, AT(checksums)},
    {"data_bytes", M_U64, AT(data_bytes)},
    {"stored_bytes", M_U64, AT(stored_bytes)},
    {"files", M_U64, AT(files)},
    {"chunks", M_U64, AT(chunks)},
    {"new_chunks", M_U64, AT(new_chunks)},
    {"packs", M_U32, AT(packs)},
    {"index_sha256", M_SHA256, AT(index_sha256)},
    {"origin", M_TEXT, AT(origin)},
};

static const struct member settings[] = {
    {"max_connections", M_INT, AT(settings.max_connections)},
    {"max_worker_processes", M_INT, AT(settings.max_worker_processes)},
    {"max_wal_senders", M_INT, AT(settings.max_wal_senders)},
    {"max_prepared_transactions", M_INT, AT(settings.max_prepared_xacts)},
    {"max_locks_per_transaction", M_INT, AT(settings.max_locks_per_xact)},
};

static const struct member catalog[] = {
    {"databases", M_U64, AT(catalog.databases)},
    {"unread", M_U64, AT(catalog.unread)},
    {"relations", M_U64, AT(catalog.relations)},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static json_t *member_to_json(const void *at, enum member_type type)
{
    char text[2 * SHA256_BYTES + 1];

    switch (type) {
    case M_U32:
        return json_integer(*(const uint32_t *) at);
    case M_U64:
        return json_integer((json_int_t) * (const uint64_t *) at);
    case M_INT:
        return json_integer(*(const int *) at);
    case M_BOOL:
        return json_boolean(*(const bool *) at);
    case M_LSN:
        lsn_format(*(const lsn *) at, text);
        return json_string(text);
    case M_TIME:
        timestamp_format(*(const int64_t *) at, text);
        return json_string(text);
    case M_LINE:
        line_format(*(const uint64_t *) at, text);
        return json_string(text);
    case M_SHA256:
        hex_format(at, SHA256_BYTES, text);
        return json_string(text);
    case M_ID:
        return json_string(at);
    case M_TEXT:
        return json_string(*(char *const *) at ? *(char *const *) at : "");
    }
    return NULL;
}

static int write_members(json_t *to, const struct member *list, size_t count, const struct backup_info *b)
{
    for (size_t i = 0; i < count; i++)
        if (json_object_set_new(to, list[i].name,
                                member_to_json((const char *) b + list[i].at, list[i].type)) != 0)
            return -1;
    return 0;
}

/* A member of its own with these inside. */
static int write_group(json_t *to, const char *name, const struct member *list, size_t count,
                       const struct backup_info *b)
{
    json_t *inner = json_object();
    int result =
        inner == NULL || write_members(inner, list, count, b) != 0 ? -1 : json_object_set(to, name, inner);

    json_decref(inner);
    return result;
}

/* What the server did not tell is not there. */
static int write_preload(json_t *to, const struct backup_info *b)
{
    return b->preload_libraries == NULL
               ? 0
               : json_object_set_new(to, "shared_preload_libraries", json_string(b->preload_libraries));
}

static json_t *tablespaces_to_json(const struct backup_info *b)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < b->tablespace_count; i++)
        if (json_array_append_new(list,
                                  json_pack("{s:I, s:s, s:I}", "oid", (json_int_t) b->tablespaces[i].oid,
                                            "path", b->tablespaces[i].path, "bytes",
                                            (json_int_t) b->tablespaces[i].bytes)) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *sources_to_json(const struct backup_info *b)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < b->source_count; i++)
        if (json_array_append_new(list, json_pack("{s:s, s:I}", "id", b->sources[i].id, "packs",
                                                  (json_int_t) b->sources[i].packs)) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

enum err_code backup_json_format(const struct backup_info *b, struct buf *out, struct err *e)
{
    json_t *root = json_object();
    char *text = NULL;
    enum err_code code;

    if (root != NULL && json_object_set_new(root, "format", json_integer(LAYOUT_VERSION)) == 0 &&
        write_members(root, members, COUNT(members), b) == 0 &&
        write_group(root, "settings", settings, COUNT(settings), b) == 0 &&
        write_preload(json_object_get(root, "settings"), b) == 0 &&
        (!b->has_catalog || write_group(root, "catalog", catalog, COUNT(catalog), b) == 0) &&
        json_object_set_new(root, "tablespaces", tablespaces_to_json(b)) == 0 &&
        json_object_set_new(root, "sources", sources_to_json(b)) == 0)
        text = json_dumps(root, JSON_INDENT(2));
    json_decref(root);
    if (text == NULL)
        return err_set(e, ERR_IO, "could not format backup.json: out of memory or text that is not UTF-8");
    code = buf_puts(out, text, e);
    free(text);
    return code;
}

/* A number between 0 and max. */
static bool number_from_json(const json_t *v, uint64_t max, uint64_t *out)
{
    if (!json_is_integer(v) || json_integer_value(v) < 0 || (uint64_t) json_integer_value(v) > max)
        return false;
    *out = (uint64_t) json_integer_value(v);
    return true;
}

static bool text_from_json(const char *text, enum member_type type, void *at)
{
    struct err ignored = ERR_NONE; /* the member's name will say it */

    switch (type) {
    case M_LSN:
        return lsn_parse(text, at, &ignored) == ERR_OK;
    case M_TIME:
        return timestamp_parse_stored(text, at, &ignored) == ERR_OK;
    case M_LINE:
        return line_parse(text, at, &ignored) == ERR_OK;
    case M_SHA256:
        return hex_parse(text, at, SHA256_BYTES, &ignored) == ERR_OK;
    default: /* M_ID */
        if (!backup_id_is_valid(text))
            return false;
        memcpy(at, text, BACKUP_ID_MAX);
        return true;
    }
}

/* A value of any type but M_TEXT; false when it is not of its form. */
static bool value_from_json(const json_t *v, enum member_type type, void *at)
{
    uint64_t n;

    switch (type) {
    case M_U32:
        if (!number_from_json(v, UINT32_MAX, &n))
            return false;
        *(uint32_t *) at = (uint32_t) n;
        return true;
    case M_U64:
        return number_from_json(v, INT64_MAX, at);
    case M_INT:
        if (!number_from_json(v, INT32_MAX, &n))
            return false;
        *(int *) at = (int) n;
        return true;
    case M_BOOL:
        *(bool *) at = json_is_true(v);
        return json_is_boolean(v);
    default:
        return json_is_string(v) && text_from_json(json_string_value(v), type, at);
    }
}

static enum err_code read_member(const json_t *from, const char *name, enum member_type type, void *at,
                                 struct err *e)
{
    const json_t *v = json_object_get(from, name);

    if (type == M_TEXT && json_is_string(v)) {
        *(char **) at = strdup(json_string_value(v));
        return *(char **) at != NULL ? ERR_OK : err_nomem(e, "a text of backup.json");
    }
    if (type != M_TEXT && value_from_json(v, type, at))
        return ERR_OK;
    return err_set(e, ERR_CORRUPT, "backup.json: \"%s\" is missing or not of its form", name);
}

static enum err_code read_members(const json_t *from, const struct member *list, size_t count,
                                  struct backup_info *b, struct err *e)
{
    for (size_t i = 0; i < count; i++)
        if (read_member(from, list[i].name, list[i].type, (char *) b + list[i].at, e) != ERR_OK)
            return e->code;
    return ERR_OK;
}

/* The items of a list, into a calloc'ed array with room for all of them. */
static enum err_code list_begin(const json_t *list, const char *name, size_t item, void **out, struct err *e)
{
    if (!json_is_array(list))
        return err_set(e, ERR_CORRUPT, "backup.json: \"%s\" is missing or not a list", name);
    *out = calloc(json_array_size(list) + 1, item);
    return *out != NULL ? ERR_OK : err_nomem(e, "a list of backup.json");
}

static enum err_code read_tablespaces(const json_t *list, struct backup_info *b, struct err *e)
{
    if (list_begin(list, "tablespaces", sizeof(*b->tablespaces), (void **) &b->tablespaces, e) != ERR_OK)
        return e->code;
    for (; b->tablespace_count < json_array_size(list); b->tablespace_count++) {
        struct backup_tablespace *t = &b->tablespaces[b->tablespace_count];
        const json_t *v = json_array_get(list, b->tablespace_count);

        if (read_member(v, "oid", M_U32, &t->oid, e) != ERR_OK ||
            read_member(v, "bytes", M_U64, &t->bytes, e) != ERR_OK ||
            read_member(v, "path", M_TEXT, &t->path, e) !=
                ERR_OK) /* last: what is not counted is not freed */
            return err_while(e, "tablespace %zu", b->tablespace_count + 1);
    }
    return ERR_OK;
}

static enum err_code read_sources(const json_t *list, struct backup_info *b, struct err *e)
{
    if (list_begin(list, "sources", sizeof(*b->sources), (void **) &b->sources, e) != ERR_OK)
        return e->code;
    for (; b->source_count < json_array_size(list); b->source_count++) {
        struct backup_source *s = &b->sources[b->source_count];
        const json_t *v = json_array_get(list, b->source_count);

        if (read_member(v, "id", M_ID, s->id, e) != ERR_OK ||
            read_member(v, "packs", M_U64, &s->packs, e) != ERR_OK)
            return err_while(e, "source %zu", b->source_count + 1);
    }
    return ERR_OK;
}

static enum err_code read_preload(const json_t *v, struct backup_info *b, struct err *e)
{
    if (v == NULL)
        return ERR_OK;
    if (!json_is_string(v))
        return err_set(e, ERR_CORRUPT, "backup.json: shared_preload_libraries is no text");
    b->preload_libraries = strdup(json_string_value(v));
    return b->preload_libraries == NULL ? err_nomem(e, "a string") : ERR_OK;
}

/* Absent in backups of before there were catalogs, and where the server could not be asked. */
static enum err_code read_catalog(const json_t *group, struct backup_info *b, struct err *e)
{
    b->has_catalog = group != NULL;
    return b->has_catalog && read_members(group, catalog, COUNT(catalog), b, e) != ERR_OK
               ? err_while(e, "catalog")
               : ERR_OK;
}

static enum err_code read_root(const json_t *root, struct backup_info *b, struct err *e)
{
    if (read_members(root, members, COUNT(members), b, e) != ERR_OK ||
        read_members(json_object_get(root, "settings"), settings, COUNT(settings), b, e) != ERR_OK ||
        read_preload(json_object_get(json_object_get(root, "settings"), "shared_preload_libraries"), b, e) !=
            ERR_OK ||
        read_catalog(json_object_get(root, "catalog"), b, e) != ERR_OK ||
        read_tablespaces(json_object_get(root, "tablespaces"), b, e) != ERR_OK ||
        read_sources(json_object_get(root, "sources"), b, e) != ERR_OK)
        return e->code;
    if (!walseg_size_is_valid(b->segment_bytes) || b->timeline == 0 || b->start_lsn == 0 ||
        b->stop_lsn < b->start_lsn)
        return err_set(e, ERR_CORRUPT, "backup.json: impossible segment size, timeline or LSNs");
    return ERR_OK;
}

enum err_code backup_json_parse(const char *text, size_t len, struct backup_info *b, struct err *e)
{
    CLEANUP(backup_info_clear) struct backup_info read = {0};
    json_t *root;
    enum err_code code;

    if (json_text_parse(text, len, "backup.json", &root, e) != ERR_OK)
        return e->code;
    code = read_root(root, &read, e);
    json_decref(root);
    if (code != ERR_OK)
        return code;
    *b = read;
    read = (struct backup_info){0};
    return ERR_OK;
}
