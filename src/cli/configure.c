/*
 * cli/configure.c - see cli/configure.h.
 */
#include "cli/configure.h"

#include "base/buf.h"
#include "cli/near.h"
#include "codec/compress.h"
#include "repo/layout.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENVIRONMENT_REPO "env" /* the name of the repository that PITR_REPO makes */

/* Variables of other programs that name an S3 server, the preferred first. */
static const char *const shared_endpoints[] = {"R2_ENDPOINT", "AWS_ENDPOINT_URL"};

/* The file: named by option or environment, and then it must be there, or the default one. */
static enum err_code read_file(const struct settings *arguments, struct configured *c, struct err *e)
{
    const struct settings_layers layers = {{arguments, &c->environment}};
    const char *named = settings_text(&layers, OPTION_CONFIG);

    return config_read(named != NULL ? named : CONFIG_PATH_DEFAULT, named != NULL, &c->file, e);
}

/* "a, b, c": the names of the file's sections of a kind. */
static enum err_code names_format(const struct config *file, enum option_section kind, struct buf *out,
                                  struct err *e)
{
    for (size_t i = 0; i < file->count; i++)
        if (file->sections[i]->kind == kind &&
            buf_printf(out, e, "%s%s", out->len == 0 ? "" : ", ", file->sections[i]->name) != ERR_OK)
            return e->code;
    return ERR_OK;
}

/* Refuse a name that the file has no section for; where: who asked for it. */
static enum err_code refuse_name(const struct config *file, enum option_section kind, const char *name,
                                 const struct origin *origin, struct err *e)
{
    CLEANUP(buf_clear) struct buf names = BUF_INIT(ERR_HINT_MAX);
    const char *what = kind == SECTION_REPO ? "repository" : "cluster";
    char where[ORIGIN_TEXT_MAX];
    struct near n;
    struct err ignored = ERR_NONE;

    near_init(&n, name, strlen(name));
    for (size_t i = 0; i < file->count; i++)
        if (file->sections[i]->kind == kind)
            near_offer(&n, file->sections[i]->name);
    origin_format(origin, where);
    err_set(e, ERR_USAGE, "%s: there is no %s \"%s\"", where, what, name);
    if (n.best != NULL)
        return err_hint(e, "Did you mean \"%s\"?", n.best);
    if (config_count(file, kind) == 0 || names_format(file, kind, &names, &ignored) != ERR_OK)
        return ERR_USAGE;
    return err_hint(e, "File \"%s\" has: %s.", file->path, buf_cstr(&names));
}

static const struct config_section *only_cluster(const struct config *file)
{
    for (size_t i = 0; i < file->count; i++)
        if (file->sections[i]->kind == SECTION_CLUSTER)
            return file->sections[i];
    return NULL;
}

/* Which cluster; *section stays NULL when no section of the file describes it. */
static enum err_code choose_cluster(const struct settings *arguments, struct configured *c,
                                    const struct config_section **section, struct err *e)
{
    const struct settings_layers layers = {{arguments, &c->environment}};
    const struct setting *named = settings_pick(&layers, OPTION_CLUSTER);
    size_t there = config_count(&c->file, SECTION_CLUSTER);
    CLEANUP(buf_clear) struct buf names = BUF_INIT(ERR_HINT_MAX);

    c->cluster.name = named->is_given ? named->text : CLUSTER_DEFAULT;
    if (there == 1 && !named->is_given) {
        *section = only_cluster(&c->file);
        c->cluster.name = (*section)->name;
        return ERR_OK;
    }
    *section = config_at(&c->file, SECTION_CLUSTER, c->cluster.name);
    if (*section != NULL || there == 0)
        return layout_check_cluster(c->cluster.name, e);
    if (named->is_given)
        return refuse_name(&c->file, SECTION_CLUSTER, named->text, &named->origin, e);
    if (names_format(&c->file, SECTION_CLUSTER, &names, e) != ERR_OK)
        return e->code;
    err_set(e, ERR_USAGE, "which cluster is meant is not said");
    return err_hint(e, "File \"%s\" has several: choose one with --cluster or PITR_CLUSTER: %s.",
                    c->file.path, buf_cstr(&names));
}

/* ---- repositories ---------------------------------------------------------------------------------------------- */

/* What a repository's settings must keep to together. */
static enum err_code settle_codec(const struct configured *c, struct repo_options *r, struct err *e)
{
    const struct setting *level = settings_pick(&c->layers, OPTION_COMPRESS_LEVEL);
    const struct setting *compress = settings_pick(&c->layers, OPTION_COMPRESS);
    char where[ORIGIN_TEXT_MAX];
    int min, max;

    if (codec_parse(compress->text, &r->codec, e) != ERR_OK)
        return e->code;
    codec_levels(r->codec, &min, &max);
    r->level = (int) level->number;
    if (r->level == 0 || (r->level >= min && r->level <= max))
        return ERR_OK;
    origin_format(&level->origin, where);
    err_set(e, ERR_USAGE, "%s: %s has no level %d", where, compress->text, r->level);
    return err_hint(e, "Its levels are %d to %d; 0 is its own default.", min, max);
}

static const char *shared_endpoint(settings_lookup *lookup)
{
    for (size_t i = 0; i < sizeof(shared_endpoints) / sizeof(shared_endpoints[0]); i++) {
        const char *text = lookup(shared_endpoints[i]);

        if (text != NULL && *text != '\0')
            return text;
    }
    return NULL;
}

/* name, section: of the file, or those of the environment's own repository (NULL). */
static enum err_code settle_repo(const struct configured *c, settings_lookup *lookup, const char *name,
                                 const struct config_section *section, struct repo_options *r, struct err *e)
{
    const struct settings_layers layers = {
        {&c->environment, section == NULL ? NULL : &section->settings, &c->defaults}};
    const char *endpoint = settings_text(&layers, OPTION_ENDPOINT);

    *r = (struct repo_options){
        .name = name,
        .url = settings_text(&layers, OPTION_URL),
        .endpoint = endpoint != NULL ? endpoint : shared_endpoint(lookup),
        .allow_http = settings_number(&layers, OPTION_ALLOW_HTTP) == 1,
        .region = settings_text(&layers, OPTION_REGION),
        .virtual_host = settings_number(&layers, OPTION_ADDRESSING) == 1,
        .ca_file = settings_text(&layers, OPTION_CA_FILE),
        .credentials_file = settings_text(&layers, OPTION_CREDENTIALS_FILE),
        .credentials_command = settings_text(&layers, OPTION_CREDENTIALS_COMMAND),
        .part_bytes = (uint64_t) settings_number(&layers, OPTION_PART_SIZE),
        .connect_timeout_ms = settings_number(&layers, OPTION_CONNECT_TIMEOUT),
        .stall_timeout_ms = settings_number(&layers, OPTION_STALL_TIMEOUT),
        .request_timeout_ms = settings_number(&layers, OPTION_REQUEST_TIMEOUT),
        .retry_budget_ms = settings_number(&layers, OPTION_RETRY_BUDGET),
        .accept_unencrypted = settings_number(&layers, OPTION_ACCEPT_UNENCRYPTED) == 1,
        .unconditional_put = settings_number(&layers, OPTION_CONDITIONAL_PUT) == 0,
        .recipients_file = settings_text(&layers, OPTION_RECIPIENTS_FILE),
        .identity_file = settings_text(&layers, OPTION_IDENTITY_FILE),
        .identity_command = settings_text(&layers, OPTION_IDENTITY_COMMAND),
    };
    return settle_codec(c, r, e);
}

static enum err_code add_section(struct configured *c, settings_lookup *lookup,
                                 const struct config_section *section, struct err *e)
{
    if (settle_repo(c, lookup, section->name, section, &c->repos[c->cluster.repo_count], e) != ERR_OK)
        return e->code;
    c->cluster.repo_count++;
    return ERR_OK;
}

static enum err_code add_named(struct configured *c, settings_lookup *lookup, const struct setting *names,
                               struct err *e)
{
    char where[ORIGIN_TEXT_MAX];

    for (size_t i = 0; i < names->item_count; i++) {
        const struct config_section *section = config_at(&c->file, SECTION_REPO, names->items[i]);

        for (size_t k = 0; k < i; k++)
            if (strcmp(names->items[k], names->items[i]) == 0) {
                origin_format(&names->origin, where);
                return err_set(e, ERR_USAGE, "%s: repository \"%s\" is named twice", where, names->items[i]);
            }
        if (section == NULL)
            return refuse_name(&c->file, SECTION_REPO, names->items[i], &names->origin, e);
        if (add_section(c, lookup, section, e) != ERR_OK)
            return e->code;
    }
    return ERR_OK;
}

static enum err_code add_all(struct configured *c, settings_lookup *lookup, struct err *e)
{
    for (size_t i = 0; i < c->file.count; i++)
        if (c->file.sections[i]->kind == SECTION_REPO &&
            add_section(c, lookup, c->file.sections[i], e) != ERR_OK)
            return e->code;
    return ERR_OK;
}

static enum err_code refuse_none(const struct configured *c, struct err *e)
{
    err_set(e, ERR_USAGE, "no repository is configured");
    if (c->file.path == NULL)
        return err_hint(
            e,
            "Set PITR_REPO to file:///directory or s3://bucket/prefix, or write a [repo NAME] section "
            "into %s.",
            CONFIG_PATH_DEFAULT);
    return err_hint(e, "Write a [repo NAME] section with its url into \"%s\".", c->file.path);
}

static enum err_code check_urls(const struct configured *c, struct err *e)
{
    for (size_t i = 0; i < c->file.count; i++) {
        const struct config_section *s = c->file.sections[i];

        if (s->kind == SECTION_REPO && !s->settings.at[OPTION_URL].is_given) {
            err_set(e, ERR_USAGE, "file \"%s\", line %u: section [repo %s] has no url", c->file.path, s->line,
                    s->name);
            return err_hint(e, "%s", "Write url = file:///directory or url = s3://bucket/prefix into it.");
        }
    }
    return ERR_OK;
}

/* --repo: keep the one of that name. */
static enum err_code keep_one(struct configured *c, const struct setting *wanted, struct err *e)
{
    for (size_t i = 0; i < c->cluster.repo_count; i++)
        if (strcmp(c->repos[i].name, wanted->text) == 0) {
            c->repos[0] = c->repos[i];
            c->cluster.repo_count = 1;
            return ERR_OK;
        }
    if (c->environment.at[OPTION_URL].is_given) {
        err_set(e, ERR_USAGE, "option --repo: there is no repository \"%s\"", wanted->text);
        return err_hint(e, "PITR_REPO is set and replaces those of the configuration by one called \"%s\".",
                        ENVIRONMENT_REPO);
    }
    if (config_at(&c->file, SECTION_REPO, wanted->text) != NULL) {
        err_set(e, ERR_USAGE, "option --repo: repository \"%s\" is not one of cluster \"%s\"", wanted->text,
                c->cluster.name);
        return err_hint(e, "%s", "The cluster's repos name those that are.");
    }
    return refuse_name(&c->file, SECTION_REPO, wanted->text, &wanted->origin, e);
}

static enum err_code settle_repos(const struct settings *arguments, settings_lookup *lookup,
                                  struct configured *c, struct err *e)
{
    const struct setting *names = settings_pick(&c->layers, OPTION_REPOS);
    enum err_code code;

    c->repos = calloc(config_count(&c->file, SECTION_REPO) + names->item_count + 1, sizeof(*c->repos));
    if (c->repos == NULL)
        return err_nomem(e, "the repositories");
    c->cluster.repos = c->repos;
    if (c->environment.at[OPTION_URL].is_given) {
        code = settle_repo(c, lookup, ENVIRONMENT_REPO, NULL, &c->repos[0], e);
        c->cluster.repo_count = 1;
    } else if (check_urls(c, e) != ERR_OK)
        code = e->code;
    else
        code = names->is_given ? add_named(c, lookup, names, e) : add_all(c, lookup, e);
    if (code != ERR_OK)
        return code;
    if (c->cluster.repo_count == 0)
        return refuse_none(c, e);
    if (arguments->at[OPTION_REPO].is_given)
        return keep_one(c, &arguments->at[OPTION_REPO], e);
    return ERR_OK;
}

/* ---- environment ----------------------------------------------------------------------------------------------- */

static enum err_code environment_add(struct configured *c, size_t *count, const char *variable,
                                     const char *text, struct err *e)
{
    if (asprintf(&c->environment_list[*count], "%s=%s", variable, text) < 0) {
        c->environment_list[*count] = NULL;
        return err_nomem(e, "the environment");
    }
    (*count)++;
    return ERR_OK;
}

/* Does a repository get its access key from AWS_* of the environment? */
static bool needs_shared_credentials(const struct configured *c)
{
    for (size_t i = 0; i < c->cluster.repo_count; i++)
        if (strncmp(c->repos[i].url, "s3:", 3) == 0 && c->repos[i].credentials_file == NULL &&
            c->repos[i].credentials_command == NULL)
            return true;
    return false;
}

/* What of a repository leads to its secrets: whoever reads needs it, and has to have it from a place of his own. */
static void collect_withheld(settings_lookup *lookup, struct configured *c)
{
    static const char *const shared[] = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"};
    size_t count = 0;

    for (unsigned id = 0; id < OPTION_COUNT; id++) {
        const struct option *o = option_at((enum option_id) id);

        if (c->environment.at[id].is_given && o->section == SECTION_REPO && o->is_secret)
            c->withheld[count++] = o->environment;
    }
    for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]) && needs_shared_credentials(c); i++) {
        const char *text = lookup(shared[i]);

        if (text != NULL && *text != '\0')
            c->withheld[count++] = shared[i];
    }
    assert(count <= CONFIGURED_WITHHELD_MAX);
}

/*
 * What a restore_command has to set again. Not PITR_CONFIG and PITR_CLUSTER, which it carries as options, and
 * nothing that may be a secret or says how to get one; a list is handed on as it was written.
 */
static enum err_code collect_environment(settings_lookup *lookup, struct configured *c, struct err *e)
{
    size_t count = 0;

    c->environment_list = calloc(OPTION_COUNT + 3, sizeof(*c->environment_list));
    if (c->environment_list == NULL)
        return err_nomem(e, "the environment");
    for (unsigned id = 0; id < OPTION_COUNT; id++) {
        const struct option *o = option_at((enum option_id) id);

        if (c->environment.at[id].is_given && o->section != SECTION_NONE && !o->is_secret &&
            environment_add(c, &count, o->environment, lookup(o->environment), e) != ERR_OK)
            return e->code;
    }
    for (size_t i = 0; i < sizeof(shared_endpoints) / sizeof(shared_endpoints[0]); i++) {
        const char *text = lookup(shared_endpoints[i]);

        if (text != NULL && *text != '\0' &&
            environment_add(c, &count, shared_endpoints[i], text, e) != ERR_OK)
            return e->code;
    }
    c->cluster.environment = (const char *const *) c->environment_list;
    return ERR_OK;
}

enum err_code configure(const struct settings *arguments, settings_lookup *lookup, struct configured *out,
                        struct err *e)
{
    const struct config_section *section = NULL;

    *out = (struct configured){.repos = NULL};
    if (settings_defaults(&out->defaults, e) != ERR_OK ||
        settings_environment(&out->environment, lookup, e) != ERR_OK ||
        read_file(arguments, out, e) != ERR_OK || choose_cluster(arguments, out, &section, e) != ERR_OK)
        return e->code;
    out->layers = (struct settings_layers){
        {arguments, &out->environment, section == NULL ? NULL : &section->settings, &out->defaults}};
    out->cluster.conninfo = settings_text(&out->layers, OPTION_CONNINFO);
    out->cluster.spool = settings_text(&out->layers, OPTION_SPOOL);
    out->cluster.config_path = out->file.path;
    if (settle_repos(arguments, lookup, out, e) != ERR_OK)
        return e->code;
    collect_withheld(lookup, out);
    return collect_environment(lookup, out, e);
}

void configured_clear(struct configured *c)
{
    settings_clear(&c->environment);
    settings_clear(&c->defaults);
    config_clear(&c->file);
    free(c->repos);
    for (size_t i = 0; c->environment_list != NULL && c->environment_list[i] != NULL; i++)
        free(c->environment_list[i]);
    free(c->environment_list);
    *c = (struct configured){.repos = NULL};
}
