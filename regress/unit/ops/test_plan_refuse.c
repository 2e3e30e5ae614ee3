/*
 * test_plan_refuse.c - what a plan is refused for, and what is said to be possible instead.
 */
#include "plan_made.h"

#include "check_main.h"

#define EDGE  "1\t0/700000\tno recovery target specified\n" /* at the border before segment 7       */
#define TWICE "1\t0/700200\tx\n2\t0/700900\tx\n"            /* twice inside segment 7               */
#define BACK  "1\t0/900000\tx\n2\t0/700200\tx\n"            /* descending: timeline 2 owns nothing  */

static const struct coverage_case {
    const char *why;
    uint32_t tli;
    const char *history;
    const char *runs;
    lsn target;       /* 0 = latest, 1 = immediate          */
    uint64_t last;    /* last segment needed; 0 = refused   */
    const char *text; /* of the refusal                     */
    const char *hint;
} coverage_cases[] = {
    {"whole", 1, NULL, "1:3-9", AT(8, 5), 8, NULL, NULL},
    {"the last byte of the last segment", 1, NULL, "1:3-9", AT(9, MIB - 1), 9, NULL, NULL},
    {"one byte behind it", 1, NULL, "1:3-9", AT(10, 0), 0,
     "LSN 0/A00000 can't be reached: archived WAL ends before segment \"00000001000000000000000A\"",
     "From backup b everything up to LSN 0/A00000 can be restored."},
    {"a gap before the backup is none", 1, NULL, "1:1-2 1:4-9", AT(8, 5), 8, NULL, NULL},
    {"a gap behind the target is none", 1, NULL, "1:4-8 1:10-12", AT(8, 5), 8, NULL, NULL},
    {"a gap before the target", 1, NULL, "1:4-6 1:8-12", AT(8, 5), 0,
     "LSN 0/800005 can't be reached: segment \"000000010000000000000007\" is missing, with later ones "
     "present",
     "From backup b everything up to LSN 0/700000 can be restored."},
    {"latest up to the end", 1, NULL, "1:4-6", 0, 6, NULL, NULL},
    {"latest over a gap", 1, NULL, "1:4-6 1:8-12", 0, 0, "segment \"000000010000000000000007\" is missing",
     "--or-latest"},
    {"nothing at all", 1, NULL, "", 0, 0,
     "the end of backup b can't be reached: archived WAL ends before segment \"000000010000000000000004\"",
     "This backup can't be made consistent. Name another one with --backup."},
    {"the backup's first segment is missing", 1, NULL, "1:5-9", AT(8, 5), 0,
     "the end of backup b can't be reached: segment \"000000010000000000000004\" is missing",
     "This backup can't be made consistent."},
    {"the backup's last segment is missing", 1, NULL, "1:4-4", 1, 0,
     "the end of backup b can't be reached: archived WAL ends before segment \"000000010000000000000005\"",
     "This backup can't be made consistent."},
    {"immediate needs the backup's own", 1, NULL, "1:4-5 1:7-9", 1, 5, NULL, NULL},
    {"over a switch", 2, TWO, "1:3-6 2:7-9", AT(8, 5), 8, NULL, NULL},
    {"the child's copy of the fork segment is missing", 2, TWO, "1:3-9 2:8-9", AT(8, 5), 0,
     "segment \"000000020000000000000007\" is missing, with later ones present", "up to LSN 0/700000"},
    {"the child has archived nothing yet", 2, TWO, "1:3-9", AT(8, 5), 0,
     "archived WAL ends before segment \"000000020000000000000007\"", "up to LSN 0/700000"},
    {"the child has archived nothing yet, latest", 2, TWO, "1:3-9", 0, 6, NULL, NULL},
    {"the parent's copy counts for nothing", 2, TWO, "1:3-5 2:7-9", AT(8, 5), 0,
     "segment \"000000010000000000000006\" is missing", NULL},
    {"a switch at a segment border", 2, EDGE, "1:3-6 2:7-9", AT(8, 5), 8, NULL, NULL},
    {"a switch at a border, the child's missing", 2, EDGE, "1:3-7 2:8-9", AT(8, 5), 0,
     "segment \"000000020000000000000007\" is missing", NULL},
    {"two switches in one segment: the youngest's copy", 3, TWICE, "1:3-6 3:7-9", AT(8, 5), 8, NULL, NULL},
    {"two switches in one segment: the middle's won't do", 3, TWICE, "1:3-6 2:7-9", AT(8, 5), 0,
     "archived WAL ends before segment \"000000030000000000000007\"", NULL},
    {"descending switches", 3, BACK, "1:3-6 2:9-12 3:7-9", AT(8, 5), 8, NULL, NULL},
    {"descending switches: the empty one's segments are nothing later", 3, BACK, "1:3-6 2:9-12", 0, 6, NULL,
     NULL},
    {"a child's stray segment below its beginning", 2, TWO, "1:3-4 2:5-9", 0, 0,
     "segment \"000000010000000000000005\" is missing, with later ones present", NULL},
    {"the parent's segments behind the fork are nothing later", 2, TWO, "1:3-5 1:8-9", 0, 5, NULL, NULL},
};

START_TEST(the_wal_from_the_backup_to_the_target_must_be_whole)
{
    const struct coverage_case *c = &coverage_cases[_i];
    const struct backup_info b = backup_of("b", 1, AT(4, 40), AT(5, 96), NOON);
    const struct plan_moment reached = {.known = true, .reached = true};
    struct timeline_path path = path_of(c->tli, c->history);
    struct wal_run room[16];
    const struct wal_runs runs = runs_of(c->runs, room);
    struct target t = {.kind = TARGET_LSN, .lsn = c->target};
    struct plan p;

    if (c->target < 2)
        t.kind = c->target == 0 ? TARGET_LATEST : TARGET_IMMEDIATE;
    if (settle(&t, &b, &path, &runs, &reached, &p) == ERR_OK) {
        ck_assert_msg(c->last != 0, "%s: planned up to segment %lu", c->why, (unsigned long) p.last_segment);
        ck_assert_msg(p.last_segment == c->last, "%s: up to %lu", c->why, (unsigned long) p.last_segment);
        ck_assert_uint_eq(p.first_segment, 4);
        ck_assert_uint_eq(p.wal_segments, c->last - 3);
        ck_assert_uint_eq(p.wal_stored_bytes, 100 * p.wal_segments);
        plan_clear(&p);
    } else {
        ck_assert_msg(c->last == 0 && e.code == ERR_REFUSED, "%s: %s", c->why, e.text);
        has("text", e.text, c->text, c->why);
        has("hint", e.hint, c->hint, c->why);
    }
    timeline_clear(&path);
}
END_TEST

/* ---- a target that was not found ---- */

static const struct unfound_case {
    const char *why;
    struct target target;
    struct plan_moment moment;
    const char *runs;
    const char *text;
    const char *hint;
} unfound_cases[] = {
    {"a time after the last commit",
     {.kind = TARGET_TIME, .time_us = NOON + 5 * SECOND},
     {.known = true, .last_us = NOON + SECOND},
     "1:3-9",
     "no transaction behind the target time 2026-11-20 12:00:05+00 is archived: the last one is of "
     "2026-11-20 "
     "12:00:01+00",
     "--or-latest restores all there is; an earlier time can be reached exactly."},
    {"a time after a backup without any commit behind it",
     {.kind = TARGET_TIME, .time_us = NOON + 5 * SECOND},
     {.known = true},
     "1:3-9",
     "no transaction is archived between backup b and the end of WAL",
     "--or-latest restores all there is."},
    {"a time that may lie behind a gap",
     {.kind = TARGET_TIME, .time_us = NOON + 5 * SECOND},
     {.known = true, .last_us = NOON + SECOND},
     "1:3-6 1:8-9",
     "2026-11-20 12:00:05+00 can't be reached: segment \"000000010000000000000007\" is missing",
     "up to LSN 0/700000"},
    {"an LSN behind the last record",
     {.kind = TARGET_LSN, .lsn = AT(9, 0x500)},
     {.known = true, .last_lsn = AT(9, 0x300)},
     "1:3-9",
     "no record at or behind LSN 0/900500 is archived",
     "The last archived record begins at 0/900300."},
    {"an xid",
     {.kind = TARGET_XID, .xid = 77},
     {.known = true},
     "1:3-9",
     "transaction 77 did not end in the archived WAL of timeline 1",
     "give that of the transaction around it."},
    {"an xid that may lie behind a gap",
     {.kind = TARGET_XID, .xid = 77},
     {.known = true},
     "1:3-6 1:8-9",
     "transaction 77 was not found before segment \"000000010000000000000007\", which is missing, with later "
     "ones present",
     "From backup b everything up to LSN 0/700000 can be restored"},
    {"an xid, behind the backup that was named",
     {.kind = TARGET_XID, .xid = 77, .backup_id = "b"},
     {.known = true},
     "1:3-9",
     "transaction 77 did not end in the archived WAL of timeline 1 behind backup b",
     "Without --backup it is looked for behind earlier backups, too."},
    {"a name",
     {.kind = TARGET_NAME, .name = "p"},
     {.known = true},
     "1:3-9",
     "restore point \"p\" is not in the archived WAL of timeline 1",
     NULL},
};

START_TEST(a_target_that_is_not_in_the_wal_is_refused)
{
    const struct unfound_case *c = &unfound_cases[_i];
    const struct backup_info b = backup_of("b", 1, AT(4, 40), AT(5, 96), NOON);
    struct timeline_path path = path_of(1, NULL);
    struct wal_run room[16];
    const struct wal_runs runs = runs_of(c->runs, room);
    struct plan p;

    ck_assert_msg(settle(&c->target, &b, &path, &runs, &c->moment, &p) == ERR_REFUSED, "%s", c->why);
    has("text", e.text, c->text, c->why);
    has("hint", e.hint, c->hint, c->why);
    timeline_clear(&path);
}
END_TEST

START_TEST(a_gap_is_refused_with_the_nearest_moments_around_it)
{
    const struct backup_info b = backup_of("b", 1, AT(4, 40), AT(5, 96), NOON);
    const struct backup_info behind = backup_of("next", 1, AT(10, 40), AT(11, 96), NOON + 60 * SECOND);
    const struct target t = {.kind = TARGET_TIME, .time_us = NOON + 5 * SECOND};
    const struct plan_moment moment = {.known = true, .last_us = NOON + SECOND};
    struct timeline_path path = path_of(1, NULL);
    struct wal_run room[16];
    const struct wal_runs runs = runs_of("1:3-6 1:8-12", room);
    struct plan p;

    next_backup = &behind;
    ck_assert_int_eq(settle(&t, &b, &path, &runs, &moment, &p), ERR_REFUSED);
    has("text", e.text, "segment \"000000010000000000000007\" is missing, with later ones present", "");
    ck_assert_str_eq(e.hint,
                     "From backup b everything up to LSN 0/700000 (last transaction 2026-11-20 12:00:01+00) "
                     "can be restored; the next moment is 2026-11-20 12:01:00+00 (LSN 0/B00060), the end of "
                     "backup next.");
    timeline_clear(&path);
}
END_TEST

/* ---- WAL that was damaged when it was archived: in segment 7, at 0/700320 ---- */

#define DAMAGE "WAL is damaged at LSN 0/700320 in segment \"000000010000000000000007\", as it was archived"

static const struct damage_case {
    const char *why;
    struct target target;
    bool known, reached;
    lsn stop;      /* of the backup                    */
    uint64_t last; /* segment needed; 0 = refused      */
    const char *text;
    const char *hint; /* of a refusal; of a plan: what it warns of */
} damage_cases[] = {
    {"an LSN before it", {.kind = TARGET_LSN, .lsn = AT(7, 799)}, true, true, AT(5, 96), 7, NULL, DAMAGE},
    {"the LSN itself",
     {.kind = TARGET_LSN, .lsn = AT(7, 800)},
     true,
     false,
     AT(5, 96),
     0,
     "LSN 0/700320 can't be reached: " DAMAGE,
     "everything up to LSN 0/700320 can be restored"},
    {"an LSN behind it",
     {.kind = TARGET_LSN, .lsn = AT(8, 5)},
     true,
     false,
     AT(5, 96),
     0,
     "LSN 0/800005 can't be reached: " DAMAGE,
     "up to LSN 0/700320"},
    {"an LSN behind the last record before it",
     {.kind = TARGET_LSN, .lsn = AT(7, 790)},
     true,
     false,
     AT(5, 96),
     0,
     "a record at or behind LSN 0/700316 was not found before the damage: " DAMAGE,
     "everything up to LSN 0/700320"},
    {"an LSN behind it that was not looked up",
     {.kind = TARGET_LSN, .lsn = AT(7, 800)},
     false,
     false,
     AT(5, 96),
     0,
     "can't be reached: " DAMAGE,
     NULL},
    {"a time behind it",
     {.kind = TARGET_TIME, .time_us = NOON + SECOND},
     true,
     false,
     AT(5, 96),
     0,
     "2026-11-20 12:00:01+00 can't be reached: " DAMAGE,
     "up to LSN 0/700320"},
    {"a time behind it, with --or-latest",
     {.kind = TARGET_TIME, .time_us = NOON + SECOND, .or_latest = true},
     true,
     false,
     AT(5, 96),
     5,
     NULL,
     DAMAGE "; nothing behind it can be reached from this backup"},
    {"a transaction behind it",
     {.kind = TARGET_XID, .xid = 7},
     true,
     false,
     AT(5, 96),
     0,
     "transaction 7 was not found before the damage: " DAMAGE,
     "everything up to LSN 0/700320"},
    {"what only recovery can find", {.kind = TARGET_XID, .xid = 7}, false, false, AT(5, 96), 7, NULL, DAMAGE},
    {"all there is",
     {.kind = TARGET_LATEST},
     true,
     false,
     AT(5, 96),
     0,
     "the end of the archived WAL can't be reached: " DAMAGE,
     "--or-latest"},
    {"the backup's own, behind its end",
     {.kind = TARGET_IMMEDIATE},
     false,
     false,
     AT(7, 800),
     7,
     NULL,
     DAMAGE},
    {"the backup's own",
     {.kind = TARGET_IMMEDIATE},
     false,
     false,
     AT(7, 801),
     0,
     "the end of backup b can't be reached: " DAMAGE,
     "This backup can't be made consistent."},
};

START_TEST(behind_damaged_wal_nothing_is_promised)
{
    const struct damage_case *c = &damage_cases[_i];
    const struct backup_info b = backup_of("b", 1, AT(4, 40), c->stop, NOON);
    struct timeline_path path = path_of(1, NULL);
    struct plan_facts f = {.backup = &b,
                           .path = &path,
                           .coverage = {.any = true, .whole_to = 12, .missing = 13, .stored_bytes = 900},
                           .moment = {.known = c->known, .reached = c->reached}};
    struct plan p;

    plan_coverage_cut(&f.coverage, &path, MIB, 4, 7, AT(7, 800));
    ck_assert_uint_eq(f.coverage.stored_bytes, 400);
    if (plan_settle(&c->target, &f, &p, &e) == ERR_OK) {
        ck_assert_msg(c->last == p.last_segment, "%s: up to segment %lu", c->why,
                      (unsigned long) p.last_segment);
        ck_assert(p.end_of_archive == AT(7, 800) && p.damaged_at == AT(7, 800));
        has("warning", p.warnings[0], c->hint, c->why);
        plan_clear(&p);
    } else {
        ck_assert_msg(c->last == 0 && e.code == ERR_REFUSED, "%s: %s", c->why, e.text);
        has("text", e.text, c->text, c->why);
        has("hint", e.hint, c->hint, c->why);
    }
    timeline_clear(&path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/plan_refuse");
    TCase *tables = tcase_create("ops/plan_refuse");

    tcase_set_timeout(tables, 60);
    tcase_add_checked_fixture(tables, forget, NULL);
    tcase_add_loop_test(tables, the_wal_from_the_backup_to_the_target_must_be_whole, 0,
                        COUNT(coverage_cases));
    tcase_add_loop_test(tables, a_target_that_is_not_in_the_wal_is_refused, 0, COUNT(unfound_cases));
    tcase_add_test(tables, a_gap_is_refused_with_the_nearest_moments_around_it);
    tcase_add_loop_test(tables, behind_damaged_wal_nothing_is_promised, 0, COUNT(damage_cases));
    suite_add_tcase(suite, tables);
    return check_main(suite);
}
