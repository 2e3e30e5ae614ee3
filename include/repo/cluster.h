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
    struct repo **repos; /* in order of configuration; NULL until cluster_connect */
    char **places;       /* what the spool knows each of them by (repo_place), from cluster_prepare on */
    size_t repo_count;
    struct spool *spool; /* never NULL; may be one without a directory */
    const struct cluster_options *pending; /* borrowed until cluster_connect; NULL afterwards */
    unsigned access;
};

/*
 * Opens every repository; a wrong setting is the error. A directory that is away, or that we may not open or make,
 * opens, and answers so itself (away.h).
 */
enum err_code cluster_open(const struct cluster_options *o, unsigned access, struct cluster **out, struct err *e);
/*
 * The same in two steps, for who may need no repository at all: prepare reads no key, no credentials and opens nothing
 * but the spool; o is borrowed until connect, which opens the repositories, or has done so. A spool that can't be used
 * is an error with REPO_WRITE, else a warning, and one that remembers nothing.
 */
enum err_code cluster_prepare(const struct cluster_options *o, unsigned access, struct cluster **out,
                              struct err *e);
enum err_code cluster_connect(struct cluster *c, struct err *e);
/* What the spool knows the repository of this number by, opened or not. Borrowed. */
const char *cluster_place(const struct cluster *c, size_t i);
/* The repository of this name; ERR_USAGE when there is none. Borrowed. */
enum err_code cluster_repo(const struct cluster *c, const char *name, struct repo **out, struct err *e);
void cluster_free(struct cluster *c);
void cluster_freep(struct cluster **c);
