/*
 * test_history_model.c - is what other tests take for true what it says? Made-up histories, read with the program's own
 * reader of WAL.
 */
#include "history_facts.h"
#include "history_make.h"
#include "history_replay.h"
#include "history_wal.h"

#include "check_main.h"
#include "pg/walscan.h"

#include <inttypes.h>

struct reading {
    const struct history *h;
    struct history_cursor cursor;
    struct wal_facts counted; /* in one segment, read alone */
    struct wal_facts before;  /* what the descriptor of the segment before tells */
    struct walcut begun;      /* what that ended inside */
};

/* The next record that the reader tells of. */
static const struct history_record *next_told(struct history_cursor *c)
{
    const struct history_record *r;

    do
        r = history_next(c);
    while (r != NULL && (r->kind == HISTORY_NOISE || r->kind == HISTORY_FILL));
    return r;
}

/* Every event that the program's own reader meets is the model's next one. */
static enum err_code compare(const struct walevent *v, void *arg, struct err *e)
{
    struct reading *x = arg;
    const struct history_record *r = next_told(&x->cursor);

    (void) e;
    ck_assert_msg(r != NULL, "seed %" PRIu64 ": one too many", x->h->seed);
    ck_assert_msg(v->start == r->start && v->end == r->end, "seed %" PRIu64 ": %" PRIX64 " is at %" PRIX64,
                  x->h->seed, r->start, v->start);
    ck_assert_int_eq(v->type == WALEVENT_COMMIT, history_is_commit(r));
    ck_assert_int_eq(v->type == WALEVENT_RESTORE_POINT, r->kind == HISTORY_POINT);
    if (history_ends_transaction(r))
        ck_assert(v->xid == r->xid && v->time_us == r->time_us);
    if (r->kind == HISTORY_POINT)
        ck_assert_str_eq(v->name, history_name(r->name));
    return ERR_OK;
}

static enum err_code count(const struct walevent *v, void *arg, struct err *e)
{
    struct wal_facts *f = &((struct reading *) arg)->counted;

    (void) e;
    f->restore_points += v->type == WALEVENT_RESTORE_POINT;
    f->commits += v->type == WALEVENT_COMMIT;
    f->aborts += v->type == WALEVENT_ABORT;
    if (v->type == WALEVENT_COMMIT)
        f->commit_lsn = v->start;
    if ((v->type == WALEVENT_COMMIT || v->type == WALEVENT_ABORT) && v->time_us > f->max_us)
        f->max_us = v->time_us;
    return ERR_OK;
}

static void compare_run(const struct reading *x, const struct wal_facts *f)
{
    const struct wal_facts *b = &x->before;
    int64_t max_us = f->commits + f->aborts > 0 ? f->max_us : INT64_MIN;

    if (f->run_from < f->first_lsn) {
        ck_assert_msg(b->first_lsn == f->run_from || b->run_from == f->run_from, "seed %" PRIu64, x->h->seed);
        max_us = b->run_has_max && b->run_max_us > max_us ? b->run_max_us : max_us;
        max_us = f->has_crossing && f->crossing_us > max_us ? f->crossing_us : max_us;
        ck_assert_uint_eq(f->run_commit, f->commit_lsn != 0 ? f->commit_lsn : b->run_commit);
    }
    ck_assert(f->run_has_max == (max_us != INT64_MIN));
    ck_assert_msg(!f->run_has_max || f->run_max_us == max_us, "seed %" PRIu64 ": newest at %" PRIX64,
                  x->h->seed, f->first_lsn);
}

static struct wal_facts facts_at(const struct history *h, uint32_t tli, uint64_t number)
{
    const struct history_timeline *t = &h->timelines[tli];
    struct wal_facts *all = calloc((size_t) (t->last - t->first + 1), sizeof(*all)), f;

    ck_assert_ptr_nonnull(all);
    history_facts_all(h, tli, all);
    f = all[number - t->first];
    free(all);
    return f;
}

/* Is the record that crosses into the segment told, where its run holds the segment before? */
static void compare_crossing(struct reading *x, const struct walscan *alone, const struct wal_facts *f)
{
    struct walcut rest;
    int64_t us = 0;
    bool is_end;

    walscan_rest(alone, &rest);
    walcut_add(&x->begun, rest.bytes, rest.len);
    is_end = walcut_time(&x->begun, f->major, &us);
    ck_assert(f->has_crossing == (is_end && f->run_from < f->first_lsn));
    ck_assert(!f->has_crossing || f->crossing_us == us);
    walscan_begun(alone, &x->begun);
}

/* Does the descriptor tell what is read? */
static void compare_facts(struct reading *x, uint32_t tli, const struct walscan *alone)
{
    const struct wal_facts *c = &x->counted;
    const uint64_t number = walseg_number(walscan_last(alone), x->h->segment_bytes);
    const struct wal_facts f = facts_at(x->h, tli, number);

    compare_run(x, &f);
    compare_crossing(x, alone, &f);
    x->before = f;
    if (!f.has_records)
        return;
    ck_assert(f.commits == c->commits && f.aborts == c->aborts && f.restore_points == c->restore_points);
    ck_assert(f.commits + f.aborts == 0 || f.max_us == c->max_us);
    ck_assert_uint_eq(f.end_lsn, walscan_end(alone));
    ck_assert_uint_eq(f.last_lsn, walscan_last(alone));
    ck_assert_uint_eq(f.commit_lsn, walscan_open(alone) != 0 ? walscan_open(alone) : c->commit_lsn);
}

static void read_segment(struct reading *x, uint32_t tli, uint64_t number, struct walscan *scan)
{
    CLEANUP(buf_clear) struct buf bytes = BUF_INIT(x->h->segment_bytes);
    CLEANUP(walscan_freep) struct walscan *alone = NULL;
    struct err e = ERR_NONE;

    history_bytes(x->h, tli, number, &bytes);
    ck_assert_uint_eq(bytes.len, x->h->segment_bytes);
    ck_assert_int_eq(walscan_push(scan, bytes.data, bytes.len, &e), ERR_OK);
    ck_assert_msg(!walscan_is_ended(scan), "seed %" PRIu64 ": segment %" PRIX64 " is no valid WAL",
                  x->h->seed, number);
    x->counted = (struct wal_facts){.max_us = INT64_MIN};
    ck_assert(walscan_new(x->h->segment_bytes, walseg_start(number, x->h->segment_bytes), count, x, &alone,
                          &e) == ERR_OK &&
              walscan_push(alone, bytes.data, bytes.len, &e) == ERR_OK);
    compare_facts(x, tli, alone);
}

START_TEST(a_made_up_history_is_wal_and_reads_as_it_was_made)
{
    const unsigned dimensions = HISTORY_FORKS | HISTORY_IDLE | HISTORY_DISORDER | HISTORY_CROSSINGS |
                                HISTORY_ABORTS_CROSS | HISTORY_BARE | HISTORY_CLOCK_STEPS;

    for (uint64_t seed = 1; seed <= 40; seed += thin_step()) {
        struct history *h = history_random(seed, dimensions);
        const uint32_t tli = 1 + (uint32_t) (seed % h->last_tli);
        CLEANUP(walscan_freep) struct walscan *scan = NULL;
        const uint64_t first = h->timelines[1].first;
        struct reading x = {.h = h};
        struct err e = ERR_NONE;

        history_cursor_init(&x.cursor, h, tli, first);
        ck_assert_int_eq(
            walscan_new(h->segment_bytes, walseg_start(first, h->segment_bytes), compare, &x, &scan, &e),
            ERR_OK);
        for (uint64_t n = first; n <= h->timelines[tli].last; n++)
            read_segment(&x, history_owner(h, tli, n), n, scan);
        ck_assert_ptr_null(next_told(&x.cursor));
        free(h);
    }
}
END_TEST

/* A benchmark's histories are too long for all of them. */
START_TEST(one_segments_facts_are_those_that_the_whole_timeline_gives)
{
    const unsigned dimensions = HISTORY_FORKS | HISTORY_IDLE | HISTORY_DISORDER | HISTORY_CROSSINGS |
                                HISTORY_ABORTS_CROSS | HISTORY_BARE | HISTORY_BATCHES;

    for (uint64_t seed = 1; seed <= 40; seed += thin_step()) {
        struct history *h = history_random(seed, dimensions);
        const struct history_timeline *t = &h->timelines[h->last_tli];
        struct wal_facts *all = calloc((size_t) (t->last - t->first + 1), sizeof(*all));

        ck_assert_ptr_nonnull(all);
        history_facts_all(h, h->last_tli, all);
        for (uint64_t n = t->first; n <= t->last; n++) {
            const struct wal_facts *of_all = &all[n - t->first];
            struct wal_facts f;

            history_facts(h, h->last_tli, n, &f);
            if (of_all->run_from ==
                f.run_from) /* else hours lie between two segments, and the jitter is as long */
                ck_assert_msg(f.run_has_max == of_all->run_has_max && f.run_max_us == of_all->run_max_us &&
                                  f.run_commit == of_all->run_commit && f.run_to == of_all->run_to &&
                                  f.has_crossing == of_all->has_crossing &&
                                  f.crossing_us == of_all->crossing_us && f.commit_lsn == of_all->commit_lsn,
                              "seed %" PRIu64 ", segment %" PRIX64, seed, n);
        }
        free(all);
        free(h);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_made_up_history_is_wal_and_reads_as_it_was_made,
                                  one_segments_facts_are_those_that_the_whole_timeline_gives};

    return check_main(suite_of("ops/history_model", tests, sizeof(tests) / sizeof(tests[0])));
}
