/*
 * base/grow.c - see base/grow.h.
 */
#include "base/grow.h"

#include <stdlib.h>
#include <string.h>

enum err_code grow(void *list, size_t count, size_t *room, size_t item, const char *what, struct err *e)
{
    size_t wanted = *room == 0 ? GROW_FIRST : *room * 2;
    void *items;

    if (count < *room)
        return ERR_OK;
    memcpy(&items, list, sizeof(items)); /* whatever it points to, a pointer is read as bytes */
    items = reallocarray(items, wanted, item);
    if (items == NULL)
        return err_nomem(e, what);
    memcpy(list, &items, sizeof(items));
    *room = wanted;
    return ERR_OK;
}
