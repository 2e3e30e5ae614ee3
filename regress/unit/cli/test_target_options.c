/*
 * test_target_options.c - which targets may be asked for, and in which company.
 */
#include "cli/target_options.h"

#include "check_main.h"
#include <string.h>

#define GIVEN_MAX 4

struct given {
    enum option_id id;
    const char *text;
};

static const struct origin argument = {.kind = ORIGIN_ARGUMENT, .name = "x"};

static enum err_code parse(const struct given *list, struct settings *s, struct target *t, struct err *e)
{
    for (size_t i = 0; i < GIVEN_MAX && list[i].id != OPTION_CONFIG; i++)
        ck_assert_msg(settings_give(s, list[i].id, list[i].text, &argument, e) == ERR_OK, "%s", e->text);
    return target_from_settings(s, t, e);
}

#define T 1795184940000000LL /* 2026-11-20 14:29:00 UTC */

static const struct {
    struct given given[GIVEN_MAX + 1]; /* ends with OPTION_CONFIG */
    struct target expected;
} accepted[] = {
    {{{0, NULL}}, {.kind = TARGET_LATEST, .action = ACTION_PROMOTE}},
    {{{OPTION_TARGET_ACTION, "promote"}}, {.kind = TARGET_LATEST, .action = ACTION_PROMOTE}},
    {{{OPTION_TARGET_TIME, "2026-11-20 14:29:00+00"}},
     {.kind = TARGET_TIME, .time_us = T, .action = ACTION_PAUSE}},
    {{{OPTION_TARGET_TIME, "2026-11-20 14:29:00Z"}, {OPTION_EXCLUSIVE, NULL}, {OPTION_OR_LATEST, NULL}},
     {.kind = TARGET_TIME, .time_us = T, .exclusive = true, .or_latest = true, .action = ACTION_PAUSE}},
    {{{OPTION_TARGET_TIME, "2026-11-20 16:29:00"}, {OPTION_TIMEZONE, "+02"}},
     {.kind = TARGET_TIME, .time_us = T, .action = ACTION_PAUSE}},
    {{{OPTION_TARGET_LSN, "16/B374D848"}, {OPTION_EXCLUSIVE, NULL}},
     {.kind = TARGET_LSN, .lsn = 0x16B374D848, .exclusive = true, .action = ACTION_PAUSE}},
    {{{OPTION_TARGET_XID, "741"}, {OPTION_EXCLUSIVE, NULL}, {OPTION_TARGET_ACTION, "shutdown"}},
     {.kind = TARGET_XID, .xid = 741, .exclusive = true, .action = ACTION_SHUTDOWN}},
    {{{OPTION_TARGET_XID, "4294967295"}}, {.kind = TARGET_XID, .xid = UINT32_MAX, .action = ACTION_PAUSE}},
    {{{OPTION_TARGET_NAME, "before-drop"}, {OPTION_TARGET_ACTION, "promote"}},
     {.kind = TARGET_NAME, .name = "before-drop", .action = ACTION_PROMOTE}},
    {{{OPTION_TARGET_IMMEDIATE, NULL}}, {.kind = TARGET_IMMEDIATE, .action = ACTION_PAUSE}},
    {{{OPTION_TARGET_TIMELINE, "current"}},
     {.kind = TARGET_LATEST, .timeline = TIMELINE_CURRENT, .action = ACTION_PROMOTE}},
    {{{OPTION_TARGET_TIMELINE, "2"}},
     {.kind = TARGET_LATEST, .timeline = TIMELINE_NUMBER, .timeline_number = 2, .action = ACTION_PROMOTE}},
    {{{OPTION_TARGET_TIMELINE, "0x0000000A"}},
     {.kind = TARGET_LATEST, .timeline = TIMELINE_NUMBER, .timeline_number = 10, .action = ACTION_PROMOTE}},
    {{{OPTION_BACKUP, "20261120T021500Z-1a2b"}},
     {.kind = TARGET_LATEST, .backup_id = "20261120T021500Z-1a2b", .action = ACTION_PROMOTE}},
};

START_TEST(a_target_is_what_was_asked_for)
{
    struct settings s = {0};
    struct err e = ERR_NONE;
    struct target t;
    const struct target *x = &accepted[_i].expected;

    ck_assert_msg(parse(accepted[_i].given, &s, &t, &e) == ERR_OK, "%s", e.text);
    ck_assert_int_eq(t.kind, x->kind);
    ck_assert_int_eq(t.time_us, x->time_us);
    ck_assert_uint_eq(t.lsn, x->lsn);
    ck_assert_uint_eq(t.xid, x->xid);
    ck_assert_pstr_eq(t.name, x->name);
    ck_assert_int_eq(t.exclusive, x->exclusive);
    ck_assert_int_eq(t.or_latest, x->or_latest);
    ck_assert_int_eq(t.timeline, x->timeline);
    ck_assert_uint_eq(t.timeline_number, x->timeline_number);
    ck_assert_int_eq(t.action, x->action);
    ck_assert_pstr_eq(t.backup_id, x->backup_id);
    settings_clear(&s);
}
END_TEST

#define LONG_NAME "0123456789012345678901234567890123456789012345678901234567890123"

static const struct {
    struct given given[GIVEN_MAX + 1];
    const char *expected; /* in the text */
    const char *hint;     /* in the hint */
} refused[] = {
    {{{OPTION_TARGET_TIME, "2026-11-20 14:29:00+00"}, {OPTION_TARGET_LSN, "0/1"}},
     "options --target-time and --target-lsn exclude each other",
     "one target"},
    {{{OPTION_TARGET_XID, "7"}, {OPTION_TARGET_IMMEDIATE, NULL}},
     "options --target-xid and --target-immediate exclude each other",
     "one target"},
    {{{OPTION_TARGET_NAME, "a"}, {OPTION_TARGET_XID, "7"}}, "exclude each other", "one target"},
    {{{OPTION_TARGET_TIME, "2026-11-20 14:29:00"}}, "option --target-time", ""},
    {{{OPTION_TARGET_TIME, "yesterday"}}, "option --target-time", ""},
    {{{OPTION_TARGET_TIME, ""}}, "option --target-time", ""},
    {{{OPTION_TARGET_LSN, "16-B374D848"}}, "option --target-lsn: invalid LSN \"16-B374D848\"", "16/B374D848"},
    {{{OPTION_TARGET_LSN, "0/0"}}, "option --target-lsn: invalid LSN \"0/0\"", ""},
    {{{OPTION_TARGET_XID, "4294967296"}}, "4294967296 is larger than 4294967295", "this one is 0"},
    {{{OPTION_TARGET_XID, "4294968037"}}, "4294968037 is larger than 4294967295", "this one is 741"},
    {{{OPTION_TARGET_XID, "99999999999999999999"}}, "invalid transaction ID", "decimal"},
    {{{OPTION_TARGET_XID, "-1"}}, "invalid transaction ID \"-1\"", "decimal"},
    {{{OPTION_TARGET_XID, "0x2e5"}}, "invalid transaction ID", "decimal"},
    {{{OPTION_TARGET_XID, "2"}}, "transaction ID 2 is not one of a user's", "is 3"},
    {{{OPTION_TARGET_NAME, ""}}, "can't be empty", ""},
    {{{OPTION_TARGET_NAME, LONG_NAME}}, "more than 63 bytes", "cuts"},
    {{{OPTION_TARGET_TIMELINE, "newest"}}, "option --target-timeline: invalid timeline \"newest\"", "latest"},
    {{{OPTION_TARGET_TIMELINE, "0"}}, "invalid timeline", ""},
    {{{OPTION_TARGET_TIMELINE, "00000010"}}, "invalid timeline", "0x"},
    {{{OPTION_TARGET_TIMELINE, "4294967296"}}, "invalid timeline", ""},
    {{{OPTION_TARGET_TIMELINE, "0x"}}, "invalid timeline", ""},
    {{{OPTION_EXCLUSIVE, NULL}}, "option --exclusive needs", "PostgreSQL can end just before"},
    {{{OPTION_EXCLUSIVE, NULL}, {OPTION_TARGET_NAME, "a"}}, "option --exclusive needs", "PostgreSQL can end"},
    {{{OPTION_EXCLUSIVE, NULL}, {OPTION_TARGET_IMMEDIATE, NULL}},
     "option --exclusive needs",
     "PostgreSQL can end"},
    {{{OPTION_OR_LATEST, NULL}}, "option --or-latest needs --target-time", ""},
    {{{OPTION_OR_LATEST, NULL}, {OPTION_TARGET_LSN, "0/1"}}, "option --or-latest needs --target-time", ""},
    {{{OPTION_TARGET_ACTION, "pause"}}, "option --target-action pause needs a target", "promotes"},
    {{{OPTION_TARGET_ACTION, "shutdown"}}, "option --target-action shutdown needs a target", "promotes"},
    {{{OPTION_BACKUP, "latest"}}, "\"latest\" is not the ID of a backup", "pitr list"},
    {{{OPTION_BACKUP, "../x"}}, "is not the ID of a backup", "pitr list"},
};

START_TEST(a_target_that_makes_no_sense_is_refused_with_the_reason)
{
    struct settings s = {0};
    struct err e = ERR_NONE;
    struct target t;

    ck_assert_int_eq(parse(refused[_i].given, &s, &t, &e), ERR_USAGE);
    ck_assert_int_eq(e.code, ERR_USAGE);
    ck_assert_msg(strstr(e.text, refused[_i].expected) != NULL, "text: %s", e.text);
    ck_assert_msg(strstr(e.hint, refused[_i].hint) != NULL, "hint: %s", e.hint);
    settings_clear(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli/target_options");
    TCase *tcase = tcase_create("target_options");

    tcase_add_loop_test(tcase, a_target_is_what_was_asked_for, 0, sizeof(accepted) / sizeof(accepted[0]));
    tcase_add_loop_test(tcase, a_target_that_makes_no_sense_is_refused_with_the_reason, 0,
                        sizeof(refused) / sizeof(refused[0]));
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
