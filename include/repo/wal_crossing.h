/*
 * repo/wal_crossing.h - the records that cross a segment's two borders, as far as the segment itself has them.
 *
 * No descriptor tells them: they go along the archiver's run (repo/wal_chain.h), so that the time of a commit or
 * abort that two segments share is known behind the second.
 *
 * Text      "<rest> <begun> <is_rest>": the bytes in hex, "-" for none; "1" or "0". One spelling.
 */
#pragma once
#include "pg/walcut.h"

struct wal_crossing {
    struct walcut
        rest; /* what here goes on with the record that began before                                   */
    struct walcut
        begun;    /* of the one that goes on in the next segment, if it is or may be a commit or abort     */
    bool is_rest; /* all of the segment is of the record that began before, which does not end here either */
};

/* Longest text, with its NUL. */
#define WAL_CROSSING_TEXT_MAX (4 * WALCUT_MAX + 5)

void wal_crossing_format(const struct wal_crossing *c, char out[WAL_CROSSING_TEXT_MAX]);
/* False, and *out untouched, when the text is not one that was written like this. */
bool wal_crossing_parse(const char *text, struct wal_crossing *out);

/* The bytes of one record alone: "-" for none. out has WALCUT_TEXT_MAX bytes. */
#define WALCUT_TEXT_MAX (2 * WALCUT_MAX + 1)
void wal_crossing_format_cut(const struct walcut *c, char out[WALCUT_TEXT_MAX]);
bool wal_crossing_parse_cut(const char *text, struct walcut *out);
