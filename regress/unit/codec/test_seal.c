#include "codec/seal.h"

#include "sealing.h"

static const size_t recipient_counts[] = {0, 1, 3};

/* One way through the harness: plain of this size in frames of F bytes, written and read in pieces of chunk bytes. */
static void ck_round_trip(enum codec codec, const struct key_set *k, size_t recipients, uint32_t frame_bytes,
                          const uint8_t *plain, size_t len, size_t chunk)
{
    struct recipients to = {(struct recipient *) (uintptr_t) k->publics, recipients};
    struct identities with = {(struct identity *) (uintptr_t) &k->ids[recipients > 0 ? recipients - 1 : 0],
                              1};
    CLEANUP(buf_clear) struct buf sealed = BUF_INIT(OBJECT_MAX);
    CLEANUP(buf_clear) struct buf back = BUF_INIT(OBJECT_MAX);
    struct err e = ERR_NONE;

    OK(seal_bytes(descriptor_for(codec, frame_bytes, plain, len), &to, plain, len, chunk, 0, &sealed, &e));
    OK(unseal_bytes(&with, sealed.data, sealed.len, chunk, 0, &back, &e));
    if (back.len != len || (len > 0 && memcmp(back.data, plain, len) != 0))
        ck_abort_msg("%s, %zu recipients, frame %u, %zu bytes, chunk %zu: other bytes came back",
                     codec_name(codec), recipients, frame_bytes, len, chunk);
}

static void ck_all_sizes(enum codec codec, size_t recipients, uint32_t frame_bytes, size_t chunk)
{
    const size_t f = frame_bytes;
    const size_t sizes[] = {0, 1, f - 1, f, f + 1, 3 * f + 7};
    struct key_set k;

    key_set_init(&k, 3);
    for (int dense = 0; dense < 2; dense++) {
        CLEANUP(freep) uint8_t *plain = plain_new(3 * f + 7, dense != 0);

        for (size_t i = 0; i < COUNT(sizes); i++)
            ck_round_trip(codec, &k, recipients, frame_bytes, plain, sizes[i], chunk);
    }
}

START_TEST(every_codec_and_recipient_count_gives_back_every_size_in_small_pieces)
{
    enum codec codec = (enum codec)(_i / 3);

    for (size_t chunk = 1; chunk <= 70; chunk += thin_step())
        ck_all_sizes(codec, recipient_counts[_i % 3], 300, chunk);
}
END_TEST

START_TEST(every_codec_and_recipient_count_gives_back_every_size_in_large_pieces)
{
    static const size_t chunks[] = {65535, 65536, 65537};
    static const uint32_t frames[] = {300, 65536, 100000};
    enum codec codec = (enum codec)(_i / 3);

    for (size_t c = 0; c < COUNT(chunks); c++)
        for (size_t f = 0; f < COUNT(frames); f++)
            ck_all_sizes(codec, recipient_counts[_i % 3], frames[f], chunks[c]);
}
END_TEST

START_TEST(frames_of_one_byte_and_of_the_default_size_work)
{
    struct key_set k;
    CLEANUP(freep) uint8_t *plain = plain_new(SEAL_FRAME_DEFAULT + 1, true);

    key_set_init(&k, 1);
    for (enum codec c = CODEC_NONE; c <= CODEC_ZSTD; c++) {
        ck_round_trip(c, &k, 1, 1, plain, 100, 7);
        ck_round_trip(c, &k, 1, 0, plain, SEAL_FRAME_DEFAULT + 1, 4096);
    }
}
END_TEST

START_TEST(compression_shows_and_noise_costs_next_to_nothing)
{
    CLEANUP(freep) uint8_t *noise = plain_new(1 << 20, false);
    CLEANUP(freep) uint8_t *text = plain_new(1 << 20, true);

    for (enum codec c = CODEC_LZ4; c <= CODEC_ZSTD; c++) {
        CLEANUP(buf_clear) struct buf of_noise = BUF_INIT(OBJECT_MAX);
        CLEANUP(buf_clear) struct buf of_text = BUF_INIT(OBJECT_MAX);
        struct err e = ERR_NONE;

        OK(seal_bytes(descriptor_for(c, 65536, noise, 1 << 20), NULL, noise, 1 << 20, 1 << 20, 0, &of_noise,
                      &e));
        OK(seal_bytes(descriptor_for(c, 65536, text, 1 << 20), NULL, text, 1 << 20, 1 << 20, 0, &of_text,
                      &e));
        ck_assert_uint_lt(of_noise.len, (1 << 20) + 2000);
        ck_assert_uint_lt(of_text.len, 20000);
    }
}
END_TEST

START_TEST(a_failure_downstream_at_any_call_is_told_and_leaves_nothing_behind)
{
    CLEANUP(freep) uint8_t *plain = plain_new(1000, true);
    struct key_set k;
    int fail_at = 0;
    enum err_code code;

    key_set_init(&k, 1);
    do {
        CLEANUP(buf_clear) struct buf sealed = BUF_INIT(OBJECT_MAX);
        struct err e = ERR_NONE;

        code = seal_bytes(descriptor_for(CODEC_LZ4, 300, plain, 1000), &k.to, plain, 1000, 64, ++fail_at,
                          &sealed, &e);
        ck_assert(code == ERR_OK || code == ERR_IO);
    } while (code != ERR_OK);
    ck_assert_int_eq(fail_at, 1 + 4 + 1 + 1 + 1); /* descriptor, frames, table, finish, and then none fails */
}
END_TEST

START_TEST(a_stream_of_another_length_than_promised_is_refused)
{
    CLEANUP(freep) uint8_t *plain = plain_new(1000, true);

    for (size_t promised = 990; promised <= 1010; promised++) {
        CLEANUP(buf_clear) struct buf sealed = BUF_INIT(OBJECT_MAX);
        struct descriptor d = descriptor_for(CODEC_NONE, 300, plain, 1000);
        struct err e = ERR_NONE;

        d.size = promised;
        ck_assert_int_eq(seal_bytes(d, NULL, plain, 1000, 64, 0, &sealed, &e),
                         promised == 1000 ? ERR_OK : ERR_CORRUPT);
    }
}
END_TEST

START_TEST(a_stream_of_unknown_length_is_sealed_and_opened)
{
    CLEANUP(freep) uint8_t *plain = plain_new(1000, true);
    CLEANUP(buf_clear) struct buf sealed = BUF_INIT(OBJECT_MAX);
    CLEANUP(buf_clear) struct buf back = BUF_INIT(OBJECT_MAX);
    struct descriptor d = descriptor_for(CODEC_ZSTD, 300, plain, 1000);
    struct err e = ERR_NONE;

    d.sized = false;
    OK(seal_bytes(d, NULL, plain, 1000, 64, 0, &sealed, &e));
    OK(unseal_bytes(NULL, sealed.data, sealed.len, 64, 0, &back, &e));
    ck_assert_uint_eq(back.len, 1000);
    ck_assert(memcmp(back.data, plain, 1000) == 0);
}
END_TEST

START_TEST(settings_that_cannot_be_are_refused)
{
    struct descriptor good = descriptor_for(CODEC_LZ4, 300, "", 0);
    struct recipient zeros[WRAPPED_KEYS_MAX + 1] = {0};
    struct recipients too_many = {zeros, WRAPPED_KEYS_MAX + 1}, unusable = {zeros, 1};
    struct {
        struct descriptor d;
        const struct recipients *to;
    } table[] = {{good, NULL}, {good, NULL}, {good, NULL}, {good, &too_many}, {good, &unusable}};

    table[0].d.level = 13;
    table[1].d.level = -1;
    table[2].d.frame_bytes = FRAME_PLAIN_MAX + 1;
    for (size_t i = 0; i < COUNT(table); i++) {
        CLEANUP(buf_clear) struct buf sealed = BUF_INIT(OBJECT_MAX);
        struct err e = ERR_NONE;

        ck_assert_msg(seal_bytes(table[i].d, table[i].to, NULL, 0, 1, 0, &sealed, &e) == ERR_USAGE, "%zu", i);
        ck_assert_uint_eq(sealed.len, 0);
    }
}
END_TEST

START_TEST(two_objects_never_share_a_data_key)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(OBJECT_MAX);
    struct frame_seal a, b;
    struct descriptor d = descriptor_for(CODEC_NONE, 0, "", 0);
    struct key_set k;
    struct err e = ERR_NONE;

    key_set_init(&k, 1);
    OK(seal_begin(&d, &k.to, &a, &text, &e));
    OK(seal_begin(&d, &k.to, &b, &text, &e));
    ck_assert(memcmp(a.key, b.key, KEY_BYTES) != 0 && memcmp(a.id, b.id, SHA256_BYTES) != 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {frames_of_one_byte_and_of_the_default_size_work,
                                  compression_shows_and_noise_costs_next_to_nothing,
                                  a_failure_downstream_at_any_call_is_told_and_leaves_nothing_behind,
                                  a_stream_of_another_length_than_promised_is_refused,
                                  a_stream_of_unknown_length_is_sealed_and_opened,
                                  settings_that_cannot_be_are_refused,
                                  two_objects_never_share_a_data_key};
    Suite *suite = suite_of("codec/seal", tests, COUNT(tests));
    TCase *harness = tcase_create("harness");

    tcase_set_timeout(harness, 600); /* under valgrind */
    tcase_add_loop_test(harness, every_codec_and_recipient_count_gives_back_every_size_in_small_pieces, 0, 9);
    tcase_add_loop_test(harness, every_codec_and_recipient_count_gives_back_every_size_in_large_pieces, 0, 9);
    suite_add_tcase(suite, harness);
    return check_main(suite);
}
