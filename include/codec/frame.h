/*
 * codec/frame.h - one frame of a sealed object: compressed alone, sealed alone, readable alone.
 *
 * Bytes   0  4  payload length, little-endian
 *         4  4  plain length, little-endian
 *         8  1  flags: 1 = payload is not compressed; 2 = frame table (the last frame)
 *         9  3  zero
 *        12  n  payload
 *      12+n  t  tag: 16 bytes AES-256-GCM, or 4 bytes CRC-32C, little-endian
 * Nonce: four zero bytes and the frame number, big-endian (the data key belongs to this object alone).
 * Associated data: object id (32) || frame number (8, little-endian) || the 12 bytes of the header. The CRC-32C of
 * an unencrypted frame covers associated data and payload.
 *
 * The table frame comes last; its number is the count of data frames, its plain text their whole lengths (4 bytes
 * each, little-endian). Behind it lies the footer, 16 bytes: "PITRTAIL", the table frame's whole length (4), CRC-32C
 * of the twelve bytes before (4). So a reader at the end finds any frame by itself, and an object without its table
 * and footer was cut.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "codec/compress.h"
#include "codec/keys.h"
#include "codec/sha256.h"
#include <stdbool.h>

#define FRAME_HEAD       12
#define FRAME_TAG_MAX    16
#define FRAME_PLAIN_MAX  (64u << 20) /* a frame never holds more plain bytes than this */
#define FRAME_RAW        1u
#define FRAME_TABLE      2u
#define FRAME_COUNT_MAX  (FRAME_PLAIN_MAX / 4) /* data frames of one object: what its table can hold */
#define SEAL_FOOTER      16

/* All that binds a frame to its object. Immutable once made; shared between threads. Wipe with secret_wipe. */
struct frame_seal {
    uint8_t id[SHA256_BYTES]; /* SHA-256 of the descriptor's bytes   */
    bool encrypted;           /* AES-256-GCM under key, else CRC-32C */
    uint8_t key[KEY_BYTES];
    enum codec codec;
    int level;
};

/*
 * From a frame's header: its whole length and its plain length. ERR_CORRUPT when it can't be a header: flags,
 * zeros, lengths beyond FRAME_PLAIN_MAX, a payload larger than the plain text. (Unauthenticated: use only to know
 * how much to read.)
 */
enum err_code frame_measure(const struct frame_seal *s, const uint8_t head[FRAME_HEAD], size_t *whole,
                            uint32_t *plain_len, unsigned *flags, struct err *e);

/* Compress and seal plain as frame number no; append the frame to out. flags: 0 or FRAME_TABLE. */
enum err_code frame_write(const struct frame_seal *s, uint64_t no, unsigned flags, const void *plain, size_t len,
                          struct buf *out, struct err *e);

/* What a frame carries, compressed or not, before it is sealed. */
struct frame_payload {
    const uint8_t *bytes;
    uint32_t len;
    uint32_t plain_len;
    bool is_raw; /* not compressed: bytes are the plain ones */
};

/* The whole length of a data frame with a payload of this length. */
size_t frame_whole(const struct frame_seal *s, uint32_t payload_len);
/* Seal a payload as data frame number no into the frame_whole bytes at out, which it does not overlap. */
enum err_code frame_seal_payload(const struct frame_seal *s, uint64_t no, const struct frame_payload *p, uint8_t *out,
                                 struct err *e);
/* The same, appending the frame to out. */
enum err_code frame_write_payload(const struct frame_seal *s, uint64_t no, const struct frame_payload *p,
                                  struct buf *out, struct err *e);

/*
 * Open the frame of exactly len bytes as frame number no; append its plain bytes to out.
 * ERR_CORRUPT when anything was altered, moved or cut. flags: those the frame must have besides FRAME_RAW.
 */
enum err_code frame_read(const struct frame_seal *s, uint64_t no, unsigned flags, const uint8_t *frame, size_t len,
                         struct buf *out, struct err *e);

/* The end of an object: table frame and footer for data frames of these whole lengths; appended to out. */
enum err_code frame_table_write(const struct frame_seal *s, const uint32_t *lengths, size_t count, struct buf *out,
                                struct err *e);

/* From the last SEAL_FOOTER bytes of an object: the whole length of the table frame before them. */
enum err_code frame_footer_read(const uint8_t footer[SEAL_FOOTER], size_t *table_len, struct err *e);
