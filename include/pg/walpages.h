/*
 * pg/walpages.h - the headers of consecutive WAL pages: does each follow the one before?
 *
 * Short     24 bytes: 0 u16 magic, 2 u16 info, 4 u32 timeline, 8 u64 page address, 16 u32 rem_len, 20 pad. On the first
 *           page of a segment the long header of pg/walpage.h.
 * info      1 the page begins inside a record, of which rem_len bytes are left; 2 long header; 4 may be removed;
 *           8 the record that went on here was given up after a crash, another begins
 * What decides is what PostgreSQL's reader looks at: magic, flags, address, system identifier, sizes, a timeline that
 * never goes down. A page of a recycled segment has its old address and so is found out.
 * PURE. Source: PostgreSQL src/backend/access/transam/xlogreader.c, XLogReaderValidatePageHeader.
 */
#pragma once
#include "pg/lsn.h"
#include "pg/walpage.h"
#include <stdbool.h>
#include <stdint.h>

#define WALPAGES_CONTINUES  0x0001
#define WALPAGES_OVERWRITES 0x0008

struct walpages {
    uint32_t segment_bytes;
    uint32_t page_bytes; /* this and the rest: of the last page accepted, 0 before the first */
    unsigned major;
    uint16_t magic;
    uint32_t tli;
    uint64_t system_identifier;
};

struct walpages_header {
    uint16_t info;
    uint32_t rem_len;
};

/* How long the header at this page's address is. */
uint32_t walpages_header_bytes(const struct walpages *p, lsn address);

/*
 * Accept the header of the page at address, WALPAGE_LONG_HEADER bytes or as many as it is long. The first one must be
 * at the start of a segment. False, and nothing changed, when it is not a valid next page.
 */
bool walpages_accept(struct walpages *p, lsn address, const uint8_t *header, struct walpages_header *out);
