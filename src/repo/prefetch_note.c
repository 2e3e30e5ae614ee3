/*
 * repo/prefetch_note.c - see repo/prefetch_note.h.
 */
#include "repo/prefetch_note.h"

#include "codec/crc32c.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NOBODY      "000000000000000000000000"
#define SIGNED_TEXT (PREFETCH_NOTE_TEXT - 9) /* what the CRC is of: all before it, the blank too */

static void name_format(bool is_there, const struct walfile *f, char out[WALFILE_NAME_MAX])
{
    if (is_there)
        walfile_format(f, out);
    else
        (void) snprintf(out, WALFILE_NAME_MAX, "%s", NOBODY);
}

static int64_t printable(int64_t us)
{
    return us < 0 ? 0 : us;
}

void prefetch_note_format(const struct prefetch_note *n, char out[PREFETCH_NOTE_TEXT + 1])
{
    char given[WALFILE_NAME_MAX], asked[WALFILE_NAME_MAX];

    name_format(n->has_given, &n->given, given);
    name_format(n->has_asked, &n->asked, asked);
    (void) snprintf(out, PREFETCH_NOTE_TEXT + 1, "%.24s %.24s %020" PRId64 " %020" PRId64 " ", given, asked,
                    printable(n->given_us), printable(n->waited_us));
    (void) snprintf(out + SIGNED_TEXT, 10, "%08" PRIx32 "\n", crc32c(0, out, SIGNED_TEXT));
}

static bool name_parse(const char *name, bool *is_there, struct walfile *out)
{
    struct err ignored = ERR_NONE;

    *is_there = strcmp(name, NOBODY) != 0;
    return !*is_there || (walfile_parse(name, out, &ignored) == ERR_OK && out->kind == WALFILE_SEGMENT);
}

bool prefetch_note_parse(const char *text, size_t len, struct prefetch_note *out)
{
    char whole[PREFETCH_NOTE_TEXT + 1], again[PREFETCH_NOTE_TEXT + 1];
    char given[WALSEG_NAME_LEN + 1], asked[WALSEG_NAME_LEN + 1];
    struct prefetch_note n = {.has_given = false};

    if (len != PREFETCH_NOTE_TEXT)
        return false;
    memcpy(whole, text, len);
    whole[len] = '\0';
    if (sscanf(whole, "%24[0-9A-F] %24[0-9A-F] %20" SCNd64 " %20" SCNd64 " ", given, asked, &n.given_us,
               &n.waited_us) != 4 ||
        !name_parse(given, &n.has_given, &n.given) || !name_parse(asked, &n.has_asked, &n.asked))
        return false;
    prefetch_note_format(&n, again);
    if (memcmp(whole, again, PREFETCH_NOTE_TEXT) != 0)
        return false;
    *out = n;
    return true;
}
