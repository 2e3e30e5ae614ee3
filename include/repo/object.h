/*
 * repo/object.h - sealed objects in a repository: put once, compare by descriptor, get verified.
 */
#pragma once
#include "codec/descriptor.h"
#include "codec/packed.h"
#include "repo/repo.h"
#include "stream/sink.h"

enum object_outcome {
    OBJECT_STORED,       /* our put made it                                                       */
    OBJECT_ALREADY_THERE, /* an object of the same kind, name and plain content was there: as good */
    OBJECT_SAME_MEANING /* one was there whose content differs only where replay never looks: as good */
};

/*
 * Who is storing and when: "host db1, /srv/pgdata, 2026-11-20 14:29:00+00, pitr 0.1.0". DESCRIPTOR_TEXT_MAX bytes are
 * enough.
 *   directory  where what is stored lies, which tells servers of one host apart; NULL = left out. A long one loses its
 *              beginning, and bytes that are not printable ASCII become "?"
 */
void object_origin(const char *directory, char *out, size_t size);

/* Push the plain bytes of the object into `to` (not finishing it). May be called once only. */
typedef enum err_code object_push(void *arg, struct sink *to, struct err *e);

/*
 * A descriptor with codec and level of the repository and this machine's origin, not yet sized. kind, name: copied;
 * ERR_USAGE when they do not fit. Clear it afterwards.
 */
enum err_code object_describe_new(const struct repo *r, const char *kind, const char *name,
                                  struct descriptor *d, struct err *e);

/*
 * Seal and store one object, create-only. d is sized (size, sha256 set; else ERR_USAGE) with its kind, name and facts.
 * One request when nothing is there. When the key is taken, the stored descriptor decides: same kind, name, size and
 * SHA-256 is OBJECT_ALREADY_THERE; WAL that is the same (repo/wal_same.h) is OBJECT_SAME_MEANING; anything else is
 * ERR_CONFLICT naming both origins; one that can't be read is never success.
 */
enum err_code object_put(struct repo *r, const char *key, struct descriptor *d, object_push *push, void *arg,
                         enum object_outcome *outcome, struct err *e);

/* The same for content that was compressed already; codec and level are its own. */
enum err_code object_put_packed(struct repo *r, const char *key, struct descriptor *d, const struct packed *content,
                                enum object_outcome *outcome, struct err *e);

/* The same for bytes at hand: computes size and SHA-256. */
enum err_code object_put_bytes(struct repo *r, const char *key, struct descriptor *d, const void *bytes,
                               size_t len, enum object_outcome *outcome, struct err *e);

/*
 * Store bytes as they are, create-only, under a key that no one but us would use. Our own object, after an answer lost
 * on the way, is ERR_OK; any other under that key is ERR_CONFLICT.
 */
enum err_code object_put_own(struct repo *r, const char *key, const void *bytes, size_t len, struct err *e);

/*
 * Is an object sealed as its reader may insist? With an identity configured everything is expected to be encrypted:
 * whoever can write to the store, but has no public key, could else put an object of his own in another's place.
 * ERR_CORRUPT.
 */
enum err_code object_check_sealed(const struct repo *r, const struct descriptor *d, struct err *e);

/*
 * Get one object verified into `to` (finished here: commit only after ERR_OK): one request. kind and name: what it
 * must be (ERR_CORRUPT otherwise); NULL = any. info: NULL, or receives the descriptor on success (clear it).
 * ERR_ABSENT only when the store says so; ERR_DENIED when no identity fits. `to` is owned from the call on, also when
 * it fails.
 */
enum err_code object_get(struct repo *r, const char *key, const char *kind, const char *name, struct sink *to,
                         struct descriptor *info, struct err *e);

/* The same into memory, to the end of out (its ceiling holds). */
enum err_code object_get_bytes(struct repo *r, const char *key, const char *kind, const char *name,
                               struct buf *out, struct err *e);

/* Read an object's descriptor by one small range request (a second one when it is longer). No identity needed. */
enum err_code object_descriptor(struct repo *r, const char *key, struct descriptor *out, struct err *e);

/*
 * Where the first bytes of an object were read into front, how many of them are its descriptor; when it is longer than
 * what is there, front is read anew, exactly that far. ERR_CORRUPT without the object's key.
 */
enum err_code object_front(struct repo *r, const char *key, struct buf *front, size_t *len, struct err *e);
