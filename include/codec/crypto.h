/*
 * codec/crypto.h - the primitives under keys and frames, from OpenSSL's EVP, with our errors.
 *
 * Source    RFC 7748 (X25519), RFC 5869 (HKDF), NIST SP 800-38D (GCM).
 */
#pragma once
#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

#define CRYPTO_KEY_BYTES   32
#define CRYPTO_NONCE_BYTES 12
#define CRYPTO_TAG_BYTES   16

/* ERR_IO "could not <what>: <OpenSSL's reason>"; empties OpenSSL's error queue. */
enum err_code crypto_failed(struct err *e, const char *what);

/* AES-256-GCM. out has len bytes and may be plain itself. A nonce must never be used twice with one key. */
enum err_code crypto_gcm_seal(const uint8_t key[CRYPTO_KEY_BYTES], const uint8_t nonce[CRYPTO_NONCE_BYTES],
                              const void *aad, size_t aad_len, const uint8_t *plain, size_t len, uint8_t *out,
                              uint8_t tag[CRYPTO_TAG_BYTES], struct err *e);

/* The reverse. ERR_CORRUPT when the tag does not fit; out then holds zeros. */
enum err_code crypto_gcm_open(const uint8_t key[CRYPTO_KEY_BYTES], const uint8_t nonce[CRYPTO_NONCE_BYTES],
                              const void *aad, size_t aad_len, const uint8_t *sealed, size_t len,
                              const uint8_t tag[CRYPTO_TAG_BYTES], uint8_t *out, struct err *e);

/* The public key that belongs to a secret one. */
enum err_code crypto_x25519_public(const uint8_t secret[CRYPTO_KEY_BYTES],
                                   uint8_t public_key[CRYPTO_KEY_BYTES], struct err *e);

/* The shared secret. ERR_CORRUPT for a public key of small order, which would give the same secret to everyone. */
enum err_code crypto_x25519(const uint8_t secret[CRYPTO_KEY_BYTES],
                            const uint8_t public_key[CRYPTO_KEY_BYTES], uint8_t shared[CRYPTO_KEY_BYTES],
                            struct err *e);

/* HKDF-SHA256, extract and expand, one key long. */
enum err_code crypto_hkdf(const void *ikm, size_t ikm_len, const void *salt, size_t salt_len,
                          const void *info, size_t info_len, uint8_t out[CRYPTO_KEY_BYTES], struct err *e);
