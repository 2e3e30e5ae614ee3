/*
 * pg/walpage.h - the first page of a WAL segment: whose it is, and which.
 *
 * Long page header, little-endian: 0 u16 magic, 2 u16 info, 4 u32 timeline, 8 u64 page address, 16 u32 rem_len, 20 pad,
 * 24 u64 system identifier, 32 u32 segment size, 36 u32 page size. The layout is that of PostgreSQL 13 to 18; the magic
 * tells the version.
 * Source    PostgreSQL src/include/access/xlog_internal.h.
 */
#pragma once
#include "base/err.h"
#include "pg/lsn.h"
#include "pg/walseg.h"
#include <stddef.h>
#include <stdint.h>

#define WALPAGE_LONG_HEADER 40

struct walpage {
    unsigned major; /* PostgreSQL major version, 13 to 18 */
    uint16_t magic;
    uint16_t info;
    uint32_t tli;
    lsn address;
    uint64_t system_identifier;
    uint32_t segment_bytes;
    uint32_t page_bytes;
};

/*
 * Read the first page header of a segment. ERR_CORRUPT with what is wrong: all zeros, too short, a magic that is no
 * known version's (shown, with the versions known), no long header, an impossible size.
 */
enum err_code walpage_parse(const uint8_t *bytes, size_t len, struct walpage *out, struct err *e);

/*
 * Is this the first page of the segment its name says? Segment number against address, and timeline: a page's may
 * be an ancestor's, so it may be smaller than the name's, never larger. ERR_CORRUPT naming both.
 */
enum err_code walpage_check_name(const struct walpage *p, const struct walfile *name, struct err *e);
