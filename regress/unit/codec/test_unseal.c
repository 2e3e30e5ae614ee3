#include "codec/unseal.h"

#include "codec/crc32c.h"
#include "codec/le.h"
#include "sealing.h"

#define FRAME_SIZE 64
#define SMALL      200

/* A small sealed object and where its pieces lie. */
struct object {
    struct buf bytes;
    size_t descriptor_len;
    size_t begins[8]; /* of data frames, then of the table, then of the footer */
    size_t frames;
};

static void object_clear(struct object *o)
{
    buf_clear(&o->bytes);
}

/* Where the frames lie; the tag's length tells an encrypted object. */
static void object_measure(struct object *o, bool encrypted)
{
    struct frame_seal s = {.encrypted = encrypted};
    struct err e = ERR_NONE;
    unsigned flags = 0;
    size_t at, whole;
    uint32_t plain_len;

    OK(descriptor_length(o->bytes.data, &at, &e));
    o->descriptor_len = at;
    for (o->frames = 0; !(flags & FRAME_TABLE); o->frames++) {
        o->begins[o->frames] = at;
        OK(frame_measure(&s, o->bytes.data + at, &whole, &plain_len, &flags, &e));
        at += whole;
    }
    o->begins[o->frames--] = at;
    ck_assert_uint_eq(at + SEAL_FOOTER, o->bytes.len);
}

/* Kinds 0 to 5: each codec, unencrypted and encrypted for the first key of k. */
#define OBJECT_KINDS 6
static struct object object_of_kind(int kind, const struct key_set *k, const uint8_t *plain, size_t len)
{
    struct object o = {.bytes = BUF_INIT(OBJECT_MAX)};
    struct recipients to = {(struct recipient *) (uintptr_t) k->publics, (size_t) kind % 2};
    struct err e = ERR_NONE;

    OK(seal_bytes(descriptor_for((enum codec)(kind / 2), FRAME_SIZE, plain, len), &to, plain, len, 50, 0,
                  &o.bytes, &e));
    object_measure(&o, kind % 2 == 1);
    return o;
}

START_TEST(every_truncation_is_refused)
{
    CLEANUP(freep) uint8_t *plain = plain_new(SMALL, true);
    struct key_set k;
    CLEANUP(object_clear) struct object o = {0};

    key_set_init(&k, 1);
    o = object_of_kind(_i, &k, plain, SMALL);
    for (size_t len = 0; len < o.bytes.len; len++)
        ck_refused(&k.with, o.bytes.data, len, 37, "cut", len);
}
END_TEST

START_TEST(every_altered_byte_is_refused)
{
    static const uint8_t flips[] = {0x01, 0x80, 0xff};
    CLEANUP(freep) uint8_t *plain = plain_new(SMALL, true);
    struct key_set k;
    CLEANUP(object_clear) struct object o = {0};

    key_set_init(&k, 1);
    o = object_of_kind(_i, &k, plain, SMALL);
    for (size_t f = 0; f < sizeof(flips); f++)
        for (size_t at = 0; at < o.bytes.len; at += thin_step()) {
            o.bytes.data[at] ^= flips[f];
            ck_refused(&k.with, o.bytes.data, o.bytes.len, 4096, "altered", at);
            o.bytes.data[at] ^= flips[f];
        }
}
END_TEST

/* An attacker can make the descriptor's checksum fit; the frames are bound to its bytes all the same. */
START_TEST(an_edited_descriptor_with_a_right_checksum_is_refused)
{
    CLEANUP(freep) uint8_t *plain = plain_new(SMALL, true);
    struct key_set k;
    CLEANUP(object_clear) struct object o = {0};

    key_set_init(&k, 1);
    o = object_of_kind(_i, &k, plain, SMALL);
    for (size_t at = DESCRIPTOR_HEAD; at < o.descriptor_len - 4; at++)
        for (uint8_t flip = 1; flip <= 2; flip++) {
            CLEANUP(buf_clear) struct buf got = BUF_INIT(OBJECT_MAX);
            uint8_t *sum = o.bytes.data + o.descriptor_len - 4;
            struct err e = ERR_NONE;
            enum err_code code;

            o.bytes.data[at] ^= flip;
            le32_put(sum, crc32c(0, o.bytes.data, o.descriptor_len - 4));
            code = unseal_bytes(&k.with, o.bytes.data, o.bytes.len, 4096, 0, &got, &e);
            if ((code != ERR_CORRUPT && code != ERR_DENIED) || got.len > 0)
                ck_abort_msg("byte %zu: %s, %zu bytes", at, err_kind(code), got.len);
            o.bytes.data[at] ^= flip;
        }
}
END_TEST

START_TEST(bytes_behind_the_end_are_refused)
{
    CLEANUP(freep) uint8_t *plain = plain_new(SMALL, true);
    struct key_set k;
    CLEANUP(object_clear) struct object o = {0};
    struct err e = ERR_NONE;

    key_set_init(&k, 1);
    o = object_of_kind(_i, &k, plain, SMALL);
    OK(buf_append(&o.bytes, "", 1, &e));
    for (size_t chunk = 1; chunk < 100; chunk += thin_step())
        ck_refused(&k.with, o.bytes.data, o.bytes.len, chunk, "one more", chunk);
    ck_refused(&k.with, o.bytes.data, o.bytes.len, 100000, "one more", 0);
}
END_TEST

/*
 * Objects put together from parts of two objects: D descriptor, 0 to 3 data frames, T table, F footer, and in lower
 * case (d, w to z, t, f) those of another object.
 */
static void assemble(const char *parts, const struct object *ours, const struct object *other,
                     struct buf *out)
{
    static const char order[] = "0123TF", order_other[] = "wxyztf";
    struct err e = ERR_NONE;

    for (; *parts != '\0'; parts++) {
        bool foreign = strchr("dwxyztf", *parts) != NULL;
        const struct object *o = foreign ? other : ours;
        const char *place = strchr(foreign ? order_other : order, *parts);
        size_t begin = 0, end = o->descriptor_len;

        if (place != NULL) {
            size_t i = (size_t) (place - (foreign ? order_other : order));

            begin = o->begins[i];
            end = i == 5 ? o->bytes.len : o->begins[i + 1];
        }
        OK(buf_append(out, o->bytes.data + begin, end - begin, &e));
    }
}

START_TEST(frames_swapped_repeated_dropped_or_taken_from_another_object_are_refused)
{
    static const char *const table[] = {
        "D0132TF", "D1023TF",  "D00123TF", "D01233TF", "D0012TF",     "D012TF",   "D123TF",
        "D013TF",  "D0123F",   "D0123T",   "DTF",      "D0123TTF",    "D0123TFF", "D0123TFTF",
        "DT0123F", "D01T23TF", "0123TF",   "DD0123TF", "Dw123TF",     "D0x23TF",  "D012zTF",
        "D0123tF", "Dwxyztf",  "d0123TF",  "d0wxyzTF", "Dwxyz0123TF", "D0123Ttf", "DTF0123TF",
    };
    CLEANUP(freep) uint8_t *plain = plain_new(SMALL, false);
    CLEANUP(freep) uint8_t *plain2 = plain_new(SMALL, true);
    struct key_set k;
    CLEANUP(object_clear) struct object ours = {0};
    CLEANUP(object_clear) struct object other = {0};
    CLEANUP(buf_clear) struct buf whole = BUF_INIT(OBJECT_MAX), back = BUF_INIT(OBJECT_MAX);
    struct err e = ERR_NONE;

    key_set_init(&k, 1);
    ours = object_of_kind(_i, &k, plain, SMALL);
    other = object_of_kind(_i, &k, plain2, SMALL);
    ck_assert_uint_eq(ours.frames, 4);
    ck_assert_uint_eq(other.frames, 4);
    assemble("D0123TF", &ours, &other, &whole);
    OK(unseal_bytes(&k.with, whole.data, whole.len, 100, 0, &back, &e));
    for (size_t i = 0; i < COUNT(table); i++) {
        buf_reset(&whole);
        assemble(table[i], &ours, &other, &whole);
        ck_refused(&k.with, whole.data, whole.len, 100, table[i], i);
    }
    buf_clear(&whole);
    buf_clear(&back);
}
END_TEST

/*
 * Frames made one by one by someone who holds the data key, or of an object that has none, must still keep the rules.
 */
static enum err_code unseal_made(struct descriptor d, const char *const *frames, size_t count,
                                 struct buf *got, struct err *answer)
{
    CLEANUP(buf_clear) struct buf o = BUF_INIT(OBJECT_MAX);
    struct frame_seal s;
    struct err e = ERR_NONE;
    uint32_t lengths[8];

    OK(seal_begin(&d, NULL, &s, &o, &e));
    for (size_t i = 0; i < count; i++) {
        size_t before = o.len;

        OK(frame_write(&s, i, 0, frames[i], strlen(frames[i]), &o, &e));
        lengths[i] = (uint32_t) (o.len - before);
    }
    OK(frame_table_write(&s, lengths, count, &o, &e));
    return unseal_bytes(NULL, o.data, o.len, 11, 0, got, answer);
}
START_TEST(size_digest_and_frame_size_of_the_descriptor_are_held_to)
{
    static const struct {
        const char *promise;
        uint32_t frame;
        const char *frames[4];
        enum err_code expected;
        const char *why;
    } table[] = {
        {"abcdef", 4, {"abcd", "ef"}, ERR_OK, "as promised"},
        {"abcdef", 0, {"a", "bcde", "", "f"}, ERR_OK, "frames of any size"},
        {"", 4, {NULL}, ERR_OK, "nothing"},
        {"abcdef", 4, {"abcd", "eF"}, ERR_CORRUPT, "other content"},
        {"abcdef", 4, {"abcd", "e"}, ERR_CORRUPT, "too short"},
        {"abcdef", 4, {"abcd"}, ERR_CORRUPT, "too short by a frame"},
        {"abcdef", 4, {"abcd", "efg"}, ERR_CORRUPT, "too long"},
        {"abcdef", 4, {"ab", "cdef"}, ERR_CORRUPT, "a short frame that is not the last"},
        {"abcdef", 4, {"abcdef"}, ERR_CORRUPT, "a frame too large"},
        {"abcdef", 4, {"abcd", "ef", ""}, ERR_CORRUPT, "an empty frame"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        CLEANUP(buf_clear) struct buf got = BUF_INIT(OBJECT_MAX);
        struct err e = ERR_NONE;
        struct descriptor d =
            descriptor_for(CODEC_NONE, table[i].frame, table[i].promise, strlen(table[i].promise));
        size_t count = 0;

        while (count < 4 && table[i].frames[count] != NULL)
            count++;
        ck_assert_msg(unseal_made(d, table[i].frames, count, &got, &e) == table[i].expected, "%s: %s",
                      table[i].why, e.text);
        ck_assert_uint_le(got.len, strlen(table[i].promise)); /* nothing beyond the promise goes on */
    }
}
END_TEST

START_TEST(a_table_or_footer_that_tells_other_lengths_is_refused)
{
    for (int lie = 0; lie < 3; lie++) {
        CLEANUP(buf_clear) struct buf o = BUF_INIT(OBJECT_MAX);
        CLEANUP(buf_clear) struct buf got = BUF_INIT(OBJECT_MAX);
        struct descriptor d = descriptor_for(CODEC_NONE, 4, "abcd", 4);
        struct frame_seal s;
        struct err e = ERR_NONE;
        uint32_t length;
        size_t before;

        OK(seal_begin(&d, NULL, &s, &o, &e));
        before = o.len;
        OK(frame_write(&s, 0, 0, "abcd", 4, &o, &e));
        length = (uint32_t) (o.len - before) + (lie == 1);
        OK(frame_table_write(&s, &length, 1, &o, &e));
        if (lie == 2) {
            uint8_t *footer = o.data + o.len - SEAL_FOOTER;

            footer[8]++;
            le32_put(footer + 12, crc32c(0, footer, 12));
        }
        ck_assert_int_eq(unseal_bytes(NULL, o.data, o.len, 11, 0, &got, &e), lie == 0 ? ERR_OK : ERR_CORRUPT);
    }
}
END_TEST

START_TEST(a_failure_downstream_at_any_call_is_told_and_leaves_nothing_behind)
{
    CLEANUP(freep) uint8_t *plain = plain_new(SMALL, true);
    struct key_set k;
    CLEANUP(object_clear) struct object o = {0};
    enum err_code code;
    int fail_at = 0;

    key_set_init(&k, 1);
    o = object_of_kind(_i, &k, plain, SMALL);
    do {
        CLEANUP(buf_clear) struct buf got = BUF_INIT(OBJECT_MAX);
        struct err e = ERR_NONE;

        code = unseal_bytes(&k.with, o.bytes.data, o.bytes.len, 64, ++fail_at, &got, &e);
        ck_assert(code == ERR_OK || code == ERR_IO);
    } while (code != ERR_OK);
    ck_assert_int_eq(fail_at, 4 + 1 + 1);
}
END_TEST

START_TEST(any_frame_is_read_by_the_table_alone)
{
    CLEANUP(freep) uint8_t *plain = plain_new(SMALL, true);
    struct key_set k;
    CLEANUP(object_clear) struct object o = {0};
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    struct frame_seal s;
    struct err e = ERR_NONE;
    CLEANUP(buf_clear) struct buf table = BUF_INIT(OBJECT_MAX);
    size_t table_len, total;

    key_set_init(&k, 1);
    o = object_of_kind(_i, &k, plain, SMALL);
    OK(frame_footer_read(o.bytes.data + o.bytes.len - SEAL_FOOTER, &table_len, &e));
    OK(descriptor_length(o.bytes.data, &total, &e));
    OK(unseal_begin(o.bytes.data, total, &k.with, &d, &s, &e));
    OK(table_read(&s, o.bytes.data + o.bytes.len - SEAL_FOOTER - table_len, table_len, &table, &e));
    ck_assert_uint_eq(table.len, 4 * 4);
    for (size_t no = 4; no-- > 0;) {
        CLEANUP(buf_clear) struct buf got = BUF_INIT(FRAME_SIZE);
        size_t at = total;

        for (size_t i = 0; i < no; i++)
            at += le32_get(table.data + 4 * i);
        OK(frame_read(&s, no, 0, o.bytes.data + at, le32_get(table.data + 4 * no), &got, &e));
        ck_assert_uint_eq(got.len, no < 3 ? FRAME_SIZE : SMALL - 3 * FRAME_SIZE);
        ck_assert(memcmp(got.data, plain + no * FRAME_SIZE, got.len) == 0);
    }
}
END_TEST

START_TEST(without_a_fitting_identity_reading_is_denied)
{
    CLEANUP(freep) uint8_t *plain = plain_new(SMALL, true);
    struct key_set k, stranger;
    struct identities none = {0};
    const struct identities *const table[] = {NULL, &none, &stranger.with};
    CLEANUP(object_clear) struct object o = {0};

    key_set_init(&k, 1);
    key_set_init(&stranger, 1);
    o = object_of_kind(1, &k, plain, SMALL);
    for (size_t i = 0; i < COUNT(table); i++) {
        CLEANUP(buf_clear) struct buf got = BUF_INIT(OBJECT_MAX);
        struct descriptor d;
        struct frame_seal s;
        struct err e = ERR_NONE;

        ck_assert_int_eq(unseal_bytes(table[i], o.bytes.data, o.bytes.len, 64, 0, &got, &e), ERR_DENIED);
        ck_assert_ptr_nonnull(strstr(e.hint, "secret key of"));
        ck_assert_uint_eq(got.len, 0);
        ck_assert_int_eq(unseal_begin(o.bytes.data, o.descriptor_len, table[i], &d, &s, &e), ERR_DENIED);
    }
}
END_TEST

struct expectation {
    const struct buf *got;
    int calls;
    bool refuse;
};

static enum err_code expect_wal(const struct descriptor *d, void *arg, struct err *e)
{
    struct expectation *x = arg;

    x->calls++;
    ck_assert_str_eq(d->kind, "wal");
    ck_assert_uint_eq(x->got->len, 0);
    return x->refuse ? err_set(e, ERR_REFUSED, "not this one") : ERR_OK;
}

START_TEST(the_descriptor_is_shown_once_before_any_byte_and_can_be_refused)
{
    CLEANUP(freep) uint8_t *plain = plain_new(SMALL, true);
    struct key_set k;
    CLEANUP(object_clear) struct object o = {0};

    key_set_init(&k, 1);
    o = object_of_kind(3, &k, plain, SMALL);
    for (int refuse = 0; refuse < 2; refuse++) {
        CLEANUP(buf_clear) struct buf got = BUF_INIT(OBJECT_MAX);
        CLEANUP(sink_freep) struct sink *s = NULL;
        struct expectation x = {&got, 0, refuse != 0};
        struct err e = ERR_NONE;

        OK(unseal_sink_new(&k.with, expect_wal, &x, trap_new(&got, 0), &s, &e));
        ck_assert_int_eq(push(s, o.bytes.data, o.bytes.len, 1, &e), refuse ? ERR_REFUSED : ERR_OK);
        ck_assert_int_eq(x.calls, 1);
        ck_assert_uint_eq(got.len, refuse ? 0 : SMALL);
    }
}
END_TEST

START_TEST(a_descriptor_of_the_largest_size_works_in_pieces)
{
    CLEANUP(buf_clear) struct buf sealed = BUF_INIT(OBJECT_MAX), got = BUF_INIT(OBJECT_MAX);
    struct descriptor d = descriptor_for(CODEC_NONE, 0, "abc", 3);
    char *text = calloc(1, 65001);
    struct err e = ERR_NONE;

    memset(text, 'x', 65000);
    d.facts = json_pack("{s:s}", "long", text);
    OK(seal_bytes(d, NULL, (const uint8_t *) "abc", 3, 3, 0, &sealed, &e));
    OK(unseal_bytes(NULL, sealed.data, sealed.len, 1, 0, &got, &e));
    OK(unseal_bytes(NULL, sealed.data, sealed.len, 4096, 0, &got, &e));
    ck_assert_str_eq(buf_cstr(&got), "abcabc");
    descriptor_clear(&d);
    free(text);
    buf_clear(&sealed);
    buf_clear(&got);
}
END_TEST

/* Fixed objects under regress/data/sealed, made once; readable for ever. */
static void data_read(const char *name, struct buf *out)
{
    const char *data = getenv("PITR_TEST_DATA");
    char path[4096];
    struct err e = ERR_NONE;

    ck_assert_msg(data != NULL, "PITR_TEST_DATA is not set");
    (void) snprintf(path, sizeof(path), "%s/sealed/%s", data, name);
    if (buf_read_file(out, path, &e) != ERR_OK)
        ck_abort_msg("%s", e.text);
}

static const char *const golden[] = {"none-clear", "lz4-clear",   "zstd-clear", "none-sealed",
                                     "lz4-sealed", "zstd-sealed", "tiny-clear", "tiny-sealed"};

START_TEST(objects_of_format_version_1_stay_readable)
{
    CLEANUP(buf_clear) struct buf key_text = BUF_INIT(4096), plain = BUF_INIT(OBJECT_MAX);
    struct identities with = {0};
    struct err e = ERR_NONE;

    data_read("identity", &key_text);
    data_read("plain", &plain);
    OK(identities_parse(buf_cstr(&key_text), "identity", &with, &e));
    for (size_t i = 0; i < COUNT(golden); i++) {
        CLEANUP(buf_clear) struct buf sealed = BUF_INIT(OBJECT_MAX);
        CLEANUP(buf_clear) struct buf got = BUF_INIT(OBJECT_MAX);
        bool tiny = strncmp(golden[i], "tiny", 4) == 0;

        data_read(golden[i], &sealed);
        if (unseal_bytes(&with, sealed.data, sealed.len, 64, 0, &got, &e) != ERR_OK)
            ck_abort_msg("%s: %s", golden[i], e.text);
        ck_assert_uint_eq(got.len, tiny ? 7 : plain.len);
        ck_assert(memcmp(got.data, tiny ? (const void *) "hello\r\n" : plain.data, got.len) == 0);
    }
    identities_clear(&with);
    buf_clear(&key_text);
    buf_clear(&plain);
}
END_TEST

START_TEST(an_unencrypted_object_is_written_as_ever)
{
    CLEANUP(buf_clear) struct buf sealed = BUF_INIT(OBJECT_MAX), expected = BUF_INIT(OBJECT_MAX);
    struct descriptor d = descriptor_for(CODEC_NONE, 4, "hello\r\n", 7);
    struct err e = ERR_NONE;

    data_read("tiny-clear", &expected);
    OK(seal_bytes(d, NULL, (const uint8_t *) "hello\r\n", 7, 7, 0, &sealed, &e));
    ck_assert_uint_eq(sealed.len, expected.len);
    ck_assert(memcmp(sealed.data, expected.data, sealed.len) == 0);
    buf_clear(&sealed);
    buf_clear(&expected);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {size_digest_and_frame_size_of_the_descriptor_are_held_to,
                                  a_table_or_footer_that_tells_other_lengths_is_refused,
                                  without_a_fitting_identity_reading_is_denied,
                                  the_descriptor_is_shown_once_before_any_byte_and_can_be_refused,
                                  a_descriptor_of_the_largest_size_works_in_pieces,
                                  objects_of_format_version_1_stay_readable,
                                  an_unencrypted_object_is_written_as_ever};
    const TTest *const of_each_kind[] = {
        every_truncation_is_refused,
        every_altered_byte_is_refused,
        an_edited_descriptor_with_a_right_checksum_is_refused,
        bytes_behind_the_end_are_refused,
        frames_swapped_repeated_dropped_or_taken_from_another_object_are_refused,
        a_failure_downstream_at_any_call_is_told_and_leaves_nothing_behind,
        any_frame_is_read_by_the_table_alone};
    Suite *suite = suite_of("codec/unseal", tests, COUNT(tests));
    TCase *kinds = tcase_create("each kind of object");

    tcase_set_timeout(kinds, 600); /* under valgrind */
    for (size_t i = 0; i < COUNT(of_each_kind); i++)
        tcase_add_loop_test(kinds, of_each_kind[i], 0, OBJECT_KINDS);
    suite_add_tcase(suite, kinds);
    return check_main(suite);
}
