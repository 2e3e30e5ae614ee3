/*
 * ops/archive_noted.c - see ops/archive_noted.h.
 */
#include "ops/archive_noted.h"

#include "base/log.h"
#include "ops/archive_push.h"
#include "repo/object.h"

#include <stdlib.h>
#include <string.h>

void archive_noted_places(const struct cluster *c, char out[AHEAD_PLACES_MAX])
{
    const char **places = calloc(c->repo_count, sizeof(*places));

    out[0] = '\0';
    for (size_t i = 0; places != NULL && i < c->repo_count; i++)
        places[i] = cluster_place(c, i);
    if (places != NULL)
        ahead_places(places, c->repo_count, out);
    free(places);
}

bool archive_noted_fits(const struct ahead_note *note, const struct archive_file *f)
{
    char line[LINE_TEXT_MAX];

    line_format(f->system_identifier, line);
    return strcmp(note->line, line) == 0 && note->has_facts == (f->file.kind == WALFILE_SEGMENT) &&
           (!note->has_facts || note->facts.first_lsn == f->page.address);
}

static void put_into_run(struct cluster *c, const struct archive_file *f, const struct wal_facts *facts)
{
    CLEANUP(archive_push_clear) struct archive_push push = ARCHIVE_PUSH_NONE;
    struct err why = ERR_NONE;

    if (cluster_connect(c, &why) != ERR_OK || archive_push_open(&push, c, f, &why) != ERR_OK)
        log_debug("%s, ignoring", why.text);
    else
        archive_push_noted(&push, facts);
}

static bool has_directory(const struct cluster *c)
{
    for (size_t i = 0; i < c->repo_count; i++)
        if (repo_place_is_directory(cluster_place(c, i)))
            return true;
    return false;
}

static bool is_in(struct repo *r, const struct layout *l, const struct archive_file *f)
{
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    char key[STORE_KEY_MAX + 1];
    struct err why = ERR_NONE;

    layout_wal_file(l, &f->file, key);
    if (object_descriptor(r, key, &d, &why) == ERR_OK)
        return true;
    log_debug("\"%s\" was archived ahead of its turn, but %s", f->name, why.text);
    return false;
}

/* In a directory it costs no request to look, and by now another disk may be mounted there, or none. */
static bool is_there(struct cluster *c, const struct archive_file *f)
{
    struct layout l;
    struct err ignored = ERR_NONE;

    if (!has_directory(c))
        return true;
    if (cluster_connect(c, &ignored) != ERR_OK ||
        layout_init(&l, c->name, f->system_identifier, &ignored) != ERR_OK)
        return false;
    for (size_t i = 0; i < c->repo_count; i++)
        if (repo_place_is_directory(cluster_place(c, i)) && !is_in(c->repos[i], &l, f))
            return false;
    return true;
}

bool archive_noted_take(struct cluster *c, const struct archive_file *f)
{
    char places[AHEAD_PLACES_MAX];
    struct ahead_note note;

    archive_noted_places(c, places);
    if (!ahead_take(c->spool, f->name, places, &f->stat, &note) || !archive_noted_fits(&note, f) ||
        !is_there(c, f))
        return false;
    if (note.is_beyond && note.has_facts)
        put_into_run(c, f, &note.facts);
    log_debug("\"%s\" was archived ahead of its turn", f->name);
    return true;
}
