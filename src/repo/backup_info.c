/*
 * repo/backup_info.c - see repo/backup_info.h.
 *
 * One table of scalar members serves reading and writing, so that neither can forget one.
 */
#include "repo/backup_info.h"

#include "base/hex.h"
#include "base/timestamp.h"
#include "stream/buf_sink.h"

#include <inttypes.h>
#include <jansson.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define BACKUP_JSON_MAX ((size_t) 16 << 20)

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

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

void backup_info_clear(struct backup_info *b)
{
    for (size_t i = 0; i < b->tablespace_count; i++)
        free(b->tablespaces[i].path);
    free(b->tablespaces);
    free(b->sources);
    free(b->label);
    free(b->origin);
    *b = (struct backup_info){0};
}

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

enum err_code backup_info_format(const struct backup_info *b, struct buf *out, struct err *e)
{
    json_t *root = json_object(), *inner = json_object();
    char *text = NULL;
    enum err_code code;

    if (root != NULL && inner != NULL &&
        json_object_set_new(root, "format", json_integer(LAYOUT_VERSION)) == 0 &&
        write_members(root, members, COUNT(members), b) == 0 &&
        write_members(inner, settings, COUNT(settings), b) == 0 &&
        json_object_set(root, "settings", inner) == 0 &&
        json_object_set_new(root, "tablespaces", tablespaces_to_json(b)) == 0 &&
        json_object_set_new(root, "sources", sources_to_json(b)) == 0)
        text = json_dumps(root, JSON_INDENT(2));
    json_decref(inner);
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

static bool text_from_json(const json_t *v, enum member_type type, void *at, struct err *e)
{
    const char *text = json_string_value(v);

    if (text == NULL)
        return false;
    switch (type) {
    case M_LSN:
        return lsn_parse(text, at, e) == ERR_OK;
    case M_TIME:
        return timestamp_parse_stored(text, at, e) == ERR_OK;
    case M_LINE:
        return line_parse(text, at, e) == ERR_OK;
    case M_SHA256:
        return hex_parse(text, at, SHA256_BYTES, e) == ERR_OK;
    case M_ID:
        if (!backup_id_is_valid(text))
            return false;
        memcpy(at, text, BACKUP_ID_MAX);
        return true;
    default:
        *(char **) at = strdup(text);
        return *(char **) at != NULL;
    }
}

static bool member_from_json(const json_t *v, enum member_type type, void *at)
{
    struct err ignored = ERR_NONE;
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
        return text_from_json(v, type, at, &ignored);
    }
}

static enum err_code read_members(const json_t *from, const struct member *list, size_t count,
                                  struct backup_info *b, struct err *e)
{
    for (size_t i = 0; i < count; i++)
        if (!member_from_json(json_object_get(from, list[i].name), list[i].type, (char *) b + list[i].at))
            return err_set(e, ERR_CORRUPT, "backup.json: \"%s\" is missing or not of its form", list[i].name);
    return ERR_OK;
}

static enum err_code read_tablespaces(const json_t *list, struct backup_info *b, struct err *e)
{
    size_t count = json_array_size(list);

    if (!json_is_array(list))
        return err_set(e, ERR_CORRUPT, "backup.json: \"tablespaces\" is missing or not a list");
    b->tablespaces = calloc(count + 1, sizeof(*b->tablespaces));
    if (b->tablespaces == NULL)
        return err_nomem(e, "a list of tablespaces");
    for (; b->tablespace_count < count; b->tablespace_count++) {
        struct backup_tablespace *t = &b->tablespaces[b->tablespace_count];
        const json_t *v = json_array_get(list, b->tablespace_count);

        if (!member_from_json(json_object_get(v, "oid"), M_U32, &t->oid) ||
            !member_from_json(json_object_get(v, "bytes"), M_U64, &t->bytes) ||
            !member_from_json(json_object_get(v, "path"), M_TEXT, &t->path))
            return err_set(e, ERR_CORRUPT, "backup.json: tablespace %zu is not of its form",
                           b->tablespace_count + 1);
    }
    return ERR_OK;
}

static enum err_code read_sources(const json_t *list, struct backup_info *b, struct err *e)
{
    size_t count = json_array_size(list);

    if (!json_is_array(list))
        return err_set(e, ERR_CORRUPT, "backup.json: \"sources\" is missing or not a list");
    b->sources = calloc(count + 1, sizeof(*b->sources));
    if (b->sources == NULL)
        return err_nomem(e, "a list of sources");
    for (; b->source_count < count; b->source_count++) {
        struct backup_source *s = &b->sources[b->source_count];
        const json_t *v = json_array_get(list, b->source_count);

        if (!member_from_json(json_object_get(v, "id"), M_ID, s->id) ||
            !member_from_json(json_object_get(v, "packs"), M_U64, &s->packs))
            return err_set(e, ERR_CORRUPT, "backup.json: source %zu is not of its form", b->source_count + 1);
    }
    return ERR_OK;
}

/* The whole text but its format version, which is known to be ours. */
static enum err_code read_root(const json_t *root, struct backup_info *b, struct err *e)
{
    if (read_members(root, members, COUNT(members), b, e) != ERR_OK ||
        read_members(json_object_get(root, "settings"), settings, COUNT(settings), b, e) != ERR_OK ||
        read_tablespaces(json_object_get(root, "tablespaces"), b, e) != ERR_OK ||
        read_sources(json_object_get(root, "sources"), b, e) != ERR_OK)
        return e->code;
    if (!walseg_size_is_valid(b->segment_bytes) || b->timeline == 0 || b->start_lsn == 0 ||
        b->stop_lsn < b->start_lsn)
        return err_set(e, ERR_CORRUPT, "backup.json: impossible segment size, timeline or LSNs");
    return ERR_OK;
}

enum err_code backup_info_parse(const char *text, size_t len, struct backup_info *b, struct err *e)
{
    CLEANUP(backup_info_clear) struct backup_info read = {0};
    json_error_t why;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
    const json_t *format = json_object_get(root, "format");
    enum err_code code;

    if (root == NULL)
        return err_set(e, ERR_CORRUPT, "backup.json is not JSON: line %d: %s", why.line, why.text);
    if (!json_is_integer(format))
        code = err_set(e, ERR_CORRUPT, "backup.json has no format version");
    else if (json_integer_value(format) != LAYOUT_VERSION)
        code = err_set(e, ERR_CORRUPT,
                       "backup.json has format version %" JSON_INTEGER_FORMAT ", this program knows %d",
                       json_integer_value(format), LAYOUT_VERSION);
    else
        code = read_root(root, &read, e);
    json_decref(root);
    if (code != ERR_OK)
        return code;
    *b = read;
    read = (struct backup_info){0};
    return ERR_OK;
}

/* The summary must be that of this backup of this line: a copied one must not pass for another. */
static enum err_code check_place(const struct backup_info *b, const struct layout *l, const char *id,
                                 const char *key, struct err *e)
{
    char line[LINE_TEXT_MAX];

    line_format(b->system_identifier, line);
    if (strcmp(b->id, id) != 0)
        return err_set(e, ERR_CORRUPT, "\"%s\" is the summary of another backup, \"%s\"", key, b->id);
    if (strcmp(line, l->line) != 0)
        return err_set(e, ERR_CORRUPT, "\"%s\" is the summary of a backup of another system identifier, %s",
                       key, line);
    return ERR_OK;
}

/* One byte more than allowed is asked for, so that too long a text is the parser's finding, not the transport's. */
static enum err_code get_text(struct repo *r, const char *key, struct buf *text, struct err *e)
{
    struct store_range front = {0, BACKUP_JSON_MAX + 1};
    CLEANUP(sink_freep) struct sink *to = NULL;

    buf_init(text, BACKUP_JSON_MAX + 1);
    if (buf_sink_new(text, &to, e) != ERR_OK)
        return e->code;
    return store_get(r->store, key, &front, to, NULL, e);
}

static enum err_code parse_text(struct buf *text, const struct layout *l, const char *id, const char *key,
                                struct backup_info *b, struct err *e)
{
    CLEANUP(backup_info_clear) struct backup_info read = {0};

    if (text->len > BACKUP_JSON_MAX)
        return err_set(e, ERR_CORRUPT, "\"%s\" is longer than %zu bytes", key, BACKUP_JSON_MAX);
    if (backup_info_parse(buf_cstr(text), text->len, &read, e) != ERR_OK)
        return err_while(e, "backup \"%s\"", id);
    if (check_place(&read, l, id, key, e) != ERR_OK)
        return e->code;
    *b = read;
    read = (struct backup_info){0};
    return ERR_OK;
}

enum err_code backup_info_read(struct repo *r, const struct layout *l, const char *id, struct backup_info *b,
                               struct err *e)
{
    CLEANUP(buf_clear) struct buf text = {0};
    char key[STORE_KEY_MAX + 1];

    layout_backup_json(l, id, key);
    if (get_text(r, key, &text, e) != ERR_OK)
        return e->code;
    return parse_text(&text, l, id, key, b, e);
}

/* An answer lost on the way: what is there must be what we wrote. */
static enum err_code accept_own(struct repo *r, const char *key, const struct buf *ours,
                                const struct err *conflict, struct err *e)
{
    CLEANUP(buf_clear) struct buf there = {0};

    if (get_text(r, key, &there, e) != ERR_OK)
        return e->code;
    if (there.len == ours->len && memcmp(there.data, ours->data, ours->len) == 0)
        return ERR_OK;
    *e = *conflict;
    return e->code;
}

enum err_code backup_info_write(struct repo *r, const struct layout *l, const struct backup_info *b,
                                struct err *e)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(BACKUP_JSON_MAX);
    struct err why = ERR_NONE;
    char key[STORE_KEY_MAX + 1];

    layout_backup_json(l, b->id, key);
    if (backup_info_format(b, &text, e) != ERR_OK)
        return e->code;
    switch (store_put(r->store, key, text.data, text.len, &why)) {
    case ERR_OK:
        return ERR_OK;
    case ERR_CONFLICT:
        return accept_own(r, key, &text, &why, e);
    default:
        *e = why;
        return e->code;
    }
}

struct id_listing {
    char (*ids)[BACKUP_ID_MAX];
    size_t count;
    struct err e;
};

/* "…/backup/<ID>/"; anything else is not ours. */
static bool visit_backup(const struct store_object *obj, void *arg)
{
    struct id_listing *l = arg;
    char id[BACKUP_ID_MAX];
    char(*grown)[BACKUP_ID_MAX];

    if (!layout_dir_name(obj, id, sizeof(id)) || !backup_id_is_valid(id))
        return true;
    grown = realloc(l->ids, (l->count + 1) * sizeof(*grown));
    if (grown == NULL) {
        err_nomem(&l->e, "a list of backups");
        return false;
    }
    l->ids = grown;
    memcpy(grown[l->count++], id, BACKUP_ID_MAX);
    return true;
}

/*
 * One summary into the list, or, when it was had whole and can't be believed, among the damaged; when there is none
 * the attempt is unfinished. What the store could not answer properly is a failure of the whole.
 */
static enum err_code read_one(struct repo *r, const struct layout *l, const char *id, struct backup_list *out,
                              size_t *unfinished, struct err *e)
{
    CLEANUP(buf_clear) struct buf text = {0};
    struct err why = ERR_NONE;
    char key[STORE_KEY_MAX + 1];

    layout_backup_json(l, id, key);
    if (get_text(r, key, &text, &why) == ERR_OK) {
        if (parse_text(&text, l, id, key, &out->list[out->count], &why) == ERR_OK) {
            out->count++;
        } else if (why.code == ERR_CORRUPT) {
            struct backup_damage *damage = &out->damaged[out->damaged_count++];

            memcpy(damage->id, id, BACKUP_ID_MAX);
            memcpy(damage->why, why.text, sizeof(damage->why));
            why.code = ERR_OK;
        }
    } else if (why.code == ERR_ABSENT) {
        (*unfinished)++;
        why.code = ERR_OK;
    }
    if (why.code != ERR_OK)
        *e = why;
    return why.code;
}

static enum err_code read_all(struct repo *r, const struct layout *l, const struct id_listing *ids,
                              struct backup_list *out, size_t *unfinished, struct err *e)
{
    out->list = calloc(ids->count + 1, sizeof(*out->list));
    out->damaged = calloc(ids->count + 1, sizeof(*out->damaged));
    if (out->list == NULL || out->damaged == NULL)
        return err_nomem(e, "a list of backups");
    for (size_t i = 0; i < ids->count; i++)
        if (read_one(r, l, ids->ids[i], out, unfinished, e) != ERR_OK)
            return e->code;
    return ERR_OK;
}

enum err_code backup_list_read(struct repo *r, const struct layout *l, struct backup_list *out,
                               size_t *unfinished, struct err *e)
{
    CLEANUP(backup_list_clear) struct backup_list found = {0};
    struct id_listing ids = {.e = ERR_NONE};
    char prefix[STORE_KEY_MAX + 1];
    struct store_listing what = {.prefix = prefix, .delimited = true};
    size_t dead = 0;
    enum err_code code;

    layout_backup_dir(l, prefix);
    code = store_list(r->store, &what, visit_backup, &ids, e);
    if (code == ERR_OK && ids.e.code != ERR_OK) {
        *e = ids.e;
        code = e->code;
    }
    if (code == ERR_OK)
        code = read_all(r, l, &ids, &found, &dead, e);
    free(ids.ids);
    if (code != ERR_OK)
        return code;
    if (unfinished != NULL)
        *unfinished = dead;
    *out = found;
    found = (struct backup_list){0};
    return ERR_OK;
}

void backup_list_clear(struct backup_list *b)
{
    for (size_t i = 0; i < b->count; i++)
        backup_info_clear(&b->list[i]);
    free(b->list);
    free(b->damaged);
    *b = (struct backup_list){0};
}
