/*
 * cli/config.c - see cli/config.h.
 *
 * inih splits the text; a reader of ours hands it the lines, since we must know what inih does not tell: the number
 * of each line, headings of sections without keys, and lines longer than its buffer, which it would take for two.
 * The reader also removes indentation, so that a line never continues the one before, and comments that begin with
 * '#' behind white space (inih knows those with ';'). The first error wins: after it nothing more is taken in.
 */
#include "cli/config.h"

#include "base/buf.h"
#include "cli/near.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG_BYTES_MAX (1u << 20)
#define CONFIG_LINE_MAX  8192

struct parser {
    const char *at;   /* rest of the text */
    const char *path; /* for messages and origins */
    unsigned line;
    struct config *out;
    struct config_section *section;
    struct err *e;
    bool failed;
};

PRINTF_LIKE(2, 3) static enum err_code fail(struct parser *p, const char *fmt, ...)
{
    char what[ERR_TEXT_MAX];
    va_list args;

    va_start(args, fmt);
    (void) vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    p->failed = true;
    return err_set(p->e, ERR_USAGE, "file \"%s\", line %u: %s", p->path, p->line, what);
}

/* ---- sections -------------------------------------------------------------------------------------------------- */

static bool name_is_valid(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";

    if (name[0] == '\0' || strchr(letters, name[0]) == NULL || strlen(name) >= CONFIG_NAME_MAX)
        return false;
    return name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-")] == '\0';
}

static enum err_code section_add(struct parser *p, enum option_section kind, const char *name)
{
    struct config *c = p->out;
    struct config_section **grown = reallocarray(c->sections, c->count + 1, sizeof(struct config_section *));

    p->failed = true; /* until it is done */
    if (grown == NULL)
        return err_nomem(p->e, "the configuration");
    c->sections = grown;
    c->sections[c->count] = calloc(1, sizeof(**c->sections));
    if (c->sections[c->count] == NULL)
        return err_nomem(p->e, "the configuration");
    p->section = c->sections[c->count++];
    p->section->kind = kind;
    p->section->line = p->line;
    memcpy(p->section->name, name, strlen(name) + 1);
    p->failed = false;
    return ERR_OK;
}

static void section_unknown(struct parser *p, const char *heading)
{
    struct near n;
    size_t word = strcspn(heading, " \t");

    fail(p, "unknown section [%.64s]", heading);
    near_init(&n, heading, word);
    near_offer(&n, "cluster");
    near_offer(&n, "repo");
    if (n.best != NULL)
        err_hint(p->e, "Did you mean [%s NAME]?", n.best);
    else
        err_hint(p->e, "%s", "Sections are [cluster NAME] and [repo NAME].");
}

/* heading: what stands between the brackets. */
static void section_open(struct parser *p, const char *heading)
{
    size_t word = strcspn(heading, " \t");
    const char *name = heading + word + strspn(heading + word, " \t");
    const struct config_section *before;
    enum option_section kind;

    if (word == 7 && memcmp(heading, "cluster", 7) == 0)
        kind = SECTION_CLUSTER;
    else if (word == 4 && memcmp(heading, "repo", 4) == 0)
        kind = SECTION_REPO;
    else {
        section_unknown(p, heading);
        return;
    }
    if (!name_is_valid(name)) {
        fail(p, "invalid name of a section: \"%.64s\"", name);
        err_hint(p->e, "%s",
                 "A name is made of lower-case letters, digits, \"-\" and \"_\", and begins with neither "
                 "\"-\" nor \"_\".");
        return;
    }
    before = config_at(p->out, kind, name);
    if (before != NULL) {
        fail(p, "section [%s] is there twice, first in line %u", heading, before->line);
        return;
    }
    section_add(p, kind, name);
}

/* ---- lines ----------------------------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Cut the comment and white space at both ends, in place. */
static void line_trim(char *line)
{
    size_t start = 0, len;

    while (is_blank(line[start]))
        start++;
    memmove(line, line + start, strlen(line + start) + 1);
    for (size_t i = 0; line[i] != '\0'; i++)
        if ((line[i] == '#' || line[i] == ';') && (i == 0 || is_blank(line[i - 1]))) {
            line[i] = '\0';
            break;
        }
    for (len = strlen(line); len > 0 && is_blank(line[len - 1]); len--)
        line[len - 1] = '\0';
}

/* A heading is noted here; inih sees it too and thinks the same. */
static void line_note_heading(struct parser *p, char *line)
{
    char *end = line[0] == '[' ? strchr(line, ']') : NULL;

    if (line[0] != '[')
        return;
    if (end == NULL || end[1] != '\0') {
        fail(p, "a section's heading must be [cluster NAME] or [repo NAME]");
        return;
    }
    *end = '\0';
    section_open(p, line + 1);
    *end = ']';
}

/* inih would go on and tell at the end: behind errors of later lines. */
static void line_check_form(struct parser *p, const char *line)
{
    if (line[0] == '\0' || line[0] == '[' || strpbrk(line, "=:") != NULL)
        return;
    fail(p, "neither a section's heading nor a setting");
    err_hint(p->e, "%s", "A setting is written as key = value.");
}

/* inih's fgets: the next line, trimmed, with its newline. */
static char *line_read(char *into, int size, void *stream)
{
    struct parser *p = stream;
    size_t len = strcspn(p->at, "\n");

    if (p->failed || *p->at == '\0')
        return NULL;
    p->line++;
    if (len + 3 > (size_t) size) {
        fail(p, "the line is too long");
        err_hint(p->e, "A line may have %d bytes.", size - 3);
        return NULL;
    }
    memcpy(into, p->at, len);
    into[len] = '\0';
    p->at += len + (p->at[len] == '\n');
    line_trim(into);
    line_note_heading(p, into);
    line_check_form(p, into);
    if (p->failed)
        return NULL;
    len = strlen(into);
    into[len] = '\n';
    into[len + 1] = '\0';
    return into;
}

static enum err_code key_unknown(struct parser *p, const char *key)
{
    enum option_section kind = p->section->kind;
    enum option_section other = kind == SECTION_REPO ? SECTION_CLUSTER : SECTION_REPO;
    const char *kind_name = kind == SECTION_REPO ? "repo" : "cluster";
    const char *near = option_near_key(kind, key);

    fail(p, "unknown key \"%.64s\" in section [%s %s]", key, kind_name, p->section->name);
    if (option_of_key(other, key) != OPTION_COUNT)
        return err_hint(p->e, "\"%s\" belongs into a [%s NAME] section.", key,
                        other == SECTION_REPO ? "repo" : "cluster");
    if (near != NULL)
        return err_hint(p->e, "Did you mean \"%s\"?", near);
    return ERR_USAGE;
}

/* inih's handler; 0 tells it of an error. */
static int key_take(void *user, const char *section, const char *key, const char *value)
{
    struct parser *p = user;
    enum option_id id;
    struct origin origin = {.kind = ORIGIN_FILE, .name = p->path, .line = p->line};

    (void) section; /* cut at 50 bytes; ours is whole */
    if (p->failed)
        return 0;
    if (p->section == NULL) {
        fail(p, "a setting stands before the first section");
        err_hint(p->e, "%s", "Put [cluster main] or [repo NAME] in front of it.");
        return 0;
    }
    id = option_of_key(p->section->kind, key);
    if (id == OPTION_COUNT) {
        key_unknown(p, key);
        return 0;
    }
    p->failed = settings_give(&p->section->settings, id, value, &origin, p->e) != ERR_OK;
    return p->failed ? 0 : 1;
}

enum err_code config_parse(const char *text, const char *path, struct config *out, struct err *e)
{
    static const char utf8_mark[] = "\xef\xbb\xbf";
    size_t skip = strncmp(text, utf8_mark, 3) == 0 ? 3 : 0;
    struct parser p = {.at = text + skip, .out = out, .e = e};
    int bad_line;

    *out = (struct config){.path = strdup(path)};
    if (out->path == NULL)
        return err_nomem(e, "the configuration");
    p.path = out->path;
#ifdef HAVE_INI_MAX_LINE
    ini_use_stack = false;
    ini_max_line = CONFIG_LINE_MAX;
    ini_initial_alloc = CONFIG_LINE_MAX;
#endif
    bad_line = ini_parse_stream(line_read, &p, key_take, &p);
    if (p.failed)
        return e->code;
    if (bad_line > 0) {
        p.line = (unsigned) bad_line;
        return fail(&p, "neither a section's heading nor a setting");
    }
    return bad_line < 0 ? err_nomem(e, "the configuration") : ERR_OK;
}

enum err_code config_read(const char *path, bool required, struct config *out, struct err *e)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(CONFIG_BYTES_MAX);

    *out = (struct config){.path = NULL};
    if (buf_read_file(&text, path, e) != ERR_OK) {
        if (e->sys_errno == ENOENT && !required) {
            *e = ERR_NONE;
            return ERR_OK;
        }
        e->code = ERR_USAGE;
        return err_while(e, "reading the configuration");
    }
    if (text.len != 0 && memchr(text.data, '\0', text.len) != NULL)
        return err_set(e, ERR_USAGE, "file \"%s\" is not a text: it contains a zero byte", path);
    return config_parse(buf_cstr(&text), path, out, e);
}

void config_clear(struct config *c)
{
    for (size_t i = 0; i < c->count; i++) {
        settings_clear(&c->sections[i]->settings);
        free(c->sections[i]);
    }
    free(c->sections);
    free(c->path);
    *c = (struct config){.path = NULL};
}

const struct config_section *config_at(const struct config *c, enum option_section kind, const char *name)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->sections[i]->kind == kind && strcmp(c->sections[i]->name, name) == 0)
            return c->sections[i];
    return NULL;
}

size_t config_count(const struct config *c, enum option_section kind)
{
    size_t count = 0;

    for (size_t i = 0; i < c->count; i++)
        count += c->sections[i]->kind == kind;
    return count;
}
