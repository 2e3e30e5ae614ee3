/*
 * test_plan.c - a plan is made of facts alone: every kind of target is a table row, and histories are any at all.
 */
#include "plan_made.h"

#include "check_main.h"

/* "name=value name=value" of a plan. */
static const char *settings_of(const struct plan *p)
{
    static char text[2048];
    size_t len = 0;

    text[0] = '\0';
    for (size_t i = 0; i < p->setting_count; i++)
        len += (size_t) snprintf(text + len, sizeof(text) - len, "%s%s=%s", i > 0 ? " " : "",
                                 p->settings[i].name + strlen("recovery_target"), p->settings[i].value);
    return text;
}

/* ---- settings ---- */

#define KEPT \
    .known = true, .reached = true, .has_kept = true, .kept.start = AT(7, 0x100), .kept.end = AT(7, 0x130)

static const struct settings_case {
    const char *why;
    struct target target;
    struct plan_moment moment;
    const char *settings; /* without the common beginning of their names */
    uint64_t last;
    lsn ends_at;
} settings_cases[] = {
    {"latest", {.kind = TARGET_LATEST}, {.known = false}, "_timeline=1", 9, 0},
    {"immediate",
     {.kind = TARGET_IMMEDIATE},
     {.known = false},
     "_timeline=1 =immediate _action=pause",
     5,
     AT(5, 96)},
    {"LSN",
     {.kind = TARGET_LSN, .lsn = AT(7, 0x100), .action = ACTION_PROMOTE},
     {.known = true, .reached = true},
     "_timeline=1 _lsn=0/700100 _inclusive=on _action=promote",
     7,
     AT(7, 0x100)},
    {"LSN, exclusive",
     {.kind = TARGET_LSN, .lsn = AT(7, 0x100), .exclusive = true, .action = ACTION_SHUTDOWN},
     {.known = true, .reached = true},
     "_timeline=1 _lsn=0/700100 _inclusive=off _action=shutdown",
     7,
     AT(7, 0x100)},
    {"a time is the last kept commit, inclusive",
     {.kind = TARGET_TIME, .time_us = NOON + SECOND},
     {KEPT},
     "_timeline=1 _lsn=0/700100 _inclusive=on _action=pause",
     7,
     AT(7, 0x100)},
    {"an exclusive time too",
     {.kind = TARGET_TIME, .time_us = NOON + SECOND, .exclusive = true},
     {KEPT},
     "_timeline=1 _lsn=0/700100 _inclusive=on _action=pause",
     7,
     AT(7, 0x100)},
    {"an exclusive xid too",
     {.kind = TARGET_XID, .xid = 7, .exclusive = true},
     {KEPT},
     "_timeline=1 _lsn=0/700100 _inclusive=on _action=pause",
     7,
     AT(7, 0x100)},
    {"a kept record that ends in the next segment needs that",
     {.kind = TARGET_TIME, .time_us = NOON + SECOND},
     {.known = true, .reached = true, .has_kept = true, .kept.start = AT(8, 0) - 8, .kept.end = AT(8, 64)},
     "_timeline=1 _lsn=0/7FFFF8 _inclusive=on _action=pause",
     8,
     AT(8, 0) - 8},
    {"one that ends at a border does not",
     {.kind = TARGET_TIME, .time_us = NOON + SECOND},
     {.known = true, .reached = true, .has_kept = true, .kept.start = AT(8, 0) - 48, .kept.end = AT(8, 0)},
     "_timeline=1 _lsn=0/7FFFD0 _inclusive=on _action=pause",
     7,
     AT(8, 0) - 48},
    {"nothing kept behind the backup: as soon as it is consistent",
     {.kind = TARGET_TIME, .time_us = NOON + SECOND},
     {.known = true, .reached = true},
     "_timeline=1 =immediate _action=pause",
     5,
     AT(5, 96)},
    {"a restore point is its record",
     {.kind = TARGET_NAME, .name = "p"},
     {KEPT, .is_stop_lsn = true, .stop_lsn = AT(7, 0x200), .stop_end = AT(7, 0x268)},
     "_timeline=1 _lsn=0/700200 _inclusive=on _action=pause",
     7,
     AT(7, 0x200)},
    {"a restore point that ends in the next segment needs that",
     {.kind = TARGET_NAME, .name = "p"},
     {KEPT, .is_stop_lsn = true, .stop_lsn = AT(8, 0) - 8, .stop_end = AT(8, 136)},
     "_timeline=1 _lsn=0/7FFFF8 _inclusive=on _action=pause",
     8,
     AT(8, 0) - 8},
    {"a time that could not be looked up",
     {.kind = TARGET_TIME, .time_us = NOON + SECOND},
     {.known = false},
     "_timeline=1 _time=2026-11-20 12:00:01+00 _inclusive=on _action=pause",
     9,
     0},
    {"an xid that could not be looked up",
     {.kind = TARGET_XID, .xid = 7, .exclusive = true},
     {.known = false},
     "_timeline=1 _xid=7 _inclusive=off _action=pause",
     9,
     0},
    {"a name that could not be looked up",
     {.kind = TARGET_NAME, .name = "p"},
     {.known = false},
     "_timeline=1 _name=p _action=pause",
     9,
     0},
    {"a time behind the end, with --or-latest",
     {.kind = TARGET_TIME, .time_us = NOON + SECOND, .or_latest = true},
     {.known = true, .last_us = NOON, .has_kept = true, .kept.start = AT(7, 0x100), .kept.end = AT(7, 0x140)},
     "_timeline=1 _lsn=0/700100 _inclusive=on _action=pause",
     7,
     AT(7, 0x100)},
    {"a time behind the end, with --or-latest, and nothing behind the backup",
     {.kind = TARGET_TIME, .time_us = NOON + SECOND, .or_latest = true},
     {.known = true},
     "_timeline=1 =immediate _action=pause",
     5,
     AT(5, 96)},
};

START_TEST(every_target_becomes_the_settings_that_end_recovery_there)
{
    const struct settings_case *c = &settings_cases[_i];
    const struct backup_info b = backup_of("b", 1, AT(4, 40), AT(5, 96), NOON);
    struct timeline_path path = path_of(1, NULL);
    struct wal_run room[16];
    const struct wal_runs runs = runs_of("1:3-9", room);
    struct plan p;

    ck_assert_msg(settle(&c->target, &b, &path, &runs, &c->moment, &p) == ERR_OK, "%s: %s", c->why, e.text);
    ck_assert_msg(strcmp(settings_of(&p), c->settings) == 0, "%s: %s", c->why, settings_of(&p));
    ck_assert_msg(p.last_segment == c->last, "%s: up to %lu", c->why, (unsigned long) p.last_segment);
    ck_assert_msg(p.target_lsn == c->ends_at, "%s: ends at %lx", c->why, (unsigned long) p.target_lsn);
    ck_assert_uint_eq(p.end_of_archive, AT(10, 0));
    plan_clear(&p);
    timeline_clear(&path);
}
END_TEST

/* ---- any history at all, against a model that looks at each segment ---- */

#define TIMELINES 4
#define SEGMENTS  24

static uint64_t state;

static unsigned below(unsigned limit)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned) (state >> 33) % limit;
}

struct world {
    uint32_t tli;
    char history[512];
    lsn switches[TIMELINES]; /* of timeline i + 1, as its children's histories say */
    bool stored[TIMELINES + 1][SEGMENTS];
    struct wal_run room[TIMELINES * SEGMENTS];
    struct wal_runs runs;
};

static lsn any_lsn(unsigned first, unsigned last)
{
    unsigned seg = first + below(last - first + 1);

    return below(4) == 0 ? AT(seg, 0) : AT(seg, 8 + below(MIB / 8 - 1) * 8);
}

static void world_make(struct world *w)
{
    size_t len = 0;

    *w = (struct world){.tli = 1 + below(TIMELINES), .runs = {w->room, 0}};
    for (uint32_t tli = 1; tli < w->tli; tli++) {
        char position[LSN_TEXT_MAX];

        w->switches[tli - 1] = any_lsn(2, SEGMENTS - 4);
        lsn_format(w->switches[tli - 1], position);
        len += (size_t) snprintf(w->history + len, sizeof(w->history) - len, "%u\t%s\tx\n", tli, position);
    }
    for (uint32_t tli = 1; tli <= TIMELINES; tli++)
        for (unsigned seg = 0; seg < SEGMENTS; seg++)
            w->stored[tli][seg] = below(40) != 0;
    for (uint32_t tli = 1; tli <= TIMELINES; tli++)
        for (unsigned seg = 1; seg < SEGMENTS; seg++) {
            struct wal_run *run = &w->room[w->runs.count];

            if (!w->stored[tli][seg])
                continue;
            if (w->runs.count > 0 && run[-1].tli == tli && run[-1].last + 1 == seg)
                run[-1].last++;
            else
                w->room[w->runs.count++] = (struct wal_run){.tli = tli, .first = seg, .last = seg};
        }
}

/* A child's copy counts from the segment it begins in; a later switch further down takes even that away. */
static uint32_t owner_of(const struct world *w, unsigned seg)
{
    uint32_t owner = 1;

    for (uint32_t tli = 2; tli <= w->tli; tli++) {
        lsn begin = UINT64_MAX;

        for (uint32_t later = tli - 1; later < w->tli; later++)
            if (w->switches[later - 1] < begin)
                begin = w->switches[later - 1];
        if (begin / MIB <= seg)
            owner = tli;
    }
    return owner;
}

static unsigned first_missing(const struct world *w, unsigned from)
{
    unsigned seg = from;

    while (seg < SEGMENTS && w->stored[owner_of(w, seg)][seg])
        seg++;
    return seg;
}

static bool any_from(const struct world *w, unsigned seg)
{
    for (; seg < SEGMENTS; seg++)
        if (w->stored[owner_of(w, seg)][seg])
            return true;
    return false;
}

static void settle_against_model(const struct world *w, uint64_t seed)
{
    lsn start = any_lsn(1, 8), stop = start + 8 + below(3 * MIB), wanted = stop + below(12 * MIB);
    struct backup_info b = backup_of("b", 1, start, stop, NOON);
    const enum target_kind kinds[] = {TARGET_LSN, TARGET_LATEST, TARGET_IMMEDIATE};
    const struct target t = {.kind = kinds[below(3)], .lsn = wanted};
    const struct plan_moment reached = {.known = true, .reached = true};
    struct timeline_path path = path_of(w->tli, w->tli == 1 ? NULL : w->history);
    unsigned missing = first_missing(w, (unsigned) (start / MIB));
    bool is_possible = (stop - 1) / MIB < missing;
    char name[WALFILE_NAME_MAX];
    struct plan p;

    if (t.kind == TARGET_LSN)
        is_possible = is_possible && wanted / MIB < missing;
    if (t.kind == TARGET_LATEST)
        is_possible = is_possible && !any_from(w, missing);
    if (settle(&t, &b, &path, &w->runs, &reached, &p) == ERR_OK) {
        ck_assert_msg(is_possible, "seed %lu: planned over segment %u", (unsigned long) seed, missing);
        ck_assert_msg(p.last_segment < missing && p.end_of_archive == AT(missing, 0), "seed %lu",
                      (unsigned long) seed);
        plan_clear(&p);
    } else {
        ck_assert_msg(!is_possible && e.code == ERR_REFUSED, "seed %lu: %s", (unsigned long) seed, e.text);
        walseg_name(owner_of(w, missing), missing, MIB, name);
        has("text", e.text, name, "the first missing segment");
        has("text", e.text,
            any_from(w, missing) ? "is missing, with later ones present" : "archived WAL ends", "gap or end");
        e = ERR_NONE;
    }
    timeline_clear(&path);
}

START_TEST(a_plan_of_any_history_is_whole_or_refused_for_the_segment_that_is_missing)
{
    static struct world w;

    for (uint64_t seed = 1; seed <= 20000; seed += thin_step()) {
        state = seed;
        (void) below(1);
        world_make(&w);
        settle_against_model(&w, seed);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/plan");
    TCase *tables = tcase_create("ops/plan");

    tcase_set_timeout(tables, 60);
    tcase_add_checked_fixture(tables, forget, NULL);
    tcase_add_loop_test(tables, every_target_becomes_the_settings_that_end_recovery_there, 0,
                        COUNT(settings_cases));
    tcase_add_test(tables, a_plan_of_any_history_is_whole_or_refused_for_the_segment_that_is_missing);
    suite_add_tcase(suite, tables);
    return check_main(suite);
}
