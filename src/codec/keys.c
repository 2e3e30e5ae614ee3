/*
 * codec/keys.c - see codec/keys.h.
 *
 * The checksum in the text forms is against typing and pasting errors only. Key files are small, but nothing is
 * assumed of them: what a file costs in memory is bounded by its text.
 */
#include "codec/keys.h"

#include "base/hex.h"
#include "base/rng.h"
#include "base/secret.h"
#include "codec/crc32c.h"
#include "codec/crypto.h"
#include "codec/sha256.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX_LEN       9
#define RECIPIENT_PREFIX "pitr-pk1-"
#define IDENTITY_PREFIX  "pitr-sk1-"
#define KEY_INFO         "pitr v1 data key"
#define KEY_DIGITS       (2 * KEY_BYTES)

enum key_kind { KEY_RECIPIENT, KEY_IDENTITY };

/* A key file's line being read: where it is, and what is to be done with its key. */
struct key_reader {
    enum key_kind kind;
    const char *source;
    size_t line;
    enum err_code (*take)(struct key_reader *r, const uint8_t key[KEY_BYTES], struct err *e);
    struct recipients *recipients;
    struct identities *identities;
};

static const char *prefix_of(enum key_kind kind)
{
    return kind == KEY_RECIPIENT ? RECIPIENT_PREFIX : IDENTITY_PREFIX;
}

enum err_code identity_generate(struct identity *id, struct err *e)
{
    struct identity fresh;
    enum err_code code;

    rng_bytes(fresh.secret_key, KEY_BYTES);
    code = crypto_x25519_public(fresh.secret_key, fresh.public_key, e);
    if (code == ERR_OK)
        *id = fresh;
    secret_wipe(&fresh, sizeof(fresh));
    return code;
}

static void key_format(enum key_kind kind, const uint8_t key[KEY_BYTES], char out[KEY_TEXT_MAX])
{
    memcpy(out, prefix_of(kind), PREFIX_LEN);
    hex_format(key, KEY_BYTES, out + PREFIX_LEN);
    (void) snprintf(out + PREFIX_LEN + KEY_DIGITS, 9, "%08x", (unsigned) crc32c(0, key, KEY_BYTES));
}

void recipient_format(const struct recipient *r, char out[KEY_TEXT_MAX])
{
    key_format(KEY_RECIPIENT, r->public_key, out);
}

void identity_format(const struct identity *id, char out[KEY_TEXT_MAX])
{
    key_format(KEY_IDENTITY, id->secret_key, out);
}

void key_fingerprint(const uint8_t public_key[KEY_BYTES], uint8_t out[KEY_FINGERPRINT_BYTES])
{
    struct err ignored = ERR_NONE;
    uint8_t digest[SHA256_BYTES];

    if (sha256(public_key, KEY_BYTES, digest, &ignored) != ERR_OK)
        abort(); /* as for a broken random source: an object with a wrong fingerprint could never be read */
    memcpy(out, digest, KEY_FINGERPRINT_BYTES);
}

/* The text of one key, of len characters, into bytes. */
static enum err_code key_parse(enum key_kind kind, const char *text, size_t len, uint8_t key[KEY_BYTES],
                               struct err *e)
{
    enum key_kind other = kind == KEY_RECIPIENT ? KEY_IDENTITY : KEY_RECIPIENT;
    char digits[KEY_DIGITS + 1];
    char sum_digits[9];
    uint8_t sum[4];
    char expected[9];
    enum err_code code;

    if (len >= PREFIX_LEN && strncmp(text, prefix_of(other), PREFIX_LEN) == 0) {
        err_set(e, ERR_USAGE, "%s key where a %s key belongs", other == KEY_IDENTITY ? "secret" : "public",
                kind == KEY_IDENTITY ? "secret" : "public");
        return err_hint(e, "Recipients are the lines that begin with \"%s\", identities those with \"%s\".",
                        RECIPIENT_PREFIX, IDENTITY_PREFIX);
    }
    if (len != KEY_TEXT_MAX - 1 || strncmp(text, prefix_of(kind), PREFIX_LEN) != 0)
        return err_set(e, ERR_USAGE, "not a key of the form \"%s\" and %d hexadecimal digits",
                       prefix_of(kind), KEY_DIGITS + 8);
    memcpy(digits, text + PREFIX_LEN, KEY_DIGITS);
    digits[KEY_DIGITS] = '\0';
    memcpy(sum_digits, text + PREFIX_LEN + KEY_DIGITS, 8);
    sum_digits[8] = '\0';
    code =
        hex_parse(digits, key, KEY_BYTES, e) != ERR_OK || hex_parse(sum_digits, sum, sizeof(sum), e) != ERR_OK
            ? err_set(e, ERR_USAGE, "key has characters that are not hexadecimal digits")
            : ERR_OK;
    secret_wipe(digits, sizeof(digits));
    if (code != ERR_OK)
        return code;
    hex_format(sum, sizeof(sum), sum_digits);
    (void) snprintf(expected, sizeof(expected), "%08x", (unsigned) crc32c(0, key, KEY_BYTES));
    return strcmp(sum_digits, expected) == 0 ? ERR_OK
                                             : err_set(e, ERR_USAGE, "key does not match its checksum");
}

static enum err_code recipient_take(struct key_reader *r, const uint8_t key[KEY_BYTES], struct err *e)
{
    struct recipients *all = r->recipients;
    struct recipient *grown;

    for (size_t i = 0; i < all->count; i++)
        if (memcmp(all->list[i].public_key, key, KEY_BYTES) == 0)
            return ERR_OK;
    if (all->count == WRAPPED_KEYS_MAX)
        return err_set(e, ERR_USAGE, "more than %d recipients", WRAPPED_KEYS_MAX);
    grown = realloc(all->list, (all->count + 1) * sizeof(*grown));
    if (grown == NULL)
        return err_nomem(e, "the list of recipients");
    all->list = grown;
    memcpy(all->list[all->count++].public_key, key, KEY_BYTES);
    return ERR_OK;
}

/* The list is copied by hand when it grows: realloc would leave secrets behind. */
static enum err_code identity_take(struct key_reader *r, const uint8_t key[KEY_BYTES], struct err *e)
{
    struct identities *all = r->identities;
    struct identities grown = {calloc(all->count + 1, sizeof(*grown.list)), all->count + 1};

    if (grown.list == NULL)
        return err_nomem(e, "the list of identities");
    if (all->count > 0)
        memcpy(grown.list, all->list, all->count * sizeof(*grown.list));
    memcpy(grown.list[all->count].secret_key, key, KEY_BYTES);
    if (crypto_x25519_public(key, grown.list[all->count].public_key, e) != ERR_OK) {
        identities_clear(&grown);
        return e->code;
    }
    for (size_t i = 0; i < all->count; i++)
        if (memcmp(all->list[i].public_key, grown.list[all->count].public_key, KEY_BYTES) == 0) {
            identities_clear(&grown);
            return ERR_OK;
        }
    identities_clear(all);
    *all = grown;
    return ERR_OK;
}

/* One line without its end: blank, a comment, or a key with blanks and a comment around it. */
static enum err_code line_read(struct key_reader *r, const char *line, size_t len, struct err *e)
{
    const char *comment = memchr(line, '#', len);
    uint8_t key[KEY_BYTES];
    enum err_code code;

    if (comment != NULL)
        len = (size_t) (comment - line);
    while (len > 0 && isspace((unsigned char) line[len - 1]))
        len--;
    while (len > 0 && isspace((unsigned char) *line))
        line++, len--;
    if (len == 0)
        return ERR_OK;
    code = key_parse(r->kind, line, len, key, e);
    if (code == ERR_OK)
        code = r->take(r, key, e);
    secret_wipe(key, sizeof(key));
    return code == ERR_OK ? ERR_OK : err_while(e, "%s, line %zu", r->source, r->line);
}

static enum err_code lines_read(struct key_reader *r, const char *text, struct err *e)
{
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");

        r->line++;
        if (line_read(r, text, len, e) != ERR_OK)
            return e->code;
        text += len + (text[len] == '\n');
    }
    return ERR_OK;
}

enum err_code recipients_parse(const char *text, const char *source, struct recipients *out, struct err *e)
{
    struct recipients found = {0};
    struct key_reader r = {
        .kind = KEY_RECIPIENT, .source = source, .take = recipient_take, .recipients = &found};

    if (lines_read(&r, text, e) != ERR_OK) {
        recipients_clear(&found);
        return e->code;
    }
    if (found.count == 0)
        return err_set(e, ERR_USAGE, "%s has no recipient", source);
    *out = found;
    return ERR_OK;
}

enum err_code identities_parse(const char *text, const char *source, struct identities *out, struct err *e)
{
    struct identities found = {0};
    struct key_reader r = {
        .kind = KEY_IDENTITY, .source = source, .take = identity_take, .identities = &found};

    if (lines_read(&r, text, e) != ERR_OK) {
        identities_clear(&found);
        return e->code;
    }
    if (found.count == 0)
        return err_set(e, ERR_USAGE, "%s has no identity", source);
    *out = found;
    return ERR_OK;
}

void recipients_clear(struct recipients *r)
{
    free(r->list);
    *r = (struct recipients){0};
}

void identities_clear(struct identities *i)
{
    if (i->list != NULL)
        secret_wipe(i->list, i->count * sizeof(*i->list));
    free(i->list);
    *i = (struct identities){0};
}

/* The key-encryption key: of (ours, theirs) the secret half and the public one; the salt is the same on both sides. */
static enum err_code wrapping_key(const uint8_t secret[KEY_BYTES], const uint8_t peer[KEY_BYTES],
                                  const uint8_t ephemeral[KEY_BYTES], const uint8_t recipient[KEY_BYTES],
                                  uint8_t kek[KEY_BYTES], struct err *e)
{
    uint8_t shared[KEY_BYTES];
    uint8_t salt[2 * KEY_BYTES];
    enum err_code code;

    memcpy(salt, ephemeral, KEY_BYTES);
    memcpy(salt + KEY_BYTES, recipient, KEY_BYTES);
    code = crypto_x25519(secret, peer, shared, e);
    if (code == ERR_OK)
        code = crypto_hkdf(shared, sizeof(shared), salt, sizeof(salt), KEY_INFO, strlen(KEY_INFO), kek, e);
    secret_wipe(shared, sizeof(shared));
    return code;
}

static const uint8_t nonce_zero[CRYPTO_NONCE_BYTES]; /* each key-encryption key seals one thing */

static enum err_code wrap_one(const uint8_t data_key[KEY_BYTES], const struct identity *ephemeral,
                              const struct recipient *to, struct wrapped_key *out, struct err *e)
{
    uint8_t kek[KEY_BYTES];
    enum err_code code =
        wrapping_key(ephemeral->secret_key, to->public_key, ephemeral->public_key, to->public_key, kek, e);

    if (code == ERR_CORRUPT) /* small order: only a made-up key is */
        return err_set(e, ERR_USAGE, "recipient is not a usable public key");
    if (code == ERR_OK)
        code = crypto_gcm_seal(kek, nonce_zero, NULL, 0, data_key, KEY_BYTES, out->wrapped,
                               out->wrapped + KEY_BYTES, e);
    secret_wipe(kek, sizeof(kek));
    key_fingerprint(to->public_key, out->fingerprint);
    memcpy(out->ephemeral, ephemeral->public_key, KEY_BYTES);
    return code;
}

enum err_code key_wrap(const uint8_t data_key[KEY_BYTES], const struct recipients *to,
                       struct wrapped_key *out, struct err *e)
{
    struct identity ephemeral;
    enum err_code code = identity_generate(&ephemeral, e);

    for (size_t i = 0; code == ERR_OK && i < to->count; i++)
        code = wrap_one(data_key, &ephemeral, &to->list[i], &out[i], e);
    secret_wipe(&ephemeral, sizeof(ephemeral));
    return code;
}

static enum err_code denied(const struct wrapped_key *keys, size_t count, const struct identities *with,
                            struct err *e)
{
    char list[ERR_HINT_MAX] = "";
    size_t used = 0;

    for (size_t i = 0; i < count && used + 2 * KEY_FINGERPRINT_BYTES + 3 < sizeof(list); i++) {
        used += (size_t) snprintf(list + used, sizeof(list) - used, "%s", i > 0 ? ", " : "");
        hex_format(keys[i].fingerprint, KEY_FINGERPRINT_BYTES, list + used);
        used += 2 * KEY_FINGERPRINT_BYTES;
    }
    err_set(e, ERR_DENIED,
            with->count == 0 ? "object is encrypted and no identity was given"
                             : "object is encrypted for none of the given identities");
    return err_hint(e, "It can be read with the secret key of %s; identity-file names it.", list);
}

enum err_code key_unwrap(const struct wrapped_key *keys, size_t count, const struct identities *with,
                         uint8_t data_key[KEY_BYTES], struct err *e)
{
    uint8_t ours[KEY_FINGERPRINT_BYTES];
    uint8_t kek[KEY_BYTES];
    uint8_t opened[KEY_BYTES];
    enum err_code code;

    for (size_t i = 0; i < with->count; i++) {
        const struct identity *id = &with->list[i];

        key_fingerprint(id->public_key, ours);
        for (size_t k = 0; k < count; k++) {
            if (memcmp(keys[k].fingerprint, ours, sizeof(ours)) != 0)
                continue;
            code = wrapping_key(id->secret_key, keys[k].ephemeral, keys[k].ephemeral, id->public_key, kek, e);
            if (code == ERR_OK)
                code = crypto_gcm_open(kek, nonce_zero, NULL, 0, keys[k].wrapped, KEY_BYTES,
                                       keys[k].wrapped + KEY_BYTES, opened, e);
            secret_wipe(kek, sizeof(kek));
            if (code != ERR_OK)
                return err_while(e, "could not unwrap the data key");
            memcpy(data_key, opened, KEY_BYTES);
            secret_wipe(opened, sizeof(opened));
            return ERR_OK;
        }
    }
    return denied(keys, count, with, e);
}
