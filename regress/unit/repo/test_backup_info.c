/*
 * test_backup_info.c - the summary that makes a backup exist: written once, read back as its own.
 */
#include "backup_sample.h"

START_TEST(a_summary_comes_back_as_written)
{
    struct backup_info b = sample(ID), back = {0};
    struct err e = ERR_STALE;

    write_backup(ID);
    OK(backup_info_read(&repo, &layout, ID, &back, &e));
    same(&back, &b);
    backup_info_clear(&back);
    ck_assert_int_eq(backup_info_read(&repo, &layout, EARLY, &back, &e), ERR_ABSENT);
}
END_TEST

START_TEST(a_summary_copied_to_another_place_is_refused)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(RAW_MAX);
    struct backup_info back = {0};
    struct layout other;
    struct err e = ERR_NONE;

    write_backup(ID);
    raw_get(KEY(ID), &text);
    raw_put(KEY(LATE), text.data, text.len);
    ck_assert_int_eq(backup_info_read(&repo, &layout, LATE, &back, &e), ERR_CORRUPT);
    OK(layout_init(&other, "main", OTHER_SYSTEM, &e));
    raw_put("main/7000000000000001/backup/" ID "/backup.json", text.data, text.len);
    ck_assert_int_eq(backup_info_read(&repo, &other, ID, &back, &e), ERR_CORRUPT);
}
END_TEST

START_TEST(a_summary_is_written_once)
{
    struct backup_info b = sample(ID), back = {0};
    struct err e = ERR_STALE;

    write_backup(ID);
    OK(backup_info_write(&repo, &layout, &b, &e)); /* an answer was lost: the same again */
    ck_assert_str_eq(e.text, ERR_STALE.text);
    b.files++;
    ck_assert_int_eq(backup_info_write(&repo, &layout, &b, &e), ERR_CONFLICT);
    OK(backup_info_read(&repo, &layout, ID, &back, &e));
    ck_assert_uint_eq(back.files, 6);
    backup_info_clear(&back);
    fail_next(FAULTY_GET, ERR_UNREACHABLE);
    ck_assert_int_eq(backup_info_write(&repo, &layout, &b, &e), ERR_UNREACHABLE);
    fail_next(FAULTY_FINISH, ERR_DENIED);
    ck_assert_int_eq(backup_info_write(&repo, &layout, &b, &e), ERR_DENIED);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_summary_comes_back_as_written,
        a_summary_copied_to_another_place_is_refused,
        a_summary_is_written_once,
    };

    return check_main(suite_in_memory("repo/backup_info", tests, COUNT(tests)));
}
