/*
 * ops/setup_init.c - see ops/setup.h.
 *
 * The line comes first, the probe below it second: a repository that can't even take line.json is not probed.
 */
#include "base/timestamp.h"
#include "ops/setup.h"
#include "ops/setup_probe.h"
#include "ops/setup_server.h"
#include "repo/ahead.h"
#include "repo/line.h"

#include <inttypes.h>
#include <stdio.h>

static bool failed(struct findings *f, const char *subject, struct err *why)
{
    finding_error(f, subject, why);
    return false;
}

/* No line of ours is there: make it, and say so loudly when others are. */
static bool make_line(struct repo *r, const struct layout *l, uint64_t identifier, unsigned major,
                      const char *subject, struct findings *f)
{
    struct line_list others = {.count = 0};
    struct err e = ERR_NONE;
    char newest[LINE_TEXT_MAX] = "";
    bool created;

    if (line_list(r, l->cluster, &others, &e) != ERR_OK)
        return failed(f, subject, &e);
    if (others.count > 0)
        (void) snprintf(newest, sizeof(newest), "%s", others.lines[others.count - 1]);
    line_list_clear(&others);
    if (line_create(r, l, major, &created, &e) != ERR_OK)
        return failed(f, subject, &e);
    if (newest[0] == '\0') {
        finding_ok(f, subject, "made line %s of cluster \"%s\": system identifier %" PRIu64 ", PostgreSQL %u",
                   l->line, l->cluster, identifier, major);
        return true;
    }
    finding_warning(f, subject,
                    "made a second line, %s, of cluster \"%s\" beside %s: system identifier %" PRIu64
                    ", PostgreSQL %u",
                    l->line, l->cluster, newest, identifier, major);
    finding_hint(f, "Right after pg_upgrade or a new initdb; what the older line holds stays. If this is "
                    "another cluster, "
                    "give it a name of its own instead.");
    return true;
}

static bool settle_line(struct repo *r, const struct layout *l, uint64_t identifier, unsigned major,
                        const char *subject, struct findings *f)
{
    struct line_info there;
    struct err e = ERR_NONE;
    char since[TIMESTAMP_TEXT_MAX];

    switch (line_read(r, l, &there, &e)) {
    case ERR_ABSENT:
        return make_line(r, l, identifier, major, subject, f);
    case ERR_OK:
        break;
    default:
        return failed(f, subject, &e);
    }
    timestamp_format(there.created_us, since);
    finding_ok(f, subject,
               "line %s of cluster \"%s\" is there since %s: system identifier %" PRIu64 ", PostgreSQL %u",
               l->line, l->cluster, since, identifier, there.major);
    return true;
}

static void init_repo(struct cluster *c, struct repo *r, const struct layout *l, const struct server_facts *s,
                      struct findings *f)
{
    char subject[128];

    (void) snprintf(subject, sizeof(subject), "repository \"%s\"", r->name);
    if (!settle_line(r, l, s->system_identifier, (unsigned) (s->version / 10000), subject, f))
        return;
    spool_learn_line(c->spool, repo_place(r), l->line);
    setup_probe_keys(r, f);
    setup_probe(r, l, f);
}

enum err_code ops_init(struct cluster *c, struct findings *out, struct err *e)
{
    struct server_facts s;
    struct layout l;
    struct err why = ERR_NONE;

    *out = (struct findings){.list = NULL};
    if (server_facts_read(c->conninfo, &s, &why) != ERR_OK) {
        finding_error(out, "server", &why);
    } else if (layout_init(&l, c->name, s.system_identifier, e) != ERR_OK) {
        return e->code;
    } else {
        ahead_forget(c->spool);
        server_judge_identity(&s, out);
        if (findings_verdict(out) == ERR_OK)
            for (size_t i = 0; i < c->repo_count; i++)
                init_repo(c, c->repos[i], &l, &s, out);
    }
    return out->lost ? err_nomem(e, "findings") : ERR_OK;
}
