/*
 * test_windows.c - windows and holes of given WAL and backups, and of random ones against a model.
 *
 * WAL is drawn, a string for each timeline: '#' in place n is segment n (1 MiB), 'x' one that is damaged in its middle,
 * '.' a missing one. What is found is
 * written down as "w<backup>:<first>-<last>x<backups>" for a window, whose first is the segment that its backup ends
 * in, and a letter with "<from>-<to>" for a hole, both LSNs in tenths of segments, with the missing ones in
 * parentheses, and "!<LSN>" where WAL is damaged.
 */
#include "ops/windows.h"

#include "check_main.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MIB          (1u << 20)
#define TENTH        (MIB / 10)
#define TIMELINES    4
#define SEGMENTS     16
#define BACKUPS      5
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct world {
    struct wal_timeline timelines[TIMELINES];
    struct timeline_entry entries[TIMELINES][TIMELINES];
    bool stored[TIMELINES + 1][SEGMENTS + 1]; /* by timeline and segment */
    bool damaged[TIMELINES + 1][SEGMENTS + 1];
    struct wal_run runs[TIMELINES * SEGMENTS];
    struct wal_break breaks[TIMELINES * (SEGMENTS + 1)];
    struct backup_info backups[BACKUPS];
    struct wal_timelines timeline_list;
    struct backup_list backup_list;
    struct wal_runs run_list;
    struct wal_breaks break_list;
    struct windows found;
};

static struct world world;
static struct err e;

static lsn tenths(unsigned n)
{
    return (lsn) (n / 10) * MIB + n % 10 * TENTH;
}

static void add_timeline(struct world *w, uint32_t tli, uint32_t parent, lsn begin)
{
    struct wal_timeline *t = &w->timelines[w->timeline_list.count++];
    struct timeline_entry *entries = w->entries[tli - 1];
    size_t count = 0;

    if (parent != 0) {
        count = w->timelines[parent - 1].path.count;
        memcpy(entries, w->entries[parent - 1], count * sizeof(*entries));
        for (size_t i = 0; i < count; i++) { /* a later switch further left empties what lay behind it */
            entries[i].begin = entries[i].begin < begin ? entries[i].begin : begin;
            entries[i].end = entries[i].end < begin ? entries[i].end : begin;
        }
    }
    entries[count] = (struct timeline_entry){.tli = tli, .begin = begin, .end = TIMELINE_NOT_ENDED};
    *t = (struct wal_timeline){
        .tli = tli, .has_history = parent != 0, .path = {.entries = entries, .count = count + 1}};
}

static void add_runs(struct world *w, uint32_t tli)
{
    for (uint64_t n = 0; n <= SEGMENTS; n++) {
        struct wal_run *last = w->run_list.count > 0 ? &w->runs[w->run_list.count - 1] : NULL;

        if (!w->stored[tli][n])
            continue;
        w->timelines[tli - 1].has_segments = true;
        if (last != NULL && last->tli == tli && last->last + 1 == n)
            last->last = n;
        else
            w->runs[w->run_list.count++] = (struct wal_run){.tli = tli, .first = n, .last = n};
    }
}

static void add_breaks(struct world *w, uint32_t tli)
{
    for (uint64_t n = 0; n <= SEGMENTS; n++)
        if (w->damaged[tli][n])
            w->breaks[w->break_list.count++] = (struct wal_break){tli, n, n * MIB + 5 * TENTH};
}

static void add_backup(struct world *w, uint32_t tli, lsn start, lsn stop)
{
    struct backup_info *b = &w->backups[w->backup_list.count];

    *b = (struct backup_info){.timeline = tli, .start_lsn = start, .stop_lsn = stop, .segment_bytes = MIB};
    (void) snprintf(b->id, sizeof(b->id), "%zu", w->backup_list.count++);
}

static void find(struct world *w)
{
    const struct windows_facts facts = {&w->timeline_list, &w->backup_list, &w->run_list, MIB,
                                        &w->break_list};

    w->break_list.list = w->breaks;
    w->timeline_list.list = w->timelines;
    w->backup_list.list = w->backups;
    w->run_list.list = w->runs;
    ck_assert_int_eq(windows_find(&facts, &w->found, &e), ERR_OK);
}

/* ---- drawn cases ---- */

static void write_piece(const struct window_piece *p, FILE *out)
{
    const struct hole *h = &p->hole;
    const struct window *w = &p->window;

    if (!p->is_hole) {
        fprintf(out, " w%s:%" PRIu64 "-%" PRIu64 "x%zu", w->backup->id,
                walseg_number(w->backup->stop_lsn - 1, MIB), w->last, w->backups);
        if (w->end != walseg_start(w->last + 1, MIB))
            fprintf(out, "!%" PRIu64, w->end / TENTH);
        return;
    }
    fprintf(out, " %c%" PRIu64 "-%" PRIu64, "gbtnh"[h->cause], h -> from / TENTH, h -> to / TENTH);
    for (size_t i = 0; i < h->gap_count; i++) {
        if (h->gaps[i].damaged_at != 0)
            fprintf(out, "!%u:%" PRIu64, h->gaps[i].damaged_tli, h->gaps[i].damaged_at / TENTH);
        if (h->gaps[i].last >= h->gaps[i].first)
            fprintf(out, "(%u:%" PRIu64 "-%u:%" PRIu64 ")", h->gaps[i].first_tli, h->gaps[i].first,
                    h->gaps[i].last_tli, h->gaps[i].last);
    }
}

static char *written(const struct windows *w)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    ck_assert_ptr_nonnull(out);
    for (size_t i = 0; i < w->count; i++) {
        const struct windows_timeline *t = &w->list[i];

        fprintf(out, "%s%u%s", i > 0 ? "; " : "", t->tli, t->has_wal ? "" : "?");
        for (size_t k = 0; k < t->count; k++)
            write_piece(&t->pieces[k], out);
        for (size_t k = 0; k < t->useless_count; k++) {
            fprintf(out, " u%s:%u:%" PRIu64, t->useless[k].backup->id, t->useless[k].missing_tli,
                    t->useless[k].missing);
            if (t->useless[k].damaged_at != 0)
                fprintf(out, "!%" PRIu64, t->useless[k].damaged_at / TENTH);
        }
    }
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

static const struct drawn {
    const char *why;
    const char *wal[3]; /* timelines 1, 2, 3 */
    struct {
        uint32_t parent;
        unsigned begin;
    } fork[3];
    struct {
        uint32_t tli;
        unsigned start;
        unsigned stop;
    } backups[3]; /* tenths of segments */
    const char *expected;
} drawn[] = {
    {"nothing but WAL", {".###"}, {{0, 0}}, {{0, 0, 0}}, "1 n10-40"},
    {"WAL with a gap, and no backup", {".#.#"}, {{0, 0}}, {{0, 0, 0}}, "1 n10-40(1:2-1:2)"},
    {"nothing but a backup", {NULL}, {{0, 0}}, {{1, 11, 15}}, "1? u0:1:1"},
    {"a backup and the WAL behind it", {".####"}, {{0, 0}}, {{1, 11, 15}}, "1 w0:1-4x1"},
    {"its own WAL only", {".#"}, {{0, 0}}, {{1, 11, 15}}, "1 w0:1-1x1"},
    {"WAL before the first backup", {".####"}, {{0, 0}}, {{1, 31, 35}}, "1 b10-35 w0:3-4x1"},
    {"two backups share a stretch", {".#####"}, {{0, 0}}, {{1, 11, 15}, {1, 31, 35}}, "1 w0:1-5x2"},
    {"one that begins later and ends first begins the window",
     {".######"},
     {{0, 0}},
     {{1, 11, 45}, {1, 21, 25}},
     "1 b10-25 w1:2-6x2"},
    {"a gap with a backup behind",
     {".##..###"},
     {{0, 0}},
     {{1, 11, 15}, {1, 61, 65}},
     "1 w0:1-2x1 g30-65(1:3-1:4) w1:6-7x1"},
    {"two gaps with a backup behind the second",
     {".#.#.##"},
     {{0, 0}},
     {{1, 11, 15}, {1, 51, 55}},
     "1 w0:1-1x1 g20-55(1:2-1:2)(1:4-1:4) w1:5-6x1"},
    {"a gap and no backup behind", {".#.#"}, {{0, 0}}, {{1, 11, 15}}, "1 w0:1-1x1 t20-40(1:2-1:2)"},
    {"a gap before the first backup", {".#.##"}, {{0, 0}}, {{1, 31, 35}}, "1 b10-35(1:2-1:2) w0:3-4x1"},
    {"a gap in a backup's own WAL",
     {".#####.#"},
     {{0, 0}},
     {{1, 11, 15}, {1, 51, 75}},
     "1 w0:1-5x1 t60-80(1:6-1:6) u1:1:6"},
    {"a backup's first segment is missing", {"..#"}, {{0, 0}}, {{1, 11, 25}}, "1 n20-30 u0:1:1"},
    {"a backup that ends at a border needs nothing behind it", {".#"}, {{0, 0}}, {{1, 11, 20}}, "1 w0:1-1x1"},
    {"a child goes on with the parent's backup",
     {".#####", "...###"},
     {{0, 0}, {1, 35}},
     {{1, 11, 15}},
     "1 w0:1-5x1; 2 w0:1-5x1"},
    {"a child that has archived nothing", {".#####"}, {{0, 0}, {1, 35}}, {{1, 11, 15}}, "1 w0:1-5x1; 2?"},
    {"the parent's backup behind the fork is not the child's",
     {".#####", "...###"},
     {{0, 0}, {1, 35}},
     {{1, 41, 45}},
     "1 b10-45 w0:4-5x1; 2 n35-60"},
    {"the child's first segment is missing",
     {".#####", "....##"},
     {{0, 0}, {1, 35}},
     {{1, 11, 15}},
     "1 w0:1-5x1; 2 t35-60(2:3-2:3)"},
    {"a gap over the fork",
     {".##..#", "....##"},
     {{0, 0}, {1, 45}},
     {{1, 11, 15}, {2, 51, 55}},
     "1 w0:1-2x1 t30-60(1:3-1:4); 2 g45-55(1:3-1:3) w1:5-5x1"},
    {"a gap in the shared past is the parent's affair",
     {".#.###", "....##"},
     {{0, 0}, {1, 45}},
     {{1, 11, 15}, {1, 31, 35}},
     "1 w0:1-1x1 g20-35(1:2-1:2) w1:3-5x1; 2 w1:3-5x1"},
    {"two forks in one segment",
     {".####", "...#", "...##"},
     {{0, 0}, {1, 32}, {2, 35}},
     {{1, 11, 15}},
     "1 w0:1-4x1; 2 w0:1-3x1; 3 w0:1-4x1"},
    {"damage with a backup behind",
     {".##x###"},
     {{0, 0}},
     {{1, 11, 15}, {1, 51, 55}},
     "1 w0:1-3x1!35 g35-55!1:35 w1:5-6x1"},
    {"a backup that begins behind damage in the same segment is of the past",
     {".##x###"},
     {{0, 0}},
     {{1, 11, 15}, {1, 37, 45}},
     "1 w0:1-3x1!35 t35-70!1:35 u1:1:3!35"},
    {"one that ends before the damage in its last segment is whole",
     {".#x#"},
     {{0, 0}},
     {{1, 11, 25}},
     "1 w0:2-2x1!25 t25-40!1:25"},
    {"damage at the end of all WAL", {".##x"}, {{0, 0}}, {{1, 11, 15}}, "1 w0:1-3x1!35 t35-40!1:35"},
    {"damage, and segments missing behind it",
     {".#x..#x##"},
     {{0, 0}},
     {{1, 11, 15}, {1, 71, 75}},
     "1 w0:1-2x1!25 g25-75!1:25(1:3-1:4)!1:65 w1:7-8x1"},
    {"damage before the first backup", {".#x##"}, {{0, 0}}, {{1, 31, 35}}, "1 b10-35!1:25 w0:3-4x1"},
    {"damage and no backup", {".#x#"}, {{0, 0}}, {{0, 0, 0}}, "1 n10-40!1:25"},
    {"the parent's damage behind the fork is not the child's",
     {".###x##", "...###"},
     {{0, 0}, {1, 35}},
     {{1, 11, 15}},
     "1 w0:1-4x1!45 t45-70!1:45; 2 w0:1-5x1"},
    {"the parent's damage before the fork is",
     {".#x###", "....##"},
     {{0, 0}, {1, 45}},
     {{1, 11, 15}},
     "1 w0:1-2x1!25 t25-60!1:25; 2 t45-60!1:25"},
    {"a history file is missing", {".##", "..##"}, {{0, 0}, {0, 0}}, {{2, 21, 25}}, "1 n10-30; 2 h20-40"},
};

static void draw(struct world *w, const struct drawn *d)
{
    for (uint32_t tli = 1; tli <= 3; tli++) {
        if (d->wal[tli - 1] == NULL && d->fork[tli - 1].parent == 0)
            continue;
        add_timeline(w, tli, d->fork[tli - 1].parent, tenths(d->fork[tli - 1].begin));
        for (size_t n = 0; d->wal[tli - 1] != NULL && d->wal[tli - 1][n] != '\0'; n++)
            w->stored[tli][n] = d->wal[tli - 1][n] != '.';
        for (size_t n = 0; d->wal[tli - 1] != NULL && d->wal[tli - 1][n] != '\0'; n++)
            w->damaged[tli][n] = d->wal[tli - 1][n] == 'x';
        add_runs(w, tli);
        add_breaks(w, tli);
    }
    for (size_t i = 0; i < COUNT(d->backups) && d->backups[i].tli != 0; i++)
        add_backup(w, d->backups[i].tli, tenths(d->backups[i].start), tenths(d->backups[i].stop));
}

START_TEST(windows_and_holes_are_as_drawn)
{
    const struct drawn *d = &drawn[_i];
    char *text;

    world = (struct world){.timeline_list = {.count = 0}};
    e = (struct err){.code = ERR_IO, .text = "left by an earlier call"};
    draw(&world, d);
    find(&world);
    text = written(&world.found);
    ck_assert_msg(strcmp(text, d->expected) == 0, "%s: %s, not %s", d->why, text, d->expected);
    ck_assert_str_eq(e.text, "left by an earlier call");
    free(text);
    windows_clear(&world.found);
}
END_TEST

START_TEST(a_backup_with_segments_of_another_size_is_told)
{
    world = (struct world){.timeline_list = {.count = 0}};
    draw(&world, &drawn[3]);
    world.backups[0].segment_bytes = 16 * MIB;
    find(&world);
    ck_assert_uint_eq(world.found.list[0].useless_count, 1);
    ck_assert(world.found.list[0].useless[0].is_other_size);
    ck_assert_int_eq(world.found.list[0].pieces[0].hole.cause, HOLE_NEVER);
    windows_clear(&world.found);
}
END_TEST

START_TEST(a_line_without_anything_has_no_windows)
{
    const struct windows_facts facts = {&world.timeline_list, &world.backup_list, &world.run_list, 0, NULL};
    struct windows found = {.count = 1};

    ck_assert_int_eq(windows_find(&facts, &found, &e), ERR_OK);
    ck_assert_uint_eq(found.count, 0);
}
END_TEST

/* ---- random worlds against a model ---- */

static uint64_t below(uint64_t *state, uint64_t bound)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (*state >> 33) % bound;
}

static void make_world(struct world *w, uint64_t *state)
{
    const uint32_t timelines = 1 + (uint32_t) below(state, TIMELINES);
    const uint64_t holes = 1 + below(state, 12), damages = 5 + below(state, 20);

    for (uint32_t tli = 1; tli <= timelines; tli++) {
        const uint32_t parent = tli == 1 ? 0 : 1 + (uint32_t) below(state, tli - 1);

        add_timeline(w, tli, parent,
                     parent == 0 ? 0 : tenths(10 + (unsigned) below(state, SEGMENTS * 10 - 20)));
        for (uint64_t n = 1; n <= SEGMENTS; n++)
            w->stored[tli][n] =
                below(state, holes) != 0 &&
                n >= walseg_number(w->entries[tli - 1][w->timelines[tli - 1].path.count - 1].begin, MIB);
        for (uint64_t n = 1; n <= SEGMENTS; n++)
            w->damaged[tli][n] =
                w->stored[tli][n] && below(state, damages) == 0 &&
                n * MIB + 5 * TENTH > w->entries[tli - 1][w->timelines[tli - 1].path.count - 1].begin;
        add_runs(w, tli);
        add_breaks(w, tli);
    }
    for (uint64_t i = below(state, BACKUPS + 1); i > 0; i--) {
        unsigned start = 10 + (unsigned) below(state, SEGMENTS * 10 - 10);

        add_backup(w, 1 + (uint32_t) below(state, timelines), tenths(start),
                   tenths(start + 1 + (unsigned) below(state, 25)));
    }
}

/* Whose copy of a segment counts on this timeline's path: that of the last entry which begins in it or before. */
static uint32_t model_owner(const struct world *w, uint32_t tli, uint64_t n)
{
    const struct timeline_path *path = &w->timelines[tli - 1].path;
    uint32_t owner = 0;

    for (size_t i = 0; i < path->count; i++)
        if (path->entries[i].begin / MIB <= n)
            owner = path->entries[i].tli;
    return owner;
}

static bool model_has(const struct world *w, uint32_t tli, uint64_t n)
{
    return n <= SEGMENTS && w->stored[model_owner(w, tli, n)][n];
}

/* Does replay get to this position of a segment that is there? */
static bool model_reads(const struct world *w, uint32_t tli, uint64_t n, lsn to)
{
    return model_has(w, tli, n) && (!w->damaged[model_owner(w, tli, n)][n] || to <= n * MIB + 5 * TENTH);
}

static bool model_on_path(const struct world *w, uint32_t tli, const struct backup_info *b)
{
    const struct timeline_path *path = &w->timelines[tli - 1].path;

    for (size_t i = 0; i < path->count; i++)
        if (path->entries[i].tli == b->timeline)
            return path->entries[i].begin <= b->stop_lsn && b->stop_lsn <= path->entries[i].end;
    return false;
}

/* Can anything in segment n, behind the backup's end, be reached from it? */
static bool model_reaches(const struct world *w, uint32_t tli, const struct backup_info *b, uint64_t n)
{
    const uint64_t stop = (b->stop_lsn - 1) / MIB;

    if (!model_on_path(w, tli, b) || n < stop)
        return false;
    for (uint64_t k = b->start_lsn / MIB; k < n; k++)
        if (!model_reads(w, tli, k, (k + 1) * MIB))
            return false;
    return model_reads(w, tli, n, n == stop ? b->stop_lsn : n * MIB);
}

static bool model_reached(const struct world *w, uint32_t tli, uint64_t n)
{
    for (size_t i = 0; i < w->backup_list.count; i++)
        if (model_reaches(w, tli, &w->backups[i], n))
            return true;
    return false;
}

/* Is there anything stored on the path before or at n, and at n or behind? */
static bool model_is_inside(const struct world *w, uint32_t tli, uint64_t n)
{
    bool left = false, right = false;

    for (uint64_t k = 0; k <= SEGMENTS; k++) {
        left = left || (k <= n && model_has(w, tli, k));
        right = right || (k >= n && model_has(w, tli, k));
    }
    return left && right;
}

/* The first window's own backup needs WAL that nothing else needs: that is no hole. */
static bool model_is_first_backups(const struct windows_timeline *t, uint64_t n)
{
    return t->count > 0 && !t->pieces[0].is_hole && n >= t->pieces[0].window.first &&
           n <= walseg_number(t->pieces[0].window.backup->stop_lsn - 1, MIB);
}

static void check_segment(const struct world *w, const struct windows_timeline *t, uint64_t n, uint64_t seed)
{
    const lsn from = n * MIB > t->begin ? n * MIB : t->begin, to = (n + 1) * MIB;
    bool in_window = false, in_hole = false, is_hole_all = false;
    const bool reached = model_reached(w, t->tli, n);

    for (size_t i = 0; i < t->count; i++) {
        const struct window *window = &t->pieces[i].window;
        const struct hole *hole = &t->pieces[i].hole;

        if (!t->pieces[i].is_hole) {
            in_window |= n >= walseg_number(window->backup->stop_lsn - 1, MIB) && n <= window->last;
        } else {
            in_hole |= hole->from < to && hole->to > from;
            is_hole_all |= hole->from <= from && hole->to >= to && hole->to != to;
        }
    }
    ck_assert_msg(in_window == reached, "seed %" PRIu64 ": timeline %u, segment %" PRIu64 " reached: %d",
                  seed, t->tli, n, reached);
    ck_assert_msg(!(is_hole_all && reached), "seed %" PRIu64 ": a hole over segment %" PRIu64, seed, n);
    if (!reached && model_is_inside(w, t->tli, n) && !model_is_first_backups(t, n))
        ck_assert_msg(in_hole, "seed %" PRIu64 ": timeline %u, segment %" PRIu64 " is in no hole", seed,
                      t->tli, n);
}

static void check_useless(const struct world *w, const struct windows_timeline *t, uint64_t seed)
{
    for (size_t i = 0; i < w->backup_list.count; i++) {
        const struct backup_info *b = &w->backups[i];
        bool told = false;

        for (size_t k = 0; k < t->useless_count; k++)
            told |= t->useless[k].backup == b;
        ck_assert_msg(told == (b->timeline == t->tli && model_on_path(w, t->tli, b) &&
                               !model_reaches(w, t->tli, b, (b->stop_lsn - 1) / MIB)),
                      "seed %" PRIu64 ": backup %zu", seed, i);
    }
}

static void check_order(const struct windows_timeline *t, uint64_t seed)
{
    lsn at = t->begin;

    for (size_t i = 0; i < t->count; i++) {
        const struct window_piece *p = &t->pieces[i];

        if (p->is_hole)
            ck_assert_msg(p->hole.from >= at && p->hole.from < p->hole.to, "seed %" PRIu64, seed);
        else
            ck_assert_msg(p->window.end >= at, "seed %" PRIu64, seed);
        at = p->is_hole ? p->hole.to : p->window.end;
    }
}

/* Every end of a segment, on each timeline: reachable from some backup or not, and then in a hole. */
START_TEST(every_segment_of_random_histories_is_in_a_window_or_a_hole)
{
    for (uint64_t seed = 1; seed <= 5000; seed += thin_step()) {
        uint64_t state = seed;

        world = (struct world){.timeline_list = {.count = 0}};
        make_world(&world, &state);
        find(&world);
        for (size_t i = 0; i < world.found.count; i++) {
            const struct windows_timeline *t = &world.found.list[i];

            check_order(t, seed);
            check_useless(&world, t, seed);
            for (uint64_t n = 0; n <= SEGMENTS + 1; n++)
                if ((n + 1) * MIB > t->begin)
                    check_segment(&world, t, n, seed);
        }
        windows_clear(&world.found);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/windows");
    TCase *tcase = tcase_create("windows");

    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, windows_and_holes_are_as_drawn, 0, COUNT(drawn));
    tcase_add_test(tcase, a_backup_with_segments_of_another_size_is_told);
    tcase_add_test(tcase, a_line_without_anything_has_no_windows);
    tcase_add_test(tcase, every_segment_of_random_histories_is_in_a_window_or_a_hole);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
