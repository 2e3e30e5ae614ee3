/*
 * test_setup_live.c - init and check against a real server; setup_live.sh makes it and says where it is
 * (PITR_TEST_PGDIR: socket/), and how it is set (PITR_TEST_ARCHIVING: on, or off with wal_level = minimal).
 */
#include "ops/setup.h"

#include "check_main.h"
#include "findings_match.h"
#include "ops/setup_server.h"
#include "pg/replproto.h"
#include "repo/line.h"
#include "repo/object.h"
#include "scratch.h"

#include <string.h>

static char scratch[SCRATCH_MAX];
static char conninfo[1024];
static struct cluster *cluster;
static struct findings findings;

static const char *conninfo_as(const char *user)
{
    static char text[2048];

    (void) snprintf(text, sizeof(text), "%s user=%s", conninfo, user);
    return text;
}

static void open_as(const char *info)
{
    static char url[SCRATCH_MAX + 16], spool[SCRATCH_MAX + 16];
    const struct repo_options repo = {.name = "local", .url = url};
    const struct cluster_options o = {
        .name = "main", .conninfo = info, .spool = spool, .repos = &repo, .repo_count = 1};
    struct err e = ERR_NONE;

    cluster_freep(&cluster);
    (void) snprintf(url, sizeof(url), "file://%s/repo", scratch);
    (void) snprintf(spool, sizeof(spool), "%s/spool", scratch);
    ck_assert_msg(cluster_open(&o, REPO_WRITE | REPO_READ | REPO_CREATE, &cluster, &e) == ERR_OK, "%s", e.text);
}

static void set_up(void)
{
    findings = (struct findings){.list = NULL};
    scratch_make(scratch);
    (void) snprintf(conninfo, sizeof(conninfo), "host=%s/socket port=5432", getenv("PITR_TEST_PGDIR"));
    open_as(conninfo_as("postgres"));
}

static void tear_down(void)
{
    findings_clear(&findings);
    cluster_freep(&cluster);
    scratch_remove(scratch);
}

/* One value of SQL, as superuser, on a connection of its own. */
static void run_sql(const char *sql, char *value, size_t size)
{
    struct replproto *c = NULL;
    PGresult *row = NULL;
    struct err e = ERR_NONE;

    ck_assert_msg(replproto_connect_sql(conninfo_as("postgres"), NULL, &c, &e) == ERR_OK, "%s", e.text);
    row = PQexec(replproto_pgconn(c), sql);
    ck_assert_msg(PQresultStatus(row) == PGRES_TUPLES_OK || PQresultStatus(row) == PGRES_COMMAND_OK, "%s: %s",
                  sql, PQresultErrorMessage(row));
    if (value != NULL)
        (void) snprintf(value, size, "%s", PQgetvalue(row, 0, 0));
    PQclear(row);
    replproto_close(c);
}

static void set_archive_command(const char *command)
{
    char sql[512], shown[256] = "?";

    (void) snprintf(sql, sizeof(sql), "ALTER SYSTEM SET archive_command = '%s'", command);
    run_sql(sql, NULL, 0);
    run_sql("SELECT pg_reload_conf()", NULL, 0);
    for (int i = 0; i < 200 && strcmp(shown, command) != 0; i++)
        run_sql("SELECT current_setting('archive_command') FROM pg_sleep(0.02)", shown, sizeof(shown));
    ck_assert_str_eq(shown, command);
}

static void wait_until_true(const char *sql)
{
    char value[16] = "";

    for (int i = 0; i < 500 && strcmp(value, "t") != 0; i++)
        run_sql(sql, value, sizeof(value));
    ck_assert_msg(strcmp(value, "t") == 0, "waited in vain: %s", sql);
}

/* End the current segment, and wait until the archiver has dealt with it. */
static void switch_segment(char segment[64])
{
    char sql[512];

    run_sql("SELECT pg_walfile_name(pg_switch_wal()) FROM pg_create_restore_point('test')", segment, 64);
    (void) snprintf(sql, sizeof(sql),
                    "SELECT coalesce(last_archived_wal, '') >= '%s' FROM pg_stat_archiver, pg_sleep(0.02)",
                    segment);
    wait_until_true(sql);
}

/* As `pitr archive` would have. */
static void store_segment(const char *segment)
{
    CLEANUP(descriptor_clear) struct descriptor d = {.size = 0};
    struct server_facts s;
    struct layout l;
    struct walfile file;
    enum object_outcome outcome;
    char key[STORE_KEY_MAX + 1];
    struct err e = ERR_NONE;

    ck_assert_msg(server_facts_read(cluster->conninfo, &s, &e) == ERR_OK, "%s", e.text);
    ck_assert(layout_init(&l, "main", s.system_identifier, &e) == ERR_OK &&
              walfile_parse(segment, &file, &e) == ERR_OK);
    layout_wal_file(&l, &file, key);
    ck_assert(object_describe_new(cluster->repos[0], "wal", segment, &d, &e) == ERR_OK &&
              object_put_bytes(cluster->repos[0], key, &d, "wal", 3, &outcome, &e) == ERR_OK);
}

static void init(void)
{
    struct err e = ERR_NONE;

    findings_clear(&findings);
    ck_assert_msg(ops_init(cluster, &findings, &e) == ERR_OK, "%s", e.text);
}

static void check(void)
{
    struct err e = ERR_NONE;

    findings_clear(&findings);
    ck_assert_msg(ops_check(cluster, &findings, &e) == ERR_OK, "%s", e.text);
}

static void assert_verdict(enum err_code expected)
{
    if (findings_verdict(&findings) != expected)
        show_findings(&findings);
    ck_assert_int_eq(findings_verdict(&findings), expected);
}

START_TEST(a_good_set_up_passes)
{
    char segment[64];

    set_archive_command("true # pitr archive %p");
    init();
    assert_verdict(ERR_OK);
    assert_found(&findings, FINDING_OK, "made line");
    assert_found(&findings, FINDING_OK, "could not be overwritten");
    switch_segment(segment);
    store_segment(segment);
    check();
    assert_verdict(ERR_OK);
    assert_found(&findings, FINDING_OK, "archive_command is this program's");
    assert_found(&findings, FINDING_OK, "the role may take base backups");
    assert_found(&findings, FINDING_OK, "the server's last full one, is there");
    assert_found(&findings, FINDING_OK, "and is the server's");
    assert_found(&findings, FINDING_OK, "is private and can be written");
    assert_found(&findings, FINDING_WARNING, "no backup yet");
}
END_TEST

START_TEST(init_a_second_time_changes_nothing)
{
    init();
    init();
    assert_verdict(ERR_OK);
    assert_found(&findings, FINDING_OK, "is there since");
    ck_assert_ptr_null(finding_with(&findings, FINDING_OK, "made line"));
}
END_TEST

START_TEST(a_directory_that_lost_what_init_made_is_not_written_to)
{
    struct server_facts s;
    struct layout l;
    char key[STORE_KEY_MAX + 1];
    struct err e = ERR_NONE;

    init();
    ck_assert_msg(server_facts_read(cluster->conninfo, &s, &e) == ERR_OK, "%s", e.text);
    ck_assert(layout_init(&l, "main", s.system_identifier, &e) == ERR_OK);
    layout_line_json(&l, key);
    ck_assert_msg(store_remove(cluster->repos[0]->store, key, &e) == ERR_OK, "%s", e.text);
    ck_assert_int_eq(line_admit(cluster->repos[0], &l, 15, cluster->spool, &e), ERR_UNREACHABLE);
}
END_TEST

START_TEST(a_segment_that_archive_command_threw_away_is_missed)
{
    char segment[64];

    set_archive_command("true # pitr archive %p");
    init();
    switch_segment(segment);
    check();
    assert_verdict(ERR_REFUSED);
    assert_found(&findings, FINDING_FAILED, "is not there, but the server counts it as archived");
}
END_TEST

START_TEST(a_command_that_does_nothing_is_found)
{
    set_archive_command("/bin/true");
    init();
    check();
    assert_verdict(ERR_USAGE);
    assert_found(&findings, FINDING_FAILED, "does nothing and reports success");
}
END_TEST

START_TEST(an_archiver_that_fails_is_found)
{
    set_archive_command("false # pitr archive %p");
    init();
    run_sql("SELECT pg_switch_wal() FROM pg_create_restore_point('test')", NULL, 0);
    wait_until_true(
        "SELECT last_failed_time > coalesce(last_archived_time, '-infinity') FROM pg_stat_archiver, "
        "pg_sleep(0.02)");
    check();
    assert_verdict(ERR_UNREACHABLE);
    assert_found(&findings, FINDING_FAILED, "archiving fails: \"0");
    assert_found(&findings, FINDING_WARNING, "the last full one, is not there yet");
    set_archive_command("true # pitr archive %p");
}
END_TEST

START_TEST(before_init_check_says_so)
{
    check();
    assert_found(&findings, FINDING_FAILED, "holds nothing of cluster \"main\" yet");
    ck_assert_int_ne(findings_verdict(&findings), ERR_OK);
}
END_TEST

START_TEST(another_system_identifier_needs_init)
{
    struct layout l;
    struct err e = ERR_NONE;
    bool created;

    ck_assert(layout_init(&l, "main", 1234, &e) == ERR_OK &&
              line_create(cluster->repos[0], &l, 14, &created, &e) == ERR_OK);
    check();
    assert_found(&findings, FINDING_FAILED, "belongs to system identifier 1234 there");
    init();
    assert_verdict(ERR_OK);
    assert_found(&findings, FINDING_WARNING, "made a second line");
    check();
    assert_found(&findings, FINDING_OK, "and is the server's");
}
END_TEST

START_TEST(a_role_without_replication_is_found)
{
    init();
    open_as(conninfo_as("weak"));
    check();
    assert_found(&findings, FINDING_FAILED, "lacks REPLICATION");
    assert_found(&findings, FINDING_OK, "archive_mode is on");
    assert_found(&findings, FINDING_OK, "and is the server's");
}
END_TEST

START_TEST(a_role_without_sql_still_names_the_server)
{
    open_as(conninfo_as("physical"));
    init();
    assert_verdict(ERR_OK);
    check();
    assert_verdict(ERR_OK);
    assert_found(&findings, FINDING_WARNING, "settings and archiver could not be looked at");
    assert_found(&findings, FINDING_OK, "and is the server's");
}
END_TEST

START_TEST(a_server_that_does_not_run_leaves_the_repository_to_be_looked_at)
{
    init();
    open_as("host=/nowhere/at/all user=postgres");
    check();
    assert_verdict(ERR_UNREACHABLE);
    assert_found(&findings, FINDING_FAILED, "could not connect");
    assert_found(&findings, FINDING_WARNING, "looked at by its newest line");
    assert_found(&findings, FINDING_OK, "could not be overwritten");
    init();
    assert_verdict(ERR_UNREACHABLE);
}
END_TEST

START_TEST(a_repository_that_vanished_is_found)
{
    init();
    scratch_remove(scratch_path(scratch, "repo"));
    set_archive_command("true # pitr archive %p");
    check();
    assert_verdict(ERR_UNREACHABLE);
    init();
    assert_verdict(ERR_UNREACHABLE);
}
END_TEST

START_TEST(a_spool_open_to_others_is_found)
{
    init();
    ck_assert_int_eq(chmod(scratch_path(scratch, "spool/main"), 0755), 0);
    check();
    assert_found(&findings, FINDING_FAILED, "is not a directory of this user alone");
}
END_TEST

START_TEST(archiving_that_is_switched_off_is_found_without_replication)
{
    check();
    assert_verdict(ERR_USAGE);
    assert_found(&findings, FINDING_FAILED, "wal_level is minimal");
    assert_found(&findings, FINDING_FAILED, "archive_mode is off");
    assert_found(&findings, FINDING_FAILED, "requested standby connections exceeds");
    assert_found(&findings, FINDING_FAILED, "no room for a backup: 0 of max_wal_senders = 0");
    init();
    assert_found(&findings, FINDING_OK, "made line");
}
END_TEST

int main(void)
{
    const TTest *const on[] = {a_good_set_up_passes,
                               init_a_second_time_changes_nothing,
                               a_directory_that_lost_what_init_made_is_not_written_to,
                               a_segment_that_archive_command_threw_away_is_missed,
                               a_command_that_does_nothing_is_found,
                               an_archiver_that_fails_is_found,
                               before_init_check_says_so,
                               another_system_identifier_needs_init,
                               a_role_without_replication_is_found,
                               a_role_without_sql_still_names_the_server,
                               a_server_that_does_not_run_leaves_the_repository_to_be_looked_at,
                               a_repository_that_vanished_is_found,
                               a_spool_open_to_others_is_found};
    const char *mode = getenv("PITR_TEST_ARCHIVING");
    const bool is_on = mode == NULL || strcmp(mode, "off") != 0;
    Suite *suite = suite_create("ops/setup_live");
    TCase *tcase = tcase_create("live");

    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    for (size_t i = 0; is_on && i < sizeof(on) / sizeof(on[0]); i++)
        tcase_add_test(tcase, on[i]);
    if (!is_on)
        tcase_add_test(tcase, archiving_that_is_switched_off_is_found_without_replication);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
