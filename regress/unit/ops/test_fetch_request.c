/*
 * test_fetch_request.c - what a recovery asks for: whose it is by the plan, and a copy that is the right one. What it
 * comes to for the server is in test_fetch.c.
 */
#include "ops/fetch_request.h"

#include "check_main.h"
#include "fetch_case.h"

#include <errno.h>
#include <fcntl.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define SEGMENT  "000000010000000000000006"

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

    archive_into(0, SEGMENT, segment_bytes(SEGMENT, 7), MIB);
    archive_into(1, SEGMENT, segment_bytes(SEGMENT, 7), MIB);
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

    archive_into(0, SEGMENT, segment_bytes(SEGMENT, 7), MIB);
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

/* What each repository answers, in order of configuration. */
struct answers {
    const enum err_code *codes;
    int full_at; /* -1, or the one that finds our disk full */
    unsigned asked;
};

static enum err_code answer(void *arg, struct repo *r, struct err *why)
{
    struct answers *a = arg;
    const size_t i = (size_t) (r - pgdata_repo);

    a->asked |= 1u << i;
    if (a->full_at == (int) i)
        return err_sys(why, ERR_IO, ENOSPC, "no room");
    return a->codes[i] == ERR_OK ? ERR_OK : err_set(why, a->codes[i], "repository %zu", i);
}

static const struct order_case {
    enum err_code codes[2];
    int full_at;
    size_t first;
    enum err_code code;
    size_t from;
    unsigned asked;
} order_cases[] = {
    {{ERR_OK, ERR_OK}, -1, 0, ERR_OK, 0, 1},
    {{ERR_OK, ERR_OK}, -1, 1, ERR_OK, 1, 2},
    {{ERR_CORRUPT, ERR_OK}, -1, 0, ERR_OK, 1, 3},
    {{ERR_OK, ERR_UNREACHABLE}, -1, 1, ERR_OK, 0, 3},
    {{ERR_ABSENT, ERR_ABSENT}, -1, 0, ERR_ABSENT, 1, 3},
    {{ERR_ABSENT, ERR_DENIED}, -1, 0, ERR_DENIED, 1, 3},
    {{ERR_UNREACHABLE, ERR_ABSENT}, -1, 0, ERR_UNREACHABLE, 1, 3},
    {{ERR_CORRUPT, ERR_DENIED}, -1, 0, ERR_CORRUPT, 1, 3},
    {{ERR_CORRUPT, ERR_UNREACHABLE}, -1, 0, ERR_CORRUPT, 1, 3}, /* an outage may be taken for absence, */
    {{ERR_UNREACHABLE, ERR_CORRUPT}, -1, 0, ERR_CORRUPT, 1, 3}, /* these never: in whatever order      */
    {{ERR_UNREACHABLE, ERR_USAGE}, -1, 0, ERR_USAGE, 1, 3},
    {{ERR_UNREACHABLE, ERR_OK}, 1, 0, ERR_IO, 1, 3}, /* not hidden by what came before */
    {{ERR_OK, ERR_OK}, 0, 0, ERR_IO, 0, 1},          /* nor could another be written   */
};

START_TEST(the_first_good_copy_is_taken_and_absence_needs_all)
{
    const struct order_case *c = &order_cases[_i];
    struct answers a = {c->codes, c->full_at, 0};
    struct err why = ERR_NONE;
    size_t from = 9;

    ck_assert_int_eq(fetch_first_good(&cluster, c->first, false, answer, &a, &from, &why), c->code);
    ck_assert_int_eq(why.code, c->code);
    ck_assert_uint_eq(from, c->from);
    ck_assert_uint_eq(a.asked, c->asked);
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
    tcase_add_loop_test(tests, the_first_good_copy_is_taken_and_absence_needs_all, 0, COUNT(order_cases));
    suite_add_tcase(suite, tests);
    return check_main(suite);
}
