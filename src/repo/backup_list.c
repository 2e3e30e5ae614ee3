/*
 * repo/backup_list.c - see repo/backup_list.h.
 */
#include "repo/backup_list.h"

#include <stdlib.h>
#include <string.h>

struct id_listing {
    struct backup_list *found;
    struct err e;
};

/* "…/backup/<ID>/"; anything else is not ours. */
static bool visit_backup(const struct store_object *obj, void *arg)
{
    struct id_listing *l = arg;
    struct backup_list *b = l->found;
    char id[BACKUP_ID_MAX];
    struct backup_id *grown;

    if (!layout_dir_name(obj, id, sizeof(id)) || !backup_id_is_valid(id))
        return true;
    grown = realloc(b->ids, (b->id_count + 1) * sizeof(*grown));
    if (grown == NULL) {
        err_nomem(&l->e, "a list of backups");
        return false;
    }
    b->ids = grown;
    grown[b->id_count].is_fetched = false;
    memcpy(grown[b->id_count++].id, id, BACKUP_ID_MAX);
    return true;
}

enum err_code backup_list_open(struct repo *r, const struct layout *l, struct backup_list *out, struct err *e)
{
    CLEANUP(backup_list_clear) struct backup_list found = {.count = 0};
    struct id_listing ids = {.found = &found, .e = ERR_NONE};
    char prefix[STORE_KEY_MAX + 1];
    struct store_listing what = {.prefix = prefix, .delimited = true};

    layout_backup_dir(l, prefix);
    if (store_list(r->store, &what, visit_backup, &ids, e) != ERR_OK)
        return e->code;
    if (ids.e.code != ERR_OK) {
        *e = ids.e;
        return e->code;
    }
    found.list = calloc(found.id_count + 1, sizeof(*found.list));
    found.damaged = calloc(found.id_count + 1, sizeof(*found.damaged));
    if (found.list == NULL || found.damaged == NULL)
        return err_nomem(e, "a list of backups");
    *out = found;
    found = (struct backup_list){.count = 0};
    return ERR_OK;
}

static void add(struct backup_list *b, const struct backup_info *info)
{
    size_t at = b->count;

    while (at > 0 && strcmp(b->list[at - 1].id, info->id) > 0)
        at--;
    memmove(&b->list[at + 1], &b->list[at], (b->count - at) * sizeof(*b->list));
    b->list[at] = *info;
    b->count++;
}

static void add_damaged(struct backup_list *b, const char *id, const char *why)
{
    size_t at = b->damaged_count;

    while (at > 0 && strcmp(b->damaged[at - 1].id, id) > 0)
        at--;
    memmove(&b->damaged[at + 1], &b->damaged[at], (b->damaged_count - at) * sizeof(*b->damaged));
    memcpy(b->damaged[at].id, id, BACKUP_ID_MAX);
    memcpy(b->damaged[at].why, why, sizeof(b->damaged[at].why));
    b->damaged_count++;
}

/*
 * One summary into the list, or, when it was had whole and can't be believed, among the damaged; when there is none
 * the attempt is unfinished. What the store could not answer properly is a failure.
 */
enum err_code backup_list_fetch(struct repo *r, const struct layout *l, size_t i, struct backup_list *b,
                                struct err *e)
{
    CLEANUP(buf_clear) struct buf text = {0};
    struct backup_info info = {.label = NULL};
    const char *id = b->ids[i].id;
    struct err why = ERR_NONE;

    if (b->ids[i].is_fetched)
        return ERR_OK;
    if (backup_info_get(r, l, id, &text, &why) == ERR_OK) {
        if (backup_info_take(&text, l, id, &info, &why) == ERR_OK) {
            add(b, &info);
        } else if (why.code == ERR_CORRUPT) {
            add_damaged(b, id, why.text);
            why.code = ERR_OK;
        }
    } else if (why.code == ERR_ABSENT) {
        b->unfinished++;
        why.code = ERR_OK;
    }
    b->ids[i].is_fetched = why.code == ERR_OK;
    if (why.code != ERR_OK)
        *e = why;
    return why.code;
}

enum err_code backup_list_fetch_newest(struct repo *r, const struct layout *l, struct backup_list *b,
                                       bool *any, struct err *e)
{
    for (size_t i = b->id_count; i > 0 && b->count == 0; i--)
        if (backup_list_fetch(r, l, i - 1, b, e) != ERR_OK)
            return e->code;
    *any = b->count > 0;
    return ERR_OK;
}

enum err_code backup_list_read(struct repo *r, const struct layout *l, struct backup_list *out,
                               size_t *unfinished, struct err *e)
{
    CLEANUP(backup_list_clear) struct backup_list found = {.count = 0};

    if (backup_list_open(r, l, &found, e) != ERR_OK)
        return e->code;
    for (size_t i = 0; i < found.id_count; i++)
        if (backup_list_fetch(r, l, i, &found, e) != ERR_OK)
            return e->code;
    if (unfinished != NULL)
        *unfinished = found.unfinished;
    *out = found;
    found = (struct backup_list){.count = 0};
    return ERR_OK;
}

void backup_list_clear(struct backup_list *b)
{
    for (size_t i = 0; i < b->count; i++)
        backup_info_clear(&b->list[i]);
    free(b->list);
    free(b->damaged);
    free(b->ids);
    *b = (struct backup_list){.count = 0};
}
