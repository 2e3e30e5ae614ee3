/*
 * test_wal_chain_batch.c - repo/wal_chain.c with several segments on their way at once: none tells of what is not
 * there.
 */
#include "chain.h"

#include <pthread.h>

enum { SEGMENTS = 24, BATCH = 6 };

/* Give the segments [first, first + count) to a chain. */
static void give(struct wal_chain *c, unsigned first, unsigned count, struct wal_facts *facts)
{
    for (unsigned i = 0; i < count; i++) {
        facts[i] = facts_of(1, first + i, SEGMENT);
        wal_chain_next(c, &facts[i]);
    }
}

static void tells(const struct wal_facts *f, unsigned from, unsigned to)
{
    ck_assert_uint_eq(f->run_from / SEGMENT, from);
    ck_assert_uint_eq(f->run_to / SEGMENT, to);
}

START_TEST(segments_on_their_way_are_read_but_not_acknowledged)
{
    CLEANUP(wal_chain_freep) struct wal_chain *c = NULL;
    struct wal_facts f[BATCH];

    push_some();
    c = open_chain();
    give(c, FIRST + 4, BATCH, f);
    for (unsigned i = 0; i < BATCH; i++)
        tells(&f[i], FIRST, FIRST + 4);
    ck_assert_uint_eq(known(1, FIRST + 4, SEGMENT), 4);
}
END_TEST

START_TEST(without_any_acknowledged_a_run_is_known_all_the_same)
{
    CLEANUP(wal_chain_freep) struct wal_chain *c = open_chain();
    struct wal_facts f[BATCH];

    give(c, FIRST, BATCH, f);
    for (unsigned i = 0; i < BATCH; i++)
        tells(&f[i], FIRST, FIRST);
}
END_TEST

/* In every order: what is told to be there is the part without a hole. */
START_TEST(acknowledgements_count_as_far_as_they_leave_no_hole)
{
    uint64_t state = 7;

    for (unsigned round = 0; round < 200; round += thin_step()) {
        CLEANUP(wal_chain_freep) struct wal_chain *c = open_chain();
        struct wal_facts f[BATCH], next;
        bool is_there[BATCH + 1] = {false};

        give(c, FIRST, BATCH, f);
        for (unsigned left = BATCH; left > 0; left--) {
            unsigned i = (unsigned) (next_number(&state) % BATCH), whole = 0;

            while (is_there[i])
                i = (i + 1) % BATCH;
            is_there[i] = true;
            wal_chain_acknowledged(c, &f[i], OBJECT_STORED);
            while (is_there[whole])
                whole++;
            ck_assert_uint_eq(known(1, FIRST + whole, SEGMENT), whole);
        }
        next = facts_of(1, FIRST + BATCH, SEGMENT);
        wal_chain_next(c, &next);
        tells(&next, FIRST, FIRST + BATCH);
        ck_assert_uint_eq(push(FIRST + 50), 0);
    }
}
END_TEST

START_TEST(behind_one_that_failed_nothing_counts)
{
    CLEANUP(wal_chain_freep) struct wal_chain *c = open_chain();
    struct wal_facts f[BATCH], next = facts_of(1, FIRST + BATCH, SEGMENT);

    give(c, FIRST, BATCH, f);
    wal_chain_acknowledged(c, &f[1], OBJECT_STORED);
    wal_chain_acknowledged(c, &f[4], OBJECT_STORED);
    wal_chain_failed(c, &f[2]);
    wal_chain_acknowledged(c, &f[0], OBJECT_STORED);
    wal_chain_acknowledged(c, &f[3], OBJECT_STORED);
    wal_chain_acknowledged(c, &f[5], OBJECT_STORED);
    wal_chain_next(c, &next);
    tells(&next, FIRST, FIRST + 2);
    wal_chain_acknowledged(c, &next, OBJECT_STORED);
    ck_assert_uint_eq(known(1, FIRST + 2, SEGMENT), 2);
}
END_TEST

/* The next process has it, and notes of those behind it. */
START_TEST(what_was_stored_out_of_order_is_joined_later)
{
    struct wal_facts f[BATCH], next = facts_of(1, FIRST + BATCH, SEGMENT);
    struct wal_chain *c = open_chain();

    give(c, FIRST, BATCH, f);
    f[3].has_crossing = true; /* as a descriptor may tell: it is forgotten */
    wal_chain_acknowledged(c, &f[0], OBJECT_STORED);
    wal_chain_free(c);
    c = open_chain();
    wal_chain_next(c, &f[1]);
    for (unsigned i = 2; i < BATCH; i++) {
        wal_chain_next(c, &f[i]);
        wal_chain_acknowledged(c, &f[i], OBJECT_ALREADY_THERE);
        tells(&f[i], FIRST, FIRST + 1);
        ck_assert(!f[i].has_crossing);
    }
    wal_chain_acknowledged(c, &f[1], OBJECT_STORED);
    wal_chain_next(c, &next);
    tells(&next, FIRST, FIRST + BATCH);
    wal_chain_free(c);
    ck_assert_uint_eq(known(1, FIRST + BATCH, SEGMENT), BATCH);
}
END_TEST

/* PostgreSQL asks again for what was acknowledged: what lies behind it is told once the answer is there. */
START_TEST(a_batch_that_begins_with_segments_pushed_again_goes_on_with_the_run)
{
    struct wal_facts f[BATCH], next = facts_of(1, FIRST + 2 + BATCH, SEGMENT);
    struct wal_chain *c;

    push_some();
    c = open_chain();
    give(c, FIRST + 2, BATCH, f);
    tells(&f[0], FIRST + 2, FIRST + 2);
    tells(&f[1], FIRST + 3, FIRST + 3);
    tells(&f[2], FIRST, FIRST + 2);
    for (unsigned i = 0; i < BATCH; i++)
        wal_chain_acknowledged(c, &f[i], i < 2 ? OBJECT_ALREADY_THERE : OBJECT_STORED);
    wal_chain_next(c, &next);
    tells(&next, FIRST, FIRST + 2 + BATCH);
    wal_chain_free(c);
    ck_assert_uint_eq(known(1, FIRST + 2 + BATCH, SEGMENT), 2 + BATCH);
}
END_TEST

START_TEST(where_what_was_acknowledged_is_gone_nothing_of_the_batch_counts)
{
    struct wal_facts f[BATCH], next = facts_of(1, FIRST + 2 + BATCH, SEGMENT);
    struct wal_chain *c;

    push_some();
    c = open_chain();
    give(c, FIRST + 2, BATCH, f);
    for (unsigned i = 0; i < BATCH; i++)
        wal_chain_acknowledged(c, &f[i], OBJECT_STORED);
    wal_chain_next(c, &next);
    tells(&next, FIRST, FIRST);
    wal_chain_free(c);
    ck_assert_uint_eq(known(1, FIRST + 2 + BATCH, SEGMENT), 0);
    ck_assert_uint_eq(known(1, FIRST + 3, SEGMENT), 1);
}
END_TEST

/* What a run before it has acknowledged is nothing to a new one. */
START_TEST(a_run_that_begins_in_a_batch_counts_from_its_first_segment_on)
{
    CLEANUP(wal_chain_freep) struct wal_chain *c = NULL;
    struct wal_facts f[BATCH], damaged = facts_of(1, FIRST + 4, SEGMENT);

    push_some();
    c = open_chain();
    damaged.is_damaged = true;
    wal_chain_next(c, &damaged);
    tells(&damaged, FIRST, FIRST + 4);
    give(c, FIRST + 5, 3, f);
    tells(&f[2], FIRST + 5, FIRST + 5);
    wal_chain_acknowledged(c, &f[0], OBJECT_STORED);
    wal_chain_acknowledged(c, &damaged, OBJECT_STORED);
    give(c, FIRST + 8, 1, &f[3]);
    tells(&f[3], FIRST + 5, FIRST + 6);
    give(c, FIRST - 4, 2, f); /* far from it */
    tells(&f[1], FIRST - 4, FIRST - 4);
}
END_TEST

START_TEST(times_marks_and_crossing_records_go_along_before_anything_is_acknowledged)
{
    const struct walcut record = commit_at(5);
    CLEANUP(wal_chain_freep) struct wal_chain *c = open_chain();
    struct wal_facts f[3];

    for (unsigned i = 0; i < 3; i++) {
        f[i] = facts_of(1, FIRST + i, SEGMENT);
        f[i].major = 15;
    }
    f[0].commit_lsn = f[0].first_lsn + 40;
    f[0].loss_lsn = f[0].first_lsn + 48;
    f[0].point_lsn = f[0].first_lsn + 56;
    walcut_add(&f[0].crossing.begun, record.bytes, 12);
    walcut_add(&f[1].crossing.rest, record.bytes + 12, 3);
    f[1].crossing.is_rest = true;
    walcut_add(&f[2].crossing.rest, record.bytes + 15, record.len - 15);
    for (unsigned i = 0; i < 3; i++)
        wal_chain_next(c, &f[i]);
    ck_assert(f[2].has_crossing && f[2].run_max_us == INT64_C(946684800000000) + 5);
    ck_assert(f[2].run_commit == f[0].commit_lsn && f[2].run_loss == f[0].loss_lsn &&
              f[2].run_point == f[0].point_lsn);
    tells(&f[2], FIRST, FIRST);
}
END_TEST

START_TEST(in_a_directory_only_what_another_process_stored_must_be_seen)
{
    CLEANUP(wal_chain_freep) struct wal_chain *c = NULL;
    struct wal_facts f[BATCH], next = facts_of(1, FIRST + 4 + BATCH, SEGMENT);

    push_some();
    repo.store->is_local = true;
    c = open_chain();
    give(c, FIRST + 4, 1, f);
    tells(&f[0], FIRST + 4, FIRST + 4);
    give(c, FIRST + 5, BATCH - 1, f + 1);
    tells(&f[BATCH - 1], FIRST + 4, FIRST + 4);
    for (unsigned i = 0; i < BATCH; i++)
        wal_chain_acknowledged(c, &f[i], i < BATCH - 1 ? OBJECT_STORED : OBJECT_ALREADY_THERE);
    wal_chain_next(c, &next);
    tells(&next, FIRST + 4 + BATCH, FIRST + 4 + BATCH);
}
END_TEST

/* One that archives in batches: between what the chain told of a segment and the answer of the store. */
struct archiver {
    struct wal_chain *chain;
    unsigned next; /* number of the segment to give */
    struct wal_facts facts[BATCH];
    unsigned count; /* of those without an answer */
};

/*
 * A process begins mostly where the one before ended, at times anywhere: a retry, a restored directory, another
 * archiver's.
 */
static unsigned begin(struct archiver *a, const bool *acknowledged, uint64_t random)
{
    struct wal_facts *f = &a->facts[a->count++];

    if (a->chain == NULL) {
        a->chain = open_chain();
        a->next = (unsigned) (random % 8 == 0 ? random / 8 : a->next) % SEGMENTS;
    }
    *f = facts_of(1, a->next++ % SEGMENTS, SEGMENT);
    wal_chain_next(a->chain, f);
    ck_assert(f->run_from <= f->run_to && f->run_to <= f->first_lsn);
    for (lsn at = f->run_from; at < f->run_to; at += SEGMENT)
        ck_assert_msg(acknowledged[at / SEGMENT], "segment %u tells of %u",
                      (unsigned) (f->first_lsn / SEGMENT), (unsigned) (at / SEGMENT));
    return (unsigned) ((f->run_to - f->run_from) / SEGMENT);
}

/* The store answers one of them, or that push fails; or the process ends. */
static void end(struct archiver *a, bool *acknowledged, uint64_t random)
{
    const unsigned i = (unsigned) (random / 16) % a->count;
    const struct wal_facts f = a->facts[i];
    bool *is_there = &acknowledged[f.first_lsn / SEGMENT];

    a->facts[i] = a->facts[--a->count];
    if (random % 16 == 0) {
        wal_chain_failed(a->chain, &f);
    } else if (random % 16 > 1 || *is_there) {
        const bool was_there = *is_there;

        *is_there = true;
        wal_chain_acknowledged(a->chain, &f, was_there ? OBJECT_ALREADY_THERE : OBJECT_STORED);
    } else {
        wal_chain_freep(&a->chain);
        a->count = 0;
    }
}

START_TEST(archivers_that_share_a_spool_never_tell_of_what_was_not_acknowledged)
{
    uint64_t state = 42;
    unsigned longest = 0;

    for (unsigned history = 0; history < 400; history += thin_step()) {
        struct archiver archivers[2] = {{.next = 0}, {.next = 0}};
        bool acknowledged[SEGMENTS] = {false};
        char place[32];

        (void) snprintf(place, sizeof(place), "s3://%u", history);
        move_to(place);
        for (int turn = 0; turn < 160; turn++) {
            struct archiver *a = &archivers[next_number(&state) % (1 + history % 2)];
            uint64_t random = next_number(&state);
            unsigned told = 0;

            if (a->count > 0 && (a->count == BATCH || random % 2 == 0))
                end(a, acknowledged, random / 2);
            else
                told = begin(a, acknowledged, random / 2);
            longest = told > longest ? told : longest;
        }
        for (size_t i = 0; i < COUNT(archivers); i++)
            wal_chain_freep(&archivers[i].chain);
    }
    ck_assert_uint_ge(longest, 12);
}
END_TEST

struct worker {
    struct wal_chain *chain;
    const struct wal_facts *facts;
    unsigned first;
};

static void *answer(void *arg)
{
    const struct worker *w = arg;

    for (unsigned i = w->first; i < SEGMENTS; i += 4)
        wal_chain_acknowledged(w->chain, &w->facts[SEGMENTS - 1 - i], OBJECT_STORED);
    return NULL;
}

START_TEST(answers_may_come_on_any_thread)
{
    CLEANUP(wal_chain_freep) struct wal_chain *c = open_chain();
    struct wal_facts f[SEGMENTS];
    struct worker workers[4];
    pthread_t threads[4];

    give(c, FIRST, SEGMENTS, f);
    for (unsigned i = 0; i < 4; i++) {
        workers[i] = (struct worker){c, f, i};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, answer, &workers[i]), 0);
    }
    for (unsigned i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_uint_eq(known(1, FIRST + SEGMENTS, SEGMENT), SEGMENTS);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        segments_on_their_way_are_read_but_not_acknowledged,
        without_any_acknowledged_a_run_is_known_all_the_same,
        acknowledgements_count_as_far_as_they_leave_no_hole,
        behind_one_that_failed_nothing_counts,
        what_was_stored_out_of_order_is_joined_later,
        a_batch_that_begins_with_segments_pushed_again_goes_on_with_the_run,
        where_what_was_acknowledged_is_gone_nothing_of_the_batch_counts,
        a_run_that_begins_in_a_batch_counts_from_its_first_segment_on,
        times_marks_and_crossing_records_go_along_before_anything_is_acknowledged,
        in_a_directory_only_what_another_process_stored_must_be_seen,
        answers_may_come_on_any_thread,
        archivers_that_share_a_spool_never_tell_of_what_was_not_acknowledged,
    };

    return check_main(suite_between("repo/wal_chain_batch", set_up, tear_down, tests, COUNT(tests)));
}
