#include "codec/compress.h"

#include "codec/le.h"
#include "sealing.h"

#include <pthread.h>

static const enum codec packers[] = {CODEC_LZ4, CODEC_ZSTD};

START_TEST(names_are_read_back)
{
    enum codec c = CODEC_NONE;
    struct err e = ERR_NONE;

    OK(codec_parse("lz4", &c, &e));
    ck_assert_int_eq(c, CODEC_LZ4);
    OK(codec_parse("zstd", &c, &e));
    ck_assert_int_eq(c, CODEC_ZSTD);
    OK(codec_parse("none", &c, &e));
    ck_assert_int_eq(c, CODEC_NONE);
    ck_assert_int_eq(codec_parse("gzip", &c, &e), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(e.text, "gzip"));
    ck_assert_int_eq(codec_parse("", &c, &e), ERR_USAGE);
    ck_assert_int_eq(codec_parse("LZ4", &c, &e), ERR_USAGE);
}
END_TEST

START_TEST(every_level_gives_the_text_back)
{
    const size_t len = 150000;
    CLEANUP(freep) uint8_t *plain = plain_new(len, true);
    CLEANUP(freep) uint8_t *back = plain_new(len, false);

    for (size_t i = 0; i < COUNT(packers); i++) {
        int min, max;

        codec_levels(packers[i], &min, &max);
        for (int level = min; level <= max; level++) {
            CLEANUP(buf_clear) struct buf out = BUF_INIT(len);
            struct err e = ERR_NONE;
            bool raw = true;

            OK(codec_compress(packers[i], level, plain, len, &out, &raw, &e));
            ck_assert(!raw && out.len < len / 10);
            memset(back, 0, len);
            OK(codec_decompress(packers[i], out.data, out.len, back, len, &e));
            ck_assert(memcmp(plain, back, len) == 0);
        }
    }
}
END_TEST

START_TEST(what_does_not_shrink_is_left_raw_even_under_a_tight_ceiling)
{
    CLEANUP(freep) uint8_t *noise = plain_new(100000, false);
    static const size_t sizes[] = {0, 1, 2, 10, 100000};

    for (enum codec c = CODEC_NONE; c <= CODEC_ZSTD; c++)
        for (size_t i = 0; i < COUNT(sizes); i++) {
            CLEANUP(buf_clear) struct buf out = BUF_INIT(3);
            struct err e = ERR_NONE;
            bool raw = false;

            OK(buf_append(&out, "abc", 3, &e));
            OK(codec_compress(c, 0, noise, sizes[i], &out, &raw, &e));
            ck_assert(raw);
            ck_assert_uint_eq(out.len, 3);
            ck_assert_uint_eq(out.max, 3);
        }
}
END_TEST

START_TEST(a_ceiling_too_low_for_the_result_is_an_error)
{
    CLEANUP(freep) uint8_t *plain = plain_new(100000, true);

    for (size_t i = 0; i < COUNT(packers); i++) {
        CLEANUP(buf_clear) struct buf out = BUF_INIT(20);
        struct err e = ERR_NONE;
        bool raw;

        ck_assert_int_eq(codec_compress(packers[i], 0, plain, 100000, &out, &raw, &e), ERR_CORRUPT);
        ck_assert_uint_eq(out.len, 0);
    }
}
END_TEST

/* Longer, shorter, cut at every place, followed by more, or a frame that is skipped. */
START_TEST(only_exactly_one_whole_frame_is_accepted)
{
    const size_t len = 3000;
    CLEANUP(freep) uint8_t *plain = plain_new(len, true);
    CLEANUP(freep) uint8_t *back = plain_new(2 * len, false);

    for (size_t i = 0; i < COUNT(packers); i++) {
        CLEANUP(buf_clear) struct buf out = BUF_INIT(100000);
        uint8_t skippable[9] = {0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 'x'};
        struct err e = ERR_NONE;
        size_t one;
        bool raw;

        OK(codec_compress(packers[i], 0, plain, len, &out, &raw, &e));
        one = out.len;
        ck_assert_int_eq(codec_decompress(packers[i], out.data, one, back, len - 1, &e), ERR_CORRUPT);
        ck_assert_int_eq(codec_decompress(packers[i], out.data, one, back, len + 1, &e), ERR_CORRUPT);
        for (size_t cut = 0; cut < one; cut++)
            ck_assert_int_eq(codec_decompress(packers[i], out.data, cut, back, len, &e), ERR_CORRUPT);
        OK(buf_append(&out, "x", 1, &e));
        ck_assert_int_eq(codec_decompress(packers[i], out.data, out.len, back, len, &e), ERR_CORRUPT);
        out.len = one;
        OK(codec_compress(packers[i], 0, plain, len, &out, &raw, &e));
        ck_assert_int_eq(codec_decompress(packers[i], out.data, out.len, back, 2 * len, &e), ERR_CORRUPT);
        ck_assert_int_eq(codec_decompress(packers[i], skippable, sizeof(skippable), back, 0, &e),
                         ERR_CORRUPT);
        OK(codec_decompress(packers[i], out.data, one, back, len, &e)); /* the context still works */
    }
    struct err e = ERR_NONE;
    ck_assert_int_eq(codec_decompress(CODEC_NONE, plain, len, back, len, &e), ERR_CORRUPT);
}
END_TEST

START_TEST(damaged_frames_never_write_outside)
{
    const size_t len = 3000;
    CLEANUP(freep) uint8_t *plain = plain_new(len, true);

    for (size_t i = 0; i < COUNT(packers); i++) {
        CLEANUP(buf_clear) struct buf out = BUF_INIT(100000);
        struct err e = ERR_NONE;
        bool raw;

        OK(codec_compress(packers[i], 0, plain, len, &out, &raw, &e));
        for (size_t at = 0; at < out.len; at++)
            for (unsigned flip = 1; flip < 256; flip++) {
                uint8_t *back = malloc(len); /* its own block, so that a checker sees its ends */

                ck_assert_ptr_nonnull(back);
                out.data[at] ^= (uint8_t) flip;
                (void) codec_decompress(packers[i], out.data, out.len, back, len, &e);
                out.data[at] ^= (uint8_t) flip;
                free(back);
            }
    }
}
END_TEST

static void *pack_in_thread(void *arg)
{
    const uint8_t *plain = arg;
    struct buf out = BUF_INIT(100000);
    struct err e = ERR_NONE;
    uint8_t back[3000];
    bool raw, good = true;

    for (size_t i = 0; i < COUNT(packers); i++) {
        buf_reset(&out);
        good = good && codec_compress(packers[i], 0, plain, sizeof(back), &out, &raw, &e) == ERR_OK &&
               codec_decompress(packers[i], out.data, out.len, back, sizeof(back), &e) == ERR_OK &&
               memcmp(plain, back, sizeof(back)) == 0;
    }
    buf_clear(&out);
    return good ? arg : NULL;
}

START_TEST(threads_have_contexts_of_their_own_and_leave_none_behind)
{
    CLEANUP(freep) uint8_t *plain = plain_new(3000, true);
    pthread_t threads[4];
    void *answer;

    for (size_t i = 0; i < COUNT(threads); i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, pack_in_thread, plain), 0);
    for (size_t i = 0; i < COUNT(threads); i++) {
        ck_assert_int_eq(pthread_join(threads[i], &answer), 0);
        ck_assert_ptr_eq(answer, plain);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {names_are_read_back,
                                  every_level_gives_the_text_back,
                                  what_does_not_shrink_is_left_raw_even_under_a_tight_ceiling,
                                  a_ceiling_too_low_for_the_result_is_an_error,
                                  only_exactly_one_whole_frame_is_accepted,
                                  damaged_frames_never_write_outside,
                                  threads_have_contexts_of_their_own_and_leave_none_behind};

    return check_main(suite_of("codec/compress", tests, COUNT(tests)));
}
