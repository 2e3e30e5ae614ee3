/*
 * storage/memory.c - a sorted array of objects behind one mutex.
 *
 * An object's bytes are shared between the array and the gets under way by a count, so a get pushes without the
 * lock held (its sink may well lead into this same store) and a remove meanwhile harms nobody. A listing looks up
 * the next key each time: it may see what is created behind its position while it runs, as on S3.
 */
#include "storage/memory.h"

#include "base/buf.h"
#include "base/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define OBJECT_BYTES_MAX ((size_t) 1 << 30)

struct object {
    struct store_object info;
    struct buf bytes;
    atomic_uint users; /* the array and each get */
};

struct memory_store {
    struct store base;
    pthread_mutex_t lock; /* of the array */
    struct object **objects;
    size_t count;
    size_t room;
};

struct memory_put {
    struct sink base;
    struct memory_store *store;
    struct object *object; /* NULL once it is the array's */
};

static void object_release(struct object *o)
{
    if (o == NULL || atomic_fetch_sub(&o->users, 1) > 1)
        return;
    buf_clear(&o->bytes);
    free(o);
}

static void object_releasep(struct object **o)
{
    object_release(*o);
}

/* Index of the first object whose key is >= key. Under the lock. */
static size_t object_at(const struct memory_store *m, const char *key)
{
    size_t low = 0, high = m->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(m->objects[middle]->info.key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_object_at(const struct memory_store *m, size_t i, const char *key)
{
    return i < m->count && strcmp(m->objects[i]->info.key, key) == 0;
}

static enum err_code make_room(struct memory_store *m, struct err *e)
{
    size_t room = m->room == 0 ? 64 : m->room * 2;
    struct object **objects;

    if (m->count < m->room)
        return ERR_OK;
    objects = realloc(m->objects, room * sizeof(*objects));
    if (objects == NULL)
        return err_nomem(e, "list of objects");
    m->objects = objects;
    m->room = room;
    return ERR_OK;
}

/* Under the lock. The array owns o afterwards, unless it fails. */
static enum err_code object_insert(struct memory_store *m, struct object *o, struct err *e)
{
    size_t i = object_at(m, o->info.key);

    if (is_object_at(m, i, o->info.key))
        return err_set(e, ERR_CONFLICT, "object \"%s\" exists already in \"%s\"", o->info.key, m->base.url);
    if (make_room(m, e) != ERR_OK)
        return e->code;
    memmove(m->objects + i + 1, m->objects + i, (m->count - i) * sizeof(*m->objects));
    m->objects[i] = o;
    m->count++;
    return ERR_OK;
}

static enum err_code put_write(struct sink *s, const void *bytes, size_t len, struct err *e)
{
    struct memory_put *put = (struct memory_put *) s;

    return buf_append(&put->object->bytes, bytes, len, e);
}

static enum err_code put_finish(struct sink *s, struct err *e)
{
    struct memory_put *put = (struct memory_put *) s;
    struct object *o = put->object;
    enum err_code code;

    o->info.size = o->bytes.len;
    o->info.modified_us = clock_now_us(&clock_system);
    pthread_mutex_lock(&put->store->lock);
    code = object_insert(put->store, o, e);
    pthread_mutex_unlock(&put->store->lock);
    if (code == ERR_OK)
        put->object = NULL;
    return code;
}

static void put_free(struct sink *s)
{
    object_release(((struct memory_put *) s)->object);
    free(s);
}

static const struct sink_ops put_ops = {.write = put_write, .finish = put_finish, .free = put_free};

static enum err_code memory_put_open(struct store *s, const char *key, uint64_t size_hint, struct sink **out,
                                     struct err *e)
{
    struct memory_put *put = malloc(sizeof(*put));
    struct object *o = calloc(1, sizeof(*o));

    (void) size_hint;
    s->requests++;
    if (put == NULL || o == NULL) {
        free(put);
        free(o);
        return err_nomem(e, "object");
    }
    memcpy(o->info.key, key, strlen(key) + 1);
    buf_init(&o->bytes, OBJECT_BYTES_MAX);
    atomic_init(&o->users, 1);
    *put = (struct memory_put){.base.ops = &put_ops, .store = (struct memory_store *) s, .object = o};
    *out = &put->base;
    return ERR_OK;
}

static struct object *object_hold(struct memory_store *m, const char *key)
{
    struct object *o = NULL;
    size_t i;

    pthread_mutex_lock(&m->lock);
    i = object_at(m, key);
    if (is_object_at(m, i, key)) {
        o = m->objects[i];
        atomic_fetch_add(&o->users, 1);
    }
    pthread_mutex_unlock(&m->lock);
    return o;
}

static enum err_code memory_get(struct store *s, const char *key, const struct store_range *range,
                                struct sink *to, struct store_object *info, struct err *e)
{
    CLEANUP(object_releasep) struct object *o = object_hold((struct memory_store *) s, key);
    size_t offset, length;

    s->requests++;
    if (o == NULL)
        return err_set(e, ERR_ABSENT, "object \"%s\" does not exist in \"%s\"", key, s->url);
    offset = range == NULL ? 0 : range->offset < o->bytes.len ? (size_t) range->offset : o->bytes.len;
    length = o->bytes.len - offset;
    if (range != NULL && range->length != 0 && range->length < length)
        length = (size_t) range->length;
    if (length > 0 && sink_write(to, o->bytes.data + offset, length, e) != ERR_OK)
        return e->code;
    if (info != NULL)
        *info = o->info;
    return ERR_OK;
}

/* Copy the first object whose key is > after, or >= when inclusive. */
static bool object_next(struct memory_store *m, const char *after, bool inclusive, struct store_object *found)
{
    bool any;
    size_t i;

    pthread_mutex_lock(&m->lock);
    i = object_at(m, after);
    if (!inclusive && is_object_at(m, i, after))
        i++;
    any = i < m->count;
    if (any)
        *found = m->objects[i]->info;
    pthread_mutex_unlock(&m->lock);
    return any;
}

/* Turn obj into its common prefix, if it has one behind the listing's prefix; in *next what to go on from. */
static void fold(struct store_object *obj, size_t prefix_len, char *next)
{
    char *slash = strchr(obj->key + prefix_len, '/');

    if (slash != NULL) {
        slash[1] = '\0';
        obj->size = 0;
        obj->modified_us = 0;
        obj->is_prefix = true;
    }
    memcpy(next, obj->key, strlen(obj->key) + 1);
    if (slash != NULL)
        next[slash - obj->key] = '/' + 1; /* behind every key that begins with the common prefix */
}

static enum err_code memory_list(struct store *s, const struct store_listing *what, store_visit *visit,
                                 void *arg, struct err *e)
{
    const char *prefix = what->prefix == NULL ? "" : what->prefix;
    size_t prefix_len = strlen(prefix);
    bool from_prefix = what->start_after == NULL || strcmp(what->start_after, prefix) < 0;
    const char *after = from_prefix ? prefix : what->start_after;
    bool inclusive = from_prefix;
    struct store_object obj;
    char next[STORE_KEY_MAX + 1];

    (void) e;
    s->requests++;
    while (object_next((struct memory_store *) s, after, inclusive, &obj) &&
           strncmp(obj.key, prefix, prefix_len) == 0) {
        if (what->delimited)
            fold(&obj, prefix_len, next);
        else
            memcpy(next, obj.key, sizeof(next));
        if (!visit(&obj, arg))
            break;
        after = next;
        inclusive = obj.is_prefix;
    }
    return ERR_OK;
}

static enum err_code memory_remove(struct store *s, const char *key, struct err *e)
{
    struct memory_store *m = (struct memory_store *) s;
    struct object *o = NULL;
    size_t i;

    (void) e;
    s->requests++;
    pthread_mutex_lock(&m->lock);
    i = object_at(m, key);
    if (is_object_at(m, i, key)) {
        o = m->objects[i];
        m->count--;
        memmove(m->objects + i, m->objects + i + 1, (m->count - i) * sizeof(*m->objects));
    }
    pthread_mutex_unlock(&m->lock);
    object_release(o);
    return ERR_OK;
}

static void memory_free(struct store *s)
{
    struct memory_store *m = (struct memory_store *) s;

    for (size_t i = 0; i < m->count; i++)
        object_release(m->objects[i]);
    free(m->objects);
    pthread_mutex_destroy(&m->lock);
    free(m->base.url);
    free(m);
}

static const struct store_ops memory_ops = {.put_open = memory_put_open,
                                            .get = memory_get,
                                            .list = memory_list,
                                            .remove = memory_remove,
                                            .free = memory_free};

enum err_code memory_store_new(struct store **out, struct err *e)
{
    struct memory_store *m = calloc(1, sizeof(*m));
    char *url = strdup("memory:");

    if (m == NULL || url == NULL) {
        free(m);
        free(url);
        return err_nomem(e, "store");
    }
    m->base.ops = &memory_ops;
    m->base.url = url;
    (void) pthread_mutex_init(&m->lock, NULL);
    *out = &m->base;
    return ERR_OK;
}
