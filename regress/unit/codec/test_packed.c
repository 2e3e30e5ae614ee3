#include "codec/packed.h"

#include "sealing.h"

static enum err_code pack_bytes(struct packed *p, enum codec codec, const uint8_t *plain, size_t len,
                                size_t chunk, struct sink *next, struct err *e)
{
    CLEANUP(sink_freep) struct sink *chain = NULL;

    return packed_sink_new(p, codec, 0, next, &chain, e) != ERR_OK ? e->code
                                                                   : push(chain, plain, len, chunk, e);
}

static enum err_code seal_packed(const struct packed *p, struct descriptor *d, const struct recipients *to,
                                 int fail_at, struct buf *out, struct err *e)
{
    CLEANUP(sink_freep) struct sink *end = trap_new(out, fail_at);

    return packed_seal(p, d, to, end, e);
}

static const size_t sizes[] = {
    0, 1, PACKED_FRAME - 1, PACKED_FRAME, PACKED_FRAME + 1, 3 * (size_t) PACKED_FRAME + 7};

/* Without a key nothing in an object is random. */
START_TEST(an_object_is_byte_for_byte_what_sealing_the_plain_bytes_would_have_made)
{
    static const size_t chunks[] = {777, 65536, PACKED_FRAME, 2 * (size_t) PACKED_FRAME + 1};
    const enum codec codec = (enum codec)(_i / 2);
    CLEANUP(freep) uint8_t *plain = plain_new(sizes[COUNT(sizes) - 1], _i % 2 != 0);
    const struct recipients nobody = {NULL, 0};
    struct err e = ERR_NONE;

    for (size_t i = 0; i < COUNT(sizes); i++)
        for (size_t c = 0; c < COUNT(chunks); c++) {
            CLEANUP(packed_clear) struct packed p = PACKED_NONE;
            CLEANUP(buf_clear) struct buf wanted = BUF_INIT(OBJECT_MAX), got = BUF_INIT(OBJECT_MAX);
            struct descriptor d = descriptor_for(CODEC_NONE, 1, plain, sizes[i]);

            OK(seal_bytes(descriptor_for(codec, PACKED_FRAME, plain, sizes[i]), &nobody, plain, sizes[i],
                          PACKED_FRAME, 0, &wanted, &e));
            OK(pack_bytes(&p, codec, plain, sizes[i], chunks[c], NULL, &e));
            OK(seal_packed(&p, &d, &nobody, 0, &got, &e));
            ck_assert_msg(got.len == wanted.len && memcmp(got.data, wanted.data, got.len) == 0,
                          "%s, %zu bytes in pieces of %zu: another object", codec_name(codec), sizes[i],
                          chunks[c]);
        }
}
END_TEST

START_TEST(what_was_packed_once_is_sealed_for_several_places_each_with_a_key_of_its_own)
{
    const size_t len = 2 * (size_t) PACKED_FRAME + 5;
    CLEANUP(freep) uint8_t *plain = plain_new(len, true);
    CLEANUP(packed_clear) struct packed p = PACKED_NONE;
    CLEANUP(buf_clear) struct buf first = BUF_INIT(OBJECT_MAX), second = BUF_INIT(OBJECT_MAX);
    CLEANUP(buf_clear) struct buf back = BUF_INIT(OBJECT_MAX), again = BUF_INIT(OBJECT_MAX);
    struct descriptor d = descriptor_for(CODEC_LZ4, 0, plain, len), d2 = d;
    struct key_set k;
    struct err e = ERR_NONE;

    key_set_init(&k, 2);
    OK(pack_bytes(&p, CODEC_LZ4, plain, len, 4096, NULL, &e));
    OK(seal_packed(&p, &d, &k.to, 0, &first, &e));
    OK(seal_packed(&p, &d2, &k.to, 0, &second, &e));
    ck_assert(first.len != second.len || memcmp(first.data, second.data, first.len) != 0);
    OK(unseal_bytes(&k.with, first.data, first.len, 65536, 0, &back, &e));
    OK(unseal_bytes(&k.with, second.data, second.len, 65536, 0, &again, &e));
    ck_assert(back.len == len && memcmp(back.data, plain, len) == 0);
    ck_assert(again.len == len && memcmp(again.data, plain, len) == 0);
}
END_TEST

START_TEST(the_plain_bytes_go_on_to_the_next_stage)
{
    const size_t len = PACKED_FRAME + 100;
    CLEANUP(freep) uint8_t *plain = plain_new(len, true);
    CLEANUP(packed_clear) struct packed p = PACKED_NONE;
    CLEANUP(buf_clear) struct buf seen = BUF_INIT(OBJECT_MAX);
    struct err e = ERR_NONE;

    OK(pack_bytes(&p, CODEC_ZSTD, plain, len, 1000, trap_new(&seen, 0), &e));
    ck_assert(seen.len == len && memcmp(seen.data, plain, len) == 0);
}
END_TEST

START_TEST(a_failure_of_the_next_stage_is_passed_up)
{
    CLEANUP(freep) uint8_t *plain = plain_new(5000, true);

    for (int fail_at = 1; fail_at <= 6; fail_at++) { /* five writes and the finish */
        CLEANUP(packed_clear) struct packed p = PACKED_NONE;
        CLEANUP(buf_clear) struct buf seen = BUF_INIT(OBJECT_MAX);
        struct err e = ERR_NONE;

        ck_assert_int_eq(pack_bytes(&p, CODEC_LZ4, plain, 5000, 1000, trap_new(&seen, fail_at), &e), ERR_IO);
    }
}
END_TEST

START_TEST(a_failure_to_write_the_object_is_passed_up_at_every_step)
{
    const size_t len = 2 * (size_t) PACKED_FRAME;
    CLEANUP(freep) uint8_t *plain = plain_new(len, true);
    CLEANUP(packed_clear) struct packed p = PACKED_NONE;
    struct descriptor d = descriptor_for(CODEC_LZ4, 0, plain, len);
    const struct recipients nobody = {NULL, 0};
    enum err_code code = ERR_IO;
    struct err e = ERR_NONE;
    int fail_at = 1;

    OK(pack_bytes(&p, CODEC_LZ4, plain, len, len, NULL, &e));
    for (; code != ERR_OK; fail_at++) {
        CLEANUP(buf_clear) struct buf out = BUF_INIT(OBJECT_MAX);
        struct err why = ERR_NONE;

        code = seal_packed(&p, &d, &nobody, fail_at, &out, &why);
        ck_assert_int_eq(code, why.code);
        ck_assert(code == ERR_OK || code == ERR_IO);
    }
    ck_assert_int_eq(fail_at, 7); /* descriptor, two frames, table, finish; and one that nothing reached */
}
END_TEST

START_TEST(a_descriptor_that_promises_another_size_is_refused)
{
    CLEANUP(freep) uint8_t *plain = plain_new(100, true);
    CLEANUP(packed_clear) struct packed p = PACKED_NONE;
    CLEANUP(buf_clear) struct buf out = BUF_INIT(OBJECT_MAX);
    struct descriptor d = descriptor_for(CODEC_LZ4, 0, plain, 99);
    const struct recipients nobody = {NULL, 0};
    struct err e = ERR_NONE;

    OK(pack_bytes(&p, CODEC_LZ4, plain, 100, 100, NULL, &e));
    ck_assert_int_eq(seal_packed(&p, &d, &nobody, 0, &out, &e), ERR_CORRUPT);
    ck_assert_uint_eq(out.len, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("codec/packed");
    TCase *tests = tcase_create("codec/packed");

    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, an_object_is_byte_for_byte_what_sealing_the_plain_bytes_would_have_made, 0, 6);
    tcase_add_test(tests, what_was_packed_once_is_sealed_for_several_places_each_with_a_key_of_its_own);
    tcase_add_test(tests, the_plain_bytes_go_on_to_the_next_stage);
    tcase_add_test(tests, a_failure_of_the_next_stage_is_passed_up);
    tcase_add_test(tests, a_failure_to_write_the_object_is_passed_up_at_every_step);
    tcase_add_test(tests, a_descriptor_that_promises_another_size_is_refused);
    suite_add_tcase(suite, tests);
    return check_main(suite);
}
