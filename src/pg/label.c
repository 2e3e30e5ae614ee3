/*
 * pg/label.c - see pg/label.h.
 *
 * One table row per line known: its key and the function that reads its value. A key may come once; the rows that a
 * backup can't be used without must come.
 */
#include "pg/label.h"

#include <stdlib.h>
#include <string.h>

typedef enum err_code line_reader(const char *value, struct label *l, struct err *e);

static enum err_code read_text(const char *value, char *out, size_t size, struct err *e)
{
    size_t len = strlen(value);

    if (len >= size)
        return err_set(e, ERR_CORRUPT, "value is longer than %zu bytes", size - 1);
    memcpy(out, value, len + 1);
    return ERR_OK;
}

static enum err_code read_timeline(const char *value, uint32_t *out, struct err *e)
{
    size_t digits = strspn(value, "0123456789");
    unsigned long tli = digits > 0 && digits <= 10 ? strtoul(value, NULL, 10) : 0;

    if (value[digits] != '\0' || tli == 0 || tli > UINT32_MAX)
        return err_set(e, ERR_CORRUPT, "invalid timeline \"%s\"", value);
    *out = (uint32_t) tli;
    return ERR_OK;
}

/* "0/4000028 (file 000000010000000000000004)" */
static enum err_code read_location(const char *value, lsn *position, char segment[WALFILE_NAME_MAX],
                                   struct err *e)
{
    static const char opening[] = " (file ";
    const char *file = strstr(value, opening);
    char text[LSN_TEXT_MAX];
    size_t name_len;

    if (file == NULL || (size_t) (file - value) >= sizeof(text))
        return err_set(e, ERR_CORRUPT, "invalid WAL location \"%s\"", value);
    memcpy(text, value, (size_t) (file - value));
    text[file - value] = '\0';
    file += strlen(opening);
    name_len = strspn(file, "0123456789ABCDEF");
    if (name_len != WALSEG_NAME_LEN || strcmp(file + name_len, ")") != 0)
        return err_set(e, ERR_CORRUPT, "invalid WAL location \"%s\"", value);
    if (lsn_parse(text, position, e) != ERR_OK)
        return e->code;
    memcpy(segment, file, name_len);
    segment[name_len] = '\0';
    return ERR_OK;
}

static enum err_code read_start(const char *value, struct label *l, struct err *e)
{
    return read_location(value, &l->start, l->start_segment, e);
}

static enum err_code read_stop(const char *value, struct label *l, struct err *e)
{
    char segment[WALFILE_NAME_MAX];

    l->has_stop = true;
    return read_location(value, &l->stop, segment, e);
}

static enum err_code read_checkpoint(const char *value, struct label *l, struct err *e)
{
    return lsn_parse(value, &l->checkpoint, e);
}

/* "pg_start_backup" was the exclusive method, gone with PostgreSQL 15: its label lies in a live data directory. */
static enum err_code read_method(const char *value, struct label *l, struct err *e)
{
    (void) l;
    if (strcmp(value, "streamed") == 0 || strcmp(value, "pg_start_backup") == 0)
        return ERR_OK;
    return err_set(e, ERR_CORRUPT, "unknown backup method \"%s\"", value);
}

static enum err_code read_from(const char *value, struct label *l, struct err *e)
{
    l->is_from_standby = strcmp(value, "standby") == 0;
    if (l->is_from_standby || strcmp(value, "primary") == 0 || strcmp(value, "master") == 0)
        return ERR_OK;
    return err_set(e, ERR_CORRUPT, "unknown backup source \"%s\"", value);
}

static enum err_code read_start_time(const char *value, struct label *l, struct err *e)
{
    return read_text(value, l->start_time, sizeof(l->start_time), e);
}

static enum err_code read_stop_time(const char *value, struct label *l, struct err *e)
{
    return read_text(value, l->stop_time, sizeof(l->stop_time), e);
}

static enum err_code read_name(const char *value, struct label *l, struct err *e)
{
    return read_text(value, l->name, sizeof(l->name), e);
}

static enum err_code read_start_tli(const char *value, struct label *l, struct err *e)
{
    return read_timeline(value, &l->start_tli, e);
}

static enum err_code read_stop_tli(const char *value, struct label *l, struct err *e)
{
    return read_timeline(value, &l->stop_tli, e);
}

static enum err_code read_incremental_lsn(const char *value, struct label *l, struct err *e)
{
    l->is_incremental = true;
    return lsn_parse(value, &l->incremental_from, e);
}

static enum err_code read_incremental_tli(const char *value, struct label *l, struct err *e)
{
    return read_timeline(value, &l->incremental_tli, e);
}

static const struct {
    const char *key;
    line_reader *read;
    bool is_required;
} lines[] = {
    {"START WAL LOCATION", read_start, true},
    {"STOP WAL LOCATION", read_stop, false},
    {"CHECKPOINT LOCATION", read_checkpoint, true},
    {"BACKUP METHOD", read_method, true},
    {"BACKUP FROM", read_from, true},
    {"START TIME", read_start_time, true},
    {"LABEL", read_name, true},
    {"START TIMELINE", read_start_tli, true},
    {"STOP TIME", read_stop_time, false},
    {"STOP TIMELINE", read_stop_tli, false},
    {"INCREMENTAL FROM LSN", read_incremental_lsn, false},
    {"INCREMENTAL FROM TLI", read_incremental_tli, false},
};
#define LINE_KINDS (sizeof(lines) / sizeof(lines[0]))

/* The row whose key this line has; LINE_KINDS when none. *value: what stands behind "KEY: ". */
static size_t find_line(const char *line, const char **value)
{
    for (size_t i = 0; i < LINE_KINDS; i++) {
        size_t len = strlen(lines[i].key);

        if (strncmp(line, lines[i].key, len) == 0 && strncmp(line + len, ": ", 2) == 0) {
            *value = line + len + 2;
            return i;
        }
    }
    return LINE_KINDS;
}

/* text is ours to cut into lines. */
static enum err_code read_lines(char *text, struct label *l, bool seen[LINE_KINDS], struct err *e)
{
    unsigned number = 0;

    while (*text != '\0') {
        char *end = strchr(text, '\n');
        const char *value;
        size_t kind;

        number++;
        if (end == NULL)
            return err_set(e, ERR_CORRUPT, "line %u is cut off", number);
        *end = '\0';
        kind = find_line(text, &value);
        text = end + 1;
        if (kind == LINE_KINDS)
            continue;
        if (seen[kind])
            return err_set(e, ERR_CORRUPT, "line %u: \"%s\" comes twice", number, lines[kind].key);
        seen[kind] = true;
        if (lines[kind].read(value, l, e) != ERR_OK) {
            e->code = ERR_CORRUPT;
            return err_while(e, "line %u", number);
        }
    }
    return ERR_OK;
}

static enum err_code check_whole(const struct label *l, const bool seen[LINE_KINDS], struct err *e)
{
    for (size_t i = 0; i < LINE_KINDS; i++)
        if (lines[i].is_required && !seen[i])
            return err_set(e, ERR_CORRUPT, "line \"%s\" is missing", lines[i].key);
    if (l->is_incremental != (l->incremental_tli != 0))
        return err_set(e, ERR_CORRUPT, "only one of the lines \"INCREMENTAL FROM\" is there");
    if (l->has_stop != (l->stop_tli != 0))
        return err_set(e, ERR_CORRUPT,
                       "only one of the lines \"STOP WAL LOCATION\" and \"STOP TIMELINE\" is there");
    return ERR_OK;
}

enum err_code label_parse(const void *bytes, size_t len, struct label *out, struct err *e)
{
    char text[LABEL_FILE_MAX + 1];
    bool seen[LINE_KINDS] = {false};
    struct label l = {0};

    if (len > LABEL_FILE_MAX || memchr(bytes, '\0', len) != NULL) {
        err_set(e, ERR_CORRUPT, len > LABEL_FILE_MAX ? "file is too long" : "file has a zero byte");
        return err_while(e, "could not read backup label");
    }
    memcpy(text, bytes, len);
    text[len] = '\0';
    if (read_lines(text, &l, seen, e) != ERR_OK || check_whole(&l, seen, e) != ERR_OK)
        return err_while(e, "could not read backup label");
    *out = l;
    return ERR_OK;
}
