/*
 * codec/frame.c - see codec/frame.h for the bytes.
 *
 * Reading trusts nothing: lengths are bounded before memory is taken for them, and a payload is decompressed only
 * after its tag was found right. A compressed payload is always shorter than its plain text, a raw one is as long,
 * so no frame has two forms.
 */
#include "codec/frame.h"

#include "codec/crc32c.h"
#include "codec/crypto.h"
#include "codec/le.h"

#include <inttypes.h>
#include <string.h>

#define AAD_BYTES    (SHA256_BYTES + 8 + FRAME_HEAD)
#define CRC_BYTES    4
#define FOOTER_MAGIC "PITRTAIL"

static size_t tag_length(const struct frame_seal *s)
{
    return s->encrypted ? CRYPTO_TAG_BYTES : CRC_BYTES;
}

size_t frame_whole(const struct frame_seal *s, uint32_t payload_len)
{
    return FRAME_HEAD + (size_t) payload_len + tag_length(s);
}

static void aad_format(const struct frame_seal *s, uint64_t no, const uint8_t head[FRAME_HEAD],
                       uint8_t aad[AAD_BYTES])
{
    memcpy(aad, s->id, SHA256_BYTES);
    le64_put(aad + SHA256_BYTES, no);
    memcpy(aad + SHA256_BYTES + 8, head, FRAME_HEAD);
}

static void nonce_format(uint64_t no, uint8_t nonce[CRYPTO_NONCE_BYTES])
{
    memset(nonce, 0, 4);
    for (int i = 0; i < 8; i++)
        nonce[4 + i] = (uint8_t) (no >> (56 - 8 * i));
}

static void head_format(uint32_t payload_len, uint32_t plain_len, unsigned flags, uint8_t head[FRAME_HEAD])
{
    memset(head, 0, FRAME_HEAD);
    le32_put(head, payload_len);
    le32_put(head + 4, plain_len);
    head[8] = (uint8_t) flags;
}

enum err_code frame_measure(const struct frame_seal *s, const uint8_t head[FRAME_HEAD], size_t *whole,
                            uint32_t *plain_len, unsigned *flags, struct err *e)
{
    uint32_t payload = le32_get(head);
    uint32_t plain = le32_get(head + 4);
    unsigned marks = head[8];

    if ((marks & ~(FRAME_RAW | FRAME_TABLE)) != 0 || head[9] != 0 || head[10] != 0 || head[11] != 0)
        return err_set(e, ERR_CORRUPT, "frame header is damaged");
    if (plain > FRAME_PLAIN_MAX)
        return err_set(e, ERR_CORRUPT, "frame claims %" PRIu32 " bytes, more than the limit of %u", plain,
                       FRAME_PLAIN_MAX);
    if (marks & FRAME_RAW ? payload != plain : payload >= plain)
        return err_set(e, ERR_CORRUPT, "frame header is damaged: %" PRIu32 " bytes stored for %" PRIu32,
                       payload, plain);
    *whole = frame_whole(s, payload);
    *plain_len = plain;
    *flags = marks;
    return ERR_OK;
}

/* Payload from src (which may be dst) to dst, the tag behind it. */
static enum err_code payload_seal(const struct frame_seal *s, uint64_t no, const uint8_t head[FRAME_HEAD],
                                  const uint8_t *src, uint8_t *dst, size_t len, struct err *e)
{
    uint8_t aad[AAD_BYTES];
    uint8_t nonce[CRYPTO_NONCE_BYTES];

    aad_format(s, no, head, aad);
    if (s->encrypted) {
        nonce_format(no, nonce);
        return crypto_gcm_seal(s->key, nonce, aad, sizeof(aad), src, len, dst, dst + len, e);
    }
    if (src != dst && len > 0)
        memcpy(dst, src, len);
    le32_put(dst + len, crc32c(crc32c(0, aad, sizeof(aad)), dst, len));
    return ERR_OK;
}

static enum err_code frame_append(const struct frame_seal *s, uint64_t no, unsigned flags, const void *plain,
                                  size_t len, struct buf *out, struct err *e)
{
    uint8_t head[FRAME_HEAD] = {0};
    size_t start = out->len, payload;
    uint8_t *body;
    bool raw;

    if (buf_append(out, head, sizeof(head), e) != ERR_OK ||
        codec_compress(s->codec, s->level, plain, len, out, &raw, e) != ERR_OK)
        return e->code;
    payload = raw ? len : out->len - start - FRAME_HEAD;
    out->len = start + FRAME_HEAD;
    if (buf_reserve(out, payload + tag_length(s), e) != ERR_OK)
        return e->code;
    body = out->data + out->len;
    head_format((uint32_t) payload, (uint32_t) len, flags | (raw ? FRAME_RAW : 0), head);
    memcpy(out->data + start, head, sizeof(head));
    if (payload_seal(s, no, head, raw ? plain : body, body, payload, e) != ERR_OK)
        return e->code;
    out->len += payload + tag_length(s);
    return ERR_OK;
}

enum err_code frame_write(const struct frame_seal *s, uint64_t no, unsigned flags, const void *plain,
                          size_t len, struct buf *out, struct err *e)
{
    size_t start = out->len;
    enum err_code code;

    if (len > FRAME_PLAIN_MAX)
        return err_set(e, ERR_USAGE, "frame of %zu bytes exceeds the limit of %u", len, FRAME_PLAIN_MAX);
    code = frame_append(s, no, flags, plain, len, out, e);
    if (code != ERR_OK)
        out->len = start;
    return code;
}

enum err_code frame_seal_payload(const struct frame_seal *s, uint64_t no, const struct frame_payload *p,
                                 uint8_t *out, struct err *e)
{
    uint8_t head[FRAME_HEAD];

    head_format(p->len, p->plain_len, p->is_raw ? FRAME_RAW : 0, head);
    memcpy(out, head, sizeof(head));
    return payload_seal(s, no, head, p->bytes, out + FRAME_HEAD, p->len, e);
}

enum err_code frame_write_payload(const struct frame_seal *s, uint64_t no, const struct frame_payload *p,
                                  struct buf *out, struct err *e)
{
    if (buf_reserve(out, frame_whole(s, p->len), e) != ERR_OK ||
        frame_seal_payload(s, no, p, out->data + out->len, e) != ERR_OK)
        return e->code;
    out->len += frame_whole(s, p->len);
    return ERR_OK;
}

static enum err_code check_crc(const struct frame_seal *s, uint64_t no, const uint8_t *frame, size_t payload,
                               struct err *e)
{
    uint8_t aad[AAD_BYTES];

    aad_format(s, no, frame, aad);
    if (crc32c(crc32c(0, aad, sizeof(aad)), frame + FRAME_HEAD, payload) !=
        le32_get(frame + FRAME_HEAD + payload))
        return err_set(e, ERR_CORRUPT, "checksum of frame %" PRIu64 " does not match", no);
    return ERR_OK;
}

/* Append the decrypted payload to out, once it is found authentic. */
static enum err_code decrypt(const struct frame_seal *s, uint64_t no, const uint8_t *frame, size_t payload,
                             struct buf *out, struct err *e)
{
    uint8_t aad[AAD_BYTES];
    uint8_t nonce[CRYPTO_NONCE_BYTES];

    aad_format(s, no, frame, aad);
    nonce_format(no, nonce);
    if (buf_reserve(out, payload, e) != ERR_OK)
        return e->code;
    if (crypto_gcm_open(s->key, nonce, aad, sizeof(aad), frame + FRAME_HEAD, payload,
                        frame + FRAME_HEAD + payload, out->data + out->len, e) != ERR_OK)
        return err_while(e, "frame %" PRIu64, no);
    out->len += payload;
    return ERR_OK;
}

static enum err_code decompress(const struct frame_seal *s, uint64_t no, const uint8_t *packed,
                                size_t packed_len, size_t plain_len, struct buf *out, struct err *e)
{
    if (buf_reserve(out, plain_len, e) != ERR_OK)
        return e->code;
    if (codec_decompress(s->codec, packed, packed_len, out->data + out->len, plain_len, e) != ERR_OK)
        return err_while(e, "frame %" PRIu64, no);
    out->len += plain_len;
    return ERR_OK;
}

enum err_code frame_read(const struct frame_seal *s, uint64_t no, unsigned flags, const uint8_t *frame,
                         size_t len, struct buf *out, struct err *e)
{
    CLEANUP(buf_clear) struct buf packed = BUF_INIT(FRAME_PLAIN_MAX);
    size_t whole, payload;
    uint32_t plain_len;
    unsigned marks;

    if (len < FRAME_HEAD)
        return err_set(e, ERR_CORRUPT, "frame %" PRIu64 " is cut", no);
    if (frame_measure(s, frame, &whole, &plain_len, &marks, e) != ERR_OK)
        return err_while(e, "frame %" PRIu64, no);
    if (whole != len)
        return err_set(e, ERR_CORRUPT, "frame %" PRIu64 " has %zu bytes, expected %zu", no, len, whole);
    if ((marks & ~FRAME_RAW) != flags)
        return err_set(e, ERR_CORRUPT, "frame %" PRIu64 " is not of the expected kind", no);
    payload = whole - FRAME_HEAD - tag_length(s);
    if (!s->encrypted) {
        if (check_crc(s, no, frame, payload, e) != ERR_OK)
            return e->code;
        if (marks & FRAME_RAW)
            return buf_append(out, frame + FRAME_HEAD, payload, e);
        return decompress(s, no, frame + FRAME_HEAD, payload, plain_len, out, e);
    }
    if (marks & FRAME_RAW)
        return decrypt(s, no, frame, payload, out, e);
    if (decrypt(s, no, frame, payload, &packed, e) != ERR_OK)
        return e->code;
    return decompress(s, no, packed.data, packed.len, plain_len, out, e);
}

enum err_code frame_table_write(const struct frame_seal *s, const uint32_t *lengths, size_t count,
                                struct buf *out, struct err *e)
{
    CLEANUP(buf_clear) struct buf table = BUF_INIT(FRAME_PLAIN_MAX);
    uint8_t footer[SEAL_FOOTER];
    size_t start = out->len;

    if (count > FRAME_COUNT_MAX)
        return err_set(e, ERR_USAGE, "object has more than %u frames", FRAME_COUNT_MAX);
    if (buf_reserve(&table, 4 * count, e) != ERR_OK)
        return e->code;
    for (; table.len < 4 * count; table.len += 4)
        le32_put(table.data + table.len, lengths[table.len / 4]);
    if (frame_write(s, count, FRAME_TABLE, table.data, table.len, out, e) != ERR_OK)
        return e->code;
    memcpy(footer, FOOTER_MAGIC, 8);
    le32_put(footer + 8, (uint32_t) (out->len - start));
    le32_put(footer + 12, crc32c(0, footer, 12));
    if (buf_append(out, footer, sizeof(footer), e) == ERR_OK)
        return ERR_OK;
    out->len = start;
    return e->code;
}

enum err_code frame_footer_read(const uint8_t footer[SEAL_FOOTER], size_t *table_len, struct err *e)
{
    if (memcmp(footer, FOOTER_MAGIC, 8) != 0 || crc32c(0, footer, 12) != le32_get(footer + 12))
        return err_set(e, ERR_CORRUPT, "sealed object does not end in its footer");
    *table_len = le32_get(footer + 8);
    return ERR_OK;
}
