/*
 * pg/manifest.c - see pg/manifest.h.
 *
 * A cluster of a million relations has a manifest of 150 MB, a gigabyte as a tree of jansson's. So only the values
 * one level down are given to jansson, one after the other (JSON_DISABLE_EOF_CHECK tells how far it read); the few
 * characters that hold them together, braces, brackets, colons and commas, are walked here.
 */
#include "pg/manifest.h"

#include "base/hex.h"
#include "codec/sha256.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_FILES 1024

/* Where we are in the text, and what has been found. */
struct cursor {
    const char *text;
    size_t len;
    size_t at;
    size_t file_room;
    bool has_files;
    bool has_ranges;
    struct manifest m;
};

static const struct {
    const char *name;
    size_t bytes;
} algorithms[] = {
    [MANIFEST_NONE] = {"NONE", 0},      [MANIFEST_CRC32C] = {"CRC32C", 4},
    [MANIFEST_SHA224] = {"SHA224", 28}, [MANIFEST_SHA256] = {"SHA256", 32},
    [MANIFEST_SHA384] = {"SHA384", 48}, [MANIFEST_SHA512] = {"SHA512", 64},
};
#define ALGORITHM_COUNT (sizeof(algorithms) / sizeof(algorithms[0]))

bool manifest_has_crc32c(const struct manifest_file *file, uint32_t crc)
{
    const uint8_t bytes[4] = {(uint8_t) crc, (uint8_t) (crc >> 8), (uint8_t) (crc >> 16),
                              (uint8_t) (crc >> 24)};

    return file->algorithm == MANIFEST_CRC32C && memcmp(file->digest, bytes, sizeof(bytes)) == 0;
}

void manifest_clear(struct manifest *m)
{
    if (m == NULL)
        return;
    for (size_t i = 0; i < m->file_count; i++) {
        free(m->files[i].path);
        free(m->files[i].digest);
    }
    free(m->files);
    free(m->ranges);
    *m = MANIFEST_EMPTY;
}

/* ---- walking the text ---- */

static char cursor_peek(struct cursor *c)
{
    while (c->at < c->len && strchr(" \t\r\n", c->text[c->at]) != NULL && c->text[c->at] != '\0')
        c->at++;
    return c->at < c->len ? c->text[c->at] : '\0';
}

static bool cursor_take(struct cursor *c, char wanted)
{
    if (cursor_peek(c) != wanted)
        return false;
    c->at++;
    return true;
}

static enum err_code cursor_expect(struct cursor *c, char wanted, struct err *e)
{
    if (cursor_take(c, wanted))
        return ERR_OK;
    return err_set(e, ERR_CORRUPT, "expected '%c' at offset %zu", wanted, c->at);
}

/* The next value, read by jansson; NULL with e set when it is none. */
static json_t *cursor_value(struct cursor *c, struct err *e)
{
    json_error_t why;
    json_t *value = json_loadb(c->text + c->at, c->len - c->at,
                               JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, &why);

    if (value == NULL) {
        err_set(e, ERR_CORRUPT, "invalid JSON behind offset %zu: %s", c->at, why.text);
        return NULL;
    }
    c->at += (size_t) why.position;
    return value;
}

/* ---- members of objects ---- */

static enum err_code member_string(const json_t *object, const char *key, const char **out, struct err *e)
{
    const json_t *value = json_object_get(object, key);

    if (!json_is_string(value))
        return err_set(e, ERR_CORRUPT, "\"%s\" is missing or no string", key);
    *out = json_string_value(value);
    return ERR_OK;
}

static enum err_code member_number(const json_t *object, const char *key, uint64_t max, uint64_t *out,
                                   struct err *e)
{
    const json_t *value = json_object_get(object, key);

    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        (uint64_t) json_integer_value(value) > max)
        return err_set(e, ERR_CORRUPT, "\"%s\" is missing or no valid number", key);
    *out = (uint64_t) json_integer_value(value);
    return ERR_OK;
}

static enum err_code member_lsn(const json_t *object, const char *key, lsn *out, struct err *e)
{
    const char *text = NULL;

    return member_string(object, key, &text, e) != ERR_OK ? e->code : lsn_parse(text, out, e);
}

/* ---- a file ---- */

static enum err_code decode_path(const char *hex, char **out, struct err *e)
{
    size_t len = strlen(hex) / 2;
    char *path = malloc(len + 1);

    if (path == NULL)
        return err_nomem(e, "a path");
    if (hex_parse(hex, path, len, e) != ERR_OK || memchr(path, '\0', len) != NULL) {
        free(path);
        return err_set(e, ERR_CORRUPT, "\"Encoded-Path\" is not valid");
    }
    path[len] = '\0';
    *out = path;
    return ERR_OK;
}

static enum err_code read_path(const json_t *object, struct manifest_file *file, struct err *e)
{
    bool is_encoded = json_object_get(object, "Encoded-Path") != NULL;
    const char *text = NULL;

    if (is_encoded && json_object_get(object, "Path") != NULL)
        return err_set(e, ERR_CORRUPT, "both \"Path\" and \"Encoded-Path\" are there");
    if (member_string(object, is_encoded ? "Encoded-Path" : "Path", &text, e) != ERR_OK)
        return e->code;
    if (is_encoded && decode_path(text, &file->path, e) != ERR_OK)
        return e->code;
    if (!is_encoded && (file->path = strdup(text)) == NULL)
        return err_nomem(e, "a path");
    if (file->path[0] == '\0')
        return err_set(e, ERR_CORRUPT, "the path is empty");
    return ERR_OK;
}

static enum err_code read_digest(const json_t *object, struct manifest_file *file, struct err *e)
{
    const char *name = NULL, *text = NULL;
    size_t a = 0;

    if (json_object_get(object, "Checksum-Algorithm") == NULL && json_object_get(object, "Checksum") == NULL)
        return ERR_OK;
    if (member_string(object, "Checksum-Algorithm", &name, e) != ERR_OK ||
        member_string(object, "Checksum", &text, e) != ERR_OK)
        return e->code;
    while (a < ALGORITHM_COUNT && strcmp(algorithms[a].name, name) != 0)
        a++;
    if (a == ALGORITHM_COUNT)
        return err_set(e, ERR_CORRUPT, "unknown checksum algorithm \"%s\"", name);
    file->digest = malloc(algorithms[a].bytes + 1); /* never of nothing */
    if (file->digest == NULL)
        return err_nomem(e, "a checksum");
    if (hex_parse(text, file->digest, algorithms[a].bytes, e) != ERR_OK)
        return err_set(e, ERR_CORRUPT, "checksum \"%s\" is not valid", text);
    file->algorithm = (enum manifest_algorithm) a;
    return ERR_OK;
}

static enum err_code reserve_file(struct cursor *c, struct err *e)
{
    size_t room = c->file_room > 0 ? c->file_room * 2 : FIRST_FILES;
    struct manifest_file *grown;

    if (c->m.file_count < c->file_room)
        return ERR_OK;
    grown = reallocarray(c->m.files, room, sizeof(*grown));
    if (grown == NULL)
        return err_nomem(e, "the manifest's files");
    c->m.files = grown;
    c->file_room = room;
    return ERR_OK;
}

static enum err_code take_file(struct cursor *c, const json_t *object, struct err *e)
{
    struct manifest_file *file;

    if (reserve_file(c, e) != ERR_OK)
        return e->code;
    file = &c->m.files[c->m.file_count];
    *file = (struct manifest_file){.algorithm = MANIFEST_NONE};
    c->m.file_count++; /* from here on manifest_clear frees what it has */
    if (read_path(object, file, e) != ERR_OK ||
        member_number(object, "Size", INT64_MAX, &file->size, e) != ERR_OK ||
        read_digest(object, file, e) != ERR_OK)
        return err_while(e, "file %zu", c->m.file_count);
    return ERR_OK;
}

/* ---- a range of WAL ---- */

static enum err_code take_range(struct cursor *c, const json_t *object, struct err *e)
{
    struct manifest_range range, *grown;
    uint64_t tli;

    if (member_number(object, "Timeline", UINT32_MAX, &tli, e) != ERR_OK ||
        member_lsn(object, "Start-LSN", &range.start, e) != ERR_OK ||
        member_lsn(object, "End-LSN", &range.end, e) != ERR_OK)
        return err_while(e, "WAL range %zu", c->m.range_count + 1);
    if (tli == 0 || range.end < range.start)
        return err_set(e, ERR_CORRUPT, "WAL range %zu is not valid", c->m.range_count + 1);
    range.tli = (uint32_t) tli;
    grown = reallocarray(c->m.ranges, c->m.range_count + 1, sizeof(range));
    if (grown == NULL)
        return err_nomem(e, "the manifest's WAL ranges");
    c->m.ranges = grown;
    c->m.ranges[c->m.range_count++] = range;
    return ERR_OK;
}

/* ---- the whole ---- */

typedef enum err_code take_element(struct cursor *c, const json_t *object, struct err *e);

static enum err_code walk_array(struct cursor *c, bool *seen, take_element *take, struct err *e)
{
    if (*seen)
        return err_set(e, ERR_CORRUPT, "an array comes twice");
    *seen = true;
    if (cursor_expect(c, '[', e) != ERR_OK)
        return e->code;
    if (cursor_take(c, ']'))
        return ERR_OK;
    do {
        json_t *object = cursor_value(c, e);
        enum err_code code;

        if (object == NULL)
            return e->code;
        code =
            json_is_object(object) ? take(c, object, e) : err_set(e, ERR_CORRUPT, "an element is no object");
        json_decref(object);
        if (code != ERR_OK)
            return code;
    } while (cursor_take(c, ','));
    return cursor_expect(c, ']', e);
}

/* Version and system identifier are numbers; the checksum was looked at before, other keys are none of ours. */
static enum err_code take_scalar(struct cursor *c, const char *key, const json_t *value, struct err *e)
{
    bool is_version = strcmp(key, "PostgreSQL-Backup-Manifest-Version") == 0;

    if (!is_version && strcmp(key, "System-Identifier") != 0)
        return ERR_OK;
    if (!json_is_integer(value) || json_integer_value(value) <= 0)
        return err_set(e, ERR_CORRUPT, "\"%s\" is no valid number", key);
    if (!is_version)
        c->m.system_identifier = (uint64_t) json_integer_value(value);
    else if (json_integer_value(value) <= 2)
        c->m.version = (unsigned) json_integer_value(value);
    else
        return err_set(e, ERR_CORRUPT, "unknown version %lld", (long long) json_integer_value(value));
    return ERR_OK;
}

static enum err_code walk_scalar(struct cursor *c, const char *key, struct err *e)
{
    json_t *value = cursor_value(c, e);
    enum err_code code;

    if (value == NULL)
        return e->code;
    code = take_scalar(c, key, value, e);
    json_decref(value);
    return code;
}

static enum err_code walk_member(struct cursor *c, struct err *e)
{
    json_t *key = cursor_value(c, e);
    enum err_code code;

    if (key == NULL)
        return e->code;
    if (!json_is_string(key))
        code = err_set(e, ERR_CORRUPT, "expected a key before offset %zu", c->at);
    else if ((code = cursor_expect(c, ':', e)) != ERR_OK)
        ; /* said */
    else if (strcmp(json_string_value(key), "Files") == 0)
        code = walk_array(c, &c->has_files, take_file, e);
    else if (strcmp(json_string_value(key), "WAL-Ranges") == 0)
        code = walk_array(c, &c->has_ranges, take_range, e);
    else
        code = walk_scalar(c, json_string_value(key), e);
    json_decref(key);
    return code;
}

static enum err_code walk_manifest(struct cursor *c, struct err *e)
{
    if (cursor_expect(c, '{', e) != ERR_OK)
        return e->code;
    do {
        if (walk_member(c, e) != ERR_OK)
            return e->code;
    } while (cursor_take(c, ','));
    if (cursor_expect(c, '}', e) != ERR_OK)
        return e->code;
    if (cursor_peek(c) != '\0' || c->at < c->len)
        return err_set(e, ERR_CORRUPT, "text goes on at offset %zu", c->at);
    return ERR_OK;
}

static int compare_files(const void *a, const void *b)
{
    return strcmp(((const struct manifest_file *) a)->path, ((const struct manifest_file *) b)->path);
}

static enum err_code check_whole(struct manifest *m, struct err *e)
{
    if (m->version == 0)
        return err_set(e, ERR_CORRUPT, "\"PostgreSQL-Backup-Manifest-Version\" is missing");
    if (m->version >= 2 && m->system_identifier == 0)
        return err_set(e, ERR_CORRUPT, "\"System-Identifier\" is missing");
    if (m->file_count == 0 || m->range_count == 0)
        return err_set(e, ERR_CORRUPT, "it lists no files or no WAL");
    qsort(m->files, m->file_count, sizeof(*m->files), compare_files);
    for (size_t i = 1; i < m->file_count; i++)
        if (strcmp(m->files[i - 1].path, m->files[i].path) == 0)
            return err_set(e, ERR_CORRUPT, "file \"%s\" comes twice", m->files[i].path);
    return ERR_OK;
}

/* The last line, `"Manifest-Checksum": "…"}`, against the bytes before it. */
static enum err_code check_checksum(const char *text, size_t len, struct err *e)
{
    static const char opening[] = "\"Manifest-Checksum\": \"";
    char line[sizeof(opening) + 2 * SHA256_BYTES + 2]; /* `"}` behind the digits */
    uint8_t promised[SHA256_BYTES], found[SHA256_BYTES];
    const char *before;
    size_t body, line_len;

    if (len > 0 && text[len - 1] == '\n')
        len--;
    before = memrchr(text, '\n', len);
    body = before != NULL ? (size_t) (before - text) + 1 : 0;
    line_len = len - body;
    if (before == NULL || line_len != sizeof(line) - 1)
        return err_set(e, ERR_CORRUPT, "it does not end with its checksum");
    memcpy(line, text + body, line_len);
    line[line_len] = '\0';
    if (strncmp(line, opening, strlen(opening)) != 0 || strcmp(line + line_len - 2, "\"}") != 0)
        return err_set(e, ERR_CORRUPT, "it does not end with its checksum");
    line[line_len - 2] = '\0';
    if (hex_parse(line + strlen(opening), promised, sizeof(promised), e) != ERR_OK ||
        sha256(text, body, found, e) != ERR_OK)
        return e->code;
    if (memcmp(promised, found, sizeof(found)) != 0)
        return err_set(e, ERR_CORRUPT, "its checksum does not match");
    return ERR_OK;
}

enum err_code manifest_parse(const void *bytes, size_t len, struct manifest *out, struct err *e)
{
    struct cursor c = {.text = bytes, .len = len};

    if (check_checksum(bytes, len, e) != ERR_OK || walk_manifest(&c, e) != ERR_OK ||
        check_whole(&c.m, e) != ERR_OK) {
        manifest_clear(&c.m);
        return err_while(e, "could not read backup manifest");
    }
    *out = c.m;
    return ERR_OK;
}

static int compare_path(const void *path, const void *file)
{
    return strcmp(path, ((const struct manifest_file *) file)->path);
}

const struct manifest_file *manifest_find(const struct manifest *m, const char *path)
{
    if (m->file_count == 0)
        return NULL;
    return bsearch(path, m->files, m->file_count, sizeof(*m->files), compare_path);
}
