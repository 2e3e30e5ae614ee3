/*
 * ops/fetch_request.c - see ops/fetch_request.h.
 */
#include "ops/fetch_request.h"

#include "base/log.h"
#include "pg/lsn.h"
#include "repo/object.h"
#include "repo/wal_facts.h"
#include "stream/file_sink.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

static enum err_code settle_line(struct fetch_request *q, const char *cluster, const char *line,
                                 const struct err *no_control, struct err *e)
{
    uint64_t identifier = q->control.system_identifier;

    if (line != NULL) {
        if (line_parse(line, &identifier, e) != ERR_OK)
            return e->code;
    } else if (!q->has_control) {
        *e = *no_control;
        return err_while(e, "the cluster to fetch for is not known");
    }
    return layout_init(&q->layout, cluster, identifier, e);
}

static enum err_code settle_plan(struct fetch_request *q, const struct fetch_options *o, struct err *e)
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

enum err_code fetch_request_init(struct fetch_request *q, const char *cluster, const struct fetch_options *o,
                                 const char *name, struct err *e)
{
    struct err no_control = ERR_NONE;

    *q = (struct fetch_request){.name = name};
    if (walfile_parse(name, &q->file, e) != ERR_OK)
        return e->code;
    q->has_control = control_read(".", &q->control, &no_control) == ERR_OK;
    if (settle_line(q, cluster, o->line, &no_control, e) != ERR_OK || settle_plan(q, o, e) != ERR_OK)
        return e->code;
    if (q->path.count > 0 && q->file.kind == WALFILE_SEGMENT && !q->has_control) {
        *e = no_control;
        return err_while(e, "the plan's path can't be applied");
    }
    return ERR_OK;
}

void fetch_request_clear(struct fetch_request *q)
{
    timeline_clear(&q->path);
}

bool fetch_is_behind(const struct walfile *a, const struct walfile *b)
{
    return a->log != b->log ? a->log > b->log : a->seg > b->seg;
}

enum err_code fetch_request_judge(struct fetch_request *q, bool *is_foreign, struct err *e)
{
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
    if (walseg_of_file(&q->file, q->control.segment_bytes, &number, e) != ERR_OK)
        return err_while(e, "the plan's path can't be applied");
    *is_foreign = timeline_of_segment(&q->path, number, q->control.segment_bytes) != q->file.tli;
    q->is_needed = !*is_foreign && q->has_until && !fetch_is_behind(&q->file, &q->until);
    q->is_through = q->is_needed && fetch_is_behind(&q->until, &q->file);
    return ERR_OK;
}

/*
 * Recovery takes the damage for the end of WAL. A plan that goes on behind it would end too early, and might be
 * promoted there. One whose target lies before it, in this very segment or an earlier one, is not disturbed.
 */
static enum err_code judge_damage(const struct fetch_request *q, const struct wal_facts *f, struct err *e)
{
    char end[LSN_TEXT_MAX];

    lsn_format(f->end_lsn, end);
    if (q->is_through)
        return err_set(
            e, ERR_CORRUPT,
            "WAL is damaged at LSN %s in segment \"%s\", as it was archived, but this restore needs "
            "what lies behind",
            end, q->name);
    if (q->wants_no_harm)
        return err_set(e, ERR_CORRUPT, "WAL is damaged at LSN %s in segment \"%s\", as it was archived", end,
                       q->name);
    log_warning("WAL is damaged at LSN %s in segment \"%s\", as it was archived: no recovery gets past it",
                end, q->name);
    return ERR_OK;
}

/* A segment must be the one its name says, of the cluster that asked, beyond what the seal already proves. */
static enum err_code check_facts(const struct fetch_request *q, const struct descriptor *d, struct err *e)
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

static enum err_code begin_anew(int fd, const char *what, struct err *e)
{
    if (ftruncate(fd, 0) != 0 || lseek(fd, 0, SEEK_SET) != 0)
        return err_sys(e, ERR_IO, errno, "could not truncate file \"%s\"", what);
    return ERR_OK;
}

enum err_code fetch_request_copy(const struct fetch_request *q, struct repo *r, int fd, const char *what,
                                 uint64_t *bytes, struct err *e)
{
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    struct sink *file;
    char key[STORE_KEY_MAX + 1];

    layout_wal_file(&q->layout, &q->file, key);
    if (begin_anew(fd, what, e) != ERR_OK || file_sink_new(fd, what, &file, e) != ERR_OK ||
        object_get(r, key, layout_kind(q->file.kind), q->name, file, &d, e) != ERR_OK ||
        check_facts(q, &d, e) != ERR_OK)
        return e->code;
    *bytes = d.size;
    return ERR_OK;
}

bool fetch_is_full(const struct err *e)
{
    return e->sys_errno == ENOSPC || e->sys_errno == EDQUOT;
}

/* A standby may be told to take an outage for absence. So what is not an outage must not pass for one. */
static int rank(enum err_code code)
{
    return code == ERR_OK ? 0 : code == ERR_ABSENT ? 1 : code == ERR_UNREACHABLE ? 2 : 3;
}

enum err_code fetch_first_good(const struct cluster *c, size_t first, bool is_told, fetch_ask *ask, void *arg,
                               size_t *from, struct err *e)
{
    struct err worst = ERR_NONE;

    for (size_t i = 0; i < c->repo_count; i++) {
        struct err why = ERR_NONE;

        *from = (first + i) % c->repo_count;
        if (ask(arg, c->repos[*from], &why) == ERR_OK)
            return ERR_OK;
        if (rank(why.code) > rank(worst.code) || fetch_is_full(&why))
            worst = why;
        if (fetch_is_full(&why))
            break;
        if (is_told && why.code != ERR_ABSENT && c->repo_count > 1)
            log_warning("%s%s", why.text, i + 1 < c->repo_count ? ", trying the next repository" : "");
    }
    *e = worst;
    return worst.code;
}
