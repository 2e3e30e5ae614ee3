/*
 * test_fetch.c - what restore_command is told. "Absent" ends a recovery, so most of this says when it must not be said.
 */
#include "ops/fetch.h"

#include "check_main.h"
#include "fetch_case.h"
#include "repo/replay_rate.h"

#include <signal.h>
#include <sys/resource.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SEGMENT  "000000010000000000000006"
#define DEST     "pg_wal/RECOVERYXLOG"

enum state { GOOD, ABSENT, NO_LINE, AWAY, DENIED, BREAKS_OFF, DAMAGED, CUT };

static void archive_to(int repo, const char *name)
{
    if (strstr(name, ".history") != NULL)
        archive_into(repo, name, "1\t0/700200\tx\n", 13);
    else
        archive_into(repo, name, segment_bytes(name, 0), MIB);
}

static void put_into(int repo, enum state state)
{
    const struct faulty_plan away = {.at = FAULTY_GET, .kind = ERR_UNREACHABLE, .forever = true};
    const struct faulty_plan denied = {.at = FAULTY_GET, .kind = ERR_DENIED, .forever = true};
    const struct faulty_plan breaks = {
        .at = FAULTY_GET, .byte = 400, .kind = ERR_UNREACHABLE, .forever = true};

    if (state == ABSENT)
        make_line(repo);
    else if (state != NO_LINE)
        archive_to(repo, SEGMENT);
    if (state == DAMAGED || state == CUT)
        spoil(repo, SEGMENT, state == CUT);
    if (state == AWAY || state == DENIED || state == BREAKS_OFF)
        faulty_fail(pgdata_repo[repo].store, state == AWAY ? &away : state == DENIED ? &denied : &breaks);
}

static const struct state_case {
    const char *why;
    enum state near, far;
    enum err_code expected;
} state_cases[] = {
    {"both have it", GOOD, GOOD, ERR_OK},
    {"the second has it", ABSENT, GOOD, ERR_OK},
    {"the first is away", AWAY, GOOD, ERR_OK},
    {"the first breaks off", BREAKS_OFF, GOOD, ERR_OK},
    {"the first denies", DENIED, GOOD, ERR_OK},
    {"the first is another cluster's", NO_LINE, GOOD, ERR_OK},
    {"the first copy is damaged", DAMAGED, GOOD, ERR_OK},
    {"the first copy is cut", CUT, GOOD, ERR_OK},
    {"both say that it is not there", ABSENT, ABSENT, ERR_ABSENT},
    {"one does not answer, the other has not got it", AWAY, ABSENT, ERR_UNREACHABLE},
    {"one has not got it, the other does not answer", ABSENT, AWAY, ERR_UNREACHABLE},
    {"one has not got it, the other breaks off", ABSENT, BREAKS_OFF, ERR_UNREACHABLE},
    {"one has not got it, the other denies", ABSENT, DENIED, ERR_DENIED},
    {"a damaged copy is not an absent one", DAMAGED, ABSENT, ERR_CORRUPT},
    {"a damaged copy is not an absent one, in the second", ABSENT, CUT, ERR_CORRUPT},
    {"damaged and away", DAMAGED, AWAY, ERR_CORRUPT},
    {"an empty repository says nothing", ABSENT, NO_LINE, ERR_REFUSED},
    {"two empty repositories say nothing", NO_LINE, NO_LINE, ERR_REFUSED},
};

static void check_delivered(const char *name)
{
    CLEANUP(buf_clear) struct buf got = BUF_INIT(2 * MIB);

    ck_assert_msg(buf_read_file(&got, DEST, &e) == ERR_OK, "%s", e.text);
    ck_assert_uint_eq(got.len, MIB);
    ck_assert_int_eq(memcmp(got.data, segment_bytes(name, 0), MIB), 0);
}

START_TEST(absent_is_said_only_when_every_repository_says_so)
{
    const struct state_case *c = &state_cases[_i];
    const struct fetch_options none = {.line = NULL};
    enum err_code code;

    put_into(0, c->near);
    put_into(1, c->far);
    write_file(DEST, "old", 3);
    e = ERR_STALE;
    code = ops_fetch(&cluster, &none, SEGMENT, DEST, &e);
    ck_assert_msg(code == c->expected && (code == ERR_OK || code == e.code), "%s: %s, %s", c->why,
                  err_kind(code), e.text);
    ck_assert_msg(files_in("pg_wal") == 1, "%s: left files behind", c->why);
    if (code == ERR_OK) {
        check_delivered(SEGMENT);
    } else {
        CLEANUP(buf_clear) struct buf got = BUF_INIT(64);

        ck_assert(buf_read_file(&got, DEST, &e) == ERR_OK && got.len == 3);
    }
}
END_TEST

/* ---- a plan's path: timeline 2 left 1 at 0/700200, inside segment 7 ---- */

static const struct path_case {
    const char *why;
    const char *name;
    bool is_stored;
    const char *until;
    enum err_code expected;
} path_cases[] = {
    {"the parent's before the fork", "000000010000000000000006", true, "000000020000000000000009", ERR_OK},
    {"the parent's before the fork, missing", "000000010000000000000006", false, "000000020000000000000009",
     ERR_REFUSED},
    {"the parent's fork segment", "000000010000000000000007", true, "000000020000000000000009", ERR_ABSENT},
    {"the parent's behind the fork", "000000010000000000000008", true, "000000020000000000000009",
     ERR_ABSENT},
    {"the child's fork segment", "000000020000000000000007", true, "000000020000000000000009", ERR_OK},
    {"the child's fork segment, missing", "000000020000000000000007", false, "000000020000000000000009",
     ERR_REFUSED},
    {"the last needed, missing", "000000020000000000000009", false, "000000020000000000000009", ERR_REFUSED},
    {"the one behind the last needed, missing", "00000002000000000000000A", false, "000000020000000000000009",
     ERR_ABSENT},
    {"the one behind the last needed, there", "00000002000000000000000A", true, "000000020000000000000009",
     ERR_OK},
    {"in a lower log than the last needed", "0000000200000000000000FF", false, "000000020000000100000001",
     ERR_REFUSED},
    {"a timeline that is not on the path", "000000030000000000000008", true, "000000020000000000000009",
     ERR_ABSENT},
    {"missing, with no end known", "000000020000000000000007", false, NULL, ERR_ABSENT},
    {"the target timeline's history, missing", "00000002.history", false, "000000020000000000000009",
     ERR_REFUSED},
    {"the target timeline's history, missing, with no end known", "00000002.history", false, NULL,
     ERR_REFUSED},
    {"the target timeline's history", "00000002.history", true, "000000020000000000000009", ERR_OK},
    {"a later timeline's history, missing", "00000003.history", false, "000000020000000000000009",
     ERR_ABSENT},
    {"the first timeline's history, which never is", "00000001.history", false, "000000020000000000000009",
     ERR_ABSENT},
    {"a segment that can't be", "000000010000000000001000", false, "000000020000000000000009", ERR_CORRUPT},
};

START_TEST(a_plans_path_says_what_may_be_absent)
{
    const struct path_case *c = &path_cases[_i];
    const struct fetch_options o = {.path = "1:0/700200,2", .until = c->until};
    enum err_code code;

    for (int i = 0; i < 2; i++)
        make_line(i);
    if (c->is_stored)
        archive_to(1, c->name);
    e = ERR_STALE;
    code = ops_fetch(&cluster, &o, c->name, DEST, &e);
    ck_assert_msg(code == c->expected, "%s: %s, %s", c->why, err_kind(code), e.text);
    ck_assert_uint_eq(files_in("pg_wal"), code == ERR_OK ? 1 : 0);
}
END_TEST

/* ---- WAL that was damaged when it was archived ---- */

static void archive_damaged(struct repo *r)
{
    struct repo *only[] = {r};
    struct cluster one = cluster;
    uint8_t *bytes = segment_bytes(SEGMENT, 0);

    one.repos = only;
    one.repo_count = 1;
    bytes[68] ^= 1;
    write_file("pg_wal/" SEGMENT, bytes, MIB);
    ck_assert_msg(ops_archive(&one, &(struct archive_options){.jobs = 0}, "pg_wal/" SEGMENT, &e) == ERR_OK,
                  "%s", e.text);
    ck_assert_int_eq(unlink("pg_wal/" SEGMENT), 0);
}

static const struct damage_case {
    const char *why;
    struct fetch_options options;
    bool far_is_good;
    enum err_code expected;
} damage_cases[] = {
    {"without a plan it is what was archived", {.line = NULL}, false, ERR_OK},
    {"a plan that ends in it", {.path = "1", .until = SEGMENT}, false, ERR_OK},
    {"a plan that ends before it", {.path = "1", .until = "000000010000000000000005"}, false, ERR_OK},
    {"a plan that goes on behind it", {.path = "1", .until = "000000010000000000000007"}, false, ERR_CORRUPT},
    {"a plan that goes on behind it, and the second copy is good",
     {.path = "1", .until = "000000010000000000000007"},
     true,
     ERR_OK},
    {"a path without an end", {.path = "1"}, false, ERR_OK},
};

START_TEST(damaged_wal_is_not_delivered_to_a_plan_that_goes_on_behind_it)
{
    const struct damage_case *c = &damage_cases[_i];
    enum err_code code;

    archive_damaged(&pgdata_repo[0]);
    if (c->far_is_good)
        archive_to(1, SEGMENT);
    else
        archive_damaged(&pgdata_repo[1]);
    e = ERR_STALE;
    code = ops_fetch(&cluster, &c->options, SEGMENT, DEST, &e);
    ck_assert_msg(code == c->expected, "%s: %s, %s", c->why, err_kind(code), e.text);
    ck_assert_uint_eq(files_in("pg_wal"), code == ERR_OK ? 1 : 0);
    if (c->far_is_good)
        check_delivered(SEGMENT);
}
END_TEST

static const struct usage_case {
    const char *why;
    const char *name;
    struct fetch_options options;
    enum err_code expected;
} usage_cases[] = {
    {"a name that is none", "RECOVERYXLOG", {.line = NULL}, ERR_USAGE},
    {"a name that leads elsewhere", "../postgresql.conf", {.line = NULL}, ERR_USAGE},
    {"an empty name", "", {.line = NULL}, ERR_USAGE},
    {"a line that is none", SEGMENT, {.line = "main"}, ERR_USAGE},
    {"a line that nobody has", SEGMENT, {.line = "0123456789abcdef"}, ERR_REFUSED},
    {"a path that is none", SEGMENT, {.path = "1:0/5,"}, ERR_USAGE},
    {"an end that is none", SEGMENT, {.path = "1", .until = "x"}, ERR_USAGE},
    {"an end that is no segment", SEGMENT, {.path = "1", .until = "00000002.history"}, ERR_USAGE},
};

START_TEST(what_is_not_understood_is_never_absent)
{
    const struct usage_case *c = &usage_cases[_i];

    make_line(0);
    make_line(1);
    ck_assert_msg(ops_fetch(&cluster, &c->options, c->name, DEST, &e) == c->expected, "%s: %s", c->why,
                  e.text);
    ck_assert_uint_eq(files_in("pg_wal"), 0);
}
END_TEST

START_TEST(without_pg_control_the_cluster_is_not_known)
{
    const struct fetch_options none = {.line = NULL}, with_path = {.line = layout.line, .path = "1"};
    const struct fetch_options with_line = {.line = layout.line};

    put_into(0, GOOD);
    put_into(1, ABSENT);
    ck_assert_int_eq(unlink("global/pg_control"), 0);
    ck_assert_int_eq(ops_fetch(&cluster, &none, SEGMENT, DEST, &e), ERR_IO);
    e = ERR_STALE;
    ck_assert_int_eq(ops_fetch(&cluster, &with_path, SEGMENT, DEST, &e), ERR_IO);
    e = ERR_STALE;
    ck_assert_msg(ops_fetch(&cluster, &with_line, SEGMENT, DEST, &e) == ERR_OK, "%s", e.text);
    check_delivered(SEGMENT);
}
END_TEST

START_TEST(a_full_disk_leaves_nothing_behind)
{
    const struct fetch_options none = {.line = NULL};
    struct rlimit before, small;

    put_into(0, GOOD);
    put_into(1, ABSENT);
    (void) signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){.rlim_cur = MIB / 2, .rlim_max = before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    ck_assert_int_eq(ops_fetch(&cluster, &none, SEGMENT, DEST, &e), ERR_IO);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    ck_assert_uint_eq(files_in("pg_wal"), 0);
}
END_TEST

START_TEST(a_destination_that_can_not_be_is_an_error)
{
    const struct fetch_options none = {.line = NULL};

    put_into(0, ABSENT);
    put_into(1, ABSENT);
    ck_assert_int_eq(ops_fetch(&cluster, &none, SEGMENT, "nowhere/RECOVERYXLOG", &e), ERR_IO);
}
END_TEST

/* ---- what later plans estimate by ---- */

static uint64_t measured(const struct repo *r)
{
    struct replay_rate rate;

    (void) replay_rate_read(cluster.spool, repo_place(r), &rate);
    return rate.segments;
}

static void fetch_range(unsigned first, unsigned last, const char *path)
{
    const struct fetch_options o = {.path = path};
    char name[WALFILE_NAME_MAX];

    for (unsigned n = first; n <= last; n++) {
        walseg_name(1, n, MIB, name);
        ck_assert_msg(ops_fetch(&cluster, &o, name, DEST, &e) == ERR_OK, "%s", e.text);
    }
}

static void store_range(int repo, unsigned first, unsigned last)
{
    char name[WALFILE_NAME_MAX];

    make_line(repo);
    for (unsigned n = first; n <= last; n++) {
        walseg_name(1, n, MIB, name);
        archive_to(repo, name);
    }
}

START_TEST(a_recovery_by_a_plan_is_measured_where_its_segments_come_from)
{
    store_range(0, 1, 0);
    store_range(1, 1, 9);
    fetch_range(1, 9, NULL);
    ck_assert_uint_eq(measured(&pgdata_repo[1]), 0);
    fetch_range(1, 9, "1");
    ck_assert_uint_eq(measured(&pgdata_repo[0]), 0);
    ck_assert_uint_eq(measured(&pgdata_repo[1]), 8);
}
END_TEST

START_TEST(what_is_asked_beside_the_segments_does_not_disturb_the_measure)
{
    const struct fetch_options o = {.path = "1:0/700200,2"};

    store_range(0, 1, 6);
    store_range(1, 1, 0);
    fetch_range(1, 4, "1:0/700200,2");
    ck_assert_int_eq(ops_fetch(&cluster, &o, "00000003.history", DEST, &e), ERR_ABSENT);
    ck_assert_int_eq(ops_fetch(&cluster, &o, "000000020000000000000005", DEST, &e), ERR_ABSENT);
    fetch_range(5, 6, "1:0/700200,2");
    ck_assert_uint_eq(measured(&pgdata_repo[0]), 5);
    ck_assert_int_eq(ops_fetch(&cluster, &o, "000000020000000000000007", DEST, &e), ERR_ABSENT);
    ck_assert_uint_eq(measured(&pgdata_repo[0]), 6);
}
END_TEST

START_TEST(a_spool_that_is_lost_fails_no_fetch)
{
    store_range(0, 1, 3);
    store_range(1, 1, 0);
    scratch_remove(spool_dir(cluster.spool));
    fetch_range(1, 3, "1");
    ck_assert_uint_eq(measured(&pgdata_repo[0]), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/fetch");
    TCase *tests = tcase_create("ops/fetch");

    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, pgdata_set_up, pgdata_tear_down);
    tcase_add_loop_test(tests, absent_is_said_only_when_every_repository_says_so, 0, COUNT(state_cases));
    tcase_add_loop_test(tests, a_plans_path_says_what_may_be_absent, 0, COUNT(path_cases));
    tcase_add_loop_test(tests, damaged_wal_is_not_delivered_to_a_plan_that_goes_on_behind_it, 0,
                        COUNT(damage_cases));
    tcase_add_loop_test(tests, what_is_not_understood_is_never_absent, 0, COUNT(usage_cases));
    tcase_add_test(tests, without_pg_control_the_cluster_is_not_known);
    tcase_add_test(tests, a_full_disk_leaves_nothing_behind);
    tcase_add_test(tests, a_destination_that_can_not_be_is_an_error);
    tcase_add_test(tests, a_recovery_by_a_plan_is_measured_where_its_segments_come_from);
    tcase_add_test(tests, what_is_asked_beside_the_segments_does_not_disturb_the_measure);
    tcase_add_test(tests, a_spool_that_is_lost_fails_no_fetch);
    suite_add_tcase(suite, tests);
    return check_main(suite);
}
