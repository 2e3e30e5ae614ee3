/*
 * repo/replay_rate.c - see repo/replay_rate.h.
 *
 *   the segment asked for                               it was handed over            it was not
 *   follows in the same recovery, the one before is     the one before counts         it counts, the measure ends
 *   known to be replaying since then
 *   anything else                                       a new measure begins with it  nothing
 *
 * The monotonic clock does not step, and begins anew with the machine: a time before the last one is not counted. A
 * restarted server begins again at a restart point, and what it asks for then follows on nothing.
 */
#include "repo/replay_rate.h"

#include "repo/layout.h"
#include "repo/line.h"
#include "repo/rate_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NAME          "replay"
#define LONGEST_US    (INT64_C(60) * 1000000) /* of one step, for a segment of USUAL_BYTES or less */
#define USUAL_BYTES   (16u << 20)
#define NOT_REPLAYING (-1)

struct state {
    char line[LINE_TEXT_MAX];
    uint64_t recovery;
    uint32_t segment_bytes; /* 0: nothing is known */
    uint64_t next;
    int64_t since_us;
    int64_t waited_us;
    struct replay_rate this_one, earlier;
};

static void format(const struct state *s, char text[RATE_TEXT_MAX])
{
    const struct replay_rate *a = &s->this_one, *b = &s->earlier;

    (void) snprintf(text, RATE_TEXT_MAX,
                    "%s %016" PRIx64 " %" PRIu32 " %" PRIu64 " %" PRId64 " %" PRId64 " %" PRIu64 " %" PRId64
                    " %" PRId64 " %" PRId64 " %" PRIu64 " %" PRId64 " %" PRId64 " %" PRId64,
                    s->line, s->recovery, s->segment_bytes, s->next, s->since_us, s->waited_us, a->segments,
                    a->fetch_us, a->replay_us, a->when_us, b->segments, b->fetch_us, b->replay_us,
                    b->when_us);
}

static bool is_time(int64_t us)
{
    return us >= 0 && us <= INT64_MAX / 4; /* sums of a few fit */
}

static bool is_possible(const struct replay_rate *r)
{
    return is_time(r->fetch_us) && is_time(r->replay_us) && is_time(r->when_us);
}

/* Nothing is known where it is not exactly what this program would have written. */
static bool read_state(const struct spool *spool, const char *place, struct state *out)
{
    struct state s;
    struct replay_rate *a = &s.this_one, *b = &s.earlier;
    char text[RATE_TEXT_MAX], again[RATE_TEXT_MAX];

    *out = (struct state){.since_us = NOT_REPLAYING};
    if (!rate_file_read(spool, NAME, place, text) ||
        sscanf(text,
               "%16[0-9a-f] %16" SCNx64 " %10" SCNu32 " %20" SCNu64 " %20" SCNd64 " %20" SCNd64 " %20" SCNu64
               " %20" SCNd64 " %20" SCNd64 " %20" SCNd64 " %20" SCNu64 " %20" SCNd64 " %20" SCNd64
               " %20" SCNd64,
               s.line, &s.recovery, &s.segment_bytes, &s.next, &s.since_us, &s.waited_us, &a->segments,
               &a->fetch_us, &a->replay_us, &a->when_us, &b->segments, &b->fetch_us, &b->replay_us,
               &b->when_us) != 14)
        return false;
    format(&s, again);
    if (strcmp(text, again) != 0 || !walseg_size_is_valid(s.segment_bytes) || !is_possible(a) ||
        !is_possible(b) || !is_time(s.waited_us) || (s.since_us != NOT_REPLAYING && !is_time(s.since_us)))
        return false;
    *out = s;
    return true;
}

static const struct replay_rate *better(const struct state *s)
{
    const struct replay_rate *a = &s->this_one, *b = &s->earlier;

    return a->segments >= REPLAY_RATE_ENOUGH || a->segments >= b->segments ? a : b;
}

/* Is it the segment that this recovery was to ask for next, while it was replaying the one before? */
static bool goes_on(const struct state *s, const struct replay_step *step, uint64_t number)
{
    return s->since_us != NOT_REPLAYING && strcmp(s->line, step->line) == 0 &&
           s->recovery == step->recovery && s->next == number && s->since_us <= step->asked_us &&
           (step->segment_bytes == 0 || step->segment_bytes == s->segment_bytes);
}

static void count(struct state *s, const struct replay_step *step)
{
    int64_t usuals = s->segment_bytes > USUAL_BYTES ? s->segment_bytes / USUAL_BYTES : 1;
    int64_t replayed_us = step->asked_us - s->since_us;

    if (replayed_us > usuals * LONGEST_US || s->waited_us > usuals * LONGEST_US)
        return;
    s->this_one.segments++;
    s->this_one.fetch_us += s->waited_us;
    s->this_one.replay_us += replayed_us;
    s->this_one.when_us = step->now_us;
}

static void begin_anew(struct state *s, const struct replay_step *step)
{
    *s = (struct state){.recovery = step->recovery, .earlier = *better(s)};
    (void) snprintf(s->line, sizeof(s->line), "%s", step->line);
}

static void take_over(struct state *s, const struct replay_step *step, uint64_t number)
{
    s->segment_bytes = step->segment_bytes;
    s->next = number + 1;
    s->since_us = step->answered_us;
    s->waited_us = step->answered_us - step->asked_us;
}

/* PURE. Is there anything new to remember? */
static bool advance(struct state *s, const struct replay_step *step)
{
    uint32_t segment_bytes = step->segment_bytes != 0 ? step->segment_bytes : s->segment_bytes;
    struct err ignored = ERR_NONE;
    uint64_t number;
    bool has_followed;

    if (!walseg_size_is_valid(segment_bytes) ||
        walseg_of_file(step->file, segment_bytes, &number, &ignored) != ERR_OK)
        return false;
    has_followed = goes_on(s, step, number);
    if (has_followed)
        count(s, step);
    if (step->segment_bytes == 0) {
        s->since_us = NOT_REPLAYING;
        return has_followed;
    }
    if (!has_followed)
        begin_anew(s, step);
    take_over(s, step, number);
    return true;
}

void replay_rate_note(const struct spool *s, const char *place, const struct replay_step *step)
{
    struct state state;
    char text[RATE_TEXT_MAX];

    (void) read_state(s, place, &state);
    if (!advance(&state, step))
        return;
    format(&state, text);
    rate_file_write(s, NAME, place, text);
}

bool replay_rate_read(const struct spool *s, const char *place, struct replay_rate *out)
{
    struct state state;

    *out = (struct replay_rate){0};
    if (!read_state(s, place, &state) || better(&state)->segments < REPLAY_RATE_FEWEST)
        return false;
    *out = *better(&state);
    return true;
}
