/*
 * test_restore_rate.c - the last restore's rate is remembered, and what can't be one is not.
 */
#include "repo/restore_rate.h"

#include "../scratch.h"
#include "check_main.h"
#include "repo/rate_file.h"

#define PLACE "file:///one"

static char scratch[SCRATCH_MAX];
static struct spool *spool;
static struct restore_rate got;

static void set_up(void)
{
    struct err e = ERR_NONE;

    scratch_make(scratch);
    ck_assert_int_eq(spool_open(scratch, "main", &spool, &e), ERR_OK);
}

static void tear_down(void)
{
    spool_free(spool);
    scratch_remove(scratch);
}

START_TEST(the_last_restore_counts)
{
    const struct restore_rate first = {UINT64_MAX, INT64_MAX, INT64_MAX}, second = {7, 8, 0};

    ck_assert(!restore_rate_read(spool, PLACE, &got));
    restore_rate_note(spool, PLACE, &first);
    ck_assert(restore_rate_read(spool, PLACE, &got));
    ck_assert(got.bytes == first.bytes && got.spent_us == first.spent_us && got.when_us == first.when_us);
    restore_rate_note(spool, PLACE, &second);
    ck_assert(restore_rate_read(spool, PLACE, &got));
    ck_assert(got.bytes == 7 && got.spent_us == 8 && got.when_us == 0);
}
END_TEST

START_TEST(what_took_no_time_or_had_no_bytes_is_not_remembered)
{
    static const struct restore_rate none[] = {{0, 8, 9}, {7, 0, 9}, {7, -8, 9}, {7, 8, -9}};

    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        restore_rate_note(spool, PLACE, &none[i]);
        ck_assert_msg(!restore_rate_read(spool, PLACE, &got), "%zu", i);
    }
}
END_TEST

START_TEST(a_text_that_this_program_would_not_have_written_is_none)
{
    static const char *const texts[] = {"",
                                        "7",
                                        "7 8",
                                        "0 8 9",
                                        "7 0 9",
                                        "7 8 -9",
                                        "7 8 9 ",
                                        "7 8 9 1",
                                        "+7 8 9",
                                        "07 8 9",
                                        "7  8 9",
                                        "-7 8 9",
                                        "7 8 9\n",
                                        "a b c",
                                        "0x7 8 9",
                                        "7 8 9.25",
                                        "7 99999999999999999999 9"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        rate_file_write(spool, "restore", PLACE, texts[i]);
        got.bytes = 1;
        ck_assert_msg(!restore_rate_read(spool, PLACE, &got), "\"%s\"", texts[i]);
        ck_assert_uint_eq(got.bytes, 0);
    }
    rate_file_write(spool, "restore", PLACE, "7 8 9");
    ck_assert(restore_rate_read(spool, PLACE, &got));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_last_restore_counts,
        what_took_no_time_or_had_no_bytes_is_not_remembered,
        a_text_that_this_program_would_not_have_written_is_none,
    };

    return check_main(
        suite_between("repo/restore_rate", set_up, tear_down, tests, sizeof(tests) / sizeof(tests[0])));
}
