/*
 * pg/lsn.h - log sequence numbers: byte positions in the write-ahead log.
 *
 * Text      "16/B374D848": high and low 32 bits, hex, separated by a slash; no sign, no spaces.
 * Order     plain integer order, within one timeline's history only (see timeline.h).
 * Source    PostgreSQL src/include/access/xlogdefs.h; manual, "pg_lsn Type".
 */
#pragma once
#include "base/err.h"
#include <stdint.h>

typedef uint64_t lsn;    /* bytes from the start of WAL; 0 is never a valid position */
#define LSN_TEXT_MAX 18  /* longest text form, with its NUL                           */

/*
 * Read the text form into *out.
 *   text    NUL-terminated; the whole of it must be the position
 *   out     bytes; untouched unless ERR_OK
 * Fails with ERR_CORRUPT and the offending text. Allocates nothing, keeps nothing.
 */
enum err_code lsn_parse(const char *text, lsn *out, struct err *e);

/* Write the text form; out: LSN_TEXT_MAX bytes. */
void lsn_format(lsn position, char *out);
