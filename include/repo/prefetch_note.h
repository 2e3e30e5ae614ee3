/*
 * repo/prefetch_note.h - where a recovery stands: what it was given last and what it asks for, as calls of fetch note
 * it.
 *
 * Text      "<given> <asked> <given at> <waited> <crc>" and a newline: two names of segments (24 zeros: none), two
 *           times in microseconds, 20 digits each, CRC-32C of all before it, 8 hex digits. Always PREFETCH_NOTE_TEXT
 *           bytes.
 */
#pragma once
#include "pg/walseg.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PREFETCH_NOTE_TEXT 101

struct prefetch_note {
    bool has_given;
    struct walfile given; /* handed over last                            */
    bool has_asked;
    struct walfile asked; /* asked for last; may be the same             */
    int64_t given_us;     /* monotonic: when it was handed over          */
    int64_t waited_us;    /* how long the server waited for it           */
};

void prefetch_note_format(const struct prefetch_note *n, char out[PREFETCH_NOTE_TEXT + 1]);
/* False unless it is exactly what prefetch_note_format would have written. */
bool prefetch_note_parse(const char *text, size_t len, struct prefetch_note *out);
