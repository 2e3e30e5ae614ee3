/*
 * repo/backup_info.c - see repo/backup_info.h.
 */
#include "repo/backup_info.h"

#include "repo/backup_json.h"
#include "repo/object.h"
#include "stream/buf_sink.h"

#include <stdlib.h>
#include <string.h>

void backup_info_clear(struct backup_info *b)
{
    for (size_t i = 0; i < b->tablespace_count; i++)
        free(b->tablespaces[i].path);
    free(b->tablespaces);
    free(b->sources);
    free(b->label);
    free(b->preload_libraries);
    free(b->origin);
    *b = (struct backup_info){0};
}

/* The summary must be that of this backup of this line: a copied one must not pass for another. */
static enum err_code check_place(const struct backup_info *b, const struct layout *l, const char *id,
                                 const char *key, struct err *e)
{
    char line[LINE_TEXT_MAX];

    line_format(b->system_identifier, line);
    if (strcmp(b->id, id) != 0)
        return err_set(e, ERR_CORRUPT, "\"%s\" is the summary of another backup, \"%s\"", key, b->id);
    if (strcmp(line, l->line) != 0)
        return err_set(e, ERR_CORRUPT, "\"%s\" is the summary of a backup of another system identifier, %s",
                       key, line);
    return ERR_OK;
}

enum err_code backup_info_get(struct repo *r, const struct layout *l, const char *id, struct buf *text,
                              struct err *e)
{
    /* One byte more than allowed, so that too long a text is the reader's finding, not the transport's. */
    struct store_range front = {0, BACKUP_JSON_MAX + 1};
    CLEANUP(sink_freep) struct sink *to = NULL;
    char key[STORE_KEY_MAX + 1];

    layout_backup_json(l, id, key);
    buf_init(text, BACKUP_JSON_MAX + 1);
    if (buf_sink_new(text, &to, e) != ERR_OK)
        return e->code;
    return store_get(r->store, key, &front, to, NULL, e);
}

enum err_code backup_info_take(struct buf *text, const struct layout *l, const char *id,
                               struct backup_info *b, struct err *e)
{
    CLEANUP(backup_info_clear) struct backup_info read = {0};
    char key[STORE_KEY_MAX + 1];

    layout_backup_json(l, id, key);
    if (text->len > BACKUP_JSON_MAX)
        return err_set(e, ERR_CORRUPT, "\"%s\" is longer than %zu bytes", key, BACKUP_JSON_MAX);
    if (backup_json_parse(buf_cstr(text), text->len, &read, e) != ERR_OK)
        return err_while(e, "backup \"%s\"", id);
    if (check_place(&read, l, id, key, e) != ERR_OK)
        return e->code;
    *b = read;
    read = (struct backup_info){0};
    return ERR_OK;
}

enum err_code backup_info_read(struct repo *r, const struct layout *l, const char *id, struct backup_info *b,
                               struct err *e)
{
    CLEANUP(buf_clear) struct buf text = {0};

    if (backup_info_get(r, l, id, &text, e) != ERR_OK)
        return e->code;
    return backup_info_take(&text, l, id, b, e);
}

enum err_code backup_info_write(struct repo *r, const struct layout *l, const struct backup_info *b,
                                struct err *e)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(BACKUP_JSON_MAX);
    char key[STORE_KEY_MAX + 1];

    layout_backup_json(l, b->id, key);
    if (backup_json_format(b, &text, e) != ERR_OK)
        return e->code;
    return object_put_own(r, key, text.data, text.len, e);
}
