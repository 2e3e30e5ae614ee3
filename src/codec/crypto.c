/*
 * codec/crypto.c - see codec/crypto.h. Nothing here but calls into libcrypto; lengths fit an int, since a frame
 * never exceeds 64 MiB.
 */
#include "codec/crypto.h"

#include "base/libcrypto.h"
#include "base/secret.h"

#include <assert.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/params.h>

static void cipher_freep(EVP_CIPHER_CTX **c)
{
    if (*c != NULL)
        libcrypto.EVP_CIPHER_CTX_free(*c);
}

static void pkey_freep(EVP_PKEY **k)
{
    if (*k != NULL)
        libcrypto.EVP_PKEY_free(*k);
}

static void pkey_ctx_freep(EVP_PKEY_CTX **c)
{
    if (*c != NULL)
        libcrypto.EVP_PKEY_CTX_free(*c);
}

static void kdf_freep(EVP_KDF **k)
{
    if (*k != NULL)
        libcrypto.EVP_KDF_free(*k);
}

static void kdf_ctx_freep(EVP_KDF_CTX **c)
{
    if (*c != NULL)
        libcrypto.EVP_KDF_CTX_free(*c);
}

enum err_code crypto_failed(struct err *e, const char *what)
{
    const char *reason = libcrypto.ERR_reason_error_string(libcrypto.ERR_peek_last_error());

    err_set(e, ERR_IO, "could not %s: %s", what, reason ? reason : "unknown OpenSSL error");
    libcrypto.ERR_clear_error();
    return e->code;
}

enum err_code crypto_gcm_seal(const uint8_t key[CRYPTO_KEY_BYTES], const uint8_t nonce[CRYPTO_NONCE_BYTES],
                              const void *aad, size_t aad_len, const uint8_t *plain, size_t len, uint8_t *out,
                              uint8_t tag[CRYPTO_TAG_BYTES], struct err *e)
{
    CLEANUP(cipher_freep) EVP_CIPHER_CTX *c = NULL;
    uint8_t rest[EVP_MAX_BLOCK_LENGTH];
    int n;

    assert(len <= INT_MAX && aad_len <= INT_MAX);
    if (libcrypto_load(e) != ERR_OK)
        return e->code;
    c = libcrypto.EVP_CIPHER_CTX_new();
    if (c == NULL || libcrypto.EVP_EncryptInit_ex2(c, libcrypto.EVP_aes_256_gcm(), key, nonce, NULL) != 1 ||
        (aad_len > 0 && libcrypto.EVP_EncryptUpdate(c, NULL, &n, aad, (int) aad_len) != 1) ||
        (len > 0 && libcrypto.EVP_EncryptUpdate(c, out, &n, plain, (int) len) != 1) ||
        libcrypto.EVP_EncryptFinal_ex(c, rest, &n) != 1 ||
        libcrypto.EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, CRYPTO_TAG_BYTES, tag) != 1)
        return crypto_failed(e, "encrypt");
    return ERR_OK;
}

enum err_code crypto_gcm_open(const uint8_t key[CRYPTO_KEY_BYTES], const uint8_t nonce[CRYPTO_NONCE_BYTES],
                              const void *aad, size_t aad_len, const uint8_t *sealed, size_t len,
                              const uint8_t tag[CRYPTO_TAG_BYTES], uint8_t *out, struct err *e)
{
    CLEANUP(cipher_freep) EVP_CIPHER_CTX *c = NULL;
    uint8_t expected[CRYPTO_TAG_BYTES];
    uint8_t rest[EVP_MAX_BLOCK_LENGTH];
    int n;

    assert(len <= INT_MAX && aad_len <= INT_MAX);
    for (size_t i = 0; i < sizeof(expected); i++) /* OpenSSL wants to be given it as writable */
        expected[i] = tag[i];
    if (libcrypto_load(e) != ERR_OK)
        return e->code;
    c = libcrypto.EVP_CIPHER_CTX_new();
    if (c == NULL || libcrypto.EVP_DecryptInit_ex2(c, libcrypto.EVP_aes_256_gcm(), key, nonce, NULL) != 1 ||
        libcrypto.EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, CRYPTO_TAG_BYTES, expected) != 1 ||
        (aad_len > 0 && libcrypto.EVP_DecryptUpdate(c, NULL, &n, aad, (int) aad_len) != 1) ||
        (len > 0 && libcrypto.EVP_DecryptUpdate(c, out, &n, sealed, (int) len) != 1))
        return crypto_failed(e, "decrypt");
    if (libcrypto.EVP_DecryptFinal_ex(c, rest, &n) == 1)
        return ERR_OK;
    if (len > 0)
        secret_wipe(out, len);
    libcrypto.ERR_clear_error();
    return err_set(e, ERR_CORRUPT, "authentication failed");
}

enum err_code crypto_x25519_public(const uint8_t secret[CRYPTO_KEY_BYTES],
                                   uint8_t public_key[CRYPTO_KEY_BYTES], struct err *e)
{
    CLEANUP(pkey_freep) EVP_PKEY *key = NULL;
    size_t len = CRYPTO_KEY_BYTES;

    if (libcrypto_load(e) != ERR_OK)
        return e->code;
    key = libcrypto.EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, CRYPTO_KEY_BYTES);
    if (key == NULL || libcrypto.EVP_PKEY_get_raw_public_key(key, public_key, &len) != 1)
        return crypto_failed(e, "compute a public key");
    return ERR_OK;
}

enum err_code crypto_x25519(const uint8_t secret[CRYPTO_KEY_BYTES],
                            const uint8_t public_key[CRYPTO_KEY_BYTES], uint8_t shared[CRYPTO_KEY_BYTES],
                            struct err *e)
{
    CLEANUP(pkey_freep) EVP_PKEY *ours = NULL;
    CLEANUP(pkey_freep) EVP_PKEY *theirs = NULL;
    CLEANUP(pkey_ctx_freep) EVP_PKEY_CTX *c = NULL;
    size_t len = CRYPTO_KEY_BYTES;

    if (libcrypto_load(e) != ERR_OK)
        return e->code;
    ours = libcrypto.EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, secret, CRYPTO_KEY_BYTES);
    theirs = libcrypto.EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, public_key, CRYPTO_KEY_BYTES);
    c = ours != NULL ? libcrypto.EVP_PKEY_CTX_new(ours, NULL) : NULL;
    if (theirs == NULL || c == NULL || libcrypto.EVP_PKEY_derive_init(c) != 1 ||
        libcrypto.EVP_PKEY_derive_set_peer(c, theirs) != 1)
        return crypto_failed(e, "prepare a key agreement");
    if (libcrypto.EVP_PKEY_derive(c, shared, &len) == 1 && len == CRYPTO_KEY_BYTES)
        return ERR_OK;
    libcrypto
        .ERR_clear_error(); /* the one way left to fail: the result is all zeros (RFC 7748, section 6.1) */
    return err_set(e, ERR_CORRUPT, "public key is not usable");
}

enum err_code crypto_hkdf(const void *ikm, size_t ikm_len, const void *salt, size_t salt_len,
                          const void *info, size_t info_len, uint8_t out[CRYPTO_KEY_BYTES], struct err *e)
{
    CLEANUP(kdf_freep) EVP_KDF *kdf = NULL;
    CLEANUP(kdf_ctx_freep) EVP_KDF_CTX *c = NULL;
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, sizeof(digest) - 1),
        OSSL_PARAM_octet_string(OSSL_KDF_PARAM_KEY, (void *) (uintptr_t) ikm, ikm_len),
        OSSL_PARAM_octet_string(OSSL_KDF_PARAM_SALT, (void *) (uintptr_t) salt, salt_len),
        OSSL_PARAM_octet_string(OSSL_KDF_PARAM_INFO, (void *) (uintptr_t) info, info_len),
        OSSL_PARAM_END,
    };

    if (libcrypto_load(e) != ERR_OK)
        return e->code;
    kdf = libcrypto.EVP_KDF_fetch(NULL, "HKDF", NULL);
    c = kdf != NULL ? libcrypto.EVP_KDF_CTX_new(kdf) : NULL;
    if (c == NULL || libcrypto.EVP_KDF_derive(c, out, CRYPTO_KEY_BYTES, params) != 1)
        return crypto_failed(e, "derive a key");
    return ERR_OK;
}
