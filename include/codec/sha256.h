/*
 * codec/sha256.h - SHA-256 in one call, or as an observer in a chain (OpenSSL EVP).
 * Source    FIPS 180-4.
 */
#pragma once
#include "base/err.h"
#include "stream/sink.h"
#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32

enum err_code sha256(const void *bytes, size_t len, uint8_t digest[SHA256_BYTES], struct err *e);

/* Observes what passes to next (NULL: only observes). */
enum err_code sha256_sink_new(struct sink *next, struct sink **out, struct err *e);
/* The digest of the bytes written so far; more may follow. */
enum err_code sha256_sink_so_far(struct sink *s, uint8_t digest[SHA256_BYTES], struct err *e);
/* The digest of all bytes written; valid once after finish. */
enum err_code sha256_sink_digest(struct sink *s, uint8_t digest[SHA256_BYTES], struct err *e);
