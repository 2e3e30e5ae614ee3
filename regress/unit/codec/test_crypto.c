#include "codec/crypto.h"

#include "base/hex.h"
#include "check_main.h"

#include <string.h>

static const uint8_t *from_hex(const char *text, uint8_t *to)
{
    struct err e = ERR_NONE;

    ck_assert_int_eq(hex_parse(text, to, strlen(text) / 2, &e), ERR_OK);
    return to;
}

static void ck_hex(const uint8_t *bytes, size_t len, const char *expected)
{
    char text[256];

    hex_format(bytes, len, text);
    ck_assert_str_eq(text, expected);
}

/* RFC 7748, section 6.1. */
START_TEST(x25519_agrees_with_rfc_7748)
{
    const char *alice = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
    const char *bob = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb";
    uint8_t a[32], b[32], a_public[32], b_public[32], shared[32];
    struct err e = ERR_NONE;

    ck_assert_int_eq(crypto_x25519_public(from_hex(alice, a), a_public, &e), ERR_OK);
    ck_assert_int_eq(crypto_x25519_public(from_hex(bob, b), b_public, &e), ERR_OK);
    ck_hex(a_public, 32, "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    ck_hex(b_public, 32, "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    ck_assert_int_eq(crypto_x25519(a, b_public, shared, &e), ERR_OK);
    ck_hex(shared, 32, "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
    ck_assert_int_eq(crypto_x25519(b, a_public, shared, &e), ERR_OK);
    ck_hex(shared, 32, "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
}
END_TEST

START_TEST(a_public_key_of_small_order_is_refused)
{
    uint8_t secret[32] = {1, 2, 3}, zero[32] = {0}, shared[32];
    struct err e = ERR_NONE;

    ck_assert_int_eq(crypto_x25519(secret, zero, shared, &e), ERR_CORRUPT);
}
END_TEST

/* RFC 5869, appendix A.1; the first 32 of its 42 bytes. */
START_TEST(hkdf_agrees_with_rfc_5869)
{
    uint8_t ikm[22], salt[13], info[10], out[32];
    struct err e = ERR_NONE;

    memset(ikm, 0x0b, sizeof(ikm));
    from_hex("000102030405060708090a0b0c", salt);
    from_hex("f0f1f2f3f4f5f6f7f8f9", info);
    ck_assert_int_eq(crypto_hkdf(ikm, sizeof(ikm), salt, sizeof(salt), info, sizeof(info), out, &e), ERR_OK);
    ck_hex(out, 32, "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
}
END_TEST

/* McGrew and Viega, "The Galois/Counter Mode of Operation", test case 16. */
START_TEST(gcm_agrees_with_its_authors)
{
    uint8_t key[32], nonce[12], aad[20], plain[60], sealed[60], tag[16], back[60];
    struct err e = ERR_NONE;

    from_hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", key);
    from_hex("cafebabefacedbaddecaf888", nonce);
    from_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2", aad);
    from_hex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
        "b16aedf5aa0de657ba637b39",
        plain);
    ck_assert_int_eq(crypto_gcm_seal(key, nonce, aad, 20, plain, 60, sealed, tag, &e), ERR_OK);
    ck_hex(sealed, 60,
           "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838"
           "c5f61e6393ba7a0abcc9f662");
    ck_hex(tag, 16, "76fc6ece0f4e1768cddf8853bb2d551b");
    ck_assert_int_eq(crypto_gcm_open(key, nonce, aad, 20, sealed, 60, tag, back, &e), ERR_OK);
    ck_assert_mem_eq(back, plain, 60);
    ck_assert_int_eq(crypto_gcm_seal(key, nonce, aad, 20, plain, 60, plain, tag, &e), ERR_OK);
    ck_assert_mem_eq(plain, sealed, 60); /* in place */
}
END_TEST

START_TEST(altered_text_is_refused_and_nothing_of_it_shown)
{
    uint8_t key[32] = {9}, nonce[12] = {0}, plain[16] = "attack at dawn!", sealed[16], tag[16], back[16];
    const uint8_t zeros[16] = {0};
    struct err e = ERR_NONE;

    ck_assert_int_eq(crypto_gcm_seal(key, nonce, "aad", 3, plain, 16, sealed, tag, &e), ERR_OK);
    sealed[5] ^= 1;
    ck_assert_int_eq(crypto_gcm_open(key, nonce, "aad", 3, sealed, 16, tag, back, &e), ERR_CORRUPT);
    ck_assert_mem_eq(back, zeros, 16);
    sealed[5] ^= 1;
    ck_assert_int_eq(crypto_gcm_open(key, nonce, "aaD", 3, sealed, 16, tag, back, &e), ERR_CORRUPT);
    ck_assert_int_eq(crypto_gcm_open(key, nonce, "aad", 3, sealed, 16, tag, back, &e), ERR_OK);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {x25519_agrees_with_rfc_7748, a_public_key_of_small_order_is_refused,
                                  hkdf_agrees_with_rfc_5869, gcm_agrees_with_its_authors,
                                  altered_text_is_refused_and_nothing_of_it_shown};

    return check_main(suite_of("codec/crypto", tests, sizeof(tests) / sizeof(tests[0])));
}
