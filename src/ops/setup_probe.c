/*
 * ops/setup_probe.c - see ops/setup_probe.h.
 *
 * The second put brings other content under the same key. A store that honours create-only refuses it; one that
 * ignores the condition answers with success, and the first content is gone: what would have happened to a segment.
 */
#include "ops/setup_probe.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/hex.h"
#include "base/rng.h"
#include "base/timestamp.h"
#include "repo/object.h"

#include <stdio.h>
#include <string.h>

#define RANDOM_BYTES 8
#define PROBE_KIND   "probe"
#define SUBJECT_MAX  128

struct probe {
    struct repo *repo;
    struct findings *findings;
    char subject[SUBJECT_MAX];
    char name[TIMESTAMP_COMPACT_MAX + 2 * RANDOM_BYTES + 1];
    char key[STORE_KEY_MAX + 1];
    char text[128]; /* the first content */
};

static void probe_init(struct probe *p, struct repo *r, const struct layout *l, struct findings *f)
{
    uint8_t random[RANDOM_BYTES];
    char when[TIMESTAMP_COMPACT_MAX], hex[2 * RANDOM_BYTES + 1];

    *p = (struct probe){.repo = r, .findings = f};
    (void) snprintf(p->subject, sizeof(p->subject), "repository \"%s\"", r->name);
    timestamp_format_compact(clock_now_us(&clock_system), when);
    rng_bytes(random, sizeof(random));
    hex_format(random, sizeof(random), hex);
    (void) snprintf(p->name, sizeof(p->name), "%s-%s", when, hex);
    layout_probe(l, p->name, p->key);
    (void) snprintf(p->text, sizeof(p->text), "pitr probe %s, may be removed\n", p->name);
}

static enum err_code put(const struct probe *p, const char *text, enum object_outcome *outcome, struct err *e)
{
    CLEANUP(descriptor_clear) struct descriptor d = {.size = 0};

    if (object_describe_new(p->repo, PROBE_KIND, p->name, &d, e) != ERR_OK)
        return e->code;
    return object_put_bytes(p->repo, p->key, &d, text, strlen(text), outcome, e);
}

/* True when an object in place is kept as it is. */
static bool try_to_replace(const struct probe *p)
{
    struct err e = ERR_NONE;
    enum object_outcome outcome;

    switch (put(p, "another content under the same key\n", &outcome, &e)) {
    case ERR_CONFLICT:
        return true;
    case ERR_OK:
        finding_failed(p->findings, ERR_REFUSED, p->subject,
                       "the store replaced an object instead of refusing: it ignores \"If-None-Match: *\"");
        finding_hint(p->findings,
                     "Set conditional-put = no. pitr then looks before it stores, which still refuses other "
                     "content under a name in use, but of two writers at the same moment the later wins.");
        return false;
    default:
        (void) err_while(&e, "storing a probe object a second time");
        finding_error(p->findings, p->subject, &e);
        return false;
    }
}

static enum err_code read_whole(const struct probe *p, struct err *e)
{
    CLEANUP(buf_clear) struct buf there = BUF_INIT(4096);

    if (object_get_bytes(p->repo, p->key, PROBE_KIND, p->name, &there, e) != ERR_OK)
        return e->code;
    if (strcmp(buf_cstr(&there), p->text) != 0)
        return err_set(e, ERR_CORRUPT, "object \"%s\" has other content than was stored", p->key);
    return ERR_OK;
}

/* Without a key to open it: the clear front tells what lies there. */
static enum err_code read_descriptor(const struct probe *p, struct err *e)
{
    CLEANUP(descriptor_clear) struct descriptor there = {.size = 0};
    uint8_t digest[SHA256_BYTES];

    if (sha256(p->text, strlen(p->text), digest, e) != ERR_OK ||
        object_descriptor(p->repo, p->key, &there, e) != ERR_OK)
        return e->code;
    if (!there.sized || there.size != strlen(p->text) || memcmp(there.sha256, digest, sizeof(digest)) != 0)
        return err_set(e, ERR_CORRUPT, "object \"%s\" has other content than was stored", p->key);
    return ERR_OK;
}

static bool identity_fits(const struct repo *r)
{
    for (size_t i = 0; i < r->identities.count; i++)
        for (size_t k = 0; k < r->recipients.count; k++)
            if (memcmp(r->identities.list[i].public_key, r->recipients.list[k].public_key, KEY_BYTES) == 0)
                return true;
    return false;
}

static bool read_back(const struct probe *p, bool whole)
{
    struct err e = ERR_NONE;

    if ((whole ? read_whole(p, &e) : read_descriptor(p, &e)) == ERR_OK)
        return true;
    /* Just stored, so "absent" is no such answer here. */
    if (e.code == ERR_ABSENT)
        e.code = ERR_CORRUPT;
    (void) err_while(&e, "reading back the probe object");
    finding_error(p->findings, p->subject, &e);
    return false;
}

static void take_away(const struct probe *p)
{
    struct err e = ERR_NONE;

    switch (store_remove(p->repo->store, p->key, &e)) {
    case ERR_OK:
        return;
    case ERR_DENIED:
    case ERR_REFUSED:
        finding_ok(p->findings, p->subject,
                   "could not remove the probe object \"%s\", ignoring: this credential can't delete, which "
                   "archiving "
                   "does not need",
                   p->key);
        return;
    default:
        finding_warning(p->findings, p->subject, "could not remove the probe object \"%s\", ignoring: %s",
                        p->key, e.text);
    }
}

void setup_probe(struct repo *r, const struct layout *l, struct findings *f)
{
    struct probe p;
    struct err e = ERR_NONE;
    enum object_outcome outcome;
    const bool whole = r->recipients.count == 0 || identity_fits(r);
    bool kept, same;

    probe_init(&p, r, l, f);
    if (put(&p, p.text, &outcome, &e) != ERR_OK) {
        (void) err_while(&e, "storing a probe object");
        finding_error(f, p.subject, &e);
        return;
    }
    kept = try_to_replace(&p);
    same = kept && read_back(&p, whole);
    if (same)
        finding_ok(f, p.subject, "an object was stored, %s, and could not be overwritten",
                   whole ? "read back the same" : "its descriptor read back the same");
    if (same && r->unconditional_put) {
        finding_warning(f, p.subject,
                        "conditional-put is off: pitr looks whether a name is free before it stores");
        finding_hint(f, "Of two writers at the same moment both may succeed, and the later one's bytes stay. "
                        "Let only one "
                        "server archive into this repository.");
    }
    take_away(&p);
}

void setup_probe_keys(const struct repo *r, struct findings *f)
{
    char subject[SUBJECT_MAX];

    (void) snprintf(subject, sizeof(subject), "repository \"%s\"", r->name);
    if (r->recipients.count == 0) {
        finding_warning(f, subject, "objects are stored unencrypted");
        finding_hint(
            f, "\"pitr key generate\" makes a key; name the file with its recipient as recipients-file.");
    } else if (r->identities.count > 0 && !identity_fits(r)) {
        finding_failed(f, ERR_USAGE, subject,
                       "none of the identities here can read what is sealed for the %zu recipient%s",
                       r->recipients.count, r->recipients.count == 1 ? "" : "s");
        finding_hint(
            f, "recipients-file and identity-file belong to different keys. \"pitr key show\" prints the "
               "recipients of an identity file.");
    } else {
        finding_ok(f, subject, "objects are encrypted for %zu recipient%s%s", r->recipients.count,
                   r->recipients.count == 1 ? "" : "s",
                   r->identities.count > 0 ? ", which an identity here can read" : "");
    }
}
