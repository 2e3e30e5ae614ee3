/*
 * repo/backup_list.h - the backups of a line: those that can be restored, and those whose summary is damaged.
 */
#pragma once
#include "base/err.h"
#include "repo/backup_info.h"
#include "repo/layout.h"
#include "repo/repo.h"
#include <stdbool.h>
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
    size_t unfinished;     /* attempts without backup.json among those fetched */
    struct backup_id *ids; /* every backup and every attempt there is, ascending; owned */
    size_t id_count;
};

struct backup_id {
    char id[BACKUP_ID_MAX];
    bool is_fetched; /* its summary is in the list, or damaged, or is not there */
};

/* The ids alone, by one delimited listing: the list is empty yet. */
enum err_code backup_list_open(struct repo *r, const struct layout *l, struct backup_list *out,
                               struct err *e);

/*
 * Put the backup of ids[i] into its place in the list: one GET, none when that was done. What lies before it in the
 * list does not move. Errors as for backup_list_read.
 */
enum err_code backup_list_fetch(struct repo *r, const struct layout *l, size_t i, struct backup_list *b,
                                struct err *e);

/* Fetch from the newest on until one is in the list; *any is false when none can be. */
enum err_code backup_list_fetch_newest(struct repo *r, const struct layout *l, struct backup_list *b,
                                       bool *any, struct err *e);

/*
 * All backups of a line: one delimited listing and one GET each. A directory without backup.json is an unfinished or
 * dead attempt and is left out; *unfinished (NULL allowed) counts them. A summary that can't be had (unreachable,
 * denied, a broken answer) fails the whole: what may be there again in a minute must not vanish from the list.
 */
enum err_code backup_list_read(struct repo *r, const struct layout *l, struct backup_list *out,
                               size_t *unfinished, struct err *e);
void backup_list_clear(struct backup_list *b);
