/*
 * cli/print_estimate.c - see cli/print_estimate.h.
 */
#include "cli/print_estimate.h"

#include "base/timestamp.h"
#include "cli/output.h"

#include <inttypes.h>

#define LABEL    "%-15s"
#define US       INT64_C(1000000)
#define LEAST_US (10 * US) /* less than this is not told apart */
#define DATE_LEN 10
#define LARGEST  1e18 /* bytes a second that can be shown */

#define NOT_MEASURED "not measured on this host yet"

/* ---- text ------------------------------------------------------------------------------------------------------ */

void estimate_span(int64_t us, char out[ESTIMATE_TEXT_MAX])
{
    static const struct {
        int64_t below; /* seconds */
        int64_t step;
    } steps[] = {{55, 10}, {20 * 60, 60}, {2 * 3600, 5 * 60}, {10 * 3600, 30 * 60}, {INT64_MAX, 3600}};
    int64_t seconds = us / US, step;
    size_t i = 0;

    if (us < LEAST_US) {
        (void) snprintf(out, ESTIMATE_TEXT_MAX, "less than 10 s");
        return;
    }
    while (seconds >= steps[i].below)
        i++;
    step = steps[i].step;
    output_span((seconds + step / 2) / step * step * US, out);
}

/* By the server's clock, which may have been set meanwhile. */
static bool has_duration(const struct backup_info *b)
{
    return b->stop_us >= b->start_us;
}

static double bytes_per_second(const struct restore_rate *r)
{
    return (double) r->bytes * (double) US / (double) r->spent_us;
}

static void print_restore(const struct plan *p, const struct plan_estimate *e, FILE *out)
{
    const struct backup_info *b = p->backup;
    double speed;
    char time[ESTIMATE_TEXT_MAX], size[OUTPUT_TEXT_MAX], rate[OUTPUT_TEXT_MAX], when[TIMESTAMP_TEXT_MAX];

    if (!e->has_restore) {
        output_span(b->stop_us - b->start_us, time);
        fprintf(out, LABEL NOT_MEASURED "%s%s\n", "  restore",
                has_duration(b) ? "; taking the backup took " : "", has_duration(b) ? time : "");
        return;
    }
    estimate_span(e->restore_us, time);
    output_bytes(b->data_bytes, size);
    speed = bytes_per_second(&e->restore);
    output_bytes((uint64_t) (speed < LARGEST ? speed : LARGEST), rate);
    timestamp_format(e->restore.when_us, when);
    fprintf(out, LABEL "%s for %s at %s/s, as measured by the restore of %.*s\n", "  restore", time, size,
            rate, DATE_LEN, when);
}

/* Segments in a second, fetched and replayed. */
static double segments_per_second(const struct replay_rate *r)
{
    int64_t us = r->fetch_us + r->replay_us;

    return (double) r->segments * (double) US / (double) (us > 0 ? us : 1);
}

static void print_replay(const struct plan *p, const struct plan_estimate *e, FILE *out)
{
    char time[ESTIMATE_TEXT_MAX], fetching[ESTIMATE_TEXT_MAX], when[TIMESTAMP_TEXT_MAX];
    double rate = segments_per_second(&e->replay);

    if (!e->has_replay) {
        fprintf(out, LABEL NOT_MEASURED "\n", "  replay");
        return;
    }
    estimate_span(e->replay_us, time);
    estimate_span(e->fetch_us, fetching);
    timestamp_format(e->replay.when_us, when);
    fprintf(out,
            LABEL "%s for %" PRIu64 " segment%s at %.*f/s, as measured over %" PRIu64
                  " in the recovery of %.*s\n",
            "  replay", time, p->wal_segments, p->wal_segments == 1 ? "" : "s",
            rate >= 10    ? 0
            : rate >= 0.1 ? 1
                          : 4,
            rate, e->replay.segments, DATE_LEN, when);
    if (e->fetch_us >= LEAST_US)
        fprintf(out, LABEL "%s of it to fetch them\n", "", fetching);
}

void print_estimate(const struct plan *p, const struct plan_estimate *e, FILE *out)
{
    char time[ESTIMATE_TEXT_MAX];

    if (e->has_restore && e->has_replay) {
        estimate_span(e->restore_us + e->replay_us, time);
        fprintf(out, LABEL "%s%s\n", "Estimate", e->restore_us + e->replay_us < LEAST_US ? "" : "about ",
                time);
    } else {
        fprintf(out, LABEL "not known%s\n", "Estimate",
                e->has_restore || e->has_replay ? ": only a part was measured" : "");
    }
    print_restore(p, e, out);
    print_replay(p, e, out);
}

/* ---- JSON ------------------------------------------------------------------------------------------------------ */

/* Whole seconds, the begun one with them. */
static json_t *seconds_to_json(bool is_known, int64_t us)
{
    return is_known ? json_integer((us + US - 1) / US) : json_null();
}

static void set_measured(json_t *o, bool is_known, int64_t when_us)
{
    if (is_known) {
        json_set_moment(o, "measured", when_us);
        return;
    }
    (void) json_object_set_new(o, "measured_time", json_null());
    (void) json_object_set_new(o, "measured_us", json_null());
}

static json_t *restore_to_json(const struct plan *p, const struct plan_estimate *e)
{
    const struct restore_rate *r = &e->restore;
    json_t *o = json_object();

    (void) json_object_set_new(o, "seconds", seconds_to_json(e->has_restore, e->restore_us));
    json_set_bytes(o, "bytes", p->backup->data_bytes);
    (void) json_object_set_new(o, "bytes_per_second",
                               e->has_restore ? json_real(bytes_per_second(r)) : json_null());
    set_measured(o, e->has_restore, r->when_us);
    (void) json_object_set_new(
        o, "backup_seconds",
        seconds_to_json(has_duration(p->backup), p->backup->stop_us - p->backup->start_us));
    return o;
}

static json_t *replay_to_json(const struct plan *p, const struct plan_estimate *e)
{
    const struct replay_rate *r = &e->replay;
    json_t *o = json_object();

    (void) json_object_set_new(o, "seconds", seconds_to_json(e->has_replay, e->replay_us));
    (void) json_object_set_new(o, "fetch_seconds", seconds_to_json(e->has_replay, e->fetch_us));
    json_set_bytes(o, "segments", p->wal_segments);
    (void) json_object_set_new(o, "segments_per_second",
                               e->has_replay ? json_real(segments_per_second(r)) : json_null());
    (void) json_object_set_new(o, "measured_segments",
                               e->has_replay ? json_integer((json_int_t) r->segments) : json_null());
    set_measured(o, e->has_replay, r->when_us);
    return o;
}

json_t *estimate_to_json(const struct plan *p, const struct plan_estimate *e)
{
    json_t *o = json_object();

    (void) json_object_set_new(
        o, "seconds", seconds_to_json(e->has_restore && e->has_replay, e->restore_us + e->replay_us));
    (void) json_object_set_new(o, "restore", restore_to_json(p, e));
    (void) json_object_set_new(o, "replay", replay_to_json(p, e));
    return o;
}
