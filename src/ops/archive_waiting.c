/*
 * ops/archive_waiting.c - see ops/archive_waiting.h.
 *
 * Millions may wait behind an outage, so what is not among the first is forgotten at once: of what was read so far the
 * list keeps the first ones, at most twice as many as were asked for, and is cut back when it is full.
 */
#include "ops/archive_waiting.h"

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUFFIX ".ready"

static bool is_history(const char *name)
{
    return strchr(name, '.') != NULL && strcmp(strchr(name, '.'), ".history") == 0;
}

static int in_order(const void *left, const void *right)
{
    const char *a = left, *b = right;

    if (is_history(a) != is_history(b))
        return is_history(a) ? -1 : 1;
    return strcmp(a, b);
}

/* "NAME.ready" of a file that can be archived, other than except. */
static bool name_of(const char *entry, const char *except, char out[WALFILE_NAME_MAX])
{
    size_t len = strlen(entry), suffix = strlen(SUFFIX);
    struct walfile f;
    struct err ignored = ERR_NONE;

    if (len <= suffix || len - suffix >= WALFILE_NAME_MAX || strcmp(entry + len - suffix, SUFFIX) != 0)
        return false;
    memcpy(out, entry, len - suffix);
    out[len - suffix] = '\0';
    return strcmp(out, except) != 0 && walfile_parse(out, &f, &ignored) == ERR_OK;
}

static void keep_first(struct archive_waiting *w, size_t most)
{
    qsort(w->names, w->count, sizeof(*w->names), in_order);
    if (w->count > most)
        w->count = most;
}

static void gather(DIR *dir, const char *except, size_t most, struct archive_waiting *w)
{
    const struct dirent *entry;

    while ((entry = readdir(dir)) != NULL) {
        if (!name_of(entry->d_name, except, w->names[w->count]))
            continue;
        if (++w->count == 2 * most)
            keep_first(w, most);
    }
    keep_first(w, most);
}

enum err_code archive_waiting_list(const char *pg_wal, const char *except, size_t most,
                                   struct archive_waiting *out, struct err *e)
{
    char path[PATH_MAX];
    DIR *dir;

    *out = (struct archive_waiting){.names = NULL};
    if (most == 0 || snprintf(path, sizeof(path), "%s/archive_status", pg_wal) >= (int) sizeof(path) ||
        (dir = opendir(path)) == NULL)
        return ERR_OK;
    out->names = calloc(2 * most, sizeof(*out->names));
    if (out->names != NULL)
        gather(dir, except, most, out);
    (void) closedir(dir);
    return out->names != NULL ? ERR_OK : err_nomem(e, "a list of files");
}

void archive_waiting_clear(struct archive_waiting *w)
{
    free(w->names);
    *w = (struct archive_waiting){.names = NULL};
}
