/*
 * short_memory.h - strdup that finds no memory on request, in the program that includes this: its own takes the place
 * of the library's everywhere.
 */
#pragma once
#include <stdlib.h>
#include <string.h>

static int strdups_left = -1; /* how many succeed from now on; -1 = all */

char *strdup(const char *text)
{
    char *copy = NULL;

    if (strdups_left != 0)
        copy = malloc(strlen(text) + 1);
    if (strdups_left > 0)
        strdups_left--;
    return copy == NULL ? NULL : memcpy(copy, text, strlen(text) + 1);
}
