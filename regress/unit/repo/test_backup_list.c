/*
 * test_backup_list.c - the backups of a line: one damaged hides no other.
 */
#include "repo/backup_list.h"

#include "backup_sample.h"

START_TEST(the_list_is_in_order_and_leaves_out_what_is_unfinished)
{
    struct backup_list list = {0};
    struct err e = ERR_STALE;
    size_t unfinished = 77;
    uint64_t before;

    OK(backup_list_read(&repo, &layout, &list, &unfinished, &e));
    ck_assert_uint_eq(list.count + list.damaged_count + unfinished, 0);
    backup_list_clear(&list);
    write_backup(LATE);
    write_backup(EARLY);
    raw_text("main/6789abcdef012345/backup/" ID "/pack-000000", "x");
    raw_text("main/6789abcdef012345/backup/x" ID "/pack-000000", "x");
    raw_text("main/6789abcdef012345/backup/notes/x", "x");
    raw_text("main/6789abcdef012345/backup/20261201T021500Z-1a2b", "an object, no directory");
    before = requests();
    OK(backup_list_read(&repo, &layout, &list, &unfinished, &e));
    ck_assert_uint_eq(requests() - before, 4);
    ck_assert_uint_eq(list.count, 2);
    ck_assert_str_eq(list.list[0].id, EARLY);
    ck_assert_str_eq(list.list[1].id, LATE);
    ck_assert_uint_eq(unfinished, 1);
    ck_assert_uint_eq(list.damaged_count, 0);
    backup_list_clear(&list);
    OK(backup_list_read(&repo, &layout, &list, NULL, &e));
    backup_list_clear(&list);
}
END_TEST

START_TEST(backups_are_fetched_one_by_one_into_their_order)
{
    struct backup_list list = {.count = 0};
    struct err e = ERR_STALE;
    uint64_t before;

    write_backup(EARLY);
    write_backup(LATE);
    raw_text("main/6789abcdef012345/backup/" ID "/pack-000000", "x");
    before = requests();
    OK(backup_list_open(&repo, &layout, &list, &e));
    ck_assert_uint_eq(requests() - before, 1);
    ck_assert_uint_eq(list.id_count, 3);
    ck_assert_uint_eq(list.count, 0);
    for (size_t i = 3; i > 0; i--)
        OK(backup_list_fetch(&repo, &layout, i - 1, &list, &e));
    ck_assert_uint_eq(requests() - before, 4);
    OK(backup_list_fetch(&repo, &layout, 0, &list, &e));
    ck_assert_uint_eq(requests() - before, 4);
    ck_assert_uint_eq(list.count, 2);
    ck_assert_str_eq(list.list[0].id, EARLY);
    ck_assert_str_eq(list.list[1].id, LATE);
    ck_assert_uint_eq(list.unfinished, 1);
    backup_list_clear(&list);
}
END_TEST

START_TEST(a_damaged_summary_is_named_and_hides_no_other)
{
    CLEANUP(buf_clear) struct buf good = BUF_INIT(RAW_MAX);
    struct backup_list list = {0};
    struct err e = ERR_NONE;
    size_t big = (size_t) 17 << 20;
    char *blanks = malloc(big);

    ck_assert_ptr_nonnull(blanks);
    memset(blanks, ' ', big);
    write_backup(EARLY);
    write_backup(LATE);
    raw_get(KEY(LATE), &good);
    for (int i = 0; i < 6; i++) {
        size_t unfinished = 77;

        switch (i) {
        case 0:
            raw_text(KEY(ID), "");
            break;
        case 1:
            raw_put(KEY(ID), good.data, good.len / 2);
            break;
        case 2:
            raw_put(KEY(ID), good.data, good.len); /* another backup's */
            break;
        case 3:
            raw_text(KEY(ID), "{\"format\": 2}");
            break;
        case 4:
            raw_text(KEY(ID), "{\"format\": 1}");
            break;
        default:
            raw_put(KEY(ID), blanks, big);
            break;
        }
        OK(backup_list_read(&repo, &layout, &list, &unfinished, &e));
        ck_assert_uint_eq(list.count, 2);
        ck_assert_str_eq(list.list[0].id, EARLY);
        ck_assert_str_eq(list.list[1].id, LATE);
        ck_assert_uint_eq(unfinished, 0);
        ck_assert_uint_eq(list.damaged_count, 1);
        ck_assert_str_eq(list.damaged[0].id, ID);
        ck_assert_str_ne(list.damaged[0].why, "");
        backup_list_clear(&list);
    }
    free(blanks);
}
END_TEST

START_TEST(a_summary_that_can_not_be_had_fails_the_list)
{
    static const enum err_code kinds[] = {ERR_UNREACHABLE, ERR_DENIED, ERR_CORRUPT, ERR_IO};
    struct backup_list list = {0};
    struct err e = ERR_NONE;

    write_backup(EARLY);
    write_backup(ID);
    for (size_t i = 0; i < COUNT(kinds); i++) {
        size_t unfinished = 77;

        faulty_fail(repo.store, &(struct faulty_plan){.at = FAULTY_GET, .nth = 2, .kind = kinds[i]});
        ck_assert_int_eq(backup_list_read(&repo, &layout, &list, &unfinished, &e), kinds[i]);
        fail_next(FAULTY_LIST, kinds[i]);
        ck_assert_int_eq(backup_list_read(&repo, &layout, &list, &unfinished, &e), kinds[i]);
        ck_assert_uint_eq(unfinished, 77);
        ck_assert_ptr_null(list.list);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        backups_are_fetched_one_by_one_into_their_order,
        the_list_is_in_order_and_leaves_out_what_is_unfinished,
        a_damaged_summary_is_named_and_hides_no_other,
        a_summary_that_can_not_be_had_fails_the_list,
    };

    return check_main(suite_in_memory("repo/backup_list", tests, COUNT(tests)));
}
