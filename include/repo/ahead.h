/*
 * repo/ahead.h - files of pg_wal that were archived ahead of their turn: noted in the spool until PostgreSQL asks for them.
 *
 * <dir>/<cluster>/ahead/<NAME>  "<crc> <JSON>": all repositories of these places hold this very file. crc: CRC-32C of the
 *                               JSON, 8 hex digits. JSON: {"line", "places", "device", "inode", "size", "modified_ns",
 *                               "changed_ns", "noted", "wal"}; places: SHA-256, 64 hex digits; noted: seconds since
 *                               1970; wal: the descriptor's, of a segment.
 * A note is written behind the last acknowledgement, never before, whole or not at all, and not synced: one that is lost
 * makes the file be pushed again, which finds it stored. It speaks of one file, by device, inode, size and both times, and
 * of repositories as they were configured; it is believed for SPOOL_TRUST_SECONDS.
 */
#pragma once
#include "repo/layout.h"
#include "repo/repo.h"
#include "repo/spool.h"
#include "repo/wal_facts.h"
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#define AHEAD_PLACES_MAX 65

/* Which repositories are meant, in this order; "" when it can't be computed. */
void ahead_places(const char *const *places, size_t count, char out[AHEAD_PLACES_MAX]);

struct ahead_note {
    char line[LINE_TEXT_MAX];
    bool has_facts; /* a segment */
    struct wal_facts facts;
};

/* Best effort: a failure is a debug line. file: as it was when it was opened to be read. */
void ahead_write(const struct spool *s, const char *name, const char *places, const struct stat *file,
                 const struct ahead_note *note);

/* Is there a note that speaks of this file and these places? */
bool ahead_has(const struct spool *s, const char *name, const char *places, const struct stat *file);

/* The same, and the note is gone afterwards, also when it speaks of something else. out: filled when true. */
bool ahead_take(const struct spool *s, const char *name, const char *places, const struct stat *file,
                struct ahead_note *out);

/* Remove what nobody has asked for in time, and temporary files of killed processes. */
void ahead_sweep(const struct spool *s);
