/*
 * ops/log_summary.c - see ops/log_summary.h.
 *
 * Each segment of the range in turn: its descriptor; if that is not enough, the segment. What crosses a border is read
 * from both sides. Where data went, what it was is told by what the transaction made, so reading begins LEAD segments
 * before.
 *
 * WAL        belongs to the commit it leads up to: the bytes from the commit before are counted with it. Of a segment
 *            not read the last commit is known, and that all lie in one bucket. What lies behind the last commit of an
 *            open range is counted with that.
 */
#include "ops/log_summary.h"

#define LEAD 8

struct counting {
    const struct log_options *options;
    const struct log_visitor *visitor;
    struct log_source source;
    struct log_range range;
    struct log_names *names;
    struct log_read read;
    struct waldrops drops;
    struct log_undo undo;
    struct log_summary *out;
    lsn from;         /* records before are counted already, or lie before the range */
    lsn counted;      /* WAL before this is counted */
    int64_t clock_us; /* of the last event that has a time; 0 = none */
    int64_t last_us;  /* of the last commit counted; 0 = none */
};

static void counting_clear(struct counting *c)
{
    log_read_break(&c->read);
    log_names_freep(&c->names);
    log_source_clear(&c->source);
}

void log_summary_clear(struct log_summary *s)
{
    log_buckets_clear(&s->buckets);
}

/* ---- counting what is read ---- */

static void begin_stretch(void *arg, lsn start)
{
    struct counting *c = arg;

    waldrops_init(&c->drops, c->source.line.major, start);
    c->undo = (struct log_undo){.redo = {0}};
}

/* WAL up to here belongs to a commit; false: of which no more is known than that it lies before. */
static void count_bytes(struct counting *c, lsn to, struct log_bucket *bucket)
{
    if (to <= c->counted)
        return;
    if (bucket != NULL)
        bucket->wal_bytes += to - c->counted;
    c->counted = to;
}

static void count_loss(struct counting *c, const struct walevent *v, enum waldrops_kind did,
                       struct log_bucket *bucket)
{
    lsn ignored;

    if (!log_undo_at(&c->undo, v, did, &ignored))
        return;
    if (v->type != WALEVENT_COMMIT) {
        bucket->database_drops++;
        return;
    }
    if (wal_log_is_index_only(log_names_look_up(c->names, v), v))
        return;
    if (did == WALDROPS_TRUNCATE || did == WALDROPS_TRUNCATE_OR_REWRITE)
        bucket->truncates++;
    else
        bucket->drops++;
}

static bool is_counted(const struct walevent *v)
{
    return v->type == WALEVENT_COMMIT || v->type == WALEVENT_ABORT || v->type == WALEVENT_RESTORE_POINT ||
           v->type == WALEVENT_DROP_DATABASE || v->type == WALEVENT_DROP_TABLESPACE;
}

static enum err_code meet(const struct walevent *v, void *arg, struct err *e)
{
    struct counting *c = arg;
    const enum waldrops_kind did = waldrops_meet(&c->drops, v);
    struct log_bucket *bucket = NULL;

    log_undo_meet(&c->undo, v);
    c->clock_us = v->time_us != 0 ? v->time_us : c->clock_us;
    if (!is_counted(v) || v->start < c->from)
        return ERR_OK;
    c->from = v->start + 1;
    if (c->clock_us != 0 && log_range_has(&c->range, v->start, c->clock_us) &&
        log_buckets_at(&c->out->buckets, c->clock_us, &bucket, e) != ERR_OK)
        return e->code;
    if (v->type == WALEVENT_COMMIT)
        count_bytes(c, v->end, bucket);
    if (bucket == NULL)
        return ERR_OK;
    bucket->commits += v->type == WALEVENT_COMMIT;
    bucket->aborts += v->type == WALEVENT_ABORT;
    bucket->restore_points += v->type == WALEVENT_RESTORE_POINT;
    c->last_us = v->type == WALEVENT_COMMIT ? c->clock_us : c->last_us;
    count_loss(c, v, did, bucket);
    return ERR_OK;
}

static enum err_code tell_hole(void *arg, const struct log_hole *hole, struct err *e)
{
    struct counting *c = arg;
    const lsn behind = walseg_start(c->read.told_to, c->source.place.segment_bytes);

    c->counted = behind > c->counted ? behind : c->counted;
    return c->visitor->hole(c->visitor->arg, hole, e);
}

/* ---- what descriptors tell ---- */

static bool is_whole_inside(const struct log_range *r, const struct wal_facts *f)
{
    return (r->since.kind != LOG_LSN || r->since.position <= f->first_lsn) &&
           (r->until.kind != LOG_LSN || r->until.position >= f->end_lsn) &&
           log_range_has(r, f->first_lsn, f->min_us) && log_range_has(r, f->first_lsn, f->max_us);
}

/* Nothing begins in it, or crosses out of it, that its descriptor does not count. */
static bool is_told(const struct counting *c, uint64_t number, const struct wal_facts *f)
{
    const int64_t every = c->out->buckets.every_us;

    if (!f->has_marks || f->open_lsn != 0 || f->loss_lsn != 0 || f->point_lsn != 0)
        return false;
    if (wal_facts_ends_early(f) && number < c->source.last)
        return false;
    return f->commits + f->aborts == 0 ||
           (is_whole_inside(&c->range, f) &&
            log_buckets_floor(f->min_us, every) == log_buckets_floor(f->max_us, every));
}

static enum err_code count_told(struct counting *c, const struct wal_facts *f, struct err *e)
{
    struct log_bucket *bucket;

    c->out->told++;
    if (f->commits + f->aborts == 0)
        return ERR_OK;
    if (log_buckets_at(&c->out->buckets, f->max_us, &bucket, e) != ERR_OK)
        return e->code;
    bucket->commits += f->commits;
    bucket->aborts += f->aborts;
    c->clock_us = f->last_us;
    if (f->commits > 0) {
        count_bytes(c, f->commit_lsn, bucket);
        c->last_us = f->last_us;
    }
    return ERR_OK;
}

/* ---- one segment after the other ---- */

static enum err_code read_one(struct counting *c, uint64_t *number, bool has_loss, struct err *e)
{
    const uint64_t wanted = *number, lead = has_loss ? LEAD : 0;
    uint64_t at = wanted;

    if (c->read.scan == NULL) {
        at = wanted > c->source.first + lead ? wanted - lead : c->source.first;
        c->from = walseg_start(wanted, c->source.place.segment_bytes) > c->from
                      ? walseg_start(wanted, c->source.place.segment_bytes)
                      : c->from;
    }
    while (at <= wanted) {
        if (log_read_segment(&c->read, &at, e) != ERR_OK || c->visitor->pause(c->visitor->arg, e) != ERR_OK)
            return e->code;
        c->out->read++;
    }
    *number = at;
    return ERR_OK;
}

static enum err_code count_one(struct counting *c, uint64_t *number, bool *is_open, struct err *e)
{
    struct wal_facts f = {.segment_bytes = 0};
    struct err why = ERR_NONE;
    const bool is_known = log_source_facts(&c->source, *number, &f, &why) == ERR_OK;
    const bool was_open = *is_open;

    if (!is_known && why.code != ERR_ABSENT && why.code != ERR_CORRUPT) {
        *e = why;
        return why.code;
    }
    *is_open = is_known && (!f.has_marks || f.open_lsn != 0);
    if (!is_known || was_open || !is_told(c, *number, &f))
        return read_one(c, number, !is_known || !f.has_marks || f.loss_lsn != 0, e);
    log_read_break(&c->read);
    (*number)++;
    return count_told(c, &f, e);
}

/* WAL behind the last commit, of a transaction that goes on. */
static enum err_code count_rest(struct counting *c, struct err *e)
{
    struct log_bucket *bucket;
    struct wal_facts f;
    struct err ignored = ERR_NONE;

    if (c->last_us == 0 || c->range.until.kind != LOG_OPEN ||
        log_source_facts(&c->source, c->source.last, &f, &ignored) != ERR_OK)
        return ERR_OK;
    if (log_buckets_at(&c->out->buckets, c->last_us, &bucket, e) != ERR_OK)
        return e->code;
    count_bytes(c, f.end_lsn, bucket);
    return ERR_OK;
}

static enum err_code count_all(struct counting *c, struct err *e)
{
    uint64_t number = c->range.first;
    bool is_open = false; /* range.first is where what crosses into the range begins */

    c->counted = walseg_start(number, c->source.place.segment_bytes);
    if (c->range.since.kind == LOG_LSN && c->range.since.position > c->counted)
        c->counted = c->range.since.position;
    while (number <= c->range.last)
        if (count_one(c, &number, &is_open, e) != ERR_OK)
            return e->code;
    return count_rest(c, e);
}

/* From the first moment of the range to the last, as well as descriptors tell: how long it is. */
static int64_t span_of(const struct counting *c)
{
    const struct log_range *r = &c->range;
    struct wal_facts first, last;
    struct err ignored = ERR_NONE;
    int64_t begin, end;

    if (r->first > r->last || log_source_facts(&c->source, r->first, &first, &ignored) != ERR_OK ||
        log_source_facts(&c->source, r->last, &last, &ignored) != ERR_OK)
        return 0;
    begin = r->since.kind == LOG_TIME          ? r->since.time_us
            : first.commits + first.aborts > 0 ? first.min_us
                                               : 0;
    end = r->until.kind == LOG_TIME ? r->until.time_us : last.run_has_max ? last.run_max_us : 0;
    return begin != 0 && end > begin ? end - begin : 0;
}

enum err_code ops_log_summary(struct cluster *cluster, const struct log_options *o,
                              const struct log_visitor *v, struct log_summary *out, bool *any, struct err *e)
{
    CLEANUP(counting_clear) struct counting c = {.options = o, .visitor = v, .out = out};

    *any = false;
    *out = (struct log_summary){.read = 0};
    c.read = (struct log_read){
        .source = &c.source, .range = &c.range, .calls = {begin_stretch, meet, tell_hole, &c}};
    if (log_source_open(cluster, o->repo, o->timeline, &c.source, e) != ERR_OK ||
        log_range_find(&c.source, &o->since, &o->until, &c.range, e) != ERR_OK ||
        log_names_new(&c.source, &c.names, e) != ERR_OK || v->begin(v->arg, &c.source, &c.range, e) != ERR_OK)
        return e->code;
    out->buckets.every_us = o->every_us > 0 ? o->every_us : log_buckets_choose(span_of(&c));
    if (count_all(&c, e) != ERR_OK)
        return e->code;
    *any = true;
    return log_read_judge(&c.read, e);
}
