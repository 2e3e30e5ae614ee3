/*
 * repo/record_text.c - see repo/record_text.h.
 *
 * Reading collects one line, splits it at tabs into at most RECORD_FIELDS_MAX fields, and hands them to the form.
 */
#include "repo/record_text.h"

#include "base/hex.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- texts and numbers ---- */

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
bool record_decode(char *text)
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

/* Digits of base 8 or 10 and nothing else, no leading zero, within max. */
bool record_number(const char *field, int base, uint64_t max, uint64_t *out)
{
    size_t digits = strspn(field, base == 8 ? "01234567" : "0123456789");

    if (digits == 0 || field[digits] != '\0' || (field[0] == '0' && digits > 1))
        return false;
    errno = 0;
    *out = strtoull(field, NULL, base);
    return errno == 0 && *out <= max;
}

/* Exactly len bytes as lower-case digits, the only form we write. */
bool record_hex(const char *field, void *bytes, size_t len)
{
    struct err ignored = ERR_NONE;

    return strspn(field, "0123456789abcdef") == 2 * len && hex_parse(field, bytes, len, &ignored) == ERR_OK;
}

bool record_number32(const char *field, uint32_t *out)
{
    uint64_t n;

    if (!record_number(field, 10, UINT32_MAX, &n))
        return false;
    *out = (uint32_t) n;
    return true;
}

/* ---- writing ---- */

enum err_code record_write_begin(struct sink *to, const char *first, const char *backup_id, struct err *e)
{
    char line[64];
    int len = snprintf(line, sizeof(line), "%s %s\n", first, backup_id);

    return sink_write(to, line, (size_t) len, e);
}

enum err_code record_write(struct sink *to, const char *front, const char *const *texts, size_t count,
                           struct err *e)
{
    char line[RECORD_LINE_MAX];
    size_t at = strlen(front);

    memcpy(line, front, at);
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(texts[i]);

        if (len > RECORD_TEXT_MAX || 3 * len + 3 > sizeof(line) - at) /* tab, newline and NUL */
            return err_set(e, ERR_CORRUPT, "name \"%.64s…\" is too long", texts[i]);
        line[at++] = '\t';
        encode(texts[i], line + at);
        at += strlen(line + at);
    }
    line[at++] = '\n';
    return sink_write(to, line, at, e);
}

/* ---- reading ---- */

enum err_code record_refuse(const struct record_text *t, struct err *e)
{
    return err_set(e, ERR_CORRUPT, "%s, line %" PRIu64 ", is not of its form", t->form->what, t->line_no);
}

static enum err_code first_line(struct record_text *t, const char *line, struct err *e)
{
    size_t len = strlen(t->form->first);
    const char *id = line + len + 1;

    if (strncmp(line, t->form->first, len) != 0 || line[len] != ' ')
        return err_set(e, ERR_CORRUPT, "not a %s of a version this program knows", t->form->what);
    if (!backup_id_is_valid(id) || (t->id[0] != '\0' && strcmp(id, t->id) != 0))
        return err_set(e, ERR_CORRUPT, "the %s is that of another backup, \"%.32s\"", t->form->what, id);
    memcpy(t->id, id, BACKUP_ID_MAX);
    return ERR_OK;
}

static int split(char *line, char **fields)
{
    int count = 0;

    while (count < RECORD_FIELDS_MAX) {
        fields[count++] = line;
        line = strchr(line, '\t');
        if (line == NULL)
            return count;
        *line++ = '\0';
    }
    return RECORD_FIELDS_MAX + 1;
}

static enum err_code whole_line(struct record_text *t, struct err *e)
{
    char *line = (char *) (uintptr_t) buf_cstr(&t->line);
    char *fields[RECORD_FIELDS_MAX];
    int count;

    t->line_no++;
    if (memchr(line, '\0', t->line.len) != NULL)
        return record_refuse(t, e);
    if (t->line_no == 1)
        return first_line(t, line, e);
    count = split(line, fields);
    if (t->ended || count > RECORD_FIELDS_MAX || strlen(fields[0]) != 1)
        return record_refuse(t, e);
    return t->form->take(t, fields, count, e);
}

static enum err_code record_text_write(struct sink *sink, const void *bytes, size_t len, struct err *e)
{
    struct record_text *t = (struct record_text *) sink;
    const char *at = bytes;

    while (len > 0) {
        const char *newline = memchr(at, '\n', len);
        size_t part = newline != NULL ? (size_t) (newline - at) : len;

        if (buf_append(&t->line, at, part, e) != ERR_OK)
            return err_while(e, "%s, line %" PRIu64, t->form->what, t->line_no + 1);
        if (newline == NULL)
            return ERR_OK;
        if (whole_line(t, e) != ERR_OK)
            return e->code;
        buf_reset(&t->line);
        at += part + 1;
        len -= part + 1;
    }
    return ERR_OK;
}

static enum err_code record_text_finish(struct sink *sink, struct err *e)
{
    struct record_text *t = (struct record_text *) sink;

    if (!t->ended || t->line.len > 0)
        return err_set(e, ERR_CORRUPT, "%s ends after line %" PRIu64 ", before its end", t->form->what,
                       t->line_no);
    return ERR_OK;
}

static void record_text_free(struct sink *sink)
{
    buf_clear(&((struct record_text *) sink)->line);
    free(sink);
}

static const struct sink_ops ops = {record_text_write, record_text_finish, record_text_free};

void record_text_init(struct record_text *t, const struct record_form *form, const char *id)
{
    *t = (struct record_text){.base.ops = &ops, .form = form, .line = BUF_INIT(RECORD_LINE_MAX)};
    if (id != NULL)
        (void) snprintf(t->id, sizeof(t->id), "%s", id);
}
