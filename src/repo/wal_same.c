/*
 * repo/wal_same.c - see repo/wal_same.h.
 */
#include "repo/wal_same.h"

#include "repo/wal_facts.h"

#include <stdio.h>
#include <string.h>

/* The facts of both, if they are of one segment of one cluster. */
static bool read_both(const struct descriptor *a, const struct descriptor *b, struct wal_facts *fa,
                      struct wal_facts *fb)
{
    struct err ignored = ERR_NONE;

    return wal_facts_read(a, fa, &ignored) == ERR_OK && wal_facts_read(b, fb, &ignored) == ERR_OK &&
           strcmp(a->kind, b->kind) == 0 && strcmp(a->name, b->name) == 0 &&
           fa->system_identifier == fb->system_identifier && fa->major == fb->major &&
           fa->timeline == fb->timeline && fa->segment_bytes == fb->segment_bytes &&
           fa->first_lsn == fb->first_lsn;
}

bool wal_is_same(const struct descriptor *a, const struct descriptor *b)
{
    struct wal_facts fa, fb;

    return read_both(a, b, &fa, &fb) && a->sized && b->sized && a->size == b->size && fa.has_valid &&
           fb.has_valid && fa.end_lsn == fb.end_lsn &&
           memcmp(fa.valid_sha256, fb.valid_sha256, SHA256_BYTES) == 0;
}

static void tell_end(lsn end, char text[WAL_SAME_TEXT_MAX])
{
    char position[LSN_TEXT_MAX];

    lsn_format(end, position);
    (void) snprintf(text, WAL_SAME_TEXT_MAX, ", where valid WAL ends at LSN %s", position);
}

void wal_tell_ends(const struct descriptor *there, const struct descriptor *here,
                   char there_text[WAL_SAME_TEXT_MAX], char here_text[WAL_SAME_TEXT_MAX])
{
    struct wal_facts ft, fh;

    there_text[0] = here_text[0] = '\0';
    if (!read_both(there, here, &ft, &fh) || !ft.has_records || !fh.has_records || ft.end_lsn == fh.end_lsn)
        return;
    tell_end(ft.end_lsn, there_text);
    tell_end(fh.end_lsn, here_text);
}
