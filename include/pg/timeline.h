/*
 * pg/timeline.h - timeline history: which timeline owns which stretch of WAL.
 *
 * A history file NNNNNNNN.history lists the ancestors of timeline N, oldest first, one a line:
 *   parent TLI, tab, switch LSN, tab, reason
 * '#' lines and blank lines are skipped. Timeline 1 has no file. The path of a timeline is its ancestors and itself;
 * entry i owns [begin, end), where begin is the switch LSN of the entry before it (0 for the first) and end its own
 * (TIMELINE_NOT_ENDED for the last).
 * Switch LSNs of a history may descend: a server told to recover along timeline 2 that stops at Y, before timeline 2
 * began at X, writes "1 X" and "2 Y" for its timeline 3. In the path both end at Y, and entry 2 is empty.
 * Source    PostgreSQL src/backend/access/transam/timeline.c.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "pg/lsn.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIMELINE_NOT_ENDED   UINT64_MAX
#define TIMELINE_HISTORY_MAX (1u << 20) /* bytes of a history file we are willing to read */

struct timeline_entry {
    uint32_t tli;
    lsn begin;
    lsn end;
};

/* A path: at least one entry, ascending in TLI, adjoining in LSN. */
struct timeline_path {
    struct timeline_entry *entries; /* owned */
    size_t count;
};

/*
 * Read the history file of timeline tli into its path. ERR_CORRUPT with the line's number; also for a history that
 * names no parent. text must have no NUL but its last: the caller compares lengths where it reads foreign bytes.
 */
enum err_code timeline_parse(uint32_t tli, const char *text, struct timeline_path *out, struct err *e);
/* The path of a timeline without a history file (timeline 1, or a backup's own as far as it is known). */
enum err_code timeline_single(uint32_t tli, struct timeline_path *out, struct err *e);
enum err_code timeline_copy(const struct timeline_path *from, struct timeline_path *to, struct err *e);
void timeline_clear(struct timeline_path *p);

/*
 * The timeline whose copy of a segment holds its content on this path: the newest that begins in the segment or before
 * it.
 */
uint32_t timeline_of_segment(const struct timeline_path *p, uint64_t number, uint32_t segment_bytes);
/*
 * Does the path run through timeline tli at this position (begin <= position <= end: a switch point belongs to both)?
 */
bool timeline_contains(const struct timeline_path *p, uint32_t tli, lsn position);

/* "1:0/5000148,2:0/7000000,3": each with its end, the last without; and back (ERR_USAGE). For restore_command. */
enum err_code timeline_format(const struct timeline_path *p, struct buf *out, struct err *e);
enum err_code timeline_parse_path(const char *text, struct timeline_path *out, struct err *e);
