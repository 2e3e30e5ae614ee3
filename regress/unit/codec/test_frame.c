#include "codec/frame.h"

#include "codec/crc32c.h"
#include "codec/le.h"
#include "sealing.h"

static struct frame_seal seal_for(enum codec codec, bool encrypted)
{
    struct frame_seal s = {.codec = codec, .encrypted = encrypted};

    memset(s.id, 0x1d, sizeof(s.id));
    memset(s.key, 0x4e, sizeof(s.key));
    return s;
}

/* Run the body with each codec, encrypted and not, compressible and not. */
#define EACH_WAY(seal, dense)                                                                     \
    for (int way_ = 0; way_ < 12; way_++)                                                         \
        for (struct frame_seal seal = seal_for((enum codec)(way_ / 4), way_ & 1), *once_ = &seal; \
             once_ != NULL; once_ = NULL)                                                         \
            for (bool dense = (way_ & 2) != 0, done_ = false; !done_; done_ = true)

START_TEST(a_frame_gives_its_plain_text_back_behind_what_was_there)
{
    static const size_t sizes[] = {0, 1, 11, 1000, 70000};

    EACH_WAY(s, dense)
    for (size_t i = 0; i < COUNT(sizes); i++) {
        CLEANUP(freep) uint8_t *plain = plain_new(sizes[i], dense);
        CLEANUP(buf_clear) struct buf frame = BUF_INIT(100000);
        CLEANUP(buf_clear) struct buf back = BUF_INIT(100000);
        struct err e = ERR_NONE;
        size_t whole;
        uint32_t plain_len;
        unsigned flags;

        OK(buf_append(&frame, "before", 6, &e));
        OK(buf_append(&back, "before", 6, &e));
        OK(frame_write(&s, 5, 0, plain, sizes[i], &frame, &e));
        OK(frame_measure(&s, frame.data + 6, &whole, &plain_len, &flags, &e));
        ck_assert_uint_eq(whole, frame.len - 6);
        ck_assert_uint_eq(plain_len, sizes[i]);
        OK(frame_read(&s, 5, 0, frame.data + 6, whole, &back, &e));
        ck_assert_uint_eq(back.len, 6 + sizes[i]);
        ck_assert(memcmp(back.data, "before", 6) == 0 && memcmp(back.data + 6, plain, sizes[i]) == 0);
    }
}
END_TEST

START_TEST(a_frame_is_bound_to_its_number_its_object_its_key_and_its_kind)
{
    EACH_WAY(s, dense)
    {
        CLEANUP(freep) uint8_t *plain = plain_new(500, dense);
        CLEANUP(buf_clear) struct buf f = BUF_INIT(10000);
        CLEANUP(buf_clear) struct buf back = BUF_INIT(10000);
        struct frame_seal other = s;
        struct err e = ERR_NONE;

        OK(frame_write(&s, 256, 0, plain, 500, &f, &e));
        ck_assert_int_eq(frame_read(&s, 0, 0, f.data, f.len, &back, &e), ERR_CORRUPT);
        ck_assert_int_eq(frame_read(&s, 1, 0, f.data, f.len, &back, &e), ERR_CORRUPT);
        ck_assert_int_eq(frame_read(&s, 256 + (1ull << 32), 0, f.data, f.len, &back, &e), ERR_CORRUPT);
        ck_assert_int_eq(frame_read(&s, 256, FRAME_TABLE, f.data, f.len, &back, &e), ERR_CORRUPT);
        other.id[31] ^= 1;
        ck_assert_int_eq(frame_read(&other, 256, 0, f.data, f.len, &back, &e), ERR_CORRUPT);
        other = s;
        other.key[0] ^= 1;
        ck_assert_int_eq(frame_read(&other, 256, 0, f.data, f.len, &back, &e),
                         s.encrypted ? ERR_CORRUPT : ERR_OK);
        f.data[8] ^= FRAME_TABLE;
        ck_assert_int_eq(frame_read(&s, 256, FRAME_TABLE, f.data, f.len, &back, &e), ERR_CORRUPT);
    }
}
END_TEST

START_TEST(every_altered_bit_and_every_cut_is_refused_and_nothing_appended)
{
    EACH_WAY(s, dense)
    {
        CLEANUP(freep) uint8_t *plain = plain_new(120, dense);
        CLEANUP(buf_clear) struct buf f = BUF_INIT(10000);
        CLEANUP(buf_clear) struct buf back = BUF_INIT(10000);
        struct err e = ERR_NONE;

        OK(frame_write(&s, 3, 0, plain, 120, &f, &e));
        for (size_t bit = 0; bit < 8 * f.len; bit++) {
            f.data[bit / 8] ^= (uint8_t) (1u << bit % 8);
            if (frame_read(&s, 3, 0, f.data, f.len, &back, &e) != ERR_CORRUPT || back.len != 0)
                ck_abort_msg("bit %zu of byte %zu", bit % 8, bit / 8);
            f.data[bit / 8] ^= (uint8_t) (1u << bit % 8);
        }
        for (size_t len = 0; len < f.len; len++)
            ck_assert_int_eq(frame_read(&s, 3, 0, f.data, len, &back, &e), ERR_CORRUPT);
        OK(buf_append(&f, "x", 1, &e));
        ck_assert_int_eq(frame_read(&s, 3, 0, f.data, f.len, &back, &e), ERR_CORRUPT);
    }
}
END_TEST

START_TEST(a_header_that_cannot_be_is_refused_before_memory_is_taken)
{
    static const struct {
        uint32_t payload, plain;
        uint8_t flags, zeros[3];
        bool good;
        const char *why;
    } table[] = {
        {0, 0, 1, {0, 0, 0}, true, "empty"},
        {5, 5, 1, {0, 0, 0}, true, "raw"},
        {5, 6, 0, {0, 0, 0}, true, "compressed"},
        {8, 8, 3, {0, 0, 0}, true, "raw table"},
        {FRAME_PLAIN_MAX, FRAME_PLAIN_MAX, 1, {0, 0, 0}, true, "the largest"},
        {FRAME_PLAIN_MAX + 1, FRAME_PLAIN_MAX + 1, 1, {0, 0, 0}, false, "too large"},
        {1, UINT32_MAX, 0, {0, 0, 0}, false, "a bomb"},
        {UINT32_MAX, UINT32_MAX, 1, {0, 0, 0}, false, "lengths that overflow"},
        {5, 6, 1, {0, 0, 0}, false, "raw and shorter"},
        {5, 5, 0, {0, 0, 0}, false, "compressed and not shorter"},
        {6, 5, 0, {0, 0, 0}, false, "compressed and longer"},
        {0, 0, 0, {0, 0, 0}, false, "nothing, compressed"},
        {5, 5, 5, {0, 0, 0}, false, "unknown flag"},
        {5, 5, 1, {1, 0, 0}, false, "not zero"},
        {5, 5, 1, {0, 1, 0}, false, "not zero"},
        {5, 5, 1, {0, 0, 1}, false, "not zero"},
    };
    struct frame_seal s = seal_for(CODEC_LZ4, true);

    for (size_t i = 0; i < COUNT(table); i++) {
        uint8_t head[FRAME_HEAD];
        struct err e = ERR_NONE;
        size_t whole;
        uint32_t plain;
        unsigned flags;

        le32_put(head, table[i].payload);
        le32_put(head + 4, table[i].plain);
        head[8] = table[i].flags;
        memcpy(head + 9, table[i].zeros, 3);
        ck_assert_msg((frame_measure(&s, head, &whole, &plain, &flags, &e) == ERR_OK) == table[i].good, "%s",
                      table[i].why);
    }
}
END_TEST

START_TEST(a_frame_beyond_the_limit_is_not_written)
{
    struct frame_seal s = seal_for(CODEC_NONE, false);
    CLEANUP(buf_clear) struct buf f = BUF_INIT(10000);
    struct err e = ERR_NONE;
    uint8_t byte = 0;

    ck_assert_int_eq(frame_write(&s, 0, 0, &byte, (size_t) FRAME_PLAIN_MAX + 1, &f, &e), ERR_USAGE);
    f.max = 40;
    OK(buf_append(&f, "x", 1, &e));
    ck_assert_int_eq(frame_write(&s, 0, 0, "abcdefghijklmnopqrstuvwxyz", 26, &f, &e), ERR_CORRUPT);
    ck_assert_uint_eq(f.len, 1);
}
END_TEST

/* Damage behind a checksum that was made to fit reaches the decompressor. */
START_TEST(random_payloads_with_right_checksums_are_survived)
{
    uint64_t x = 88172645463325252u;

    for (int round = 0; round < 20000; round++) {
        struct frame_seal s = seal_for(round & 1 ? CODEC_LZ4 : CODEC_ZSTD, false);
        uint8_t frame[FRAME_HEAD + 64 + 4] = {0}, aad[SHA256_BYTES + 8 + FRAME_HEAD];
        CLEANUP(buf_clear) struct buf back = BUF_INIT(10000);
        struct err e = ERR_NONE;

        for (size_t i = 0; i < 64; i++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            frame[FRAME_HEAD + i] = (uint8_t) (x >> (round % 3 == 0 ? 24 : 29));
        }
        le32_put(frame, 64);
        le32_put(frame + 4, 65 + (uint32_t) (x >> 40) % 4000);
        le32_put(frame + FRAME_HEAD, round & 1 ? 0x184D2204u : 0xFD2FB528u);
        memcpy(aad, s.id, SHA256_BYTES);
        le64_put(aad + SHA256_BYTES, 9);
        memcpy(aad + SHA256_BYTES + 8, frame, FRAME_HEAD);
        le32_put(frame + FRAME_HEAD + 64, crc32c(crc32c(0, aad, sizeof(aad)), frame + FRAME_HEAD, 64));
        if (frame_read(&s, 9, 0, frame, sizeof(frame), &back, &e) != ERR_OK)
            ck_assert_uint_eq(back.len, 0);
    }
}
END_TEST

START_TEST(a_table_tells_the_lengths_again)
{
    static const size_t counts[] = {0, 1, 2, 1000};
    uint32_t lengths[1000];

    for (uint32_t i = 0; i < 1000; i++)
        lengths[i] = i / 10 + 17;
    EACH_WAY(s, dense)
    for (size_t i = 0; i < COUNT(counts); i++) {
        CLEANUP(buf_clear) struct buf out = BUF_INIT(100000);
        struct err e = ERR_NONE;
        CLEANUP(buf_clear) struct buf got = BUF_INIT(100000);
        size_t table_len, whole;

        (void) dense;
        OK(frame_table_write(&s, lengths, counts[i], &out, &e));
        OK(frame_footer_read(out.data + out.len - SEAL_FOOTER, &table_len, &e));
        ck_assert_uint_eq(table_len + SEAL_FOOTER, out.len);
        OK(table_read(&s, out.data, table_len, &got, &e));
        ck_assert_uint_eq(got.len, 4 * counts[i]);
        for (size_t k = 0; k < counts[i]; k++)
            ck_assert_uint_eq(le32_get(got.data + 4 * k), lengths[k]);
        for (size_t bit = 0; counts[i] == 2 && bit < 8 * out.len; bit++) {
            out.data[bit / 8] ^= (uint8_t) (1u << bit % 8);
            if (bit / 8 < table_len)
                ck_assert_int_eq(table_read(&s, out.data, table_len, &got, &e), ERR_CORRUPT);
            else
                ck_assert_int_eq(frame_footer_read(out.data + table_len, &whole, &e), ERR_CORRUPT);
            out.data[bit / 8] ^= (uint8_t) (1u << bit % 8);
        }
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_frame_gives_its_plain_text_back_behind_what_was_there,
        a_frame_is_bound_to_its_number_its_object_its_key_and_its_kind,
        every_altered_bit_and_every_cut_is_refused_and_nothing_appended,
        a_header_that_cannot_be_is_refused_before_memory_is_taken,
        a_frame_beyond_the_limit_is_not_written,
        random_payloads_with_right_checksums_are_survived,
        a_table_tells_the_lengths_again,
    };

    return check_main(suite_of("codec/frame", tests, COUNT(tests)));
}
