/*
 * repo/backup_list.h - the backups of a line: those that can be restored, and those whose summary is damaged.
 */
#pragma once
#include "base/err.h"
#include "repo/backup_info.h"
#include "repo/layout.h"
#include "repo/repo.h"
#include <stddef.h>

/* A backup.json that is there and can't be believed: damaged, another backup's, or of a newer format. */
struct backup_damage {
    char id[BACKUP_ID_MAX];
    char why[ERR_TEXT_MAX];
};

/*
 * A damaged summary does not hide the other backups: a restore from another one must remain possible. Who shows the
 * list shows the damaged ones too; who would delete must delete nothing while there is one, since it does not say any
 * more which packs of earlier backups it needs.
 */
struct backup_list {
    struct backup_info *list; /* ascending by id: by start time; owned */
    size_t count;
    struct backup_damage *damaged; /* ascending by id; owned */
    size_t damaged_count;
};

/*
 * All backups of a line: one delimited listing and one GET each. A directory without backup.json is an unfinished or
 * dead attempt and is left out; *unfinished (NULL allowed) counts them. A summary that can't be had (unreachable,
 * denied, a broken answer) fails the whole: what may be there again in a minute must not vanish from the list.
 */
enum err_code backup_list_read(struct repo *r, const struct layout *l, struct backup_list *out, size_t *unfinished,
                               struct err *e);
void backup_list_clear(struct backup_list *b);
