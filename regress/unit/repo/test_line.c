/*
 * test_line.c - who may write below a cluster's name, and what it takes to believe that something is absent.
 */
#include "repo/line.h"

#include "in_memory.h"
#include "scratch.h"

#include <sys/stat.h>
#include <unistd.h>

#define LINE_JSON  "main/6789abcdef012345/line.json"
#define OTHER_JSON "main/7000000000000001/line.json"

static char scratch[SCRATCH_MAX];
static struct spool *spool;

static void set_up(void)
{
    struct err e = ERR_NONE;

    repo_set_up();
    scratch_make(scratch);
    OK(spool_open(scratch, "main", &spool, &e));
}

static void tear_down(void)
{
    spool_free(spool);
    scratch_remove(scratch);
    repo_tear_down();
}

static enum err_code admit(struct err *e)
{
    return line_admit(&repo, &layout, 15, spool, e);
}

static struct layout other_layout(void)
{
    struct layout l;
    struct err e = ERR_NONE;

    OK(layout_init(&l, "main", OTHER_SYSTEM, &e));
    return l;
}

static void create_other(void)
{
    struct layout l = other_layout();
    struct err e = ERR_NONE;
    bool created;

    OK(line_create(&repo, &l, 16, &created, &e));
}

START_TEST(the_first_line_of_a_cluster_is_made_and_read_back)
{
    struct err e = ERR_STALE;
    struct line_info info;

    OK(admit(&e));
    ck_assert_str_eq(e.text, ERR_STALE.text);
    OK(line_read(&repo, &layout, &info, &e));
    ck_assert_uint_eq(info.system_identifier, SYSTEM);
    ck_assert_uint_eq(info.major, 15);
    ck_assert_int_gt(info.created_us, 0);
    OK(line_confirm(&repo, &layout, &e));
}
END_TEST

START_TEST(a_line_known_to_the_spool_is_admitted_without_a_request)
{
    struct err e = ERR_NONE;
    uint64_t before;

    OK(admit(&e));
    before = requests();
    OK(admit(&e));
    ck_assert_uint_eq(requests(), before);
}
END_TEST

START_TEST(what_the_spool_knows_of_one_server_does_not_hold_for_the_same_bucket_elsewhere)
{
    struct err e = ERR_NONE;
    uint64_t before;

    repo.place = (char *) (uintptr_t) "s3://bucket/pg https://one";
    OK(admit(&e));
    before = requests();
    repo.place = (char *) (uintptr_t) "s3://bucket/pg https://other";
    OK(admit(&e));
    ck_assert_uint_gt(requests(), before);
    repo.place = NULL;
}
END_TEST

/* The test's store as a directory would be. */
START_TEST(a_directory_that_lost_its_line_is_taken_for_an_empty_mount_point)
{
    CLEANUP(buf_clear) struct buf line_json = BUF_INIT(RAW_MAX);
    struct err e = ERR_NONE;
    bool created;

    repo.store->is_local = true;
    OK(admit(&e));
    OK(admit(&e));
    raw_get(LINE_JSON, &line_json);
    OK(store_remove(repo.store, LINE_JSON, &e));
    ck_assert_int_eq(admit(&e), ERR_UNREACHABLE);
    ck_assert_str_ne(e.hint, "");
    raw_put(LINE_JSON, line_json.data, line_json.len); /* mounted again */
    OK(admit(&e));
    OK(store_remove(repo.store, LINE_JSON, &e));
    OK(line_create(&repo, &layout, 15, &created, &e)); /* as init does */
    OK(admit(&e));
}
END_TEST

START_TEST(a_directory_that_init_prepared_is_guarded_from_then_on)
{
    char url[SCRATCH_MAX + 32], line_json[SCRATCH_MAX + 64];
    const struct repo_options o = {.name = "local", .url = url};
    struct repo *r;
    bool created;
    struct err e = ERR_NONE;

    (void) snprintf(url, sizeof(url), "file://%s/repo", scratch);
    ck_assert_int_eq(mkdir(scratch_path(scratch, "repo"), 0700), 0);
    OK(repo_open(&o, REPO_WRITE, &r, &e));
    ck_assert_str_eq(repo_place(r), url);
    OK(line_create(r, &layout, 15, &created, &e));
    spool_learn_line(spool, repo_place(r), layout.line);
    (void) snprintf(line_json, sizeof(line_json), "%s", scratch_path(scratch, "repo/" LINE_JSON));
    ck_assert_int_eq(unlink(line_json), 0);
    ck_assert_int_eq(line_admit(r, &layout, 15, spool, &e), ERR_UNREACHABLE);
    ck_assert_ptr_nonnull(strstr(e.text, "is it mounted?"));
    repo_free(r);
}
END_TEST

START_TEST(absence_is_confirmed_by_the_repository_alone)
{
    struct err e = ERR_NONE;

    OK(admit(&e));
    OK(store_remove(repo.store, LINE_JSON, &e));
    ck_assert_int_eq(line_confirm(&repo, &layout, &e), ERR_REFUSED);
    ck_assert_str_ne(e.hint, "");
    fail_next(FAULTY_GET, ERR_UNREACHABLE);
    ck_assert_int_eq(line_confirm(&repo, &layout, &e), ERR_UNREACHABLE);
}
END_TEST

START_TEST(a_line_that_is_there_is_admitted_beside_others)
{
    struct err e = ERR_STALE;

    OK(admit(&e));
    create_other();
    spool_free(spool);
    scratch_remove(scratch);
    scratch_make(scratch);
    OK(spool_open(scratch, "main", &spool, &e));
    OK(admit(&e));
}
END_TEST

START_TEST(a_second_line_is_refused_with_both_identifiers)
{
    struct err e = ERR_NONE;
    struct line_info info;

    create_other();
    ck_assert_int_eq(admit(&e), ERR_REFUSED);
    ck_assert_ptr_nonnull(strstr(e.text, "8070450532247928833"));
    ck_assert_ptr_nonnull(strstr(e.text, "7460683158682411845"));
    ck_assert_ptr_nonnull(strstr(e.hint, "pitr init"));
    ck_assert_int_eq(admit(&e), ERR_REFUSED); /* nothing learnt */
    ck_assert_int_eq(line_read(&repo, &layout, &info, &e), ERR_ABSENT);
}
END_TEST

START_TEST(our_own_line_without_its_json_is_made_whole)
{
    static const char *const leftovers[] = {"main/6789abcdef012345/probe/x",
                                            "main/6789abcdef012345/wal/00000002.history"};

    for (size_t i = 0; i < COUNT(leftovers); i++) {
        struct err e = ERR_NONE;
        struct layout l = layout;

        OK(store_remove(repo.store, LINE_JSON, &e));
        raw_text(leftovers[i], "x");
        OK(line_admit(&repo, &l, 15, spool, &e));
        OK(line_confirm(&repo, &l, &e));
        spool_free(spool);
        scratch_remove(scratch);
        scratch_make(scratch);
        OK(spool_open(scratch, "main", &spool, &e));
    }
}
END_TEST

START_TEST(a_cluster_whose_name_begins_alike_is_another)
{
    struct err e = ERR_NONE;

    raw_text("main-2/7000000000000001/line.json", "{}");
    raw_text("main/x6789abcdef012345/line.json", "{}");
    raw_text("main/7000000000000001", "an object, not a line");
    OK(admit(&e));
}
END_TEST

START_TEST(a_line_made_by_another_process_meanwhile_is_ours_all_the_same)
{
    struct err e = ERR_STALE;
    bool created = true;

    OK(line_create(&repo, &layout, 15, &created, &e));
    ck_assert(created);
    OK(line_create(&repo, &layout, 15, &created, &e));
    ck_assert(!created);
    ck_assert_str_eq(e.text, ERR_STALE.text);
    ck_assert_int_eq(line_create(&repo, &layout, 16, &created, &e), ERR_CONFLICT);
    OK(store_remove(repo.store, LINE_JSON, &e));
    fail_next(FAULTY_FINISH_LATE, ERR_CONFLICT); /* the answer was lost, the store's own retry met our line */
    OK(admit(&e));
}
END_TEST

START_TEST(a_failing_store_admits_nobody_and_teaches_nothing)
{
    static const struct {
        enum faulty_point at;
        enum err_code kind;
    } table[] = {{FAULTY_GET, ERR_UNREACHABLE},
                 {FAULTY_GET, ERR_DENIED},
                 {FAULTY_LIST, ERR_UNREACHABLE},
                 {FAULTY_PUT_OPEN, ERR_DENIED},
                 {FAULTY_FINISH, ERR_UNREACHABLE}};

    for (size_t i = 0; i < COUNT(table); i++) {
        struct err e = ERR_NONE;

        fail_next(table[i].at, table[i].kind);
        ck_assert_int_eq(admit(&e), table[i].kind);
        ck_assert(!spool_knows_line(spool, repo.store->url, layout.line));
    }
}
END_TEST

START_TEST(a_line_json_that_can_not_be_believed_admits_nobody)
{
    static const struct {
        const char *text, *says, *why;
    } table[] = {
        {"", "not JSON", "empty"},
        {"{", "not JSON", "cut"},
        {"[]", "form", "no object"},
        {"{\"format\": 2, \"new\": true}", "format version 2", "newer, with members of its own"},
        {"{\"format\": \"1\"}", "form", "version is a string"},
        {"{\"format\": 1, \"format\": 1}", "not JSON", "twice"},
        {"{\"format\":1,\"system_identifier\":\"6789abcdef012345\",\"postgresql\":15}", "created",
         "member missing"},
        {"{\"format\":1,\"system_identifier\":\"6789abcdef012345\",\"postgresql\":\"15\",\"created\":\"2026-"
         "11-20 14:29:00+00\"}",
         "form", "number as text"},
        {"{\"format\":1,\"system_identifier\":\"6789abcdef012345\",\"postgresql\":-1,\"created\":\"2026-11-"
         "20 14:29:00+00\"}",
         "version", "below zero"},
        {"{\"format\":1,\"system_identifier\":\"6789abcdef012345\",\"postgresql\":4294967311,\"created\":"
         "\"2026-11-20 14:29:00+00\"}",
         "version", "15 after it was cut to 32 bits"},
        {"{\"format\":1,\"system_identifier\":\"6789ABCDEF012345\",\"postgresql\":15,\"created\":\"2026-11-"
         "20 14:29:00+00\"}",
         "line", "capital digits"},
        {"{\"format\":1,\"system_identifier\":\"6789abcdef012345\",\"postgresql\":15,\"created\":"
         "\"yesterday\"}",
         LINE_JSON, "no time"},
        {"{\"format\":1,\"system_identifier\":\"6789abcdef012345\",\"postgresql\":15,\"created\":\"2026-11-"
         "20 14:29:00\"}",
         "invalid time", "a time without a zone"},
        {"{\"format\":1,\"system_identifier\":\"6789abcdef012345\",\"postgresql\":15,\"created\":\"2026-11-"
         "20 14:29:00 Europe/Berlin\"}",
         "invalid time", "a named zone: nobody's TZ is set because of what a bucket holds"},
        {"{\"format\":1,\"system_identifier\":\"7000000000000001\",\"postgresql\":15,\"created\":\"2026-11-"
         "20 14:29:00+00\"}",
         "another system identifier", "another line's"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct err e = ERR_NONE;

        raw_text(LINE_JSON, table[i].text);
        ck_assert_msg(admit(&e) == ERR_CORRUPT, "%s: %s", table[i].why, e.text);
        ck_assert_msg(strstr(e.text, table[i].says) != NULL, "%s: %s", table[i].why, e.text);
        ck_assert_int_eq(line_confirm(&repo, &layout, &e), ERR_CORRUPT);
    }
}
END_TEST

START_TEST(a_huge_line_json_is_refused)
{
    struct err e = ERR_NONE;
    char *huge = calloc(1, 100000);

    ck_assert_ptr_nonnull(huge);
    memset(huge, ' ', 99999);
    raw_text(LINE_JSON, huge);
    free(huge);
    ck_assert_int_eq(admit(&e), ERR_CORRUPT);
}
END_TEST

START_TEST(lines_are_listed_in_order_of_initdb)
{
    struct line_list list = {0};
    struct err e = ERR_STALE;

    OK(line_list(&repo, "main", &list, &e));
    ck_assert_uint_eq(list.count, 0);
    create_other();
    OK(line_create(&repo, &layout, 15, &(bool){false}, &e));
    raw_text("main/readme", "x");
    raw_text("main/6789/x", "x");
    raw_text("other/1111111111111111/line.json", "x");
    OK(line_list(&repo, "main", &list, &e));
    ck_assert_uint_eq(list.count, 2);
    ck_assert_str_eq(list.lines[0], "6789abcdef012345");
    ck_assert_str_eq(list.lines[1], "7000000000000001");
    line_list_clear(&list);
    fail_next(FAULTY_LIST, ERR_UNREACHABLE);
    ck_assert_int_eq(line_list(&repo, "main", &list, &e), ERR_UNREACHABLE);
    ck_assert_ptr_null(list.lines);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_first_line_of_a_cluster_is_made_and_read_back,
        a_line_known_to_the_spool_is_admitted_without_a_request,
        what_the_spool_knows_of_one_server_does_not_hold_for_the_same_bucket_elsewhere,
        a_directory_that_lost_its_line_is_taken_for_an_empty_mount_point,
        a_directory_that_init_prepared_is_guarded_from_then_on,
        absence_is_confirmed_by_the_repository_alone,
        a_line_that_is_there_is_admitted_beside_others,
        a_second_line_is_refused_with_both_identifiers,
        our_own_line_without_its_json_is_made_whole,
        a_cluster_whose_name_begins_alike_is_another,
        a_line_made_by_another_process_meanwhile_is_ours_all_the_same,
        a_failing_store_admits_nobody_and_teaches_nothing,
        a_line_json_that_can_not_be_believed_admits_nobody,
        a_huge_line_json_is_refused,
        lines_are_listed_in_order_of_initdb,
    };

    return check_main(suite_between("repo/line", set_up, tear_down, tests, COUNT(tests)));
}
