/*
 * pg/walcut.h - a record cut in two by the border of a segment: what its first bytes tell of it.
 *
 * Who reads segments one by one sees neither piece whole. The time of a commit or abort lies within the record's first
 * 45 bytes, though, so these are kept of the one piece and what lacks is taken of the other. The checksum needs the
 * whole record: what is told here is not proven.
 * PURE.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WALCUT_MAX 48

struct walcut {
    uint8_t len;
    uint8_t bytes[WALCUT_MAX]; /* of the record, without page headers */
};

/* The next bytes of the record; those that do not fit are not needed. */
void walcut_add(struct walcut *c, const uint8_t *bytes, size_t len);

/*
 * The time of the commit or abort that begins like this; false when it is another record, or too little of it is known.
 */
bool walcut_time(const struct walcut *c, unsigned major, int64_t *us);
