/*
 * repo/line.c - see repo/line.h.
 *
 * Limit: two clusters that push for the first time at the very same moment under one name both get a line. Nothing of
 * theirs mixes, since everything lies below the line; `pitr list` shows both.
 */
#include "repo/line.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/timestamp.h"
#include "repo/json_text.h"
#include "repo/object.h"
#include "stream/buf_sink.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_JSON_MAX (64u << 10)
#define MAJOR_MAX     999

struct listing {
    struct line_list *lines;
    struct err *e;
};

static bool add_line(const struct store_object *obj, void *arg)
{
    struct listing *l = arg;
    char name[LINE_TEXT_MAX];
    uint64_t identifier;
    struct err ignored = ERR_NONE;
    char(*grown)[LINE_TEXT_MAX];

    if (!layout_dir_name(obj, name, sizeof(name)) || line_parse(name, &identifier, &ignored) != ERR_OK)
        return true;
    grown = realloc(l->lines->lines, (l->lines->count + 1) * sizeof(*grown));
    if (grown == NULL) {
        err_nomem(l->e, "a list of lines");
        return false;
    }
    l->lines->lines = grown;
    memcpy(grown[l->lines->count++], name, LINE_TEXT_MAX);
    return true;
}

enum err_code line_list(struct repo *r, const char *cluster, struct line_list *out, struct err *e)
{
    struct line_list found = {0};
    struct err inside = ERR_NONE;
    struct listing l = {&found, &inside};
    char prefix[CLUSTER_NAME_MAX + 1];
    struct store_listing what = {.prefix = prefix, .delimited = true};

    (void) snprintf(prefix, sizeof(prefix), "%s/", cluster);
    if (store_list(r->store, &what, add_line, &l, e) != ERR_OK || inside.code != ERR_OK) {
        if (inside.code != ERR_OK)
            *e = inside;
        line_list_clear(&found);
        return e->code;
    }
    *out = found;
    return ERR_OK;
}

void line_list_clear(struct line_list *l)
{
    free(l->lines);
    *l = (struct line_list){0};
}

/* The members of a line.json of our format version. */
static enum err_code read_members(json_t *root, const char *key, struct line_info *out, struct err *e)
{
    json_error_t why;
    json_int_t major;
    const char *identifier, *created;
    struct line_info info = {0};

    if (json_unpack_ex(root, &why, 0, "{s:s, s:I, s:s}", "system_identifier", &identifier, "postgresql",
                       &major, "created", &created) != 0)
        return err_set(e, ERR_CORRUPT, "\"%s\" is not of the form of a line: %s", key, why.text);
    if (major < 1 || major > MAJOR_MAX)
        return err_set(e, ERR_CORRUPT, "\"%s\" has impossible PostgreSQL version %" JSON_INTEGER_FORMAT, key,
                       major);
    if (line_parse(identifier, &info.system_identifier, e) != ERR_OK ||
        timestamp_parse_stored(created, &info.created_us, e) != ERR_OK) {
        e->code = ERR_CORRUPT;
        e->hint[0] = '\0'; /* meant for who types a time */
        return err_while(e, "\"%s\"", key);
    }
    info.major = (unsigned) major;
    *out = info;
    return ERR_OK;
}

static enum err_code parse(struct buf *text, const char *key, struct line_info *out, struct err *e)
{
    json_t *root;
    enum err_code code;

    if (json_text_parse(buf_cstr(text), text->len, key, &root, e) != ERR_OK)
        return e->code;
    code = read_members(root, key, out, e);
    json_decref(root);
    return code;
}

enum err_code line_read(struct repo *r, const struct layout *l, struct line_info *out, struct err *e)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(LINE_JSON_MAX);
    CLEANUP(sink_freep) struct sink *to = NULL;
    char key[STORE_KEY_MAX + 1], line[LINE_TEXT_MAX];
    struct line_info info;

    layout_line_json(l, key);
    if (buf_sink_new(&text, &to, e) != ERR_OK || store_get(r->store, key, NULL, to, NULL, e) != ERR_OK ||
        parse(&text, key, &info, e) != ERR_OK)
        return e->code;
    line_format(info.system_identifier, line);
    if (strcmp(line, l->line) != 0)
        return err_set(e, ERR_CORRUPT, "\"%s\" names another system identifier, %s", key, line);
    *out = info;
    return ERR_OK;
}

static enum err_code format(const struct layout *l, unsigned major, char **text, struct err *e)
{
    char when[TIMESTAMP_TEXT_MAX], origin[DESCRIPTOR_TEXT_MAX];
    json_t *root;

    timestamp_format(clock_now_us(&clock_system) / 1000000 * 1000000, when);
    object_origin(NULL, origin, sizeof(origin));
    root = json_pack("{s:i, s:s, s:s, s:I, s:s, s:s}", "format", LAYOUT_VERSION, "cluster", l->cluster,
                     "system_identifier", l->line, "postgresql", (json_int_t) major, "created", when,
                     "origin", origin);
    *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
    json_decref(root);
    return *text == NULL ? err_nomem(e, "JSON") : ERR_OK;
}

enum err_code line_create(struct repo *r, const struct layout *l, unsigned major, bool *created,
                          struct err *e)
{
    char key[STORE_KEY_MAX + 1];
    char *text = NULL;
    struct line_info there;
    struct err why = ERR_NONE;

    layout_line_json(l, key);
    if (format(l, major, &text, e) != ERR_OK)
        return e->code;
    (void) store_put(r->store, key, text, strlen(text), &why);
    free(text);
    *created = why.code == ERR_OK;
    if (why.code == ERR_OK)
        return ERR_OK;
    if (why.code != ERR_CONFLICT) {
        *e = why;
        return e->code;
    }
    if (line_read(r, l, &there, e) != ERR_OK)
        return e->code;
    if (there.major != major)
        return err_set(e, ERR_CONFLICT, "line %s of cluster \"%s\" was made for PostgreSQL %u, not %u",
                       l->line, l->cluster, there.major, major);
    return ERR_OK;
}

static enum err_code refuse_foreign(const struct repo *r, const struct layout *l, const char *other,
                                    struct err *e)
{
    uint64_t ours = 0, theirs = 0;
    struct err ignored = ERR_NONE;

    (void) line_parse(l->line, &ours, &ignored);
    (void) line_parse(other, &theirs, &ignored);
    err_set(e, ERR_REFUSED,
            "cluster \"%s\" in repository \"%s\" belongs to system identifier %" PRIu64
            ", but this is %" PRIu64,
            l->cluster, r->name, theirs, ours);
    return err_hint(e,
                    "Give this cluster a name of its own. If it is the same one made anew or upgraded, run "
                    "\"pitr init\" on it once.");
}

/*
 * The newest line that is not ours, or NULL. Ours may be there without line.json: a probe, or a line.json that was
 * lost.
 */
static const char *foreign_line(const struct line_list *there, const struct layout *l)
{
    for (size_t i = there->count; i > 0; i--)
        if (strcmp(there->lines[i - 1], l->line) != 0)
            return there->lines[i - 1];
    return NULL;
}

/* Our line.json is absent: if no other line has the cluster's name, it becomes ours. */
static enum err_code settle(struct repo *r, const struct layout *l, unsigned major, struct err *e)
{
    struct line_list there = {0};
    const char *other;
    bool created;
    enum err_code code;

    if (line_list(r, l->cluster, &there, e) != ERR_OK)
        return e->code;
    other = foreign_line(&there, l);
    code = other != NULL ? refuse_foreign(r, l, other, e) : line_create(r, l, major, &created, e);
    line_list_clear(&there);
    return code;
}

/*
 * A directory that had this line and has it no more is most likely an empty mount point: WAL written there would be
 * acknowledged, and out of sight as soon as the disk is back. A bucket has no such place.
 */
static enum err_code refuse_vanished(const struct repo *r, const struct layout *l, struct err *e)
{
    err_set(e, ERR_UNREACHABLE,
            "repository \"%s\" has lost cluster \"%s\" with system identifier %s: is it mounted?", r->name,
            l->cluster, l->line);
    return err_hint(
        e, "Mount the disk it lies on. If it was emptied on purpose, run \"pitr init\" and take a backup.");
}

enum err_code line_admit(struct repo *r, const struct layout *l, unsigned major, struct spool *s,
                         struct err *e)
{
    bool is_known = spool_knows_line(s, repo_place(r), l->line);
    struct line_info info;
    struct err why = ERR_NONE;

    if (is_known && !r->store->is_local)
        return ERR_OK;
    switch (line_read(r, l, &info, &why)) {
    case ERR_OK:
        break;
    case ERR_ABSENT:
        if (r->store->is_local && spool_knew_line(s, repo_place(r), l->line))
            return refuse_vanished(r, l, e);
        if (settle(r, l, major, e) != ERR_OK)
            return e->code;
        break;
    default:
        *e = why;
        return e->code;
    }
    if (!is_known)
        spool_learn_line(s, repo_place(r), l->line);
    return ERR_OK;
}

enum err_code line_confirm(struct repo *r, const struct layout *l, struct err *e)
{
    struct line_info info;

    if (line_read(r, l, &info, e) == ERR_OK)
        return ERR_OK;
    if (e->code != ERR_ABSENT)
        return e->code;
    err_set(e, ERR_REFUSED, "repository \"%s\" has nothing of cluster \"%s\" with system identifier %s",
            r->name, l->cluster, l->line);
    return err_hint(e, "Check the repository's url and the cluster's name; a directory may not be mounted.");
}
