/*
 * test_log_summary.c - what a summary counts is what the log tells, one event after the other, of WAL written as
 * wal_words.h has it.
 */
#include "ops/log_summary.h"

#include "wal_words.h"

static unsigned holes;

static enum err_code begin(void *arg, const struct log_source *s, const struct log_range *r, struct err *why)
{
    (void) arg;
    (void) s;
    (void) r;
    (void) why;
    return ERR_OK;
}

/* Counted one by one: what the summary has to be. */
static enum err_code entry(void *arg, const struct log_entry *found, struct err *why)
{
    const struct walevent *v = found->event;
    struct log_bucket *b;

    ck_assert(log_buckets_at(arg, found->time_us, &b, why) == ERR_OK);
    b->commits += v->type == WALEVENT_COMMIT;
    b->aborts += v->type == WALEVENT_ABORT;
    b->restore_points += v->type == WALEVENT_RESTORE_POINT;
    b->truncates += found->can_undo && found->did == WALDROPS_TRUNCATE;
    b->drops += found->can_undo && found->did != WALDROPS_TRUNCATE;
    return ERR_OK;
}

static enum err_code hole(void *arg, const struct log_hole *h, struct err *why)
{
    (void) arg;
    (void) why;
    holes += (unsigned) h->segments;
    return ERR_OK;
}

static enum err_code timeline(void *arg, uint32_t number, lsn at, struct err *why)
{
    (void) arg;
    (void) number;
    (void) at;
    (void) why;
    return ERR_OK;
}

static enum err_code pass(void *arg, struct err *why)
{
    (void) arg;
    (void) why;
    return ERR_OK;
}

static const struct {
    const char *why;
    const char *wal;
    unsigned every;
    unsigned told; /* segments by their descriptors, at least */
} cases[] = {
    {"all in one bucket", "w1 c1@1 | c2@2 a3@3 | c4@4 | c5@5", 60, 4},
    {"a bucket's end inside a segment", "w1 c1@50 | c2@59 c3@60 | c4@70", 60, 2},
    {"a commit that crosses a border", "w1 c1@1 ~ c2@2 | c3@3 | c4@4", 60, 1},
    {"an abort that does", "w1 c1@1 ~ a2@2 | c3@3 | c4@4", 60, 1},
    {"one that does, into the next bucket", "w1 c1@1 ~ c2@70 | c3@71 | c4@72", 60, 1},
    {"segments without facts", "w1 c1@1 | ? c2@2 ~ c3@3 | c4@4 | c5@5", 60, 2},
    {"drops and restore points", "w1 d1@1 | c2@2 | m3 t3@61 | np | c4@120", 60, 2},
    {"a clock that steps back", "w1 c1@300 | c2@10 | c3@400 | c4@5", 60, 4},
    {"by the second", "w1 c1@1 c2@2 | a3@2 | c4@2 | c5@9", 1, 3},
    {"nothing but idle segments", "w1 c1@1 | | | | c2@500", 60, 5},
};

static struct log_summary s;

static enum err_code count(const struct log_options *o)
{
    struct log_visitor v = {begin, entry, timeline, hole, pass, NULL};
    bool any;

    holes = 0;
    return ops_log_summary(&cluster, o, &v, &s, &any, &e);
}

static void is_same_as_the_log(const struct log_options *o, const char *why)
{
    struct log_buckets wanted = {.every_us = o->every_us};
    const struct log_visitor v = {begin, entry, timeline, hole, pass, &wanted};

    ck_assert(ops_wal_log(&cluster, o, &v, &e) == ERR_OK);
    ck_assert_msg(s.buckets.count == wanted.count && s.buckets.begin_us == wanted.begin_us, "%s", why);
    for (size_t i = 0; i < wanted.count; i++) {
        wanted.list[i].wal_bytes = s.buckets.list[i].wal_bytes;
        ck_assert_msg(memcmp(&wanted.list[i], &s.buckets.list[i], sizeof(wanted.list[i])) == 0,
                      "%s: bucket %zu", why, i);
    }
    log_buckets_clear(&wanted);
}

START_TEST(a_summary_counts_what_the_log_tells)
{
    struct log_options o = {.since = {.kind = LOG_LSN}, .every_us = cases[_i].every * SECOND};
    const uint64_t last = archive_wal(cases[_i].wal);

    ck_assert_msg(count(&o) == ERR_OK, "%s: %s", cases[_i].why, e.text);
    is_same_as_the_log(&o, cases[_i].why);
    ck_assert_msg(s.told >= cases[_i].told, "%s: %u segments told", cases[_i].why, (unsigned) s.told);
    ck_assert_uint_le(s.told, last - FIRST + 1);
    log_summary_clear(&s);
}
END_TEST

static uint64_t all_bytes(void)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < s.buckets.count; i++)
        sum += s.buckets.list[i].wal_bytes;
    return sum;
}

START_TEST(its_bytes_are_all_there_is)
{
    struct log_options o = {.since = {.kind = LOG_LSN}, .every_us = 60 * SECOND};
    const uint64_t last = archive_wal("w1 c1@1 ~ c2@2 | c3@3 ~ c4@64 | c5@65 ~ c6@130");

    ck_assert(count(&o) == ERR_OK);
    ck_assert_uint_eq(s.buckets.count, 3);
    ck_assert_uint_le(all_bytes(), (last - FIRST + 1) * MIB);
    ck_assert_uint_gt(all_bytes(), (last - FIRST) * MIB);
    ck_assert_uint_gt(s.buckets.list[1].wal_bytes, MIB / 2);
    log_summary_clear(&s);
}
END_TEST

START_TEST(bounds_are_those_of_the_log)
{
    struct log_options o = {.since = {.kind = LOG_TIME, .time_us = NOON + 20 * SECOND},
                            .until = {.kind = LOG_TIME, .time_us = NOON + 70 * SECOND},
                            .every_us = 60 * SECOND};

    (void) archive_wal("w1 c1@10 c2@20 | c3@30 | c4@40 ~ c5@65 | c6@70 c7@71 | c8@80");
    ck_assert(count(&o) == ERR_OK);
    is_same_as_the_log(&o, "bounds");
    log_summary_clear(&s);
    o.since = (struct log_bound){.kind = LOG_LSN, .position = begins[3]};
    o.until = (struct log_bound){.kind = LOG_LSN, .position = begins[6]};
    ck_assert(count(&o) == ERR_OK);
    is_same_as_the_log(&o, "LSNs");
    log_summary_clear(&s);
}
END_TEST

START_TEST(a_hole_is_told_and_the_rest_is_counted)
{
    struct log_options o = {.since = {.kind = LOG_LSN}};
    struct walfile file = walseg_file(1, FIRST + 1, MIB);
    char key[STORE_KEY_MAX + 1];

    (void) archive_wal("w1 c1@1 | c2@2 | c3@3");
    layout_wal_file(&layout, &file, key);
    ck_assert(store_remove(repo.store, key, &e) == ERR_OK);
    ck_assert(count(&o) == ERR_REFUSED);
    ck_assert_uint_eq(holes, 1);
    ck_assert_uint_eq(s.buckets.count, 1);
    ck_assert_int_eq(s.buckets.every_us, 60 * SECOND);
    ck_assert_uint_eq(s.buckets.list[0].commits, 2);
    ck_assert_uint_lt(all_bytes(), 2 * MIB);
    log_summary_clear(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/log_summary");
    TCase *tcase = tcase_create("log_summary");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, a_summary_counts_what_the_log_tells, 0, COUNT(cases));
    tcase_add_test(tcase, its_bytes_are_all_there_is);
    tcase_add_test(tcase, bounds_are_those_of_the_log);
    tcase_add_test(tcase, a_hole_is_told_and_the_rest_is_counted);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
