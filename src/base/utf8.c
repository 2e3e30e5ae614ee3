/*
 * base/utf8.c - see base/utf8.h.
 *
 * The first byte tells how many follow and between which bounds the second one lies; the others are 80 to BF.
 */
#include "base/utf8.h"

#include <stddef.h>

struct form {
    unsigned char first_min, first_max, second_min, second_max;
    size_t len;
};

static const struct form forms[] = {
    {0x01, 0x7F, 0x00, 0x00, 1}, {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
    {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3},
    {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
};

/*
 * Bytes of the character that begins here; 0 when none does. The NUL at the end is in no bounds, so it ends every look.
 */
static size_t character(const unsigned char *at)
{
    const struct form *f = forms;

    while (f < forms + sizeof(forms) / sizeof(forms[0]) && *at > f->first_max)
        f++;
    if (f == forms + sizeof(forms) / sizeof(forms[0]) || *at < f->first_min)
        return 0;
    if (f->len > 1 && (at[1] < f->second_min || at[1] > f->second_max))
        return 0;
    for (size_t i = 2; i < f->len; i++)
        if (at[i] < 0x80 || at[i] > 0xBF)
            return 0;
    return f->len;
}

bool utf8_is_valid(const char *text)
{
    const unsigned char *at = (const unsigned char *) text;

    for (size_t len; *at != '\0'; at += len)
        if ((len = character(at)) == 0)
            return false;
    return true;
}
