/*
 * test_wal_log.c - what a log tells of WAL written as wal_words.h has it: c7 and a7 for the ends of transactions, n for
 * restore points, -5 for a missing segment, !5 for a damaged one.
 */
#include "ops/wal_log.h"

#include "wal_words.h"

#define OPEN 999

static char told[512];
static unsigned segments_read;

static void tell(const char *word, unsigned number)
{
    size_t len = strlen(told);

    (void) snprintf(told + len, sizeof(told) - len, "%s%s%u", len == 0 ? "" : " ", word, number);
}

static enum err_code begin(void *arg, const struct log_source *s, const struct log_range *r, struct err *why)
{
    (void) arg;
    (void) why;
    ck_assert_uint_eq(s->first, FIRST);
    ck_assert_uint_le(r->last, s->last);
    return ERR_OK;
}

static enum err_code entry(void *arg, const struct log_entry *found, struct err *why)
{
    const struct walevent *v = found->event;

    (void) arg;
    (void) why;
    if (v->type == WALEVENT_RESTORE_POINT)
        tell(v->name, 0);
    else if (found->can_undo)
        tell(found->did == WALDROPS_DROP ? "d" : found->did == WALDROPS_TRUNCATE ? "t" : "?", v->xid);
    else if (v->type == WALEVENT_COMMIT || v->type == WALEVENT_ABORT)
        tell(v->type == WALEVENT_COMMIT ? "c" : "a", v->xid);
    else
        tell("?", (unsigned) v->type);
    ck_assert(v->type == WALEVENT_RESTORE_POINT || v->start == begins[v->xid]);
    return ERR_OK;
}

static enum err_code hole(void *arg, const struct log_hole *h, struct err *why)
{
    unsigned number = 0;

    (void) arg;
    (void) why;
    ck_assert_int_eq(sscanf(h->first + 16, "%8X", &number), 1);
    tell(h->damage == NULL ? "-" : "!", number);
    if (h->segments > 1)
        tell("+", (unsigned) h->segments - 1);
    return ERR_OK;
}

static enum err_code timeline(void *arg, uint32_t number, lsn at, struct err *why)
{
    (void) arg;
    (void) at;
    (void) why;
    tell("t", number);
    return ERR_OK;
}

static enum err_code pass(void *arg, struct err *why)
{
    (void) arg;
    (void) why;
    segments_read++;
    return ERR_OK;
}

static const struct log_visitor visitor = {begin, entry, timeline, hole, pass, NULL};

static struct log_bound at_second(unsigned second)
{
    if (second == OPEN)
        return (struct log_bound){.kind = LOG_OPEN};
    return (struct log_bound){.kind = LOG_TIME, .time_us = NOON + second * SECOND};
}

static void spoil(const char *segments, bool by_removing)
{
    for (const char *c = segments; *c != '\0'; c++) {
        struct walfile file = walseg_file(1, (uint64_t) (*c - '0'), MIB);
        char key[STORE_KEY_MAX + 1];

        layout_wal_file(&layout, &file, key);
        ck_assert(store_remove(repo.store, key, &e) == ERR_OK);
        if (!by_removing)
            ck_assert(store_put(repo.store, key, "not an object", 13, &e) == ERR_OK);
    }
}

static const struct {
    const char *why;
    const char *wal;
    unsigned since, until; /* seconds */
    const char *missing;   /* segments; the first of all is 4 */
    const char *damaged;
    const char *told;
    enum err_code end;
} cases[] = {
    {"all of the last hour", "c1@10 a2@20 np c3@30", OPEN, OPEN, "", "", "c1 a2 p0 c3", ERR_OK},
    {"both bounds are part of it", "c1@10 c2@20 c3@30 c4@40", 20, 30, "", "", "c2 c3", ERR_OK},
    {"over segments", "c1@10 | c2@20 | c3@30 | c4@40 | c5@50", 20, 40, "", "", "c2 c3 c4", ERR_OK},
    {"nothing is there", "c1@10 | c2@20", 30, OPEN, "", "", "", ERR_OK},
    {"nothing yet", "c1@10 | c2@20", 0, 5, "", "", "", ERR_OK},
    {"a commit that crosses a border", "c1@10 ~ c2@20 | | | c3@30", 15, OPEN, "", "", "c2 c3", ERR_OK},
    {"the same long before, with idle segments behind", "c1@10 ~ c2@20 | | | | | | | | | | | | c3@30", 15,
     OPEN, "", "", "c2 c3", ERR_OK},
    {"the same at the end", "c1@10 ~ c2@20 | | c3@30", 5, 25, "", "", "c1 c2", ERR_OK},
    {"a clock that steps back", "c1@10 | c2@50 | c3@20 | c4@60", 15, 30, "", "", "c3", ERR_OK},
    {"segments that say nothing of their records", "? c1@10 | ? c2@20 | c3@30", 15, 25, "", "", "c2", ERR_OK},
    {"a gap", "c1@10 | c2@20 | c3@30 | c4@40", OPEN, OPEN, "5", "", "c1 -5 c3 c4", ERR_REFUSED},
    {"a wide one", "c1@10 | c2@20 | c3@30 | c4@40", OPEN, OPEN, "56", "", "c1 -5 +1 c4", ERR_REFUSED},
    {"two", "c1@10 | c2@20 | c3@30 | c4@40 | c5@50", OPEN, OPEN, "57", "", "c1 -5 c3 -7 c5", ERR_REFUSED},
    {"one before the range is nobody's affair", "c1@10 | c2@20 | c3@30 | c4@40", 35, OPEN, "5", "", "c4",
     ERR_OK},
    {"damage", "c1@10 | c2@20 | c3@30", OPEN, OPEN, "", "5", "c1 !5 c3", ERR_CORRUPT},
    {"both", "c1@10 | c2@20 | c3@30 | c4@40 | c5@50", OPEN, OPEN, "5", "7", "c1 -5 c3 !7 c5", ERR_CORRUPT},
    {"WAL that ends too early", "c1@10 z c2@20 | c3@30", OPEN, OPEN, "", "", "c1 !4 c2 c3", ERR_CORRUPT},
};

START_TEST(a_range_is_told_whole_and_what_is_missing_in_its_place)
{
    struct log_options o = {.since = at_second(cases[_i].since), .until = at_second(cases[_i].until)};

    told[0] = '\0';
    (void) archive_wal(cases[_i].wal);
    spoil(cases[_i].missing, true);
    spoil(cases[_i].damaged, false);
    ck_assert_msg(ops_wal_log(&cluster, &o, &visitor, &e) == cases[_i].end, "%s: %s", cases[_i].why, e.text);
    ck_assert_msg(strcmp(told, cases[_i].told) == 0, "%s: \"%s\", not \"%s\"", cases[_i].why, told,
                  cases[_i].told);
}
END_TEST

START_TEST(a_filter_lets_through_what_it_says)
{
    struct log_options o = {.restore_points = true};

    (void) archive_wal("c1@10 np | a2@20 nq c3@30");
    told[0] = '\0';
    ck_assert(ops_wal_log(&cluster, &o, &visitor, &e) == ERR_OK);
    ck_assert_str_eq(told, "p0 q0");
    told[0] = '\0';
    o = (struct log_options){.xid = 2};
    ck_assert(ops_wal_log(&cluster, &o, &visitor, &e) == ERR_OK);
    ck_assert_str_eq(told, "a2");
    told[0] = '\0';
    o = (struct log_options){.drops = true};
    ck_assert(ops_wal_log(&cluster, &o, &visitor, &e) == ERR_OK);
    ck_assert_str_eq(told, "");
}
END_TEST

/* ---- a few segments instead of all ---- */

static const struct {
    const char *why;
    const char *wal;
    const char *missing;
    const char *told; /* with drops and restore points */
    unsigned reads;   /* segments, at most */
} losses[] = {
    {"nothing", "c1@10 | c2@20 | c3@30", "", "", 0},
    {"one", "c1@10 w2 | d2@20 | c3@30", "", "d2", 2},
    {"both kinds", "w1 m1 t1@10 | c2@20 np | d3@30 | c4@40", "", "t1 p0 d3", 3},
    {"a drop that crosses a border", "w1 c1@10 ~ d2@20 | c3@30 | c4@40", "", "d2", 2},
    {"a commit that crosses one and is no drop", "w1 c1@10 ~ c2@20 | c3@30 | c4@40", "", "", 0},
    {"segments without facts", "w1 ? d1@10 | c2@20 | ? c3@30 ~ d4@40 | c5@50", "", "d1 d4", 9},
    {"a file made long before the commit", "w1 m2 c1@10 | | | | | | | | | | | | | | t2@50", "", "t2", 25},
    {"who began long before it", "w1 m2 c1@10 | | | | | | | | | | | | | | d2@50", "", "d2", 25},
    {"a hole where nothing else is looked for", "w1 d1@10 | c2@20 | c3@30 | c4@40 | w5 d5@50", "67",
     "d1 -6 +1 d5", 4},
    {"holes one behind the other", "w1 d1@10 | c2@20 | c3@30 | c4@40 | c5@50", "57", "d1 -5 -7", 6},
};

START_TEST(what_was_lost_is_found_without_reading_all)
{
    struct log_options o = {.drops = true, .restore_points = true};
    const enum err_code end = losses[_i].missing[0] == '\0' ? ERR_OK : ERR_REFUSED;

    told[0] = '\0';
    segments_read = 0;
    (void) archive_wal(losses[_i].wal);
    spoil(losses[_i].missing, true);
    ck_assert_msg(ops_wal_log(&cluster, &o, &visitor, &e) == end, "%s: %s", losses[_i].why, e.text);
    ck_assert_msg(strcmp(told, losses[_i].told) == 0, "%s: \"%s\", not \"%s\"", losses[_i].why, told,
                  losses[_i].told);
    ck_assert_msg(segments_read <= losses[_i].reads, "%s: %u segments read", losses[_i].why, segments_read);
}
END_TEST

START_TEST(an_lsn_bounds_it_too)
{
    struct log_options o = {.since = {.kind = LOG_LSN}, .until = {.kind = LOG_LSN}};

    (void) archive_wal("c1@10 | c2@20 | c3@30 | c4@40");
    told[0] = '\0';
    o.since.position = begins[2];
    o.until.position = begins[3];
    ck_assert(ops_wal_log(&cluster, &o, &visitor, &e) == ERR_OK);
    ck_assert_str_eq(told, "c2 c3");
}
END_TEST

START_TEST(what_is_not_there_is_refused)
{
    struct log_options o = {.timeline = 9};

    ck_assert(ops_wal_log(&cluster, &o, &visitor, &e) == ERR_REFUSED);
    (void) archive_wal("c1@10");
    ck_assert(ops_wal_log(&cluster, &o, &visitor, &e) == ERR_REFUSED);
    o = (struct log_options){.repo = "elsewhere"};
    ck_assert(ops_wal_log(&cluster, &o, &visitor, &e) == ERR_USAGE);
}
END_TEST

START_TEST(without_the_secret_key_nothing_is_told_and_the_hint_says_why)
{
    struct log_options o = {.repo = NULL};
    struct identity id;
    struct recipient to;
    char text[KEY_TEXT_MAX];

    ck_assert(identity_generate(&id, &e) == ERR_OK);
    memcpy(to.public_key, id.public_key, KEY_BYTES);
    recipient_format(&to, text);
    ck_assert(recipients_parse(text, "test", &repo.recipients, &e) == ERR_OK);
    (void) archive_wal("c1@10");
    told[0] = '\0';
    ck_assert(ops_wal_log(&cluster, &o, &visitor, &e) == ERR_DENIED);
    ck_assert_ptr_nonnull(strstr(e.hint, "identity-file"));
    ck_assert_str_eq(told, "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/wal_log");
    TCase *tcase = tcase_create("wal_log");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, a_range_is_told_whole_and_what_is_missing_in_its_place, 0, COUNT(cases));
    tcase_add_test(tcase, a_filter_lets_through_what_it_says);
    tcase_add_loop_test(tcase, what_was_lost_is_found_without_reading_all, 0, COUNT(losses));
    tcase_add_test(tcase, an_lsn_bounds_it_too);
    tcase_add_test(tcase, what_is_not_there_is_refused);
    tcase_add_test(tcase, without_the_secret_key_nothing_is_told_and_the_hint_says_why);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
