/*
 * repo/rate_file.h - a rate measured on this host: one line in the spool, believed only as it was written.
 *
 * "<text> <crc>": crc is CRC-32C, 8 hex digits, of the repository's place, a NUL, and the text with the blank behind.
 */
#pragma once
#include "base/buf.h"
#include "repo/spool.h"
#include <stdbool.h>

#define RATE_TEXT_MAX 320 /* of a text, with NUL */

/* The text of the rate of this name ("restore") for this repository; false when there is none as it was written. */
bool rate_file_read(const struct spool *s, const char *name, const char *place, char text[RATE_TEXT_MAX]);

/* Overwrite it, unsynced. Best effort: a failure is a debug line. */
void rate_file_write(const struct spool *s, const char *name, const char *place, const char *text);
