/*
 * base/grow.h - room for one more item in a list that doubles when it is full.
 */
#pragma once
#include "base/err.h"
#include <stddef.h>

#define GROW_FIRST 64 /* items there is room for at first */

/*
 * Make room behind count items of `item` bytes each.
 *   list  a pointer to the pointer, which moves; the items stay
 *   room  items there is room for; 0 for a list that is NULL
 *   what  the list, for the error
 * Fails with ERR_IO, and leaves the list as it is.
 */
enum err_code grow(void *list, size_t count, size_t *room, size_t item, const char *what, struct err *e);
