/*
 * repo/repo.c - see repo/repo.h.
 *
 * Credentials come from a file that others can't read, from a command, or from AWS_* in the environment, in that order.
 * The first two are read here and not with inih, whose lines end at 200 bytes: session tokens are longer.
 */
#include "repo/repo.h"

#include "base/buf.h"
#include "base/secret.h"
#include "storage/away.h"
#include "storage/posix.h"
#include "storage/s3_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_FILE_MAX ((size_t) 64 << 10)
#define FILE_SCHEME     "file://"
#define S3_SCHEME       "s3://"

struct credentials {
    char *access_key;
    char *secret_key;
    char *session_token;
};

static void wipe_string(char **text)
{
    if (*text != NULL)
        secret_wipe(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

static void credentials_clear(struct credentials *c)
{
    wipe_string(&c->access_key);
    wipe_string(&c->secret_key);
    wipe_string(&c->session_token);
}

static char *skip_spaces(char *at)
{
    return at + strspn(at, " \t\r");
}

/* Cut the blanks off the end. */
static void trim(char *text)
{
    size_t len = strlen(text);

    while (len > 0 && strchr(" \t\r", text[len - 1]) != NULL)
        text[--len] = '\0';
}

static enum err_code copy_text(const char *text, char **out, struct err *e)
{
    *out = strdup(text);
    return *out != NULL ? ERR_OK : err_nomem(e, "credentials");
}

/* "name = value", once each, cut in place. */
static enum err_code take_line(struct credentials *c, char *line, struct err *e)
{
    char *equals = strchr(line, '=');
    char **into = NULL;

    if (equals != NULL) {
        *equals = '\0';
        trim(line);
        into = strcmp(line, "access-key-id") == 0       ? &c->access_key
               : strcmp(line, "secret-access-key") == 0 ? &c->secret_key
               : strcmp(line, "session-token") == 0     ? &c->session_token
                                                        : NULL;
        line = skip_spaces(equals + 1);
        trim(line);
    }
    if (into == NULL || *into != NULL || *line == '\0')
        return err_set(e, ERR_USAGE,
                       "expected access-key-id, secret-access-key or session-token = value, once each");
    return copy_text(line, into, e);
}

static enum err_code parse_credentials(struct buf *text, const char *source, struct credentials *c,
                                       struct err *e)
{
    char *at = buf_reserve(text, 0, e) == ERR_OK ? (char *) text->data : NULL, *next;

    if (at == NULL)
        return e->code;
    (void) buf_cstr(text);
    for (int line = 1; at != NULL; line++, at = next) {
        next = strchr(at, '\n');
        if (next != NULL)
            *next++ = '\0';
        at = skip_spaces(at);
        if (*at == '\0' || *at == '#' || *at == ';' || take_line(c, at, e) == ERR_OK)
            continue;
        return err_while(e, "%s, line %d", source, line);
    }
    return ERR_OK;
}

/* An empty variable is as good as none. */
static enum err_code copy_env(const char *name, char **out, struct err *e)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? copy_text(value, out, e) : ERR_OK;
}

static enum err_code read_environment(struct credentials *c, struct err *e)
{
    if (copy_env("AWS_ACCESS_KEY_ID", &c->access_key, e) != ERR_OK ||
        copy_env("AWS_SECRET_ACCESS_KEY", &c->secret_key, e) != ERR_OK)
        return e->code;
    return copy_env("AWS_SESSION_TOKEN", &c->session_token, e);
}

static enum err_code load_credentials(const struct repo_options *o, struct credentials *c, struct err *e)
{
    CLEANUP(secret_clear) struct buf text = BUF_INIT(SECRET_FILE_MAX);

    if (o->credentials_file != NULL) {
        if (secret_read_file(o->credentials_file, "credentials-file", &text, e) != ERR_OK ||
            parse_credentials(&text, o->credentials_file, c, e) != ERR_OK)
            return e->code;
    } else if (o->credentials_command != NULL) {
        if (secret_read_command(o->credentials_command, "credentials-command", &text, e) != ERR_OK ||
            parse_credentials(&text, "output of credentials-command", c, e) != ERR_OK)
            return e->code;
    } else if (read_environment(c, e) != ERR_OK) {
        return e->code;
    }
    if (c->access_key != NULL && c->secret_key != NULL)
        return ERR_OK;
    err_set(e, ERR_USAGE, "no S3 credentials");
    return err_hint(
        e, "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, or credentials-file in the "
           "repository's section.");
}

static enum err_code open_s3(const struct repo_options *o, struct store **out, struct err *e)
{
    CLEANUP(credentials_clear) struct credentials c = {0};
    struct s3_url where = {0};
    struct s3_options s3 = {.endpoint = o->endpoint,
                            .allow_http = o->allow_http,
                            .region = o->region,
                            .virtual_host = o->virtual_host,
                            .ca_file = o->ca_file,
                            .part_bytes = o->part_bytes,
                            .connect_timeout_ms = o->connect_timeout_ms,
                            .stall_timeout_ms = o->stall_timeout_ms,
                            .request_timeout_ms = o->request_timeout_ms,
                            .retry_budget_ms = o->retry_budget_ms,
                            .conditional_put = !o->unconditional_put};

    if (o->endpoint == NULL) {
        err_set(e, ERR_USAGE, "no endpoint for \"%s\"", o->url);
        return err_hint(e, "Set endpoint in the repository's section, or R2_ENDPOINT in the environment.");
    }
    if (s3_url_parse(o->url, &where, e) != ERR_OK || load_credentials(o, &c, e) != ERR_OK)
        return e->code;
    s3.bucket = where.bucket;
    s3.prefix = where.prefix;
    s3.access_key = c.access_key;
    s3.secret_key = c.secret_key;
    s3.session_token = c.session_token;
    return s3_store_open(&s3, out, e);
}

/* A directory that is away, or closed to us, is a repository that answers so: the others must stay usable. */
static enum err_code open_directory(const struct repo_options *o, unsigned access, struct store **out,
                                    struct err *e)
{
    struct err why = ERR_NONE;

    if (posix_store_open(o->url + strlen(FILE_SCHEME), (access & REPO_CREATE) != 0, out, &why) == ERR_OK)
        return ERR_OK;
    if (why.code != ERR_USAGE)
        return away_store_new(o->url, &why, out, e);
    *e = why;
    return e->code;
}

static enum err_code open_store(const struct repo_options *o, unsigned access, struct store **out,
                                struct err *e)
{
    if (strncmp(o->url, FILE_SCHEME, strlen(FILE_SCHEME)) == 0)
        return open_directory(o, access, out, e);
    if (strncmp(o->url, S3_SCHEME, strlen(S3_SCHEME)) == 0)
        return open_s3(o, out, e);
    return err_set(e, ERR_USAGE, "\"%s\" is neither a file:// nor an s3:// URL", o->url);
}

static enum err_code load_recipients(const char *path, struct recipients *out, struct err *e)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(SECRET_FILE_MAX);

    if (path == NULL)
        return ERR_OK;
    if (buf_read_file(&text, path, e) != ERR_OK) {
        if (e->sys_errno == ENOENT || e->sys_errno == EACCES)
            e->code = ERR_USAGE;
        return err_while(e, "recipients-file");
    }
    return recipients_parse(buf_cstr(&text), path, out, e);
}

static enum err_code load_identities(const struct repo_options *o, struct identities *out, struct err *e)
{
    CLEANUP(secret_clear) struct buf text = BUF_INIT(SECRET_FILE_MAX);

    if (o->identity_file != NULL) {
        if (secret_read_file(o->identity_file, "identity-file", &text, e) != ERR_OK)
            return e->code;
        return identities_parse(buf_cstr(&text), o->identity_file, out, e);
    }
    if (o->identity_command == NULL)
        return ERR_OK;
    if (secret_read_command(o->identity_command, "identity-command", &text, e) != ERR_OK)
        return e->code;
    return identities_parse(buf_cstr(&text), "output of identity-command", out, e);
}

/* The endpoint belongs to it: a bucket moved to another server keeps its URL, and nothing known of it holds there. */
char *repo_place_of(const struct repo_options *o)
{
    char *place;

    if (o->endpoint == NULL)
        return strdup(o->url);
    return asprintf(&place, "%s %s", o->url, o->endpoint) < 0 ? NULL : place;
}

bool repo_place_is_directory(const char *place)
{
    return strncmp(place, FILE_SCHEME, strlen(FILE_SCHEME)) == 0;
}

enum err_code repo_open(const struct repo_options *o, unsigned access, struct repo **out, struct err *e)
{
    struct repo *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return err_nomem(e, "a repository");
    r->codec = o->codec;
    r->level = o->level;
    r->accept_unencrypted = o->accept_unencrypted;
    r->unconditional_put = o->unconditional_put && !repo_place_is_directory(o->url);
    r->name = strdup(o->name);
    r->place = repo_place_of(o);
    if (r->name == NULL || r->place == NULL)
        err_nomem(e, "a name");
    else if (open_store(o, access, &r->store, e) == ERR_OK &&
             (!(access & REPO_WRITE) || load_recipients(o->recipients_file, &r->recipients, e) == ERR_OK) &&
             (!(access & REPO_READ) || load_identities(o, &r->identities, e) == ERR_OK)) {
        *out = r;
        return ERR_OK;
    }
    repo_free(r);
    return err_while(e, "repository \"%s\"", o->name);
}

void repo_free(struct repo *r)
{
    if (r == NULL)
        return;
    store_free(r->store);
    recipients_clear(&r->recipients);
    identities_clear(&r->identities);
    free(r->name);
    free(r->place);
    free(r);
}

const char *repo_place(const struct repo *r)
{
    return r->place != NULL ? r->place : r->store->url;
}
