/*
 * test_print_log.c - a log as an operator and as a program read it.
 */
#include "cli/print_log.h"

#include "check_main.h"
#include "page.h"

#include <jansson.h>
#include <string.h>

#define T INT64_C(1795184940000000) /* 2026-11-20 14:29:00 UTC */

static struct log_named named;
static const struct log_options plain, narrow = {.timeline = 2, .repo = "far"};
static struct walevent drop = {.type = WALEVENT_COMMIT,
                               .start = 0x300D138,
                               .end = 0x300D200,
                               .xid = 727,
                               .time_us = T,
                               .database = 5,
                               .subxact_count = 1,
                               .relation_count = 3};
static struct log_entry entry = {.event = &drop,
                                 .timeline = 1,
                                 .time_us = T,
                                 .has_own_time = true,
                                 .did = WALDROPS_DROP,
                                 .can_undo = true,
                                 .undo = 0x300D138,
                                 .named = &named};

static void relation(struct log_relation *r, uint32_t file, const char *name, const char *table)
{
    *r = (struct log_relation){.file = {1663, 5, file}, .kind = name[0] == '\0' ? 0 : 'r'};
    (void) snprintf(r->name, sizeof(r->name), "%s", name);
    (void) snprintf(r->table, sizeof(r->table), "%s", table);
}

static void set_up(void)
{
    memset(&named, 0, sizeof(named));
    (void) snprintf(named.database, sizeof(named.database), "shop");
    named.relation_count = 3;
    relation(&named.relations[0], 16384, "shop.public.orders", "");
    relation(&named.relations[1], 16387, "shop.public.orders_pkey", "shop.public.orders");
    named.relations[1].is_implied = true;
    relation(&named.relations[2], 16390, "", "");
    named.backup = "20261120T021500Z-1a2b";
}

static const char *printed(struct page *p, bool is_json, const struct log_options *o,
                           const struct log_entry *what)
{
    struct err e = ERR_NONE;
    struct log_print print = {.is_json = is_json, .options = o, .timeline = o->timeline};
    struct log_visitor v = log_print_visitor(&print);

    page_open(p);
    print.out = p->out;
    ck_assert(v.entry(v.arg, what, &e) == ERR_OK);
    return page_close(p);
}

START_TEST(a_drop_is_told_by_name_with_what_undoes_it)
{
    struct page p;

    ck_assert_str_eq(
        printed(&p, false, &plain, &entry),
        " 2026-11-20 14:29:00+00         0/300D138    727        commit, 1 subtransaction, in shop: DROP "
        "shop.public.orders, file 1663/5/16390 (unknown: made or rewritten after backup "
        "20261120T021500Z-1a2b)\n"
        "    to have it back: pitr restore --pgdata DIR --target-lsn 0/300D138 --exclusive\n");
    free(p.text);
    ck_assert_ptr_nonnull(strstr(printed(&p, false, &narrow, &entry),
                                 "--target-lsn 0/300D138 --exclusive --target-timeline 2 --repo far\n"));
    free(p.text);
}
END_TEST

START_TEST(of_a_prepared_one_the_lock_is_told)
{
    struct walevent prepared = drop;
    struct log_entry e = entry;
    struct page p;

    prepared.is_prepared = true;
    e.event = &prepared;
    ck_assert_ptr_nonnull(strstr(printed(&p, false, &plain, &e), "\n    and there: ROLLBACK PREPARED"));
    free(p.text);
}
END_TEST

START_TEST(a_borrowed_time_and_a_name_from_outside_are_marked)
{
    struct walevent point = {.type = WALEVENT_RESTORE_POINT, .start = 0x10, .name = "a\nb"};
    struct log_entry e = {.event = &point, .time_us = T, .named = &named};
    struct page p;

    ck_assert_str_eq(printed(&p, false, &plain, &e),
                     "~2026-11-20 14:29:00+00         0/10         -          restore point \"a?b\"\n");
    free(p.text);
}
END_TEST

START_TEST(an_object_has_the_members_that_are_promised)
{
    struct page p;
    json_t *o = json_loads(printed(&p, true, &plain, &entry), 0, NULL), *relations;

    ck_assert_ptr_eq(strchr(p.text, '\n'), p.text + strlen(p.text) - 1);
    ck_assert_str_eq(json_string_value(json_object_get(o, "event")), "commit");
    ck_assert_str_eq(json_string_value(json_object_get(o, "lsn")), "0/300D138");
    ck_assert_str_eq(json_string_value(json_object_get(o, "end_lsn")), "0/300D200");
    ck_assert_int_eq(json_integer_value(json_object_get(o, "event_us")), T);
    ck_assert_int_eq(json_integer_value(json_object_get(o, "xid")), 727);
    ck_assert_str_eq(json_string_value(json_object_get(o, "database")), "shop");
    ck_assert_str_eq(json_string_value(json_object_get(o, "did")), "drop");
    ck_assert_int_eq(json_integer_value(json_object_get(o, "files")), 3);
    ck_assert_str_eq(json_string_value(json_object_get(o, "undo_target_lsn_exclusive")), "0/300D138");
    relations = json_object_get(o, "relations");
    ck_assert_uint_eq(json_array_size(relations), 3);
    ck_assert_str_eq(json_string_value(json_object_get(json_array_get(relations, 1), "part_of")),
                     "shop.public.orders");
    ck_assert(json_is_null(json_object_get(json_array_get(relations, 2), "name")));
    json_decref(o);
    free(p.text);
}
END_TEST

START_TEST(holes_and_timelines_are_lines_of_their_own)
{
    const struct log_hole gap = {"000000010000000000000005", "000000010000000000000007", 3, NULL};
    const struct log_hole damage = {"000000010000000000000009", "000000010000000000000009", 1, "torn"};
    struct err e = ERR_NONE;
    struct log_print print = {.options = &plain};
    struct log_visitor v = log_print_visitor(&print);
    struct page p;

    page_open(&p);
    print.out = p.out;
    ck_assert(v.hole(v.arg, &gap, &e) == ERR_OK && v.hole(v.arg, &damage, &e) == ERR_OK &&
              v.timeline(v.arg, 2, 0x3000000, &e) == ERR_OK);
    ck_assert_str_eq(page_close(&p),
                     "segments 000000010000000000000005 to 000000010000000000000007 are missing (3)\n"
                     "segment 000000010000000000000009 is damaged: torn\n"
                     " -                              0/3000000    -          timeline 2 begins\n");
    free(p.text);
}
END_TEST

START_TEST(what_can_not_be_written_ends_the_log)
{
    struct err e = ERR_NONE;
    struct log_print print = {.options = &plain, .out = fopen("/dev/full", "w")};
    struct log_visitor v = log_print_visitor(&print);

    ck_assert_ptr_nonnull(print.out);
    ck_assert(v.entry(v.arg, &entry, &e) == ERR_OK); /* into the buffer */
    ck_assert(v.pause(v.arg, &e) == ERR_IO);
    ck_assert(!print.is_closed);
    (void) fclose(print.out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli/print_log");
    TCase *tcase = tcase_create("print_log");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, a_drop_is_told_by_name_with_what_undoes_it);
    tcase_add_test(tcase, of_a_prepared_one_the_lock_is_told);
    tcase_add_test(tcase, a_borrowed_time_and_a_name_from_outside_are_marked);
    tcase_add_test(tcase, an_object_has_the_members_that_are_promised);
    tcase_add_test(tcase, holes_and_timelines_are_lines_of_their_own);
    tcase_add_test(tcase, what_can_not_be_written_ends_the_log);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
