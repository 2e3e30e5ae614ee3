/*
 * repo/backup_index.c - see repo/backup_index.h for the grammar.
 *
 * The row of the record table for its letter reads a line. State kept between lines: which sources are known, whether a
 * file is open, how many of its bytes are still to come, and the totals that the last line must repeat.
 */
#include "repo/backup_index.h"

#include "base/hex.h"
#include "codec/frame.h"
#include "repo/record_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_LINE  "pitr-index 1"
#define SOURCES_MAX 65536

enum err_code index_write_begin(struct sink *to, const char *backup_id, struct err *e)
{
    return record_write_begin(to, FIRST_LINE, backup_id, e);
}

static void chunk_front(const struct index_chunk *c, char *front, size_t size)
{
    char digest[2 * SHA256_BYTES + 1];

    hex_format(c->sha256, SHA256_BYTES, digest);
    (void) snprintf(front, size,
                    "C\t%" PRIu32 "\t%s\t%" PRIu32 "\t%" PRIu32 "\t%" PRIu32 "\t%" PRIu64 "\t%" PRIu32,
                    c->length, digest, c->source, c->pack, c->frame, c->offset, c->stored);
}

enum err_code index_write(struct sink *to, const struct index_record *r, struct err *e)
{
    char front[256] = "L";
    const char *const texts[] = {r->path, r->target};
    size_t count = 0;

    switch (r->type) {
    case INDEX_SOURCE:
        (void) snprintf(front, sizeof(front), "S\t%" PRIu32 "\t%s", r->number, r->id);
        break;
    case INDEX_TABLESPACE:
        (void) snprintf(front, sizeof(front), "T\t%" PRIu32, r->number);
        count = 1;
        break;
    case INDEX_DIRECTORY:
        (void) snprintf(front, sizeof(front), "D\t%o", (unsigned) r->mode);
        count = 1;
        break;
    case INDEX_LINK:
        count = 2;
        break;
    case INDEX_FILE:
        (void) snprintf(front, sizeof(front), "F\t%o\t%" PRIu64 "\t%" PRId64, (unsigned) r->mode, r->size,
                        r->mtime);
        count = 1;
        break;
    case INDEX_CHUNK:
        chunk_front(&r->chunk, front, sizeof(front));
        break;
    case INDEX_ZEROS:
        (void) snprintf(front, sizeof(front), "Z\t%" PRIu64, r->size);
        break;
    case INDEX_FILE_END:
        (void) snprintf(front, sizeof(front), "X\t%08" PRIx32, r->crc32c);
        break;
    case INDEX_END:
        (void) snprintf(front, sizeof(front), "E\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64, r->files, r->chunks,
                        r->size);
        break;
    }
    return record_write(to, front, texts, count, e);
}

struct index_read {
    struct record_text text;
    index_visit *visit;
    void *arg;
    uint32_t sources; /* sources seen: 0 .. sources-1 */
    bool in_file;
    uint64_t missing; /* bytes of the open file still to come */
    uint64_t files, chunks, bytes;
};

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

    if (!record_number(text, 8, 07777, &n))
        return false;
    *out = (mode_t) n;
    return true;
}

static bool read_source(struct index_read *s, char **f, struct index_record *r)
{
    if (s->in_file || !record_number32(f[1], &r->number) || r->number != s->sources ||
        r->number >= SOURCES_MAX || !backup_id_is_valid(f[2]) ||
        (r->number == 0 && strcmp(f[2], s->text.id) != 0))
        return false;
    r->id = f[2];
    s->sources++;
    return true;
}

static bool read_tablespace(struct index_read *s, char **f, struct index_record *r)
{
    r->path = f[2];
    return !s->in_file && record_number32(f[1], &r->number) && r->number > 0 && record_decode(f[2]) &&
           f[2][0] != '\0';
}

static bool read_directory(struct index_read *s, char **f, struct index_record *r)
{
    r->path = f[2];
    return !s->in_file && read_mode(f[1], &r->mode) && record_decode(f[2]) && path_is_inside(f[2]);
}

static bool read_link(struct index_read *s, char **f, struct index_record *r)
{
    r->path = f[1];
    r->target = f[2];
    return !s->in_file && record_decode(f[1]) && path_is_inside(f[1]) && record_decode(f[2]) &&
           f[2][0] != '\0';
}

static bool read_file(struct index_read *s, char **f, struct index_record *r)
{
    bool before_1970 = f[3][0] == '-';
    uint64_t mtime;

    if (s->in_file || !read_mode(f[1], &r->mode) || !record_number(f[2], 10, INT64_MAX, &r->size) ||
        !record_number(f[3] + before_1970, 10, INT64_MAX, &mtime) || (before_1970 && mtime == 0) ||
        !record_decode(f[4]) || !path_is_inside(f[4]) || r->size > UINT64_MAX - s->bytes)
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

    if (!s->in_file || !record_number32(f[1], &c->length) || !record_hex(f[2], c->sha256, SHA256_BYTES) ||
        !record_number32(f[3], &c->source) || c->source >= s->sources || !record_number32(f[4], &c->pack) ||
        c->pack > LAYOUT_PACK_MAX || !record_number32(f[5], &c->frame) || c->frame >= FRAME_COUNT_MAX ||
        !record_number(f[6], 10, INT64_MAX, &c->offset) || !record_number32(f[7], &c->stored) ||
        c->length == 0 || c->length > s->missing || c->stored == 0)
        return false;
    s->missing -= c->length;
    s->chunks++;
    return true;
}

static bool read_zeros(struct index_read *s, char **f, struct index_record *r)
{
    if (!s->in_file || !record_number(f[1], 10, INT64_MAX, &r->size) || r->size == 0 || r->size > s->missing)
        return false;
    s->missing -= r->size;
    return true;
}

static bool read_file_end(struct index_read *s, char **f, struct index_record *r)
{
    uint8_t crc[4];

    if (!s->in_file || s->missing != 0 || !record_hex(f[1], crc, sizeof(crc)))
        return false;
    r->crc32c = (uint32_t) crc[0] << 24 | (uint32_t) crc[1] << 16 | (uint32_t) crc[2] << 8 | crc[3];
    s->in_file = false;
    return true;
}

static bool read_end(struct index_read *s, char **f, struct index_record *r)
{
    s->text.ended = true;
    return !s->in_file && record_number(f[1], 10, UINT64_MAX, &r->files) &&
           record_number(f[2], 10, UINT64_MAX, &r->chunks) && record_number(f[3], 10, UINT64_MAX, &r->size) &&
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

static enum err_code take(struct record_text *text, char **fields, int count, struct err *e)
{
    struct index_read *s = (struct index_read *) text;
    struct index_record r = {0};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].letter == fields[0][0]) {
            r.type = rows[i].type;
            if (count != rows[i].fields || !rows[i].read(s, fields, &r))
                return record_refuse(text, e);
            return s->visit(&r, s->arg, e);
        }
    return record_refuse(text, e);
}

static const struct record_form form = {"backup index", FIRST_LINE, take};

enum err_code index_read_sink_new(const char *backup_id, index_visit *visit, void *arg, struct sink **out,
                                  struct err *e)
{
    struct index_read *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return err_nomem(e, "an index reader");
    record_text_init(&s->text, &form, backup_id);
    s->visit = visit;
    s->arg = arg;
    *out = &s->text.base;
    return ERR_OK;
}
