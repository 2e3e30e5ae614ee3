/* Tests of src/pg/conninfo.c. */
#include "check_main.h"
#include "pg/conninfo.h"

#include <string.h>

/* "keyword=value", in a static buffer; "-": not set; a keyword that comes twice fails the test. */
static const char *said_of(const struct conninfo *p, const char *keyword)
{
    const char *value = "-";
    unsigned times = 0;

    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->keywords[i], keyword) == 0) {
            value = p->values[i];
            times++;
        }
    ck_assert_msg(times <= 1, "%s is set %u times", keyword, times);
    ck_assert_ptr_null(p->keywords[p->count]);
    ck_assert_ptr_null(p->values[p->count]);
    return value;
}

static PQconninfoOption *parsed(const char *text)
{
    PQconninfoOption *options;
    struct err e = ERR_NONE;

    ck_assert_int_eq(libpq_load(&e), ERR_OK);
    options = libpq.conninfoParse(text, NULL);
    ck_assert_ptr_nonnull(options);
    return options;
}

/* Whether the keyword is said, and how, for this connection string and an environment written like one. */
static void check(const char *string, const char *environment, const char *replication, const char *keyword,
                  const char *expected)
{
    PQconninfoOption *given = parsed(string), *defaults = parsed(environment);
    struct conninfo p;

    conninfo_fill(&p, given, defaults, replication);
    ck_assert_msg(strcmp(said_of(&p, keyword), expected) == 0, "\"%s\" with \"%s\": %s is \"%s\"", string,
                  environment, keyword, said_of(&p, keyword));
    libpq.conninfoFree(given);
    libpq.conninfoFree(defaults);
}

START_TEST(what_is_said_in_the_string_or_the_environment_stays)
{
    static const struct {
        const char *string, *environment, *keyword, *expected;
    } rows[] = {
        {"", "", "dbname", "postgres"},
        {"dbname=mine", "dbname=there", "dbname", "mine"},
        {"", "dbname=there", "dbname", "-"}, /* libpq sees to it */
        {"service=prod", "", "dbname", "-"}, /* the service may name one */
        {"postgresql://u@h/d?application_name=a", "", "dbname", "d"},
        {"postgresql://u@h/d?application_name=a", "", "application_name", "a"},
        {"", "", "connect_timeout", "30"},
        {"connect_timeout=2", "connect_timeout=7", "connect_timeout", "2"},
        {"", "connect_timeout=7", "connect_timeout", "-"},
        {"", "", "fallback_application_name", "pitr"},
        {"fallback_application_name=mine", "", "fallback_application_name", "mine"},
        {"keepalives_idle=0", "", "keepalives_idle", "0"},
        {"keepalives_interval=1", "", "keepalives_interval", "1"},
        {"keepalives_count=1", "", "keepalives_count", "1"},
        {"tcp_user_timeout=0", "", "tcp_user_timeout", "0"},
        {"host=h", "", "host", "h"},
        {"host=h", "", "port", "-"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        check(rows[i].string, rows[i].environment, NULL, rows[i].keyword, rows[i].expected);
}
END_TEST

START_TEST(what_libpq_has_compiled_in_is_nobodys_wish)
{
    static const char compiled_in[] =
        "keepalives_idle=7 keepalives_interval=7 keepalives_count=7 tcp_user_timeout=0";

    check("", compiled_in, NULL, "keepalives_idle", "30");
    check("", compiled_in, NULL, "keepalives_interval", "10");
    check("", compiled_in, NULL, "keepalives_count", "3");
    check("", compiled_in, NULL, "tcp_user_timeout", "60000");
}
END_TEST

START_TEST(encoding_and_kind_of_connection_are_ours)
{
    check("client_encoding=UTF8", "", NULL, "client_encoding", "SQL_ASCII");
    check("replication=false", "", "database", "replication", "database");
    check("", "", "true", "replication", "true");
    check("", "", NULL, "replication", "-");
}
END_TEST

START_TEST(a_database_that_is_set_replaces_any_other)
{
    static const char *const strings[] = {"", "dbname=mine host=h", "service=prod", "postgresql://u@h/d"};

    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
        PQconninfoOption *given = parsed(strings[i]), *defaults = parsed("dbname=there");
        struct conninfo p;

        conninfo_fill(&p, given, defaults, NULL);
        conninfo_set_database(&p, "a b=c");
        ck_assert_str_eq(said_of(&p, "dbname"), "a b=c");
        libpq.conninfoFree(given);
        libpq.conninfoFree(defaults);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {what_is_said_in_the_string_or_the_environment_stays,
                                  what_libpq_has_compiled_in_is_nobodys_wish,
                                  encoding_and_kind_of_connection_are_ours,
                                  a_database_that_is_set_replaces_any_other};

    return check_main(suite_of("pg/conninfo", tests, sizeof(tests) / sizeof(tests[0])));
}
