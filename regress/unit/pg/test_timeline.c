/* Tests of src/pg/timeline.c. */
#include "check_main.h"
#include "pg/timeline.h"
#include "pg_data.h"

#define MIB (1u << 20)

static void path_of(const char *text, struct timeline_path *out)
{
    struct err e = ERR_NONE;

    ck_assert_msg(timeline_parse_path(text, out, &e) == ERR_OK, "%s", e.text);
}

/* The text form, borrowed from b. */
static const char *text_of(const struct timeline_path *p, struct buf *b)
{
    struct err e = ERR_NONE;

    buf_reset(b);
    ck_assert_int_eq(timeline_format(p, b, &e), ERR_OK);
    return buf_cstr(b);
}

/* The timeline whose entry owns a position, by the header's definition; 0 if none does. */
static uint32_t owner_of(const struct timeline_path *p, lsn position)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->entries[i].begin <= position && position < p->entries[i].end)
            return p->entries[i].tli;
    return 0;
}

START_TEST(histories_become_paths)
{
    static const struct {
        uint32_t tli;
        const char *history;
        const char *path;
    } cases[] = {
        {2, "1\t0/5000148\tno recovery target specified\n", "1:0/5000148,2"},
        {3, "1\t0/5000148\tat restore point \"x\"\n\n2\t0/7000000\tbefore 2026-11-20 14:29:00+00\n",
         "1:0/5000148,2:0/7000000,3"},
        {7, "# made by hand\n \t\n  2 16/B374D848 x\r\n5\t16/B374D848\n", "2:16/B374D848,5:16/B374D848,7"},
        {2, "1\t0/5000148\treason without a newline", "1:0/5000148,2"},
        {4294967295, "4294967294\tFFFFFFFF/FFFFFFFE\tlast\n", "4294967294:FFFFFFFF/FFFFFFFE,4294967295"},
        {2, "1\t0/5000148\t3\t0/1 # all of it is the reason\n", "1:0/5000148,2"},
        /* switch points that descend: a later fork at an earlier place */
        {3, "1\t0/40000F8\tx\n2\t0/30160C8\ty\n", "1:0/30160C8,2:0/30160C8,3"},
        {5, "1\t0/9\tx\n2\t0/5\ty\n3\t0/7\ty\n4\t0/6\ty\n", "1:0/5,2:0/5,3:0/6,4:0/6,5"},
    };
    CLEANUP(buf_clear) struct buf b = BUF_INIT(4096);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(timeline_clear) struct timeline_path p = {0};
        struct err e = ERR_NONE;

        ck_assert_msg(timeline_parse(cases[i].tli, cases[i].history, &p, &e) == ERR_OK, "%s", e.text);
        ck_assert_str_eq(text_of(&p, &b), cases[i].path);
    }
}
END_TEST

START_TEST(the_history_of_a_restore_to_before_the_last_fork_skips_that_fork)
{
    CLEANUP(timeline_clear) struct timeline_path p = {0};
    CLEANUP(buf_clear) struct buf b = BUF_INIT(4096);
    struct err e = ERR_NONE;

    data_read("00000003.history", &b);
    ck_assert_msg(timeline_parse(3, buf_cstr(&b), &p, &e) == ERR_OK, "%s", e.text);
    ck_assert_str_eq(text_of(&p, &b), "1:0/30160C8,2:0/30160C8,3");
    ck_assert_uint_eq(owner_of(&p, 0x30160C7), 1);
    ck_assert_uint_eq(owner_of(&p, 0x30160C8), 3);
    ck_assert_uint_eq(owner_of(&p, 0x40000F7), 3); /* on timeline 1 this lies beyond the fork */
    ck_assert_uint_eq(timeline_of_segment(&p, 2, 16 * MIB), 1);
    ck_assert_uint_eq(timeline_of_segment(&p, 3, 16 * MIB), 3);
    ck_assert_uint_eq(timeline_of_segment(&p, 4, 16 * MIB), 3);
    ck_assert(timeline_contains(&p, 1, 0x3000028));
    ck_assert(!timeline_contains(&p, 1, 0x40000F7));
    ck_assert(!timeline_contains(&p, 2, 0x40000F8));
}
END_TEST

START_TEST(broken_histories_are_refused_with_the_line)
{
    static const struct {
        uint32_t tli;
        const char *history;
        const char *reason;
    } cases[] = {
        {2, "", "names no parent"},
        {2, "# only a comment\n\n", "names no parent"},
        {2, "x\t0/1\tr\n", "line 1: expected a numeric timeline ID"},
        {2, "-1\t0/1\tr\n", "line 1: expected a numeric timeline ID"},
        {2, "0\t0/1\tr\n", "line 1: expected a numeric timeline ID"},
        {2, "1x\t0/1\tr\n", "line 1: expected a numeric timeline ID"},
        {2, "4294967296\t0/1\tr\n", "line 1: expected a numeric timeline ID"},
        {2, "99999999999999999999999\t0/1\tr\n", "line 1: expected a numeric timeline ID"},
        {2, "1", "line 1: expected a write-ahead log switch point"},
        {2, "1\n", "line 1: expected a write-ahead log switch point"},
        {2, "1\n0/5000148\n", "line 1: expected a write-ahead log switch point"},
        {2, "1\t0/\tr\n", "line 1: expected a write-ahead log switch point"},
        {2, "1\t0x0/0x1\tr\n", "line 1: expected a write-ahead log switch point"},
        {2, "1\t0/5000148x\tr\n", "line 1: expected a write-ahead log switch point"},
        {2, "1\t0/500", "line 1: expected a write-ahead log switch point"}, /* cut inside the number */
        {2, "1\t0/0\tr\n", "line 1: expected a write-ahead log switch point"},
        {2, "1\tFFFFFFFF/FFFFFFFF\tr\n", "line 1: expected a write-ahead log switch point"},
        {2, "1\t0/123456789\tr\n", "line 1: expected a write-ahead log switch point"},
        {3, "#\n1\t0/1\tr\n\n1\t0/2\tr\n", "line 4: timeline 1 follows timeline 1"},
        {9, "5\t0/1\tr\n3\t0/2\tr\n", "line 2: timeline 3 follows timeline 5"},
        {2, "1\t0/1\tr\n2\t0/2\tr\n", "names timeline 2 as its parent"},
        {1, "1\t0/1\tr\n", "names timeline 1 as its parent"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct timeline_path p = {.count = 42};
        struct err e = ERR_NONE;

        ck_assert_msg(timeline_parse(cases[i].tli, cases[i].history, &p, &e) == ERR_CORRUPT,
                      "\"%s\" was taken", cases[i].history);
        ck_assert_msg(strstr(e.text, cases[i].reason) != NULL, "\"%s\" does not say \"%s\"", e.text,
                      cases[i].reason);
        ck_assert_uint_eq(p.count, 42);
    }
}
END_TEST

START_TEST(a_history_beyond_the_limit_is_refused)
{
    char *text = malloc(TIMELINE_HISTORY_MAX + 2);
    struct timeline_path p = {0};
    struct err e = ERR_NONE;

    ck_assert_ptr_nonnull(text);
    memset(text, '\n', TIMELINE_HISTORY_MAX + 1);
    memcpy(text, "1\t0/1\t", 6);
    text[TIMELINE_HISTORY_MAX + 1] = '\0';
    ck_assert_int_eq(timeline_parse(2, text, &p, &e), ERR_CORRUPT);
    text[TIMELINE_HISTORY_MAX] = '\0';
    ck_assert_int_eq(timeline_parse(2, text, &p, &e), ERR_OK);
    timeline_clear(&p);
    free(text);
}
END_TEST

START_TEST(a_thousand_ancestors_are_kept_in_order)
{
    CLEANUP(buf_clear) struct buf b = BUF_INIT(TIMELINE_HISTORY_MAX);
    CLEANUP(timeline_clear) struct timeline_path p = {0};
    struct err e = ERR_NONE;

    for (unsigned i = 1; i <= 1000; i++)
        ck_assert_int_eq(buf_printf(&b, &e, "%u\t0/%X\tr\n", i, i * 16), ERR_OK);
    ck_assert_int_eq(timeline_parse(1001, buf_cstr(&b), &p, &e), ERR_OK);
    ck_assert_uint_eq(p.count, 1001);
    for (unsigned i = 0; i <= 1000; i++) {
        ck_assert_uint_eq(p.entries[i].tli, i + 1);
        ck_assert_uint_eq(p.entries[i].begin, i * 16);
        ck_assert_uint_eq(owner_of(&p, i * 16 + 15), i + 1);
    }
}
END_TEST

START_TEST(a_timeline_without_history_owns_everything)
{
    CLEANUP(timeline_clear) struct timeline_path p = {0};
    struct err e = ERR_NONE;

    ck_assert_int_eq(timeline_single(4, &p, &e), ERR_OK);
    ck_assert_uint_eq(p.count, 1);
    ck_assert_uint_eq(owner_of(&p, 0), 4);
    ck_assert_uint_eq(owner_of(&p, UINT64_MAX - 1), 4);
    ck_assert_uint_eq(timeline_of_segment(&p, 0, MIB), 4);
    ck_assert(timeline_contains(&p, 4, 17) && !timeline_contains(&p, 3, 17));
}
END_TEST

START_TEST(positions_belong_to_the_timeline_that_wrote_them)
{
    static const struct {
        lsn position;
        uint32_t tli;
    } cases[] = {{0, 1},         {0x5000147, 1}, {0x5000148, 2},     {0x6FFFFFF, 2},
                 {0x7000000, 3}, {0x7000001, 3}, {UINT64_MAX - 1, 3}};
    CLEANUP(timeline_clear) struct timeline_path p = {0};

    path_of("1:0/5000148,2:0/7000000,3", &p);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        ck_assert_uint_eq(owner_of(&p, cases[i].position), cases[i].tli);
}
END_TEST

START_TEST(a_segment_is_taken_from_the_newest_timeline_that_begins_in_or_before_it)
{
    static const struct {
        const char *path;
        uint32_t segment_bytes;
        uint64_t number;
        uint32_t tli;
        const char *why;
    } cases[] = {
        {"1:0/5000148,2:0/7000000,3", 16 * MIB, 0, 1, "before any switch"},
        {"1:0/5000148,2:0/7000000,3", 16 * MIB, 4, 1, "the last whole one of the parent"},
        {"1:0/5000148,2:0/7000000,3", 16 * MIB, 5, 2,
         "holds the switch point: the child copied its beginning"},
        {"1:0/5000148,2:0/7000000,3", 16 * MIB, 6, 2,
         "the switch point is its end: nothing of it is the child's"},
        {"1:0/5000148,2:0/7000000,3", 16 * MIB, 7, 3, "the switch point is its start"},
        {"1:0/5000148,2:0/7000000,3", 16 * MIB, UINT64_C(0xFFFFFFFFFF), 3, "the last there is"},
        {"1:0/5000148,2:0/5800000,3", 16 * MIB, 5, 3,
         "two switches in one: the newest has all of both parents"},
        {"1:0/5000148,2:0/5000148,3", 16 * MIB, 5, 3, "two switches at one place"},
        {"1:0/5000148,2:0/5800000,3", 16 * MIB, 4, 1, "before two switches"},
        {"1:0/5000148,2:0/5800000,3", MIB, 80, 2, "the same switches in smaller segments"},
        {"1:0/5000148,2:0/5800000,3", MIB, 88, 3, "the same switches in smaller segments"},
        {"1:0/5000148,2:0/5800000,3", 1024 * MIB, 0, 3, "the same switches in one large segment"},
        {"1:0/5000147,2", 16 * MIB, 5, 2, "in the middle"},
        {"1:0/4FFFFFF,2", 16 * MIB, 4, 2, "in its last byte"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CLEANUP(timeline_clear) struct timeline_path p = {0};

        path_of(cases[i].path, &p);
        ck_assert_msg(timeline_of_segment(&p, cases[i].number, cases[i].segment_bytes) == cases[i].tli,
                      "%s: %s", cases[i].path, cases[i].why);
    }
}
END_TEST

START_TEST(a_switch_point_belongs_to_both_timelines)
{
    static const struct {
        uint32_t tli;
        lsn position;
        bool contained;
    } cases[] = {{1, 0, true},         {1, 0x5000148, true},  {1, 0x5000149, false}, {2, 0x5000147, false},
                 {2, 0x5000148, true}, {2, 0x7000000, true},  {2, 0x7000001, false}, {4, 0x6FFFFFF, false},
                 {4, 0x7000000, true}, {3, 0x7000000, false}, {4, UINT64_MAX, true}, {0, 0, false}};
    CLEANUP(timeline_clear) struct timeline_path p = {0};

    path_of("1:0/5000148,2:0/7000000,4", &p);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        ck_assert_msg(timeline_contains(&p, cases[i].tli, cases[i].position) == cases[i].contained,
                      "case %zu", i);
}
END_TEST

START_TEST(path_texts_of_another_form_are_refused)
{
    static const char *const cases[] = {
        "",
        "0",
        "x",
        "1:",
        "1:0/5",
        "1:0/5,",
        "1,2",
        "1:0/5,1",
        "2:0/5,1",
        "1:0/5,2:0/4,3",
        "1:0/0,2",
        "1 :0/5,2",
        "1:0/5, 2",
        "1:0/5,2 ",
        "1:0/5,2,",
        "1:0/5;2",
        "+1",
        "4294967296",
        "1:0/123456789,2",
        "1:FFFFFFFF/FFFFFFFF,2",
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct timeline_path p = {.count = 42};
        struct err e = ERR_NONE;

        ck_assert_msg(timeline_parse_path(cases[i], &p, &e) == ERR_USAGE, "\"%s\" was taken", cases[i]);
        ck_assert_uint_eq(p.count, 42);
    }
}
END_TEST

START_TEST(a_path_that_does_not_fit_leaves_the_buffer_unchanged)
{
    CLEANUP(timeline_clear) struct timeline_path p = {0};
    CLEANUP(buf_clear) struct buf b = BUF_INIT(20);
    struct err e = ERR_NONE;

    path_of("1:0/5000148,2:0/7000000,3", &p);
    ck_assert_int_eq(buf_puts(&b, "path=", &e), ERR_OK);
    ck_assert_int_eq(timeline_format(&p, &b, &e), ERR_CORRUPT);
    ck_assert_str_eq(buf_cstr(&b), "path=");
}
END_TEST

/* Whatever was taken must be a path as the header promises, and survive its text form. */
static void path_check(const struct timeline_path *p, struct buf *text)
{
    CLEANUP(timeline_clear) struct timeline_path again = {0};

    ck_assert_uint_gt(p->count, 0);
    ck_assert_uint_eq(p->entries[0].begin, 0);
    ck_assert_uint_eq(p->entries[p->count - 1].end, TIMELINE_NOT_ENDED);
    for (size_t i = 0; i + 1 < p->count; i++) {
        ck_assert_uint_lt(p->entries[i].tli, p->entries[i + 1].tli);
        ck_assert_uint_eq(p->entries[i].end, p->entries[i + 1].begin);
        ck_assert_uint_le(p->entries[i].begin, p->entries[i].end);
    }
    path_of(text_of(p, text), &again);
    ck_assert_uint_eq(again.count, p->count);
    for (size_t i = 0; i < p->count; i++) {
        ck_assert_uint_eq(again.entries[i].tli, p->entries[i].tli);
        ck_assert_uint_eq(again.entries[i].end, p->entries[i].end);
    }
}

START_TEST(mutated_histories_are_refused_or_become_sound_paths)
{
    static const char seed[] =
        "# c\n1\t0/5000148\tat restore point \"x\"\n\n2\t0/7000000\treason\n10\t1/8\t\n";
    static const char alphabet[] = "0123456789ABCDEFabcdefx/\t \n\r#:,-+";
    CLEANUP(buf_clear) struct buf text = BUF_INIT(1 << 16);
    uint64_t state = 1;
    size_t taken = 0;

    for (int round = 0; round < 15000; round++) {
        CLEANUP(timeline_clear) struct timeline_path p = {0};
        struct err e = ERR_NONE;
        char *copy = (char *) exact_copy(seed, sizeof(seed));
        size_t edits = 1 + next_random(&state) % 4;

        while (edits-- > 0) {
            uint64_t r = next_random(&state);

            copy[r % (sizeof(seed) - 1)] =
                r >> 60 == 0 ? (char) (r >> 32) : alphabet[(r >> 32) % (sizeof(alphabet) - 1)];
        }
        if (timeline_parse(11, copy, &p, &e) == ERR_OK) {
            path_check(&p, &text);
            taken++;
        }
        (void) timeline_parse_path(copy, &p, &e);
        free(copy);
    }
    ck_assert_uint_gt(taken, 100);
}
END_TEST

/* Where PostgreSQL looks a position up: newest entry first, in the switch points as the file has them. */
static uint32_t tli_as_postgres(const lsn *ends, size_t count, lsn position)
{
    for (size_t i = count; i-- > 0;)
        if ((i == 0 || ends[i - 1] <= position) && (i == count - 1 || position < ends[i]))
            return (uint32_t) i + 1;
    return 0;
}

START_TEST(positions_are_looked_up_as_postgresql_does_for_any_order_of_switch_points)
{
    uint64_t state = 7;

    for (int round = 0; round < 1000; round++) {
        CLEANUP(buf_clear) struct buf b = BUF_INIT(4096);
        CLEANUP(timeline_clear) struct timeline_path p = {0};
        struct err e = ERR_NONE;
        lsn ends[6];
        size_t count = 2 + next_random(&state) % 5;

        for (size_t i = 0; i + 1 < count; i++) {
            ends[i] = 1 + next_random(&state) % 12;
            ck_assert_int_eq(buf_printf(&b, &e, "%zu\t0/%X\tr\n", i + 1, (unsigned) ends[i]), ERR_OK);
        }
        ck_assert_int_eq(timeline_parse((uint32_t) count, buf_cstr(&b), &p, &e), ERR_OK);
        for (lsn position = 0; position < 14; position++)
            ck_assert_uint_eq(owner_of(&p, position), tli_as_postgres(ends, count, position));
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {histories_become_paths,
                                  the_history_of_a_restore_to_before_the_last_fork_skips_that_fork,
                                  broken_histories_are_refused_with_the_line,
                                  a_history_beyond_the_limit_is_refused,
                                  a_thousand_ancestors_are_kept_in_order,
                                  a_timeline_without_history_owns_everything,
                                  positions_belong_to_the_timeline_that_wrote_them,
                                  a_segment_is_taken_from_the_newest_timeline_that_begins_in_or_before_it,
                                  a_switch_point_belongs_to_both_timelines,
                                  path_texts_of_another_form_are_refused,
                                  a_path_that_does_not_fit_leaves_the_buffer_unchanged,
                                  mutated_histories_are_refused_or_become_sound_paths,
                                  positions_are_looked_up_as_postgresql_does_for_any_order_of_switch_points};

    return check_main(suite_of("pg/timeline", tests, sizeof(tests) / sizeof(tests[0])));
}
