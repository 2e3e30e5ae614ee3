/*
 * storage/away.c - see storage/away.h.
 */
#include "storage/away.h"

#include <stdlib.h>
#include <string.h>

struct away_store {
    struct store base;
    struct err why;
};

static enum err_code answer(const struct store *s, struct err *e)
{
    *e = ((const struct away_store *) s)->why;
    return e->code;
}

static enum err_code away_put_open(struct store *s, const char *key, uint64_t size_hint, struct sink **out,
                                   struct err *e)
{
    (void) key;
    (void) size_hint;
    (void) out;
    return answer(s, e);
}

static enum err_code away_get(struct store *s, const char *key, const struct store_range *range,
                              struct sink *to, struct store_object *info, struct err *e)
{
    (void) key;
    (void) range;
    (void) to;
    (void) info;
    return answer(s, e);
}

static enum err_code away_list(struct store *s, const struct store_listing *what, store_visit *visit,
                               void *arg, struct err *e)
{
    (void) what;
    (void) visit;
    (void) arg;
    return answer(s, e);
}

static enum err_code away_remove(struct store *s, const char *key, struct err *e)
{
    (void) key;
    return answer(s, e);
}

static void away_free(struct store *s)
{
    free(s->url);
    free(s);
}

static const struct store_ops away_ops = {
    .put_open = away_put_open, .get = away_get, .list = away_list, .remove = away_remove, .free = away_free};

enum err_code away_store_new(const char *url, const struct err *why, struct store **out, struct err *e)
{
    struct away_store *s = calloc(1, sizeof(*s));

    if (s == NULL || (s->base.url = strdup(url)) == NULL) {
        free(s);
        return err_nomem(e, "a store");
    }
    s->base.ops = &away_ops;
    s->why = *why;
    *out = &s->base;
    return ERR_OK;
}
