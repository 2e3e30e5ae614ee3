/*
 * cli/configure.h - arguments over environment over file over defaults, settled into what the lower rooms take.
 *
 * The cluster is the one of --cluster or PITR_CLUSTER, else the file's only one, else "main". Its repositories are
 * the ones its `repos` names, else all of the file. PITR_REPO replaces them with one called "env". --repo leaves one.
 * R2_ENDPOINT and AWS_ENDPOINT_URL, variables that other programs share, serve where neither PITR_ENDPOINT nor
 * the file names an endpoint.
 */
#pragma once
#include "base/err.h"
#include "cli/config.h"
#include "cli/setting.h"
#include "repo/cluster.h"
#include <stdbool.h>
#include <stddef.h>

#define CONFIGURED_WITHHELD_MAX 4

struct configured {
    struct config file;
    struct settings environment;
    struct settings defaults;
    struct settings_layers layers;  /* of the cluster: what commands ask */
    struct cluster_options cluster; /* points into all of the above and into the arguments */
    struct repo_options *repos;     /* owned, with repo_count of cluster */
    char **environment_list;        /* owned, NULL-terminated */
    const char *withheld[CONFIGURED_WITHHELD_MAX + 1]; /* variables that reading needs too and that lead to
                                                          secrets: not in environment_list; NULL-terminated */
};

/*
 * Settle. arguments: borrowed until configured_clear. lookup: getenv, or a test's. Every refusal is ERR_USAGE and
 * says where the value in question stands. Cleared by the caller in any case.
 */
enum err_code configure(const struct settings *arguments, settings_lookup *lookup, struct configured *out,
                        struct err *e);
void configured_clear(struct configured *c);
