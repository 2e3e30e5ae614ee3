/*
 * test_wal_breaks.c - damaged segments are met by a descriptor for each run, and what is not known is said to be so.
 */
#include "repo/wal_breaks.h"

#include "in_memory.h"
#include "repo/object.h"

#include <stdio.h>

#define MIB (1u << 20)

static struct wal_place place;

/*
 * Timeline 1, a letter for each segment, from number 1 on:
 *   r  goes on with the run of the one before     b  begins a run        d  is damaged, and goes on with the run
 *   D  is damaged and begins a run                ?  its records were not read
 *   x  is stored with a descriptor of another     .  is not there
 */
static void put_segment(uint64_t number, char letter, uint64_t run_from)
{
    CLEANUP(descriptor_clear) struct descriptor d = {.size = 0};
    struct wal_facts f = {.system_identifier = SYSTEM,
                          .major = 15,
                          .timeline = letter == 'x' ? 9 : 1,
                          .segment_bytes = MIB,
                          .first_lsn = number * MIB,
                          .end_lsn = (number + 1) * MIB,
                          .has_records = letter != '?'};
    char key[STORE_KEY_MAX + 1], name[WALFILE_NAME_MAX];
    enum object_outcome outcome;
    struct err e = ERR_NONE;

    f.is_damaged = letter == 'd' || letter == 'D';
    if (f.is_damaged)
        f.end_lsn = number * MIB + 1000;
    wal_facts_begin_run(&f);
    f.run_from = run_from * MIB;
    wal_object_key(&place, 1, number, key, name);
    OK(object_describe_new(&repo, "wal", name, &d, &e));
    OK(wal_facts_write(&f, &d, &e));
    OK(object_put_bytes(&repo, key, &d, "x", 1, &outcome, &e));
}

static void put(const char *wal)
{
    uint64_t run_from = 1;

    place = (struct wal_place){&repo, &layout, MIB, NULL};
    for (uint64_t n = 1; wal[n - 1] != '\0'; n++) {
        const char c = wal[n - 1];

        if (c != 'r' && c != 'd')
            run_from = n;
        if (c != '.')
            put_segment(n, c, run_from);
        if (c == 'd' || c == 'D' || c == '?' || c == 'x' || c == '.')
            run_from = n + 1;
    }
}

START_TEST(damage_is_met_as_the_end_of_a_run)
{
    static const struct {
        const char *wal;
        const char *found; /* and "+" where something stays unknown */
        uint64_t first;
        uint64_t last;
        unsigned asked;
        const char *why;
    } cases[] = {
        {"brrrrrrrrr", "", 1, 10, 1, "one run is one request"},
        {"brrrrrrrrr", "", 3, 7, 1, "of a part of it, too"},
        {"brrdbrrrrr", " 4", 1, 10, 2, "a damaged segment and the run behind it"},
        {"brrdbrrrrr", "", 5, 10, 1, "what lies before is not asked"},
        {"brrdbrrrrr", " 4", 1, 4, 1, "at the end"},
        {"brrdbrrrrr", "", 1, 3, 1, "what lies behind is not told"},
        {"brdDbdbbrd", " 3 4 6 10", 1, 10, 5, "several, in order"},
        {"brr?brrrrr", "+", 1, 10, 3, "records that were not read"},
        {"brrxbrrrrr", "+", 1, 10, 3, "a descriptor that does not fit its place"},
        {"brr.brrrrr", "+", 1, 10, 3, "one that is gone"},
        {"bbbbbbbbbb", "", 1, 10, 10, "an archiver that forgets is asked each time"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP(wal_breaks_clear) struct wal_breaks b = {.count = 0};
        unsigned most = 10;
        char found[64] = "", *end = found;
        uint64_t before;
        struct err e = ERR_NONE;

        repo_tear_down();
        repo_set_up();
        put(cases[i].wal);
        before = repo.store->requests;
        OK(wal_breaks_add(&place, 1, cases[i].first, cases[i].last, &most, &b, &e));
        for (size_t k = 0; k < b.count; k++) {
            end += sprintf(end, " %u", (unsigned) b.list[k].number);
            ck_assert_uint_eq(b.list[k].end, b.list[k].number * MIB + 1000);
        }
        (void) strcat(found, b.is_partial ? "+" : "");
        ck_assert_msg(strcmp(found, cases[i].found) == 0, "%s: found \"%s\"", cases[i].why, found);
        ck_assert_msg(repo.store->requests - before == cases[i].asked, "%s: %u requests", cases[i].why,
                      (unsigned) (repo.store->requests - before));
        ck_assert_uint_eq(most, 10 - cases[i].asked);
    }
}
END_TEST

/* Of a run from `run_from` on, acknowledged up to `run_to`. */
static void put_lagging(uint64_t number, uint64_t run_from, uint64_t run_to)
{
    CLEANUP(descriptor_clear) struct descriptor d = {.size = 0};
    struct wal_facts f = {.system_identifier = SYSTEM,
                          .major = 15,
                          .timeline = 1,
                          .segment_bytes = MIB,
                          .first_lsn = number * MIB,
                          .end_lsn = (number + 1) * MIB,
                          .run_from = run_from * MIB,
                          .run_to = run_to * MIB,
                          .has_records = true};
    char key[STORE_KEY_MAX + 1], name[WALFILE_NAME_MAX];
    enum object_outcome outcome;
    struct err e = ERR_NONE;

    wal_object_key(&place, 1, number, key, name);
    OK(object_describe_new(&repo, "wal", name, &d, &e));
    OK(wal_facts_write(&f, &d, &e));
    OK(object_put_bytes(&repo, key, &d, "x", 1, &outcome, &e));
}

START_TEST(what_was_on_its_way_is_not_told_to_be_there)
{
    static const struct {
        struct {
            uint64_t number, run_from, run_to;
        } put[3]; /* the last ones of their runs */
        uint64_t first, last;
        const char *untold;
        const char *why;
    } cases[] = {
        {{{50, 1, 50}}, 1, 50, "", "all acknowledged"},
        {{{50, 1, 47}}, 1, 50, " 47-49", "the last three were on their way"},
        {{{50, 1, 1}}, 1, 50, " 1-49", "nothing acknowledged"},
        {{{50, 1, 1}}, 20, 50, " 20-49", "as far as it is asked"},
        {{{50, 1, 20}}, 20, 50, " 20-49", "from there on"},
        {{{50, 50, 50}}, 50, 50, "", "no run, and nothing before"},
        {{{50, 31, 48}, {30, 1, 28}}, 1, 50, " 28-49", "two runs on one page of a listing are one"},
        {{{5000, 1001, 4990}, {1000, 1, 990}}, 1, 5000, " 4990-4999 990-999", "others are not"},
        {{{2000, 1001, 1995}, {1000, 1, 1000}}, 1, 2000, " 1995-1999", "one of two"},
    };

    place = (struct wal_place){&repo, &layout, MIB, NULL};
    for (size_t i = 0; i < COUNT(cases); i++) {
        CLEANUP(wal_breaks_clear) struct wal_breaks b = {.count = 0};
        unsigned most = 10;
        char untold[64] = "", *end = untold;
        struct err e = ERR_NONE;

        repo_tear_down();
        repo_set_up();
        for (size_t k = 0; k < COUNT(cases[i].put) && cases[i].put[k].number > 0; k++)
            put_lagging(cases[i].put[k].number, cases[i].put[k].run_from, cases[i].put[k].run_to);
        OK(wal_breaks_add(&place, 1, cases[i].first, cases[i].last, &most, &b, &e));
        for (size_t k = 0; k < b.untold_count; k++)
            end += sprintf(end, " %u-%u", (unsigned) b.untold[k].first, (unsigned) b.untold[k].last);
        ck_assert_msg(strcmp(untold, cases[i].untold) == 0, "%s: \"%s\"", cases[i].why, untold);
        ck_assert(b.count == 0 && !b.is_partial);
    }
}
END_TEST

START_TEST(no_more_is_read_than_may_be)
{
    CLEANUP(wal_breaks_clear) struct wal_breaks b = {.count = 0};
    unsigned most = 2;
    struct err e = ERR_NONE;

    put("Dbbbb");
    OK(wal_breaks_add(&place, 1, 1, 5, &most, &b, &e));
    ck_assert(b.is_partial && b.count == 0 && most == 0);
}
END_TEST

START_TEST(the_first_of_a_timeline_in_a_stretch_is_found)
{
    struct wal_break list[] = {{1, 4, 1}, {1, 7, 2}, {2, 5, 3}};
    const struct wal_breaks b = {.list = list, .count = 3};

    ck_assert_ptr_eq(wal_breaks_in(&b, 1, 1, 10), &list[0]);
    ck_assert_ptr_eq(wal_breaks_in(&b, 1, 4, 4), &list[0]);
    ck_assert_ptr_eq(wal_breaks_in(&b, 1, 5, 7), &list[1]);
    ck_assert_ptr_null(wal_breaks_in(&b, 1, 5, 6));
    ck_assert_ptr_eq(wal_breaks_in(&b, 2, 1, 10), &list[2]);
    ck_assert_ptr_null(wal_breaks_in(&b, 3, 1, 10));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        damage_is_met_as_the_end_of_a_run,
        what_was_on_its_way_is_not_told_to_be_there,
        no_more_is_read_than_may_be,
        the_first_of_a_timeline_in_a_stretch_is_found,
    };

    return check_main(suite_in_memory("repo/wal_breaks", tests, COUNT(tests)));
}
