/*
 * repo/line.h - the lines of a cluster: one for each initdb (or pg_upgrade) it has lived through.
 *
 * line.json is clear JSON, written once: {"format": 1, "cluster": "main", "system_identifier": "67…16 hex",
 * "postgresql": 15, "created": "2026-11-20 14:29:00+00", "origin": "host db1, pitr 0.1.0"}.
 */
#pragma once
#include "base/err.h"
#include "repo/layout.h"
#include "repo/repo.h"
#include "repo/spool.h"
#include <stdbool.h>
#include <stddef.h>

struct line_info {
    uint64_t system_identifier;
    unsigned major;      /* PostgreSQL major version at creation */
    int64_t created_us;
};

struct line_list {
    char (*lines)[LINE_TEXT_MAX]; /* ascending: by time of initdb; owned */
    size_t count;
};

/* The lines a cluster has in a repository: one delimited listing. One may be there that has no line.json (yet). */
enum err_code line_list(struct repo *r, const char *cluster, struct line_list *out, struct err *e);
void line_list_clear(struct line_list *l);

/*
 * ERR_ABSENT when the repository has no such line; ERR_CORRUPT when line.json is not of the form, another's, or newer.
 */
enum err_code line_read(struct repo *r, const struct layout *l, struct line_info *out, struct err *e);

/* Write line.json; *created is false when an equal one was there. ERR_CONFLICT when a different one is. */
enum err_code line_create(struct repo *r, const struct layout *l, unsigned major, bool *created, struct err *e);

/*
 * May this line of this cluster be written here? Known in the spool: no request. Else line.json is read; absent and
 * the cluster has no other line: created. Absent while others are there: ERR_REFUSED naming both system identifiers,
 * with the hint to run `pitr init` if the cluster was really made anew or upgraded. Learnt into the spool, which
 * forgets after SPOOL_TRUST_SECONDS: in a bucket that was emptied meanwhile line.json is then made again. In a
 * directory line.json is read each time, and where the spool remembers one that is gone the answer is ERR_UNREACHABLE:
 * it may not be mounted.
 */
enum err_code line_admit(struct repo *r, const struct layout *l, unsigned major, struct spool *s, struct err *e);

/*
 * Before "absent" is believed: is the line there at all, now? ERR_REFUSED when line.json is not: a wrong cluster name,
 * prefix or an unmounted disk must not end a recovery. Always asks the repository.
 */
enum err_code line_confirm(struct repo *r, const struct layout *l, struct err *e);
