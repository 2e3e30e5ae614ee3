/*
 * test_setup_server.c - what is said about a server, by table: one thing wrong in each row.
 */
#include "ops/setup_server.h"

#include "check_main.h"
#include "findings_match.h"

#include <stdio.h>
#include <string.h>

#define SECOND ((int64_t) 1000000)

/* A server with which all is well, just before its fourth segment. */
static struct server_facts good_server(void)
{
    return (struct server_facts){
        .system_identifier = 7461000000000000001u,
        .version = 150018,
        .tli = 1,
        .last_tli = 1,
        .segment_bytes = 16u << 20,
        .has_checksums = true,
        .wal_level = "replica",
        .archive_mode = "on",
        .archive_command = "pitr archive --config /etc/pitr/pitr.conf %p",
        .full_page_writes = true,
        .max_wal_senders = 10,
        .wal_senders = 1,
        .may_replicate = true,
        .current = 0x3fffff0,
        .now_us = 1000 * SECOND,
        .archiver = {.archived = 2, .last_archived = "000000010000000000000002", .archived_us = 900 * SECOND},
    };
}

static void judge(const struct server_facts *s, struct findings *f)
{
    server_judge_identity(s, f);
    server_judge_archiving(s, f);
    server_judge_backup(s, f);
}

START_TEST(nothing_is_wrong_with_a_good_server)
{
    struct server_facts s = good_server();
    struct findings f = {.list = NULL};

    judge(&s, &f);
    for (size_t i = 0; i < f.count; i++)
        ck_assert_msg(f.list[i].level == FINDING_OK, "%s", f.list[i].text);
    assert_found(&f, FINDING_OK, "PostgreSQL 15.18, a primary, system identifier 7461000000000000001");
    assert_found(&f, FINDING_OK, "last archived \"000000010000000000000002\" 100 s ago");
    findings_clear(&f);
}
END_TEST

static void old(struct server_facts *s)
{
    s->version = 120022;
}
static void new (struct server_facts *s)
{
    s->version = 190001;
}
static void minimal(struct server_facts *s)
{
    strcpy(s->wal_level, "minimal");
}
static void mode_off(struct server_facts *s)
{
    strcpy(s->archive_mode, "off");
}
static void standby(struct server_facts *s)
{
    s->is_standby = true;
}
static void library(struct server_facts *s)
{
    strcpy(s->archive_library, "basic_archive");
}
static void no_command(struct server_facts *s)
{
    s->archive_command[0] = '\0';
}
static void bin_true(struct server_facts *s)
{
    strcpy(s->archive_command, " /bin/true; ");
}
static void other(struct server_facts *s)
{
    strcpy(s->archive_command, "cp %p /secret-place/%f");
}
static void no_file(struct server_facts *s)
{
    strcpy(s->archive_command, "pitr archive");
}
static void failing(struct server_facts *s)
{
    s->archiver.failed = 7;
    s->archiver.failed_us = 950 * SECOND;
    strcpy(s->archiver.last_failed, "000000010000000000000003");
}
static void healed(struct server_facts *s)
{
    s->archiver.failed = 7;
    s->archiver.failed_us = 850 * SECOND;
}
static void never(struct server_facts *s)
{
    s->archiver = (struct server_archiver){.knows_waiting = true, .waiting = 1};
}
static void torn(struct server_facts *s)
{
    s->full_page_writes = false;
}
static void no_sums(struct server_facts *s)
{
    s->has_checksums = false;
}
static void weak(struct server_facts *s)
{
    s->may_replicate = false;
}
static void full(struct server_facts *s)
{
    s->wal_senders = 10;
}
static void refused(struct server_facts *s)
{
    err_set(&s->refused, ERR_DENIED, "no pg_hba.conf entry");
}
static void mute(struct server_facts *s)
{
    err_set(&s->no_sql, ERR_DENIED, "rejected");
}

static const struct {
    const char *why;
    void (*spoil)(struct server_facts *s);
    enum finding_level level;
    enum err_code code;
    const char *words;
} cases[] = {
    {"before 13", old, FINDING_FAILED, ERR_REFUSED, "PostgreSQL 12 is not supported"},
    {"not tried yet", new, FINDING_WARNING, ERR_OK, "PostgreSQL 19 is newer"},
    {"no WAL to restore with", minimal, FINDING_FAILED, ERR_USAGE, "wal_level is minimal"},
    {"nothing archived", mode_off, FINDING_FAILED, ERR_USAGE, "archive_mode is off"},
    {"on does not archive on a standby", standby, FINDING_WARNING, ERR_OK, "until it is promoted"},
    {"a library goes before the command", library, FINDING_FAILED, ERR_USAGE,
     "archive_library is \"basic_archive\""},
    {"no command", no_command, FINDING_FAILED, ERR_USAGE, "archive_command is empty"},
    {"a command that lies", bin_true, FINDING_FAILED, ERR_USAGE, "all WAL is thrown away"},
    {"another program, or a script", other, FINDING_WARNING, ERR_OK, "does not name \"pitr archive\""},
    {"no file handed over", no_file, FINDING_FAILED, ERR_USAGE, "it has no %p"},
    {"fails now", failing, FINDING_FAILED, ERR_UNREACHABLE,
     "\"000000010000000000000003\", last tried 50 s ago; 7 fail"},
    {"failed once", healed, FINDING_OK, ERR_OK, "7 failures before"},
    {"nothing so far", never, FINDING_WARNING, ERR_OK, "nothing was archived yet, 1 file waiting"},
    {"torn pages", torn, FINDING_WARNING, ERR_OK, "full_page_writes is off"},
    {"no page checksums", no_sums, FINDING_WARNING, ERR_OK, "data checksums are off"},
    {"role may not replicate", weak, FINDING_FAILED, ERR_DENIED, "lacks REPLICATION"},
    {"all senders busy", full, FINDING_FAILED, ERR_USAGE, "10 of max_wal_senders = 10 in use"},
    {"way in closed", refused, FINDING_FAILED, ERR_DENIED, "no pg_hba.conf entry"},
    {"no SQL", mute, FINDING_WARNING, ERR_OK, "could not be looked at: rejected"},
};

START_TEST(each_thing_wrong_is_found)
{
    struct server_facts s = good_server();
    struct findings f = {.list = NULL};
    const struct finding *found;

    cases[_i].spoil(&s);
    judge(&s, &f);
    found = finding_with(&f, cases[_i].level, cases[_i].words);
    if (found == NULL)
        show_findings(&f);
    ck_assert_msg(found != NULL, "%s: not found", cases[_i].why);
    ck_assert_int_eq(found->code, cases[_i].code);
    ck_assert_int_eq(findings_verdict(&f), cases[_i].code);
    for (size_t i = 0; i < f.count; i++)
        ck_assert_ptr_null(strstr(f.list[i].text, "secret"));
    findings_clear(&f);
}
END_TEST

START_TEST(a_server_without_sql_is_not_blamed_for_what_is_not_known)
{
    struct server_facts s = {.version = 150018, .has_checksums = true};
    struct findings f = {.list = NULL};

    err_set(&s.no_sql, ERR_DENIED, "rejected");
    judge(&s, &f);
    ck_assert_int_eq(findings_verdict(&f), ERR_OK);
    findings_clear(&f);
}
END_TEST

START_TEST(the_last_full_segment_lies_before_the_end_of_wal)
{
    static const struct {
        lsn current;
        bool is_standby;
        bool has_sql;
        uint64_t expected; /* 0 = none */
    } rows[] = {
        {0x1000028, false, true, 0},                              /* in the very first segment   */
        {0x2000000, false, true, 1},                              /* at the edge of the second   */
        {0x3fffff0, false, true, 2},  {0x3fffff0, true, true, 0}, /* a standby switches nothing  */
        {0x3fffff0, false, false, 0}, {0, false, true, 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct server_facts s = good_server();
        uint64_t number = 0;

        s.current = rows[i].current;
        s.is_standby = rows[i].is_standby;
        if (!rows[i].has_sql)
            err_set(&s.no_sql, ERR_DENIED, "rejected");
        ck_assert_int_eq(server_last_full(&s, &number), rows[i].expected != 0);
        ck_assert_uint_eq(number, rows[i].expected);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/setup_server");
    TCase *tcase = tcase_create("judging");

    tcase_add_test(tcase, nothing_is_wrong_with_a_good_server);
    tcase_add_loop_test(tcase, each_thing_wrong_is_found, 0, (int) (sizeof(cases) / sizeof(cases[0])));
    tcase_add_test(tcase, a_server_without_sql_is_not_blamed_for_what_is_not_known);
    tcase_add_test(tcase, the_last_full_segment_lies_before_the_end_of_wal);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
