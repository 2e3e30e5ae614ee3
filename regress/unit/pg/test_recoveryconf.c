/* Tests of src/pg/recoveryconf.c by itself; test_server_reads.c asks a real PostgreSQL. */
#include "check_main.h"
#include "pg/recoveryconf.h"
#include "pg_data.h"
#include "pg_values.h"

START_TEST(lines_that_belonged_to_another_recovery_are_stripped)
{
    static const char *const cases[] = {
        "recovery_target = 'immediate'",
        "recovery_target_time = '2026-11-20 14:29:00+00'",
        "recovery_target_name='x'",
        "recovery_target_xid 123",
        "recovery_target_lsn\t=\t'0/5'",
        "recovery_target_inclusive = off",
        "recovery_target_timeline = 2 # why",
        "recovery_target_action='promote'",
        "restore_command = 'cp /a/%f %p'",
        "RESTORE_COMMAND = 'x'",
        "Restore_Command='it''s \\'it\\''",
        " \t\r restore_command = 'x'",
        "restore_command'x'",
        "restore_command",
        "restore_command # broken",
        "archive_cleanup_command = ''",
        "recovery_end_command = ''",
        "recovery_min_apply_delay = '1h'",
        "primary_conninfo = 'host=a password=''b'''",
        "primary_slot_name = 'x'",
        "promote_trigger_file = '/tmp/x'\r",
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (int newline = 0; newline < 2; newline++) {
            CLEANUP(buf_clear) struct buf text = BUF_INIT(4096), out = BUF_INIT(4096);
            struct err e = ERR_NONE;

            ck_assert_int_eq(buf_printf(&text, &e, "a = 1\n%s%s", cases[i], newline ? "\nb = 2" : ""),
                             ERR_OK);
            ck_assert_int_eq(recoveryconf_strip(buf_cstr(&text), text.len, &out, &e), ERR_OK);
            ck_assert_msg(strcmp(buf_cstr(&out), newline ? "a = 1\nb = 2\n" : "a = 1\n") == 0,
                          "\"%s\" gave \"%s\"", cases[i], buf_cstr(&out));
        }
}
END_TEST

START_TEST(everything_else_is_kept_as_it_is)
{
    static const char *const cases[] = {
        "",
        "\n",
        "\n\n  \n",
        "# restore_command = 'x'\n",
        "#restore_command = 'x'\n",
        "include 'restore_command'\n",
        "include_if_exists = 'recovery_target.conf'\n",
        "include_dir = 'conf.d'\n",
        "archive_command = 'restore_command'\n",
        "archive_mode = on\n",
        "recovery_prefetch = try\n",
        "recovery_init_sync_method = fsync\n",
        "restore_commands = 'x'\n",
        "xrestore_command = 'x'\n",
        "restore_command_ = 'x'\n",
        "restore_comman = 'x'\n",
        "restore_command.x = 'y'\n", /* a qualified name */
        "recovery_target.time = 'y'\n",
        "my.restore_command = 'y'\n",
        "restore_command-x = 'y'\n",       /* a bare word: PostgreSQL refuses it, and so it shall */
        "restore_command\xc3\xa4 = 'y'\n", /* a letter to PostgreSQL */
        "= 'y'\n",
        "'restore_command' = 'y'\n",
        "work_mem = 'unterminated\nmax_connections = 7\r\n",
        "grün = 'ü'\n",
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(buf_clear) struct buf out = BUF_INIT(4096);
        struct err e = ERR_NONE;

        ck_assert_int_eq(recoveryconf_strip(cases[i], strlen(cases[i]), &out, &e), ERR_OK);
        ck_assert_str_eq(buf_cstr(&out), cases[i]);
    }
}
END_TEST

START_TEST(a_last_line_without_newline_gets_one_so_that_settings_can_follow)
{
    CLEANUP(buf_clear) struct buf out = BUF_INIT(4096);
    struct err e = ERR_NONE;

    ck_assert_int_eq(recoveryconf_strip("work_mem = 4MB # c", 18, &out, &e), ERR_OK);
    ck_assert_int_eq(recoveryconf_set(&out, "recovery_target_action", "promote", &e), ERR_OK);
    ck_assert_str_eq(buf_cstr(&out), "work_mem = 4MB # c\nrecovery_target_action = 'promote'\n");
}
END_TEST

START_TEST(a_nul_byte_is_refused_and_the_output_unchanged)
{
    static const char text[] = "a = 1\n\0restore_command = 'x'\n";
    CLEANUP(buf_clear) struct buf out = BUF_INIT(4096);
    struct err e = ERR_NONE;

    ck_assert_int_eq(buf_puts(&out, "before\n", &e), ERR_OK);
    ck_assert_int_eq(recoveryconf_strip(text, sizeof(text) - 1, &out, &e), ERR_CORRUPT);
    ck_assert_str_eq(buf_cstr(&out), "before\n");
}
END_TEST

START_TEST(values_are_quoted_for_the_file)
{
    static const struct {
        const char *value;
        const char *line;
    } cases[] = {
        {"", "name = ''\n"},          {"it's", "name = 'it''s'\n"},      {"a\\b", "name = 'a\\\\b'\n"},
        {"\\'", "name = '\\\\'''\n"}, {"100% #x", "name = '100% #x'\n"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(buf_clear) struct buf out = BUF_INIT(4096);
        struct err e = ERR_NONE;

        ck_assert_int_eq(recoveryconf_set(&out, "name", cases[i].value, &e), ERR_OK);
        ck_assert_str_eq(buf_cstr(&out), cases[i].line);
    }
}
END_TEST

START_TEST(newlines_and_names_of_another_form_are_refused)
{
    static const struct {
        const char *name;
        const char *value;
    } cases[] = {
        {"a", "x\ny"}, {"a", "\n"}, {"", "x"},   {"1a", "x"},    {"a b", "x"}, {"a=b", "x"},
        {"a\n", "x"},  {"a.", "x"}, {".a", "x"}, {"a.b.c", "x"}, {"a.1", "x"}, {"#a", "x"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(buf_clear) struct buf out = BUF_INIT(4096);
        struct err e = ERR_NONE;

        ck_assert_int_eq(recoveryconf_set(&out, cases[i].name, cases[i].value, &e), ERR_USAGE);
        ck_assert_uint_eq(out.len, 0);
    }
}
END_TEST

START_TEST(a_comment_stays_a_comment_whatever_it_says)
{
    CLEANUP(buf_clear) struct buf out = BUF_INIT(4096);
    struct err e = ERR_NONE;

    ck_assert_int_eq(recoveryconf_comment(&out, "target\nrestore_command = 'x'\n", &e), ERR_OK);
    ck_assert_str_eq(buf_cstr(&out), "# target\n# restore_command = 'x'\n# \n");
}
END_TEST

START_TEST(words_are_quoted_for_the_shell)
{
    static const struct {
        const char *first, *second;
        const char *command;
    } cases[] = {
        {"/usr/bin/pitr", "fetch", "/usr/bin/pitr fetch"},
        {"/usr/bin/pitr", "--config=/etc/pitr.conf", "/usr/bin/pitr --config=/etc/pitr.conf"},
        {"pitr", "1:0/5000148,2", "'pitr' 1:0/5000148,2"},
        {"a=b", "", "'a=b' ''"},
        {"/my dir/pitr", "it's", "'/my dir/pitr' 'it'\\''s'"},
        {"/100%/pitr", "%p", "'/100%%/pitr' '%%p'"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(buf_clear) struct buf out = BUF_INIT(4096);
        struct err e = ERR_NONE;

        ck_assert_int_eq(recoveryconf_shell_word(&out, cases[i].first, &e), ERR_OK);
        ck_assert_int_eq(recoveryconf_shell_word(&out, cases[i].second, &e), ERR_OK);
        ck_assert_str_eq(buf_cstr(&out), cases[i].command);
    }
}
END_TEST

START_TEST(what_does_not_fit_leaves_the_buffer_unchanged)
{
    for (size_t i = 0; i < ODD_VALUES; i++)
        for (size_t room = 7; room < 12; room++) {
            CLEANUP(buf_clear) struct buf out = BUF_INIT(room);
            struct err e = ERR_NONE;
            enum err_code codes[4];

            ck_assert_int_eq(buf_puts(&out, "before", &e), ERR_OK);
            codes[0] = recoveryconf_set(&out, "name", odd_values[i], &e);
            ck_assert_int_eq(codes[0], ERR_CORRUPT);
            ck_assert_str_eq(buf_cstr(&out), "before");
            codes[1] = recoveryconf_shell_word(&out, odd_values[i], &e);
            ck_assert(codes[1] == ERR_OK || strcmp(buf_cstr(&out), "before") == 0);
            out.len = 6;
            codes[2] = recoveryconf_comment(&out, odd_values[i], &e);
            ck_assert(codes[2] == ERR_OK || strcmp(buf_cstr(&out), "before") == 0);
            out.len = 6;
            codes[3] = recoveryconf_strip(odd_values[i], strlen(odd_values[i]), &out, &e);
            ck_assert(codes[3] == ERR_OK || strcmp(buf_cstr(&out), "before") == 0);
        }
}
END_TEST

START_TEST(mutated_files_are_safe_and_stripping_twice_changes_nothing)
{
    static const char seed[] = "# c\nwork_mem = '4MB'\nrestore_command = 'cp a b'\ninclude 'x'\n"
                               "recovery_target_time='2026'\nprimary_conninfo = ''\n";
    uint64_t state = 1;

    for (int round = 0; round < 15000; round++) {
        CLEANUP(buf_clear) struct buf once = BUF_INIT(4096), twice = BUF_INIT(4096);
        struct err e = ERR_NONE;
        size_t len = next_random(&state) % sizeof(seed);
        char *copy = (char *) exact_copy(seed, len);

        for (uint64_t edits = next_random(&state) % 6; len > 0 && edits > 0; edits--)
            copy[next_random(&state) % len] = (char) next_random(&state);
        if (recoveryconf_strip(copy, len, &once, &e) == ERR_OK) {
            ck_assert_uint_le(once.len, len + 1);
            ck_assert_int_eq(recoveryconf_strip(buf_cstr(&once), once.len, &twice, &e), ERR_OK);
            ck_assert_str_eq(buf_cstr(&once), buf_cstr(&twice));
        }
        free(copy);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {lines_that_belonged_to_another_recovery_are_stripped,
                                  everything_else_is_kept_as_it_is,
                                  a_last_line_without_newline_gets_one_so_that_settings_can_follow,
                                  a_nul_byte_is_refused_and_the_output_unchanged,
                                  values_are_quoted_for_the_file,
                                  newlines_and_names_of_another_form_are_refused,
                                  a_comment_stays_a_comment_whatever_it_says,
                                  words_are_quoted_for_the_shell,
                                  what_does_not_fit_leaves_the_buffer_unchanged,
                                  mutated_files_are_safe_and_stripping_twice_changes_nothing};

    return check_main(suite_of("pg/recoveryconf", tests, sizeof(tests) / sizeof(tests[0])));
}
