/*
 * test_print_windows.c - what can be restored, as an operator reads it and as JSON.
 */
#include "cli/print_windows.h"

#include "check_main.h"
#include "page.h"
#include <string.h>

#define NIGHT 1795140011412233LL /* 2026-11-20 02:00:11.412233 UTC */
#define DAY   86400000000LL
#define NOW   (NIGHT + 2 * DAY)
#define MIB16 16777216

static const struct backup_info first = {
    .id = "20261120T015500Z-1a2b", .timeline = 1, .stop_lsn = 0x2000138, .stop_us = NIGHT};
static const struct backup_info second = {
    .id = "20261121T015500Z-3c4d", .timeline = 1, .stop_lsn = 0x8000138, .stop_us = NIGHT + DAY};
static const struct backup_info lost = {
    .id = "20261119T015500Z-5e6f", .timeline = 1, .segment_bytes = 1048576};

static struct window_gap gaps[] = {{5, 6, 1, 1, 0, 0},
                                   {10, 11, 1, 2, 0, 0},
                                   {13, 13, 2, 2, 0, 0},
                                   {6, 5, 1, 1, 0x5000C58, 1},
                                   {8, 8, 1, 1, 0, 0}};
static struct window_piece of_first[] = {
    {.is_hole = true, .hole = {.cause = HOLE_BEFORE, .from = 0x1000000, .to = 0x2000138}},
    {.window =
         {.backup = &first, .backups = 3, .end = 0x5000000, .has_last = true, .last_us = NIGHT + 44927710},
     .is_hole = false},
    {.is_hole = true,
     .hole = {.cause = HOLE_GAP, .from = 0x5000000, .to = 0x8000138, .gaps = gaps, .gap_count = 1}},
    {.window = {.backup = &second, .backups = 1, .end = 0xA000000}, .is_hole = false},
};
static struct window_piece of_second[] = {
    {.window = {.backup = &second,
                .backups = 1,
                .end = 0xA000000,
                .has_last = true,
                .last_us = NIGHT + DAY + 3600000000,
                .is_at_least = true},
     .is_hole = false},
    {.is_hole = true,
     .hole = {.cause = HOLE_NO_BACKUP, .from = 0xA000000, .to = 0xE000000, .gaps = gaps + 1, .gap_count = 2}},
};
static struct window_piece of_third[] = {
    {.is_hole = true, .hole = {.cause = HOLE_NO_HISTORY, .from = 0x9000000, .to = 0xE000000}}};
static struct window_piece of_fourth[] = {
    {.window = {.backup = &second, .backups = 1, .end = 0xA000000, .is_at_least = true}, .is_hole = false}};
static struct window_piece of_fifth[] = {
    {.is_hole = true, .hole = {.cause = HOLE_NEVER, .from = 0x9000000, .to = 0xE000000}}};
static struct useless_backup useless[] = {{.backup = &lost, .missing = 1, .missing_tli = 1},
                                          {.backup = &lost, .is_other_size = true}};
static struct windows_timeline timelines[] = {
    {.tli = 1, .has_wal = true, .pieces = of_first, .count = 4, .useless = useless, .useless_count = 2},
    {.tli = 2, .parent = 1, .begin = 0x9000148, .has_wal = true, .pieces = of_second, .count = 2},
    {.tli = 10, .has_wal = true, .pieces = of_third, .count = 1},
    {.tli = 11, .parent = 1, .begin = 0x9000148, .has_wal = true, .pieces = of_fourth, .count = 1},
    {.tli = 12, .parent = 1, .begin = 0x9000148, .has_wal = true, .pieces = of_fifth, .count = 1},
    {.tli = 13, .parent = 1, .begin = 0x9000148},
};
static const struct windows windows = {timelines, 6, MIB16, false};

static const char expected[] =
    "  Restorable on timeline 1; newest moment 1 d old\n"
    "                                  to 2026-11-20 02:00:11.412233+00  HOLE, LSN 0/1000000 to 0/2000138: "
    "WAL before the first backup\n"
    "    2026-11-20 02:00:11.412233+00 to 2026-11-20 02:00:56.339943+00  LSN 0/2000138 to 0/5000000, from "
    "backup 20261120T015500Z-1a2b\n"
    "    2026-11-20 02:00:56.339943+00 to 2026-11-21 02:00:11.412233+00  HOLE, LSN 0/5000000 to 0/8000138: "
    "2 segments missing, 000000010000000000000005 to 000000010000000000000006\n"
    "    2026-11-21 02:00:11.412233+00 only: no transaction follows      LSN 0/8000138 to 0/A000000, from "
    "backup 20261121T015500Z-3c4d\n"
    "    backup 20261119T015500Z-5e6f can't be restored: segment 000000010000000000000001 of its own WAL "
    "missing\n"
    "    backup 20261119T015500Z-5e6f can't be restored: its segments have 1048576 bytes, not 16777216\n"
    "  Restorable on timeline 2, which left timeline 1 at 0/9000148; newest moment at most 23 h old\n"
    "    2026-11-21 02:00:11.412233+00 to 2026-11-21 03:00:11.412233+00 or later  LSN 0/8000138 to "
    "0/A000000, from backup 20261121T015500Z-3c4d on timeline 1\n"
    "    2026-11-21 03:00:11.412233+00 on                                HOLE, LSN 0/A000000 to 0/E000000: "
    "3 segments missing in 2 places, the first 00000001000000000000000A to 00000002000000000000000B, no "
    "backup behind it\n"
    "  Nothing can be restored on timeline 10\n"
    "                                                                    HOLE, LSN 0/9000000 to 0/E000000: "
    "history file 0000000A.history missing\n"
    "  Restorable on timeline 11, which left timeline 1 at 0/9000148; newest moment at most 1 d old\n"
    "    2026-11-21 02:00:11.412233+00 or later: not looked up           LSN 0/8000138 to 0/A000000, from "
    "backup 20261121T015500Z-3c4d on timeline 1\n"
    "  Nothing can be restored on timeline 12, which left timeline 1 at 0/9000148\n"
    "                                                                    HOLE, LSN 0/9000000 to 0/E000000: "
    "no backup whose WAL is whole\n"
    "  Nothing can be restored on timeline 13, which left timeline 1 at 0/9000148: no WAL of its own\n";

START_TEST(windows_and_holes_are_told_in_order_with_times_in_front)
{
    struct page p;

    page_open(&p);
    print_windows(&windows, 2, NOW, p.out);
    ck_assert_str_eq(page_close(&p), expected);
    free(p.text);
}
END_TEST

START_TEST(one_segment_is_named_once)
{
    struct window_piece piece = {
        .is_hole = true, .hole = {.cause = HOLE_GAP, .from = 1, .to = 2, .gaps = gaps + 2, .gap_count = 1}};
    struct windows_timeline one = {.tli = 2, .has_wal = true, .pieces = &piece, .count = 1};
    struct page p;

    page_open(&p);
    print_windows(&(struct windows){&one, 1, MIB16, false}, 0, NOW, p.out);
    ck_assert_ptr_nonnull(strstr(page_close(&p), ": segment 00000002000000000000000D missing\n"));
    free(p.text);
}
END_TEST

START_TEST(damage_is_told_with_its_place)
{
    static const struct {
        size_t first;
        size_t count;
        enum hole_cause cause;
        const char *expected;
    } cases[] = {
        {3, 1, HOLE_GAP, ": WAL damaged at LSN 0/5000C58 in segment 000000010000000000000005\n"},
        {3, 1, HOLE_NO_BACKUP,
         ": WAL damaged at LSN 0/5000C58 in segment 000000010000000000000005, no backup behind it\n"},
        {3, 2, HOLE_GAP,
         ": WAL damaged at LSN 0/5000C58 in segment 000000010000000000000005; segment "
         "000000010000000000000008 missing\n"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct window_piece piece = {.is_hole = true,
                                     .hole = {.cause = cases[i].cause,
                                              .from = 1,
                                              .to = 2,
                                              .gaps = gaps + cases[i].first,
                                              .gap_count = cases[i].count}};
        struct useless_backup broken = {
            .backup = &lost, .missing = 5, .missing_tli = 1, .damaged_at = 0x5000C58};
        struct windows_timeline one = {
            .tli = 1, .has_wal = true, .pieces = &piece, .count = 1, .useless = &broken, .useless_count = 1};
        struct page p;

        page_open(&p);
        print_windows(&(struct windows){&one, 1, MIB16, true}, 0, NOW, p.out);
        ck_assert_msg(strstr(page_close(&p), cases[i].expected) != NULL, "%s", p.text);
        ck_assert_ptr_nonnull(strstr(p.text, "restored: WAL damaged at LSN 0/5000C58 in segment "
                                             "000000010000000000000005\n"));
        ck_assert_ptr_nonnull(strstr(p.text, "\nNot of all WAL is it known"));
        free(p.text);
    }
}
END_TEST

/* A server whose clock is ahead of ours has no moment that is not there yet. */
START_TEST(a_moment_in_the_future_is_new)
{
    struct page p;

    page_open(&p);
    print_windows(&(struct windows){timelines, 1, MIB16, false}, 0, NIGHT, p.out);
    ck_assert_ptr_nonnull(strstr(page_close(&p), "newest moment less than 1 s old\n"));
    free(p.text);
}
END_TEST

static const char *text_of(const json_t *o, const char *name)
{
    return json_string_value(json_object_get(o, name));
}

static int64_t number_of(const json_t *o, const char *name)
{
    return json_integer_value(json_object_get(o, name));
}

START_TEST(windows_become_json)
{
    json_t *list = windows_to_json(&windows, NOW);
    json_t *one = json_array_get(list, 0), *other = json_array_get(list, 1);
    json_t *holes = json_object_get(one, "holes"), *spans = json_object_get(one, "windows");
    json_t *tail = json_array_get(json_object_get(other, "holes"), 0);
    json_t *bad = json_array_get(json_object_get(one, "useless_backups"), 0);

    ck_assert_uint_eq(json_array_size(list), 6);
    ck_assert(number_of(one, "timeline") == 1 && json_object_get(one, "parent") == NULL);
    ck_assert(number_of(other, "parent") == 1 && strcmp(text_of(other, "begin_lsn"), "0/9000148") == 0);
    ck_assert(json_array_size(spans) == 2 && json_array_size(holes) == 2);
    ck_assert_str_eq(text_of(json_array_get(spans, 0), "backup"), first.id);
    ck_assert_int_eq(number_of(json_array_get(spans, 0), "backups"), 3);
    ck_assert_int_eq(number_of(json_array_get(spans, 0), "from_us"), NIGHT);
    ck_assert_int_eq(number_of(json_array_get(spans, 0), "last_transaction_us"), NIGHT + 44927710);
    ck_assert_str_eq(text_of(json_array_get(spans, 0), "to_lsn"), "0/5000000");
    ck_assert_int_eq(number_of(json_array_get(spans, 0), "age_us"), 2 * DAY - 44927710);
    ck_assert_ptr_null(json_object_get(json_array_get(spans, 1), "last_transaction_us"));
    ck_assert(
        json_is_true(json_object_get(json_array_get(json_object_get(other, "windows"), 0), "is_at_least")));
    ck_assert_str_eq(text_of(json_array_get(holes, 0), "kind"), "before-first-backup");
    ck_assert_ptr_null(json_object_get(json_array_get(holes, 0), "from_us"));
    ck_assert_int_eq(number_of(json_array_get(holes, 1), "from_us"), NIGHT + 44927710);
    ck_assert_int_eq(number_of(json_array_get(holes, 1), "to_us"), NIGHT + DAY);
    ck_assert(strcmp(text_of(tail, "kind"), "no-backup-behind-gap") == 0 &&
              json_array_size(json_object_get(tail, "missing")) == 2);
    ck_assert_str_eq(text_of(json_array_get(json_object_get(tail, "missing"), 0), "last"),
                     "00000002000000000000000B");
    ck_assert_str_eq(text_of(bad, "kind"), "segments-missing");
    json_decref(list);
}
END_TEST

START_TEST(damage_becomes_json)
{
    struct window_piece piece = {
        .is_hole = true, .hole = {.cause = HOLE_GAP, .from = 1, .to = 2, .gaps = gaps + 3, .gap_count = 2}};
    struct windows_timeline one = {.tli = 1, .has_wal = true, .pieces = &piece, .count = 1};
    json_t *list = windows_to_json(&(struct windows){&one, 1, MIB16, false}, NOW);
    json_t *hole = json_array_get(json_object_get(json_array_get(list, 0), "holes"), 0);
    json_t *damaged = json_object_get(hole, "damaged");

    ck_assert_str_eq(text_of(hole, "kind"), "wal-damaged");
    ck_assert_uint_eq(json_array_size(damaged), 1);
    ck_assert_str_eq(text_of(json_array_get(damaged, 0), "segment"), "000000010000000000000005");
    ck_assert_str_eq(text_of(json_array_get(damaged, 0), "lsn"), "0/5000C58");
    ck_assert_uint_eq(json_array_size(json_object_get(hole, "missing")), 1);
    json_decref(list);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {windows_and_holes_are_told_in_order_with_times_in_front,
                                  one_segment_is_named_once,
                                  damage_is_told_with_its_place,
                                  a_moment_in_the_future_is_new,
                                  windows_become_json,
                                  damage_becomes_json};

    return check_main(suite_of("cli/print_windows", tests, sizeof(tests) / sizeof(tests[0])));
}
