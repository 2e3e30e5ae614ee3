/*
 * base/timestamp.h - moments as text: ISO 8601 and PostgreSQL's form, always with a zone.
 *
 * A moment is int64 microseconds since 1970-01-01 00:00:00 UTC, proleptic Gregorian, years 1970 to 9999.
 * Read     "2026-11-20T14:29:00.123456Z", "2026-11-20 14:29:00+02", "… +05:30", "… -0300", "… UTC", "… Europe/Berlin";
 *          seconds and their fraction may be left out; nothing else is guessed.
 * Written  "2026-11-20 14:29:00.123456+00" (PostgreSQL, exact) and "20261120T142900Z" (identifiers).
 */
#pragma once
#include "base/err.h"
#include <stdint.h>

#define TIMESTAMP_TEXT_MAX    40
#define TIMESTAMP_COMPACT_MAX 17

/*
 * Read a moment. zone: NULL, or the name of the zone that a text without one is in (--timezone: "UTC", "+02",
 * or a name of the IANA database found under /usr/share/zoneinfo); without either ERR_USAGE, with a hint that
 * shows the text with a zone. Times that a zone skips or has twice are refused with a hint to give an offset.
 * A zone by name sets TZ for a moment and puts it back: read such times before other threads look at the environment.
 * So this is for what the operator gives; what was stored, or a server answered, is timestamp_parse_stored's.
 */
enum err_code timestamp_parse(const char *text, const char *zone, int64_t *us, struct err *e);

/*
 * Read a moment that a program wrote: its zone is an offset, "Z" or "UTC". Anything else is ERR_CORRUPT, a zone's name
 * too: the environment is not touched, whatever the text. Safe from several threads.
 */
enum err_code timestamp_parse_stored(const char *text, int64_t *us, struct err *e);

/* "2026-11-20 14:29:00.123456+00", without the fraction when it is zero. out: TIMESTAMP_TEXT_MAX bytes. */
void timestamp_format(int64_t us, char *out);

/* "20261120T142900Z". out: TIMESTAMP_COMPACT_MAX bytes. */
void timestamp_format_compact(int64_t us, char *out);
