/*
 * ops/wal_digest.h - one pass over a segment: its records, its SHA-256, and that of its valid WAL alone.
 *
 * Where valid WAL ends is known only when the bytes have passed, so the digest is noted as often as the scan has found
 * whole records, in pieces of 256 KiB. No byte is hashed twice or kept.
 */
#pragma once
#include "codec/sha256.h"
#include "pg/walscan.h"

/* Pushes what it is given into scan, which stays the caller's and has seen nothing yet; start: its first byte. */
enum err_code wal_digest_sink_new(struct walscan *scan, lsn start, struct sink **out, struct err *e);

/* Of all bytes; valid once after finish. */
enum err_code wal_digest_whole(struct sink *s, uint8_t digest[SHA256_BYTES], struct err *e);

/*
 * Of the bytes up to where walscan_end says that valid WAL ends, which must lie before the last byte: false otherwise,
 * and where there is no valid WAL at all.
 */
bool wal_digest_valid(const struct sink *s, uint8_t digest[SHA256_BYTES]);
