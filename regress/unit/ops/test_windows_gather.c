/*
 * test_windows_gather.c - the last transaction of a window, by descriptors alone where that can be, and by records
 * else.
 *
 * Segments of 1 MiB on timeline 1; the backup ends in segment 1, 100 bytes before the border unless a test says
 * otherwise.
 */
#include "ops/windows_gather.h"

#include "../pg/wal_builder.h"
#include "../repo/in_memory.h"
#include "ops/list.h"
#include "repo/object.h"

#include <limits.h>

#define MIB    (1u << 20)
#define STOP   INT64_C(1795140011000000)
#define SECOND INT64_C(1000000)
#define YEARS  (INT64_C(946684800) * SECOND) /* 1970 to 2000 */

static struct wal_place place;
static struct timeline_entry entry;
static struct wal_timeline timeline;
static struct backup_info backup;
static struct wal_timelines timelines;
static struct backup_list backups;
static struct windows found;
static struct err e;

static void set_up(void)
{
    repo_set_up();
    e = ERR_NONE;
    OK(layout_init(&layout, "main", WAL_BUILDER_SYSTEM, &e));
    place = (struct wal_place){&repo, &layout, MIB, NULL};
    entry = (struct timeline_entry){.tli = 1, .end = TIMELINE_NOT_ENDED};
    timeline = (struct wal_timeline){.tli = 1, .has_segments = true, .path = {&entry, 1}};
    backup = (struct backup_info){.id = "20261120T015500Z-1a2b",
                                  .timeline = 1,
                                  .start_lsn = MIB + 40,
                                  .stop_lsn = 2 * MIB - 100,
                                  .stop_us = STOP,
                                  .segment_bytes = MIB};
    timelines = (struct wal_timelines){&timeline, 1};
    backups = (struct backup_list){.list = &backup, .count = 1};
}

static void tear_down(void)
{
    windows_clear(&found);
    repo_tear_down();
}

/* Seconds behind the backup's end; NONE where no transaction ended in the segment. */
#define NONE (-1000)

static struct wal_facts facts_of(uint64_t number, int second)
{
    struct wal_facts f = {.system_identifier = WAL_BUILDER_SYSTEM,
                          .major = 15,
                          .timeline = 1,
                          .segment_bytes = MIB,
                          .first_lsn = number * MIB,
                          .end_lsn = (number + 1) * MIB,
                          .last_lsn = number * MIB + 800,
                          .has_records = true};

    if (second != NONE) {
        f.commits = 1;
        f.commit_lsn = number * MIB + 400;
        f.first_us = f.last_us = f.min_us = f.max_us = STOP + second * SECOND;
    }
    wal_facts_begin_run(&f);
    return f;
}

static void put(const struct wal_facts *f, const void *bytes, size_t len)
{
    CLEANUP(descriptor_clear) struct descriptor d = {.size = 0};
    char key[STORE_KEY_MAX + 1], name[WALFILE_NAME_MAX];
    enum object_outcome outcome;

    wal_object_key(&place, 1, f->first_lsn / MIB, key, name);
    OK(object_describe_new(&repo, "wal", name, &d, &e));
    OK(wal_facts_write(f, &d, &e));
    OK(object_put_bytes(&repo, key, &d, bytes, len, &outcome, &e));
}

static void put_segment(uint64_t number, int second)
{
    struct wal_facts f = facts_of(number, second);

    put(&f, "x", 1);
}

/* Of a run from segment 1 on, with its last commit in `commit` and its newest time at `second`. */
static void put_in_run(uint64_t number, int own, uint64_t commit, int second)
{
    struct wal_facts f = facts_of(number, own);

    f.run_from = MIB;
    f.run_to = f.first_lsn;
    f.run_has_max = second != NONE;
    f.run_max_us = f.run_has_max ? STOP + second * SECOND : 0;
    f.run_commit = commit != 0 ? commit * MIB + 400 : 0;
    put(&f, "x", 1);
}

static enum err_code read_windows(uint64_t *asked)
{
    CLEANUP(wal_runs_clear) struct wal_runs runs = {.count = 0};
    const struct windows_facts facts = {&timelines, &backups, &runs, MIB, NULL};
    enum err_code code;

    OK(list_runs(&place, &timelines, &runs, &e));
    windows_clear(&found);
    *asked = requests();
    code = windows_read(&place, &facts, &found, &e);
    *asked = requests() - *asked;
    return code;
}

/* What looking for damage takes: a descriptor for each run of the archiver. */
static uint64_t asked_for_damage(void)
{
    CLEANUP(wal_runs_clear) struct wal_runs runs = {.count = 0};
    CLEANUP(wal_breaks_clear) struct wal_breaks breaks = {.count = 0};
    unsigned most = UINT_MAX;

    OK(list_runs(&place, &timelines, &runs, &e));
    for (size_t i = 0; i < runs.count; i++)
        OK(wal_breaks_add(&place, 1, runs.list[i].first, runs.list[i].last, &most, &breaks, &e));
    return UINT_MAX - most;
}

/* The one window there is; its times take at most so many requests. */
static const struct window *window(uint64_t most)
{
    uint64_t asked;

    ck_assert_msg(read_windows(&asked) == ERR_OK, "%s", e.text);
    ck_assert_uint_le(asked, most + asked_for_damage());
    ck_assert(found.count == 1 && found.list[0].count == 1 && !found.list[0].pieces[0].is_hole);
    return &found.list[0].pieces[0].window;
}

static void check_last(const struct window *w, int second)
{
    ck_assert_int_eq(w->has_last, second != NONE);
    if (w->has_last)
        ck_assert_int_eq(w->last_us, STOP + second * SECOND);
}

START_TEST(the_last_segment_tells_the_last_transaction)
{
    put_segment(1, -5);
    put_segment(2, 10);
    put_segment(3, 20);
    check_last(window(1), 20);
    ck_assert(!found.list[0].pieces[0].window.is_at_least);
}
END_TEST

START_TEST(behind_an_idle_stretch_the_run_leads_to_the_last_commit)
{
    put_segment(1, NONE);
    put_in_run(2, 10, 2, 10);
    for (uint64_t n = 3; n < 60; n++)
        put_in_run(n, NONE, 2, 10);
    check_last(window(2), 10);
}
END_TEST

START_TEST(a_run_without_any_transaction_is_passed_over_whole)
{
    put_segment(1, -5);
    for (uint64_t n = 2; n < 60; n++)
        put_in_run(n, NONE, 0, NONE);
    check_last(window(2), NONE);
    ck_assert(!found.list[0].pieces[0].window.is_at_least);
}
END_TEST

/* The clock stepped back: what is newest lies in an earlier segment, and only the run knows of it. */
START_TEST(a_run_within_the_window_knows_the_newest_time)
{
    backup.stop_lsn = MIB + 100;
    backup.start_lsn = MIB;
    put_segment(1, NONE);
    put_segment(2, 30);
    put_in_run(3, 20, 3, 30);
    check_last(window(1), 20); /* the run began before the backup's end: its newest may have been then */
    backup.stop_lsn = MIB;
    backup.start_lsn = MIB - 8;
    put_segment(0, NONE);
    check_last(window(1), 30);
}
END_TEST

START_TEST(without_runs_the_walk_back_has_a_limit)
{
    put_segment(1, -5);
    put_segment(2, 10);
    for (uint64_t n = 3; n < 60; n++)
        put_segment(n, NONE);
    check_last(window(16), NONE);
    ck_assert(found.list[0].pieces[0].window.is_at_least);
}
END_TEST

START_TEST(what_lies_in_the_backup_is_no_transaction_behind_it)
{
    put_segment(1, 5); /* by another clock */
    put_segment(2, NONE);
    check_last(window(2), NONE);
    backup.stop_lsn = MIB + 300; /* now its commit lies behind */
    check_last(window(2), 5);
}
END_TEST

START_TEST(a_transaction_before_the_backups_end_by_its_clock_is_no_time_to_restore_to)
{
    put_segment(1, NONE);
    put_segment(2, -3);
    check_last(window(1), NONE);
}
END_TEST

START_TEST(a_damaged_descriptor_leaves_the_time_open)
{
    char key[STORE_KEY_MAX + 1], name[WALFILE_NAME_MAX];

    put_segment(1, -5);
    put_segment(2, 10);
    put_segment(3, 20);
    wal_object_key(&place, 1, 3, key, name);
    raw_text(key, "no descriptor");
    check_last(window(1), NONE);
    ck_assert(found.list[0].pieces[0].window.is_at_least);
    ck_assert_uint_eq(found.list[0].pieces[0].window.last, 3);
}
END_TEST

START_TEST(damage_ends_a_window_and_a_backup_behind_begins_another)
{
    struct backup_info both[2] = {backup, backup};
    struct wal_facts f = facts_of(3, 20);
    uint64_t asked;

    both[1].start_lsn = 5 * MIB + 40;
    both[1].stop_lsn = 6 * MIB - 100;
    backups = (struct backup_list){.list = both, .count = 2};
    put_segment(1, -5);
    put_in_run(2, 10, 2, 10);
    f.is_damaged = true;
    f.end_lsn = 3 * MIB + 900;
    put(&f, "x", 1);
    for (uint64_t n = 4; n < 8; n++)
        put_segment(n, (int) n * 10);
    OK(read_windows(&asked));
    ck_assert_uint_le(asked, 7);
    ck_assert_uint_eq(found.list[0].count, 3);
    ck_assert_uint_eq(found.list[0].pieces[0].window.end, 3 * MIB + 900);
    check_last(&found.list[0].pieces[0].window, 20);
    ck_assert(found.list[0].pieces[1].is_hole);
    ck_assert_uint_eq(found.list[0].pieces[1].hole.gaps[0].damaged_at, 3 * MIB + 900);
    check_last(&found.list[0].pieces[2].window, 70);
    ck_assert(!found.is_unseen);
}
END_TEST

START_TEST(a_store_that_is_away_is_the_error)
{
    uint64_t asked;

    put_segment(1, -5);
    put_segment(2, 10);
    fail_next(FAULTY_GET, ERR_UNREACHABLE);
    ck_assert_int_eq(read_windows(&asked), ERR_UNREACHABLE);
}
END_TEST

/* ---- records ---- */

static void put_record(struct wal *w, uint8_t rmid, uint8_t info, size_t len, int second)
{
    static uint8_t bytes[8192];
    struct wal_body main = {.len = 0}, body;

    if (rmid == 1) {
        body_u64(&main, (uint64_t) (STOP + second * SECOND - YEARS));
        body = body_of_main(&main);
        (void) wal_record(w, rmid, info, 7, body.bytes, body.len);
        return;
    }
    bytes[0] = 254;
    le32_put(bytes + 1, (uint32_t) len - 29);
    (void) wal_record(w, rmid, info, 0, bytes, len - 24);
}

static uint32_t left(const struct wal *w)
{
    return (uint32_t) (-wal_at(w) & (MIB - 1));
}

/* Segments 2 and 3: nothing but filler, and over the border between them a commit at this second. */
static void put_crossing(int second)
{
    struct wal w = {.bytes = BUF_INIT(WAL_BUILDER_MAX),
                    .start = 2 * MIB,
                    .segment_bytes = MIB,
                    .page_bytes = 8192,
                    .magic = 0xD110,
                    .tli = 1,
                    .prev = 2 * MIB - 64};
    struct wal_facts f = facts_of(2, NONE);

    put_record(&w, 0, 0x20, 4096, 0);
    while (left(&w) > 8192 + 4096)
        put_record(&w, 0, 0x20, 4096, 0);
    while (left(&w) > 8192)
        put_record(&w, 0, 0x20, 64, 0);
    f.last_lsn = wal_next(&w);
    put_record(&w, 0, 0x20, left(&w) - 32, 0);
    ck_assert_uint_eq(left(&w), 32);
    f.commit_lsn = wal_next(&w);
    wal_facts_begin_run(&f);
    put_record(&w, 1, 0, 0, second);
    (void) wal_switch(&w);
    ck_assert_uint_eq(w.bytes.len, 2 * MIB);
    put(&f, w.bytes.data, MIB);
    f = facts_of(3, NONE);
    f.run_from = 2 * MIB;
    f.run_to = 3 * MIB;
    f.run_commit = 3 * MIB - 32;
    put(&f, w.bytes.data + MIB, MIB);
    buf_clear(&w.bytes);
}

START_TEST(a_commit_that_crosses_a_border_is_read)
{
    put_crossing(25);
    backup.start_lsn = 2 * MIB + 40;
    backup.stop_lsn = 2 * MIB + 100;
    check_last(window(4), 25);
    ck_assert(!found.list[0].pieces[0].window.is_at_least);
}
END_TEST

START_TEST(without_an_identity_such_a_commit_is_told_as_not_looked_at)
{
    use_new_key(false);
    put_crossing(25);
    backup.start_lsn = 2 * MIB + 40;
    backup.stop_lsn = 2 * MIB + 100;
    check_last(window(4), NONE);
    ck_assert(found.list[0].pieces[0].window.is_at_least);
}
END_TEST

/* Behind the window's last segment nothing is: what goes on there is cut off. */
START_TEST(a_commit_that_goes_on_behind_the_window_is_none)
{
    struct wal_facts f = facts_of(3, NONE);

    put_segment(1, NONE);
    put_segment(2, 10);
    f.commit_lsn = 3 * MIB + 900;
    wal_facts_begin_run(&f);
    put(&f, "x", 1);
    check_last(window(2), 10);
}
END_TEST

/* ---- for a plan ---- */

START_TEST(too_much_wal_is_not_listed_for_a_plan)
{
    bool is_listed = false;

    put_segment(1, NONE);
    put_segment(2, 10);
    OK(windows_list(&place, &timelines, &backups, &is_listed, &found, &e));
    ck_assert(is_listed);
    check_last(&found.list[0].pieces[0].window, 10);
    windows_clear(&found);
    put_segment(WINDOWS_LIST_MAX, 20);
    OK(windows_list(&place, &timelines, &backups, &is_listed, &found, &e));
    ck_assert(is_listed);
    windows_clear(&found);
    put_segment(WINDOWS_LIST_MAX + 1, 20);
    OK(windows_list(&place, &timelines, &backups, &is_listed, &found, &e));
    ck_assert(!is_listed && found.count == 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_last_segment_tells_the_last_transaction,
        behind_an_idle_stretch_the_run_leads_to_the_last_commit,
        a_run_without_any_transaction_is_passed_over_whole,
        a_run_within_the_window_knows_the_newest_time,
        without_runs_the_walk_back_has_a_limit,
        what_lies_in_the_backup_is_no_transaction_behind_it,
        a_transaction_before_the_backups_end_by_its_clock_is_no_time_to_restore_to,
        a_damaged_descriptor_leaves_the_time_open,
        damage_ends_a_window_and_a_backup_behind_begins_another,
        a_store_that_is_away_is_the_error,
        a_commit_that_crosses_a_border_is_read,
        without_an_identity_such_a_commit_is_told_as_not_looked_at,
        a_commit_that_goes_on_behind_the_window_is_none,
        too_much_wal_is_not_listed_for_a_plan,
    };

    return check_main(suite_between("ops/windows_gather", set_up, tear_down, tests, COUNT(tests)));
}
