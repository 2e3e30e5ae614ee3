/*
 * codec/crc32c.c - see codec/crc32c.h.
 *
 * Two ways to the same number, eight bytes a step: the crc32 instruction of SSE 4.2, and slicing by 8, where
 * table[k][b] is the CRC of byte b followed by k zero bytes, so that the eight bytes of a step are looked up side by
 * side. The tables are made on first use.
 *
 * A CRC is the remainder of a polynomial over GF(2), its highest coefficient in the lowest bit. n bytes behind a
 * stretch multiply its polynomial by x^(8n), and what they are is added, so that is how two CRCs are combined.
 * Source    Kounavis and Berry, "A Systematic Approach to Building High Performance Software-based CRC Generators".
 */
#include "codec/crc32c.h"

#include "codec/le.h"

#include <pthread.h>

#define POLYNOMIAL 0x82F63B78u

static uint32_t table[8][256];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static void table_make(void)
{
    for (uint32_t b = 0; b < 256; b++) {
        uint32_t crc = b;

        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
        table[0][b] = crc;
    }
    for (int k = 1; k < 8; k++)
        for (uint32_t b = 0; b < 256; b++)
            table[k][b] = (table[k - 1][b] >> 8) ^ table[0][table[k - 1][b] & 0xff];
}

uint32_t crc32c_portable(uint32_t crc, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;

    (void) pthread_once(&table_once, table_make);
    crc = ~crc;
    for (; len >= 8; at += 8, len -= 8) {
        uint32_t low = le32_get(at) ^ crc;
        uint32_t high = le32_get(at + 4);

        crc = table[7][low & 0xff] ^ table[6][(low >> 8) & 0xff] ^ table[5][(low >> 16) & 0xff] ^
              table[4][low >> 24] ^ table[3][high & 0xff] ^ table[2][(high >> 8) & 0xff] ^
              table[1][(high >> 16) & 0xff] ^ table[0][high >> 24];
    }
    for (; len > 0; at++, len--)
        crc = (crc >> 8) ^ table[0][(crc ^ *at) & 0xff];
    return ~crc;
}

#if defined(__x86_64__)
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    uint64_t wide = (uint32_t) ~crc;

    for (; len >= 8; at += 8, len -= 8)
        wide = _mm_crc32_u64(wide, le64_get(at));
    crc = (uint32_t) wide;
    for (; len > 0; at++, len--)
        crc = _mm_crc32_u8(crc, *at);
    return ~crc;
}

uint32_t crc32c(uint32_t crc, const void *bytes, size_t len)
{
    return __builtin_cpu_supports("sse4.2") ? crc32c_sse42(crc, bytes, len)
                                            : crc32c_portable(crc, bytes, len);
}
#else
uint32_t crc32c(uint32_t crc, const void *bytes, size_t len)
{
    return crc32c_portable(crc, bytes, len);
}
#endif

/* Modulo the polynomial; bit 31 is the coefficient of x^0. */
static uint32_t multiply(uint32_t a, uint32_t b)
{
    uint32_t product = 0;

    for (uint32_t bit = UINT32_C(1) << 31; bit != 0; bit >>= 1) {
        if (a & bit)
            product ^= b;
        b = (b >> 1) ^ (b & 1 ? POLYNOMIAL : 0);
    }
    return product;
}

uint32_t crc32c_combine(uint32_t first, uint32_t second, uint64_t second_len)
{
    uint32_t power = UINT32_C(1) << (31 - 8); /* x^8, squared with each bit of the length */

    for (; second_len > 0; second_len >>= 1) {
        if (second_len & 1)
            first = multiply(first, power);
        power = multiply(power, power);
    }
    return first ^ second;
}
