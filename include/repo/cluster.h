/*
 * repo/cluster.h - one cluster as configured: its repositories, opened, its spool, and how to reach its server.
 */
#pragma once
#include "base/err.h"
#include "repo/repo.h"
#include "repo/spool.h"
#include <stddef.h>

struct cluster_options {
    const char *name;
    const char *conninfo; /* "" = libpq's PG* variables */
    const char *spool;    /* NULL = the user's private one */
    const struct repo_options *repos;
    size_t repo_count;    /* at least 1 */
    const char *config_path;        /* absolute path of the configuration file in use, or NULL      */
    const char *const *environment; /* "PITR_X=value" settings in use that are no secrets, NULL-terminated, or NULL:
                                       what a restore_command must set again beside the file        */
};

struct cluster {
    char *name;
    char *conninfo;
    char *config_path;   /* absolute, or NULL */
    char **environment;  /* NULL-terminated, or NULL */
    struct repo **repos; /* in order of configuration */
    size_t repo_count;
    struct spool *spool; /* never NULL; may be one without a directory */
};

/*
 * Opens every repository; a wrong setting is the error. A directory that is away, or that we may not open or make, opens,
 * and answers so itself (away.h).
 */
enum err_code cluster_open(const struct cluster_options *o, unsigned access, struct cluster **out, struct err *e);
/* The repository of this name; ERR_USAGE when there is none. Borrowed. */
enum err_code cluster_repo(const struct cluster *c, const char *name, struct repo **out, struct err *e);
void cluster_free(struct cluster *c);
void cluster_freep(struct cluster **c);
