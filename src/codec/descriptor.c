/*
 * codec/descriptor.c - see codec/descriptor.h for the bytes.
 *
 * Members are written in one fixed order, then the facts in theirs, without blanks: equal descriptors are equal bytes.
 * Reading is strict about every member known here (type, range, length, no member twice) and keeps all others.
 */
#include "codec/descriptor.h"

#include "base/hex.h"
#include "codec/crc32c.h"
#include "codec/frame.h"
#include "codec/le.h"

#include <limits.h>
#include <string.h>

#define MAGIC          "\x89PITR\r\n\x1a"
#define FORMAT_VERSION 1
#define CRC_BYTES      4
#define CIPHER_GCM     "aes-256-gcm"
#define CIPHER_CRC     "crc32c"
#define HEX_MAX        (2 * KEY_WRAPPED_BYTES + 1)

static const char *const known[] = {"kind",  "name",  "size",   "sha256", "codec",
                                    "level", "frame", "cipher", "keys",   "origin"};
#define KNOWN_COUNT (sizeof(known) / sizeof(known[0]))

static void json_freep(json_t **j)
{
    json_decref(*j);
}

void descriptor_clear(struct descriptor *d)
{
    json_decref(d->facts);
    d->facts = NULL;
}

/* Text that goes into messages and listings: no control characters. */
static bool is_plain_text(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char) *text < 0x20 || *text == 0x7f)
            return false;
    return true;
}

static bool is_kind(const char *text)
{
    return *text != '\0' && text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

/* Set a member to a new value, which may be NULL: jansson then had no memory, or the text is not UTF-8. */
static bool put(json_t *to, const char *member, json_t *value)
{
    return json_object_set_new(to, member, value) == 0;
}

static json_t *hex_value(const uint8_t *bytes, size_t len)
{
    char text[HEX_MAX];

    hex_format(bytes, len, text);
    return json_string(text);
}

static json_t *keys_value(const struct descriptor *d)
{
    json_t *list = json_array();

    for (size_t i = 0; i < d->key_count; i++) {
        const struct wrapped_key *k = &d->keys[i];
        json_t *one = json_object();

        if (!put(one, "to", hex_value(k->fingerprint, sizeof(k->fingerprint))) ||
            !put(one, "ephemeral", hex_value(k->ephemeral, sizeof(k->ephemeral))) ||
            !put(one, "wrapped", hex_value(k->wrapped, sizeof(k->wrapped)))) {
            json_decref(one);
            json_decref(list);
            return NULL;
        }
        if (json_array_append_new(list, one) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static bool known_put(const struct descriptor *d, json_t *root)
{
    return put(root, "kind", json_string(d->kind)) && put(root, "name", json_string(d->name)) &&
           (!d->sized || (put(root, "size", json_integer((json_int_t) d->size)) &&
                          put(root, "sha256", hex_value(d->sha256, sizeof(d->sha256))))) &&
           put(root, "codec", json_string(codec_name(d->codec))) &&
           put(root, "level", json_integer(d->level)) && put(root, "frame", json_integer(d->frame_bytes)) &&
           put(root, "cipher", json_string(d->key_count > 0 ? CIPHER_GCM : CIPHER_CRC)) &&
           (d->key_count == 0 || put(root, "keys", keys_value(d))) &&
           put(root, "origin", json_string(d->origin));
}

static enum err_code check(const struct descriptor *d, struct err *e)
{
    if (!is_kind(d->kind))
        return err_set(e, ERR_USAGE, "\"%s\" is not a kind of object", d->kind);
    if (d->name[0] == '\0' || !is_plain_text(d->name) || !is_plain_text(d->origin))
        return err_set(e, ERR_USAGE,
                       "name or origin of the object to seal is empty or has control characters");
    if (d->sized && d->size > (uint64_t) INT64_MAX)
        return err_set(e, ERR_USAGE, "object to seal is too large");
    if (d->frame_bytes > FRAME_PLAIN_MAX)
        return err_set(e, ERR_USAGE, "frame size exceeds the limit of %u bytes", FRAME_PLAIN_MAX);
    for (size_t i = 0; i < KNOWN_COUNT; i++)
        if (json_object_get(d->facts, known[i]) != NULL)
            return err_set(e, ERR_USAGE, "a fact of the object to seal is called \"%s\"", known[i]);
    return ERR_OK;
}

static int append_text(const char *text, size_t len, void *arg)
{
    struct err ignored = ERR_NONE; /* the ceiling, or no memory: told below */

    return buf_append(arg, text, len, &ignored) == ERR_OK ? 0 : -1;
}

static enum err_code json_format(const struct descriptor *d, struct buf *text, struct err *e)
{
    CLEANUP(json_freep) json_t *root = json_object();

    if (!known_put(d, root) || (d->facts != NULL && json_object_update(root, d->facts) != 0))
        return err_set(e, ERR_USAGE, "could not describe object \"%s\": no memory, or text that is not UTF-8",
                       d->name);
    if (json_dump_callback(root, append_text, text, JSON_COMPACT) != 0)
        return err_set(e, ERR_USAGE, "could not describe object \"%s\" in %d bytes", d->name,
                       DESCRIPTOR_JSON_MAX);
    return ERR_OK;
}

enum err_code descriptor_format(const struct descriptor *d, struct buf *out, uint8_t id[SHA256_BYTES],
                                struct err *e)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(DESCRIPTOR_JSON_MAX);
    uint8_t head[DESCRIPTOR_HEAD] = {0};
    uint8_t sum[CRC_BYTES];
    size_t start = out->len;

    if (check(d, e) != ERR_OK || json_format(d, &text, e) != ERR_OK)
        return e->code;
    memcpy(head, MAGIC, 8);
    le16_put(head + 8, FORMAT_VERSION);
    le32_put(head + 12, (uint32_t) text.len);
    le32_put(sum, crc32c(crc32c(0, head, sizeof(head)), text.data, text.len));
    if (buf_append(out, head, sizeof(head), e) == ERR_OK &&
        buf_append(out, text.data, text.len, e) == ERR_OK && buf_append(out, sum, sizeof(sum), e) == ERR_OK &&
        sha256(out->data + start, out->len - start, id, e) == ERR_OK)
        return ERR_OK;
    out->len = start;
    return e->code;
}

enum err_code descriptor_length(const uint8_t head[DESCRIPTOR_HEAD], size_t *total, struct err *e)
{
    unsigned version = le16_get(head + 8);
    uint32_t len = le32_get(head + 12);

    if (memcmp(head, MAGIC, 8) != 0)
        return err_set(e, ERR_CORRUPT, "not a sealed object of pitr");
    if (version != FORMAT_VERSION) {
        err_set(e, ERR_CORRUPT, "sealed object has format version %u, this program reads version %d", version,
                FORMAT_VERSION);
        return err_hint(e, "Use the version of pitr that wrote it, or a newer one.");
    }
    if (le16_get(head + 10) != 0 || len == 0 || len > DESCRIPTOR_JSON_MAX)
        return err_set(e, ERR_CORRUPT, "header of the sealed object is damaged");
    *total = DESCRIPTOR_HEAD + (size_t) len + CRC_BYTES;
    return ERR_OK;
}

static enum err_code bad_member(struct err *e, const char *member)
{
    return err_set(e, ERR_CORRUPT, "descriptor has no valid \"%s\"", member);
}

/* A string shorter than size (NUL cannot be in it: jansson refuses it) into out. */
static enum err_code get_text(const json_t *root, const char *member, char *out, size_t size, struct err *e)
{
    const json_t *v = json_object_get(root, member);

    if (!json_is_string(v) || json_string_length(v) >= size || !is_plain_text(json_string_value(v)))
        return bad_member(e, member);
    memcpy(out, json_string_value(v), json_string_length(v) + 1);
    return ERR_OK;
}

static enum err_code get_int(const json_t *root, const char *member, json_int_t min, json_int_t max,
                             json_int_t *out, struct err *e)
{
    const json_t *v = json_object_get(root, member);

    if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max)
        return bad_member(e, member);
    *out = json_integer_value(v);
    return ERR_OK;
}

static enum err_code get_hex(const json_t *root, const char *member, uint8_t *out, size_t len, struct err *e)
{
    char text[HEX_MAX];

    if (get_text(root, member, text, sizeof(text), e) != ERR_OK || strlen(text) != 2 * len ||
        hex_parse(text, out, len, e) != ERR_OK)
        return bad_member(e, member);
    return ERR_OK;
}

static enum err_code get_size(const json_t *root, struct descriptor *d, struct err *e)
{
    json_int_t size;

    d->sized = json_object_get(root, "size") != NULL;
    if (d->sized != (json_object_get(root, "sha256") != NULL))
        return err_set(e, ERR_CORRUPT, "descriptor has only one of \"size\" and \"sha256\"");
    if (!d->sized)
        return ERR_OK;
    if (get_int(root, "size", 0, INT64_MAX, &size, e) != ERR_OK ||
        get_hex(root, "sha256", d->sha256, sizeof(d->sha256), e) != ERR_OK)
        return e->code;
    d->size = (uint64_t) size;
    return ERR_OK;
}

static enum err_code get_compression(const json_t *root, struct descriptor *d, struct err *e)
{
    json_int_t level, frame;
    char text[32];

    if (get_text(root, "codec", text, sizeof(text), e) != ERR_OK ||
        get_int(root, "level", INT_MIN, INT_MAX, &level, e) != ERR_OK ||
        get_int(root, "frame", 0, FRAME_PLAIN_MAX, &frame, e) != ERR_OK)
        return e->code;
    if (codec_parse(text, &d->codec, e) != ERR_OK)
        return err_set(e, ERR_CORRUPT, "descriptor names the unknown compression \"%s\"", text);
    d->level = (int) level;
    d->frame_bytes = (uint32_t) frame;
    return ERR_OK;
}

static enum err_code get_key(const json_t *one, struct wrapped_key *k, struct err *e)
{
    if (!json_is_object(one))
        return bad_member(e, "keys");
    if (get_hex(one, "to", k->fingerprint, sizeof(k->fingerprint), e) != ERR_OK ||
        get_hex(one, "ephemeral", k->ephemeral, sizeof(k->ephemeral), e) != ERR_OK ||
        get_hex(one, "wrapped", k->wrapped, sizeof(k->wrapped), e) != ERR_OK)
        return e->code;
    return ERR_OK;
}

/* Keys and cipher must say the same: one without the other would let an edit turn encryption off. */
static enum err_code get_keys(const json_t *root, struct descriptor *d, struct err *e)
{
    const json_t *keys = json_object_get(root, "keys");
    char cipher[32];

    if (get_text(root, "cipher", cipher, sizeof(cipher), e) != ERR_OK)
        return e->code;
    if (strcmp(cipher, CIPHER_GCM) != 0 && strcmp(cipher, CIPHER_CRC) != 0)
        return err_set(e, ERR_CORRUPT, "descriptor names the unknown cipher \"%s\"", cipher);
    if ((strcmp(cipher, CIPHER_GCM) == 0) != (keys != NULL))
        return bad_member(e, "keys");
    if (keys == NULL)
        return ERR_OK;
    if (!json_is_array(keys) || json_array_size(keys) == 0 || json_array_size(keys) > WRAPPED_KEYS_MAX)
        return bad_member(e, "keys");
    for (; d->key_count < json_array_size(keys); d->key_count++)
        if (get_key(json_array_get(keys, d->key_count), &d->keys[d->key_count], e) != ERR_OK)
            return e->code;
    return ERR_OK;
}

static enum err_code get_known(const json_t *root, struct descriptor *d, struct err *e)
{
    if (get_text(root, "kind", d->kind, sizeof(d->kind), e) != ERR_OK ||
        get_text(root, "name", d->name, sizeof(d->name), e) != ERR_OK ||
        get_text(root, "origin", d->origin, sizeof(d->origin), e) != ERR_OK ||
        get_size(root, d, e) != ERR_OK || get_compression(root, d, e) != ERR_OK ||
        get_keys(root, d, e) != ERR_OK)
        return e->code;
    if (!is_kind(d->kind))
        return bad_member(e, "kind");
    return d->name[0] != '\0' ? ERR_OK : bad_member(e, "name");
}

static enum err_code json_read(const char *text, size_t len, struct descriptor *d, struct err *e)
{
    json_error_t where;
    CLEANUP(json_freep) json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
    struct descriptor found = {0};

    if (root == NULL)
        return err_set(e, ERR_CORRUPT, "descriptor is not valid JSON at byte %d", where.position);
    if (!json_is_object(root))
        return err_set(e, ERR_CORRUPT, "descriptor is not a JSON object");
    if (get_known(root, &found, e) != ERR_OK)
        return e->code;
    for (size_t i = 0; i < KNOWN_COUNT; i++)
        (void) json_object_del(root, known[i]); /* what is left are the facts */
    found.facts = json_object_size(root) > 0 ? json_incref(root) : NULL;
    *d = found;
    return ERR_OK;
}

enum err_code descriptor_parse(const uint8_t *bytes, size_t len, struct descriptor *d,
                               uint8_t id[SHA256_BYTES], struct err *e)
{
    size_t total;

    if (len < DESCRIPTOR_HEAD)
        return err_set(e, ERR_CORRUPT, "sealed object is cut inside its descriptor");
    if (descriptor_length(bytes, &total, e) != ERR_OK)
        return e->code;
    if (total != len)
        return err_set(e, ERR_CORRUPT, "descriptor has %zu bytes, expected %zu", len, total);
    if (crc32c(0, bytes, len - CRC_BYTES) != le32_get(bytes + len - CRC_BYTES))
        return err_set(e, ERR_CORRUPT, "checksum of the descriptor does not match");
    if (sha256(bytes, len, id, e) != ERR_OK)
        return e->code;
    return json_read((const char *) bytes + DESCRIPTOR_HEAD, len - DESCRIPTOR_HEAD - CRC_BYTES, d, e);
}
