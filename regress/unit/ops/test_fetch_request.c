/*
 * test_fetch_request.c - what a recovery asks for: whose it is by the plan, and a copy that is the right one. What it
 * comes to for the server is in test_fetch.c.
 */
#include "ops/archive.h"
#include "ops/fetch_request.h"

#include "check_main.h"
#include "pgdata.h"

#include <fcntl.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SEGMENT  "000000010000000000000006"

static void archive_one(const char *name, int repo)
{
    struct repo *one[] = {&pgdata_repo[repo]};
    struct cluster c = cluster;
    char path[128];

    c.repos = one;
    c.repo_count = 1;
    (void) snprintf(path, sizeof(path), "pg_wal/%s", name);
    write_file(path, segment_bytes(name, 7), MIB);
    ck_assert_msg(ops_archive(&c, &(struct archive_options){.jobs = 0}, path, &e) == ERR_OK, "%s", e.text);
    ck_assert_int_eq(unlink(path), 0);
}

static const struct judge_case {
    const char *name, *path, *until;
    bool is_foreign, is_needed;
} judge_cases[] = {
    {"000000010000000000000006", NULL, NULL, false, false},
    {"000000010000000000000006", "1:0/700200,2", "000000020000000000000009", false, true},
    {"000000010000000000000007", "1:0/700200,2", "000000020000000000000009", true, false},
    {"000000020000000000000007", "1:0/700200,2", "000000020000000000000009", false, true},
    {"00000002000000000000000A", "1:0/700200,2", "000000020000000000000009", false, false},
    {"000000020000000000000007", "1:0/700200,2", NULL, false, false},
    {"00000002.history", "1:0/700200,2", NULL, false, true},
    {"00000003.history", "1:0/700200,2", NULL, false, false},
};

START_TEST(the_plan_says_what_is_foreign_and_what_is_needed)
{
    const struct judge_case *c = &judge_cases[_i];
    const struct fetch_options o = {.path = c->path, .until = c->until};
    CLEANUP(fetch_request_clear) struct fetch_request q;
    bool is_foreign;

    ck_assert_msg(fetch_request_init(&q, "main", &o, c->name, &e) == ERR_OK, "%s", e.text);
    ck_assert_int_eq(fetch_request_judge(&q, &is_foreign, &e), ERR_OK);
    ck_assert_msg(is_foreign == c->is_foreign && q.is_needed == c->is_needed, "%s", c->name);
    ck_assert_str_eq(q.layout.line, layout.line);
}
END_TEST

START_TEST(a_line_that_is_said_needs_no_data_directory)
{
    const struct fetch_options with_line = {.line = layout.line}, none = {.line = NULL};
    CLEANUP(fetch_request_clear) struct fetch_request q, other;

    ck_assert_int_eq(unlink("global/pg_control"), 0);
    ck_assert_int_eq(fetch_request_init(&q, "main", &with_line, SEGMENT, &e), ERR_OK);
    ck_assert(!q.has_control);
    ck_assert_int_eq(fetch_request_init(&other, "main", &none, SEGMENT, &e), ERR_IO);
}
END_TEST

START_TEST(a_copy_replaces_what_another_repository_left_behind)
{
    const struct fetch_options none = {.line = NULL};
    const struct faulty_plan breaks = {.at = FAULTY_GET, .byte = 4000, .kind = ERR_UNREACHABLE};
    CLEANUP(fetch_request_clear) struct fetch_request q;
    CLEANUP(buf_clear) struct buf got = BUF_INIT(2 * MIB);
    uint64_t bytes = 0;
    int fd = open("copy", O_RDWR | O_CREAT, 0600);

    archive_one(SEGMENT, 0);
    archive_one(SEGMENT, 1);
    faulty_fail(pgdata_repo[0].store, &breaks);
    ck_assert_int_eq(fetch_request_init(&q, "main", &none, SEGMENT, &e), ERR_OK);
    ck_assert_int_eq(write(fd, "what an earlier try left", 24), 24);
    ck_assert_int_eq(fetch_request_copy(&q, &pgdata_repo[0], fd, "copy", &bytes, &e), ERR_UNREACHABLE);
    ck_assert_uint_eq(bytes, 0);
    e = ERR_STALE;
    ck_assert_msg(fetch_request_copy(&q, &pgdata_repo[1], fd, "copy", &bytes, &e) == ERR_OK, "%s", e.text);
    ck_assert_uint_eq(bytes, MIB);
    ck_assert_int_eq(close(fd), 0);
    ck_assert_int_eq(buf_read_file(&got, "copy", &e), ERR_OK);
    ck_assert(got.len == MIB && memcmp(got.data, segment_bytes(SEGMENT, 7), MIB) == 0);
}
END_TEST

/* The same name under another cluster's line, as a repository that was mixed up would have it. */
START_TEST(the_segment_of_another_cluster_is_no_copy)
{
    const struct fetch_options other = {.line = "0123456789abcdef"};
    CLEANUP(fetch_request_clear) struct fetch_request q;
    CLEANUP(buf_clear) struct buf object = BUF_INIT(2 * MIB);
    char from[STORE_KEY_MAX + 1], to[STORE_KEY_MAX + 1];
    struct sink *into;
    uint64_t bytes;
    int fd = open("copy", O_RDWR | O_CREAT, 0600);

    archive_one(SEGMENT, 0);
    ck_assert_int_eq(fetch_request_init(&q, "main", &other, SEGMENT, &e), ERR_OK);
    key_of(SEGMENT, from);
    layout_wal_file(&q.layout, &q.file, to);
    ck_assert(buf_sink_new(&object, &into, &e) == ERR_OK &&
              store_get(pgdata_repo[0].store, from, NULL, into, NULL, &e) == ERR_OK);
    sink_free(into);
    ck_assert_int_eq(store_put(pgdata_repo[0].store, to, object.data, object.len, &e), ERR_OK);
    ck_assert_int_eq(fetch_request_copy(&q, &pgdata_repo[0], fd, "copy", &bytes, &e), ERR_CORRUPT);
    ck_assert_int_eq(close(fd), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/fetch_request");
    TCase *tests = tcase_create("ops/fetch_request");

    tcase_add_checked_fixture(tests, pgdata_set_up, pgdata_tear_down);
    tcase_add_loop_test(tests, the_plan_says_what_is_foreign_and_what_is_needed, 0, COUNT(judge_cases));
    tcase_add_test(tests, a_line_that_is_said_needs_no_data_directory);
    tcase_add_test(tests, a_copy_replaces_what_another_repository_left_behind);
    tcase_add_test(tests, the_segment_of_another_cluster_is_no_copy);
    suite_add_tcase(suite, tests);
    return check_main(suite);
}
