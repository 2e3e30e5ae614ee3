/*
 * test_backup_wal.c - a backup waits for its WAL as long as it was told, and names what did not come.
 */
#include "ops/backup_wal.h"

#include "../repo/in_memory.h"
#include "pg/walseg.h"
#include "repo/object.h"
#include "repo/wal_object.h"

#define MIB ((uint64_t) 1 << 20)

static int64_t now_us;     /* the clock of these tests */
static int64_t arrives_us; /* when `arriving` does; 0 = never */
static const char *arriving;
static unsigned sleeps;

static void put_segment(const char *name)
{
    struct walfile file;
    struct err e = ERR_NONE;
    char key[STORE_KEY_MAX + 1];

    OK(walfile_parse(name, &file, &e));
    layout_wal_file(&layout, &file, key);
    raw_text(key, "segment");
}

static int64_t tell_us(void *self)
{
    (void) self;
    return now_us;
}

static void sleep_us(void *self, int64_t us)
{
    (void) self;
    ck_assert_int_gt(us, 0);
    now_us += us;
    sleeps++;
    if (arriving != NULL && arrives_us != 0 && now_us >= arrives_us) {
        put_segment(arriving);
        arriving = NULL;
    }
}

static enum err_code wait_for(const struct manifest_range *ranges, size_t count, int64_t timeout_ms,
                              struct err *e)
{
    static const struct clock clock = {tell_us, tell_us, sleep_us, NULL};
    const struct backup_wal w = {.repo = &repo,
                                 .layout = &layout,
                                 .ranges = ranges,
                                 .range_count = count,
                                 .segment_bytes = MIB,
                                 .timeout_ms = timeout_ms,
                                 .clock = &clock};

    now_us = 1000;
    sleeps = 0;
    return backup_wal_wait(&w, e);
}

/* Segments 2 to 4 of timeline 1. */
static const struct manifest_range plain = {.tli = 1, .start = 2 * MIB + 40, .end = 4 * MIB + 300};

#define TWO   "000000010000000000000002"
#define THREE "000000010000000000000003"
#define FOUR  "000000010000000000000004"

START_TEST(wal_that_is_there_is_not_waited_for)
{
    struct err e = ERR_STALE;
    uint64_t before;

    put_segment(TWO);
    put_segment(THREE);
    put_segment(FOUR);
    before = requests();
    OK(wait_for(&plain, 1, 60000, &e));
    ck_assert_uint_le(requests() - before, 4); /* a listing, and descriptors that say nothing */
    ck_assert_uint_eq(sleeps, 0);
    ck_assert_str_eq(e.text, ERR_STALE.text);
}
END_TEST

/* A stored segment with a descriptor, of a run from `run_from` on; valid up to `end`, which may be inside it. */
static void put_described(uint64_t number, lsn end, uint64_t run_from)
{
    CLEANUP(descriptor_clear) struct descriptor d = {.size = 0};
    const struct wal_place place = {&repo, &layout, MIB, NULL};
    struct wal_facts f = {.system_identifier = SYSTEM,
                          .major = 15,
                          .timeline = 1,
                          .segment_bytes = MIB,
                          .first_lsn = number * MIB,
                          .end_lsn = end,
                          .has_records = true,
                          .is_damaged = end < (number + 1) * MIB};
    char key[STORE_KEY_MAX + 1], name[WALFILE_NAME_MAX];
    enum object_outcome outcome;
    struct err e = ERR_NONE;

    wal_facts_begin_run(&f);
    f.run_from = run_from * MIB;
    wal_object_key(&place, 1, number, key, name);
    OK(object_describe_new(&repo, "wal", name, &d, &e));
    OK(wal_facts_write(&f, &d, &e));
    OK(object_put_bytes(&repo, key, &d, "x", 1, &outcome, &e));
}

START_TEST(wal_that_was_damaged_when_it_was_archived_is_no_backups_wal)
{
    static const struct {
        lsn third, fourth; /* where valid WAL ends in segments 3 and 4 */
        const char *damaged;
    } cases[] = {
        {4 * MIB, 5 * MIB, NULL},
        {3 * MIB + 800, 5 * MIB, "0/300320 in segment \"" THREE "\""},
        {4 * MIB, 4 * MIB + 299, "0/40012B in segment \"" FOUR "\""},
        {4 * MIB, 4 * MIB + 300, NULL}, /* behind the backup's end */
        {3 * MIB + 800, 4 * MIB + 299, "0/300320"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err e = ERR_NONE;
        uint64_t before;

        repo_tear_down();
        repo_set_up();
        put_described(2, 3 * MIB, 2);
        put_described(3, cases[i].third, 2);
        put_described(4, cases[i].fourth, cases[i].third < 4 * MIB ? 4 : 2);
        before = requests();
        ck_assert_int_eq(wait_for(&plain, 1, 1000, &e), cases[i].damaged == NULL ? ERR_OK : ERR_REFUSED);
        ck_assert_uint_eq(requests() - before, cases[i].third < 4 * MIB ? 3 : 2);
        ck_assert_msg(cases[i].damaged == NULL || strstr(e.text, cases[i].damaged) != NULL, "%s", e.text);
    }
}
END_TEST

START_TEST(a_segment_that_arrives_in_time_ends_the_waiting)
{
    static const int64_t after_ms[] = {1, 200, 999, 3000, 3999, 4000};

    for (size_t i = 0; i < COUNT(after_ms); i++) {
        struct err e = ERR_STALE;

        repo_tear_down();
        repo_set_up();
        put_segment(TWO);
        put_segment(THREE);
        arriving = FOUR;
        arrives_us = 1000 + after_ms[i] * 1000;
        ck_assert_msg(wait_for(&plain, 1, 4000, &e) == ERR_OK, "after %d ms: %s", (int) after_ms[i], e.text);
        ck_assert_str_eq(e.text, ERR_STALE.text);
    }
}
END_TEST

START_TEST(a_segment_that_never_arrives_is_named_when_the_time_is_over)
{
    static const struct {
        const char *there[3], *missing;
    } table[] = {
        {{NULL}, TWO}, {{TWO}, THREE}, {{TWO, THREE}, FOUR}, {{TWO, FOUR}, THREE}, {{THREE, FOUR}, TWO},
    };
    static const int64_t timeouts_ms[] = {0, 1, 4000, 60000};

    for (size_t i = 0; i < COUNT(table); i++)
        for (size_t k = 0; k < COUNT(timeouts_ms); k++) {
            struct err e = ERR_NONE;

            repo_tear_down();
            repo_set_up();
            for (size_t n = 0; n < 3 && table[i].there[n] != NULL; n++)
                put_segment(table[i].there[n]);
            ck_assert_int_eq(wait_for(&plain, 1, timeouts_ms[k], &e), ERR_REFUSED);
            ck_assert_msg(strstr(e.text, table[i].missing) != NULL, "%s: %s", table[i].missing, e.text);
            ck_assert_ptr_nonnull(strstr(e.hint, "archive_command"));
            ck_assert_int_eq(now_us, 1000 + timeouts_ms[k] * 1000);
            ck_assert_uint_le(sleeps, 20);
        }
}
END_TEST

START_TEST(a_partial_segment_is_not_the_segment)
{
    struct err e = ERR_NONE;

    put_segment(TWO);
    put_segment(THREE);
    put_segment(FOUR ".partial");
    ck_assert_int_eq(wait_for(&plain, 1, 0, &e), ERR_REFUSED);
    ck_assert_ptr_nonnull(strstr(e.text, "\"" FOUR "\""));
}
END_TEST

/* A backup from a standby that followed a promotion: timeline 1 to its end in segment 3, then timeline 2 from there. */
START_TEST(the_segment_of_a_fork_is_wanted_of_the_newer_timeline_only)
{
    static const struct {
        const char *why;
        struct manifest_range ranges[2];
        const char *there[3], *missing; /* NULL = nothing */
    } table[] = {
        {"all there",
         {{2, 3 * MIB + 80, 3 * MIB + 200}, {1, 2 * MIB + 40, 3 * MIB + 80}},
         {TWO, "000000020000000000000003"},
         NULL},
        {"the older one's is not enough",
         {{2, 3 * MIB + 80, 3 * MIB + 200}, {1, 2 * MIB + 40, 3 * MIB + 80}},
         {TWO, THREE},
         "000000020000000000000003"},
        {"the older one is looked at first",
         {{2, 3 * MIB + 80, 3 * MIB + 200}, {1, 2 * MIB + 40, 3 * MIB + 80}},
         {NULL},
         TWO},
        {"begun in the fork's segment",
         {{2, 3 * MIB + 80, 3 * MIB + 200}, {1, 3 * MIB + 40, 3 * MIB + 80}},
         {"000000020000000000000003"},
         NULL},
        {"forked at a segment's first byte",
         {{2, 3 * MIB, 3 * MIB + 200}, {1, 2 * MIB + 40, 3 * MIB}},
         {TWO, "000000020000000000000003"},
         NULL},
        {"that segment of the older one is missing",
         {{2, 3 * MIB, 3 * MIB + 200}, {1, 2 * MIB + 40, 3 * MIB}},
         {"000000020000000000000003"},
         TWO},
        {"nothing of the older one",
         {{2, 3 * MIB, 3 * MIB + 200}, {1, 3 * MIB, 3 * MIB}},
         {"000000020000000000000003"},
         NULL},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct err e = ERR_NONE;
        enum err_code code;

        repo_tear_down();
        repo_set_up();
        for (size_t n = 0; n < 3 && table[i].there[n] != NULL; n++)
            put_segment(table[i].there[n]);
        code = wait_for(table[i].ranges, 2, 0, &e);
        ck_assert_msg(code == (table[i].missing == NULL ? ERR_OK : ERR_REFUSED), "%s: %s", table[i].why,
                      e.text);
        if (table[i].missing != NULL)
            ck_assert_msg(strstr(e.text, table[i].missing) != NULL, "%s: %s", table[i].why, e.text);
    }
}
END_TEST

START_TEST(a_store_that_fails_ends_the_waiting)
{
    static const enum err_code kinds[] = {ERR_UNREACHABLE, ERR_DENIED, ERR_CORRUPT};

    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct err e = ERR_NONE;

        faulty_fail(repo.store, &(struct faulty_plan){.at = FAULTY_LIST, .nth = 3, .kind = kinds[i]});
        ck_assert_int_eq(wait_for(&plain, 1, 60000, &e), kinds[i]);
        ck_assert_ptr_nonnull(strstr(e.text, "looking for the backup's WAL"));
        ck_assert_uint_eq(sleeps, 2);
    }
}
END_TEST

/* ---- whose is it? ---- */

static struct backup_archiver says;
static int64_t changes_us; /* then it says this: */
static struct backup_archiver later;

static enum err_code tell_archiver(void *arg, struct backup_archiver *out, struct err *e)
{
    (void) arg;
    if (says.archived[0] == '!')
        return err_set(e, ERR_UNREACHABLE, "the server is gone");
    *out = changes_us != 0 && now_us >= changes_us ? later : says;
    return ERR_OK;
}

static const struct archiver_case {
    const char *why;
    struct backup_archiver says, later;
    int64_t changes_s;
    enum err_code code;
    unsigned least_s; /* it takes at least so long */
    const char *text;
} archiver_cases[] = {
    {"archived itself", {"000000010000000000000005", ""}, {"", ""}, 0, ERR_OK, 0, NULL},
    {"archived further", {"000000010000000000000009", ""}, {"", ""}, 0, ERR_OK, 0, NULL},
    {"a later timeline's", {"000000020000000000000003", ""}, {"", ""}, 0, ERR_OK, 0, NULL},
    {"it comes to it",
     {"000000010000000000000003", ""},
     {"000000010000000000000005", ""},
     20,
     ERR_OK,
     20,
     NULL},
    {"it never comes to it",
     {"000000010000000000000003", ""},
     {"", ""},
     0,
     ERR_REFUSED,
     60,
     "no further than"},
    {"it fails at it",
     {"000000010000000000000004", "000000010000000000000005"},
     {"", ""},
     0,
     ERR_REFUSED,
     30,
     "the server's own archiver fails at \"000000010000000000000005\": what is there may be another "
     "server's"},
    {"it fails before it", {"", "000000010000000000000002"}, {"", ""}, 0, ERR_REFUSED, 30, "fails at"},
    {"it fails for a moment",
     {"000000010000000000000003", "000000010000000000000004"},
     {"000000010000000000000005", ""},
     9,
     ERR_OK,
     9,
     NULL},
    {"it fails behind it",
     {"000000010000000000000005", "000000010000000000000006"},
     {"", ""},
     0,
     ERR_OK,
     0,
     NULL},
    {"the last one was the backup history file of that segment",
     {"000000010000000000000005.00000028.backup", ""},
     {"", ""},
     0,
     ERR_OK,
     0,
     NULL},
    {"the last one was an earlier backup history file",
     {"000000010000000000000004.00000028.backup", ""},
     {"", ""},
     0,
     ERR_OK,
     5,
     NULL},
    {"the statistics are gone", {"", ""}, {"", ""}, 0, ERR_OK, 5, NULL},
    {"it does not answer", {"!", ""}, {"", ""}, 0, ERR_OK, 5, NULL},
};

static void judge_case(const struct archiver_case *c)
{
    static const struct clock clock = {tell_us, tell_us, sleep_us, NULL};
    const struct manifest_range range = {.tli = 1, .start = 4 * MIB + 40, .end = 5 * MIB + 200};
    const struct backup_wal w = {.repo = &repo,
                                 .layout = &layout,
                                 .ranges = &range,
                                 .range_count = 1,
                                 .segment_bytes = MIB,
                                 .timeout_ms = 60000,
                                 .clock = &clock,
                                 .ask = tell_archiver};
    const int64_t least_us = (int64_t) c->least_s * 1000000;
    struct err e = ERR_NONE;

    now_us = 1000;
    says = c->says;
    later = c->later;
    changes_us = c->changes_s * 1000000;
    ck_assert_msg(backup_wal_wait(&w, &e) == c->code, "%s: %s", c->why, e.text);
    ck_assert_msg(now_us >= least_us && now_us <= least_us + 8000000, "%s: after %ld us", c->why,
                  (long) now_us);
    if (c->text != NULL)
        ck_assert_msg(strstr(e.text, c->text) != NULL, "%s: %s", c->why, e.text);
}

/* What can't be told is no reason to refuse, however short the wait. */
START_TEST(a_short_wait_does_not_refuse_what_is_not_told)
{
    static const struct clock clock = {tell_us, tell_us, sleep_us, NULL};
    const struct manifest_range range = {.tli = 1, .start = 5 * MIB + 40, .end = 5 * MIB + 200};
    const struct backup_wal w = {.repo = &repo,
                                 .layout = &layout,
                                 .ranges = &range,
                                 .range_count = 1,
                                 .segment_bytes = MIB,
                                 .timeout_ms = 2000,
                                 .clock = &clock,
                                 .ask = tell_archiver};
    struct err e = ERR_NONE;

    put_segment("000000010000000000000005");
    now_us = 1000;
    says = (struct backup_archiver){"000000010000000000000003.00000028.backup", ""};
    changes_us = 0;
    OK(backup_wal_wait(&w, &e));
}
END_TEST

START_TEST(a_segment_of_the_right_name_must_be_the_servers_own)
{
    put_segment("000000010000000000000004");
    put_segment("000000010000000000000005");
    for (size_t i = 0; i < COUNT(archiver_cases); i++)
        judge_case(&archiver_cases[i]);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        wal_that_is_there_is_not_waited_for,
        wal_that_was_damaged_when_it_was_archived_is_no_backups_wal,
        a_segment_that_arrives_in_time_ends_the_waiting,
        a_segment_that_never_arrives_is_named_when_the_time_is_over,
        a_partial_segment_is_not_the_segment,
        the_segment_of_a_fork_is_wanted_of_the_newer_timeline_only,
        a_store_that_fails_ends_the_waiting,
        a_segment_of_the_right_name_must_be_the_servers_own,
        a_short_wait_does_not_refuse_what_is_not_told,
    };

    return check_main(suite_in_memory("ops/backup_wal", tests, COUNT(tests)));
}
