/*
 * ops/fetch.c - see ops/fetch.h.
 *
 * The server takes "absent" for the end of WAL, so it is said only when it is known:
 *   1. every repository answered "no such object" itself,
 *   2. the line exists in each of them (a wrong prefix or an unmounted disk holds no line),
 *   3. no plan says that the segment must be there.
 * The file is not fsynced: the server does that before it uses it (xlogarchive.c, durable_rename).
 * A recovery that follows a plan is measured on the way (repo/replay_rate.h); one without may be a standby, which waits.
 */
#include "ops/fetch.h"

#include "base/clock.h"
#include "base/durable.h"
#include "base/log.h"
#include "pg/control.h"
#include "pg/timeline.h"
#include "pg/walpage.h"
#include "repo/line.h"
#include "repo/object.h"
#include "repo/replay_rate.h"
#include "repo/wal_facts.h"
#include "stream/file_sink.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* What is asked for, and what the plan has to say about it. */
struct request {
    struct walfile file;
    const char *name;
    const char *dest;
    struct layout layout;
    struct timeline_path path; /* empty without a plan */
    struct walfile until;
    bool has_until;
    bool is_needed;  /* the plan says that it must be there                      */
    bool is_through; /* and that replay goes on behind it, into the next segment */
};

/* Where it came from, once it has. */
struct delivery {
    struct repo *from; /* NULL: from nowhere */
    uint64_t bytes;    /* plain */
};

static enum err_code settle_line(struct request *q, const char *cluster, const char *line, struct err *e)
{
    uint64_t identifier;
    struct control control;

    if (line != NULL) {
        if (line_parse(line, &identifier, e) != ERR_OK)
            return e->code;
    } else {
        if (control_read(".", &control, e) != ERR_OK)
            return err_while(e, "the cluster to fetch for is not known");
        identifier = control.system_identifier;
    }
    return layout_init(&q->layout, cluster, identifier, e);
}

static enum err_code settle_plan(struct request *q, const struct fetch_options *o, struct err *e)
{
    if (o->path == NULL)
        return ERR_OK;
    if (timeline_parse_path(o->path, &q->path, e) != ERR_OK)
        return e->code;
    if (o->until == NULL)
        return ERR_OK;
    q->has_until = true;
    if (walfile_parse(o->until, &q->until, e) != ERR_OK)
        return e->code;
    return q->until.kind == WALFILE_SEGMENT
               ? ERR_OK
               : err_set(e, ERR_USAGE, "\"%s\" is not the name of a segment", o->until);
}

/* (log, segment) order is WAL order whatever the segment size. */
static bool is_behind(const struct walfile *a, const struct walfile *b)
{
    return a->log != b->log ? a->log > b->log : a->seg > b->seg;
}

/*
 * On a plan's path a segment belongs to the newest timeline that begins at or before its end; asked for on an older
 * one (the server's fallback when the newer lacks it) it is not part of this history, whether stored or not.
 */
static enum err_code judge(struct request *q, bool *is_foreign, struct err *e)
{
    struct control control;
    uint64_t number;

    *is_foreign = false;
    if (q->path.count == 0)
        return ERR_OK;
    if (q->file.kind != WALFILE_SEGMENT) {
        /* Without the target timeline's history the server would not know the branch, and stay on the parent. */
        q->is_needed = q->file.kind == WALFILE_HISTORY && q->file.tli > 1 &&
                       q->file.tli == q->path.entries[q->path.count - 1].tli;
        return ERR_OK;
    }
    if (control_read(".", &control, e) != ERR_OK ||
        walseg_of_file(&q->file, control.segment_bytes, &number, e) != ERR_OK)
        return err_while(e, "the plan's path can't be applied");
    *is_foreign = timeline_of_segment(&q->path, number, control.segment_bytes) != q->file.tli;
    q->is_needed = !*is_foreign && q->has_until && !is_behind(&q->file, &q->until);
    q->is_through = q->is_needed && is_behind(&q->until, &q->file);
    return ERR_OK;
}

/*
 * Recovery takes the damage for the end of WAL. A plan that goes on behind it would end too early, and might be promoted there.
 * One whose target lies before it, in this very segment or an earlier one, is not disturbed.
 */
static enum err_code judge_damage(const struct request *q, const struct wal_facts *f, struct err *e)
{
    char end[LSN_TEXT_MAX];

    lsn_format(f->end_lsn, end);
    if (q->is_through)
        return err_set(
            e, ERR_CORRUPT,
            "WAL is damaged at LSN %s in segment \"%s\", as it was archived, but this restore needs "
            "what lies behind",
            end, q->name);
    log_warning("WAL is damaged at LSN %s in segment \"%s\", as it was archived: no recovery gets past it",
                end, q->name);
    return ERR_OK;
}

/* A segment must be the one its name says, of the cluster that asked, beyond what the seal already proves. */
static enum err_code check_facts(const struct request *q, const struct descriptor *d, struct err *e)
{
    struct wal_facts facts;
    char line[LINE_TEXT_MAX];

    if (q->file.kind != WALFILE_SEGMENT)
        return ERR_OK;
    if (wal_facts_read(d, &facts, e) != ERR_OK)
        return e->code;
    line_format(facts.system_identifier, line);
    if (strcmp(line, q->layout.line) != 0 || d->size != facts.segment_bytes)
        return err_set(e, ERR_CORRUPT, "object for \"%s\" is of system identifier %s with %" PRIu64 " bytes",
                       q->name, line, d->size);
    return facts.is_damaged ? judge_damage(q, &facts, e) : ERR_OK;
}

static enum err_code fetch_from(const struct request *q, struct repo *r, struct delivery *got, struct err *e)
{
    CLEANUP(durable_discard) struct durable out = DURABLE_NONE;
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    struct sink *file;
    char key[STORE_KEY_MAX + 1];

    layout_wal_file(&q->layout, &q->file, key);
    if (durable_open(&out, q->dest, 0600, e) != ERR_OK ||
        file_sink_new(out.fd, q->dest, &file, e) != ERR_OK ||
        object_get(r, key, layout_kind(q->file.kind), q->name, file, &d, e) != ERR_OK ||
        check_facts(q, &d, e) != ERR_OK || durable_commit_quick(&out, e) != ERR_OK)
        return e->code;
    *got = (struct delivery){r, d.size};
    return ERR_OK;
}

/* ERR_OK, or ERR_ABSENT when that is certain for this repository, or why it could not be had. */
static enum err_code ask(const struct request *q, struct repo *r, struct delivery *got, struct err *e)
{
    struct err missing = ERR_NONE;
    enum err_code code = fetch_from(q, r, got, &missing);

    if (code == ERR_OK)
        return ERR_OK;
    if (code == ERR_ABSENT && line_confirm(r, &q->layout, e) != ERR_OK)
        return err_while(e, "repository \"%s\"", r->name);
    *e = missing;
    return code == ERR_ABSENT ? code : err_while(e, "repository \"%s\"", r->name);
}

/* The first good copy. A damaged or unreachable one is told and the next repository asked; absence needs all of them. */
static enum err_code ask_all(const struct cluster *c, const struct request *q, struct delivery *got,
                             struct err *e)
{
    struct err worst = ERR_NONE;

    for (size_t i = 0; i < c->repo_count; i++) {
        struct err why = ERR_NONE;

        if (ask(q, c->repos[i], got, &why) == ERR_OK)
            return ERR_OK;
        if (why.code != ERR_ABSENT && c->repo_count > 1)
            log_warning("%s%s", why.text, i + 1 < c->repo_count ? ", trying the next repository" : "");
        if (worst.code == ERR_OK || worst.code == ERR_ABSENT)
            worst = why;
    }
    *e = worst;
    return worst.code;
}

/* For the estimate of later plans. In a recovery the working directory is the data directory. */
static void measure(const struct cluster *c, const struct request *q, const struct delivery *got,
                    int64_t asked_us)
{
    struct stat pgdata;
    struct replay_step step = {.line = q->layout.line,
                               .file = &q->file,
                               .segment_bytes = (uint32_t) got->bytes,
                               .asked_us = asked_us,
                               .answered_us = clock_mono_us(&clock_system),
                               .now_us = clock_now_us(&clock_system)};

    if (q->path.count == 0 || q->file.kind != WALFILE_SEGMENT || stat(".", &pgdata) != 0)
        return;
    step.recovery = (uint64_t) pgdata.st_ino ^ (uint64_t) pgdata.st_dev << 40;
    for (size_t i = 0; i < c->repo_count; i++)
        if (got->from == NULL || got->from == c->repos[i])
            replay_rate_note(c->spool, repo_place(c->repos[i]), &step);
}

static enum err_code answer(const struct cluster *c, struct request *q, struct err *e)
{
    const int64_t asked_us = clock_mono_us(&clock_system);
    struct delivery got = {.from = NULL};
    bool is_foreign;
    enum err_code code;

    if (judge(q, &is_foreign, e) != ERR_OK)
        return e->code;
    if (is_foreign)
        return err_set(e, ERR_ABSENT, "\"%s\" is not on the timeline path of this restore", q->name);
    code = ask_all(c, q, &got, e);
    measure(c, q, &got, asked_us);
    if (code != ERR_ABSENT)
        return code == ERR_OK ? ERR_OK : err_while(e, "could not fetch \"%s\"", q->name);
    if (!q->is_needed)
        return err_set(e, ERR_ABSENT, "\"%s\" is not in the archive", q->name);
    err_set(e, ERR_REFUSED, "\"%s\" is not in the archive, but this restore needs it", q->name);
    return err_hint(e, "Recovery must not end here. Run \"pitr plan\" again to see what is restorable now.");
}

enum err_code ops_fetch(struct cluster *c, const struct fetch_options *o, const char *name, const char *dest,
                        struct err *e)
{
    struct request q = {.name = name, .dest = dest};
    enum err_code code = walfile_parse(name, &q.file, e);

    if (code == ERR_OK)
        code = settle_line(&q, c->name, o->line, e);
    if (code == ERR_OK)
        code = settle_plan(&q, o, e);
    if (code == ERR_OK)
        code = answer(c, &q, e);
    timeline_clear(&q.path);
    return code;
}
