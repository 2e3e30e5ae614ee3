/*
 * pg/walrecord.h - the header that every WAL record begins with.
 *
 * Header    24 bytes at a multiple of 8, little-endian: 0 u32 length of the whole record, 4 u32 xid, 8 u64 start of the
 *           record before, 16 u8 info (the resource manager's in the high half), 17 u8 resource manager, 18 two
 *           unused bytes, 20 u32 CRC-32C over the bytes from 24 on, then over the first 20.
 * The length never crosses a page, the rest of the header may. The layout is that of PostgreSQL 13 to 18.
 * PURE. Source: PostgreSQL src/include/access/{xlogrecord.h,rmgr.h}, src/backend/access/transam/xlogreader.c.
 */
#pragma once
#include "pg/lsn.h"
#include <stdbool.h>
#include <stdint.h>

#define WALRECORD_HEADER    24
#define WALRECORD_MAX_BYTES 0x3FFFFFFFu /* longer ones no server could read back (MaxAllocSize) */
#define WALRECORD_ALIGN     8u

/* Resource managers and what of info is theirs. */
#define WALRECORD_RM_XLOG   0
#define WALRECORD_RM_XACT   1
#define WALRECORD_RM_SMGR   2
#define WALRECORD_RM_DBASE  4
#define WALRECORD_RM_TBLSPC 5
#define WALRECORD_RM_STANDBY 8
#define WALRECORD_RM_HEAP   10
#define WALRECORD_INFO_MASK 0xF0

struct walrecord {
    uint32_t total_bytes;
    uint32_t xid;
    lsn prev;
    uint8_t info;
    uint8_t rmid;
    uint32_t crc;
};

void walrecord_parse(const uint8_t header[WALRECORD_HEADER], struct walrecord *out);

/* Can a record be this long? No for 0, which is what lies behind the last one. */
bool walrecord_length_is_valid(uint32_t total_bytes);
/* Does this major version have the resource manager? Custom ones, from 128 on, came with 15. */
bool walrecord_rmid_is_valid(unsigned major, uint8_t rmid);

/* The checksum that belongs into the header, from that of the bytes behind it. */
uint32_t walrecord_crc(uint32_t body_crc, const uint8_t header[WALRECORD_HEADER]);

/* Is it XLOG_SWITCH, behind which the rest of the segment is filler? */
bool walrecord_is_switch(const struct walrecord *r);
