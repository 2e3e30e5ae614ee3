/*
 * storage/store.c - the front of every store: what is checked once, whatever stands behind.
 *
 * Keys and prefixes come from outside (file names PostgreSQL hands over, options, listings of other stores), so
 * no implementation sees one that could leave its directory or need escaping in a URL. A prefix is whole
 * components, each as in a key, then possibly the beginning of one more.
 */
#include "storage/store.h"

#include <string.h>

static bool is_key_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' ||
           c == '_' || c == '-' || c == '/';
}

static bool is_component(const char *text, size_t len)
{
    return len > 0 && !(len == 1 && text[0] == '.') && !(len == 2 && text[0] == '.' && text[1] == '.');
}

/* What is wrong with the first len bytes of text as whole components, or NULL. The characters are known to be good. */
static const char *components_fault(const char *text, size_t len)
{
    size_t begin = 0;

    for (size_t i = 0; i <= len; i++) {
        if (i < len && text[i] != '/')
            continue;
        if (!is_component(text + begin, i - begin))
            return i == begin ? "it has an empty component" : "it has a component \".\" or \"..\"";
        begin = i + 1;
    }
    return NULL;
}

/* The text itself is not repeated where it may be long or unprintable. */
static enum err_code check_text(const char *text, const char *what, struct err *e)
{
    size_t len = strnlen(text, STORE_KEY_MAX + 1);

    if (len > STORE_KEY_MAX)
        return err_set(e, ERR_USAGE, "invalid %s: it is longer than %d bytes", what, STORE_KEY_MAX);
    for (size_t i = 0; i < len; i++)
        if (!is_key_char(text[i]))
            return err_set(e, ERR_USAGE, "invalid %s: character 0x%02x at position %zu is not allowed", what,
                           (unsigned) (unsigned char) text[i], i);
    return ERR_OK;
}

enum err_code store_key_check(const char *key, struct err *e)
{
    const char *fault;

    if (check_text(key, "object key", e) != ERR_OK)
        return e->code;
    fault = components_fault(key, strlen(key));
    if (fault != NULL)
        return err_set(e, ERR_USAGE, "invalid object key \"%s\": %s", key, fault);
    return ERR_OK;
}

static enum err_code prefix_check(const char *prefix, struct err *e)
{
    const char *slash;
    const char *fault;

    if (check_text(prefix, "key prefix", e) != ERR_OK)
        return e->code;
    slash = strrchr(prefix, '/');
    fault = slash == NULL ? NULL : components_fault(prefix, (size_t) (slash - prefix));
    if (fault != NULL)
        return err_set(e, ERR_USAGE, "invalid key prefix \"%s\": %s", prefix, fault);
    return ERR_OK;
}

/*
 * A store may meet a failure inside and go on (a directory that is not there lists as empty, a try is repeated). What
 * it told of that must not reach a caller who chains calls by the error's kind: e is touched by a failure only.
 */
static enum err_code tell(enum err_code code, const struct err *inside, struct err *e)
{
    if (code != ERR_OK)
        *e = *inside;
    return code;
}

enum err_code store_put_open(struct store *s, const char *key, uint64_t size_hint, struct sink **out,
                             struct err *e)
{
    struct err inside = ERR_NONE;

    if (store_key_check(key, e) != ERR_OK)
        return e->code;
    return tell(s->ops->put_open(s, key, size_hint, out, &inside), &inside, e);
}

enum err_code store_put(struct store *s, const char *key, const void *bytes, size_t len, struct err *e)
{
    CLEANUP(sink_freep) struct sink *put = NULL;
    struct err inside = ERR_NONE;

    if (s->ops->put != NULL)
        return store_key_check(key, e) == ERR_OK ? tell(s->ops->put(s, key, bytes, len, &inside), &inside, e)
                                                 : e->code;
    if (store_put_open(s, key, len, &put, e) != ERR_OK ||
        (len > 0 && sink_write(put, bytes, len, e) != ERR_OK))
        return e->code;
    return sink_finish(put, e);
}

enum err_code store_get(struct store *s, const char *key, const struct store_range *range, struct sink *to,
                        struct store_object *info, struct err *e)
{
    struct err inside = ERR_NONE;

    if (store_key_check(key, e) != ERR_OK)
        return e->code;
    return tell(s->ops->get(s, key, range, to, info, &inside), &inside, e);
}

enum err_code store_list(struct store *s, const struct store_listing *what, store_visit *visit, void *arg,
                         struct err *e)
{
    struct err inside = ERR_NONE;

    if (what->prefix != NULL && prefix_check(what->prefix, e) != ERR_OK)
        return e->code;
    return tell(s->ops->list(s, what, visit, arg, &inside), &inside, e);
}

enum err_code store_remove(struct store *s, const char *key, struct err *e)
{
    struct err inside = ERR_NONE;

    if (store_key_check(key, e) != ERR_OK)
        return e->code;
    return tell(s->ops->remove(s, key, &inside), &inside, e);
}

void store_free(struct store *s)
{
    if (s != NULL)
        s->ops->free(s);
}

void store_freep(struct store **s)
{
    store_free(*s);
    *s = NULL;
}
