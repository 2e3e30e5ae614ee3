/*
 * storage/store.h - the contract of an object store: named, immutable byte strings.
 *
 * Objects are only ever created, never overwritten: every put is create-only and atomic (the object is there
 * whole, or it is not there), and an existing key is ERR_CONFLICT. Keys are ASCII from [0-9A-Za-z._/-], at most
 * STORE_KEY_MAX bytes, no leading slash, no empty, "." or ".." component; anything else is ERR_USAGE.
 *
 * Kinds     ERR_ABSENT only when the store itself answered that this object does not exist: a missing bucket or
 *           base directory, a proxy's 404 page or a broken answer is something else. ERR_UNREACHABLE after all
 *           retries. ERR_DENIED for refused credentials. ERR_CORRUPT for an answer that breaks the protocol.
 * Threads   a store may be used from several threads at once; a put's sink belongs to one.
 */
#pragma once
#include "base/err.h"
#include "stream/sink.h"
#include <stdbool.h>
#include <stdint.h>

#define STORE_KEY_MAX 512

struct store;

struct store_object {
    char key[STORE_KEY_MAX + 1]; /* the whole key; a common prefix ends with the delimiter           */
    uint64_t size;               /* bytes; 0 for a common prefix                                     */
    int64_t modified_us;         /* when it was stored, microseconds since 1970 UTC; 0 when unknown  */
    bool is_prefix;              /* a common prefix ("directory") of a delimited listing, not an object */
};

struct store_range {
    uint64_t offset; /* first byte wanted                                                   */
    uint64_t length; /* bytes wanted, 0 = to the end; an object shorter than that ends early */
};

/*
 * Where start_after lies inside a common prefix, whether that prefix is visited differs between stores: to skip
 * all of "a/", begin after "a/~", which no key follows there, and ignore "a/" in the visit should it come.
 */
struct store_listing {
    const char *prefix;      /* NULL or "" = everything; need not end at a slash                 */
    const char *start_after; /* NULL, or the key after which to begin; need not exist            */
    bool delimited;          /* fold everything behind the next '/' after prefix into one prefix */
};

/* Called for each entry in byte order of keys; false ends the listing early. obj is borrowed for the call. */
typedef bool store_visit(const struct store_object *obj, void *arg);

struct store_ops {
    enum err_code (*put_open)(struct store *s, const char *key, uint64_t size_hint, struct sink **out, struct err *e);
    /*
     * For a store that sends bytes from where they lie, which a sink has to keep; NULL: put_open does for that as well.
     */
    enum err_code (*put)(struct store *s, const char *key, const void *bytes, size_t len, struct err *e);
    enum err_code (*get)(struct store *s, const char *key, const struct store_range *range, struct sink *to,
                         struct store_object *info, struct err *e);
    enum err_code (*list)(struct store *s, const struct store_listing *what, store_visit *visit, void *arg,
                          struct err *e);
    enum err_code (*remove)(struct store *s, const char *key, struct err *e);
    void (*free)(struct store *s);
};

struct store {
    const struct store_ops *ops;
    bool is_local;             /* a directory: asking costs no network request, and it may be an empty mount point */
    char *url;                 /* what messages call it: "s3://bucket/prefix", "file:///dir"; no secret; owned */
    _Atomic uint64_t requests; /* requests (S3: HTTP exchanges begun, retries included; posix: operations)     */
};

/*
 * Begin a new object. Bytes are pushed into *out; sink_finish makes the object exist, durably, under its key, or
 * answers ERR_CONFLICT when the key is taken, and freeing it unfinished leaves nothing behind.
 *   size_hint  the size in bytes, or a little more, when known beforehand, 0 when not; a store may use it to plan parts
 *   out        owned by the caller
 */
enum err_code store_put_open(struct store *s, const char *key, uint64_t size_hint, struct sink **out, struct err *e);

/* The same for bytes at hand, in one call. */
enum err_code store_put(struct store *s, const char *key, const void *bytes, size_t len, struct err *e);

/*
 * Push an object's bytes, or a range of them, into `to`; does not finish it. A download that breaks is resumed
 * where it stood, and only if the object is still the same one, so `to` sees each byte once, in order.
 *   range   NULL = the whole; one that begins at or behind the end pushes nothing and is no error
 *   info    NULL, or where to put key, whole size and time of the object
 */
enum err_code store_get(struct store *s, const char *key, const struct store_range *range, struct sink *to,
                        struct store_object *info, struct err *e);

/* Visit what lies under a prefix, in byte order of keys, each once; nothing there is ERR_OK with no visit. */
enum err_code store_list(struct store *s, const struct store_listing *what, store_visit *visit, void *arg,
                         struct err *e);

/* Remove an object; one that is not there is ERR_OK. */
enum err_code store_remove(struct store *s, const char *key, struct err *e);

void store_free(struct store *s);
void store_freep(struct store **s);

/* Is this a key the contract allows? For implementations and tests. ERR_USAGE names what is wrong. */
enum err_code store_key_check(const char *key, struct err *e);
