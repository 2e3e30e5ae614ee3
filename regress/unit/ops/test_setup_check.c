/*
 * test_setup_check.c - what check says about backups and their WAL. No server answers: the repository is looked at by
 * its newest line. With a server: test_setup_live.c.
 */
#include "ops/setup.h"

#include "check_main.h"
#include "findings_match.h"
#include "repo/backup_info.h"
#include "repo/line.h"
#include "repo/object.h"
#include "repo/wal_facts.h"
#include "scratch.h"

#include <string.h>

#define IDENTIFIER 0x67aabbccddeeff00u
#define MIB        (1u << 20)

static char scratch[SCRATCH_MAX];
static struct cluster *cluster;
static struct layout layout;
static struct findings findings;

static void set_up(void)
{
    static char url[SCRATCH_MAX + 16], spool[SCRATCH_MAX + 16];
    const struct repo_options repo = {.name = "local", .url = url};
    const struct cluster_options o = {
        .name = "main", .conninfo = "host=/nowhere/at/all", .spool = spool, .repos = &repo, .repo_count = 1};
    struct err e = ERR_NONE;
    bool created;

    findings = (struct findings){.list = NULL};
    scratch_make(scratch);
    (void) snprintf(url, sizeof(url), "file://%s/repo", scratch);
    (void) snprintf(spool, sizeof(spool), "%s/spool", scratch);
    ck_assert_msg(cluster_open(&o, REPO_WRITE | REPO_READ | REPO_CREATE, &cluster, &e) == ERR_OK, "%s", e.text);
    ck_assert(layout_init(&layout, "main", IDENTIFIER, &e) == ERR_OK &&
              line_create(cluster->repos[0], &layout, 15, &created, &e) == ERR_OK);
}

static void tear_down(void)
{
    findings_clear(&findings);
    cluster_freep(&cluster);
    scratch_remove(scratch);
}

/* Segments of one MiB, as characters: 'x' is there, '.' is not; the first is number 1. */
static void add_segments(const char *present)
{
    for (uint64_t i = 0; present[i] != '\0'; i++) {
        CLEANUP(descriptor_clear) struct descriptor d = {.size = 0};
        struct walfile file = walseg_file(1, i + 1, MIB);
        const struct wal_facts facts = {.system_identifier = IDENTIFIER,
                                        .major = 15,
                                        .timeline = 1,
                                        .segment_bytes = MIB,
                                        .first_lsn = (i + 1) * MIB,
                                        .run_from = (i + 1) * MIB,
                                        .run_to = (i + 1) * MIB,
                                        .end_lsn = (i + 2) * MIB,
                                        .has_records = true};
        enum object_outcome outcome;
        char key[STORE_KEY_MAX + 1], name[WALFILE_NAME_MAX];
        struct err e = ERR_NONE;

        layout_wal_file(&layout, &file, key);
        walfile_format(&file, name);
        if (present[i] == 'x')
            ck_assert(object_describe_new(cluster->repos[0], "wal", name, &d, &e) == ERR_OK &&
                      wal_facts_write(&facts, &d, &e) == ERR_OK &&
                      object_put_bytes(cluster->repos[0], key, &d, "wal", 3, &outcome, &e) == ERR_OK);
    }
}

/* A backup from segment 2 to segment 3. */
static void add_backup(void)
{
    char label[] = "test", origin[] = "host db1";
    const struct backup_info b = {.id = "20261120T021500Z-1a2b",
                                  .label = label,
                                  .timeline = 1,
                                  .start_lsn = 2 * MIB + 40,
                                  .stop_lsn = 3 * MIB + 40,
                                  .start_us = 1,
                                  .stop_us = 2,
                                  .system_identifier = IDENTIFIER,
                                  .server_version = 150018,
                                  .segment_bytes = MIB,
                                  .origin = origin};
    struct err e = ERR_NONE;

    ck_assert_msg(backup_info_write(cluster->repos[0], &layout, &b, &e) == ERR_OK, "%s", e.text);
}

static const struct {
    const char *why;
    const char *segments;
    enum finding_level level;
    const char *words;
} cases[] = {
    {"whole to the end", "xxxxx", FINDING_OK, "everything up to LSN 0/600000 of timeline 1 can be restored"},
    {"its own first segment is missing", "..xxx", FINDING_FAILED,
     "segment \"000000010000000000000002\" is missing"},
    {"a gap behind it", "xxx.x", FINDING_FAILED, "segment \"000000010000000000000004\" is missing"},
    {"what lies before a backup is not needed", ".xxxx", FINDING_OK, "everything up to LSN 0/600000"},
    {"its own end is missing", "xx", FINDING_FAILED,
     "archived WAL ends before segment \"000000010000000000000003\""},
    {"no WAL at all", "", FINDING_FAILED, "the end of backup 20261120T021500Z-1a2b can't be reached"},
};

START_TEST(the_newest_backups_wal_is_followed_to_the_end)
{
    struct err e = ERR_NONE;

    add_segments(cases[_i].segments);
    add_backup();
    ck_assert_int_eq(ops_check(cluster, &findings, &e), ERR_OK);
    assert_found(&findings, FINDING_OK, "newest of 1 backup is 20261120T021500Z-1a2b");
    assert_found(&findings, cases[_i].level, cases[_i].words);
    ck_assert_int_eq(findings_verdict(&findings), ERR_UNREACHABLE); /* the server, which comes first */
}
END_TEST

START_TEST(a_damaged_summary_is_found)
{
    char key[STORE_KEY_MAX + 1];
    struct err e = ERR_NONE;

    layout_backup_json(&layout, "20261120T021500Z-1a2b", key);
    ck_assert_int_eq(store_put(cluster->repos[0]->store, key, "{}", 2, &e), ERR_OK);
    ck_assert_int_eq(ops_check(cluster, &findings, &e), ERR_OK);
    assert_found(&findings, FINDING_FAILED, "20261120T021500Z-1a2b is lost to restores");
    assert_found(&findings, FINDING_WARNING, "no good backup");
}
END_TEST

START_TEST(without_a_backup_there_is_a_warning)
{
    struct err e = ERR_NONE;

    ck_assert_int_eq(ops_check(cluster, &findings, &e), ERR_OK);
    assert_found(&findings, FINDING_WARNING, "no backup yet");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/setup_check");
    TCase *tcase = tcase_create("check");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, the_newest_backups_wal_is_followed_to_the_end, 0,
                        (int) (sizeof(cases) / sizeof(cases[0])));
    tcase_add_test(tcase, a_damaged_summary_is_found);
    tcase_add_test(tcase, without_a_backup_there_is_a_warning);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
