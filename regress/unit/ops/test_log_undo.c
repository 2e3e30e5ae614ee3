/*
 * test_log_undo.c - where to end so that a loss has not happened, by events written as words:
 *   u5   pg_database changes in place at 5     t5  a row of pg_class does
 *   k7-5 a checkpoint at 7, redo at 5          d8  the database is dropped at 8
 *   c6   it is created at 6                    m6  it moves at 6               f6  transaction 9, which drops it too,
 *        makes it
 */
#include "ops/log_undo.h"

#include "check_main.h"

#include <stdio.h>
#include <string.h>

#define DATABASE 16400u
#define DROPPER  9u
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct walevent event_of(const char *word)
{
    unsigned at = 0, redo = 0;
    struct walevent v = {.database = DATABASE};

    (void) sscanf(word + 1, "%u-%u", &at, &redo);
    v.start = at;
    switch (word[0]) {
    case 'u':
        v.type = WALEVENT_IN_PLACE;
        v.relation = (struct walevent_relation){1664, 0, 1262};
        break;
    case 't':
        v.type = WALEVENT_IN_PLACE;
        v.relation = (struct walevent_relation){1663, 5, 1259};
        break;
    case 'k':
        v.type = WALEVENT_CHECKPOINT;
        v.redo = redo;
        break;
    case 'd':
        v.type = WALEVENT_DROP_DATABASE;
        v.xid = DROPPER;
        break;
    default:
        v.type = WALEVENT_CREATE_DATABASE;
        v.xid = word[0] == 'f' ? DROPPER : 7;
        v.source_database = word[0] == 'm' ? DATABASE : 4;
    }
    return v;
}

static const struct {
    const char *words;
    lsn undo; /* of the last word; 0 = nothing is lost */
    const char *why;
} cases[] = {
    {"k4-3 u5 k7-6 d8", 5, "what marked it, not the record itself"},
    {"k4-3 u5 k7-6 u7 d8", 5, "VACUUM while the checkpoint was waited for"},
    {"k4-3 u5 t6 k8-7 t9 d10", 5, "tables' rows are no database's"},
    {"k4-3 u5 k8-7 k10-9 d11", 5, "another checkpoint before the record"},
    {"d8", 8, "nothing is known before"},
    {"k4-3 k7-6 d8", 8, "a server that does not mark"},
    {"u1 k4-3 k7-6 k9-8 d10", 10, "VACUUM's, long ago, on a server that does not mark"},
    {"c2 k4-3 u5 k7-6 d8", 5, "made in the WAL that is read"},
    {"m2 k4-3 d8", 0, "it moved"},
    {"m2 k4-3 d5 k6-5 u7 k9-8 d10", 7, "it moved, and was dropped later"},
    {"f2 d8", 0, "CREATE DATABASE failed"},
};

START_TEST(a_dropped_database_is_undone_before_it_was_marked_invalid)
{
    char words[128], *rest = words;
    struct log_undo u = {.redo = {0}};
    struct walevent last = {.type = WALEVENT_ABORT};
    lsn at = 0;
    bool can;

    (void) snprintf(words, sizeof(words), "%s", cases[_i].words);
    for (char *word = strsep(&rest, " "); word != NULL; word = strsep(&rest, " ")) {
        last = event_of(word);
        log_undo_meet(&u, &last);
    }
    can = log_undo_at(&u, &last, WALDROPS_NONE, &at);
    ck_assert_msg(can == (cases[_i].undo != 0), "%s", cases[_i].why);
    ck_assert_msg(log_undo_is_remnant(&u, &last) == !can, "%s", cases[_i].why);
    if (can)
        ck_assert_msg(at == cases[_i].undo, "%s: %u", cases[_i].why, (unsigned) at);
}
END_TEST

START_TEST(the_oldest_of_many_updates_are_forgotten)
{
    struct log_undo u = {.redo = {0}};
    struct walevent update = event_of("u0"), checkpoint = event_of("k300-90"), drop = event_of("d301");
    lsn at = 0;

    for (update.start = 1; update.start < 200; update.start++)
        log_undo_meet(&u, &update);
    log_undo_meet(&u, &checkpoint);
    log_undo_meet(&u, &drop);
    ck_assert(log_undo_at(&u, &drop, WALDROPS_NONE, &at));
    ck_assert_uint_eq(at, 301);
}
END_TEST

START_TEST(a_commit_is_undone_before_itself_and_a_tablespace_before_its_record)
{
    static const bool is_loss[] = {[WALDROPS_NONE] = false,
                                   [WALDROPS_DROP] = true,
                                   [WALDROPS_TRUNCATE] = true,
                                   [WALDROPS_REWRITE] = false,
                                   [WALDROPS_TRUNCATE_OR_REWRITE] = true,
                                   [WALDROPS_UNCLEAR] = true};
    struct log_undo u = {.redo = {0}};
    struct walevent v = {.type = WALEVENT_COMMIT, .start = 77};
    lsn at;

    for (size_t did = 0; did < COUNT(is_loss); did++) {
        at = 0;
        ck_assert(log_undo_at(&u, &v, (enum waldrops_kind) did, &at) == is_loss[did]);
        ck_assert(!is_loss[did] || at == 77);
    }
    v = (struct walevent){.type = WALEVENT_DROP_TABLESPACE, .start = 78};
    ck_assert(log_undo_at(&u, &v, WALDROPS_NONE, &at) && at == 78);
    v.type = WALEVENT_ABORT;
    ck_assert(!log_undo_at(&u, &v, WALDROPS_NONE, &at));
}
END_TEST

START_TEST(what_marked_a_database_or_three_checkpoints_settle_it)
{
    struct log_undo marked = {.updates = {50}, .update_count = 1, .redo = {60}};
    struct log_undo unmarked = {.redo = {60, 40, 20}};

    ck_assert(log_undo_is_settled(&marked, 45));
    ck_assert(log_undo_is_settled(&unmarked, 20));
    ck_assert(!log_undo_is_settled(&unmarked, 21));
    unmarked.redo[2] = 0;
    ck_assert(!log_undo_is_settled(&unmarked, 0));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/log_undo");
    TCase *tcase = tcase_create("log_undo");

    tcase_add_loop_test(tcase, a_dropped_database_is_undone_before_it_was_marked_invalid, 0, COUNT(cases));
    tcase_add_test(tcase, what_marked_a_database_or_three_checkpoints_settle_it);
    tcase_add_test(tcase, the_oldest_of_many_updates_are_forgotten);
    tcase_add_test(tcase, a_commit_is_undone_before_itself_and_a_tablespace_before_its_record);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
