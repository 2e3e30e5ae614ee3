/*
 * base/libcrypto.h - OpenSSL's libcrypto, opened when something is hashed or sealed first (base/library.h).
 *
 * Its functions are called as libcrypto.EVP_sha256(). Who calls one without an object of the library in hand has to
 * have loaded it. On the ground floor, since requests to S3 are signed with it as well as objects sealed.
 */
#pragma once
#include "base/err.h"
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>

#define LIBCRYPTO_FUNCTIONS(F)      \
    F(ERR_clear_error)              \
    F(ERR_peek_last_error)          \
    F(ERR_reason_error_string)      \
    F(EVP_CIPHER_CTX_ctrl)          \
    F(EVP_CIPHER_CTX_free)          \
    F(EVP_CIPHER_CTX_new)           \
    F(EVP_DecryptFinal_ex)          \
    F(EVP_DecryptInit_ex2)          \
    F(EVP_DecryptUpdate)            \
    F(EVP_Digest)                   \
    F(EVP_DigestFinal_ex)           \
    F(EVP_DigestInit_ex)            \
    F(EVP_DigestUpdate)             \
    F(EVP_EncryptFinal_ex)          \
    F(EVP_EncryptInit_ex2)          \
    F(EVP_EncryptUpdate)            \
    F(EVP_KDF_CTX_free)             \
    F(EVP_KDF_CTX_new)              \
    F(EVP_KDF_derive)               \
    F(EVP_KDF_fetch)                \
    F(EVP_KDF_free)                 \
    F(EVP_MD_CTX_copy_ex)           \
    F(EVP_MD_CTX_free)              \
    F(EVP_MD_CTX_new)               \
    F(EVP_PKEY_CTX_free)            \
    F(EVP_PKEY_CTX_new)             \
    F(EVP_PKEY_derive)              \
    F(EVP_PKEY_derive_init)         \
    F(EVP_PKEY_derive_set_peer)     \
    F(EVP_PKEY_free)                \
    F(EVP_PKEY_get_raw_public_key)  \
    F(EVP_PKEY_new_raw_private_key) \
    F(EVP_PKEY_new_raw_public_key)  \
    F(EVP_aes_256_gcm)              \
    F(EVP_sha256)                   \
    F(HMAC)

struct libcrypto {
#define LIBCRYPTO_MEMBER(name) __typeof__(name) *name;
    LIBCRYPTO_FUNCTIONS(LIBCRYPTO_MEMBER)
#undef LIBCRYPTO_MEMBER
};

/* Filled by libcrypto_load. */
extern struct libcrypto libcrypto;

/* Fails with ERR_IO. */
enum err_code libcrypto_load(struct err *e);
