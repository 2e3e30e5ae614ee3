/*
 * test_wal_search.c - targets looked for in WAL that is built here, archived as a server's would be, and read back.
 * WAL is written as wal_words.h has it.
 */
#include "ops/archive.h"
#include "ops/wal_search.h"

#include "stream/buf_sink.h"
#include "wal_words.h"

static enum err_code look(uint64_t last, const struct target *t, lsn from, struct plan_moment *m)
{
    const struct wal_place place = {&repo, &layout, MIB, NULL};
    const struct wal_stretch w = {
        .place = &place, .path = &path, .first = FIRST, .last = last, .look_to = UINT64_MAX};

    return wal_search(&w, t, from, m, &e);
}

static void check_moment(const char *why, const struct plan_moment *m, bool reached, uint32_t kept,
                         uint32_t discarded)
{
    ck_assert_msg(m->known, "%s: not known", why);
    ck_assert_msg(m->reached == reached, "%s: reached is %d", why, m->reached);
    ck_assert_msg(m->has_kept == (kept != 0) && m->kept.xid == kept, "%s: kept %u", why, m->kept.xid);
    ck_assert_msg(m->kept.start == (kept != 0 ? begins[kept] : 0), "%s: kept at %lx", why,
                  (unsigned long) m->kept.start);
    ck_assert_msg(m->kept.end >= m->kept.start, "%s", why);
    ck_assert_msg(m->has_discarded == (discarded != 0) && m->discarded.xid == discarded, "%s: discarded %u",
                  why, m->discarded.xid);
}

/* ---- times ---- */

static const struct time_case {
    const char *why;
    const char *wal;
    unsigned second;
    bool exclusive;
    uint32_t from; /* behind this transaction's record; 0 = from the beginning */
    bool reached;
    uint32_t kept; /* xids; 0 = none */
    uint32_t discarded;
    unsigned last; /* second of the last one in the archive, when the search went to the end */
} time_cases[] = {
    {"between two commits", "c1@10 c2@20 c3@30", 25, false, 0, true, 2, 3, 0},
    {"exactly at a commit: it is kept", "c1@10 c2@20 c3@30", 20, false, 0, true, 2, 3, 0},
    {"exactly at a commit, exclusive: it is not", "c1@10 c2@20 c3@30", 20, true, 0, true, 1, 2, 0},
    {"equal times, inclusive: all of them", "c1@10 c2@20 c3@20 c4@20 c5@30", 20, false, 0, true, 4, 5, 0},
    {"equal times, exclusive: none of them", "c1@10 c2@20 c3@20 c4@20 c5@30", 20, true, 0, true, 1, 2, 0},
    {"before the first commit", "c1@10 c2@20", 5, false, 0, true, 0, 1, 0},
    {"after the last commit", "c1@10 c2@20", 21, false, 0, false, 2, 0, 20},
    {"at the last commit: nothing behind it says so", "c1@10 c2@20", 20, false, 0, false, 2, 0, 20},
    {"after the last commit, idle behind it", "c1@10 | c2@20 | | | |", 21, false, 0, false, 2, 0, 20},
    {"no commits at all", "nx | | |", 21, false, 0, false, 0, 0, 0},
    {"in the next segment", "c1@10 | c2@20 | c3@30", 25, false, 0, true, 2, 3, 0},
    {"the first of many segments", "c1@10 | c2@20 | c3@30 | c4@40 | c5@50", 15, false, 0, true, 1, 2, 0},
    {"over an idle stretch", "c1@10 | | | | | | c2@20", 15, false, 0, true, 1, 2, 0},
    {"an idle stretch on both sides", "| | c1@10 | | | c2@20 | | |", 15, false, 0, true, 1, 2, 0},
    {"inside one segment with idle ones around", "| | c1@10 c2@20 c3@30 | |", 25, false, 0, true, 2, 3, 0},
    {"an abort past the time ends recovery, the next commit is discarded", "c1@10 a2@20 | c3@30", 15, false,
     0, true, 1, 3, 0},
    {"an abort alone past the time", "c1@10 | a2@20", 15, false, 0, true, 1, 0, 0},
    {"an abort before the time keeps nothing", "c1@10 | a2@20 | c3@30", 25, false, 0, true, 1, 3, 0},
    {"many aborts before the time", "c1@10 | a2@20 | a4@21 | | a5@22 | c3@30", 25, false, 0, true, 1, 3, 0},
    {"a prepared transaction counts when it is committed", "c1@10 q2@20 c3@30", 25, false, 0, true, 2, 3, 0},
    {"a prepared transaction past the time", "c1@10 q2@20 c3@30", 15, false, 0, true, 1, 2, 0},
    {"the kept one crosses a segment border", "c1@10 ~ c2@20 | c3@30", 25, false, 0, true, 2, 3, 0},
    {"the discarded one crosses a segment border", "c1@10 ~ c2@20 | c3@30", 15, false, 0, true, 1, 2, 0},
    {"one that crosses, in segments that count none", "c1@10 | ~ c2@20 | | c3@30", 25, false, 0, true, 2, 3,
     0},
    {"one that crosses is the only one past the time", "c1@10 | ~ c2@20 | | |", 15, false, 0, true, 1, 2, 0},
    {"a clock stepped back: the first past the time ends it", "c1@10 c2@30 c3@20 c4@40", 25, false, 0, true,
     1, 2, 0},
    {"a clock stepped back, over segments", "c1@10 | c2@30 | c3@20 | c4@40", 25, false, 0, true, 1, 2, 0},
    {"disorder over many segments", "c1@10 | c2@30 | c3@20 | c4@21 | c5@22 | c6@40 | c7@50", 25, false, 0,
     true, 1, 2, 0},
    {"a later segment alone has an earlier time", "c1@10 | c2@20 | c3@15 | c4@40", 18, false, 0, true, 1, 2,
     0},
    {"one that crosses is past the time, all around it is older",
     "c1@10 ~ c2@40 | c3@20 | c4@21 | c5@22 | c6@50", 25, false, 0, true, 1, 2, 0},
    {"so is an abort", "c1@10 ~ a2@40 | c3@20 | c4@21 | c5@22 | c6@50", 25, false, 0, true, 1, 3, 0},
    {"an abort that crosses behind the last commit", "c1@10 | ~ a2@20 | | c3@30", 25, false, 0, true, 1, 3,
     0},
    {"an abort that crosses is the only one past the time", "c1@10 | ~ a2@40 | | c3@20", 25, false, 0, true,
     1, 3, 0},
    {"past for once, long before the time is there again",
     "c1@10 | c2@40 | c3@11 | c4@12 | c5@13 | c6@14 | c7@15 | c8@16 | c9@17 | c10@18 | c11@19 | c12@20 | "
     "c13@20 | "
     "c14@20 | c15@20 | c16@20 | c17@20 | c18@20 | c19@20 | c20@20 | c21@20 | c22@30",
     25, false, 0, true, 1, 2, 0},
    {"past in the backup, and for long no more", "c1@40 c2@11 | c3@12 | c4@13 | c5@30 | c6@50", 25, false, 1,
     true, 4, 5, 0},
    {"what lies in the backup is not asked", "c1@10 c2@20 c3@30", 25, false, 2, true, 0, 3, 0},
    {"what lies in the backup is not asked, over segments", "c1@10 | c2@20 | | | c3@30", 25, false, 2, true,
     0, 3, 0},
    {"a time in the backup by a clock that was ahead", "c1@10 c2@50 | c3@20 | c4@30", 25, false, 2, true, 3,
     4, 0},
    {"segments without facts are read", "? c1@10 | ? c2@20 | ? c3@30 | ? c4@40", 25, false, 0, true, 2, 3, 0},
    {"one segment without facts keeps nothing by itself", "c1@10 | ? | ? | c3@30", 25, false, 0, true, 1, 3,
     0},
    {"segments without facts that do not pass", "c1@10 | ? c2@20 | c3@30 | c4@40", 35, false, 0, true, 3, 4,
     0},
    {"all without facts, after the last", "? c1@10 | ? c2@20", 25, false, 0, false, 2, 0, 20},
    {"zeros behind the last record of the last segment are its end", "c1@10 | c2@20 z", 25, false, 0, false,
     2, 0, 20},
};

START_TEST(a_time_is_the_last_commit_that_postgresql_would_keep)
{
    const struct time_case *c = &time_cases[_i];
    const struct target t = {
        .kind = TARGET_TIME, .time_us = NOON + c->second * SECOND, .exclusive = c->exclusive};
    uint64_t last = archive_wal(c->wal);
    lsn from = c->from != 0 ? begins[c->from] + 1 : (lsn) FIRST * MIB + 40;
    struct plan_moment m = {.known = false};

    ck_assert_msg(look(last, &t, from, &m) == ERR_OK, "%s: %s", c->why, e.text);
    check_moment(c->why, &m, c->reached, c->kept, c->discarded);
    ck_assert_msg(m.last_us == (c->last != 0 ? NOON + c->last * SECOND : 0), "%s: last is %ld", c->why,
                  (long) ((m.last_us - NOON) / SECOND));
}
END_TEST

/* A backup's stop time by a clock that was behind: its own commits tell that it holds more than is wanted. */
START_TEST(a_backup_that_is_past_the_time_itself_is_told)
{
    static const struct {
        const char *wal;
        unsigned second;
        bool is_late;
    } table[] = {
        {"c1@10 c2@30 | c3@40", 25, true},
        {"c1@10 c2@20 | c3@40", 25, false},
        {"c1@30 | nx | c2@35 | c3@40", 25, true},
        {"c1@10 c2@30 | c3@20 | c4@40", 25, false}, /* there is one to keep behind it */
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const struct target t = {.kind = TARGET_TIME, .time_us = NOON + table[i].second * SECOND};
        struct plan_moment m = {.known = false};
        uint64_t last;

        tear_down();
        set_up();
        last = archive_wal(table[i].wal);
        ck_assert_msg(look(last, &t, begins[2] + 1, &m) == ERR_OK, "%s: %s", table[i].wal, e.text);
        ck_assert_msg(m.backup_is_late == table[i].is_late, "%s", table[i].wal);
    }
}
END_TEST

/* It ends at noon by the standby's clock, and holds what the primary did half a minute later. */
START_TEST(a_standbys_backup_is_held_against_what_lies_before_it)
{
    const struct wal_place place = {&repo, &layout, MIB, NULL};
    struct wal_stretch w = {.place = &place,
                            .path = &path,
                            .major = 15,
                            .first = FIRST + 2,
                            .last = archive_wal("c1@10 c2@30 | | nx | c3@40"),
                            .look_to = UINT64_MAX,
                            .is_of_standby = true};
    struct target t = {.kind = TARGET_TIME, .time_us = NOON + 25 * SECOND};
    struct plan_moment m;

    ck_assert_msg(wal_search(&w, &t, (FIRST + 2) * MIB + 64, &m, &e) == ERR_OK, "%s", e.text);
    ck_assert(m.reached && !m.has_kept && m.backup_is_late);
    t.time_us = NOON + 35 * SECOND;
    ck_assert_msg(wal_search(&w, &t, (FIRST + 2) * MIB + 64, &m, &e) == ERR_OK, "%s", e.text);
    ck_assert(m.reached && !m.has_kept && !m.backup_is_late);
}
END_TEST

/* More segments lie between the two than anybody wants to read, and yet the one that crosses a border is found. */
START_TEST(a_long_stretch_without_commits_hides_none)
{
    const struct target t = {.kind = TARGET_TIME, .time_us = NOON + 25 * SECOND};
    char words[512] = "c1@10";
    struct plan_moment m;
    uint64_t last;

    for (int i = 0; i < 20; i++)
        (void) strcat(words, " |");
    (void) strcat(words, " ~ c2@20");
    for (int i = 0; i < 20; i++)
        (void) strcat(words, " |");
    (void) strcat(words, " c3@30");
    last = archive_wal(words);
    ck_assert_msg(look(last, &t, FIRST * MIB + 40, &m) == ERR_OK, "%s", e.text);
    check_moment("long", &m, true, 2, 3);
}
END_TEST

/* ---- xids, names ---- */

static const struct mark_case {
    const char *why;
    const char *wal;
    uint32_t xid;
    const char *name;
    bool exclusive;
    uint32_t from;
    bool reached;
    uint32_t kept;
    uint32_t discarded;
} mark_cases[] = {
    {"an xid", "c1@10 c2@20 | c3@30", 2, NULL, false, 0, true, 2, 3},
    {"an xid, exclusive", "c1@10 c2@20 | c3@30", 2, NULL, true, 0, true, 1, 2},
    {"the first xid, exclusive", "c1@10 c2@20", 1, NULL, true, 0, true, 0, 1},
    {"the last xid", "c1@10 c2@20 | |", 2, NULL, false, 0, true, 2, 0},
    {"an xid that aborted", "c1@10 a2@20 | c3@30", 2, NULL, false, 0, true, 2, 3},
    {"an xid that aborted, exclusive", "c1@10 a2@20 | c3@30", 2, NULL, true, 0, true, 1, 2},
    {"a prepared xid", "c1@10 q2@20 c3@30", 2, NULL, false, 0, true, 2, 3},
    {"an xid whose record crosses a border", "c1@10 ~ c2@20 | c3@30", 2, NULL, false, 0, true, 2, 3},
    {"not xid order but WAL order decides", "c5@10 c2@20 c4@30", 2, NULL, false, 0, true, 2, 4},
    {"an xid that is not there", "c1@10 | c3@30", 2, NULL, false, 0, false, 3, 0},
    {"an xid inside the backup", "c1@10 c2@20 c3@30", 1, NULL, false, 2, false, 3, 0},
    {"a name", "c1@10 nx c2@20", 0, "x", false, 0, true, 1, 2},
    {"a name twice is the first", "c1@10 nx c2@20 nx c3@30", 0, "x", false, 0, true, 1, 2},
    {"a name that begins alike", "c1@10 nxy c2@20 nz", 0, "x", false, 0, false, 2, 0},
    {"a name before any commit", "nx c1@10", 0, "x", false, 0, true, 0, 1},
    {"a name that crosses a border", "c1@10 ~ nx | c2@20", 0, "x", false, 0, true, 1, 2},
};

START_TEST(an_xid_or_a_name_is_its_record)
{
    const struct mark_case *c = &mark_cases[_i];
    const struct target t = {.kind = c->name != NULL ? TARGET_NAME : TARGET_XID,
                             .xid = c->xid,
                             .name = c->name,
                             .exclusive = c->exclusive};
    uint64_t last = archive_wal(c->wal);
    lsn from = c->from != 0 ? begins[c->from] + 1 : (lsn) FIRST * MIB + 40;
    struct plan_moment m = {.known = false};

    ck_assert_msg(look(last, &t, from, &m) == ERR_OK, "%s: %s", c->why, e.text);
    check_moment(c->why, &m, c->reached, c->kept, c->discarded);
    if (c->name != NULL && c->reached) {
        ck_assert_msg(m.is_stop_lsn && m.stop_lsn == begins[0], "%s: at %lx", c->why,
                      (unsigned long) m.stop_lsn);
        ck_assert_msg(m.stop_end >= m.stop_lsn + 24 + 2 + 72, "%s: to %lx", c->why,
                      (unsigned long) m.stop_end);
    }
}
END_TEST

START_TEST(a_name_is_looked_for_as_far_as_asked)
{
    const struct target t = {.kind = TARGET_NAME, .name = "x"};
    const struct wal_place place = {&repo, &layout, MIB, NULL};
    struct wal_stretch w = {.place = &place,
                            .path = &path,
                            .first = FIRST,
                            .last = archive_wal("c1@10 | | nx | | c2@20"),
                            .look_to = FIRST + 1};
    struct plan_moment m;

    ck_assert_int_eq(wal_search(&w, &t, FIRST * MIB + 40, &m, &e), ERR_OK);
    ck_assert(m.known && !m.reached);
    w.look_to = FIRST + 2;
    ck_assert_int_eq(wal_search(&w, &t, FIRST * MIB + 40, &m, &e), ERR_OK);
    check_moment("found, and the commit behind it too", &m, true, 1, 2);
}
END_TEST

/* ---- LSNs ---- */

static const struct lsn_case {
    const char *why;
    const char *wal;
    uint32_t xid; /* the LSN is relative to this one's record, or, with 0, to the last segment's beginning */
    int offset;
    bool reached;
} lsn_cases[] = {
    {"a record itself", "c1@10 | c2@20 c3@30", 2, 0, true},
    {"a byte behind it: the next record counts", "c1@10 | c2@20 c3@30", 2, 1, true},
    {"the switch record is one", "c1@10 | c2@20", 2, 1, true},
    {"in the filler of the last segment", "c1@10 | c2@20", 0, MIB / 2, false},
    {"in the filler of a segment that another follows", "c1@10 | c2@20", 0, -100, true},
    {"a record that goes on behind the last segment is not whole", "c1@10 | c2@20 ~ c3@30", 3, 0, false},
    {"without facts, a record itself", "? c1@10 | ? c2@20 c3@30", 3, 0, true},
    {"without facts, in the filler", "? c1@10 | ? c2@20 c3@30", 0, MIB / 2, false},
    {"without facts, in a filler that another follows", "? c1@10 | ? c2@20 c3@30", 0, -100, true},
};

START_TEST(an_lsn_is_reached_when_a_record_begins_at_or_behind_it)
{
    const struct lsn_case *c = &lsn_cases[_i];
    uint64_t last = archive_wal(c->wal);
    struct target t = {.kind = TARGET_LSN};
    struct plan_moment m = {.known = false};

    if (c->xid == 3 && strchr(c->wal, '~') != NULL)
        last--; /* where it ends is not archived */
    t.lsn = (c->xid != 0 ? begins[c->xid] : last * MIB) + (lsn) (int64_t) c->offset;
    ck_assert_msg(look(last, &t, FIRST * MIB + 40, &m) == ERR_OK, "%s: %s", c->why, e.text);
    ck_assert_msg(m.known && m.reached == c->reached, "%s: reached is %d", c->why, m.reached);
    ck_assert_msg(c->reached || (m.last_lsn > FIRST * MIB && m.last_lsn < t.lsn), "%s: last record %lx",
                  c->why, (unsigned long) m.last_lsn);
}
END_TEST

START_TEST(a_record_that_fills_the_last_segments_reaches_no_lsn_in_it)
{
    static uint8_t body[3 * MIB];
    struct target t = {.kind = TARGET_LSN};
    struct plan_moment m;
    uint64_t last;

    (void) put_filling(64);
    body[0] = 254;
    le32_put(body + 1, sizeof(body) - 5);
    t.lsn = wal_record(&wal, 0, 0x20, 0, body, sizeof(body)) + 8;
    last = archive_wal("");
    last--; /* its end is not archived: the last segment holds nothing but its middle */
    ck_assert_int_eq(look(last, &t, FIRST * MIB + 40, &m), ERR_OK);
    ck_assert(m.known && !m.reached);
}
END_TEST

static const struct boundary_case {
    const char *why;
    const char *wal;
    uint32_t xid; /* the LSN is relative to this one's record */
    int offset;
    bool exclusive;
    uint32_t kept;
    uint32_t discarded;
} boundary_cases[] = {
    {"a commit itself", "c1@10 c2@20 c3@30", 2, 0, false, 2, 3},
    {"a commit itself, exclusive", "c1@10 c2@20 c3@30", 2, 0, true, 1, 2},
    {"a byte behind a commit: the next record, a commit, is replayed", "c1@10 c2@20 c3@30", 2, 1, false, 3,
     0},
    {"a byte behind a commit, exclusive", "c1@10 c2@20 c3@30", 2, 1, true, 2, 3},
    {"the next record is none", "c1@10 c2@20 nx c3@30", 2, 1, false, 2, 3},
    {"over segments", "c1@10 | | c2@20 | | c3@30 |", 2, 0, false, 2, 0},
    {"what was kept lies far back", "c1@10 | | | | | c2@20 |", 2, 0, true, 1, 2},
    {"what was kept crosses a border", "c1@10 ~ c2@20 | | | c3@30 |", 3, 0, true, 2, 3},
    {"nothing to keep", "c1@10 c2@20", 1, 0, true, 0, 1},
};

START_TEST(an_lsn_lies_between_two_transactions)
{
    const struct boundary_case *c = &boundary_cases[_i];
    uint64_t last = archive_wal(c->wal);
    const struct target t = {
        .kind = TARGET_LSN, .lsn = begins[c->xid] + (lsn) (int64_t) c->offset, .exclusive = c->exclusive};
    struct plan_moment m = {.known = false};

    ck_assert_msg(look(last, &t, FIRST * MIB + 40, &m) == ERR_OK, "%s: %s", c->why, e.text);
    check_moment(c->why, &m, true, c->kept, c->discarded);
}
END_TEST

START_TEST(the_end_has_its_last_transaction)
{
    static const struct {
        const char *wal;
        uint32_t kept;
    } table[] = {{"c1@10 | c2@20 | | | |", 2}, {"c1@10 ~ c2@20 | | |", 2}, {"c1@10 a2@20 |", 1}, {"| |", 0}};
    const struct target t = {.kind = TARGET_LATEST};

    for (size_t i = 0; i < COUNT(table); i++) {
        struct plan_moment m = {.known = false};
        uint64_t last;

        tear_down();
        set_up();
        last = archive_wal(table[i].wal);
        ck_assert_msg(look(last, &t, FIRST * MIB + 40, &m) == ERR_OK, "%s: %s", table[i].wal, e.text);
        check_moment(table[i].wal, &m, false, table[i].kept, 0);
    }
}
END_TEST

/* ---- what can't be read ---- */

/* Put bytes in the place of a segment's. */
static void replace_segment(uint64_t number, void (*spoil)(struct buf *object))
{
    CLEANUP(buf_clear) struct buf object = BUF_INIT(2 * MIB);
    struct walfile file = walseg_file(1, number, MIB);
    struct sink *to;
    char key[STORE_KEY_MAX + 1];

    layout_wal_file(&layout, &file, key);
    ck_assert(buf_sink_new(&object, &to, &e) == ERR_OK);
    ck_assert(store_get(repo.store, key, NULL, to, NULL, &e) == ERR_OK);
    sink_free(to);
    spoil(&object);
    ck_assert(store_remove(repo.store, key, &e) == ERR_OK);
    if (object.len > 0)
        ck_assert(store_put(repo.store, key, object.data, object.len, &e) == ERR_OK);
}

static void flip_the_last_quarter(struct buf *object)
{
    object->data[object->len - object->len / 4] ^= 1;
}

static void cut(struct buf *object)
{
    object->len -= 5;
}

static const struct target damage_targets[] = {
    {.kind = TARGET_TIME, .time_us = NOON + 25 * SECOND},
    {.kind = TARGET_XID, .xid = 3},
    {.kind = TARGET_NAME, .name = "nowhere"},
};

START_TEST(damaged_wal_is_an_error_and_not_an_absent_target)
{
    void (*const spoils[])(struct buf *) = {flip_the_last_quarter, cut};
    uint64_t last = archive_wal("c1@10 | c2@20 | c3@30");

    for (size_t i = 0; i < COUNT(spoils); i++) {
        struct plan_moment m = {.known = false};

        replace_segment(FIRST + 1, spoils[i]);
        ck_assert_int_eq(look(last, &damage_targets[_i], FIRST * MIB + 40, &m), ERR_CORRUPT);
        ck_assert(!m.known);
        e = ERR_NONE;
    }
}
END_TEST

START_TEST(wal_that_ends_before_the_stretch_does_is_an_error)
{
    uint64_t last = archive_wal("c1@10 | c2@20 z | c3@30");
    struct plan_moment m = {.known = false};

    ck_assert_int_eq(look(last, &damage_targets[_i], FIRST * MIB + 40, &m), ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(e.text, "000000010000000000000005"));
}
END_TEST

START_TEST(an_unreachable_repository_is_an_error)
{
    uint64_t last = archive_wal("c1@10 | c2@20 | c3@30");

    for (unsigned nth = 1; nth < 4; nth++) {
        struct plan_moment m = {.known = false};

        faulty_fail(repo.store, &(struct faulty_plan){
                                    .at = FAULTY_GET, .nth = nth, .kind = ERR_UNREACHABLE, .forever = true});
        ck_assert_int_eq(look(last, &damage_targets[_i], FIRST * MIB + 40, &m), ERR_UNREACHABLE);
        e = ERR_NONE;
    }
}
END_TEST

static void seal_from_now_on(void)
{
    struct identity id;

    ck_assert_int_eq(identity_generate(&id, &e), ERR_OK);
    repo.recipients.list = calloc(1, sizeof(*repo.recipients.list));
    repo.recipients.count = 1;
    memcpy(repo.recipients.list[0].public_key, id.public_key, KEY_BYTES);
}

START_TEST(without_an_identity_the_moment_is_not_known)
{
    struct plan_moment m = {.known = true};
    uint64_t last;

    seal_from_now_on();
    last = archive_wal("c1@10 | c2@20 | c3@30");
    ck_assert_msg(look(last, &damage_targets[_i], FIRST * MIB + 40, &m) == ERR_OK, "%s", e.text);
    ck_assert(!m.known && !m.reached);
}
END_TEST

START_TEST(without_an_identity_an_lsn_is_looked_up_by_descriptors)
{
    const struct target t = {.kind = TARGET_LSN, .lsn = (FIRST + 2) * MIB + 40};
    struct plan_moment m;
    uint64_t last;

    seal_from_now_on();
    last = archive_wal("c1@10 | c2@20 | c3@30");
    ck_assert_msg(look(last, &t, FIRST * MIB + 40, &m) == ERR_OK, "%s", e.text);
    ck_assert(m.known && m.reached);
}
END_TEST

START_TEST(a_store_that_denies_access_is_an_error)
{
    uint64_t last = archive_wal("c1@10 | c2@20 | c3@30");
    struct plan_moment m = {.known = false};

    faulty_fail(repo.store, &(struct faulty_plan){.at = FAULTY_GET, .kind = ERR_DENIED, .forever = true});
    ck_assert_int_eq(look(last, &damage_targets[_i], FIRST * MIB + 40, &m), ERR_DENIED);
}
END_TEST

/* ---- descriptors that lie ---- */

/*
 * As somebody who may write to the store would: of the right form and with the right checksum, behind it what was
 * sealed.
 */
static void forge(uint64_t number, const struct wal_facts *lie)
{
    CLEANUP(buf_clear) struct buf object = BUF_INIT(4 * MIB), forged = BUF_INIT(4 * MIB);
    CLEANUP(descriptor_clear) struct descriptor d = {.size = 0};
    const struct wal_place place = {&repo, &layout, MIB, NULL};
    char key[STORE_KEY_MAX + 1], name[WALFILE_NAME_MAX];
    uint8_t id[SHA256_BYTES];
    struct sink *to;
    size_t length;

    wal_object_key(&place, 1, number, key, name);
    ck_assert(buf_sink_new(&object, &to, &e) == ERR_OK &&
              store_get(repo.store, key, NULL, to, NULL, &e) == ERR_OK);
    sink_free(to);
    ck_assert(descriptor_length(object.data, &length, &e) == ERR_OK &&
              descriptor_parse(object.data, length, &d, id, &e) == ERR_OK);
    json_decref(d.facts);
    d.facts = NULL;
    ck_assert(wal_facts_write(lie, &d, &e) == ERR_OK && descriptor_format(&d, &forged, id, &e) == ERR_OK &&
              buf_append(&forged, object.data + length, object.len - length, &e) == ERR_OK);
    ck_assert(store_remove(repo.store, key, &e) == ERR_OK &&
              store_put(repo.store, key, forged.data, forged.len, &e) == ERR_OK);
}

/* Segment `index` counts nothing, and what its run tells is that of transaction 1. */
static const struct lie_case {
    const char *why;
    const char *wal;
    uint64_t index;
    bool reached;
} lie_cases[] = {
    {"one hides its own commit", "c1@10 | | | c2@20 | c3@30", 3, true},
    {"one hides the commit before it", "c1@10 | | | c2@20 | | | c3@30", 6, true},
    {"the last one of all does", "c1@10 | | | c2@20", 3, false},
    {"one hides that there is any", "c2@20 | | c3@30", 1, true},
};

START_TEST(a_lie_that_would_end_recovery_too_early_is_found)
{
    const struct lie_case *c = &lie_cases[_i];
    const struct target t = {.kind = TARGET_TIME, .time_us = NOON + 25 * SECOND, .or_latest = true};
    const struct wal_place place = {&repo, &layout, MIB, NULL};
    const uint64_t last = archive_wal(c->wal), number = FIRST + c->index;
    struct plan_moment m = {.known = false};
    char key[STORE_KEY_MAX + 1], name[WALFILE_NAME_MAX];
    struct wal_facts f;

    ck_assert_msg(look(last, &t, (lsn) FIRST * MIB + 40, &m) == ERR_OK, "%s: %s", c->why, e.text);
    check_moment(c->why, &m, c->reached, 2, c->reached ? 3 : 0);
    ck_assert(wal_object_facts(&place, 1, number, &f, &e) == ERR_OK);
    f.commits = f.drops = 0;
    f.commit_lsn = 0;
    f.run_commit = begins[1];
    f.run_max_us = NOON + 10 * SECOND;
    f.run_has_max = begins[1] != 0;
    forge(number, &f);
    wal_object_key(&place, 1, number, key, name);
    ck_assert_msg(look(last, &t, (lsn) FIRST * MIB + 40, &m) == ERR_CORRUPT, "%s: kept %u", c->why,
                  m.kept.xid);
    ck_assert_msg(strstr(e.text, name) != NULL, "%s: %s", c->why, e.text);
}
END_TEST

START_TEST(a_stretch_that_ends_before_the_backup_does_holds_nothing)
{
    const struct target t = {.kind = TARGET_TIME, .time_us = NOON + 25 * SECOND};
    uint64_t last = archive_wal("c1@10 | c2@20 | c3@30");
    struct plan_moment m;

    ck_assert_int_eq(look(last - 1, &t, last * MIB + 40, &m), ERR_OK);
    check_moment("behind the stretch", &m, false, 0, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/wal_search");
    TCase *tests = tcase_create("ops/wal_search");

    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    thin_loop_test(tests, a_time_is_the_last_commit_that_postgresql_would_keep, COUNT(time_cases));
    tcase_add_test(tests, a_backup_that_is_past_the_time_itself_is_told);
    tcase_add_test(tests, a_standbys_backup_is_held_against_what_lies_before_it);
    tcase_add_test(tests, a_long_stretch_without_commits_hides_none);
    thin_loop_test(tests, an_xid_or_a_name_is_its_record, COUNT(mark_cases));
    tcase_add_test(tests, a_name_is_looked_for_as_far_as_asked);
    thin_loop_test(tests, an_lsn_is_reached_when_a_record_begins_at_or_behind_it, COUNT(lsn_cases));
    thin_loop_test(tests, an_lsn_lies_between_two_transactions, COUNT(boundary_cases));
    tcase_add_test(tests, the_end_has_its_last_transaction);
    tcase_add_test(tests, a_record_that_fills_the_last_segments_reaches_no_lsn_in_it);
    tcase_add_loop_test(tests, damaged_wal_is_an_error_and_not_an_absent_target, 0, COUNT(damage_targets));
    tcase_add_loop_test(tests, wal_that_ends_before_the_stretch_does_is_an_error, 0, COUNT(damage_targets));
    tcase_add_loop_test(tests, an_unreachable_repository_is_an_error, 0, COUNT(damage_targets));
    tcase_add_loop_test(tests, without_an_identity_the_moment_is_not_known, 0, COUNT(damage_targets));
    tcase_add_test(tests, without_an_identity_an_lsn_is_looked_up_by_descriptors);
    tcase_add_loop_test(tests, a_store_that_denies_access_is_an_error, 0, COUNT(damage_targets));
    tcase_add_loop_test(tests, a_lie_that_would_end_recovery_too_early_is_found, 0, COUNT(lie_cases));
    tcase_add_test(tests, a_stretch_that_ends_before_the_backup_does_holds_nothing);
    suite_add_tcase(suite, tests);
    return check_main(suite);
}
