/*
 * codec/descriptor.h - the clear text at the front of every sealed object: what it is and how to read it.
 *
 * Bytes   0   8  magic  89 'P' 'I' 'T' 'R' 0D 0A 1A
 *         8   2  format version, little-endian, 1
 *        10   2  zero
 *        12   4  length of the JSON text, little-endian, at most DESCRIPTOR_JSON_MAX
 *        16   n  JSON text, UTF-8, one object, no NUL
 *      16+n   4  CRC-32C of the bytes before, little-endian
 * The SHA-256 of all these bytes is the object's id and goes into every frame's associated data.
 *
 * JSON members: kind, name, size, sha256 (both absent when the writer streamed and could not know: packs),
 * codec, level, cipher ("aes-256-gcm" or "crc32c"), frame (plain bytes of every frame but the last; 0 when frames
 * differ in size), keys [{to, ephemeral, wrapped}], origin, and, by kind, "wal" or others: kept as `facts`.
 * Unknown members are kept by readers and ignored. Source: docs/FORMAT.md.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "codec/compress.h"
#include "codec/keys.h"
#include "codec/sha256.h"
#include <jansson.h>
#include <stdbool.h>

#define DESCRIPTOR_JSON_MAX  65536
#define DESCRIPTOR_HEAD      16
#define DESCRIPTOR_FIRST_GET 4096 /* a first range of this size nearly always holds the whole descriptor */
#define DESCRIPTOR_TEXT_MAX  256

struct descriptor {
    char kind[32];                      /* "wal", "history", "partial", "backup-history", "pack", "index", … */
    char name[DESCRIPTOR_TEXT_MAX];     /* the file's or object's own name                                    */
    bool sized;                         /* size and sha256 are known                                          */
    uint64_t size;                      /* plain bytes                                                        */
    uint8_t sha256[SHA256_BYTES];       /* of the plain bytes                                                 */
    enum codec codec;
    int level;
    uint32_t frame_bytes;
    struct wrapped_key keys[WRAPPED_KEYS_MAX];
    size_t key_count;                   /* 0: frames carry CRC-32C, not encrypted                             */
    char origin[DESCRIPTOR_TEXT_MAX];   /* who stored it when: "host db1, 2026-11-20 14:29:00+00, pitr 0.1.0" */
    json_t *facts;                      /* owned; an object of further members merged at top level, or NULL   */
};

void descriptor_clear(struct descriptor *d); /* frees facts; for CLEANUP */

/* Append the bytes above to out, and their SHA-256 to id. */
enum err_code descriptor_format(const struct descriptor *d, struct buf *out, uint8_t id[SHA256_BYTES], struct err *e);

/*
 * How many bytes the whole descriptor has, from its first DESCRIPTOR_HEAD bytes.
 * ERR_CORRUPT: not a sealed object, or of a newer format version (the message says which).
 */
enum err_code descriptor_length(const uint8_t head[DESCRIPTOR_HEAD], size_t *total, struct err *e);

/* Read a whole descriptor (exactly len bytes) strictly. d is filled only on success; clear it afterwards. */
enum err_code descriptor_parse(const uint8_t *bytes, size_t len, struct descriptor *d, uint8_t id[SHA256_BYTES],
                               struct err *e);
