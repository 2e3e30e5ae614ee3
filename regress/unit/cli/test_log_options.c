/*
 * test_log_options.c - what a log may be asked for.
 */
#include "cli/log_options.h"

#include "check_main.h"

#include <string.h>

#define T INT64_C(1795184940000000) /* 2026-11-20 14:29:00 UTC */

static const struct origin argument = {.kind = ORIGIN_ARGUMENT, .name = "x"};

static enum err_code give(struct settings *s, enum option_id id, const char *text, struct log_options *o,
                          struct err *e)
{
    ck_assert_msg(settings_give(s, id, text, &argument, e) == ERR_OK, "%s", e->text);
    return log_options_from_settings(s, o, e);
}

START_TEST(a_moment_is_an_lsn_or_a_time)
{
    struct settings s = {0};
    struct err e = ERR_NONE;
    struct log_options o;

    ck_assert(log_options_from_settings(&s, &o, &e) == ERR_OK);
    ck_assert(o.since.kind == LOG_OPEN && o.until.kind == LOG_OPEN && o.timeline == 0 && o.xid == 0);
    ck_assert(give(&s, OPTION_SINCE, "16/B374D848", &o, &e) == ERR_OK);
    ck_assert(o.since.kind == LOG_LSN && o.since.position == 0x16B374D848);
    ck_assert(give(&s, OPTION_TIMEZONE, "Europe/Berlin", &o, &e) == ERR_OK);
    ck_assert(give(&s, OPTION_LOG_UNTIL, "2026-11-20 15:29:00", &o, &e) == ERR_OK);
    ck_assert(o.until.kind == LOG_TIME && o.until.time_us == T);
    ck_assert(give(&s, OPTION_TIMELINE, "0x0000000A", &o, &e) == ERR_OK && o.timeline == 10);
    ck_assert(give(&s, OPTION_XID, "4294967295", &o, &e) == ERR_OK && o.xid == UINT32_MAX);
    ck_assert(give(&s, OPTION_DROPS, NULL, &o, &e) == ERR_OK && o.drops && !o.restore_points && !o.all);
    settings_clear(&s);
}
END_TEST

static const struct {
    enum option_id id;
    const char *text;
} refused[] = {
    {OPTION_SINCE, "yesterday"},
    {OPTION_SINCE, "2026-11-20 14:29:00"},
    {OPTION_LOG_UNTIL, "0/XYZ"},
    {OPTION_SINCE, "0/1000000000000"},
    {OPTION_LOG_UNTIL, ""},
    {OPTION_TIMELINE, "0"},
    {OPTION_TIMELINE, "00000010"},
    {OPTION_TIMELINE, "4294967296"},
    {OPTION_TIMELINE, "current"},
    {OPTION_XID, "0"},
    {OPTION_XID, "0x10"},
    {OPTION_XID, "4294967296"},
    {OPTION_XID, "-1"},
};

START_TEST(what_can_be_read_in_two_ways_or_none_is_refused)
{
    struct settings s = {0};
    struct err e = ERR_NONE;
    struct log_options o;

    ck_assert_msg(give(&s, refused[_i].id, refused[_i].text, &o, &e) == ERR_USAGE, "%s", refused[_i].text);
    ck_assert_ptr_nonnull(strstr(e.text, option_at(refused[_i].id)->name));
    settings_clear(&s);
}
END_TEST

START_TEST(a_range_that_ends_before_it_begins_is_refused)
{
    static const struct {
        const char *since;
        const char *until;
        enum err_code code;
    } table[] = {{"0/2000000", "0/1FFFFFF", ERR_USAGE},
                 {"0/2000000", "0/2000000", ERR_OK},
                 {"2026-11-20 14:29:01+00", "2026-11-20 14:29:00+00", ERR_USAGE},
                 {"2026-11-20 14:29:00+00", "2026-11-20 14:29:00+00", ERR_OK},
                 {"2026-11-20 14:29:01+00", "0/1", ERR_OK}};

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct settings s = {0};
        struct err e = ERR_NONE;
        struct log_options o;

        ck_assert(give(&s, OPTION_SINCE, table[i].since, &o, &e) == ERR_OK);
        ck_assert_int_eq(give(&s, OPTION_LOG_UNTIL, table[i].until, &o, &e), table[i].code);
        ck_assert(table[i].code == ERR_OK || strstr(e.text, "--since lies behind --until") != NULL);
        settings_clear(&s);
    }
}
END_TEST

START_TEST(a_bucket_has_whole_seconds)
{
    static const struct {
        const char *every;
        enum err_code code;
    } table[] = {{"2s", ERR_OK}, {"1500ms", ERR_USAGE}};

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct settings s = {0};
        struct err e = ERR_NONE;
        struct log_options o;

        ck_assert(give(&s, OPTION_SUMMARY, NULL, &o, &e) == ERR_OK);
        ck_assert_int_eq(give(&s, OPTION_EVERY, table[i].every, &o, &e), table[i].code);
        ck_assert(table[i].code == ERR_OK || strstr(e.text, "--every") != NULL);
        settings_clear(&s);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli/log_options");
    TCase *tcase = tcase_create("log_options");

    tcase_add_test(tcase, a_moment_is_an_lsn_or_a_time);
    tcase_add_loop_test(tcase, what_can_be_read_in_two_ways_or_none_is_refused, 0,
                        sizeof(refused) / sizeof(refused[0]));
    tcase_add_test(tcase, a_range_that_ends_before_it_begins_is_refused);
    tcase_add_test(tcase, a_bucket_has_whole_seconds);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
