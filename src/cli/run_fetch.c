/*
 * cli/run_fetch.c - see cli/run_fetch.h.
 */
#include "cli/run_fetch.h"

#include "base/detach.h"
#include "base/log.h"
#include "cli/options.h"
#include "ops/fetch.h"
#include "ops/fetch_ahead.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

char **fetch_ahead_argv(const struct invocation *in, char *program, char *directory)
{
    char **argv = calloc(in->word_count + 4, sizeof(*argv));

    if (argv == NULL)
        return NULL;
    argv[0] = program;
    argv[1] = (char *) (uintptr_t) command_at(COMMAND_FETCH_AHEAD)->name;
    for (size_t i = 0; i < in->word_count; i++)
        argv[i + 2] = in->words[i];
    argv[in->word_count + 2] = directory;
    return argv;
}

static void start_ahead(void *arg)
{
    char program[] = "pitr", directory[PATH_MAX];
    char **argv = NULL;
    struct err why = ERR_NONE;

    if (getcwd(directory, sizeof(directory)) == NULL ||
        (argv = fetch_ahead_argv(arg, program, directory)) == NULL)
        return;
    if (detach_self(argv, &why) != ERR_OK)
        log_debug("%s, ignoring", why.text);
    free(argv);
}

static struct fetch_options fetch_options_of(struct invocation *in)
{
    const struct setting *given = in->arguments.settings.at;

    return (struct fetch_options){
        .line = given[OPTION_LINE].text,
        .path = given[OPTION_PATH].text,
        .until = given[OPTION_UNTIL].text,
        .ahead_bytes = (uint64_t) settings_number(&in->configured.layers, OPTION_FETCH_AHEAD_BYTES),
        .start_ahead = start_ahead,
        .start_arg = in,
    };
}

enum err_code run_fetch(struct invocation *in, struct err *e)
{
    CLEANUP(cluster_freep) struct cluster *c = NULL;
    const struct fetch_options o = fetch_options_of(in);

    if (o.until != NULL && o.path == NULL)
        return err_set(e, ERR_USAGE, "option --until needs --path");
    if (cluster_prepare(&in->configured.cluster, REPO_READ, &c, e) != ERR_OK)
        return e->code;
    return ops_fetch(c, &o, in->arguments.operands[0], in->arguments.operands[1], e);
}

/* Nobody looks at its exit status (base/detach.h): what goes wrong is told in its log, and is no failure. */
enum err_code run_fetch_ahead(struct invocation *in, struct err *e)
{
    CLEANUP(cluster_freep) struct cluster *c = NULL;
    const struct fetch_options o = fetch_options_of(in);
    struct err why = ERR_NONE;

    (void) e;
    if (cluster_prepare(&in->configured.cluster, REPO_READ, &c, &why) != ERR_OK ||
        ops_fetch_ahead(c, &o, in->arguments.operands[0], in->arguments.operands[2], &why) != ERR_OK)
        log_warning("could not fetch ahead: %s", why.text);
    return ERR_OK;
}
