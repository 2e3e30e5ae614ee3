/*
 * codec/crc32c.h - CRC-32C (Castagnoli), as PostgreSQL and iSCSI compute it.
 *
 * Reflected polynomial 0x82F63B78, initial and final xor 0xFFFFFFFF. "123456789" is 0xE3069283.
 * Uses SSE 4.2 where the CPU has it. PostgreSQL's manifest prints the four bytes in memory order (little-endian).
 * Source    RFC 3720 appendix B.4; PostgreSQL src/include/port/pg_crc32c.h.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Continue from crc (0 to begin) over more bytes; the result is a finished CRC and may be continued. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t len);

/* The CRC of two stretches one behind the other, from the CRCs of both and the length of the second. */
uint32_t crc32c_combine(uint32_t first, uint32_t second, uint64_t second_len);

/* The same by tables, as on a CPU without the instruction: for tests to hold one against the other. */
uint32_t crc32c_portable(uint32_t crc, const void *bytes, size_t len);
