/*
 * ops/plan_repo.c - see ops/plan_repo.h.
 */
#include "ops/plan_repo.h"

#include <string.h>

/* Has the line this backup, or any? backups: opened, and kept when it has. */
static enum err_code has_backup(struct repo *r, const struct layout *l, const char *id,
                                struct backup_list *backups, bool *found, struct err *e)
{
    backup_list_clear(backups);
    if (backup_list_open(r, l, backups, e) != ERR_OK)
        return e->code;
    if (id == NULL)
        return backup_list_fetch_newest(r, l, backups, found, e);
    for (size_t i = 0; i < backups->id_count; i++)
        if (strcmp(backups->ids[i].id, id) == 0 && backup_list_fetch(r, l, i, backups, e) != ERR_OK)
            return e->code;
    *found = backups->count > 0;
    return ERR_OK;
}

enum err_code plan_repo_choose_line(struct cluster *c, struct repo *r, const char *backup_id,
                                    struct planned *p, struct layout *out, struct err *e)
{
    struct line_list *lines = &p->lines;
    bool found = false;

    if (line_list(r, c->name, lines, e) != ERR_OK)
        return e->code;
    if (lines->count == 0)
        return err_set(e, ERR_REFUSED, "repository \"%s\" has nothing of cluster \"%s\"", r->name, c->name);
    for (size_t i = lines->count; i > 0 && !found; i--) {
        uint64_t identifier;

        if (line_parse(lines->lines[i - 1], &identifier, e) != ERR_OK ||
            layout_init(out, c->name, identifier, e) != ERR_OK ||
            has_backup(r, out, backup_id, &p->backups, &found, e) != ERR_OK)
            return e->code;
    }
    return ERR_OK;
}

/* What is refused in the newest line may be possible in another one: before an upgrade, say. */
static void hint_lines(const struct line_list *lines, const struct layout *l, struct err *e)
{
    char before[ERR_HINT_MAX];

    memcpy(before, e->hint, sizeof(before));
    (void) err_hint(
        e,
        "%.250s%sOnly line %s was looked at, of the cluster's %zu: \"pitr list\" shows them, and --backup "
        "ID plans on that backup's line.",
        before, before[0] == '\0' ? "" : " ", l->line, lines->count);
}

enum err_code plan_repo(struct cluster *c, struct repo *r, const struct target *t, struct planned *out,
                        struct err *e)
{
    struct layout layout;

    if (plan_repo_choose_line(c, r, t->backup_id, out, &layout, e) != ERR_OK)
        return e->code;
    if (ops_plan_line(r, &layout, t, out, e) == ERR_OK)
        return ERR_OK;
    if (e->code == ERR_REFUSED && t->backup_id == NULL && out->lines.count > 1)
        hint_lines(&out->lines, &layout, e);
    return e->code;
}
