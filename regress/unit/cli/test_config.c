/*
 * test_config.c - the configuration file: what it says, and the exact words when it says something else.
 */
#include "cli/config.h"

#include "check_main.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH "/etc/pitr/pitr.conf"

static const char whole[] = "; pitr\n"
                            "# all of it\n"
                            "\n"
                            "[cluster main]   ; ours\n"
                            "conninfo   = host=/var/run/postgresql user=pitr   # a comment\n"
                            "repos      = r2, local           ; a push goes to all of them\n"
                            "   spool   = /var/spool/pitr\n"
                            "jobs=4\r\n"
                            "[repo r2]\n"
                            "url        = s3://rr-backups/pg#1;2\n"
                            "part-size  = 128MiB\n"
                            "[repo local]\n"
                            "url        = file:///var/lib/pitr"; /* no newline at the end */

START_TEST(sections_keys_and_comments_are_read)
{
    struct config c;
    struct err e = ERR_NONE;
    const struct config_section *main_section, *r2;

    ck_assert_msg(config_parse(whole, PATH, &c, &e) == ERR_OK, "%s", e.text);
    ck_assert_uint_eq(config_count(&c, SECTION_CLUSTER), 1);
    ck_assert_uint_eq(config_count(&c, SECTION_REPO), 2);
    main_section = config_at(&c, SECTION_CLUSTER, "main");
    r2 = config_at(&c, SECTION_REPO, "r2");
    ck_assert_uint_eq(main_section->line, 4);
    ck_assert_str_eq(main_section->settings.at[OPTION_CONNINFO].text, "host=/var/run/postgresql user=pitr");
    ck_assert_uint_eq(main_section->settings.at[OPTION_REPOS].item_count, 2);
    ck_assert_str_eq(main_section->settings.at[OPTION_SPOOL].text, "/var/spool/pitr");
    ck_assert_int_eq(main_section->settings.at[OPTION_JOBS].number, 4);
    ck_assert_uint_eq(main_section->settings.at[OPTION_JOBS].origin.line, 8);
    ck_assert_str_eq(r2->settings.at[OPTION_URL].text, "s3://rr-backups/pg#1;2");
    ck_assert_ptr_null(config_at(&c, SECTION_REPO, "main"));
    config_clear(&c);
}
END_TEST

static const struct {
    const char *text;
    const char *expected;
    const char *hint;
} mistakes[] = {
    {"[cluster main]\nspol = /x\n",
     "file \"" PATH "\", line 2: unknown key \"spol\" in section [cluster main]", "Did you mean \"spool\"?"},
    {"\n\n[repo r2]\nurl = file:///x\npart_size = 5MiB\n",
     "file \"" PATH "\", line 5: unknown key \"part_size\" in section [repo r2]",
     "Did you mean \"part-size\"?"},
    {"[cluster main]\nurl = file:///x\n",
     "file \"" PATH "\", line 2: unknown key \"url\" in section [cluster main]",
     "\"url\" belongs into a [repo NAME] section."},
    {"[repo r2]\nspool = /x\n", "file \"" PATH "\", line 2: unknown key \"spool\" in section [repo r2]",
     "\"spool\" belongs into a [cluster NAME] section."},
    {"[cluster main]\nbanana = 1\n",
     "file \"" PATH "\", line 2: unknown key \"banana\" in section [cluster main]", ""},
    {"[cluster main]\npgdata = /x\n",
     "file \"" PATH "\", line 2: unknown key \"pgdata\" in section [cluster main]", ""},
    {"[clutser main]\n", "file \"" PATH "\", line 1: unknown section [clutser main]",
     "Did you mean [cluster NAME]?"},
    {"[stanza]\n", "file \"" PATH "\", line 1: unknown section [stanza]",
     "Sections are [cluster NAME] and [repo NAME]."},
    {"[cluster]\n", "file \"" PATH "\", line 1: invalid name of a section: \"\"",
     "A name is made of lower-case letters, digits, \"-\" and \"_\", and begins with neither \"-\" nor "
     "\"_\"."},
    {"[repo R2]\n", "file \"" PATH "\", line 1: invalid name of a section: \"R2\"",
     "A name is made of lower-case letters, digits, \"-\" and \"_\", and begins with neither \"-\" nor "
     "\"_\"."},
    {"[repo a b]\n", "file \"" PATH "\", line 1: invalid name of a section: \"a b\"",
     "A name is made of lower-case letters, digits, \"-\" and \"_\", and begins with neither \"-\" nor "
     "\"_\"."},
    {"[repo r2\n", "file \"" PATH "\", line 1: a section's heading must be [cluster NAME] or [repo NAME]",
     ""},
    {"[repo r2] x\n", "file \"" PATH "\", line 1: a section's heading must be [cluster NAME] or [repo NAME]",
     ""},
    {"[repo r2]\nurl=file:///x\n[repo r2]\n",
     "file \"" PATH "\", line 3: section [repo r2] is there twice, first in line 1", ""},
    {"[repo r2]\nurl=file:///x\n\nurl=file:///y\n",
     "file \"" PATH "\", line 4: \"url\" is set twice, first in file \"" PATH "\", line 2", ""},
    {"jobs = 1\n[cluster main]\n", "file \"" PATH "\", line 1: a setting stands before the first section",
     "Put [cluster main] or [repo NAME] in front of it."},
    {"[cluster main]\njobs = 1\nnonsense\n",
     "file \"" PATH "\", line 3: neither a section's heading nor a setting",
     "A setting is written as key = value."},
    {"[cluster main]\nnonsense\njobs = 99\n",
     "file \"" PATH "\", line 2: neither a section's heading nor a setting",
     "A setting is written as key = value."},
    {"[cluster main]\njobs = 99\n", "file \"" PATH "\", line 2: invalid value for \"jobs\": \"99\"",
     "It must be between 1 and 64."},
    {"[cluster main]\nspool = /a\n  jobs = x\n",
     "file \"" PATH "\", line 3: invalid value for \"jobs\": \"x\"", "Write a whole number."},
    {"[cluster main]\nwal-timeout = 10 minutes\n",
     "file \"" PATH "\", line 2: invalid value for \"wal-timeout\": \"10 minutes\"",
     "Write a duration as a whole number with ms, s, min, h or d."},
};

START_TEST(a_mistake_is_told_with_file_and_line)
{
    struct config c;
    struct err e = ERR_NONE;

    ck_assert_int_eq(config_parse(mistakes[_i].text, PATH, &c, &e), ERR_USAGE);
    ck_assert_int_eq(e.code, ERR_USAGE);
    ck_assert_str_eq(e.text, mistakes[_i].expected);
    ck_assert_str_eq(e.hint, mistakes[_i].hint);
    config_clear(&c);
}
END_TEST

START_TEST(a_long_value_is_kept_whole)
{
    char text[4096] = "[cluster main]\nconninfo = ";
    struct config c;
    struct err e = ERR_NONE;
    size_t start = strlen(text);

    memset(text + start, 'a', 3000);
    memcpy(text + start + 3000, "\njobs = 3\n", 11);
    ck_assert_msg(config_parse(text, PATH, &c, &e) == ERR_OK, "%s", e.text);
    ck_assert_uint_eq(strlen(c.sections[0]->settings.at[OPTION_CONNINFO].text), 3000);
    ck_assert_uint_eq(c.sections[0]->settings.at[OPTION_JOBS].origin.line, 3);
    config_clear(&c);
}
END_TEST

START_TEST(a_line_longer_than_can_be_read_is_refused_not_split)
{
    static char text[20000] = "[cluster main]\nconninfo = ";
    struct config c;
    struct err e = ERR_NONE;
    size_t start = strlen(text);

    memset(text + start, 'a', 15000);
    memcpy(text + start + 8100, " jobs = 3 ", 10);
    ck_assert_int_eq(config_parse(text, PATH, &c, &e), ERR_USAGE);
    ck_assert_str_eq(e.text, "file \"" PATH "\", line 2: the line is too long");
    config_clear(&c);
}
END_TEST

START_TEST(an_empty_file_is_an_empty_configuration)
{
    static const char *const texts[] = {"", "\n", "# nothing", "\xef\xbb\xbf# nothing\n"};

    for (size_t i = 0; i < 4; i++) {
        struct config c;
        struct err e = ERR_NONE;

        ck_assert_msg(config_parse(texts[i], PATH, &c, &e) == ERR_OK, "%s", e.text);
        ck_assert_uint_eq(c.count, 0);
        ck_assert_str_eq(c.path, PATH);
        config_clear(&c);
    }
}
END_TEST

START_TEST(a_byte_order_mark_does_not_hide_the_first_section)
{
    struct config c;
    struct err e = ERR_NONE;

    ck_assert_msg(config_parse("\xef\xbb\xbf[cluster main]\njobs=2\n", PATH, &c, &e) == ERR_OK, "%s", e.text);
    ck_assert_uint_eq(c.count, 1);
    config_clear(&c);
}
END_TEST

START_TEST(a_missing_file_is_an_error_only_when_it_was_named)
{
    struct config c;
    struct err e = ERR_NONE;

    ck_assert_int_eq(config_read("/nonexistent/pitr.conf", false, &c, &e), ERR_OK);
    ck_assert_msg(e.code == ERR_OK, "a success left an error behind: %s", e.text);
    ck_assert_ptr_null(c.path);
    config_clear(&c);
    ck_assert_int_eq(config_read("/nonexistent/pitr.conf", true, &c, &e), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(e.text, "/nonexistent/pitr.conf"));
    config_clear(&c);
}
END_TEST

START_TEST(a_file_that_is_there_and_no_text_is_an_error)
{
    char path[] = "/tmp/pitr-test-config-XXXXXX";
    int fd = mkstemp(path);
    struct config c;
    struct err e = ERR_NONE;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "[cluster main]\n\0x\n", 18), 18);
    close(fd);
    ck_assert_int_eq(config_read(path, false, &c, &e), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(e.text, "is not a text"));
    config_clear(&c);
    unlink(path);
    ck_assert_int_eq(config_read("/tmp", false, &c, &e), ERR_USAGE);
    config_clear(&c);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli/config");
    TCase *tcase = tcase_create("config");

    tcase_add_test(tcase, sections_keys_and_comments_are_read);
    tcase_add_loop_test(tcase, a_mistake_is_told_with_file_and_line, 0,
                        sizeof(mistakes) / sizeof(mistakes[0]));
    tcase_add_test(tcase, a_long_value_is_kept_whole);
    tcase_add_test(tcase, a_line_longer_than_can_be_read_is_refused_not_split);
    tcase_add_test(tcase, an_empty_file_is_an_empty_configuration);
    tcase_add_test(tcase, a_byte_order_mark_does_not_hide_the_first_section);
    tcase_add_test(tcase, a_missing_file_is_an_error_only_when_it_was_named);
    tcase_add_test(tcase, a_file_that_is_there_and_no_text_is_an_error);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
