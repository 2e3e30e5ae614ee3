/*
 * ops/fetch.c - see ops/fetch.h.
 *
 * The server takes "absent" for the end of WAL, so it is said only when it is known:
 *   1. every repository answered "no such object" itself,
 *   2. the line exists in each of them (a wrong prefix or an unmounted disk holds no line),
 *   3. no plan says that the segment must be there.
 * So it is never said by the window of segments that lie ready (repo/prefetch.h), only by those who were asked. A
 * segment taken from there was verified by the same code before it came to lie there.
 * The file is not fsynced: the server does that before it uses it (xlogarchive.c, durable_rename).
 * A recovery that follows a plan is measured (repo/replay_rate.h); one without may be a standby, which waits.
 */
#include "ops/fetch.h"

#include "base/clock.h"
#include "base/durable.h"
#include "ops/fetch_request.h"
#include "ops/fetch_window.h"
#include "repo/line.h"
#include "repo/replay_rate.h"

#include <sys/stat.h>

#define NOWHERE SIZE_MAX

struct delivery {
    const struct fetch_request *request;
    const struct durable *out;
};

/* ERR_OK, or ERR_ABSENT when that is certain for this repository, or why it could not be had. */
static enum err_code ask(void *arg, struct repo *r, struct err *e)
{
    const struct delivery *d = arg;
    struct err missing = ERR_NONE;
    uint64_t bytes;
    enum err_code code = fetch_request_copy(d->request, r, d->out->fd, d->out->path, &bytes, &missing);

    if (code == ERR_OK)
        return ERR_OK;
    if (code == ERR_ABSENT && line_confirm(r, &d->request->layout, e) != ERR_OK)
        return err_while(e, "repository \"%s\"", r->name);
    *e = missing;
    return code == ERR_ABSENT ? code : err_while(e, "repository \"%s\"", r->name);
}

/* *from: which repository it came from, or NOWHERE. */
static enum err_code get(const struct cluster *c, const struct fetch_request *q, const char *dest,
                         size_t *from, struct err *e)
{
    CLEANUP(durable_discard) struct durable out = DURABLE_NONE;
    struct delivery d = {q, &out};

    if (durable_open(&out, dest, 0600, e) != ERR_OK ||
        fetch_first_good(c, 0, true, ask, &d, from, e) != ERR_OK || durable_commit_quick(&out, e) != ERR_OK) {
        *from = NOWHERE;
        return e->code;
    }
    return ERR_OK;
}

/* For the estimate of later plans. In a recovery the working directory is the data directory. */
static void measure(const struct cluster *c, const struct fetch_request *q, size_t from, int64_t asked_us)
{
    struct stat pgdata;
    struct replay_step step = {.line = q->layout.line,
                               .file = &q->file,
                               .segment_bytes = from == NOWHERE ? 0 : q->control.segment_bytes,
                               .asked_us = asked_us,
                               .answered_us = clock_mono_us(&clock_system),
                               .now_us = clock_now_us(&clock_system)};

    if (q->path.count == 0 || q->file.kind != WALFILE_SEGMENT || stat(".", &pgdata) != 0)
        return;
    step.recovery = (uint64_t) pgdata.st_ino ^ (uint64_t) pgdata.st_dev << 40;
    for (size_t i = 0; i < c->repo_count; i++)
        if (from == NOWHERE || from == i)
            replay_rate_note(c->spool, cluster_place(c, i), &step);
}

/* What no repository gave: is it the truth that it is not there, and may it be? */
static enum err_code refuse(const struct fetch_request *q, struct err *e)
{
    if (e->code != ERR_ABSENT)
        return err_while(e, "could not fetch \"%s\"", q->name);
    if (!q->is_needed)
        return err_set(e, ERR_ABSENT, "\"%s\" is not in the archive", q->name);
    err_set(e, ERR_REFUSED, "\"%s\" is not in the archive, but this restore needs it", q->name);
    return err_hint(e, "Recovery must not end here. Run \"pitr plan\" again to see what is restorable now.");
}

/* From the window, where it lies ready; else the repositories are asked. */
static enum err_code deliver(struct cluster *c, const struct fetch_request *q, const struct fetch_options *o,
                             const char *dest, struct err *e)
{
    CLEANUP(fetch_window_close) struct fetch_window window;
    const int64_t asked_us = clock_mono_us(&clock_system);
    size_t from = NOWHERE;
    enum err_code code = ERR_OK;

    fetch_window_open(&window, c, q, o, asked_us);
    if (!fetch_window_take(&window, q, dest, &from)) {
        if (cluster_connect(c, e) != ERR_OK)
            return e->code;
        if (!fetch_window_asks(&window, q, dest, &from))
            code = get(c, q, dest, &from, e);
    }
    measure(c, q, from, asked_us);
    if (code != ERR_OK)
        return refuse(q, e);
    if (fetch_window_given(&window, q) && o->start_ahead != NULL)
        o->start_ahead(o->start_arg);
    return ERR_OK;
}

enum err_code ops_fetch(struct cluster *c, const struct fetch_options *o, const char *name, const char *dest,
                        struct err *e)
{
    CLEANUP(fetch_request_clear) struct fetch_request q = {.name = name};
    bool is_foreign;

    if (fetch_request_init(&q, c->name, o, name, e) != ERR_OK ||
        fetch_request_judge(&q, &is_foreign, e) != ERR_OK)
        return e->code;
    if (!is_foreign)
        return deliver(c, &q, o, dest, e);
    if (cluster_connect(c, e) != ERR_OK)
        return e->code;
    return err_set(e, ERR_ABSENT, "\"%s\" is not on the timeline path of this restore", name);
}
