/*
 * storage/faulty.c - see storage/faulty.h. Every operation passes through unless the plan names it.
 */
#include "storage/faulty.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct faulty_store {
    struct store base;
    struct store *inner; /* owned */
    pthread_mutex_t lock;
    struct faulty_plan plan; /* nth counts down */
    uint64_t failures;
};

struct faulty_put {
    struct sink base; /* its next is the inner put */
    struct faulty_store *store;
};

/* Is this call the one to fail? Then *plan says how. */
static bool strikes(struct faulty_store *f, enum faulty_point at, struct faulty_plan *plan)
{
    bool hit = false;

    pthread_mutex_lock(&f->lock);
    if (f->plan.at == at) {
        hit = f->plan.nth <= 1;
        if (!hit)
            f->plan.nth--;
        *plan = f->plan;
        if (hit && !f->plan.forever)
            f->plan.at = FAULTY_NEVER;
        f->failures += hit;
    }
    pthread_mutex_unlock(&f->lock);
    return hit;
}

static enum err_code fault(const struct faulty_plan *plan, const char *what, struct err *e)
{
    return err_set(e, plan->kind, "injected fault: %s failed", what);
}

static enum err_code put_write(struct sink *s, const void *bytes, size_t len, struct err *e)
{
    struct faulty_plan plan;

    if (strikes(((struct faulty_put *) s)->store, FAULTY_WRITE, &plan))
        return fault(&plan, "write", e);
    return sink_write(s->next, bytes, len, e);
}

static enum err_code put_finish(struct sink *s, struct err *e)
{
    struct faulty_store *f = ((struct faulty_put *) s)->store;
    struct faulty_plan plan;

    if (strikes(f, FAULTY_FINISH, &plan))
        return fault(&plan, "finish", e);
    if (sink_finish(s->next, e) != ERR_OK)
        return e->code;
    return strikes(f, FAULTY_FINISH_LATE, &plan) ? fault(&plan, "answer to finish", e) : ERR_OK;
}

static void put_free(struct sink *s)
{
    free(s);
}

static const struct sink_ops put_ops = {.write = put_write, .finish = put_finish, .free = put_free};

static enum err_code faulty_put_open(struct store *s, const char *key, uint64_t size_hint, struct sink **out,
                                     struct err *e)
{
    struct faulty_store *f = (struct faulty_store *) s;
    struct faulty_put *put;
    struct sink *inner;
    struct faulty_plan plan;

    s->requests++;
    if (strikes(f, FAULTY_PUT_OPEN, &plan))
        return fault(&plan, "put", e);
    if (store_put_open(f->inner, key, size_hint, &inner, e) != ERR_OK)
        return e->code;
    put = malloc(sizeof(*put));
    if (put == NULL) {
        sink_free(inner);
        return err_nomem(e, "put");
    }
    *put = (struct faulty_put){.base = {.ops = &put_ops, .next = inner}, .store = f};
    *out = &put->base;
    return ERR_OK;
}

struct cut { /* lets `left` bytes through to `to`, borrowed, then fails */
    struct sink base;
    struct sink *to;
    uint64_t left;
    const struct faulty_plan *plan;
};

static enum err_code cut_write(struct sink *s, const void *bytes, size_t len, struct err *e)
{
    struct cut *c = (struct cut *) s;
    size_t through = len < c->left ? len : (size_t) c->left;

    if (through > 0 && sink_write(c->to, bytes, through, e) != ERR_OK)
        return e->code;
    c->left -= through;
    return through < len ? fault(c->plan, "get", e) : ERR_OK;
}

static const struct sink_ops cut_ops = {.write = cut_write};

static enum err_code faulty_get(struct store *s, const char *key, const struct store_range *range,
                                struct sink *to, struct store_object *info, struct err *e)
{
    struct faulty_store *f = (struct faulty_store *) s;
    struct faulty_plan plan;
    struct store_object unused;

    s->requests++;
    if (!strikes(f, FAULTY_GET, &plan))
        return store_get(f->inner, key, range, to, info, e);

    struct cut cut = {.base.ops = &cut_ops, .to = to, .left = plan.byte, .plan = &plan};

    if (plan.byte > 0 && store_get(f->inner, key, range, &cut.base, &unused, e) != ERR_OK)
        return e->code;
    return fault(&plan, "get", e);
}

struct cut_list {
    store_visit *visit;
    void *arg;
    uint64_t left;
    bool stopped; /* by the caller's visit */
};

static bool cut_visit(const struct store_object *obj, void *arg)
{
    struct cut_list *c = arg;

    if (c->left == 0)
        return false;
    c->left--;
    c->stopped = !c->visit(obj, c->arg);
    return !c->stopped;
}

static enum err_code faulty_list(struct store *s, const struct store_listing *what, store_visit *visit,
                                 void *arg, struct err *e)
{
    struct faulty_store *f = (struct faulty_store *) s;
    struct faulty_plan plan;

    s->requests++;
    if (!strikes(f, FAULTY_LIST, &plan))
        return store_list(f->inner, what, visit, arg, e);

    struct cut_list cut = {.visit = visit, .arg = arg, .left = plan.byte};

    if (store_list(f->inner, what, cut_visit, &cut, e) != ERR_OK)
        return e->code;
    return cut.stopped ? ERR_OK : fault(&plan, "list", e);
}

static enum err_code faulty_remove(struct store *s, const char *key, struct err *e)
{
    struct faulty_store *f = (struct faulty_store *) s;
    struct faulty_plan plan;

    s->requests++;
    if (strikes(f, FAULTY_REMOVE, &plan))
        return fault(&plan, "remove", e);
    return store_remove(f->inner, key, e);
}

static void faulty_free(struct store *s)
{
    struct faulty_store *f = (struct faulty_store *) s;

    store_free(f->inner);
    pthread_mutex_destroy(&f->lock);
    free(f->base.url);
    free(f);
}

static const struct store_ops faulty_ops = {.put_open = faulty_put_open,
                                            .get = faulty_get,
                                            .list = faulty_list,
                                            .remove = faulty_remove,
                                            .free = faulty_free};

enum err_code faulty_store_new(struct store *inner, struct store **out, struct err *e)
{
    struct faulty_store *f = calloc(1, sizeof(*f));
    char *url = strdup(inner->url);

    if (f == NULL || url == NULL) {
        free(f);
        free(url);
        store_free(inner);
        return err_nomem(e, "store");
    }
    f->base.ops = &faulty_ops;
    f->base.url = url;
    f->inner = inner;
    (void) pthread_mutex_init(&f->lock, NULL);
    *out = &f->base;
    return ERR_OK;
}

void faulty_fail(struct store *s, const struct faulty_plan *plan)
{
    struct faulty_store *f = (struct faulty_store *) s;

    pthread_mutex_lock(&f->lock);
    f->plan = plan == NULL ? (struct faulty_plan){.at = FAULTY_NEVER} : *plan;
    pthread_mutex_unlock(&f->lock);
}

uint64_t faulty_failures(struct store *s)
{
    struct faulty_store *f = (struct faulty_store *) s;
    uint64_t failures;

    pthread_mutex_lock(&f->lock);
    failures = f->failures;
    pthread_mutex_unlock(&f->lock);
    return failures;
}
