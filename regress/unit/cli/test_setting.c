/*
 * test_setting.c - values of every type, what is refused, and where messages say it stood.
 */
#include "cli/setting.h"

#include "check_main.h"
#include <stdio.h>
#include <string.h>

static const struct origin in_file = {.kind = ORIGIN_FILE, .name = "/etc/pitr/pitr.conf", .line = 12};
static const struct origin in_arguments = {.kind = ORIGIN_ARGUMENT, .name = "jobs"};
static const struct origin in_environment = {.kind = ORIGIN_ENVIRONMENT, .name = "PITR_JOBS"};

#define REFUSED INT64_MIN

static const struct {
    enum option_id id;
    const char *text;
    int64_t expected; /* or REFUSED */
    const char *why;
} cases[] = {
    {OPTION_CHUNK_SIZE, "65536", 65536, "no unit is bytes"},
    {OPTION_CHUNK_SIZE, "65536B", 65536, "B is bytes"},
    {OPTION_CHUNK_SIZE, "64KiB", 65536, ""},
    {OPTION_CHUNK_SIZE, "64kB", 65536, "PostgreSQL's kB is 1024 bytes"},
    {OPTION_CHUNK_SIZE, "64k", 65536, ""},
    {OPTION_CHUNK_SIZE, "64 KiB", 65536, "a blank before the unit"},
    {OPTION_CHUNK_SIZE, "1MiB", 1048576, ""},
    {OPTION_CHUNK_SIZE, "4MB", 4194304, "the largest"},
    {OPTION_CHUNK_SIZE, "4097KiB", REFUSED, "one over the largest"},
    {OPTION_CHUNK_SIZE, "65535", REFUSED, "one below the smallest"},
    {OPTION_CHUNK_SIZE, "0", REFUSED, "zero is not unlimited here"},
    {OPTION_CHUNK_SIZE, "64kib", REFUSED, "no such unit"},
    {OPTION_CHUNK_SIZE, "64KiB/s", REFUSED, "trailing text"},
    {OPTION_CHUNK_SIZE, "0.5MiB", REFUSED, "whole numbers only"},
    {OPTION_CHUNK_SIZE, "-64KiB", REFUSED, "negative"},
    {OPTION_CHUNK_SIZE, "KiB", REFUSED, "no number"},
    {OPTION_CHUNK_SIZE, "", REFUSED, "nothing"},
    {OPTION_CHUNK_SIZE, " 64KiB", REFUSED, "a leading blank"},
    {OPTION_CHUNK_SIZE, "9223372036854775807GiB", REFUSED, "overflows"},
    {OPTION_CHUNK_SIZE, "92233720368547758070", REFUSED, "overflows before the unit"},
    {OPTION_CHUNK_SIZE, "17179869184G", REFUSED, "wraps to zero when multiplied carelessly"},
    {OPTION_PART_SIZE, "1GiB", 1LL << 30, "the largest"},
    {OPTION_MAX_RATE, "0", 0, "zero is unlimited"},
    {OPTION_MAX_RATE, "32KiB", 32768, "the smallest"},
    {OPTION_MAX_RATE, "31KiB", REFUSED, "between zero and the smallest"},
    {OPTION_WAL_TIMEOUT, "1000ms", 1000, ""},
    {OPTION_WAL_TIMEOUT, "30s", 30000, ""},
    {OPTION_WAL_TIMEOUT, "10min", 600000, ""},
    {OPTION_WAL_TIMEOUT, "2h", 7200000, ""},
    {OPTION_WAL_TIMEOUT, "7d", 604800000, "the largest"},
    {OPTION_WAL_TIMEOUT, "8d", REFUSED, "over the largest"},
    {OPTION_WAL_TIMEOUT, "999ms", REFUSED, "below the smallest"},
    {OPTION_WAL_TIMEOUT, "30", REFUSED, "a duration without unit could be anything"},
    {OPTION_WAL_TIMEOUT, "30m", REFUSED, "months, minutes, metres"},
    {OPTION_WAL_TIMEOUT, "30sec", REFUSED, "no such unit"},
    {OPTION_RETRY_BUDGET, "0", 0, "zero needs no unit"},
    {OPTION_RETRY_BUDGET, "0s", 0, ""},
    {OPTION_JOBS, "1", 1, "the smallest"},
    {OPTION_JOBS, "64", 64, "the largest"},
    {OPTION_JOBS, "65", REFUSED, "over the largest"},
    {OPTION_JOBS, "0", REFUSED, "below the smallest"},
    {OPTION_JOBS, "four", REFUSED, "not a number"},
    {OPTION_JOBS, "4 ", REFUSED, "trailing blank"},
    {OPTION_JOBS, "0x4", REFUSED, "decimal only"},
    {OPTION_COMPRESS_LEVEL, "-5", -5, "negative levels are fast ones"},
    {OPTION_COMPRESS, "lz4", 0, ""},
    {OPTION_COMPRESS, "zstd", 1, ""},
    {OPTION_COMPRESS, "none", 2, ""},
    {OPTION_COMPRESS, "zst", REFUSED, "a prefix is not the name"},
    {OPTION_COMPRESS, "zstd|none", REFUSED, "two names"},
    {OPTION_COMPRESS, "ZSTD", REFUSED, "upper case"},
    {OPTION_COMPRESS, "", REFUSED, "empty"},
    {OPTION_CONDITIONAL_PUT, "yes", 1, ""},
    {OPTION_CONDITIONAL_PUT, "on", 1, ""},
    {OPTION_CONDITIONAL_PUT, "true", 1, ""},
    {OPTION_CONDITIONAL_PUT, "1", 1, ""},
    {OPTION_CONDITIONAL_PUT, "no", 0, ""},
    {OPTION_CONDITIONAL_PUT, "off", 0, ""},
    {OPTION_CONDITIONAL_PUT, "false", 0, ""},
    {OPTION_CONDITIONAL_PUT, "0", 0, ""},
    {OPTION_CONDITIONAL_PUT, "maybe", REFUSED, "neither"},
    {OPTION_CONDITIONAL_PUT, "", REFUSED, "empty"},
};

START_TEST(a_value_is_read_by_its_type_or_refused)
{
    struct settings s = {0};
    struct err e = ERR_NONE;
    enum err_code code = settings_give(&s, cases[_i].id, cases[_i].text, &in_file, &e);

    if (cases[_i].expected == REFUSED) {
        ck_assert_msg(code == ERR_USAGE, "\"%s\" was accepted: %s", cases[_i].text, cases[_i].why);
        ck_assert(!s.at[cases[_i].id].is_given);
        ck_assert_ptr_nonnull(strstr(e.text, "file \"/etc/pitr/pitr.conf\", line 12: invalid value for"));
        ck_assert_msg(e.hint[0] != '\0', "no hint");
    } else {
        ck_assert_msg(code == ERR_OK, "\"%s\" was refused: %s", cases[_i].text, e.text);
        ck_assert_int_eq(s.at[cases[_i].id].number, cases[_i].expected);
        ck_assert(s.at[cases[_i].id].is_given);
    }
    settings_clear(&s);
}
END_TEST

START_TEST(a_refusal_names_option_value_range_and_origin)
{
    static const struct {
        const struct origin *origin;
        const char *expected;
    } origins[] = {
        {&in_file, "file \"/etc/pitr/pitr.conf\", line 12: invalid value for \"jobs\": \"99\""},
        {&in_arguments, "option --jobs: invalid value for \"jobs\": \"99\""},
        {&in_environment, "environment variable PITR_JOBS: invalid value for \"jobs\": \"99\""},
    };

    for (size_t i = 0; i < 3; i++) {
        struct settings s = {0};
        struct err e = ERR_NONE;

        ck_assert_int_eq(settings_give(&s, OPTION_JOBS, "99", origins[i].origin, &e), ERR_USAGE);
        ck_assert_str_eq(e.text, origins[i].expected);
        ck_assert_str_eq(e.hint, "It must be between 1 and 64.");
        settings_clear(&s);
    }
}
END_TEST

START_TEST(ranges_are_shown_in_the_units_they_are_written_in)
{
    struct settings s = {0};
    struct err e = ERR_NONE;

    settings_give(&s, OPTION_MAX_RATE, "1", &in_file, &e);
    ck_assert_str_eq(e.hint, "It must be between 32KiB and 1GiB, or 0.");
    settings_give(&s, OPTION_CONNECT_TIMEOUT, "1ms", &in_file, &e);
    ck_assert_str_eq(e.hint, "It must be between 100ms and 10min.");
    settings_give(&s, OPTION_COMPRESS, "gzip", &in_file, &e);
    ck_assert_str_eq(e.hint, "It must be one of lz4|zstd|none.");
    settings_clear(&s);
}
END_TEST

START_TEST(a_list_is_split_at_commas_and_trimmed)
{
    struct settings s = {0};
    struct err e = ERR_NONE;

    ck_assert_int_eq(settings_give(&s, OPTION_REPOS, "r2 ,  local,x", &in_file, &e), ERR_OK);
    ck_assert_uint_eq(s.at[OPTION_REPOS].item_count, 3);
    ck_assert_str_eq(s.at[OPTION_REPOS].items[0], "r2");
    ck_assert_str_eq(s.at[OPTION_REPOS].items[1], "local");
    ck_assert_str_eq(s.at[OPTION_REPOS].items[2], "x");
    settings_clear(&s);
}
END_TEST

START_TEST(a_list_with_an_empty_name_is_refused)
{
    static const char *const texts[] = {"", "a,", ",a", "a,,b", "a, ,b", " "};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct settings s = {0};
        struct err e = ERR_NONE;

        ck_assert_msg(settings_give(&s, OPTION_REPOS, texts[i], &in_file, &e) == ERR_USAGE, "\"%s\"",
                      texts[i]);
        settings_clear(&s);
    }
}
END_TEST

START_TEST(a_relative_path_is_of_the_working_directory_on_the_command_line_only)
{
    struct settings s = {0};
    struct err e = ERR_NONE;
    const char *path;

    ck_assert_int_eq(settings_give(&s, OPTION_PGDATA, "data", &in_arguments, &e), ERR_OK);
    path = s.at[OPTION_PGDATA].text;
    ck_assert_int_eq(path[0], '/');
    ck_assert_str_eq(strrchr(path, '/'), "/data");
    ck_assert_int_eq(settings_give(&s, OPTION_SPOOL, "spool", &in_file, &e), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(e.hint, "must be absolute"));
    ck_assert_int_eq(settings_give(&s, OPTION_SPOOL, "spool", &in_environment, &e), ERR_USAGE);
    ck_assert_int_eq(settings_give(&s, OPTION_SPOOL, "/var/spool", &in_file, &e), ERR_OK);
    ck_assert_int_eq(settings_give(&s, OPTION_CA_FILE, "", &in_file, &e), ERR_USAGE);
    settings_clear(&s);
}
END_TEST

START_TEST(a_second_value_is_refused_where_one_is_meant)
{
    struct settings s = {0};
    struct err e = ERR_NONE;
    struct origin later = in_file;

    later.line = 20;
    ck_assert_int_eq(settings_give(&s, OPTION_JOBS, "2", &in_file, &e), ERR_OK);
    ck_assert_int_eq(settings_give(&s, OPTION_JOBS, "3", &later, &e), ERR_USAGE);
    ck_assert_str_eq(e.text, "file \"/etc/pitr/pitr.conf\", line 20: \"jobs\" is set twice, first in file "
                             "\"/etc/pitr/pitr.conf\", line 12");
    ck_assert_int_eq(s.at[OPTION_JOBS].number, 2);
    ck_assert_int_eq(settings_give(&s, OPTION_JOBS, "3", &in_arguments, &e), ERR_USAGE);
    ck_assert_str_eq(e.text, "option --jobs is given twice");
    ck_assert_int_eq(settings_give(&s, OPTION_TABLESPACE, "/a=/b", &in_arguments, &e), ERR_OK);
    ck_assert_int_eq(settings_give(&s, OPTION_TABLESPACE, "/c,d=/e", &in_arguments, &e), ERR_OK);
    ck_assert_uint_eq(s.at[OPTION_TABLESPACE].item_count, 2);
    ck_assert_str_eq(s.at[OPTION_TABLESPACE].items[1], "/c,d=/e");
    ck_assert_int_eq(settings_give(&s, OPTION_VERBOSE, NULL, &in_arguments, &e), ERR_OK);
    ck_assert_int_eq(settings_give(&s, OPTION_VERBOSE, NULL, &in_arguments, &e), ERR_OK);
    ck_assert_int_eq(s.at[OPTION_VERBOSE].number, 2);
    settings_clear(&s);
}
END_TEST

static const char *two_variables(const char *variable)
{
    if (strcmp(variable, "PITR_JOBS") == 0)
        return "7";
    return strcmp(variable, "PITR_SPOOL") == 0 ? "" : NULL;
}

START_TEST(an_empty_variable_is_not_set)
{
    struct settings s = {0};
    struct err e = ERR_NONE;

    ck_assert_int_eq(settings_environment(&s, two_variables, &e), ERR_OK);
    ck_assert_int_eq(s.at[OPTION_JOBS].number, 7);
    ck_assert_int_eq(s.at[OPTION_JOBS].origin.kind, ORIGIN_ENVIRONMENT);
    ck_assert(!s.at[OPTION_SPOOL].is_given);
    settings_clear(&s);
}
END_TEST

START_TEST(the_strongest_layer_that_has_a_value_decides)
{
    struct settings strong = {0}, weak = {0};
    struct err e = ERR_NONE;
    const struct settings_layers l = {{&strong, NULL, &weak}};

    ck_assert_int_eq(settings_give(&weak, OPTION_JOBS, "2", &in_file, &e), ERR_OK);
    ck_assert_int_eq(settings_number(&l, OPTION_JOBS), 2);
    ck_assert_int_eq(settings_give(&strong, OPTION_JOBS, "3", &in_arguments, &e), ERR_OK);
    ck_assert_int_eq(settings_number(&l, OPTION_JOBS), 3);
    ck_assert_ptr_null(settings_text(&l, OPTION_SPOOL));
    ck_assert(!settings_pick(&l, OPTION_SPOOL)->is_given);
    settings_clear(&strong);
    settings_clear(&weak);
}
END_TEST

START_TEST(sizes_and_durations_are_written_in_their_largest_whole_unit)
{
    static const struct {
        int64_t number;
        const char *size, *duration;
    } numbers[] = {
        {0, "0", "0"},
        {1, "1B", "1ms"},
        {1000, "1000B", "1s"},
        {1024, "1KiB", "1024ms"},
        {60000, "60000B", "1min"},
        {1048576, "1MiB", "1048576ms"},
        {1610612736, "1536MiB", "1610612736ms"},
        {86400000, "84375KiB", "1d"},
    };
    char text[SETTING_NUMBER_MAX];

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        size_format(numbers[i].number, text);
        ck_assert_str_eq(text, numbers[i].size);
        duration_format(numbers[i].number, text);
        ck_assert_str_eq(text, numbers[i].duration);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli/setting");
    TCase *tcase = tcase_create("setting");

    tcase_add_loop_test(tcase, a_value_is_read_by_its_type_or_refused, 0, sizeof(cases) / sizeof(cases[0]));
    tcase_add_test(tcase, a_refusal_names_option_value_range_and_origin);
    tcase_add_test(tcase, ranges_are_shown_in_the_units_they_are_written_in);
    tcase_add_test(tcase, a_list_is_split_at_commas_and_trimmed);
    tcase_add_test(tcase, a_list_with_an_empty_name_is_refused);
    tcase_add_test(tcase, a_relative_path_is_of_the_working_directory_on_the_command_line_only);
    tcase_add_test(tcase, a_second_value_is_refused_where_one_is_meant);
    tcase_add_test(tcase, an_empty_variable_is_not_set);
    tcase_add_test(tcase, the_strongest_layer_that_has_a_value_decides);
    tcase_add_test(tcase, sizes_and_durations_are_written_in_their_largest_whole_unit);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
