/*
 * pg/walscan.h - the transactions in a stretch of WAL: commits, aborts, restore points and where valid WAL ends.
 *
 * A push reader over the pages and records of consecutive segments of one timeline path, for PostgreSQL 13 to 18 and
 * any segment size. It may begin at any segment: a record that began before is skipped. A record that goes on behind
 * the last byte pushed is not reported. Every record's CRC is checked; records are hashed as they pass and none is
 * kept, so memory is the same few hundred bytes whatever is pushed.
 * PURE but for memory. Safe on any bytes: what is not valid WAL is the end of WAL, never a crash.
 *
 * End       A length of 0, a CRC that does not fit, a record that does not name the one before as such, a page that is
 *           not the next one: as PostgreSQL's reader decides it. A record given up after a crash (its page of
 *           continuation says so) is passed over.
 * Source    PostgreSQL src/backend/access/transam/{xlogreader.c,xlogrecovery.c}, src/include/access/{xlogrecord.h,
 *           xlog_internal.h,xact.h}; facts tried on 13 to 18.
 */
#pragma once
#include "base/err.h"
#include "pg/lsn.h"
#include "pg/walcut.h"
#include "pg/walevent.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Called for each event in WAL order; a failure ends the scan and is returned. */
typedef enum err_code walscan_visit(const struct walevent *event, void *arg, struct err *e);

struct walscan;

/*
 * segment_bytes: valid; start: the first byte that will be pushed, the beginning of a segment. ERR_USAGE otherwise.
 * visit may be NULL.
 */
enum err_code walscan_new(uint32_t segment_bytes, lsn start, walscan_visit *visit, void *arg,
                          struct walscan **out, struct err *e);

/*
 * Push the next bytes, in pieces of any size. After the end of valid WAL, or after a visit that failed, further bytes
 * are ignored. The filler behind a switch record is no end: the next segment goes on.
 */
enum err_code walscan_push(struct walscan *s, const void *bytes, size_t len, struct err *e);

/*
 * End of the last whole valid record (or of the skipped continuation), MAXALIGNed, a switch record's without its
 * filler; the position pushed to while inside a record. The start when there is nothing whole.
 */
lsn walscan_end(const struct walscan *s);
/* The same, but never the position inside a record: it only grows, by what has been proven. */
lsn walscan_whole_end(const struct walscan *s);
/* Start of the last whole valid record met; 0 when there was none. */
lsn walscan_last(const struct walscan *s);
/*
 * Start of the record that goes on behind the last byte pushed, if it tells a commit or abort or may turn out to; else
 * 0. Nobody who reads only up to here, or only from here on, learns of it.
 */
lsn walscan_open(const struct walscan *s);

/* The same, by what the record tells or may: 0 where it can't be that. */
struct walscan_opens {
    lsn told;  /* the end of a transaction, a restore point, a DROP of a database or tablespace */
    lsn loss;  /* what lets data go */
    lsn point; /* a restore point   */
};
void walscan_opens(const struct walscan *s, struct walscan_opens *out);
/* The first bytes of that record; none when there is no such record. */
void walscan_begun(const struct walscan *s, struct walcut *out);
/* The first bytes of what was pushed of the record that began before the start; none when there is no such record. */
void walscan_rest(const struct walscan *s, struct walcut *out);
/* Does that record go on behind the last byte pushed? */
bool walscan_is_rest(const struct walscan *s);
/* Has anything that is not valid WAL been met (the zeros or old content behind the end)? */
bool walscan_is_ended(const struct walscan *s);

void walscan_free(struct walscan *s);
void walscan_freep(struct walscan **s);
