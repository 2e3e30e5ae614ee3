/*
 * storage/s3_body.c - see storage/s3_body.h.
 */
#include "storage/s3_body.h"

#include "base/hex.h"
#include "base/libcrypto.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define HASH_BYTES 32

/* A stretch of the body that lies together. */
struct stretch {
    const uint8_t *bytes;
    size_t len;
};

struct s3_body s3_body_of(const void *bytes, size_t len)
{
    return (struct s3_body){.borrowed = bytes, .len = bytes == NULL ? 0 : len};
}

struct s3_body s3_body_up_to(size_t max)
{
    return (struct s3_body){.max = max};
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* From `at` on, which lies before the end. */
static struct stretch stretch_at(const struct s3_body *b, size_t at)
{
    const size_t inside = at % S3_BODY_PIECE;

    if (b->borrowed != NULL)
        return (struct stretch){(const uint8_t *) b->borrowed + at, b->len - at};
    return (struct stretch){b->pieces[at / S3_BODY_PIECE] + inside,
                            least(S3_BODY_PIECE - inside, b->len - at)};
}

static enum err_code add_piece(struct s3_body *b, struct err *e)
{
    uint8_t **grown = reallocarray(b->pieces, b->piece_count + 1, sizeof(*grown));

    if (grown == NULL)
        return err_nomem(e, "the body of a request");
    b->pieces = grown;
    grown[b->piece_count] = malloc(S3_BODY_PIECE);
    if (grown[b->piece_count] == NULL)
        return err_nomem(e, "the body of a request");
    b->piece_count++;
    return ERR_OK;
}

enum err_code s3_body_append(struct s3_body *b, const void *bytes, size_t len, struct err *e)
{
    const uint8_t *from = bytes;

    assert(b->borrowed == NULL);
    if (len > b->max - b->len)
        return err_set(e, ERR_REFUSED, "the body of a request exceeds the limit of %zu bytes", b->max);
    for (size_t n; len > 0; from += n, len -= n) {
        const size_t inside = b->len % S3_BODY_PIECE;

        if (b->len / S3_BODY_PIECE == b->piece_count && add_piece(b, e) != ERR_OK)
            return e->code;
        n = least(S3_BODY_PIECE - inside, len);
        memcpy(b->pieces[b->len / S3_BODY_PIECE] + inside, from, n);
        b->len += n;
    }
    return ERR_OK;
}

void s3_body_reset(struct s3_body *b)
{
    b->len = 0;
}

void s3_body_clear(struct s3_body *b)
{
    for (size_t i = 0; i < b->piece_count; i++)
        free(b->pieces[i]);
    free(b->pieces);
    *b = s3_body_up_to(b->max);
}

size_t s3_body_read(const struct s3_body *b, size_t at, void *out, size_t len)
{
    size_t done = 0;

    while (done < len && at + done < b->len) {
        const struct stretch s = stretch_at(b, at + done);
        const size_t n = least(s.len, len - done);

        memcpy((uint8_t *) out + done, s.bytes, n);
        done += n;
    }
    return done;
}

static bool hash_all(const struct s3_body *b, EVP_MD_CTX *hash, unsigned char digest[HASH_BYTES])
{
    if (hash == NULL || libcrypto.EVP_DigestInit_ex(hash, libcrypto.EVP_sha256(), NULL) != 1)
        return false;
    for (size_t at = 0; at < b->len;) {
        const struct stretch s = stretch_at(b, at);

        if (libcrypto.EVP_DigestUpdate(hash, s.bytes, s.len) != 1)
            return false;
        at += s.len;
    }
    return libcrypto.EVP_DigestFinal_ex(hash, digest, NULL) == 1;
}

enum err_code s3_body_hash(const struct s3_body *b, char *out, struct err *e)
{
    unsigned char digest[HASH_BYTES];
    EVP_MD_CTX *hash;
    bool is_done;

    if (libcrypto_load(e) != ERR_OK)
        return e->code;
    hash = libcrypto.EVP_MD_CTX_new();
    is_done = hash_all(b, hash, digest);
    libcrypto.EVP_MD_CTX_free(hash);
    if (!is_done)
        return err_set(e, ERR_IO, "could not compute SHA-256");
    hex_format(digest, sizeof(digest), out);
    return ERR_OK;
}
