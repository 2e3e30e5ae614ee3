/*
 * codec/sha256.c - see codec/sha256.h.
 */
#include "codec/sha256.h"

#include "base/libcrypto.h"
#include "codec/crypto.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct sha256_sink {
    struct sink base;
    EVP_MD_CTX *hash;
    bool finished;
    uint8_t digest[SHA256_BYTES];
};

enum err_code sha256(const void *bytes, size_t len, uint8_t digest[SHA256_BYTES], struct err *e)
{
    if (libcrypto_load(e) != ERR_OK)
        return e->code;
    if (libcrypto.EVP_Digest(len > 0 ? bytes : "", len, digest, NULL, libcrypto.EVP_sha256(), NULL) != 1)
        return crypto_failed(e, "compute SHA-256");
    return ERR_OK;
}

static enum err_code sha256_write(struct sink *s, const void *bytes, size_t len, struct err *e)
{
    struct sha256_sink *h = (struct sha256_sink *) s;

    if (len > 0 && libcrypto.EVP_DigestUpdate(h->hash, bytes, len) != 1)
        return crypto_failed(e, "compute SHA-256");
    return s->next == NULL ? ERR_OK : sink_write(s->next, bytes, len, e);
}

static enum err_code sha256_finish(struct sink *s, struct err *e)
{
    struct sha256_sink *h = (struct sha256_sink *) s;

    if (libcrypto.EVP_DigestFinal_ex(h->hash, h->digest, NULL) != 1)
        return crypto_failed(e, "compute SHA-256");
    h->finished = true;
    return sink_finish(s->next, e);
}

static void sha256_free(struct sink *s)
{
    struct sha256_sink *h = (struct sha256_sink *) s;

    if (h->hash != NULL)
        libcrypto.EVP_MD_CTX_free(h->hash);
    free(h);
}

static const struct sink_ops sha256_ops = {sha256_write, sha256_finish, sha256_free};

enum err_code sha256_sink_new(struct sink *next, struct sink **out, struct err *e)
{
    struct sha256_sink *h = calloc(1, sizeof(*h));

    if (h == NULL) {
        sink_free(next);
        return err_nomem(e, "a SHA-256 stage");
    }
    h->base = (struct sink){&sha256_ops, next};
    if (libcrypto_load(e) != ERR_OK) {
        sink_free(&h->base);
        return e->code;
    }
    h->hash = libcrypto.EVP_MD_CTX_new();
    if (h->hash == NULL || libcrypto.EVP_DigestInit_ex(h->hash, libcrypto.EVP_sha256(), NULL) != 1) {
        sink_free(&h->base);
        return crypto_failed(e, "prepare SHA-256");
    }
    *out = &h->base;
    return ERR_OK;
}

enum err_code sha256_sink_so_far(struct sink *s, uint8_t digest[SHA256_BYTES], struct err *e)
{
    const struct sha256_sink *h = (const struct sha256_sink *) s;
    EVP_MD_CTX *copy = libcrypto.EVP_MD_CTX_new();
    bool is_done = copy != NULL && libcrypto.EVP_MD_CTX_copy_ex(copy, h->hash) == 1 &&
                   libcrypto.EVP_DigestFinal_ex(copy, digest, NULL) == 1;

    libcrypto.EVP_MD_CTX_free(copy);
    return is_done ? ERR_OK : crypto_failed(e, "compute SHA-256");
}

enum err_code sha256_sink_digest(struct sink *s, uint8_t digest[SHA256_BYTES], struct err *e)
{
    const struct sha256_sink *h = (const struct sha256_sink *) s;

    if (!h->finished)
        return err_set(e, ERR_USAGE, "digest of a stream that has not ended");
    memcpy(digest, h->digest, SHA256_BYTES);
    return ERR_OK;
}
