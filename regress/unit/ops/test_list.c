/*
 * test_list.c - what is listed of a repository in memory.
 */
#include "ops/list.h"

#include "check_main.h"
#include "repo/object.h"
#include "repo/wal_facts.h"
#include "storage/faulty.h"
#include "storage/memory.h"

#include <string.h>

#define IDENTIFIER 0x67aabbccddeeff00u
#define MIB        (1u << 20)

static struct repo local, other;
static struct repo *repos[] = {&local, &other};
static struct cluster cluster;
static struct layout layout;
static struct listed listed;

static void set_up(void)
{
    struct err e = ERR_NONE;
    struct store *inner;

    cluster = (struct cluster){.name = strdup("main"), .repos = repos, .repo_count = 2};
    local = (struct repo){.name = strdup("local")};
    other = (struct repo){.name = strdup("other")};
    listed = (struct listed){.repos = NULL};
    ck_assert_int_eq(memory_store_new(&inner, &e), ERR_OK);
    ck_assert_int_eq(faulty_store_new(inner, &local.store, &e), ERR_OK);
    ck_assert_int_eq(memory_store_new(&other.store, &e), ERR_OK);
    ck_assert_int_eq(layout_init(&layout, "main", IDENTIFIER, &e), ERR_OK);
}

static void tear_down(void)
{
    listed_clear(&listed);
    store_free(local.store);
    store_free(other.store);
    free(local.name);
    free(other.name);
    free(cluster.name);
}

static void add_line(const struct layout *l)
{
    struct err e = ERR_NONE;
    bool created;

    ck_assert_msg(line_create(&local, l, 15, &created, &e) == ERR_OK, "%s", e.text);
}

static void add_file(const char *name, uint32_t segment_bytes)
{
    CLEANUP(descriptor_clear) struct descriptor d = {.size = 0};
    const struct wal_facts facts = {.system_identifier = IDENTIFIER,
                                    .major = 15,
                                    .timeline = 1,
                                    .segment_bytes = segment_bytes,
                                    .first_lsn = 3 * (lsn) segment_bytes,
                                    .run_from = 3 * (lsn) segment_bytes,
                                    .run_to = 3 * (lsn) segment_bytes,
                                    .end_lsn = 4 * (lsn) segment_bytes};
    struct walfile file;
    enum object_outcome outcome;
    char key[STORE_KEY_MAX + 1];
    struct err e = ERR_NONE;

    ck_assert_int_eq(walfile_parse(name, &file, &e), ERR_OK);
    layout_wal_file(&layout, &file, key);
    ck_assert(object_describe_new(&local, "wal", name, &d, &e) == ERR_OK &&
              wal_facts_write(&facts, &d, &e) == ERR_OK);
    ck_assert_msg(object_put_bytes(&local, key, &d, name, strlen(name), &outcome, &e) == ERR_OK, "%s",
                  e.text);
}

static void add_history(const char *name, const char *text)
{
    CLEANUP(descriptor_clear) struct descriptor d = {.size = 0};
    struct walfile file;
    enum object_outcome outcome;
    char key[STORE_KEY_MAX + 1];
    struct err e = ERR_NONE;

    ck_assert_int_eq(walfile_parse(name, &file, &e), ERR_OK);
    layout_wal_file(&layout, &file, key);
    ck_assert_int_eq(object_describe_new(&local, "history", name, &d, &e), ERR_OK);
    ck_assert_int_eq(object_put_bytes(&local, key, &d, text, strlen(text), &outcome, &e), ERR_OK);
}

static void add_backup(const char *id, uint32_t segment_bytes)
{
    char label[] = "test", origin[] = "host db1";
    const struct backup_info b = {.label = label,
                                  .timeline = 1,
                                  .start_lsn = 3 * MIB,
                                  .stop_lsn = 4 * MIB,
                                  .start_us = 1,
                                  .stop_us = 2,
                                  .system_identifier = IDENTIFIER,
                                  .server_version = 150018,
                                  .segment_bytes = segment_bytes,
                                  .origin = origin};
    struct backup_info named = b;
    struct err e = ERR_NONE;

    (void) snprintf(named.id, sizeof(named.id), "%s", id);
    ck_assert_msg(backup_info_write(&local, &layout, &named, &e) == ERR_OK, "%s", e.text);
}

static void list_all(void)
{
    struct err e = {.code = ERR_IO, .text = "left by an earlier call"};

    ck_assert_msg(ops_list(&cluster, NULL, &listed, &e) == ERR_OK, "%s", e.text);
    ck_assert_str_eq(e.text, "left by an earlier call");
    ck_assert_uint_eq(listed.repo_count, 2);
    ck_assert_ptr_eq(listed.repos[0].repo, &local);
}

START_TEST(empty_repositories_list_nothing)
{
    list_all();
    ck_assert_uint_eq(listed.repos[0].line_count, 0);
    ck_assert_uint_eq(listed.repos[1].line_count, 0);
}
END_TEST

START_TEST(a_line_without_wal_has_no_segment_size)
{
    add_line(&layout);
    list_all();
    ck_assert_uint_eq(listed.repos[0].line_count, 1);
    ck_assert_uint_eq(listed.repos[0].lines[0].segment_bytes, 0);
    ck_assert_uint_eq(listed.repos[0].lines[0].info.system_identifier, IDENTIFIER);
    ck_assert_uint_eq(listed.repos[1].line_count, 0);
}
END_TEST

START_TEST(without_a_backup_the_wal_tells_the_segment_size)
{
    add_line(&layout);
    add_history("00000002.history", "1\t0/500000\tno recovery target specified\n");
    add_file("000000010000000000000003.00000028.backup", MIB);
    add_file("000000010000000000000003", MIB);
    list_all();
    ck_assert_uint_eq(listed.repos[0].lines[0].segment_bytes, MIB);
    ck_assert_uint_eq(listed.repos[0].lines[0].timelines.count, 2);
}
END_TEST

START_TEST(runs_of_all_timelines_are_listed_with_their_gaps)
{
    static const char *const names[] = {"000000010000000000000003", "000000010000000000000004",
                                        "000000010000000000000006", "000000020000000000000005",
                                        "000000010000000100000000"};
    static const struct wal_run expected[] = {{.tli = 1, .first = 3, .last = 4},
                                              {.tli = 1, .first = 6, .last = 6},
                                              {.tli = 1, .first = 4096, .last = 4096},
                                              {.tli = 2, .first = 5, .last = 5}};
    const struct wal_runs *runs;

    add_line(&layout);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        add_file(names[i], MIB);
    add_history("00000002.history", "1\t0/500000\tno recovery target specified\n");
    list_all();
    runs = &listed.repos[0].lines[0].runs;
    ck_assert_uint_eq(runs->count, sizeof(expected) / sizeof(expected[0]));
    for (size_t i = 0; i < runs->count; i++) {
        ck_assert_uint_eq(runs->list[i].tli, expected[i].tli);
        ck_assert_uint_eq(runs->list[i].first, expected[i].first);
        ck_assert_uint_eq(runs->list[i].last, expected[i].last);
    }
}
END_TEST

START_TEST(backups_are_listed_and_unfinished_ones_counted)
{
    char key[STORE_KEY_MAX + 1];
    struct err e = ERR_NONE;

    add_line(&layout);
    add_backup("20261120T021500Z-1a2b", MIB);
    layout_backup_pack(&layout, "20261121T021500Z-0000", 1, key);
    ck_assert_int_eq(store_put(local.store, key, "x", 1, &e), ERR_OK);
    list_all();
    ck_assert_uint_eq(listed.repos[0].lines[0].backups.count, 1);
    ck_assert_uint_eq(listed.repos[0].lines[0].unfinished, 1);
    ck_assert_uint_eq(listed.repos[0].lines[0].segment_bytes, MIB);
}
END_TEST

START_TEST(what_has_no_line_json_is_no_line)
{
    struct layout ghost, last;
    char key[STORE_KEY_MAX + 1];
    struct err e = ERR_NONE;

    ck_assert_int_eq(layout_init(&ghost, "main", IDENTIFIER - 1, &e), ERR_OK);
    ck_assert_int_eq(layout_init(&last, "main", IDENTIFIER + 1, &e), ERR_OK);
    layout_probe(&ghost, "left", key);
    ck_assert_int_eq(store_put(local.store, key, "x", 1, &e), ERR_OK);
    add_line(&layout);
    add_line(&last);
    list_all();
    ck_assert_uint_eq(listed.repos[0].line_count, 2);
    ck_assert_str_eq(listed.repos[0].lines[0].layout.line, layout.line);
    ck_assert_str_eq(listed.repos[0].lines[1].layout.line, last.line);
}
END_TEST

START_TEST(one_repository_by_name)
{
    struct err e = ERR_NONE;

    ck_assert_int_eq(ops_list(&cluster, "other", &listed, &e), ERR_OK);
    ck_assert_uint_eq(listed.repo_count, 1);
    ck_assert_ptr_eq(listed.repos[0].repo, &other);
    listed_clear(&listed);
    ck_assert_int_eq(ops_list(&cluster, "nosuch", &listed, &e), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(e.text, "nosuch"));
}
END_TEST

static const struct faulty_plan plans[] = {
    {.at = FAULTY_LIST, .kind = ERR_UNREACHABLE},
    {.at = FAULTY_LIST, .nth = 2, .kind = ERR_UNREACHABLE},
    {.at = FAULTY_LIST, .nth = 3, .kind = ERR_UNREACHABLE},
    {.at = FAULTY_LIST, .nth = 4, .kind = ERR_UNREACHABLE},
    {.at = FAULTY_LIST, .nth = 5, .kind = ERR_UNREACHABLE},
    {.at = FAULTY_GET, .kind = ERR_UNREACHABLE},
    {.at = FAULTY_GET, .nth = 2, .kind = ERR_UNREACHABLE},
};

START_TEST(a_repository_that_fails_is_the_error)
{
    struct err e = ERR_NONE;

    add_line(&layout);
    add_file("000000010000000000000003", MIB);
    faulty_fail(local.store, &plans[_i]);
    ck_assert_int_eq(ops_list(&cluster, NULL, &listed, &e), ERR_UNREACHABLE);
    ck_assert_ptr_nonnull(strstr(e.text, "repository \"local\""));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/list");
    TCase *tcase = tcase_create("list");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, empty_repositories_list_nothing);
    tcase_add_test(tcase, a_line_without_wal_has_no_segment_size);
    tcase_add_test(tcase, without_a_backup_the_wal_tells_the_segment_size);
    tcase_add_test(tcase, runs_of_all_timelines_are_listed_with_their_gaps);
    tcase_add_test(tcase, backups_are_listed_and_unfinished_ones_counted);
    tcase_add_test(tcase, what_has_no_line_json_is_no_line);
    tcase_add_test(tcase, one_repository_by_name);
    tcase_add_loop_test(tcase, a_repository_that_fails_is_the_error, 0,
                        (int) (sizeof(plans) / sizeof(plans[0])));
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
