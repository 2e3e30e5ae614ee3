/*
 * repo/wal_crossing.c - see repo/wal_crossing.h.
 */
#include "repo/wal_crossing.h"

#include "base/hex.h"

#include <stdio.h>
#include <string.h>

void wal_crossing_format_cut(const struct walcut *c, char out[WALCUT_TEXT_MAX])
{
    if (c->len > 0)
        hex_format(c->bytes, c->len, out);
    else
        (void) snprintf(out, WALCUT_TEXT_MAX, "-");
}

bool wal_crossing_parse_cut(const char *text, struct walcut *out)
{
    struct walcut c = {0};
    const size_t len = strlen(text);
    struct err ignored = ERR_NONE;

    if (strcmp(text, "-") != 0) {
        if (len == 0 || len > 2 * (size_t) WALCUT_MAX ||
            hex_parse(text, c.bytes, len / 2, &ignored) != ERR_OK)
            return false;
        c.len = (uint8_t) (len / 2);
    }
    *out = c;
    return true;
}

void wal_crossing_format(const struct wal_crossing *c, char out[WAL_CROSSING_TEXT_MAX])
{
    char rest[WALCUT_TEXT_MAX], begun[WALCUT_TEXT_MAX];

    wal_crossing_format_cut(&c->rest, rest);
    wal_crossing_format_cut(&c->begun, begun);
    (void) snprintf(out, WAL_CROSSING_TEXT_MAX, "%s %s %d", rest, begun, c->is_rest);
}

bool wal_crossing_parse(const char *text, struct wal_crossing *out)
{
    char rest[WALCUT_TEXT_MAX], begun[WALCUT_TEXT_MAX], again[WAL_CROSSING_TEXT_MAX];
    char is_rest;
    struct wal_crossing c;

    if (sscanf(text, "%96[0-9a-f-] %96[0-9a-f-] %c", rest, begun, &is_rest) != 3 ||
        !wal_crossing_parse_cut(rest, &c.rest) || !wal_crossing_parse_cut(begun, &c.begun))
        return false;
    c.is_rest = is_rest == '1';
    wal_crossing_format(&c, again);
    if (strcmp(again, text) != 0)
        return false;
    *out = c;
    return true;
}
