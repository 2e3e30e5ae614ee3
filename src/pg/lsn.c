/*
 * pg/lsn.c - see pg/lsn.h. Two runs of one to eight hex digits around a slash, as pg_lsn's input function
 * takes them: either case, leading zeros allowed, nothing else.
 */
#include "pg/lsn.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#define HALF_DIGITS 8

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* One half; the place behind its last digit, or NULL when it has no digit or too many. */
static const char *half_parse(const char *text, uint64_t *half)
{
    uint64_t value = 0;
    int digits = 0;

    for (; digit_value(*text) >= 0; text++) {
        if (++digits > HALF_DIGITS)
            return NULL;
        value = value << 4 | (uint64_t) digit_value(*text);
    }
    *half = value;
    return digits > 0 ? text : NULL;
}

enum err_code lsn_parse(const char *text, lsn *out, struct err *e)
{
    uint64_t high = 0, low = 0;
    const char *at = half_parse(text, &high);
    bool whole = at != NULL && *at == '/' && (at = half_parse(at + 1, &low)) != NULL && *at == '\0';

    if (!whole)
        return err_set(e, ERR_CORRUPT, "invalid WAL position \"%.40s\"", text);
    *out = high << 32 | low;
    return ERR_OK;
}

void lsn_format(lsn position, char *out)
{
    (void) snprintf(out, LSN_TEXT_MAX, "%" PRIX32 "/%" PRIX32, (uint32_t) (position >> 32),
                    (uint32_t) position);
}
