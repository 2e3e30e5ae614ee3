/*
 * test_s3_body.c - a body is the same bytes whether they lie together or in pieces, and from wherever it is read.
 */
#include "storage/s3_body.h"
#include "storage/s3_sign.h"

#include "check_main.h"
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const size_t sizes[] = {
    0, 1, S3_BODY_PIECE - 1, S3_BODY_PIECE, S3_BODY_PIECE + 1, 2 * S3_BODY_PIECE, 3 * S3_BODY_PIECE + 4711};
static const size_t steps[] = {16384, 65536, S3_BODY_PIECE, S3_BODY_PIECE + 7, 4 * S3_BODY_PIECE};

static uint8_t *bytes_of(size_t len)
{
    uint8_t *bytes = malloc(len + 1);

    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t) (i * 7 + i / 251);
    return bytes;
}

static void append_in_steps(struct s3_body *b, const uint8_t *bytes, size_t len, size_t step)
{
    struct err e = ERR_NONE;

    for (size_t at = 0; at < len; at += step)
        ck_assert_int_eq(s3_body_append(b, bytes + at, len - at < step ? len - at : step, &e), ERR_OK);
    ck_assert_uint_eq(b->len, len);
}

static void check_body(const struct s3_body *b, const uint8_t *bytes, size_t len, size_t step)
{
    uint8_t *out = malloc(len + step + 1);
    char hash[S3_HASH_TEXT_MAX], wanted[S3_HASH_TEXT_MAX];
    struct err e = ERR_NONE;
    size_t at = 0;

    ck_assert_ptr_nonnull(out);
    for (size_t n; (n = s3_body_read(b, at, out + at, step)) > 0; at += n)
        ck_assert(n == step || at + n == len);
    ck_assert(at == len && memcmp(out, bytes, len) == 0);
    ck_assert_uint_eq(s3_body_read(b, len / 2, out, 10), len - len / 2 < 10 ? len - len / 2 : 10);
    ck_assert_uint_eq(s3_body_read(b, len + 5, out, 10), 0);
    ck_assert_int_eq(s3_body_hash(b, hash, &e), ERR_OK);
    ck_assert_int_eq(s3_hash(bytes, len, wanted, &e), ERR_OK);
    ck_assert_str_eq(hash, wanted);
    free(out);
}

START_TEST(a_body_is_the_bytes_it_was_made_of)
{
    for (size_t i = 0; i < COUNT(sizes); i++) {
        uint8_t *bytes = bytes_of(sizes[i]);
        const struct s3_body borrowed = s3_body_of(bytes, sizes[i]);

        check_body(&borrowed, bytes, sizes[i], steps[_i]);
        for (size_t k = 0; k < COUNT(steps); k++) {
            struct s3_body own = s3_body_up_to(sizes[i]);

            append_in_steps(&own, bytes, sizes[i], steps[k]);
            check_body(&own, bytes, sizes[i], steps[_i]);
            s3_body_clear(&own);
        }
        free(bytes);
    }
}
END_TEST

START_TEST(an_emptied_body_is_filled_anew_in_the_same_memory)
{
    uint8_t *bytes = bytes_of(3 * S3_BODY_PIECE);
    struct s3_body b = s3_body_up_to(SIZE_MAX);

    append_in_steps(&b, bytes + 1000, 2 * S3_BODY_PIECE + 1, 65536);
    s3_body_reset(&b);
    ck_assert_uint_eq(b.len, 0);
    append_in_steps(&b, bytes, 2 * S3_BODY_PIECE + 1, 4711);
    ck_assert_uint_eq(b.piece_count, 3);
    check_body(&b, bytes, 2 * S3_BODY_PIECE + 1, 16384);
    s3_body_clear(&b);
    free(bytes);
}
END_TEST

START_TEST(what_exceeds_the_limit_is_not_added)
{
    struct s3_body b = s3_body_up_to(10);
    struct err e = ERR_NONE;

    ck_assert_int_eq(s3_body_append(&b, "012345", 6, &e), ERR_OK);
    ck_assert_int_eq(s3_body_append(&b, "6789x", 5, &e), ERR_REFUSED);
    ck_assert_int_eq(s3_body_append(&b, "6789", 4, &e), ERR_OK);
    check_body(&b, (const uint8_t *) "0123456789", 10, 16);
    s3_body_clear(&b);
}
END_TEST

START_TEST(no_bytes_are_an_empty_body)
{
    const struct s3_body none = S3_BODY_NONE, nothing = s3_body_of(NULL, 5);

    check_body(&none, (const uint8_t *) "", 0, 16);
    check_body(&nothing, (const uint8_t *) "", 0, 16);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("storage/s3_body");
    TCase *tests = tcase_create("storage/s3_body");

    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, a_body_is_the_bytes_it_was_made_of, 0, COUNT(steps));
    tcase_add_test(tests, an_emptied_body_is_filled_anew_in_the_same_memory);
    tcase_add_test(tests, what_exceeds_the_limit_is_not_added);
    tcase_add_test(tests, no_bytes_are_an_empty_body);
    suite_add_tcase(suite, tests);
    return check_main(suite);
}
