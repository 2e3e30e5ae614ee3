/*
 * cli/tablespace_options.c - see cli/tablespace_options.h.
 */
#include "cli/tablespace_options.h"

#include <stdlib.h>
#include <string.h>

/* Split at the only "=" that is not written "\=", and take the backslashes away. Both halves lie in `copy`. */
static bool split(const char *text, char *copy, const char **old_path, const char **new_path)
{
    char *to = copy;

    *old_path = copy;
    *new_path = NULL;
    for (; *text != '\0'; text++) {
        if (*text == '=' && *new_path != NULL)
            return false;
        if (*text == '=') {
            *to++ = '\0';
            *new_path = to;
            continue;
        }
        text += text[0] == '\\' && text[1] == '=';
        *to++ = *text;
    }
    *to = '\0';
    return *new_path != NULL && **old_path == '/' && **new_path == '/';
}

enum err_code tablespaces_from_setting(const struct setting *s, struct tablespace_mappings *out,
                                       struct err *e)
{
    CLEANUP(tablespaces_clear) struct tablespace_mappings m = {calloc(s->item_count + 1, sizeof(*m.list)), 0};

    if (m.list == NULL)
        return err_nomem(e, "a list of tablespaces");
    for (size_t i = 0; i < s->item_count; i++) {
        struct tablespace_mapping *to = &m.list[m.count];
        char *copy = malloc(strlen(s->items[i]) + 1);

        if (copy == NULL)
            return err_nomem(e, "a path");
        to->old_path = copy;
        m.count++;
        if (split(s->items[i], copy, &to->old_path, &to->new_path))
            continue;
        err_set(e, ERR_USAGE, "option --tablespace: invalid value \"%s\"", s->items[i]);
        return err_hint(e, "%s",
                        "Write OLD=NEW, two absolute paths; an equals sign of a path is written \\=.");
    }
    *out = m;
    m = (struct tablespace_mappings){0};
    return ERR_OK;
}

void tablespaces_clear(struct tablespace_mappings *m)
{
    for (size_t i = 0; i < m->count; i++)
        free((char *) m->list[i].old_path); /* the other half lies behind it */
    free(m->list);
    *m = (struct tablespace_mappings){0};
}
