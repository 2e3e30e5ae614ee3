/*
 * test_wal_facts.c - the facts of a WAL object come back as written, and half of them are none.
 */
#include "repo/wal_facts.h"

#include "check_main.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SEGMENT      (16u << 20)
#define OK(call)                                   \
    do {                                           \
        if ((call) != ERR_OK)                      \
            ck_abort_msg("%s: %s", #call, e.text); \
    } while (0)

static const struct wal_facts page_only = {.system_identifier = UINT64_C(0x6789abcdef012345),
                                           .major = 15,
                                           .timeline = UINT32_MAX,
                                           .segment_bytes = SEGMENT,
                                           .first_lsn = UINT64_C(3) * SEGMENT,
                                           .end_lsn = UINT64_C(4) * SEGMENT,
                                           .run_from = UINT64_C(3) * SEGMENT,
                                           .run_to = UINT64_C(3) * SEGMENT};

static struct wal_facts with_records(uint64_t commits, uint64_t aborts)
{
    struct wal_facts f = page_only;

    f.has_records = f.has_drops = f.has_marks = true;
    f.loss_lsn = commits > 0 ? f.first_lsn + 4000 : 0;
    f.point_lsn = f.first_lsn + 3000;
    f.run_loss = commits > 0 ? f.loss_lsn : f.first_lsn - 2 * SEGMENT + 48;
    f.run_point = f.point_lsn;
    f.last_lsn = f.first_lsn + 4096;
    f.end_lsn = f.first_lsn + 5000;
    f.commits = commits;
    f.aborts = aborts;
    f.commit_lsn = commits > 0 ? f.first_lsn + 4000 : 0;
    f.has_valid = true;
    memset(f.valid_sha256, 0xC5, SHA256_BYTES);
    f.restore_points = 2;
    f.run_from = f.first_lsn - 2 * SEGMENT;
    f.run_to = f.first_lsn - SEGMENT;
    f.run_commit = commits > 0 ? f.commit_lsn : f.run_from + 40;
    f.run_has_max = true;
    f.run_max_us = 1795184940123457;
    if (commits + aborts > 0) {
        f.first_us = 20;
        f.last_us = 15;
        f.min_us = -10;
        f.max_us = 1795184940123456;
    }
    return f;
}

static void comes_back(const struct wal_facts *f)
{
    CLEANUP(descriptor_clear) struct descriptor d = {.name = "0000000100000000000000AA"};
    struct wal_facts back = {0};
    struct err e = {.code = ERR_IO};

    OK(wal_facts_write(f, &d, &e));
    OK(wal_facts_read(&d, &back, &e));
    ck_assert_uint_eq(back.system_identifier, f->system_identifier);
    ck_assert_uint_eq(back.major, f->major);
    ck_assert_uint_eq(back.timeline, f->timeline);
    ck_assert_uint_eq(back.segment_bytes, f->segment_bytes);
    ck_assert_uint_eq(back.first_lsn, f->first_lsn);
    ck_assert_uint_eq(back.end_lsn, f->end_lsn);
    ck_assert_uint_eq(back.last_lsn, f->last_lsn);
    ck_assert_uint_eq(back.run_from, f->run_from);
    ck_assert_uint_eq(back.run_to, f->run_to);
    ck_assert_uint_eq(back.run_commit, f->run_commit);
    ck_assert_int_eq(back.run_has_max, f->run_has_max);
    ck_assert_int_eq(back.run_max_us, f->run_max_us);
    ck_assert_int_eq(back.has_crossing, f->has_crossing);
    ck_assert_int_eq(back.crossing_us, f->crossing_us);
    ck_assert_uint_eq(back.commit_lsn, f->commit_lsn);
    ck_assert_int_eq(back.has_valid, f->has_valid);
    if (f->has_valid)
        ck_assert_int_eq(memcmp(back.valid_sha256, f->valid_sha256, SHA256_BYTES), 0);
    ck_assert_int_eq(back.is_damaged, f->is_damaged);
    ck_assert_int_eq(back.has_records, f->has_records);
    ck_assert_uint_eq(back.commits, f->commits);
    ck_assert_uint_eq(back.aborts, f->aborts);
    ck_assert_uint_eq(back.restore_points, f->restore_points);
    ck_assert_int_eq(back.first_us, f->first_us);
    ck_assert_int_eq(back.last_us, f->last_us);
    ck_assert_int_eq(back.min_us, f->min_us);
    ck_assert_int_eq(back.max_us, f->max_us);
    ck_assert_int_eq(back.has_drops, f->has_drops);
    ck_assert_uint_eq(back.drops, f->drops);
    ck_assert_uint_eq(back.truncates, f->truncates);
    ck_assert_uint_eq(back.database_drops, f->database_drops);
    ck_assert_uint_eq(back.prepares, f->prepares);
    ck_assert_uint_eq(back.prepared_ends, f->prepared_ends);
    ck_assert_int_eq(back.has_marks, f->has_marks);
    ck_assert_uint_eq(back.open_lsn, f->open_lsn);
    ck_assert_uint_eq(back.loss_lsn, f->loss_lsn);
    ck_assert_uint_eq(back.point_lsn, f->point_lsn);
    ck_assert_uint_eq(back.run_loss, f->run_loss);
    ck_assert_uint_eq(back.run_point, f->run_point);
}

START_TEST(facts_come_back_as_written)
{
    struct wal_facts f;

    comes_back(&page_only);
    f = with_records(0, 0);
    comes_back(&f);
    f.open_lsn = f.first_lsn + 4096;
    comes_back(&f);
    f.open_lsn = f.last_lsn = f.point_lsn = f.run_point = 0;
    f.restore_points = 0;
    f.end_lsn = f.first_lsn;
    f.has_valid = false;
    comes_back(&f);
    f.is_damaged = true;
    comes_back(&f);
    f.is_damaged = false;
    f.run_has_max = false;
    f.run_max_us = 0;
    f.run_commit = 0;
    comes_back(&f);
    f = with_records(3, 0);
    comes_back(&f);
    wal_facts_begin_run(&f);
    comes_back(&f);
    f = with_records(0, 1);
    comes_back(&f);
    f.has_marks = false; /* as programs before them wrote */
    f.loss_lsn = f.point_lsn = f.run_loss = f.run_point = 0;
    comes_back(&f);
    f.has_drops = false;
    comes_back(&f);
    f = with_records(3, 1);
    f.drops = 1;
    f.truncates = 2;
    f.database_drops = 5;
    f.prepares = 6;
    f.prepared_ends = 4;
    comes_back(&f);
    f.run_to = f.first_lsn;
    f.has_crossing = true;
    f.crossing_us = f.run_max_us;
    comes_back(&f);
    f.run_to = f.run_from; /* nothing of it was acknowledged yet */
    comes_back(&f);
}
END_TEST

START_TEST(the_first_page_tells_all_but_the_records)
{
    struct walpage p = {
        .major = 16, .address = UINT64_C(7) << 20, .system_identifier = 9, .segment_bytes = 1u << 20};
    struct wal_facts f;

    wal_facts_of_page(&p, 2, &f);
    ck_assert_uint_eq(f.timeline, 2);
    ck_assert_uint_eq(f.first_lsn, UINT64_C(7) << 20);
    ck_assert_uint_eq(f.end_lsn, UINT64_C(8) << 20);
    ck_assert(!f.has_records);
    comes_back(&f);
}
END_TEST

START_TEST(facts_without_a_member_or_with_an_impossible_one_are_refused)
{
    static const struct {
        const char *member;
        const char *json; /* NULL: taken away */
    } table[] = {
        {"system_identifier", NULL},
        {"system_identifier", "1"},
        {"system_identifier", "\"6789ABCDEF012345\""},
        {"postgresql", NULL},
        {"postgresql", "0"},
        {"postgresql", "-15"},
        {"postgresql", "\"15\""},
        {"postgresql", "4294967311"},
        {"timeline", NULL},
        {"timeline", "0"},
        {"timeline", "4294967296"},
        {"segment_bytes", NULL},
        {"segment_bytes", "-16777216"},
        {"segment_bytes", "16777215"},
        {"segment_bytes", "4311744512"}, /* 16 MiB modulo 2^32 */
        {"first_lsn", NULL},
        {"first_lsn", "\"0/3000001\""}, /* not where a segment begins */
        {"first_lsn", "\"0/5000000\""}, /* behind the end */
        {"first_lsn", "50331648"},
        {"end_lsn", NULL},
        {"end_lsn", "\"0/2FFFFFF\""},
        {"end_lsn", "\"0/4000001\""},
        {"end_lsn", "\"here\""},
        {"commits", "-1"},
        {"commits", "\"3\""},
        {"commits", "699051"}, /* more than there is room for */
        {"aborts", "699051"},
        {"restore_points", "699051"},
        {"restore_points", "9223372036854775807"},
        {"aborts", NULL},
        {"aborts", "-1"},
        {"restore_points", NULL},
        {"drops", "-1"},
        {"drops", "\"1\""},
        {"drops", "4"}, /* more than commits */
        {"truncates", NULL},
        {"truncates", "-1"},
        {"database_drops", NULL},
        {"database_drops", "-1"},
        {"prepares", NULL},
        {"prepares", "-1"},
        {"prepared_ends", NULL},
        {"prepared_ends", "5"}, /* more than commits and aborts */
        {"last_lsn", NULL},
        {"last_lsn", "\"0/4000000\""}, /* behind the end */
        {"last_lsn", "\"0/2FFFFF8\""}, /* before the segment */
        {"last_lsn", "\"0/0\""},       /* with commits */
        {"last_lsn", "\"\""},
        {"first_commit", NULL}, /* commits without their times would be looked for in 1970 */
        {"last_commit", NULL},
        {"min_commit", NULL},
        {"max_commit", NULL},
        {"max_commit", "\"1795184940123456\""},
        {"min_commit", "16"}, /* later than the last */
        {"max_commit", "19"}, /* earlier than the first */
        {"commit_lsn", NULL},
        {"commit_lsn", "\"0/0\""},       /* with commits */
        {"commit_lsn", "\"0/2FFFFF8\""}, /* before the segment */
        {"commit_lsn", "\"0/3001388\""}, /* at its end */
        {"open_lsn", "0"},
        {"open_lsn", "\"0/3001388\""}, /* at its end */
        {"loss_lsn", NULL},
        {"loss_lsn", "\"0/2FFFFF8\""}, /* before the segment */
        {"point_lsn", NULL},
        {"point_lsn", "\"0/3001388\""},
        {"run_loss", NULL},
        {"run_loss", "\"0/3000000\""}, /* older than the segment's own */
        {"run_point", NULL},
        {"run_point", "\"0/1000008\""},
        {"run_commit", NULL},
        {"run_commit", "\"0/3000000\""}, /* older than the segment's own */
        {"run_max", NULL},
        {"run_max", "1795184940123455"}, /* older than the segment's own */
        {"run_max", "\"1795184940123457\""},
        {"crossing", "1795184940123458"}, /* newer than all of it */
        {"valid_sha256", "7"},
        {"valid_sha256", "\"c5\""},
        {"end_lsn", "\"0/4000000\""}, /* nothing behind it that the digest leaves out */
        {"damaged", "7"},
        {"damaged", "true"}, /* although behind its end lies what nobody reads */
        {"run_from", NULL},
        {"run_to", NULL},
        {"run_from", "16777216"},
        {"run_from", "\"0/1000001\""}, /* not where a segment begins */
        {"run_to", "\"0/1000001\""},
        {"run_from", "\"0/3000000\""}, /* backwards */
        {"run_to", "\"0/0\""},         /* before it */
        {"run_to", "\"0/4000000\""},   /* with the segment itself */
    };
    struct wal_facts f = with_records(3, 1);

    for (size_t i = 0; i < COUNT(table); i++) {
        CLEANUP(descriptor_clear) struct descriptor d = {.name = "000000010000000000000003"};
        struct wal_facts back = {.major = 77};
        struct err e = ERR_NONE;
        json_t *wal;

        OK(wal_facts_write(&f, &d, &e));
        wal = json_object_get(d.facts, "wal");
        if (table[i].json == NULL)
            ck_assert_int_eq(json_object_del(wal, table[i].member), 0);
        else
            ck_assert_int_eq(
                json_object_set_new(wal, table[i].member, json_loads(table[i].json, JSON_DECODE_ANY, NULL)),
                0);
        ck_assert_msg(wal_facts_read(&d, &back, &e) == ERR_CORRUPT, "%s: %s", table[i].member,
                      table[i].json ? table[i].json : "missing");
        ck_assert_uint_eq(back.major, 77);
        ck_assert_ptr_nonnull(strstr(e.text, d.name));
    }
}
END_TEST

START_TEST(a_time_that_crosses_into_the_segment_is_none_beyond_its_runs)
{
    CLEANUP(descriptor_clear) struct descriptor d = {.name = "000000010000000000000003"};
    struct wal_facts f = with_records(3, 1), back;
    struct err e = ERR_NONE;

    f.run_to = f.first_lsn;
    f.has_crossing = true;
    f.crossing_us = f.run_max_us + 1;
    OK(wal_facts_write(&f, &d, &e));
    ck_assert_int_eq(wal_facts_read(&d, &back, &e), ERR_CORRUPT);
}
END_TEST

/* The members are absent where there is no run. */
START_TEST(a_run_of_no_segment_is_refused)
{
    CLEANUP(descriptor_clear) struct descriptor d = {.name = "000000010000000000000003"};
    struct wal_facts f = with_records(3, 1), back;
    struct err e = ERR_NONE;

    OK(wal_facts_write(&f, &d, &e));
    for (size_t i = 0; i < 2; i++)
        ck_assert_int_eq(json_object_set_new(json_object_get(d.facts, "wal"), i == 0 ? "run_to" : "run_from",
                                             json_string("0/3000000")),
                         0);
    ck_assert_int_eq(wal_facts_read(&d, &back, &e), ERR_CORRUPT);
}
END_TEST

START_TEST(without_a_run_there_is_no_member_for_it)
{
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    struct err e = ERR_NONE;

    OK(wal_facts_write(&page_only, &d, &e));
    ck_assert_ptr_null(json_object_get(json_object_get(d.facts, "wal"), "run_from"));
    ck_assert_ptr_null(json_object_get(json_object_get(d.facts, "wal"), "run_to"));
}
END_TEST

START_TEST(a_descriptor_without_facts_has_none)
{
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    struct wal_facts f;
    struct err e = ERR_NONE;

    ck_assert_int_eq(wal_facts_read(&d, &f, &e), ERR_CORRUPT);
    d.facts = json_pack("{s:[]}", "wal");
    ck_assert_int_eq(wal_facts_read(&d, &f, &e), ERR_CORRUPT);
}
END_TEST

START_TEST(members_of_a_later_program_are_passed_over)
{
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    struct wal_facts f;
    struct err e = ERR_NONE;

    OK(wal_facts_write(&page_only, &d, &e));
    ck_assert_int_eq(json_object_set_new(json_object_get(d.facts, "wal"), "later", json_true()), 0);
    OK(wal_facts_read(&d, &f, &e));
}
END_TEST

START_TEST(what_is_read_and_what_is_there_are_told_apart)
{
    struct wal_facts f = page_only;

    ck_assert_uint_eq(wal_facts_run_first(&f), 3);
    ck_assert_uint_eq(wal_facts_run_limit(&f), 3);
    f.run_from = SEGMENT;
    f.run_to = UINT64_C(2) * SEGMENT;
    ck_assert_uint_eq(wal_facts_run_first(&f), 1);
    ck_assert_uint_eq(wal_facts_run_limit(&f), 2);
}
END_TEST

START_TEST(wal_ends_early_where_it_ends_inside_for_no_good_reason)
{
    struct wal_facts f = page_only;

    ck_assert(!wal_facts_ends_early(&f));
    f.end_lsn--;
    ck_assert(wal_facts_ends_early(&f));
    f.has_valid = true;
    ck_assert(!wal_facts_ends_early(&f));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        facts_come_back_as_written,
        the_first_page_tells_all_but_the_records,
        facts_without_a_member_or_with_an_impossible_one_are_refused,
        a_time_that_crosses_into_the_segment_is_none_beyond_its_runs,
        a_run_of_no_segment_is_refused,
        without_a_run_there_is_no_member_for_it,
        a_descriptor_without_facts_has_none,
        members_of_a_later_program_are_passed_over,
        what_is_read_and_what_is_there_are_told_apart,
        wal_ends_early_where_it_ends_inside_for_no_good_reason,
    };

    return check_main(suite_of("repo/wal_facts", tests, COUNT(tests)));
}
