/*
 * pg/walrecord.c - see pg/walrecord.h.
 */
#include "pg/walrecord.h"

#include "codec/crc32c.h"
#include "codec/le.h"

#define RM_BUILTIN_MAX 21 /* RM_LOGICALMSG_ID, the last one in each of 13 to 18 */
#define RM_CUSTOM_MIN  128
#define CRC_OFFSET     20
#define XLOG_SWITCH    0x40

void walrecord_parse(const uint8_t header[WALRECORD_HEADER], struct walrecord *out)
{
    *out = (struct walrecord){.total_bytes = le32_get(header),
                              .xid = le32_get(header + 4),
                              .prev = le64_get(header + 8),
                              .info = header[16],
                              .rmid = header[17],
                              .crc = le32_get(header + CRC_OFFSET)};
}

bool walrecord_length_is_valid(uint32_t total_bytes)
{
    return total_bytes >= WALRECORD_HEADER && total_bytes <= WALRECORD_MAX_BYTES;
}

bool walrecord_rmid_is_valid(unsigned major, uint8_t rmid)
{
    return rmid <= RM_BUILTIN_MAX || (major >= 15 && rmid >= RM_CUSTOM_MIN);
}

uint32_t walrecord_crc(uint32_t body_crc, const uint8_t header[WALRECORD_HEADER])
{
    return crc32c(body_crc, header, CRC_OFFSET);
}

bool walrecord_is_switch(const struct walrecord *r)
{
    return r->rmid == WALRECORD_RM_XLOG && (r->info & WALRECORD_INFO_MASK) == XLOG_SWITCH;
}
