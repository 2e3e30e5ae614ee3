/*
 * repo/backup_list.c - see repo/backup_list.h.
 */
#include "repo/backup_list.h"

#include <stdlib.h>
#include <string.h>

struct id_listing {
    char (*ids)[BACKUP_ID_MAX];
    size_t count;
    struct err e;
};

/* "…/backup/<ID>/"; anything else is not ours. */
static bool visit_backup(const struct store_object *obj, void *arg)
{
    struct id_listing *l = arg;
    char id[BACKUP_ID_MAX];
    char(*grown)[BACKUP_ID_MAX];

    if (!layout_dir_name(obj, id, sizeof(id)) || !backup_id_is_valid(id))
        return true;
    grown = realloc(l->ids, (l->count + 1) * sizeof(*grown));
    if (grown == NULL) {
        err_nomem(&l->e, "a list of backups");
        return false;
    }
    l->ids = grown;
    memcpy(grown[l->count++], id, BACKUP_ID_MAX);
    return true;
}

/*
 * One summary into the list, or, when it was had whole and can't be believed, among the damaged; when there is none
 * the attempt is unfinished. What the store could not answer properly is a failure of the whole.
 */
static enum err_code read_one(struct repo *r, const struct layout *l, const char *id, struct backup_list *out,
                              size_t *unfinished, struct err *e)
{
    CLEANUP(buf_clear) struct buf text = {0};
    struct err why = ERR_NONE;

    if (backup_info_get(r, l, id, &text, &why) == ERR_OK) {
        if (backup_info_take(&text, l, id, &out->list[out->count], &why) == ERR_OK) {
            out->count++;
        } else if (why.code == ERR_CORRUPT) {
            struct backup_damage *damage = &out->damaged[out->damaged_count++];

            memcpy(damage->id, id, BACKUP_ID_MAX);
            memcpy(damage->why, why.text, sizeof(damage->why));
            why.code = ERR_OK;
        }
    } else if (why.code == ERR_ABSENT) {
        (*unfinished)++;
        why.code = ERR_OK;
    }
    if (why.code != ERR_OK)
        *e = why;
    return why.code;
}

static enum err_code read_all(struct repo *r, const struct layout *l, const struct id_listing *ids,
                              struct backup_list *out, size_t *unfinished, struct err *e)
{
    out->list = calloc(ids->count + 1, sizeof(*out->list));
    out->damaged = calloc(ids->count + 1, sizeof(*out->damaged));
    if (out->list == NULL || out->damaged == NULL)
        return err_nomem(e, "a list of backups");
    for (size_t i = 0; i < ids->count; i++)
        if (read_one(r, l, ids->ids[i], out, unfinished, e) != ERR_OK)
            return e->code;
    return ERR_OK;
}

enum err_code backup_list_read(struct repo *r, const struct layout *l, struct backup_list *out,
                               size_t *unfinished, struct err *e)
{
    CLEANUP(backup_list_clear) struct backup_list found = {0};
    struct id_listing ids = {.e = ERR_NONE};
    char prefix[STORE_KEY_MAX + 1];
    struct store_listing what = {.prefix = prefix, .delimited = true};
    size_t dead = 0;
    enum err_code code;

    layout_backup_dir(l, prefix);
    code = store_list(r->store, &what, visit_backup, &ids, e);
    if (code == ERR_OK && ids.e.code != ERR_OK) {
        *e = ids.e;
        code = e->code;
    }
    if (code == ERR_OK)
        code = read_all(r, l, &ids, &found, &dead, e);
    free(ids.ids);
    if (code != ERR_OK)
        return code;
    if (unfinished != NULL)
        *unfinished = dead;
    *out = found;
    found = (struct backup_list){0};
    return ERR_OK;
}

void backup_list_clear(struct backup_list *b)
{
    for (size_t i = 0; i < b->count; i++)
        backup_info_clear(&b->list[i]);
    free(b->list);
    free(b->damaged);
    *b = (struct backup_list){0};
}
