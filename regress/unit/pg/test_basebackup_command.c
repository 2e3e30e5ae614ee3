/* Tests of src/pg/basebackup_command.c. */
#include "check_main.h"
#include "pg/basebackup_command.h"

#include <string.h>

START_TEST(each_grammar_gets_its_command)
{
    static const struct {
        struct basebackup_options o;
        int version;
        const char *expected;
    } rows[] = {
        {{0}, 140009, "BASE_BACKUP LABEL 'pitr' PROGRESS NOWAIT MANIFEST 'yes' MANIFEST_CHECKSUMS 'CRC32C'"},
        {{.label = "o'clock", .fast_checkpoint = true, .max_rate_kb = 32},
         130000,
         "BASE_BACKUP LABEL 'o''clock' PROGRESS FAST NOWAIT MAX_RATE 32 MANIFEST 'yes'"
         " MANIFEST_CHECKSUMS 'CRC32C'"},
        {{0},
         150000,
         "BASE_BACKUP (LABEL 'pitr', PROGRESS true, CHECKPOINT 'spread', WAIT false, VERIFY_CHECKSUMS true,"
         " MANIFEST 'yes', MANIFEST_CHECKSUMS 'CRC32C')"},
        {{.label = "'", .fast_checkpoint = true, .max_rate_kb = 1048576},
         180004,
         "BASE_BACKUP (LABEL '''', PROGRESS true, CHECKPOINT 'fast', WAIT false, MAX_RATE 1048576,"
         " VERIFY_CHECKSUMS true, MANIFEST 'yes', MANIFEST_CHECKSUMS 'CRC32C')"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CLEANUP(buf_clear) struct buf text = BUF_INIT(1024);
        struct err e = ERR_NONE;

        ck_assert_int_eq(basebackup_command(&rows[i].o, rows[i].version, &text, &e), ERR_OK);
        ck_assert_str_eq(buf_cstr(&text), rows[i].expected);
    }
}
END_TEST

START_TEST(options_out_of_bounds_are_refused)
{
    static char long_label[1026];
    const struct basebackup_options bad[] = {
        {.label = ""},       {.label = "two\nlines"},  {.label = long_label},
        {.max_rate_kb = 31}, {.max_rate_kb = 1048577},
    };

    memset(long_label, 'l', 1025);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CLEANUP(buf_clear) struct buf text = BUF_INIT(8192);
        struct err e = ERR_NONE;

        ck_assert_msg(basebackup_command(&bad[i], 150000, &text, &e) == ERR_USAGE, "row %zu", i);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {each_grammar_gets_its_command, options_out_of_bounds_are_refused};

    return check_main(suite_of("pg/basebackup_command", tests, sizeof(tests) / sizeof(tests[0])));
}
