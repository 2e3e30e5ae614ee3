/*
 * cli/key_file.c - see cli/key_file.h.
 *
 * The secret lies in buffers that are wiped; stdio gets it only when the caller asked for it on standard output.
 */
#include "cli/key_file.h"

#include "base/durable.h"
#include "base/secret.h"
#include "base/timestamp.h"
#include "codec/keys.h"

#include <string.h>

#define KEY_FILE_MAX (64u << 10)

static void public_format(const uint8_t public_key[KEY_BYTES], char text[KEY_TEXT_MAX])
{
    struct recipient r;

    memcpy(r.public_key, public_key, sizeof(r.public_key));
    recipient_format(&r, text);
}

/* The text of an identity file. */
static enum err_code identity_file_text(const struct identity *id, int64_t now_us, struct buf *out,
                                        struct err *e)
{
    char secret[KEY_TEXT_MAX], public[KEY_TEXT_MAX], made[TIMESTAMP_TEXT_MAX];
    enum err_code code;

    public_format(id->public_key, public);
    timestamp_format(now_us, made);
    identity_format(id, secret);
    code = buf_printf(out, e,
                      "# pitr identity, made %s\n"
                      "# Whoever has it can read what was stored for its recipient; without it nobody can.\n"
                      "# recipient: %s\n"
                      "%s\n",
                      made, public, secret);
    secret_wipe(secret, sizeof(secret));
    return code;
}

static enum err_code write_new(const char *path, const struct buf *text, struct err *e)
{
    CLEANUP(durable_discard) struct durable file = DURABLE_NONE;
    enum err_code code;

    if (durable_open(&file, path, 0600, e) != ERR_OK ||
        durable_write_all(file.fd, text->data, text->len, path, e) != ERR_OK)
        return e->code;
    code = durable_commit_new(&file, e);
    if (code != ERR_CONFLICT)
        return code;
    err_set(e, ERR_REFUSED, "file \"%s\" is there already", path);
    return err_hint(e, "%s", "A key is never overwritten: choose another name.");
}

static enum err_code generate(struct identity *id, const char *path, int64_t now_us, FILE *out, struct err *e)
{
    CLEANUP(secret_clear) struct buf text = BUF_INIT(KEY_FILE_MAX);
    char public[KEY_TEXT_MAX];

    if (identity_generate(id, e) != ERR_OK || identity_file_text(id, now_us, &text, e) != ERR_OK)
        return e->code;
    if (path == NULL) {
        (void) fwrite(text.data, 1, text.len, out);
        return ERR_OK;
    }
    if (write_new(path, &text, e) != ERR_OK)
        return e->code;
    public_format(id->public_key, public);
    fprintf(out, "%s\n", public);
    return ERR_OK;
}

enum err_code key_file_generate(const char *path, int64_t now_us, FILE *out, struct err *e)
{
    struct identity id;
    enum err_code code = generate(&id, path, now_us, out, e);

    secret_wipe(&id, sizeof(id));
    return code;
}

enum err_code key_file_show(const char *path, FILE *out, struct err *e)
{
    CLEANUP(secret_clear) struct buf text = BUF_INIT(KEY_FILE_MAX);
    CLEANUP(identities_clear) struct identities identities = {0};
    char source[512], public[KEY_TEXT_MAX];

    if (secret_read_file(path, "key show", &text, e) != ERR_OK)
        return e->code;
    (void) snprintf(source, sizeof(source), "file \"%.480s\"", path);
    if (identities_parse(buf_cstr(&text), source, &identities, e) != ERR_OK)
        return e->code;
    for (size_t i = 0; i < identities.count; i++) {
        public_format(identities.list[i].public_key, public);
        fprintf(out, "%s\n", public);
    }
    return ERR_OK;
}
