/*
 * repo/backup_index.c - see repo/backup_index.h for the grammar.
 *
 * Reading collects one line, splits it at tabs into at most MAX_FIELDS fields, and lets the row of the record table
 * for its letter read them. State kept between lines: which sources are known, whether a file is open, how many of
 * its bytes are still to come, and the totals that the last line must repeat. A text has one form only: whatever
 * index_write would not have written is refused, so that a damaged byte does not pass for another spelling.
 */
#include "repo/backup_index.h"

#include "base/buf.h"
#include "base/hex.h"
#include "codec/frame.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FIELDS  9
#define FIRST_LINE  "pitr-index 1 "
#define SOURCES_MAX 65536

static bool is_plain(unsigned char c)
{
    return c > 0x20 && c < 0x7F && c != '%';
}

/* Percent-encode into out, which has room for three bytes each and a NUL. */
static void encode(const char *text, char *out)
{
    for (; *text != '\0'; text++) {
        if (is_plain((unsigned char) *text))
            *out++ = *text;
        else
            out += sprintf(out, "%%%02X", (unsigned) (unsigned char) *text);
    }
    *out = '\0';
}

/* The value of an upper-case digit, or -1; also for the NUL that ends a text inside a pair. */
static int digit_value(char c)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;

    return at != NULL ? (int) (at - digits) : -1;
}

/* Decode in place. False for anything encode would not have written. */
static bool decode(char *text)
{
    char *out = text;

    for (; *text != '\0'; text++) {
        int high, low;

        if (*text != '%') {
            if (!is_plain((unsigned char) *text))
                return false;
            *out++ = *text;
            continue;
        }
        high = digit_value(text[1]);
        low = high < 0 ? -1 : digit_value(text[2]);
        if (low < 0 || high + low == 0 || is_plain((unsigned char) (high << 4 | low)))
            return false;
        *out++ = (char) (high << 4 | low);
        text += 2;
    }
    *out = '\0';
    return true;
}

enum err_code index_write_begin(struct sink *to, const char *backup_id, struct err *e)
{
    char line[sizeof(FIRST_LINE) + BACKUP_ID_MAX + 1];
    int len = snprintf(line, sizeof(line), FIRST_LINE "%s\n", backup_id);

    return sink_write(to, line, (size_t) len, e);
}

static enum err_code write_paths(struct sink *to, const char *front, const char *path, const char *target,
                                 struct err *e)
{
    char line[INDEX_LINE_MAX];
    size_t at = strlen(front);

    if (strlen(path) > INDEX_LINE_MAX / 8 || (target != NULL && strlen(target) > INDEX_LINE_MAX / 8))
        return err_set(e, ERR_CORRUPT, "path \"%.64s…\" is too long", path);
    memcpy(line, front, at);
    encode(path, line + at);
    at += strlen(line + at);
    if (target != NULL) {
        line[at++] = '\t';
        encode(target, line + at);
        at += strlen(line + at);
    }
    line[at++] = '\n';
    return sink_write(to, line, at, e);
}

static enum err_code write_chunk(struct sink *to, const struct index_chunk *c, struct err *e)
{
    char line[256], digest[2 * SHA256_BYTES + 1];
    int len;

    hex_format(c->sha256, SHA256_BYTES, digest);
    len = snprintf(line, sizeof(line),
                   "C\t%" PRIu32 "\t%s\t%" PRIu32 "\t%" PRIu32 "\t%" PRIu32 "\t%" PRIu64 "\t%" PRIu32 "\n",
                   c->length, digest, c->source, c->pack, c->frame, c->offset, c->stored);
    return sink_write(to, line, (size_t) len, e);
}

enum err_code index_write(struct sink *to, const struct index_record *r, struct err *e)
{
    char line[128];
    int len = 0;

    switch (r->type) {
    case INDEX_SOURCE:
        len = snprintf(line, sizeof(line), "S\t%" PRIu32 "\t%s\n", r->number, r->id);
        break;
    case INDEX_TABLESPACE:
        (void) snprintf(line, sizeof(line), "T\t%" PRIu32 "\t", r->number);
        return write_paths(to, line, r->path, NULL, e);
    case INDEX_DIRECTORY:
        (void) snprintf(line, sizeof(line), "D\t%o\t", (unsigned) r->mode);
        return write_paths(to, line, r->path, NULL, e);
    case INDEX_LINK:
        return write_paths(to, "L\t", r->path, r->target, e);
    case INDEX_FILE:
        (void) snprintf(line, sizeof(line), "F\t%o\t%" PRIu64 "\t%" PRId64 "\t", (unsigned) r->mode, r->size,
                        r->mtime);
        return write_paths(to, line, r->path, NULL, e);
    case INDEX_CHUNK:
        return write_chunk(to, &r->chunk, e);
    case INDEX_ZEROS:
        len = snprintf(line, sizeof(line), "Z\t%" PRIu64 "\n", r->size);
        break;
    case INDEX_FILE_END:
        len = snprintf(line, sizeof(line), "X\t%08" PRIx32 "\n", r->crc32c);
        break;
    case INDEX_END:
        len = snprintf(line, sizeof(line), "E\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n", r->files, r->chunks,
                       r->size);
        break;
    }
    return sink_write(to, line, (size_t) len, e);
}

struct index_read {
    struct sink base;
    index_visit *visit;
    void *arg;
    struct buf line;
    uint64_t line_no;
    char id[BACKUP_ID_MAX]; /* of the index; until its first line: the one it must have, "" = any */
    uint32_t sources;       /* sources seen: 0 .. sources-1 */
    bool in_file;
    uint64_t missing; /* bytes of the open file still to come */
    uint64_t files, chunks, bytes;
    bool ended;
};

/* Digits of base 8 or 10 and nothing else, no leading zero, within max. */
static bool number(const char *text, int base, uint64_t max, uint64_t *out)
{
    size_t digits = strspn(text, base == 8 ? "01234567" : "0123456789");

    if (digits == 0 || text[digits] != '\0' || (text[0] == '0' && digits > 1))
        return false;
    errno = 0;
    *out = strtoull(text, NULL, base);
    return errno == 0 && *out <= max;
}

/* Exactly len bytes as lower-case digits, the only form we write. */
static bool hex_field(const char *text, void *bytes, size_t len)
{
    struct err ignored = ERR_NONE;

    return strspn(text, "0123456789abcdef") == 2 * len && hex_parse(text, bytes, len, &ignored) == ERR_OK;
}

static bool number32(const char *text, uint32_t *out)
{
    uint64_t n;

    if (!number(text, 10, UINT32_MAX, &n))
        return false;
    *out = (uint32_t) n;
    return true;
}

/* Relative, no empty, "." or ".." component: it must not lead out of the directory that is being restored. */
static bool path_is_inside(const char *path)
{
    while (true) {
        size_t len = strcspn(path, "/");

        if (len == 0 || (len == 1 && path[0] == '.') || (len == 2 && path[0] == '.' && path[1] == '.'))
            return false;
        if (path[len] == '\0')
            return true;
        path += len + 1;
    }
}

static bool read_mode(const char *text, mode_t *out)
{
    uint64_t n;

    if (!number(text, 8, 07777, &n))
        return false;
    *out = (mode_t) n;
    return true;
}

static bool read_source(struct index_read *s, char **f, struct index_record *r)
{
    if (s->in_file || !number32(f[1], &r->number) || r->number != s->sources || r->number >= SOURCES_MAX ||
        !backup_id_is_valid(f[2]) || (r->number == 0 && strcmp(f[2], s->id) != 0))
        return false;
    r->id = f[2];
    s->sources++;
    return true;
}

static bool read_tablespace(struct index_read *s, char **f, struct index_record *r)
{
    r->path = f[2];
    return !s->in_file && number32(f[1], &r->number) && r->number > 0 && decode(f[2]) && f[2][0] != '\0';
}

static bool read_directory(struct index_read *s, char **f, struct index_record *r)
{
    r->path = f[2];
    return !s->in_file && read_mode(f[1], &r->mode) && decode(f[2]) && path_is_inside(f[2]);
}

static bool read_link(struct index_read *s, char **f, struct index_record *r)
{
    r->path = f[1];
    r->target = f[2];
    return !s->in_file && decode(f[1]) && path_is_inside(f[1]) && decode(f[2]) && f[2][0] != '\0';
}

static bool read_file(struct index_read *s, char **f, struct index_record *r)
{
    bool before_1970 = f[3][0] == '-';
    uint64_t mtime;

    if (s->in_file || !read_mode(f[1], &r->mode) || !number(f[2], 10, INT64_MAX, &r->size) ||
        !number(f[3] + before_1970, 10, INT64_MAX, &mtime) || (before_1970 && mtime == 0) || !decode(f[4]) ||
        !path_is_inside(f[4]) || r->size > UINT64_MAX - s->bytes)
        return false;
    r->mtime = before_1970 ? -(int64_t) mtime : (int64_t) mtime;
    r->path = f[4];
    s->in_file = true;
    s->missing = r->size;
    s->files++;
    s->bytes += r->size;
    return true;
}

static bool read_chunk(struct index_read *s, char **f, struct index_record *r)
{
    struct index_chunk *c = &r->chunk;

    if (!s->in_file || !number32(f[1], &c->length) || !hex_field(f[2], c->sha256, SHA256_BYTES) ||
        !number32(f[3], &c->source) || c->source >= s->sources || !number32(f[4], &c->pack) ||
        c->pack > LAYOUT_PACK_MAX || !number32(f[5], &c->frame) || c->frame >= FRAME_COUNT_MAX || !number(f[6], 10, INT64_MAX, &c->offset) ||
        !number32(f[7], &c->stored) || c->length == 0 || c->length > s->missing || c->stored == 0)
        return false;
    s->missing -= c->length;
    s->chunks++;
    return true;
}

static bool read_zeros(struct index_read *s, char **f, struct index_record *r)
{
    if (!s->in_file || !number(f[1], 10, INT64_MAX, &r->size) || r->size == 0 || r->size > s->missing)
        return false;
    s->missing -= r->size;
    return true;
}

static bool read_file_end(struct index_read *s, char **f, struct index_record *r)
{
    uint8_t crc[4];

    if (!s->in_file || s->missing != 0 || !hex_field(f[1], crc, sizeof(crc)))
        return false;
    r->crc32c = (uint32_t) crc[0] << 24 | (uint32_t) crc[1] << 16 | (uint32_t) crc[2] << 8 | crc[3];
    s->in_file = false;
    return true;
}

static bool read_end(struct index_read *s, char **f, struct index_record *r)
{
    s->ended = true;
    return !s->in_file && number(f[1], 10, UINT64_MAX, &r->files) &&
           number(f[2], 10, UINT64_MAX, &r->chunks) && number(f[3], 10, UINT64_MAX, &r->size) &&
           r->files == s->files && r->chunks == s->chunks && r->size == s->bytes;
}

static const struct row {
    char letter;
    enum index_type type;
    int fields; /* with the letter */
    bool (*read)(struct index_read *s, char **fields, struct index_record *r);
} rows[] = {
    {'S', INDEX_SOURCE, 3, read_source},
    {'T', INDEX_TABLESPACE, 3, read_tablespace},
    {'D', INDEX_DIRECTORY, 3, read_directory},
    {'L', INDEX_LINK, 3, read_link},
    {'F', INDEX_FILE, 5, read_file},
    {'C', INDEX_CHUNK, 8, read_chunk},
    {'Z', INDEX_ZEROS, 2, read_zeros},
    {'X', INDEX_FILE_END, 2, read_file_end},
    {'E', INDEX_END, 4, read_end},
};

static enum err_code corrupt(const struct index_read *s, struct err *e)
{
    return err_set(e, ERR_CORRUPT, "backup index, line %" PRIu64 ", is not of its form", s->line_no);
}

static enum err_code first_line(struct index_read *s, const char *line, struct err *e)
{
    const char *id = line + strlen(FIRST_LINE);

    if (strncmp(line, FIRST_LINE, strlen(FIRST_LINE)) != 0)
        return err_set(e, ERR_CORRUPT, "not a backup index of a version this program knows");
    if (!backup_id_is_valid(id) || (s->id[0] != '\0' && strcmp(id, s->id) != 0))
        return err_set(e, ERR_CORRUPT, "the index is that of another backup, \"%.32s\"", id);
    memcpy(s->id, id, BACKUP_ID_MAX);
    return ERR_OK;
}

static int split(char *line, char **fields)
{
    int count = 0;

    while (count < MAX_FIELDS) {
        fields[count++] = line;
        line = strchr(line, '\t');
        if (line == NULL)
            return count;
        *line++ = '\0';
    }
    return MAX_FIELDS + 1;
}

static enum err_code record_line(struct index_read *s, char *line, struct err *e)
{
    char *fields[MAX_FIELDS];
    int count = split(line, fields);
    struct index_record r = {0};

    if (s->ended || strlen(fields[0]) != 1)
        return corrupt(s, e);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].letter == fields[0][0]) {
            r.type = rows[i].type;
            if (count != rows[i].fields || !rows[i].read(s, fields, &r))
                return corrupt(s, e);
            return s->visit(&r, s->arg, e);
        }
    return corrupt(s, e);
}

static enum err_code whole_line(struct index_read *s, struct err *e)
{
    char *line = (char *) (uintptr_t) buf_cstr(&s->line);

    s->line_no++;
    if (memchr(line, '\0', s->line.len) != NULL)
        return corrupt(s, e);
    return s->line_no == 1 ? first_line(s, line, e) : record_line(s, line, e);
}

static enum err_code index_read_write(struct sink *sink, const void *bytes, size_t len, struct err *e)
{
    struct index_read *s = (struct index_read *) sink;
    const char *at = bytes;

    while (len > 0) {
        const char *newline = memchr(at, '\n', len);
        size_t part = newline != NULL ? (size_t) (newline - at) : len;

        if (buf_append(&s->line, at, part, e) != ERR_OK)
            return err_while(e, "backup index, line %" PRIu64, s->line_no + 1);
        if (newline == NULL)
            return ERR_OK;
        if (whole_line(s, e) != ERR_OK)
            return e->code;
        buf_reset(&s->line);
        at += part + 1;
        len -= part + 1;
    }
    return ERR_OK;
}

static enum err_code index_read_finish(struct sink *sink, struct err *e)
{
    struct index_read *s = (struct index_read *) sink;

    if (!s->ended || s->line.len > 0)
        return err_set(e, ERR_CORRUPT, "backup index ends after line %" PRIu64 ", before its end",
                       s->line_no);
    return ERR_OK;
}

static void index_read_free(struct sink *sink)
{
    struct index_read *s = (struct index_read *) sink;

    buf_clear(&s->line);
    free(s);
}

static const struct sink_ops index_read_ops = {index_read_write, index_read_finish, index_read_free};

enum err_code index_read_sink_new(const char *backup_id, index_visit *visit, void *arg, struct sink **out,
                                  struct err *e)
{
    struct index_read *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return err_nomem(e, "an index reader");
    s->base.ops = &index_read_ops;
    s->visit = visit;
    s->arg = arg;
    buf_init(&s->line, INDEX_LINE_MAX);
    if (backup_id != NULL)
        (void) snprintf(s->id, sizeof(s->id), "%s", backup_id);
    *out = &s->base;
    return ERR_OK;
}
