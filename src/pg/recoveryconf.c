/*
 * pg/recoveryconf.c - see pg/recoveryconf.h.
 *
 * A configuration file is read line by line, since no token holds a newline:
 *   line     [blanks] [name [blanks] ["=" [blanks]] value] [blanks] ["#" comment]
 *   name     letter or _ or a byte above 127, then these and digits; case does not matter
 *   value    '…' with '' and backslash escapes, or a bare word or number
 * A name that runs on with one of . - : / is another token (a qualified name, or an error): not one of
 * ours. A line to strip is known by its name alone, so the value's form does not matter.
 */
#include "pg/recoveryconf.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define LINE_BLANKS " \t\r"
#define NAME_FIRST  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
#define NAME_REST   NAME_FIRST "0123456789"
/* Characters that mean nothing to a shell; "=" and a bare first word have their own rule. */
#define SHELL_PLAIN NAME_REST "./:@,+-="

#define TARGET_PREFIX "recovery_target"

static const char *const stale_names[] = {
    "archive_cleanup_command", "primary_conninfo", "primary_slot_name",        "promote_trigger_file",
    "recovery_end_command",    "restore_command",  "recovery_min_apply_delay",
};

static bool name_is(const char *name, size_t len, const char *wanted)
{
    return strlen(wanted) == len && strncasecmp(name, wanted, len) == 0;
}

/* Does this line, which ends at a newline or NUL, set a stale parameter? */
static bool line_is_stale(const char *line)
{
    const char *name = line + strspn(line, LINE_BLANKS);
    size_t len = strspn(name, NAME_REST);
    unsigned char next = (unsigned char) name[len];

    if (next >= 0x80 || (next != '\0' && strchr(".-:/", next) != NULL))
        return false;
    if (len >= strlen(TARGET_PREFIX) && strncasecmp(name, TARGET_PREFIX, strlen(TARGET_PREFIX)) == 0)
        return true;
    for (size_t i = 0; i < sizeof(stale_names) / sizeof(stale_names[0]); i++)
        if (name_is(name, len, stale_names[i]))
            return true;
    return false;
}

/* Copy what is to stay of a text that is NUL-terminated and holds no other NUL. */
static enum err_code lines_copy(const char *text, struct buf *out, struct err *e)
{
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        size_t with_newline = text[len] == '\n' ? len + 1 : len;

        if (!line_is_stale(text) &&
            (buf_append(out, text, len, e) != ERR_OK || buf_puts(out, "\n", e) != ERR_OK))
            return e->code;
        text += with_newline;
    }
    return ERR_OK;
}

enum err_code recoveryconf_strip(const char *text, size_t len, struct buf *out, struct err *e)
{
    CLEANUP(buf_clear) struct buf copy = BUF_INIT(len);
    size_t before = out->len;

    if (len > 0 && memchr(text, '\0', len) != NULL)
        return err_set(e, ERR_CORRUPT, "configuration file contains a NUL byte");
    if (buf_append(&copy, text, len, e) != ERR_OK)
        return e->code;
    if (lines_copy(buf_cstr(&copy), out, e) != ERR_OK) {
        out->len = before;
        return e->code;
    }
    return ERR_OK;
}

/* A plain or a once qualified name. */
static bool name_is_valid(const char *name)
{
    size_t len = strspn(name, NAME_REST);

    if (len == 0 || strchr(NAME_FIRST, name[0]) == NULL)
        return false;
    return name[len] == '\0' ||
           (name[len] == '.' && strchr(name + len + 1, '.') == NULL && name_is_valid(name + len + 1));
}

/* Append text with each character of `special` replaced by `instead` (the one at the same place). */
static enum err_code replaced_append(struct buf *out, const char *text, const char *special,
                                     const char *const *instead, struct err *e)
{
    while (*text != '\0') {
        size_t len = strcspn(text, special);

        if (buf_append(out, text, len, e) != ERR_OK)
            return e->code;
        text += len;
        if (*text != '\0' && buf_puts(out, instead[strchr(special, *text++) - special], e) != ERR_OK)
            return e->code;
    }
    return ERR_OK;
}

enum err_code recoveryconf_set(struct buf *out, const char *name, const char *value, struct err *e)
{
    static const char *const in_file[] = {"''", "\\\\"};
    size_t before = out->len;

    if (!name_is_valid(name))
        return err_set(e, ERR_USAGE, "\"%.100s\" is not the name of a configuration parameter", name);
    if (strchr(value, '\n') != NULL)
        return err_set(e, ERR_USAGE, "value of parameter \"%.100s\" must not contain a newline", name);
    if (buf_printf(out, e, "%s = '", name) != ERR_OK ||
        replaced_append(out, value, "'\\", in_file, e) != ERR_OK || buf_puts(out, "'\n", e) != ERR_OK) {
        out->len = before;
        return e->code;
    }
    return ERR_OK;
}

enum err_code recoveryconf_comment(struct buf *out, const char *text, struct err *e)
{
    static const char *const next_line[] = {"\n# "};
    size_t before = out->len;

    if (buf_puts(out, "# ", e) != ERR_OK || replaced_append(out, text, "\n", next_line, e) != ERR_OK ||
        buf_puts(out, "\n", e) != ERR_OK) {
        out->len = before;
        return e->code;
    }
    return ERR_OK;
}

/*
 * May the shell have this word without quotes? The first word of a command must begin with a slash for
 * that: others may be an assignment ("a=b") or a keyword ("time").
 */
static bool word_is_plain(const char *word, bool is_first)
{
    return *word != '\0' && word[strspn(word, SHELL_PLAIN)] == '\0' && (!is_first || *word == '/');
}

enum err_code recoveryconf_shell_word(struct buf *out, const char *word, struct err *e)
{
    static const char *const in_quotes[] = {"'\\''", "%%"};
    bool is_first = out->len == 0;
    const char *quote = word_is_plain(word, is_first) ? "" : "'";
    size_t before = out->len;

    if (buf_printf(out, e, "%s%s", is_first ? "" : " ", quote) != ERR_OK ||
        replaced_append(out, word, "'%", in_quotes, e) != ERR_OK || buf_puts(out, quote, e) != ERR_OK) {
        out->len = before;
        return e->code;
    }
    return ERR_OK;
}
