/*
 * ops/wal_damage.c - see ops/wal_damage.h.
 */
#include "ops/wal_damage.h"

#include "pg/timeline.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#define PATH_BYTES 4096
#define SWITCH_TAIL_MOST \
    (WALRECORD_HEADER - WALRECORD_ALIGN) /* a switch record is a header, and begins aligned */

static void closedirp(DIR **dir)
{
    if (*dir != NULL)
        (void) closedir(*dir);
}

static bool is_switch_tail(const struct walscan *scan, const struct walpage *page)
{
    lsn end = walscan_end(scan);

    return end > page->address && end <= page->address + WALPAGE_LONG_HEADER + SWITCH_TAIL_MOST;
}

/* Does this history leave the timeline in this segment, at or before `end`? */
static bool leaves(const char *history, uint32_t history_tli, uint32_t tli, lsn begin, lsn end)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(TIMELINE_HISTORY_MAX);
    CLEANUP(timeline_clear) struct timeline_path path = {.count = 0};
    struct err ignored = ERR_NONE;

    if (buf_read_file(&text, history, &ignored) != ERR_OK ||
        timeline_parse(history_tli, buf_cstr(&text), &path, &ignored) != ERR_OK)
        return false;
    for (size_t i = 0; i < path.count; i++)
        if (path.entries[i].tli == tli)
            return path.entries[i].end >= begin && path.entries[i].end <= end;
    return false;
}

/* Does any history beside the segment? */
static bool is_fork(const char *path, uint32_t tli, lsn begin, lsn end)
{
    const char *slash = strrchr(path, '/');
    int front = slash != NULL ? (int) (slash - path) + 1 : 0;
    char name[PATH_BYTES];
    CLEANUP(closedirp) DIR *dir = NULL;
    const struct dirent *entry;

    if (snprintf(name, sizeof(name), "%.*s.", front, path) < (int) sizeof(name))
        dir = opendir(name);
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        struct walfile file;
        struct err ignored = ERR_NONE;

        if (walfile_parse(entry->d_name, &file, &ignored) == ERR_OK && file.kind == WALFILE_HISTORY &&
            snprintf(name, sizeof(name), "%.*s%s", front, path, entry->d_name) < (int) sizeof(name) &&
            leaves(name, file.tli, tli, begin, end))
            return true;
    }
    return false;
}

lsn wal_damage_at(const struct walscan *scan, const struct walfile *file, const struct walpage *page,
                  const char *path)
{
    if (file->kind != WALFILE_SEGMENT || !walscan_is_ended(scan) || is_switch_tail(scan, page) ||
        is_fork(path, file->tli, page->address, walscan_end(scan)))
        return 0;
    return walscan_end(scan);
}
