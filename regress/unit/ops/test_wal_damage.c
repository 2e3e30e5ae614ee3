/*
 * test_wal_damage.c - a full segment that ends inside itself is damaged, but for the ends that PostgreSQL makes.
 */
#include "ops/wal_damage.h"

#include "../pg/wal_builder.h"
#include "../scratch.h"
#include "check_main.h"

#include <stdio.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MIB      (1u << 20)
#define PAGE     8192u
#define START    (6 * (lsn) MIB)
#define DAMAGED  (START + 5 * PAGE)
#define SEGMENT  "000000010000000000000006"

static char scratch[SCRATCH_MAX];
static struct wal wal;

static void set_up(void)
{
    scratch_make(scratch);
    wal = (struct wal){.bytes = BUF_INIT(WAL_BUILDER_MAX),
                       .start = START - MIB,
                       .segment_bytes = MIB,
                       .page_bytes = PAGE,
                       .magic = 0xD110,
                       .tli = 1};
}

static void tear_down(void)
{
    buf_clear(&wal.bytes);
    scratch_remove(scratch);
}

static void record(size_t body)
{
    uint8_t bytes[4096];

    memset(bytes, 0x33, body);
    (void) wal_record(&wal, 0, 0x20, 0, bytes, body); /* XLOG_NOOP */
}

/* Small records up to this many bytes before a position; a multiple of 8. */
static void fill_to(lsn position)
{
    while (wal_at(&wal) + 200 < position)
        record(72);
    while (wal_at(&wal) < position)
        record((size_t) ((position - wal_at(&wal)) >= 56 ? 8 : position - wal_at(&wal) - 24));
    ck_assert_uint_eq(wal_at(&wal), position);
}

static uint8_t *byte_at(lsn position)
{
    return wal.bytes.data + (position - wal.start);
}

/* What a recycled file holds behind what was written into it: pages that were valid a hundred segments ago. */
static void recycle(lsn from)
{
    for (lsn page = (from + PAGE - 1) / PAGE * PAGE; page < START + MIB; page += PAGE)
        le64_put(byte_at(page) + 8, page - 100 * (lsn) MIB);
}

static void zero(lsn from)
{
    memset(byte_at(from), 0, (size_t) (START + MIB - from));
}

/* ---- the segments, each the second MiB of the WAL built ---- */

static void full(void)
{
    fill_to(START + MIB + 800);
}

static void switched(void)
{
    fill_to(DAMAGED + 160);
    (void) wal_switch(&wal);
}

static void switched_and_recycled(void)
{
    lsn end;

    fill_to(DAMAGED + 160);
    end = wal_switch(&wal) + 24;
    memset(byte_at(end), 0x5a, (size_t) (START + MIB - end));
    recycle(end);
}

/* Two thirds of the switch record lie in the segment before. */
static void switched_before(void)
{
    fill_to(START - 16);
    (void) wal_switch(&wal);
    ck_assert_uint_eq(wal_at(&wal), START + MIB);
}

static void flipped(void)
{
    full();
    *byte_at(DAMAGED + 4000) ^= 1;
}

static void flipped_at_the_end(void)
{
    full();
    *byte_at(START + MIB - 300) ^= 1;
}

static void flipped_after_a_whole_record(void)
{
    fill_to(START - 16);
    record(0); /* as long as a switch, and none */
    full();
    *byte_at(DAMAGED) ^= 1;
}

static void zero_behind(void)
{
    full();
    zero(DAMAGED + 4096);
}

static void recycled_behind(void)
{
    full();
    recycle(DAMAGED);
}

static void nothing_but_a_header(void)
{
    full();
    zero(START + WALPAGE_LONG_HEADER);
}

/* The timeline was left at the end of its WAL here, 4096 bytes into a page. */
static void forked(void)
{
    fill_to(DAMAGED + 4096);
    wal_zeros(&wal, (size_t) (START + MIB - wal_at(&wal)));
}

static const struct {
    const char *why;
    void (*make)(void);
    const char *name;
    const char *history; /* of timeline 3, or NULL */
    lsn least, most;     /* where the damage is told to be; 0 = none */
} cases[] = {
    {"a full segment", full, SEGMENT, NULL, 0, 0},
    {"a switch", switched, SEGMENT, NULL, 0, 0},
    {"a switch in a recycled file", switched_and_recycled, SEGMENT, NULL, 0, 0},
    {"the rest of a switch", switched_before, SEGMENT, NULL, 0, 0},
    {"a flipped bit", flipped, SEGMENT, NULL, DAMAGED + 3800, DAMAGED + 4000},
    {"a flipped bit in the last page", flipped_at_the_end, SEGMENT, NULL, START + MIB - 500,
     START + MIB - 300},
    {"a flipped bit in a page header", flipped_after_a_whole_record, SEGMENT, NULL, DAMAGED - 200, DAMAGED},
    {"zeros behind the middle", zero_behind, SEGMENT, NULL, DAMAGED + 3900, DAMAGED + 4096},
    {"old pages behind the middle", recycled_behind, SEGMENT, NULL, DAMAGED - 200, DAMAGED},
    {"nothing but a page header", nothing_but_a_header, SEGMENT, NULL, START + 40, START + 200},
    {"the same, but a partial segment", zero_behind, SEGMENT ".partial", NULL, 0, 0},
    {"the end of a timeline", forked, SEGMENT, "1\t0/60B000\tx\n", 0, 0},
    {"the end of a timeline with ancestors", forked, SEGMENT, "1\t0/60B000\tx\n2\t0/900000\ty\n", 0, 0},
    {"an end, and no history", forked, SEGMENT, NULL, DAMAGED + 4096, DAMAGED + 4096},
    {"an end before the one of the timeline", forked, SEGMENT, "1\t0/60B008\tx\n", DAMAGED + 4096,
     DAMAGED + 4096},
    {"a timeline left in an earlier segment", forked, SEGMENT, "1\t0/5FFFF8\tx\n", DAMAGED + 4096,
     DAMAGED + 4096},
    {"another timeline's end", forked, SEGMENT, "2\t0/60B000\tx\n", DAMAGED + 4096, DAMAGED + 4096},
    {"a history that can't be read", forked, SEGMENT, "one\n", DAMAGED + 4096, DAMAGED + 4096},
};

static void write_history(const char *text)
{
    FILE *file = fopen(scratch_path(scratch, "00000003.history"), "w");

    ck_assert_ptr_nonnull(file);
    ck_assert(fputs(text, file) >= 0 && fclose(file) == 0);
}

START_TEST(damage_is_told_from_the_ends_that_postgresql_makes)
{
    CLEANUP(walscan_freep) struct walscan *scan = NULL;
    struct walpage page;
    struct walfile file;
    struct err e = ERR_NONE;
    lsn at;

    record(8);
    cases[_i].make();
    if (cases[_i].history != NULL)
        write_history(cases[_i].history);
    ck_assert_int_eq(walfile_parse(cases[_i].name, &file, &e), ERR_OK);
    ck_assert_msg(walpage_parse(byte_at(START), WALPAGE_LONG_HEADER, &page, &e) == ERR_OK, "%s", e.text);
    ck_assert_int_eq(walscan_new(MIB, START, NULL, NULL, &scan, &e), ERR_OK);
    ck_assert_int_eq(walscan_push(scan, byte_at(START), MIB, &e), ERR_OK);
    at = wal_damage_at(scan, &file, &page, scratch_path(scratch, cases[_i].name));
    ck_assert_msg(at >= cases[_i].least && at <= cases[_i].most, "%s: %jx", cases[_i].why, (uintmax_t) at);
}
END_TEST

START_TEST(histories_are_found_in_the_working_directory_too)
{
    CLEANUP(walscan_freep) struct walscan *scan = NULL;
    struct walpage page;
    struct walfile file;
    struct err e = ERR_NONE;

    record(8);
    forked();
    write_history("1\t0/60B000\tx\n");
    ck_assert_int_eq(chdir(scratch), 0);
    ck_assert(walfile_parse(SEGMENT, &file, &e) == ERR_OK &&
              walpage_parse(byte_at(START), WALPAGE_LONG_HEADER, &page, &e) == ERR_OK &&
              walscan_new(MIB, START, NULL, NULL, &scan, &e) == ERR_OK &&
              walscan_push(scan, byte_at(START), MIB, &e) == ERR_OK);
    ck_assert_uint_eq(wal_damage_at(scan, &file, &page, SEGMENT), 0);
    ck_assert_uint_ne(wal_damage_at(scan, &file, &page, "/no/such/directory/" SEGMENT), 0);
    ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ops/wal_damage");
    TCase *tcase = tcase_create("ops/wal_damage");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, damage_is_told_from_the_ends_that_postgresql_makes, 0, (int) COUNT(cases));
    tcase_add_test(tcase, histories_are_found_in_the_working_directory_too);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
