/*
 * test_cluster.c - a cluster is opened with all of its repositories or not at all.
 */
#include "repo/cluster.h"

#include "check_main.h"
#include "scratch.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define OK(call)                                   \
    do {                                           \
        if ((call) != ERR_OK)                      \
            ck_abort_msg("%s: %s", #call, e.text); \
    } while (0)

static char scratch[SCRATCH_MAX];
static char spool_path[SCRATCH_MAX + 32], one_url[SCRATCH_MAX + 32], two_url[SCRATCH_MAX + 32];
static struct repo_options repos[2];
static struct cluster_options options;

static void set_up(void)
{
    scratch_make(scratch);
    (void) snprintf(spool_path, sizeof(spool_path), "%s/spool", scratch);
    (void) snprintf(one_url, sizeof(one_url), "file://%s/one", scratch);
    (void) snprintf(two_url, sizeof(two_url), "file://%s/two", scratch);
    repos[0] = (struct repo_options){.name = "one", .url = one_url};
    repos[1] = (struct repo_options){.name = "two", .url = two_url};
    options = (struct cluster_options){.name = "main", .spool = spool_path, .repos = repos, .repo_count = 2};
}

static void tear_down(void)
{
    scratch_remove(scratch);
}

START_TEST(a_cluster_is_opened_with_its_repositories_in_order)
{
    static const char *const environment[] = {"PITR_REPO=file:///x", "PITR_SPOOL=/y", NULL};
    struct cluster *c;
    struct err e = {.code = ERR_IO};

    options.conninfo = "host=/tmp";
    options.config_path = "/etc/pitr/pitr.conf";
    options.environment = environment;
    OK(cluster_open(&options, REPO_READ | REPO_WRITE, &c, &e));
    ck_assert_str_eq(c->name, "main");
    ck_assert_str_eq(c->conninfo, "host=/tmp");
    ck_assert_str_eq(c->config_path, "/etc/pitr/pitr.conf");
    ck_assert_str_eq(c->environment[1], "PITR_SPOOL=/y");
    ck_assert_ptr_null(c->environment[2]);
    ck_assert_uint_eq(c->repo_count, 2);
    ck_assert_str_eq(c->repos[0]->name, "one");
    ck_assert_str_eq(c->repos[1]->name, "two");
    ck_assert_ptr_nonnull(spool_dir(c->spool));
    cluster_free(c);
}
END_TEST

START_TEST(a_repository_is_found_by_its_name)
{
    struct cluster *c;
    struct repo *r = NULL;
    struct err e = ERR_NONE;

    OK(cluster_open(&options, REPO_READ, &c, &e));
    OK(cluster_repo(c, "two", &r, &e));
    ck_assert_ptr_eq(r, c->repos[1]);
    ck_assert_int_eq(cluster_repo(c, "tw", &r, &e), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(e.text, "\"tw\""));
    ck_assert_ptr_eq(r, c->repos[1]);
    cluster_free(c);
}
END_TEST

START_TEST(what_is_left_out_is_empty)
{
    struct cluster *c;
    struct err e = ERR_NONE;

    options.repo_count = 1;
    OK(cluster_open(&options, REPO_READ, &c, &e));
    ck_assert_str_eq(c->conninfo, "");
    ck_assert_ptr_null(c->config_path);
    ck_assert_ptr_null(c->environment);
    cluster_free(c);
    cluster_free(NULL);
}
END_TEST

START_TEST(a_repository_that_can_not_be_opened_is_named_and_none_is)
{
    struct cluster *c = NULL;
    struct err e = ERR_NONE;

    repos[1].url = "ftp://elsewhere";
    ck_assert_int_eq(cluster_open(&options, REPO_READ, &c, &e), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(e.text, "\"two\""));
    ck_assert_ptr_null(c);
}
END_TEST

START_TEST(a_bad_name_makes_no_directory)
{
    struct cluster *c = NULL;
    struct err e = ERR_NONE;

    options.name = "../main";
    ck_assert_int_eq(cluster_open(&options, REPO_READ, &c, &e), ERR_USAGE);
    ck_assert_int_ne(access(spool_path, F_OK), 0);
}
END_TEST

START_TEST(a_spool_that_was_asked_for_must_be_usable_for_who_writes)
{
    CLEANUP(cluster_freep) struct cluster *c = NULL;
    struct err e = ERR_NONE;

    ck_assert_int_eq(mkdir(spool_path, 0700), 0);
    ck_assert_int_eq(chmod(spool_path, 0755), 0);
    ck_assert_int_eq(cluster_open(&options, REPO_READ | REPO_WRITE, &c, &e), ERR_USAGE);
    ck_assert_ptr_null(c);
}
END_TEST

START_TEST(who_only_reads_goes_on_without_a_spool)
{
    CLEANUP(cluster_freep) struct cluster *c = NULL;
    struct err e = ERR_NONE;

    ck_assert_int_eq(mkdir(spool_path, 0700), 0);
    ck_assert_int_eq(chmod(spool_path, 0755), 0);
    OK(cluster_open(&options, REPO_READ, &c, &e));
    ck_assert_ptr_null(spool_dir(c->spool));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_cluster_is_opened_with_its_repositories_in_order,
        a_repository_is_found_by_its_name,
        what_is_left_out_is_empty,
        a_repository_that_can_not_be_opened_is_named_and_none_is,
        a_bad_name_makes_no_directory,
        a_spool_that_was_asked_for_must_be_usable_for_who_writes,
        who_only_reads_goes_on_without_a_spool,
    };

    return check_main(suite_between("repo/cluster", set_up, tear_down, tests, COUNT(tests)));
}
