/*
 * test_print_list.c - what is stored, with the holes in it.
 */
#include "cli/print_list.h"

#include "check_main.h"
#include "page.h"
#include <string.h>

#define STOP 1795140011000000LL /* 2026-11-20 02:00:11 UTC */
#define NOW  (STOP + 3600000000LL)

static char repo_name[] = "local";
static char label[] = "nightly";
static struct repo repo = {.name = repo_name};
static struct backup_info backups[] = {{
    .id = "20261120T015500Z-1a2b",
    .label = label,
    .timeline = 1,
    .start_lsn = 0x2000028,
    .stop_lsn = 0x2000138,
    .start_us = STOP - 311000000,
    .stop_us = STOP,
    .system_identifier = 7461,
    .server_version = 150018,
    .data_bytes = 33554432,
    .stored_bytes = 4194304,
    .from_standby = true,
}};
static struct backup_damage damaged[] = {{"20261119T015500Z-00ff", "\"format\" is missing"}};
static struct timeline_entry first[] = {{.tli = 1, .begin = 0, .end = TIMELINE_NOT_ENDED}};
static struct timeline_entry second[] = {{.tli = 1, .begin = 0, .end = 0x8000148},
                                         {.tli = 2, .begin = 0x8000148, .end = TIMELINE_NOT_ENDED}};
static struct wal_timeline timelines[] = {
    {.tli = 1, .has_segments = true, .path = {first, 1}},
    {.tli = 2, .has_segments = true, .path = {second, 2}, .has_history = true}};
static struct wal_run runs[] = {{.tli = 1, .first = 1, .last = 4, .stored_bytes = 4096, .modified_us = STOP},
                                {.tli = 1, .first = 7, .last = 8, .stored_bytes = 2048, .modified_us = STOP},
                                {.tli = 2, .first = 8, .last = 8, .stored_bytes = 1024, .modified_us = STOP}};
static struct listed_line line = {
    .layout = {.cluster = "main", .line = "0000000000001d25"},
    .info = {.system_identifier = 7461, .major = 15, .created_us = STOP - 86400000000},
    .backups = {.list = backups, .count = 1, .damaged = damaged, .damaged_count = 1},
    .unfinished = 1,
    .timelines = {.list = timelines, .count = 2},
    .runs = {.list = runs, .count = 3},
    .segment_bytes = 16777216,
};
static struct listed_repo repos[] = {{.repo = &repo, .lines = &line, .line_count = 1}};
static const struct listed listed = {.repos = repos, .repo_count = 1};

static const char expected[] =
    "Cluster \"main\"\n"
    "\n"
    "Repository \"local\"\n"
    "  Line 0000000000001d25: PostgreSQL 15, system identifier 7461, here since 2026-11-19 02:00:11+00\n"
    "\n"
    "    Backup                 Ended                   Took            Timeline  Start LSN          Stop "
    "LSN         "
    "        Data      Stored\n"
    "    20261120T015500Z-1a2b  2026-11-20 02:00:11+00  5 min 11 s             1  0/2000028          "
    "0/2000138        "
    "    32.0 MiB     4.0 MiB  from a standby\n"
    "    20261119T015500Z-00ff  DAMAGED: \"format\" is missing\n"
    "    1 unfinished backup\n"
    "\n"
    "    Timeline  First segment             Last segment              Segments      Stored  Last stored\n"
    "           1  000000010000000000000001  000000010000000000000004         4     4.0 KiB  2026-11-20 "
    "02:00:11+00\n"
    "              000000010000000000000005  000000010000000000000006  HOLE: 2 segments missing\n"
    "           1  000000010000000000000007  000000010000000000000008         2     2.0 KiB  2026-11-20 "
    "02:00:11+00\n"
    "           2  000000020000000000000008  000000020000000000000008         1     1.0 KiB  2026-11-20 "
    "02:00:11+00\n"
    "    timeline 2 left timeline 1 at 0/8000148\n";

START_TEST(backups_and_wal_are_listed_with_their_holes)
{
    struct page p;

    page_open(&p);
    print_list("main", &listed, NOW, p.out);
    ck_assert_str_eq(page_close(&p), expected);
    free(p.text);
}
END_TEST

START_TEST(what_is_empty_is_said_to_be_empty)
{
    struct listed_line bare = {.layout = line.layout, .info = line.info};
    struct listed_repo two[] = {{.repo = &repo, .lines = &bare, .line_count = 1}, {.repo = &repo}};
    const struct listed l = {.repos = two, .repo_count = 2};
    struct page p;

    page_open(&p);
    print_list("main", &l, NOW, p.out);
    ck_assert_ptr_nonnull(strstr(page_close(&p), "    no backup\n"));
    ck_assert_ptr_nonnull(strstr(p.text, "    no WAL\n"));
    ck_assert_ptr_nonnull(strstr(p.text, "  nothing of this cluster\n"));
    free(p.text);
}
END_TEST

START_TEST(what_can_be_restored_stands_between_backups_and_wal)
{
    struct window_piece piece = {
        .window = {.backup = &backups[0], .backups = 1, .end = 0x5000000, .has_last = true, .last_us = NOW}};
    struct windows_timeline of_first = {.tli = 1, .has_wal = true, .pieces = &piece, .count = 1};
    struct listed_line with = line;
    struct listed_repo one = {.repo = &repo, .lines = &with, .line_count = 1};
    const struct listed l = {.repos = &one, .repo_count = 1};
    struct page p;
    json_t *o;

    with.windows = (struct windows){&of_first, 1, 16777216, false};
    page_open(&p);
    print_list("main", &l, NOW + 60000000, p.out);
    ck_assert_ptr_nonnull(strstr(page_close(&p), "    1 unfinished backup\n\n    Restorable on timeline 1; "
                                                 "newest moment 1 min old\n      2026-11-20 02:00:11+00"));
    ck_assert_ptr_nonnull(strstr(p.text, "from backup 20261120T015500Z-1a2b\n\n    Timeline  First segment"));
    o = list_to_json("main", &l, NOW);
    ck_assert_uint_eq(
        json_array_size(json_object_get(
            json_array_get(json_object_get(json_array_get(json_object_get(o, "repositories"), 0), "lines"),
                           0),
            "restorable")),
        1);
    json_decref(o);
    free(p.text);
}
END_TEST

START_TEST(a_list_becomes_json)
{
    json_t *o = list_to_json("main", &listed, NOW);
    json_t *l =
        json_array_get(json_object_get(json_array_get(json_object_get(o, "repositories"), 0), "lines"), 0);
    json_t *backup = json_array_get(json_object_get(l, "backups"), 0);
    json_t *wal = json_object_get(l, "wal");
    json_t *hole = json_array_get(json_object_get(l, "holes"), 0);

    ck_assert_str_eq(json_string_value(json_object_get(o, "cluster")), "main");
    ck_assert_str_eq(json_string_value(json_object_get(l, "system_identifier")), "7461");
    ck_assert_int_eq(json_integer_value(json_object_get(l, "unfinished_backups")), 1);
    ck_assert_str_eq(
        json_string_value(json_object_get(json_array_get(json_object_get(l, "damaged_backups"), 0), "id")),
        "20261119T015500Z-00ff");
    ck_assert_str_eq(json_string_value(json_object_get(backup, "id")), "20261120T015500Z-1a2b");
    ck_assert_str_eq(json_string_value(json_object_get(backup, "stop_lsn")), "0/2000138");
    ck_assert_int_eq(json_integer_value(json_object_get(backup, "stop_us")), STOP);
    ck_assert_str_eq(json_string_value(json_object_get(backup, "server_version")), "15.18");
    ck_assert_uint_eq(json_array_size(wal), 3);
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(wal, 0), "end_lsn")), "0/5000000");
    ck_assert_uint_eq(json_array_size(json_object_get(l, "holes")), 1);
    ck_assert_str_eq(json_string_value(json_object_get(hole, "first")), "000000010000000000000005");
    ck_assert_int_eq(json_integer_value(json_object_get(hole, "segments")), 2);
    ck_assert_int_eq(
        json_integer_value(json_object_get(json_array_get(json_object_get(l, "timelines"), 1), "parent")), 1);
    json_decref(o);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {backups_and_wal_are_listed_with_their_holes,
                                  what_is_empty_is_said_to_be_empty,
                                  what_can_be_restored_stands_between_backups_and_wal, a_list_becomes_json};

    return check_main(suite_of("cli/print_list", tests, sizeof(tests) / sizeof(tests[0])));
}
