/*
 * codec/keys.h - recipients (public keys) and identities (secret keys), and the wrapping of data keys.
 *
 * Keys are X25519. Text forms, one a line, '#' begins a comment:
 *   recipient  "pitr-pk1-" 64 hex digits of the key, 8 hex digits of its CRC-32C (as a number: "%08x")
 *   identity   "pitr-sk1-" likewise
 * An identity file may hold several, old ones too: the one that fits is used. The fingerprint is the first 8 bytes
 * of SHA-256 of the public key.
 *
 * Wrapping: for each object one ephemeral key pair; shared = X25519(ephemeral, recipient); key-encryption key =
 * HKDF-SHA256(shared, salt = ephemeral public || recipient public, info "pitr v1 data key"); the data key is sealed
 * with AES-256-GCM under it (nonce zero: the key is used once), no associated data.
 * Source    RFC 7748, RFC 5869, NIST SP 800-38D.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_BYTES             32
#define KEY_WRAPPED_BYTES     48 /* data key and tag */
#define KEY_FINGERPRINT_BYTES 8
#define KEY_TEXT_MAX          82 /* either text form with its NUL */

struct recipient {
    uint8_t public_key[KEY_BYTES];
};

struct identity {
    uint8_t secret_key[KEY_BYTES];
    uint8_t public_key[KEY_BYTES];
};

struct recipients {
    struct recipient *list;
    size_t count; /* 0: objects are stored unencrypted */
};

struct identities {
    struct identity *list;
    size_t count;
};

struct wrapped_key {
    uint8_t fingerprint[KEY_FINGERPRINT_BYTES]; /* of the recipient  */
    uint8_t ephemeral[KEY_BYTES];               /* public            */
    uint8_t wrapped[KEY_WRAPPED_BYTES];
};

#define WRAPPED_KEYS_MAX 16

enum err_code identity_generate(struct identity *id, struct err *e);
void recipient_format(const struct recipient *r, char out[KEY_TEXT_MAX]);
/* out holds a secret: wipe it. */
void identity_format(const struct identity *id, char out[KEY_TEXT_MAX]);
void key_fingerprint(const uint8_t public_key[KEY_BYTES], uint8_t out[KEY_FINGERPRINT_BYTES]);

/*
 * Read the lines of a key file's text; source names it in messages ("file \"…\", line 3"), which never show a
 * secret. An identity among recipients, and the reverse, is refused with a hint. None at all is ERR_USAGE, and so are
 * more than WRAPPED_KEYS_MAX recipients. A key given twice counts once.
 */
enum err_code recipients_parse(const char *text, const char *source, struct recipients *out, struct err *e);
enum err_code identities_parse(const char *text, const char *source, struct identities *out, struct err *e);
void recipients_clear(struct recipients *r);
void identities_clear(struct identities *i); /* wipes */

/* Wrap data_key for every recipient; out has room for to->count. */
enum err_code key_wrap(const uint8_t data_key[KEY_BYTES], const struct recipients *to, struct wrapped_key *out,
                       struct err *e);

/*
 * Unwrap with the first identity that fits. ERR_DENIED when none does (hint: which fingerprints the object is for),
 * ERR_CORRUPT when one fits by fingerprint and the wrapped key fails authentication.
 */
enum err_code key_unwrap(const struct wrapped_key *keys, size_t count, const struct identities *with,
                         uint8_t data_key[KEY_BYTES], struct err *e);
