#include "codec/sha256.h"

#include "base/hex.h"
#include "sealing.h"

#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

/* FIPS 180-4 examples, and the empty message. */
START_TEST(published_digests_are_met)
{
    static const struct {
        const char *text, *digest;
    } table[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", ABC},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    uint8_t digest[SHA256_BYTES];
    char text[2 * SHA256_BYTES + 1];
    struct err e = ERR_NONE;

    for (size_t i = 0; i < COUNT(table); i++) {
        OK(sha256(table[i].text, strlen(table[i].text), digest, &e));
        hex_format(digest, sizeof(digest), text);
        ck_assert_str_eq(text, table[i].digest);
    }
    OK(sha256(NULL, 0, digest, &e));
}
END_TEST

START_TEST(the_observer_passes_all_on_and_knows_the_digest_at_the_end)
{
    CLEANUP(buf_clear) struct buf got = BUF_INIT(16);
    CLEANUP(sink_freep) struct sink *s = NULL;
    uint8_t digest[SHA256_BYTES];
    char text[2 * SHA256_BYTES + 1];
    struct err e = ERR_NONE;

    OK(sha256_sink_new(trap_new(&got, 0), &s, &e));
    OK(sink_write(s, "ab", 2, &e));
    OK(sink_write(s, "", 0, &e));
    OK(sink_write(s, "c", 1, &e));
    ck_assert_int_eq(sha256_sink_digest(s, digest, &e), ERR_USAGE);
    OK(sink_finish(s, &e));
    OK(sha256_sink_digest(s, digest, &e));
    hex_format(digest, sizeof(digest), text);
    ck_assert_str_eq(text, ABC);
    ck_assert_str_eq(buf_cstr(&got), "abc");
}
END_TEST

START_TEST(the_digest_so_far_leaves_the_stream_as_it_is)
{
    CLEANUP(sink_freep) struct sink *s = NULL;
    uint8_t digest[SHA256_BYTES], expected[SHA256_BYTES];
    struct err e = ERR_NONE;
    char text[200];

    memset(text, 'x', sizeof(text));
    OK(sha256_sink_new(NULL, &s, &e));
    for (size_t len = 0; len < sizeof(text); len++) {
        OK(sha256_sink_so_far(s, digest, &e));
        OK(sha256(text, len, expected, &e));
        ck_assert_int_eq(memcmp(digest, expected, SHA256_BYTES), 0);
        OK(sink_write(s, text + len, 1, &e));
    }
    OK(sink_finish(s, &e));
    OK(sha256_sink_digest(s, digest, &e));
    OK(sha256(text, sizeof(text), expected, &e));
    ck_assert_int_eq(memcmp(digest, expected, SHA256_BYTES), 0);
}
END_TEST

START_TEST(an_observer_without_a_next_only_observes)
{
    CLEANUP(sink_freep) struct sink *s = NULL;
    uint8_t digest[SHA256_BYTES];
    struct err e = ERR_NONE;

    OK(sha256_sink_new(NULL, &s, &e));
    OK(sink_write(s, "abc", 3, &e));
    OK(sink_finish(s, &e));
    OK(sha256_sink_digest(s, digest, &e));
    ck_assert_uint_eq(digest[0], 0xba);
}
END_TEST

START_TEST(a_failure_behind_the_observer_is_its_failure)
{
    for (int fail_at = 1; fail_at <= 2; fail_at++) {
        CLEANUP(buf_clear) struct buf got = BUF_INIT(16);
        CLEANUP(sink_freep) struct sink *s = NULL;
        struct err e = ERR_NONE;

        OK(sha256_sink_new(trap_new(&got, fail_at), &s, &e));
        ck_assert_int_eq(push(s, (const uint8_t *) "abc", 3, 3, &e), ERR_IO);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        published_digests_are_met, the_observer_passes_all_on_and_knows_the_digest_at_the_end,
        the_digest_so_far_leaves_the_stream_as_it_is, an_observer_without_a_next_only_observes,
        a_failure_behind_the_observer_is_its_failure};

    return check_main(suite_of("codec/sha256", tests, COUNT(tests)));
}
