/*
 * test_print_plan.c - the page an operator reads before a restore, and the same as JSON.
 */
#include "cli/print_plan.h"

#include "check_main.h"
#include "page.h"
#include <string.h>

#define STOP 1795140011000000LL         /* 2026-11-20 02:00:11 UTC */
#define NOW  (STOP + 45000LL * 1000000) /* 12 h 30 min later */

static struct backup_tablespace tablespace = {
    .oid = 16384, .path = (char *) (uintptr_t) "/srv/fast", .bytes = 1048576};
static struct timeline_entry entries[] = {{.tli = 1, .begin = 0, .end = 0x5000148},
                                          {.tli = 2, .begin = 0x5000148, .end = TIMELINE_NOT_ENDED}};
static struct repo repo;
static struct backup_info backup;
static struct planned planned;
static char repo_name[] = "r2";
static char label[] = "nightly";
static char preload[] = "pg_stat_statements";

static void setup(void)
{
    repo = (struct repo){.name = repo_name};
    backup = (struct backup_info){
        .id = "20261120T015500Z-1a2b",
        .label = label,
        .timeline = 1,
        .start_lsn = 0x2000028,
        .stop_lsn = 0x2000138,
        .start_us = STOP - 311000000,
        .stop_us = STOP,
        .system_identifier = 0xF000000000000001,
        .server_version = 150018,
        .settings = {100, 8, 10, 2, 64},
        .preload_libraries = preload,
        .data_bytes = 1288490189,
        .stored_bytes = 4096,
        .files = 1234,
        .tablespaces = &tablespace,
        .tablespace_count = 1,
    };
    planned = (struct planned){
        .repo = &repo,
        .layout = {.cluster = "main", .line = "f000000000000001"},
        .requests = 14,
        .estimate = {.has_restore = true,
                     .restore = {.bytes = 104857600, .spent_us = 10000000, .when_us = STOP},
                     .restore_us = 123000000,
                     .has_replay = true,
                     .replay = {.segments = 3, .fetch_us = 10000000, .replay_us = 20000000, .when_us = STOP},
                     .replay_us = 50000000,
                     .fetch_us = 17000000},
        .plan =
            {
                .target = {.kind = TARGET_TIME, .time_us = 1795184940000000, .action = ACTION_PAUSE},
                .path = {.entries = entries, .count = 2},
                .backup = &backup,
                .start_lsn = 0x2000028,
                .target_lsn = 0x6000200,
                .segment_bytes = 16777216,
                .first_segment = 2,
                .last_segment = 6,
                .wal_segments = 5,
                .wal_stored_bytes = 1363149,
                .end_of_archive = 0x8000000,
                .moment = {.known = true,
                           .reached = true,
                           .has_kept = true,
                           .kept.start = 0x60001D0,
                           .kept.xid = 741,
                           .kept.us = 1795184939500000,
                           .has_discarded = true,
                           .discarded.start = 0x6000300,
                           .discarded.xid = 742,
                           .discarded.us = 1795184941000000,
                           .last_us = 1795188000000000},
                .settings = {{"recovery_target_lsn", "0/6000200"}, {"recovery_target_name", "it's"}},
                .setting_count = 2,
                .warnings = {"max_connections must be at least 200"},
                .warning_count = 1,
            },
    };
}

static const char expected[] =
    "Restore plan for cluster \"main\"\n"
    "\n"
    "Target         time 2026-11-20 14:29:00+00\n"
    "Ends at        LSN 0/6000200 on timeline 2, then pause\n"
    "  last kept    transaction 741, committed 2026-11-20 14:28:59.500000+00 at 0/60001D0\n"
    "  first lost   transaction 742, committed 2026-11-20 14:29:01+00 at 0/6000300\n"
    "Backup         20261120T015500Z-1a2b, 12 h 30 min old, 1.2 GiB in 1234 files\n"
    "               taken 2026-11-20 01:55:00+00 to 2026-11-20 02:00:11+00, PostgreSQL 15.18\n"
    "               LSN 0/2000028 to 0/2000138 on timeline 1\n"
    "               tablespace 16384 at \"/srv/fast\", 1.0 MiB\n"
    "Server         PostgreSQL 15 with at least max_connections = 100, max_worker_processes = 8,\n"
    "               max_wal_senders = 10, max_prepared_transactions = 2, max_locks_per_transaction = 64\n"
    "               and the shared_preload_libraries pg_stat_statements\n"
    "Timelines      1 up to 0/5000148, then 2\n"
    "WAL            000000010000000000000002 to 000000020000000000000006\n"
    "               5 segments, 80.0 MiB to replay, 1.3 MiB stored\n"
    "               whole up to 0/8000000, last commit in the archive 2026-11-20 15:20:00+00\n"
    "Estimate       about 3 min\n"
    "  restore      2 min for 1.2 GiB at 10.0 MiB/s, as measured by the restore of 2026-11-20\n"
    "  replay       50 s for 5 segments at 0.1/s, as measured over 3 in the recovery of 2026-11-20\n"
    "               20 s of it to fetch them\n"
    "Repository     \"r2\", line f000000000000001; 14 requests to plan\n"
    "\n"
    "Recovery settings\n"
    "  recovery_target_lsn = '0/6000200'\n"
    "  recovery_target_name = 'it''s'\n"
    "\n"
    "Warnings\n"
    "  - max_connections must be at least 200\n";

START_TEST(a_plan_is_a_page_that_answers_in_order)
{
    struct page p;

    page_open(&p);
    print_plan(&planned, NOW, p.out);
    ck_assert_str_eq(page_close(&p), expected);
    free(p.text);
}
END_TEST

static void check_line(const char *line)
{
    struct page p;

    page_open(&p);
    print_plan(&planned, NOW, p.out);
    ck_assert_msg(strstr(page_close(&p), line) != NULL, "no \"%s\" in\n%s", line, p.text);
    free(p.text);
}

START_TEST(lines_that_were_not_planned_on_are_named)
{
    char lines[][LINE_TEXT_MAX] = {"e000000000000001", "f000000000000001", "f100000000000001"};
    json_t *o;

    planned.lines = (struct line_list){.lines = lines, .count = 3};
    check_line("; 14 requests to plan\n"
               "               not looked at: line e000000000000001, line f100000000000001\n"
               "               (--backup ID plans on that backup's line)\n");
    o = plan_to_json(&planned, NOW);
    ck_assert_uint_eq(json_array_size(json_object_get(o, "other_lines")), 2);
    json_decref(o);
}
END_TEST

START_TEST(every_kind_of_target_is_named)
{
    static const struct {
        struct target target;
        const char *line;
    } cases[] = {
        {{.kind = TARGET_LATEST}, "Target         the end of the archived WAL\n"},
        {{.kind = TARGET_LSN, .lsn = 0x6000200, .exclusive = true}, "LSN 0/6000200, ending just before it\n"},
        {{.kind = TARGET_XID, .xid = 741}, "Target         transaction 741\n"},
        {{.kind = TARGET_NAME, .name = "before-drop"}, "Target         restore point \"before-drop\"\n"},
        {{.kind = TARGET_IMMEDIATE}, "Target         as soon as the backup is consistent\n"},
        {{.kind = TARGET_TIME, .time_us = 1795184940000000, .or_latest = true},
         "time 2026-11-20 14:29:00+00, or the end of the archived WAL\n"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        planned.plan.target = cases[i].target;
        check_line(cases[i].line);
    }
}
END_TEST

START_TEST(an_end_that_is_not_known_is_said_to_be_unknown)
{
    planned.plan.target = (struct target){.kind = TARGET_XID, .xid = 741, .action = ACTION_SHUTDOWN};
    planned.plan.target_lsn = 0;
    planned.plan.moment = (struct plan_moment){.known = false};
    check_line("Ends at        where PostgreSQL finds the target, then shutdown\n");
    check_line("  last kept    not looked up: PostgreSQL decides while it replays\n");
    planned.plan.target = (struct target){.kind = TARGET_LATEST, .action = ACTION_PROMOTE};
    check_line("Ends at        the end of the archived WAL, then promote\n");
}
END_TEST

START_TEST(a_plan_becomes_json)
{
    json_t *o = plan_to_json(&planned, NOW);
    const char *s1, *s2, *s3, *s4, *s5, *s6, *s7, *s8;
    json_int_t us, xid, kept_us, tli, segments, age, files;
    json_error_t error;

    ck_assert_ptr_nonnull(o);
    ck_assert_msg(
        json_unpack_ex(o, &error, 0,
                       "{s:s, s:s, s:{s:s, s:I}, s:{s:s, s:{s:I, s:I}}, s:{s:s, s:s, s:I}, s:I, s:[{s:I}*],"
                       " s:{s:s, s:I}, s:{s:s}}",
                       "repository", &s1, "line", &s2, "target", "target_time", &s3, "target_us", &us, "end",
                       "lsn", &s4, "last_kept", "xid", &xid, "commit_us", &kept_us, "backup", "id", &s5,
                       "system_identifier", &s6, "files", &files, "backup_age_us", &age, "timelines",
                       "timeline", &tli, "wal", "last", &s7, "segments", &segments, "settings",
                       "recovery_target_lsn", &s8) == 0,
        "%s", error.text);
    ck_assert_str_eq(s1, "r2");
    ck_assert_str_eq(s2, "f000000000000001");
    ck_assert_str_eq(s3, "2026-11-20 14:29:00+00");
    ck_assert_int_eq(us, 1795184940000000);
    ck_assert_str_eq(s4, "0/6000200");
    ck_assert_int_eq(xid, 741);
    ck_assert_int_eq(kept_us, 1795184939500000);
    ck_assert_str_eq(s5, "20261120T015500Z-1a2b");
    ck_assert_str_eq(s6, "17293822569102704641");
    ck_assert_int_eq(files, 1234);
    ck_assert_int_eq(age, NOW - STOP);
    ck_assert_int_eq(tli, 1);
    ck_assert_str_eq(s7, "000000020000000000000006");
    ck_assert_int_eq(segments, 5);
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(o, "estimate"), "seconds")), 173);
    ck_assert_str_eq(s8, "0/6000200");
    ck_assert_uint_eq(json_array_size(json_object_get(o, "warnings")), 1);
    json_decref(o);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli/print_plan");
    TCase *tcase = tcase_create("print_plan");

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, a_plan_is_a_page_that_answers_in_order);
    tcase_add_test(tcase, lines_that_were_not_planned_on_are_named);
    tcase_add_test(tcase, every_kind_of_target_is_named);
    tcase_add_test(tcase, an_end_that_is_not_known_is_said_to_be_unknown);
    tcase_add_test(tcase, a_plan_becomes_json);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
