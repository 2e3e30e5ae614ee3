#include "codec/crc32c.h"

#include "check_main.h"

#include <string.h>

/* RFC 3720, appendix B.4, and the customary check value. */
START_TEST(published_values_are_met)
{
    uint8_t zeros[32] = {0}, ones[32], up[32];

    memset(ones, 0xff, sizeof(ones));
    for (size_t i = 0; i < sizeof(up); i++)
        up[i] = (uint8_t) i;
    uint32_t (*const ways[])(uint32_t, const void *, size_t) = {crc32c, crc32c_portable};
    for (size_t w = 0; w < 2; w++) {
        ck_assert_uint_eq(ways[w](0, "", 0), 0);
        ck_assert_uint_eq(ways[w](0, "123456789", 9), 0xE3069283u);
        ck_assert_uint_eq(ways[w](0, zeros, 32), 0x8A9136AAu);
        ck_assert_uint_eq(ways[w](0, ones, 32), 0x62A8AB43u);
        ck_assert_uint_eq(ways[w](0, up, 32), 0x46DD794Eu);
    }
}
END_TEST

START_TEST(both_ways_agree_at_every_length_and_alignment)
{
    uint8_t bytes[300];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t) (i * 167 + 13);
    for (size_t from = 0; from < 16; from++)
        for (size_t len = 0; len + from <= sizeof(bytes); len++)
            if (crc32c(7, bytes + from, len) != crc32c_portable(7, bytes + from, len))
                ck_abort_msg("from %zu, length %zu", from, len);
}
END_TEST

START_TEST(a_sum_can_be_continued_at_any_place)
{
    const char text[] = "a sum can be continued at any place";
    uint32_t whole = crc32c(0, text, sizeof(text));

    for (size_t cut = 0; cut <= sizeof(text); cut++)
        ck_assert_uint_eq(crc32c(crc32c(0, text, cut), text + cut, sizeof(text) - cut), whole);
}
END_TEST

START_TEST(sums_of_two_stretches_combine_to_that_of_both)
{
    const char text[] = "sums of two stretches combine to that of both";
    static const uint8_t zeros[70000];
    uint32_t whole = crc32c(0, text, sizeof(text));

    for (size_t cut = 0; cut <= sizeof(text); cut++)
        ck_assert_uint_eq(crc32c_combine(crc32c(0, text, cut), crc32c(0, text + cut, sizeof(text) - cut),
                                         sizeof(text) - cut),
                          whole);
    for (size_t len = 1; len <= sizeof(zeros); len = len * 3 + 1)
        ck_assert_uint_eq(crc32c_combine(whole, crc32c(0, zeros, len), len), crc32c(whole, zeros, len));
    ck_assert_uint_eq(crc32c_combine(0, whole, sizeof(text)), whole);
    /* Longer than memory: a second half of 2^40 bytes, taken in two steps. */
    ck_assert_uint_eq(
        crc32c_combine(crc32c_combine(whole, 7, 1), 9, UINT64_C(1) << 40),
        crc32c_combine(whole, crc32c_combine(7, 9, UINT64_C(1) << 40), (UINT64_C(1) << 40) + 1));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {published_values_are_met, both_ways_agree_at_every_length_and_alignment,
                                  a_sum_can_be_continued_at_any_place,
                                  sums_of_two_stretches_combine_to_that_of_both};

    return check_main(suite_of("codec/crc32c", tests, sizeof(tests) / sizeof(tests[0])));
}
