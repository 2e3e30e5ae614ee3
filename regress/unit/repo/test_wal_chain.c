/*
 * test_wal_chain.c - a run of segments tells of none that the repository has not acknowledged, whatever happens.
 */
#include "chain.h"

START_TEST(the_newest_loss_and_restore_point_go_along)
{
    for (unsigned n = 0; n < 4; n++) {
        struct wal_facts f = facts_of(1, FIRST + n, SEGMENT);

        f.has_marks = true;
        f.loss_lsn = n == 1 ? f.first_lsn + 40 : 0;
        f.point_lsn = n == 2 ? f.first_lsn + 48 : 0;
        push_alone(&f, OBJECT_STORED);
        ck_assert_uint_eq(f.run_loss, n == 0 ? 0 : (lsn) (FIRST + 1) * SEGMENT + 40);
        ck_assert_uint_eq(f.run_point, n < 2 ? 0 : (lsn) (FIRST + 2) * SEGMENT + 48);
    }
}
END_TEST

START_TEST(segments_in_order_lengthen_the_run_without_a_request)
{
    uint64_t before = requests();

    push_some();
    ck_assert_uint_eq(push_as(FIRST + 4, OBJECT_ALREADY_THERE), 4);
    ck_assert_uint_eq(push(FIRST + 5), 5);
    ck_assert_uint_eq(requests(), before);
}
END_TEST

START_TEST(a_segment_out_of_order_begins_a_new_run)
{
    static const unsigned there[] = {FIRST + 5, FIRST - 1, FIRST + 100, 0};

    for (size_t i = 0; i < COUNT(there); i++) {
        push_some();
        ck_assert_uint_eq(push(there[i]), 0);
        ck_assert_uint_eq(push(there[i] + 1), 1);
        ck_assert_uint_eq(known(1, FIRST + 4, SEGMENT), 0);
        ck_assert_uint_eq(push(FIRST + 50), 0);
    }
}
END_TEST

START_TEST(a_segment_pushed_again_leaves_the_run_as_it_is)
{
    push_some();
    for (unsigned n = 0; n < 4; n++)
        ck_assert_uint_eq(push_as(FIRST + n, OBJECT_ALREADY_THERE), 0);
    ck_assert_uint_eq(push(FIRST + 4), 4);
}
END_TEST

/* Who must store again what was acknowledged can't say what else is gone. */
START_TEST(a_segment_that_had_to_be_stored_again_begins_a_new_run)
{
    for (unsigned n = 0; n < 4; n++) {
        push_some();
        ck_assert_uint_eq(push(FIRST + n), 0);
        ck_assert_uint_eq(known(1, FIRST + n + 1, SEGMENT), 1);
        if (n < 3)
            ck_assert_uint_eq(known(1, FIRST + 4, SEGMENT), 0);
        ck_assert_uint_eq(push(FIRST + 50), 0);
    }
}
END_TEST

START_TEST(a_run_is_of_one_timeline_and_segment_size)
{
    struct wal_facts f = facts_of(2, FIRST + 4, SEGMENT);

    push_some();
    ck_assert_uint_eq(known(1, FIRST + 4, SEGMENT), 4);
    ck_assert_uint_eq(known(2, FIRST + 4, SEGMENT), 0);
    ck_assert_uint_eq(known(1, FIRST + 3, SEGMENT), 0);
    push_as(FIRST + 4, OBJECT_STORED);
    ck_assert_uint_eq(known(1, (FIRST + 5) / 2, 2 * SEGMENT), 0); /* at the very same position */

    push_alone(&f, OBJECT_ALREADY_THERE);
    ck_assert_uint_eq(f.run_from, f.run_to);
    ck_assert_uint_eq(known(2, FIRST + 5, SEGMENT), 1);
    ck_assert_uint_eq(known(1, FIRST + 5, SEGMENT), 0);
}
END_TEST

/* A segment as it comes out of the archiver: the run is that of the segments before. */
static struct wal_facts push_with(unsigned number, bool has_commit, int64_t us)
{
    struct wal_facts f = facts_of(1, number, SEGMENT);

    if (has_commit) {
        f.commits = 1;
        f.first_us = f.last_us = f.min_us = f.max_us = us;
        f.commit_lsn = f.first_lsn + 64;
    }
    push_alone(&f, OBJECT_STORED);
    return f;
}

START_TEST(a_run_tells_its_newest_time_and_its_last_commit)
{
    struct wal_facts f = push_with(FIRST, false, 0);
    lsn last;

    ck_assert(!f.run_has_max && f.run_commit == 0);
    f = push_with(FIRST + 1, false, 0);
    ck_assert(!f.run_has_max && f.run_commit == 0);
    f = push_with(FIRST + 2, true, -5);
    ck_assert(f.run_has_max && f.run_max_us == -5 && f.run_commit == f.commit_lsn);
    f = push_with(FIRST + 3, true, 900);
    f = push_with(FIRST + 4, true, 300); /* the clock was set back */
    last = f.commit_lsn;
    ck_assert(f.run_max_us == 900 && f.run_commit == last);
    f = push_with(FIRST + 5, false, 0);
    ck_assert(f.run_has_max && f.run_max_us == 900 && f.run_commit == last);
    f = push_with(FIRST + 50, true, 7);
    ck_assert(f.run_max_us == 7 && f.run_commit == f.commit_lsn);
}
END_TEST

START_TEST(a_clock_that_was_set_back_begins_a_new_run)
{
    const int64_t noon = INT64_C(1795176000000000);
    struct wal_facts f;

    (void) push_with(FIRST, true, noon);
    f = push_with(FIRST + 1, true, noon - WAL_RUN_STEP_US); /* disorder */
    ck_assert(f.run_from < f.run_to && f.run_max_us == noon);
    f = push_with(FIRST + 2, true, noon - WAL_RUN_STEP_US - 1);
    ck_assert(f.run_from == f.run_to && f.run_max_us == noon - WAL_RUN_STEP_US - 1);
    f = push_with(FIRST + 3, false, 0);
    ck_assert(f.run_from == f.run_to - SEGMENT && f.run_max_us == noon - WAL_RUN_STEP_US - 1);
}
END_TEST

/* A segment that ends inside the record, behind so many bytes, and the one behind it. */
static struct wal_facts push_crossing(unsigned number, unsigned before, unsigned behind, bool is_rest)
{
    const struct walcut record = commit_at(5);
    struct wal_facts f = facts_of(1, number, SEGMENT);

    f.major = 15;
    f.crossing.is_rest = is_rest;
    if (behind > 0)
        walcut_add(&f.crossing.begun, record.bytes, behind);
    else
        walcut_add(&f.crossing.rest, record.bytes + before, is_rest ? 1 : record.len - before);
    push_alone(&f, OBJECT_STORED);
    return f;
}

START_TEST(the_time_of_a_record_that_crosses_a_border_is_known_behind_it)
{
    const int64_t us = INT64_C(946684800000000) + 5;

    for (unsigned cut = 8; cut < 34; cut++) {
        struct wal_facts f = push_crossing(FIRST + 40, 0, cut, false);

        ck_assert(!f.has_crossing && !f.run_has_max);
        f = push_crossing(FIRST + 41, cut, 0, false);
        ck_assert(f.has_crossing && f.crossing_us == us && f.run_has_max && f.run_max_us == us);
        f = push_with(FIRST + 42, false, 0);
        ck_assert(!f.has_crossing && f.run_has_max && f.run_max_us == us);
        ck_assert_uint_eq(push(FIRST), 0);
    }
}
END_TEST

START_TEST(a_record_may_cross_a_whole_segment)
{
    struct wal_facts f = push_crossing(FIRST, 0, 30, false);

    f = push_crossing(FIRST + 1, 30, 0, true);
    ck_assert(!f.has_crossing && !f.run_has_max);
    f = push_crossing(FIRST + 2, 31, 0, false);
    ck_assert(f.has_crossing && f.crossing_us == INT64_C(946684800000000) + 5);
}
END_TEST

START_TEST(what_crosses_into_a_new_run_is_not_known)
{
    struct wal_facts f = push_crossing(FIRST, 0, 30, false);

    f = push_crossing(FIRST + 2, 30, 0, false);
    ck_assert(!f.has_crossing && !f.run_has_max);
    f = push_crossing(FIRST + 3, 30, 0, false); /* the rest of a record that did not cross out of a segment */
    ck_assert(!f.has_crossing && !f.run_has_max);
}
END_TEST

START_TEST(a_segment_whose_records_were_not_read_ends_the_run)
{
    struct wal_facts f;

    push_some();
    f = facts_of(1, FIRST + 4, SEGMENT);
    f.has_records = false;
    push_alone(&f, OBJECT_STORED);
    ck_assert_uint_eq(known(1, FIRST + 5, SEGMENT), 0);
}
END_TEST

/* It is told of the segments before it, as any: none behind it tells of it. */
START_TEST(a_damaged_segment_ends_the_run)
{
    static const enum object_outcome outcomes[] = {OBJECT_STORED, OBJECT_ALREADY_THERE};

    for (size_t i = 0; i < COUNT(outcomes); i++) {
        struct wal_facts f = facts_of(1, FIRST + 4, SEGMENT);

        push_some();
        for (unsigned times = 0; times < 2; times++) {
            f.is_damaged = true;
            push_alone(&f, outcomes[i]);
            ck_assert_uint_eq((f.run_to - f.run_from) / SEGMENT, 4);
        }
        ck_assert_uint_eq(known(1, FIRST + 5, SEGMENT), 0);
        ck_assert_uint_eq(push(FIRST + 5), 0);
        ck_assert_uint_eq(push(FIRST + 6), 1);
        ck_assert_uint_eq(push(FIRST + 50), 0);
    }
}
END_TEST

START_TEST(another_repository_or_line_does_not_inherit_the_run)
{
    struct err e = ERR_NONE;

    push_some();
    move_to("s3://bucket https://two");
    ck_assert_uint_eq(known(1, FIRST + 4, SEGMENT), 0);
    ck_assert_uint_eq(push(FIRST + 4), 0);
    move_to("s3://bucket https://one");
    ck_assert_uint_eq(known(1, FIRST + 4, SEGMENT), 4);

    OK(layout_init(&layout, "main", OTHER_SYSTEM, &e));
    ck_assert_uint_eq(known(1, FIRST + 4, SEGMENT), 0);
    ck_assert_uint_eq(push(FIRST + 4), 0);
    OK(layout_init(&layout, "main", SYSTEM, &e));
    ck_assert_uint_eq(known(1, FIRST + 5, SEGMENT), 0);
}
END_TEST

static void state_path(struct buf *path)
{
    ck_assert(spool_run_path(spool, repo_place(&repo), path));
}

static void write_state(const char *path, const void *bytes, size_t len)
{
    struct err e = ERR_NONE;

    OK(durable_write_file(path, bytes, len, 0600, &e));
}

START_TEST(after_a_state_that_is_none_a_run_begins)
{
    CLEANUP(buf_clear) struct buf path = BUF_INIT(4096);

    push_some();
    state_path(&path);
    write_state(buf_cstr(&path), "garbage", 7);
    ck_assert_uint_eq(push(FIRST + 4), 0);
    ck_assert_uint_eq(push(FIRST + 5), 1);
    ck_assert_int_eq(unlink(buf_cstr(&path)), 0);
    ck_assert_uint_eq(push(FIRST + 6), 0);
}
END_TEST

START_TEST(without_a_spool_no_run_is_known)
{
    scratch_remove(scratch_path(scratch, "main"));
    ck_assert_uint_eq(push(FIRST), 0);
    ck_assert_uint_eq(push(FIRST + 1), 0);
}
END_TEST

static void store_one(unsigned number)
{
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    struct walfile file = walseg_file(1, number, SEGMENT);
    char key[STORE_KEY_MAX + 1], name[WALFILE_NAME_MAX];
    enum object_outcome outcome;
    struct err e = ERR_NONE;

    layout_wal_file(&layout, &file, key);
    walfile_format(&file, name);
    OK(object_describe_new(&repo, "wal", name, &d, &e));
    OK(object_put_bytes(&repo, key, &d, "x", 1, &outcome, &e));
}

/* Two disks that take turns under one path, or one that is not mounted. */
START_TEST(in_a_directory_the_segment_before_must_be_seen)
{
    repo.store->is_local = true;
    ck_assert_uint_eq(push(FIRST), 0);
    ck_assert_uint_eq(push(FIRST + 1), 0);
    store_one(FIRST + 1);
    ck_assert_uint_eq(push(FIRST + 2), 1);
    fail_next(FAULTY_GET, ERR_UNREACHABLE);
    store_one(FIRST + 2);
    ck_assert_uint_eq(known(1, FIRST + 3, SEGMENT), 0);
    ck_assert_uint_eq(known(1, FIRST + 3, SEGMENT), 2);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        segments_in_order_lengthen_the_run_without_a_request,
        the_newest_loss_and_restore_point_go_along,
        a_segment_out_of_order_begins_a_new_run,
        a_segment_pushed_again_leaves_the_run_as_it_is,
        a_segment_that_had_to_be_stored_again_begins_a_new_run,
        a_run_tells_its_newest_time_and_its_last_commit,
        a_clock_that_was_set_back_begins_a_new_run,
        the_time_of_a_record_that_crosses_a_border_is_known_behind_it,
        a_record_may_cross_a_whole_segment,
        what_crosses_into_a_new_run_is_not_known,
        a_segment_whose_records_were_not_read_ends_the_run,
        a_damaged_segment_ends_the_run,
        a_run_is_of_one_timeline_and_segment_size,
        another_repository_or_line_does_not_inherit_the_run,
        after_a_state_that_is_none_a_run_begins,
        without_a_spool_no_run_is_known,
        in_a_directory_the_segment_before_must_be_seen,
    };

    return check_main(suite_between("repo/wal_chain", set_up, tear_down, tests, COUNT(tests)));
}
