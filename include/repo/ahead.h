/*
 * repo/ahead.h - files of pg_wal that were archived ahead of their turn: noted in the spool until PostgreSQL asks for
 * them.
 *
 * <dir>/<cluster>/ahead/<NAME>  "<crc> <JSON>": all repositories of these places hold this very file. crc: CRC-32C of
 *                               the JSON, 8 hex digits. JSON: {"line", "places", "device", "inode", "size",
 *                               "modified_ns", "changed_ns", "noted", "beyond", "wal", "crossing"}; places: what the
 *                               spool knows the repositories by, in order, a line each; noted: seconds since 1970;
 *                               wal: the descriptor's, and crossing: repo/wal_crossing.h, both of a segment.
 * <dir>/<cluster>/ahead/lock    locked by the call that archives ahead
 * A note is written behind the last acknowledgement, never before, whole or not at all, and not synced: one that is
 * lost makes the file be pushed again, which finds it stored. It speaks of one file, by device, inode, size and both
 * times, and of repositories as they were configured. It is believed for AHEAD_TRUST_SECONDS, never from the future,
 * and not behind `pitr init`: a repository may be emptied, and what it held with it.
 */
#pragma once
#include "repo/layout.h"
#include "repo/spool.h"
#include "repo/wal_facts.h"
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#define AHEAD_PLACES_MAX  2048
#define AHEAD_TRUST_SECONDS 300 /* the server asks within seconds; who comes later pushes again */
#define AHEAD_SPARE_BYTES (UINT64_C(1) << 20)

/* Which repositories are meant, in this order; "" when that is too long: then there are no notes. */
void ahead_places(const char *const *places, size_t count, char out[AHEAD_PLACES_MAX]);

struct ahead_note {
    char line[LINE_TEXT_MAX];
    bool is_beyond; /* in front of it in the archiver's order was one that could not be archived: it is in no run yet */
    bool has_facts; /* a segment */
    struct wal_facts facts;
};

/* Best effort: a failure is a debug line, and false. file: as it was when it was opened to be read. */
bool ahead_write(const struct spool *s, const char *name, const char *places, const struct stat *file,
                 const struct ahead_note *note);

/* The note that speaks of this file and these places, if there is one; out is filled when true. */
bool ahead_read(const struct spool *s, const char *name, const char *places, const struct stat *file,
                struct ahead_note *out);

/* The same, and it is gone afterwards, also when it speaks of something else. */
bool ahead_take(const struct spool *s, const char *name, const char *places, const struct stat *file,
                struct ahead_note *out);

/*
 * Become the one call that archives ahead; close lets go. -1: another does, or notes could not be kept: no spool, a
 * read-only one, less than AHEAD_SPARE_BYTES free there. Removes what nobody has asked for in time, and temporary files
 * of killed processes.
 */
int ahead_lock(const struct spool *s);

/* Forget all notes: what they speak of may not be there any more. */
void ahead_forget(const struct spool *s);
