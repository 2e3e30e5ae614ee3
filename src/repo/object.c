/*
 * repo/object.c - see repo/object.h.
 *
 * Put   seal -> store, one request. On "already there" the clear descriptor of what is there decides, so that a
 *       repeated push (after a crash, or an answer lost on the way) succeeds and a different content never hides.
 * Get   store -> unseal -> the caller's chain, one request.
 */
#include "repo/object.h"

#include "base/clock.h"
#include "base/timestamp.h"
#include "codec/seal.h"
#include "codec/unseal.h"
#include "repo/wal_same.h"
#include "stream/buf_sink.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DIRECTORY_MAX 128 /* of an origin, with NUL: two of them must fit a message */

/* kind and name of descriptors are of fixed size; a longer one is a mistake of the caller's data. */
static enum err_code copy_text(char *out, size_t size, const char *text, struct err *e)
{
    if (strlen(text) >= size)
        return err_set(e, ERR_USAGE, "name \"%.64s…\" is too long", text);
    memcpy(out, text, strlen(text) + 1);
    return ERR_OK;
}

static void format_directory(const char *directory, char out[DIRECTORY_MAX])
{
    size_t len = strlen(directory);
    bool is_cut = len >= DIRECTORY_MAX - 4;

    (void) snprintf(out, DIRECTORY_MAX, "%s%s", is_cut ? "..." : "",
                    directory + (is_cut ? len - (DIRECTORY_MAX - 4) : 0));
    for (char *c = out; *c != '\0'; c++)
        if (*c < 0x20 || *c > 0x7e)
            *c = '?';
}

void object_origin(const char *directory, char *out, size_t size)
{
    char host[65] = "unknown", where[DIRECTORY_MAX] = "";
    char when[TIMESTAMP_TEXT_MAX];

    (void) gethostname(host, sizeof(host) - 1);
    timestamp_format(clock_now_us(&clock_system) / 1000000 * 1000000, when);
    if (directory != NULL)
        format_directory(directory, where);
    (void) snprintf(out, size, "host %s, %s%s%s, pitr %s", host, where, directory == NULL ? "" : ", ", when,
                    PITR_VERSION);
}

enum err_code object_describe_new(const struct repo *r, const char *kind, const char *name,
                                  struct descriptor *d, struct err *e)
{
    *d = (struct descriptor){.codec = r->codec, .level = r->level};
    object_origin(NULL, d->origin, sizeof(d->origin));
    return copy_text(d->kind, sizeof(d->kind), kind, e) != ERR_OK
               ? e->code
               : copy_text(d->name, sizeof(d->name), name, e);
}

static bool is_same(const struct descriptor *a, const struct descriptor *b)
{
    return strcmp(a->kind, b->kind) == 0 && strcmp(a->name, b->name) == 0 && a->sized && b->sized &&
           a->size == b->size && memcmp(a->sha256, b->sha256, SHA256_BYTES) == 0;
}

/* The first len bytes, or the whole of a shorter object. */
static enum err_code get_front(struct repo *r, const char *key, size_t len, struct buf *out, struct err *e)
{
    struct store_range front = {0, len};
    CLEANUP(sink_freep) struct sink *to = NULL;

    buf_reset(out);
    if (buf_sink_new(out, &to, e) != ERR_OK)
        return e->code;
    return store_get(r->store, key, &front, to, NULL, e);
}

static enum err_code not_compared(const char *key, struct err *e)
{
    if (e->code == ERR_ABSENT) /* removed in between: nothing is stored, the next try will */
        e->code = ERR_UNREACHABLE;
    return err_while(e, "object \"%s\" exists already and could not be compared", key);
}

static enum err_code refuse_other_content(const struct descriptor *theirs, const struct descriptor *ours,
                                          struct err *e)
{
    char there[WAL_SAME_TEXT_MAX], here[WAL_SAME_TEXT_MAX];

    wal_tell_ends(theirs, ours, there, here);
    err_set(e, ERR_CONFLICT, "\"%s\" is already stored with other content: there from %s%s; here from %s%s",
            ours->name, theirs->origin, there, ours->origin, here);
    return err_hint(
        e, "Two servers that both believe they are this cluster write to one archive, or a data directory "
           "was rolled back. Nothing was overwritten.");
}

/* The key is taken: is what lies there as good as ours? */
static enum err_code compare_stored(struct repo *r, const char *key, const struct descriptor *ours,
                                    enum object_outcome *outcome, struct err *e)
{
    CLEANUP(descriptor_clear) struct descriptor theirs = {0};

    if (object_descriptor(r, key, &theirs, e) != ERR_OK)
        return not_compared(key, e);
    if (is_same(&theirs, ours)) {
        *outcome = OBJECT_ALREADY_THERE;
        return ERR_OK;
    }
    if (wal_is_same(&theirs, ours)) {
        *outcome = OBJECT_SAME_MEANING;
        return ERR_OK;
    }
    return refuse_other_content(&theirs, ours, e);
}

/* How a put ended: a store may notice at any step of it that the key is taken. */
static enum err_code conclude_put(struct repo *r, const char *key, const struct descriptor *d,
                                  const struct err *why, enum object_outcome *outcome, struct err *e)
{
    if (why->code == ERR_CONFLICT)
        return compare_stored(r, key, d, outcome, e);
    if (why->code == ERR_OK)
        *outcome = OBJECT_STORED;
    else
        *e = *why;
    return why->code;
}

static enum err_code check_sized(const struct descriptor *d, struct err *e)
{
    return d->sized ? ERR_OK
                    : err_set(e, ERR_USAGE, "size and SHA-256 of \"%s\" must be known before it is stored",
                              d->name);
}

enum err_code object_put(struct repo *r, const char *key, struct descriptor *d, object_push *push, void *arg,
                         enum object_outcome *outcome, struct err *e)
{
    CLEANUP(sink_freep) struct sink *chain = NULL;
    struct sink *upload;
    struct err why = ERR_NONE;

    if (check_sized(d, e) != ERR_OK)
        return e->code;
    if (store_put_open(r->store, key, 0, &upload, &why) == ERR_OK &&
        seal_sink_new(d, &r->recipients, upload, &chain, &why) == ERR_OK && push(arg, chain, &why) == ERR_OK)
        (void) sink_finish(chain, &why);
    return conclude_put(r, key, d, &why, outcome, e);
}

enum err_code object_put_packed(struct repo *r, const char *key, struct descriptor *d,
                                const struct packed *content, enum object_outcome *outcome, struct err *e)
{
    CLEANUP(sink_freep) struct sink *upload = NULL;
    struct err why = ERR_NONE;

    if (check_sized(d, e) != ERR_OK)
        return e->code;
    if (store_put_open(r->store, key, packed_sealed_most(content), &upload, &why) == ERR_OK)
        (void) packed_seal(content, d, &r->recipients, upload, &why);
    return conclude_put(r, key, d, &why, outcome, e);
}

struct bytes {
    const void *bytes;
    size_t len;
};

static enum err_code push_bytes(void *arg, struct sink *to, struct err *e)
{
    const struct bytes *b = arg;

    return sink_write(to, b->bytes, b->len, e);
}

enum err_code object_put_bytes(struct repo *r, const char *key, struct descriptor *d, const void *bytes,
                               size_t len, enum object_outcome *outcome, struct err *e)
{
    struct bytes b = {bytes, len};

    if (sha256(bytes, len, d->sha256, e) != ERR_OK)
        return e->code;
    d->size = len;
    d->sized = true;
    return object_put(r, key, d, push_bytes, &b, outcome, e);
}

/* Our own object after an answer lost on the way is there byte by byte. */
static enum err_code compare_own(struct repo *r, const char *key, const void *bytes, size_t len,
                                 const struct err *conflict, struct err *e)
{
    CLEANUP(buf_clear) struct buf there = BUF_INIT(len + 1);

    if (get_front(r, key, len + 1, &there, e) != ERR_OK) /* one more byte: a longer object is another */
        return not_compared(key, e);
    if (there.len == len && memcmp(there.data, bytes, len) == 0)
        return ERR_OK;
    *e = *conflict;
    return e->code;
}

enum err_code object_put_own(struct repo *r, const char *key, const void *bytes, size_t len, struct err *e)
{
    struct err why = ERR_NONE;

    switch (store_put(r->store, key, bytes, len, &why)) {
    case ERR_OK:
        return ERR_OK;
    case ERR_CONFLICT:
        return compare_own(r, key, bytes, len, &why, e);
    default:
        *e = why;
        return e->code;
    }
}

enum err_code object_check_sealed(const struct repo *r, const struct descriptor *d, struct err *e)
{
    if (d->key_count > 0 || r->identities.count == 0 || r->accept_unencrypted)
        return ERR_OK;
    err_set(e, ERR_CORRUPT, "%s \"%s\" is not encrypted, though an identity is configured", d->kind, d->name);
    return err_hint(e,
                    "If it was stored before encryption was set up, allow it with accept-unencrypted = yes.");
}

struct expectation {
    const struct repo *repo;
    const char *key;
    const char *kind;
    const char *name;
    struct descriptor seen;
};

static enum err_code check_expected(const struct descriptor *d, void *arg, struct err *e)
{
    struct expectation *x = arg;

    if ((x->kind != NULL && strcmp(d->kind, x->kind) != 0) ||
        (x->name != NULL && strcmp(d->name, x->name) != 0))
        return err_set(e, ERR_CORRUPT, "object \"%s\" says it is %s \"%s\", not %s \"%s\"", x->key, d->kind,
                       d->name, x->kind ? x->kind : "any", x->name ? x->name : "any");
    if (object_check_sealed(x->repo, d, e) != ERR_OK)
        return e->code;
    x->seen = *d; /* kept beyond the call that shows it */
    json_incref(x->seen.facts);
    return ERR_OK;
}

enum err_code object_get(struct repo *r, const char *key, const char *kind, const char *name, struct sink *to,
                         struct descriptor *info, struct err *e)
{
    CLEANUP(sink_freep) struct sink *chain = NULL;
    struct expectation x = {.repo = r, .key = key, .kind = kind, .name = name};

    if (unseal_sink_new(&r->identities, check_expected, &x, to, &chain, e) != ERR_OK)
        return e->code;
    if (store_get(r->store, key, NULL, chain, NULL, e) != ERR_OK || sink_finish(chain, e) != ERR_OK) {
        descriptor_clear(&x.seen);
        if (e->code == ERR_ABSENT || e->code == ERR_UNREACHABLE) /* told by the store, which names it */
            return e->code;
        return err_while(e, "reading object \"%s\"", key);
    }
    if (info != NULL)
        *info = x.seen;
    else
        descriptor_clear(&x.seen);
    return ERR_OK;
}

enum err_code object_get_bytes(struct repo *r, const char *key, const char *kind, const char *name,
                               struct buf *out, struct err *e)
{
    struct sink *to;
    size_t before = out->len;

    if (buf_sink_new(out, &to, e) != ERR_OK)
        return e->code;
    if (object_get(r, key, kind, name, to, NULL, e) != ERR_OK) {
        out->len = before;
        return e->code;
    }
    return ERR_OK;
}

enum err_code object_front(struct repo *r, const char *key, struct buf *front, size_t *len, struct err *e)
{
    size_t total;

    if (front->len < DESCRIPTOR_HEAD)
        return err_set(e, ERR_CORRUPT, "the object has only %zu bytes", front->len);
    if (descriptor_length(front->data, &total, e) != ERR_OK ||
        (total > front->len && get_front(r, key, total, front, e) != ERR_OK))
        return e->code;
    if (total > front->len)
        return err_set(e, ERR_CORRUPT, "the object ends inside its descriptor");
    *len = total;
    return ERR_OK;
}

enum err_code object_descriptor(struct repo *r, const char *key, struct descriptor *out, struct err *e)
{
    CLEANUP(buf_clear) struct buf front = BUF_INIT(DESCRIPTOR_HEAD + DESCRIPTOR_JSON_MAX + 4);
    uint8_t id[SHA256_BYTES];
    size_t len;

    if (get_front(r, key, DESCRIPTOR_FIRST_GET, &front, e) != ERR_OK)
        return e->code;
    if (object_front(r, key, &front, &len, e) != ERR_OK ||
        descriptor_parse(front.data, len, out, id, e) != ERR_OK)
        return err_while(e, "object \"%s\"", key);
    return ERR_OK;
}
