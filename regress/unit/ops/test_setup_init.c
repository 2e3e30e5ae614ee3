/*
 * test_setup_init.c - init makes a cluster's line in every repository, says what it met, and stops at none of them. A
 * fake server says who it is; with a real one: test_setup_live.c.
 */
#include "ops/setup.h"

#include "../pg/fake_server.h"
#include "../repo/in_memory.h"
#include "../scratch.h"
#include "findings_match.h"
#include "repo/line.h"

#include <stdio.h>

static const struct fake_answer answers[] = {
    {"IDENTIFY_SYSTEM", "(7460683158682411845|1|16/B374D848|)Z"}, /* SYSTEM */
    {"SHOW wal_segment_size", "(16MB)Z"},
    {"SHOW data_directory_mode", "(0700)Z"},
    {"SHOW data_checksums", "(on)Z"},
    {"SELECT pg_catalog.pg_is_in_recovery", "(f)Z"},
    {NULL, NULL},
};

static char scratch[SCRATCH_MAX];
static struct repo far; /* beside `repo` of in_memory.h */
static struct repo *repos[] = {&repo, &far};
static struct cluster cluster;
static struct findings findings;

static void set_up(void)
{
    struct store *inner;
    struct err e = ERR_NONE;

    scratch_make(scratch);
    repo_set_up();
    far = (struct repo){.name = strdup("far"), .place = strdup("elsewhere"), .codec = CODEC_LZ4};
    OK(memory_store_new(&inner, &e));
    OK(faulty_store_new(inner, &far.store, &e));
    cluster = (struct cluster){.name = (char *) (uintptr_t) "main", .repos = repos, .repo_count = 2};
    OK(spool_open(scratch_path(scratch, "spool"), "main", &cluster.spool, &e));
    findings = (struct findings){.list = NULL};
}

static void tear_down(void)
{
    findings_clear(&findings);
    spool_free(cluster.spool);
    store_free(far.store);
    free(far.name);
    free(far.place);
    repo_tear_down();
    scratch_remove(scratch);
}

static void init_with(const char *version)
{
    struct fake_server server;
    struct err e = ERR_NONE;

    findings_clear(&findings);
    fake_server_start(&server, version, answers);
    cluster.conninfo = server.conninfo;
    OK(ops_init(&cluster, &findings, &e));
    fake_server_stop(&server);
}

/* A finding about this repository. */
static void found_in(const struct repo *r, enum finding_level level, const char *words)
{
    char subject[64];

    (void) snprintf(subject, sizeof(subject), "repository \"%s\"", r->name);
    for (size_t i = 0; i < findings.count; i++)
        if (findings.list[i].level == level && strcmp(findings.list[i].subject, subject) == 0 &&
            strstr(findings.list[i].text, words) != NULL)
            return;
    show_findings(&findings);
    ck_abort_msg("%s: no finding of level %d says \"%s\"", subject, (int) level, words);
}

static unsigned major_of(struct repo *r)
{
    struct line_info info;
    struct err e = ERR_NONE;
    enum err_code code = line_read(r, &layout, &info, &e);

    ck_assert_msg(code == ERR_OK || code == ERR_ABSENT, "%s", e.text);
    return code == ERR_OK ? info.major : 0;
}

START_TEST(a_line_is_made_in_every_repository_and_learnt)
{
    init_with("15.18");
    for (int i = 0; i < 2; i++) {
        found_in(repos[i], FINDING_OK, "made line 6789abcdef012345 of cluster \"main\"");
        found_in(repos[i], FINDING_OK, "could not be overwritten");
        found_in(repos[i], FINDING_WARNING, "stored unencrypted");
        ck_assert_uint_eq(major_of(repos[i]), 15);
        ck_assert(spool_knows_line(cluster.spool, repo_place(repos[i]), layout.line));
    }
    ck_assert_int_eq(findings_verdict(&findings), ERR_OK);
}
END_TEST

START_TEST(a_line_that_is_there_is_left_as_it_is)
{
    CLEANUP(buf_clear) struct buf before = BUF_INIT(RAW_MAX), after = BUF_INIT(RAW_MAX);

    init_with("15.18");
    raw_get("main/6789abcdef012345/line.json", &before);
    init_with("15.19");
    found_in(&repo, FINDING_OK, "line 6789abcdef012345 of cluster \"main\" is there since ");
    found_in(&far, FINDING_OK, "is there since ");
    raw_get("main/6789abcdef012345/line.json", &after);
    ck_assert_uint_eq(before.len, after.len);
    ck_assert_mem_eq(before.data, after.data, before.len);
}
END_TEST

START_TEST(a_second_line_is_made_with_a_warning_that_names_the_first)
{
    struct layout older;
    struct err e = ERR_NONE;
    bool created;

    OK(layout_init(&older, "main", OTHER_SYSTEM, &e));
    OK(line_create(&repo, &older, 15, &created, &e));
    init_with("16.2");
    found_in(&repo, FINDING_WARNING,
             "made a second line, 6789abcdef012345, of cluster \"main\" beside 7000000000000001");
    found_in(&far, FINDING_OK, "made line 6789abcdef012345");
    ck_assert_int_eq(findings_verdict(&findings), ERR_OK);
    ck_assert_uint_eq(major_of(&repo), 16);
}
END_TEST

/* One failure of the first repository; the second one is set up all the same. */
static const struct {
    const char *why;
    struct faulty_plan plan;
    enum err_code verdict;
    bool is_made; /* the line, in the first one */
} failures[] = {
    {"it can't be read", {.at = FAULTY_GET, .kind = ERR_DENIED}, ERR_DENIED, false},
    {"it is away", {.at = FAULTY_GET, .kind = ERR_UNREACHABLE}, ERR_UNREACHABLE, false},
    {"it can't be listed", {.at = FAULTY_LIST, .kind = ERR_DENIED}, ERR_DENIED, false},
    {"it takes nothing", {.at = FAULTY_FINISH, .kind = ERR_DENIED}, ERR_DENIED, false},
    {"it takes no probe", {.at = FAULTY_FINISH, .nth = 2, .kind = ERR_DENIED}, ERR_DENIED, true},
    {"the answer to the line was lost", {.at = FAULTY_FINISH_LATE, .kind = ERR_CONFLICT}, ERR_OK, true},
};

START_TEST(what_fails_in_one_repository_is_found_and_the_others_are_set_up)
{
    faulty_fail(repo.store, &failures[_i].plan);
    init_with("15.18");
    ck_assert_uint_eq(faulty_failures(repo.store), 1);
    ck_assert_msg(findings_verdict(&findings) == failures[_i].verdict, "%s", failures[_i].why);
    ck_assert_msg((major_of(&repo) == 15) == failures[_i].is_made, "%s", failures[_i].why);
    ck_assert_msg(spool_knows_line(cluster.spool, repo_place(&repo), layout.line) == failures[_i].is_made,
                  "%s", failures[_i].why);
    found_in(&far, FINDING_OK, "made line 6789abcdef012345");
    found_in(&far, FINDING_OK, "could not be overwritten");
}
END_TEST

START_TEST(a_damaged_line_is_not_made_anew)
{
    raw_text("main/6789abcdef012345/line.json", "{}");
    init_with("15.18");
    ck_assert_int_eq(findings_verdict(&findings), ERR_CORRUPT);
    found_in(&repo, FINDING_FAILED, "has no format version");
    found_in(&far, FINDING_OK, "made line");
    ck_assert(!spool_knows_line(cluster.spool, repo_place(&repo), layout.line));
}
END_TEST

START_TEST(a_server_that_is_away_gets_no_line)
{
    struct err e = ERR_NONE;

    cluster.conninfo = (char *) (uintptr_t) "host=/nowhere/at/all";
    OK(ops_init(&cluster, &findings, &e));
    ck_assert_int_eq(findings_verdict(&findings), ERR_UNREACHABLE);
    ck_assert_uint_eq(findings.count, 1);
    ck_assert_uint_eq(requests() + far.store->requests, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/setup_init");
    TCase *tcase = tcase_create("ops/setup_init");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, a_line_is_made_in_every_repository_and_learnt);
    tcase_add_test(tcase, a_line_that_is_there_is_left_as_it_is);
    tcase_add_test(tcase, a_second_line_is_made_with_a_warning_that_names_the_first);
    tcase_add_loop_test(tcase, what_fails_in_one_repository_is_found_and_the_others_are_set_up, 0,
                        (int) COUNT(failures));
    tcase_add_test(tcase, a_damaged_line_is_not_made_anew);
    tcase_add_test(tcase, a_server_that_is_away_gets_no_line);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
