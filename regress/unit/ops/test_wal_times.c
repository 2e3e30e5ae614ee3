/*
 * test_wal_times.c - where a time is passed, by descriptors alone. Segments of 1 MiB on timeline 1, in runs as an
 * archiver tells of them; their content is never read. The time looked for is 25 seconds behind noon, inclusive.
 *
 * In words, a segment each:  20   a commit at second 20      .   nothing       ?   its records were not read
 *                            a20  an abort                   =   no record begins in it
 *   x30 before such a word:  a commit at second 30 that began in the segment before ends in it
 *   ~ behind one:            what may be a commit goes on from it
 *   | before one:            an archiver's run begins with it, as with the first
 *   ! before one:            it was stored by another archiver whose run begins with it; ours goes on
 */
#include "ops/wal_times.h"

#include "../pg/wal_builder.h"
#include "../repo/in_memory.h"
#include "repo/object.h"

#include <stdio.h>

#define MIB    (1u << 20)
#define NOON   INT64_C(1795140000000000)
#define SECOND INT64_C(1000000)
#define FIRST  16 /* the number of the first segment; tests count from it */

static struct wal_place place;
static struct timeline_entry entry;
static struct timeline_path path;
static struct target target;
static struct wal_stretch stretch;
static struct wal_facts made[2 * WAL_TIMES_RUNS_MAX]; /* what the archiver told of each */
static bool by_rival[COUNT(made)];                    /* another one stored it, and told less */
static size_t made_count;
static struct err e;

static void set_up(void)
{
    repo_set_up();
    e = ERR_NONE;
    OK(layout_init(&layout, "main", WAL_BUILDER_SYSTEM, &e));
    place = (struct wal_place){&repo, &layout, MIB, NULL};
    entry = (struct timeline_entry){.tli = 1, .end = TIMELINE_NOT_ENDED};
    path = (struct timeline_path){&entry, 1};
    target = (struct target){.kind = TARGET_TIME, .time_us = NOON + 25 * SECOND};
    made_count = 0;
}

static void put(const struct wal_facts *f)
{
    CLEANUP(descriptor_clear) struct descriptor d = {.size = 0};
    char key[STORE_KEY_MAX + 1], name[WALFILE_NAME_MAX];
    enum object_outcome outcome;

    wal_object_key(&place, 1, f->first_lsn / MIB, key, name);
    OK(object_describe_new(&repo, "wal", name, &d, &e));
    OK(wal_facts_write(f, &d, &e));
    OK(object_put_bytes(&repo, key, &d, "x", 1, &outcome, &e));
}

static void raise_max(struct wal_facts *f, int64_t us)
{
    f->run_max_us = f->run_has_max && f->run_max_us > us ? f->run_max_us : us;
    f->run_has_max = true;
}

/* Tells what the run of the segment before does, and of what crosses into this one. */
static void go_on(const struct wal_facts *before, const char *word, struct wal_facts *f)
{
    f->run_from = before->run_from;
    f->run_to = f->first_lsn;
    if (before->run_has_max)
        raise_max(f, before->run_max_us);
    if (f->run_commit == 0)
        f->run_commit = before->run_commit;
    if (*word == 'x') {
        f->has_crossing = true;
        f->crossing_us = NOON + strtol(word + 1, NULL, 10) * SECOND;
        raise_max(f, f->crossing_us);
    }
}

static void add_transaction(struct wal_facts *f, const char *word)
{
    const bool is_abort = *word == 'a';

    f->commits = !is_abort;
    f->aborts = is_abort;
    f->commit_lsn = is_abort ? 0 : f->first_lsn + 400;
    f->first_us = f->last_us = f->min_us = f->max_us = NOON + strtol(word + is_abort, NULL, 10) * SECOND;
}

static void store(const char *word)
{
    struct wal_facts *f = &made[made_count];
    const lsn at = (FIRST + made_count) * (lsn) MIB;
    const bool begins = *word == '|' || made_count == 0, is_rival = *word == '!';
    const char *crossing = word += *word == '|' || is_rival, *own;
    struct wal_facts alone;

    ck_assert_uint_lt(made_count, COUNT(made));
    own = *word == 'x' ? word + 1 + strspn(word + 1, "0123456789") : word;
    *f = (struct wal_facts){.system_identifier = WAL_BUILDER_SYSTEM,
                            .major = 15,
                            .timeline = 1,
                            .segment_bytes = MIB,
                            .first_lsn = at,
                            .end_lsn = at + MIB,
                            .last_lsn = *own == '=' || *own == '?' ? 0 : at + 800,
                            .has_records = *own != '?'};
    if (strchr(".=?", *own) == NULL)
        add_transaction(f, own);
    if (strchr(own, '~') != NULL)
        f->commit_lsn = at + 900;
    wal_facts_begin_run(f);
    alone = *f;
    if (!begins)
        go_on(&made[made_count - 1], crossing, f);
    put(is_rival ? &alone : f);
    by_rival[made_count] = is_rival;
    made_count++;
}

static void store_times(const char *word, size_t count)
{
    for (size_t i = 0; i < count; i++)
        store(word);
}

/* All of them are the stretch. */
static void stretch_is(const char *words)
{
    char copy[1024], *left = NULL;

    (void) snprintf(copy, sizeof(copy), "%s", words);
    for (const char *word = strtok_r(copy, " ", &left); word != NULL; word = strtok_r(NULL, " ", &left))
        store(word);
    stretch = (struct wal_stretch){
        .place = &place, .path = &path, .first = FIRST, .last = FIRST + made_count - 1, .major = 15};
}

static void begin_anew(const char *words)
{
    repo_tear_down();
    set_up();
    stretch_is(words);
}

/* Where a segment may be past the time, from `from` on; as many as there are when that is none. */
static size_t next(struct wal_times *times, size_t from)
{
    uint64_t found = 0;

    OK(wal_times_next(times, FIRST + from, &found, &e));
    ck_assert_uint_ge(found, FIRST + from);
    return (size_t) found - FIRST;
}

/* ---- the search ---- */

static const struct {
    const char *why;
    const char *wal;
    size_t first;      /* the search's */
    const char *found; /* one behind the other */
} searches[] = {
    {"nothing is past it", "10 20 24 25", 0, ""},
    {"no transaction at all", ". . |. .", 0, ""},
    {"the first of all", "30 31", 0, "0 1 "},
    {"within a run", "10 20 . 22 30 31", 0, "4 5 "},
    {"the last of a run", "10 20 . . . 30 |12", 0, "5 "},
    {"an abort is past it", "10 a30 . .", 0, "1 "},
    {"in the last of several runs", "10 20 |12 13 |14 . 30", 0, "6 "},
    {"in the first of several runs", "10 30 |12 13 |14 15", 0, "1 "},
    {"in two of them", "10 30 |12 13 |14 31", 0, "1 5 "},
    {"what crosses into a segment", "10 20 x30. 21", 0, "2 "},
    {"before it crosses it is not", "10 20~ x24. 21", 0, ""},
    {"a border over which a commit may go on", "10 20~ |12 13", 0, "2 "},
    {"a border that a record covers", "10 = |12 13", 0, "2 "},
    {"a border that nothing crosses", "10 20 |12 30", 0, "3 "},
    {"no border lies before the search", "10 20~ |12 13", 2, ""},
    {"records that nobody read", "10 ? |12 13", 0, "0 1 2 "},
    {"the run was past it before, and so is what follows", "30 10 . 12 31 13", 1, "4 "},
    {"the run was past it before, what follows is not", "30 10 . 12", 1, ""},
    {"the run was past it before, and the next run is", "30 10 . |12 31", 1, "4 "},
    {"behind one that is past it the clock was set back", "10 30 12 . 13 a31 14 32", 0, "1 5 7 "},
};

START_TEST(the_first_segment_that_is_past_the_time_is_found)
{
    for (size_t i = 0; i < COUNT(searches); i++) {
        struct wal_times times;
        char found[256] = "";
        size_t at;

        begin_anew(searches[i].wal);
        OK(wal_times_open(&stretch, &target, FIRST + searches[i].first, &times, &e));
        for (at = next(&times, searches[i].first); at < made_count; at = next(&times, at + 1))
            (void) snprintf(found + strlen(found), sizeof(found) - strlen(found), "%zu ", at);
        ck_assert_uint_eq(at, made_count);
        ck_assert_msg(strcmp(found, searches[i].found) == 0, "%s: found %s", searches[i].why, found);
        ck_assert_msg(!times.is_estimate, "%s", searches[i].why);
        wal_times_close(&times);
    }
}
END_TEST

/*
 * Two servers archive the same segments; what one of them stored tells nothing of what lies before its own beginning.
 */
START_TEST(what_another_archiver_stored_hides_nothing)
{
    static const struct {
        const char *words;
        size_t found;
        const char *why;
    } cases[] = {
        {"10 12 30 20 !20 20 20 20 26", 2, "a run that another one's segment lies in"},
        {"10 12 30 20 !20 !20 !20 !20 20 26", 2, "several of them"},
        {"10 20~ !x30. 20 20 20 20 20", 2, "what crosses into it is not told: its records are read"},
        {"30 |10 12 20 !20 20 30", 0, "nor where it lies in the run's last part"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct wal_times times;

        begin_anew(cases[i].words);
        OK(wal_times_open(&stretch, &target, FIRST, &times, &e));
        ck_assert_msg(next(&times, 0) == cases[i].found, "%s", cases[i].why);
        wal_times_close(&times);
    }
}
END_TEST

START_TEST(an_exclusive_target_is_passed_at_the_time_itself)
{
    struct wal_times times;

    begin_anew("10 20 25 30");
    target.exclusive = true;
    OK(wal_times_open(&stretch, &target, FIRST, &times, &e));
    ck_assert_uint_eq(next(&times, 0), 2);
    wal_times_close(&times);
}
END_TEST

static bool is_past(size_t i)
{
    const struct wal_facts *f = &made[i];

    return (f->has_crossing && f->crossing_us > target.time_us) ||
           (f->commits + f->aborts > 0 && f->max_us > target.time_us);
}

/* May the segment be named though nothing in it is told to be past the time? */
static bool may_be_past(size_t i, size_t first)
{
    const bool begins = i > first && (made[i].run_from == made[i].run_to || by_rival[i]);

    return is_past(i) ||
           (begins && (made[i - 1].last_lsn == 0 || made[i - 1].commit_lsn > made[i - 1].last_lsn));
}

/* Behind a segment that tells too little, one may be named for what lies before: its records are read in vain. */
static bool is_behind_rival(size_t i, size_t from)
{
    while (i > from && !by_rival[i])
        i--;
    return by_rival[i];
}

static void store_at_random(uint64_t *state)
{
    static const char *const words[] = {"10",  "20",  "24", "25", "26", "30",
                                        "a12", "a28", ".",  ".",  "=",  "20~"};
    const size_t count = 1 + next_number(state) % 24;

    for (size_t i = 0; i < count; i++) {
        const char *const crossing = next_number(state) % 8 == 0 ? "x30" : "";
        const char *const begins = next_number(state) % 5 == 0 ? "|" : next_number(state) % 4 == 0 ? "!" : "";
        char word[16];

        (void) snprintf(word, sizeof(word), "%s%s%s", begins, begins[0] != '\0' ? "" : crossing,
                        words[next_number(state) % COUNT(words)]);
        store(word);
    }
    stretch_is("");
}

START_TEST(in_random_runs_none_that_is_past_the_time_is_passed_over)
{
    uint64_t state = UINT64_C(88172645463325252);

    for (unsigned round = 0; round < 400; round += thin_step()) {
        struct wal_times times;
        size_t first;

        begin_anew("");
        store_at_random(&state);
        first = next_number(&state) % made_count;
        OK(wal_times_open(&stretch, &target, FIRST + first, &times, &e));
        for (size_t from = first; from < made_count; from++) {
            const size_t found = next(&times, from);

            for (size_t i = from; i < found; i++)
                ck_assert_msg(!is_past(i), "round %u from %zu: %zu is passed over", round, from, i);
            ck_assert_msg(found == made_count || may_be_past(found, first) || is_behind_rival(found, from),
                          "round %u from %zu: %zu is not past", round, from, found);
        }
        ck_assert(!times.is_estimate);
        wal_times_close(&times);
    }
}
END_TEST

START_TEST(a_long_run_takes_few_descriptors)
{
    struct wal_times times;
    uint64_t before;

    store_times("10", 700);
    store_times("30", 324);
    stretch_is("");
    before = requests();
    OK(wal_times_open(&stretch, &target, FIRST, &times, &e));
    ck_assert_uint_eq(requests() - before, 1);
    ck_assert_uint_eq(next(&times, 0), 700);
    ck_assert_uint_le(requests() - before, 32);
    wal_times_close(&times);
}
END_TEST

START_TEST(a_missing_descriptor_is_the_error)
{
    struct wal_times times;

    begin_anew("10 20 |12 13");
    stretch.last++;
    ck_assert_int_eq(wal_times_open(&stretch, &target, FIRST, &times, &e), ERR_ABSENT);
}
END_TEST

/* ---- beyond the bounds ---- */

/* In a run that was past the time before, so many segments that are not behind the one asked, then the words. */
static size_t walk_over(size_t count, const char *words, bool *is_estimate)
{
    struct wal_times times;
    size_t found;

    begin_anew("30");
    store_times("10", 1 + count);
    stretch_is(words);
    OK(wal_times_open(&stretch, &target, FIRST + 1, &times, &e));
    found = next(&times, 1);
    *is_estimate = times.is_estimate;
    wal_times_close(&times);
    return found;
}

START_TEST(behind_as_many_segments_as_are_asked_one_by_one_the_answer_is_an_estimate)
{
    const size_t most = WAL_TIMES_WALK_MAX;
    bool is_estimate;

    ck_assert_uint_eq(walk_over(most - 1, "30 31", &is_estimate), 2 + most - 1);
    ck_assert(!is_estimate);
    ck_assert_uint_eq(walk_over(most, "30 31", &is_estimate), 2 + most);
    ck_assert(is_estimate);
    ck_assert_uint_eq(walk_over(most, "10 . 12", &is_estimate), 2 + most + 3);
    ck_assert(is_estimate);
}
END_TEST

START_TEST(an_estimate_stands_disorder_within_16_segments)
{
    const size_t most = WAL_TIMES_WALK_MAX;
    bool is_estimate;

    ck_assert_uint_eq(walk_over(most, "10 10 26 11 11 11 11 11 11 11 11 11 . . . . 30 31", &is_estimate),
                      2 + most + 2);
    ck_assert(is_estimate);
}
END_TEST

/* So many runs of a segment each, all before the time, behind the words. */
static void runs_behind(const char *words, size_t count)
{
    begin_anew(words);
    store_times("|10", count);
    stretch_is("");
}

START_TEST(before_as_many_runs_as_are_followed_the_answer_is_an_estimate)
{
    struct wal_times times;

    runs_behind("|10 . |30 |12 13", WAL_TIMES_RUNS_MAX);
    OK(wal_times_open(&stretch, &target, FIRST, &times, &e));
    ck_assert_uint_eq(times.count, WAL_TIMES_RUNS_MAX);
    ck_assert_uint_eq(next(&times, 5), 5); /* nobody tells what goes on into it */
    ck_assert_uint_eq(next(&times, 6), made_count);
    ck_assert(!times.is_estimate);
    ck_assert_uint_eq(next(&times, 0), 2);
    ck_assert(times.is_estimate);
    ck_assert_uint_eq(next(&times, 3), 5);
    wal_times_close(&times);
}
END_TEST

START_TEST(as_many_runs_as_are_followed_are_searched_exactly)
{
    struct wal_times times;

    runs_behind("|10 . 30", WAL_TIMES_RUNS_MAX - 1);
    OK(wal_times_open(&stretch, &target, FIRST, &times, &e));
    ck_assert_uint_eq(next(&times, 0), 2);
    ck_assert_uint_eq(next(&times, 3), made_count);
    ck_assert(!times.is_estimate);
    wal_times_close(&times);
}
END_TEST

/* ---- the last commit before ---- */

static const struct {
    const char *why;
    const char *wal;
    size_t passing;
    size_t first;
    size_t kept; /* passing = none */
} keeps[] = {
    {"in the segment before", "10 20 30", 2, 0, 1},
    {"behind an idle stretch", "10 . . . 30", 4, 0, 0},
    {"in the run before", "10 . |. . 30", 4, 0, 0},
    {"two runs before", "10 . |. |. . 30", 5, 0, 0},
    {"in the first segment of the search", "10 20 . 30", 3, 1, 1},
    {"before the search", "10 . . 30", 3, 1, 3},
    {"before the search, in another run", "10 |. . 30", 3, 1, 3},
    {"an abort is none", "10 a20 . 30", 3, 0, 0},
    {"none at all", "a20 . 30", 2, 0, 2},
    {"nothing before", "30", 0, 0, 0},
    {"what may be one goes on from the segment", "10 .~ 30", 2, 0, 1},
    {"records that nobody read may hold one", "10 ? |. 30", 3, 0, 1},
    {"the end of the stretch", "10 20 . .", 4, 0, 1},
};

START_TEST(the_last_commit_before_is_where_the_runs_tell)
{
    for (size_t i = 0; i < COUNT(keeps); i++) {
        uint64_t kept = 0;

        begin_anew(keeps[i].wal);
        OK(wal_times_kept(&stretch, FIRST + keeps[i].passing, FIRST + keeps[i].first, &kept, &e));
        ck_assert_msg(kept == FIRST + keeps[i].kept, "%s: in %d", keeps[i].why, (int) kept - FIRST);
    }
}
END_TEST

START_TEST(a_run_without_a_commit_takes_one_descriptor)
{
    uint64_t kept = 0, before;

    begin_anew("10 |.");
    store_times(".", 100);
    stretch_is("");
    before = requests();
    OK(wal_times_kept(&stretch, FIRST + made_count, FIRST, &kept, &e));
    ck_assert_uint_eq(kept, FIRST);
    ck_assert_uint_eq(requests() - before, 2);
}
END_TEST

/* ---- the same time again ---- */

#define NOWHERE (-1)

static const struct {
    const char *why;
    const char *wal;
    size_t behind;
    int step; /* the last segment before the clock is behind the time again */
    int again;
} agains[] = {
    {"the next run begins before it", "10 30 |12 13 |31", 1, 1, 12},
    {"the next run begins past it", "10 30 |31 32", 1, NOWHERE, 0},
    {"a later run begins before it", "10 30 |31 32 |12", 1, 3, 12},
    {"an abort is before it", "10 30 |a12", 1, 1, 12},
    {"the first of two", "10 30 |13 31 |12", 1, 1, 13},
    {"what is behind a run that was not past it", "10 |12 |30 |13", 0, 2, 13},
    {"no run is behind", "10 30 12", 1, NOWHERE, 0},
    {"only runs before", "30 |12 |31", 2, NOWHERE, 0},
    {"a run that begins with nothing tells nothing", "10 30 |. 12", 1, NOWHERE, 0},
    {"nor does one that nobody read", "10 30 |?", 1, NOWHERE, 0},
    {"after 15 others", "30 |31 |31 |31 |31 |31 |31 |31 |31 |31 |31 |31 |31 |31 |31 |31 |12", 0, 15, 12},
    {"after 16 others", "30 |31 |31 |31 |31 |31 |31 |31 |31 |31 |31 |31 |31 |31 |31 |31 |31 |12", 0, NOWHERE,
     0},
};

START_TEST(a_clock_that_was_set_back_behind_the_time_is_told)
{
    for (size_t i = 0; i < COUNT(agains); i++) {
        const struct wal_times_run *step;
        struct wal_times times;
        int64_t again_us = 0;

        begin_anew(agains[i].wal);
        OK(wal_times_open(&stretch, &target, FIRST, &times, &e));
        OK(wal_times_again(&times, FIRST + agains[i].behind, &step, &again_us, &e));
        ck_assert_msg((step == NULL ? NOWHERE : (int) step->last - FIRST) == agains[i].step, "%s",
                      agains[i].why);
        ck_assert_msg(step == NULL || again_us == NOON + agains[i].again * SECOND, "%s", agains[i].why);
        wal_times_close(&times);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_first_segment_that_is_past_the_time_is_found,
        what_another_archiver_stored_hides_nothing,
        an_exclusive_target_is_passed_at_the_time_itself,
        in_random_runs_none_that_is_past_the_time_is_passed_over,
        a_long_run_takes_few_descriptors,
        a_missing_descriptor_is_the_error,
        behind_as_many_segments_as_are_asked_one_by_one_the_answer_is_an_estimate,
        an_estimate_stands_disorder_within_16_segments,
        before_as_many_runs_as_are_followed_the_answer_is_an_estimate,
        as_many_runs_as_are_followed_are_searched_exactly,
        the_last_commit_before_is_where_the_runs_tell,
        a_run_without_a_commit_takes_one_descriptor,
        a_clock_that_was_set_back_behind_the_time_is_told,
    };

    return check_main(suite_between("ops/wal_times", set_up, repo_tear_down, tests, COUNT(tests)));
}
