/*
 * repo/cluster.c - see repo/cluster.h.
 */
#include "repo/cluster.h"

#include "base/log.h"
#include "repo/layout.h"

#include <stdlib.h>
#include <string.h>

static enum err_code copy(const char *text, char **out, struct err *e)
{
    if (text == NULL)
        return ERR_OK;
    *out = strdup(text);
    return *out == NULL ? err_nomem(e, "a string") : ERR_OK;
}

static enum err_code copy_list(const char *const *list, char ***out, struct err *e)
{
    size_t count = 0;

    if (list == NULL)
        return ERR_OK;
    while (list[count] != NULL)
        count++;
    *out = calloc(count + 1, sizeof(**out));
    if (*out == NULL)
        return err_nomem(e, "a list");
    for (size_t i = 0; i < count; i++)
        if (copy(list[i], &(*out)[i], e) != ERR_OK)
            return e->code;
    return ERR_OK;
}

static enum err_code copy_places(struct cluster *c, const struct cluster_options *o, struct err *e)
{
    c->places = calloc(o->repo_count + 1, sizeof(*c->places));
    if (c->places == NULL)
        return err_nomem(e, "a list");
    for (size_t i = 0; i < o->repo_count; i++)
        if ((c->places[i] = repo_place_of(&o->repos[i])) == NULL)
            return err_nomem(e, "a string");
    c->repo_count = o->repo_count;
    return ERR_OK;
}

enum err_code cluster_connect(struct cluster *c, struct err *e)
{
    const struct cluster_options *o = c->pending;

    if (o == NULL)
        return ERR_OK;
    if (c->repos == NULL)
        c->repos = calloc(o->repo_count, sizeof(struct repo *));
    if (c->repos == NULL)
        return err_nomem(e, "a list of repositories");
    for (size_t i = 0; i < o->repo_count; i++)
        if (c->repos[i] == NULL && repo_open(&o->repos[i], c->access, &c->repos[i], e) != ERR_OK)
            return e->code;
    c->pending = NULL;
    return ERR_OK;
}

const char *cluster_place(const struct cluster *c, size_t i)
{
    return c->places != NULL ? c->places[i] : repo_place(c->repos[i]);
}

/*
 * Who writes has to remember what was acknowledged where. Who only reads, a restore_command above all, must not fail
 * for what it can do without.
 */
static enum err_code open_spool(const struct cluster_options *o, unsigned access, struct spool **out,
                                struct err *e)
{
    struct err why = ERR_NONE;

    if (spool_open(o->spool, o->name, out, &why) == ERR_OK)
        return ERR_OK;
    if ((access & REPO_WRITE) == 0) {
        log_warning("%s, going on without a spool", why.text);
        return spool_none(out, e);
    }
    *e = why;
    return e->code;
}

enum err_code cluster_prepare(const struct cluster_options *o, unsigned access, struct cluster **out,
                              struct err *e)
{
    CLEANUP(cluster_freep) struct cluster *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return err_nomem(e, "a cluster");
    c->pending = o;
    c->access = access;
    if (layout_check_cluster(o->name, e) != ERR_OK || copy(o->name, &c->name, e) != ERR_OK ||
        copy(o->conninfo ? o->conninfo : "", &c->conninfo, e) != ERR_OK ||
        copy(o->config_path, &c->config_path, e) != ERR_OK ||
        copy_list(o->environment, &c->environment, e) != ERR_OK || copy_places(c, o, e) != ERR_OK ||
        open_spool(o, access, &c->spool, e) != ERR_OK)
        return e->code;
    *out = c;
    c = NULL;
    return ERR_OK;
}

enum err_code cluster_open(const struct cluster_options *o, unsigned access, struct cluster **out,
                           struct err *e)
{
    CLEANUP(cluster_freep) struct cluster *c = NULL;

    if (cluster_prepare(o, access, &c, e) != ERR_OK || cluster_connect(c, e) != ERR_OK)
        return e->code;
    *out = c;
    c = NULL;
    return ERR_OK;
}

enum err_code cluster_repo(const struct cluster *c, const char *name, struct repo **out, struct err *e)
{
    for (size_t i = 0; i < c->repo_count; i++)
        if (strcmp(c->repos[i]->name, name) == 0) {
            *out = c->repos[i];
            return ERR_OK;
        }
    return err_set(e, ERR_USAGE, "there is no repository \"%s\"", name);
}

void cluster_free(struct cluster *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; c->repos != NULL && i < c->repo_count; i++)
        repo_free(c->repos[i]);
    for (char **item = c->places; item != NULL && *item != NULL; item++)
        free(*item);
    free(c->places);
    for (char **item = c->environment; item != NULL && *item != NULL; item++)
        free(*item);
    free(c->environment);
    free(c->repos);
    free(c->name);
    free(c->conninfo);
    free(c->config_path);
    spool_free(c->spool);
    free(c);
}

void cluster_freep(struct cluster **c)
{
    cluster_free(*c);
    *c = NULL;
}
