/* Tests of src/pg/replproto.c, against a server that misbehaves. Real ones: test_basebackup_live.c. */
#include "pg/replproto.h"

#include "check_main.h"
#include "fake_server.h"

#include <string.h>

/* Connect to a server that answers every command by this script, and run one that wants this many columns. */
static enum err_code ask(const char *script, int fields, struct err *e)
{
    const struct fake_answer answers[] = {{"SHOW", script}, {NULL, NULL}};
    CLEANUP(replproto_closep) struct replproto *c = NULL;
    struct fake_server s;
    PGresult *r = NULL;
    enum err_code code;

    fake_server_start(&s, "15.4", answers);
    ck_assert_msg(replproto_connect(s.conninfo, &c, e) == ERR_OK, "%s", e->text);
    code = replproto_query(c, "SHOW x", fields, &r, e);
    ck_assert_int_eq(code == ERR_OK, r != NULL);
    libpq.clear(r);
    replproto_closep(&c);
    fake_server_stop(&s);
    return code;
}

START_TEST(a_server_too_old_is_refused)
{
    static const struct fake_answer none = {NULL, NULL};
    struct fake_server s;
    struct replproto *c = NULL;
    struct err e = ERR_NONE;

    fake_server_start(&s, "12.22", &none);
    ck_assert_int_eq(replproto_connect(s.conninfo, &c, &e), ERR_REFUSED);
    ck_assert_msg(strstr(e.text, "12") != NULL, "%s", e.text);
    ck_assert_ptr_null(c);
    fake_server_stop(&s);
}
END_TEST

START_TEST(the_sqlstate_says_what_kind_of_error_it_is)
{
    static const struct {
        const char *script;
        enum err_code code;
    } rows[] = {
        {"{08006|broken}Z", ERR_UNREACHABLE},
        {"{53300|too many clients}Z", ERR_UNREACHABLE},
        {"{57P03|starting up}Z", ERR_UNREACHABLE},
        {"{57014|cancelled}Z", ERR_UNREACHABLE},
        {"{28000|no}Z", ERR_DENIED},
        {"{42501|no right}Z", ERR_DENIED},
        {"{58P01|no file}Z", ERR_ABSENT},
        {"{XX001|damaged}Z", ERR_CORRUPT},
        {"{XX002|damaged}Z", ERR_CORRUPT},
        {"{XX000|internal}Z", ERR_REFUSED},
        {"{42601|syntax}Z", ERR_REFUSED},
        {"X.", ERR_UNREACHABLE},
        {".", ERR_UNREACHABLE},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err e = ERR_NONE;

        ck_assert_msg(ask(rows[i].script, 1, &e) == rows[i].code, "%s: %s %s", rows[i].script,
                      err_kind(e.code), e.text);
        ck_assert_msg(strncmp(e.text, "could not run a command: ", 25) == 0, "%s", e.text);
    }
}
END_TEST

START_TEST(an_answer_of_another_shape_is_refused)
{
    static const struct {
        const char *script;
        int fields;
        enum err_code code;
        const char *expected;
    } rows[] = {
        {"(a)Z", 1, ERR_OK, ""},
        {"(a|b|c)Z", 2, ERR_OK, ""},
        {"(a|b)Z", 3, ERR_CORRUPT, "2 columns instead of 3"},
        {"KZ", 1, ERR_CORRUPT, "PGRES_COMMAND_OK"},
        {"ocKZ", 1, ERR_CORRUPT, "PGRES_COPY_OUT"},
        {"{42601|syntax}Z", 1, ERR_REFUSED, "server: syntax"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err e = ERR_NONE;

        ck_assert_msg(ask(rows[i].script, rows[i].fields, &e) == rows[i].code, "%s: %s", rows[i].script,
                      e.text);
        ck_assert_msg(strstr(e.text, rows[i].expected) != NULL, "%s: %s", rows[i].script, e.text);
    }
}
END_TEST

static enum err_code count_row(void *arg, const PGresult *row, struct err *e)
{
    int *seen = arg;

    ck_assert_str_eq(libpq.getvalue(row, 0, 1), "b");
    if (*seen < 0)
        return err_set(e, ERR_DENIED, "enough");
    ++*seen;
    return ERR_OK;
}

START_TEST(rows_are_shown_one_by_one_and_what_is_no_row_is_refused)
{
    static const struct {
        const char *script;
        int seen, then; /* before, after */
        enum err_code code;
    } rows[] = {
        {"(a|b)Z", 0, 1, ERR_OK},
        {"(a|b)Z", -1, -1, ERR_DENIED}, /* the callee's own failure */
        {"(a)Z", 0, 0, ERR_CORRUPT},
        {"KZ", 0, 0, ERR_CORRUPT},
        {"{57014|cancelled}Z", 0, 0, ERR_UNREACHABLE},
        {"(a|b){42501|no right}Z", 0, 1, ERR_DENIED}, /* behind a row */
        {"(a|b).", 0, 1, ERR_UNREACHABLE},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct fake_answer answers[] = {{"SHOW", rows[i].script}, {NULL, NULL}};
        CLEANUP(replproto_closep) struct replproto *c = NULL;
        struct fake_server s;
        struct err e = ERR_NONE;
        int seen = rows[i].seen;

        fake_server_start(&s, "15.4", answers);
        ck_assert_msg(replproto_connect(s.conninfo, &c, &e) == ERR_OK, "%s", e.text);
        ck_assert_msg(replproto_each_row(c, "SHOW x", 2, count_row, &seen, &e) == rows[i].code, "%s: %s",
                      rows[i].script, e.text);
        ck_assert_int_eq(seen, rows[i].then);
        replproto_closep(&c);
        fake_server_stop(&s);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_server_too_old_is_refused, the_sqlstate_says_what_kind_of_error_it_is,
                                  an_answer_of_another_shape_is_refused,
                                  rows_are_shown_one_by_one_and_what_is_no_row_is_refused};

    return check_main(suite_of("pg/replproto", tests, sizeof(tests) / sizeof(tests[0])));
}
