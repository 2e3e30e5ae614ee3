/*
 * repo/cluster.c - see repo/cluster.h.
 */
#include "repo/cluster.h"

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

static enum err_code open_repos(struct cluster *c, const struct cluster_options *o, unsigned access,
                                struct err *e)
{
    c->repos = calloc(o->repo_count, sizeof(struct repo *));
    if (c->repos == NULL)
        return err_nomem(e, "a list of repositories");
    for (; c->repo_count < o->repo_count; c->repo_count++)
        if (repo_open(&o->repos[c->repo_count], access, &c->repos[c->repo_count], e) != ERR_OK)
            return e->code;
    return ERR_OK;
}

enum err_code cluster_open(const struct cluster_options *o, unsigned access, struct cluster **out,
                           struct err *e)
{
    CLEANUP(cluster_freep) struct cluster *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return err_nomem(e, "a cluster");
    if (layout_check_cluster(o->name, e) != ERR_OK || copy(o->name, &c->name, e) != ERR_OK ||
        copy(o->conninfo ? o->conninfo : "", &c->conninfo, e) != ERR_OK ||
        copy(o->config_path, &c->config_path, e) != ERR_OK ||
        copy_list(o->environment, &c->environment, e) != ERR_OK ||
        spool_open(o->spool, o->name, &c->spool, e) != ERR_OK || open_repos(c, o, access, e) != ERR_OK)
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
    for (size_t i = 0; i < c->repo_count; i++)
        repo_free(c->repos[i]);
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
