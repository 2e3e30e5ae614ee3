/* Tests of src/pg/walscan.c, walpages.c and walrecord.c, on WAL made by hand: pages, segments, pieces and ends. */
#include "check_main.h"
#include "walscan_told.h"

/* Fill the WAL up so that the next record begins this many bytes before the end of a page. */
static void wal_fill_to(struct wal *w, uint32_t before_page_end)
{
    uint32_t left;

    for (left = wal_page_left(w); left < before_page_end + 32 || left > w->page_bytes - 64;
         left = wal_page_left(w))
        wal_filling(w, 8);
    wal_filling(w, left - before_page_end - 24);
    ck_assert_uint_eq(wal_page_left(w) % w->page_bytes, before_page_end % w->page_bytes);
}

/* Three segments with everything in them, ended by zeros. */
static struct wal wal_with_all(void)
{
    struct wal w = wal_new();
    struct wal_body database = {.len = 0};

    for (uint32_t i = 0; i < 40; i++) {
        wal_filling(&w, i * 71);
        wal_commit(&w, 700 + i, EPOCH_2000 + i);
    }
    wal_filling(&w, MIB + MIB / 4); /* over all of a page, over the end of a segment */
    wal_restore_point(&w, "before", EPOCH_2000 + 999);
    wal_switch(&w);
    for (uint32_t i = 0; i < 40; i++) {
        wal_filling(&w, i * 131);
        wal_commit(&w, 800 + i, EPOCH_2000 + 1000 - i);
    }
    body_u32(&database, 16384);
    body_u32(&database, 1);
    body_u32(&database, 1663);
    wal_main(&w, 4, 0x20, 900, &database);
    wal_zeros(&w, 5000);
    return w;
}

/* ---- pages, segments, pieces ---- */

START_TEST(a_record_may_begin_anywhere_on_a_page)
{
    static const uint32_t page_bytes[] = {1024, 8192, 65536};

    for (size_t i = 0; i < sizeof(page_bytes) / sizeof(page_bytes[0]); i++)
        for (uint32_t before = 0; before <= 96; before += 8) {
            struct xact x = {16384, 3, 3, NO_LIST, NO_LIST, 4711, 0};
            struct wal_body main = xact_main(&x, 15, EPOCH_2000 + 5);
            struct wal w = wal_new();
            struct told t;
            lsn start;

            w.page_bytes = page_bytes[i];
            wal_fill_to(&w, before);
            start = wal_main(&w, 1, 0xB0, 0, &main);
            wal_commit(&w, 2, EPOCH_2000);
            scan_all(&w, &t);
            ck_assert_uint_eq(t.count, 2);
            ck_assert_uint_eq(t.events[0].start, start);
            ck_assert_uint_eq(t.events[0].xid, 4711);
            ck_assert_int_eq(t.is_ended, false);
            ck_assert_uint_eq(t.end, wal_at(&w));
            wal_clear(&w);
        }
}
END_TEST

START_TEST(pieces_of_any_size_tell_the_same)
{
    static const size_t more[] = {127, 1023, 1024, 8191, 8192, 8193, 65535, 65537, 3 * MIB};
    struct wal w = wal_with_all();
    static struct told whole, t;

    scan_all(&w, &whole);
    ck_assert_uint_eq(whole.count, 83);
    for (size_t piece = 1; piece <= 70; piece++) {
        t = (struct told){0};
        scan(&w, w.start, w.bytes.len, piece, &t);
        assert_same(&whole, &t);
    }
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        t = (struct told){0};
        scan(&w, w.start, w.bytes.len, more[i], &t);
        assert_same(&whole, &t);
    }
    wal_clear(&w);
}
END_TEST

START_TEST(every_cut_tells_what_was_whole_before_it)
{
    struct wal w = wal_with_all();
    static struct told whole, t;
    struct walscan *s;
    struct err e = ERR_NONE;
    size_t told = 0;

    scan_all(&w, &whole);
    t = (struct told){0};
    s = scan_new(&w, w.start, &t);
    for (size_t at = 0; at < w.bytes.len; at++) {
        lsn position = w.start + at + 1;

        if (walscan_push(s, w.bytes.data + at, 1, &e) != ERR_OK)
            ck_abort_msg("%s", e.text);
        while (told < whole.count && whole.events[told].end <= position)
            told++;
        /* A record may be told while its padding is still to come. */
        if (t.count < told || (t.count > told && whole.events[told].end >= position + 8) ||
            walscan_end(s) > position + 7 || walscan_last(s) > position ||
            (walscan_is_ended(s) && position <= whole.end))
            ck_abort_msg("after %zu bytes", at + 1);
    }
    told_finish(&t, s);
    walscan_free(s);
    assert_same(&whole, &t);
    wal_clear(&w);
}
END_TEST

START_TEST(inside_a_record_the_end_is_the_position_pushed_to)
{
    struct wal w = wal_new();
    static struct told t;
    lsn start;

    wal_filling(&w, 5000);
    start = wal_filling(&w, 2 * MIB);
    scan(&w, w.start, MIB, MIB, &t);
    ck_assert_uint_eq(t.end, w.start + MIB);
    ck_assert_uint_lt(t.last, start);
    ck_assert_int_eq(t.is_ended, false);
    wal_clear(&w);
}
END_TEST

START_TEST(a_scan_begins_behind_what_began_before)
{
    struct wal w = wal_new();
    lsn behind;

    wal_commit(&w, 1, EPOCH_2000);
    wal_filling(&w, 3 * MIB + 12345);
    behind = wal_at(&w);
    wal_commit(&w, 2, EPOCH_2000);
    for (uint32_t i = 1; i <= 3; i++) {
        static struct told t;
        lsn start = w.start + i * MIB;

        t = (struct told){0};
        scan(&w, start, w.bytes.len - i * MIB, 4096, &t);
        ck_assert_uint_eq(t.count, 1);
        ck_assert_uint_eq(t.events[0].start, behind);
        ck_assert_uint_eq(t.events[0].xid, 2);

        /* Cut inside the continuation, on its last bytes, behind it. */
        t = (struct told){0};
        scan(&w, start, (size_t) (behind - start) - 300, 4096, &t);
        ck_assert(t.count == 0 && t.last == 0 && t.end == behind - 300 && !t.is_ended);
        t = (struct told){0};
        scan(&w, start, (size_t) (behind - start), 4096, &t);
        ck_assert(t.count == 0 && t.last == 0 && t.end == behind && !t.is_ended);
    }
    wal_clear(&w);
}
END_TEST

/* A record given up at a page, and what overwrites it there. lost: bytes of it that were written. */
static lsn append_given_up(struct wal *w, uint32_t lost)
{
    uint8_t *record = malloc(4 * MIB);
    struct wal_body main = {.len = 0};
    lsn begin = wal_next(w), start;
    size_t written = w->bytes.len;

    ck_assert_ptr_nonnull(record);
    memset(record, 0x11, 4 * MIB);
    wal_record_bytes(w, 10, 0, 7, record + 24, 3 * MIB, record);
    wal_spread(w, record, 24 + 3 * MIB, false);
    free(record);
    w->bytes.len = (written + lost) / w->page_bytes * w->page_bytes; /* start is a multiple of the page */
    w->next_page_info = PAGE_OVERWRITES;
    body_u64(&main, begin);
    body_u64(&main, 0);
    start = wal_next(w);
    wal_main(w, 0, 0xD0, 0, &main);
    return start;
}

START_TEST(a_record_given_up_is_passed_over)
{
    static const struct {
        uint32_t lost, from_segment;
        size_t told;
        const char *why;
    } cases[] = {
        {9000, 0, 2, "on the next page"},
        {100000, 0, 2, "some pages on"},
        {MIB, 0, 2, "at the start of a segment"},
        {MIB, 1, 1, "at the start of the first segment read"},
        {MIB + 20000, 1, 1, "in a continuation from before the start"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct wal w = wal_new();
        static struct told t;
        size_t skipped = cases[i].from_segment * MIB;
        lsn start;

        wal_commit(&w, 1, EPOCH_2000);
        wal_filling(&w, 300);
        start = append_given_up(&w, cases[i].lost);
        ck_assert_msg(w.bytes.data[(start - w.start) / w.page_bytes * w.page_bytes + 2] & PAGE_OVERWRITES,
                      "%s", cases[i].why);
        wal_commit(&w, 2, EPOCH_2000);
        t = (struct told){0};
        scan(&w, w.start + skipped, w.bytes.len - skipped, 1000, &t);
        ck_assert_msg(t.count == cases[i].told && !t.is_ended && t.end == wal_at(&w) &&
                          t.events[t.count - 1].xid == 2,
                      "%s", cases[i].why);
        wal_clear(&w);
    }
}
END_TEST

START_TEST(behind_a_switch_the_next_segment_goes_on)
{
    static const uint32_t before_end[] = {0, 8, 16, 24, 32, 5000, MIB / 2};

    for (size_t i = 0; i < sizeof(before_end) / sizeof(before_end[0]); i++) {
        struct wal w = wal_new();
        struct told t;
        lsn start;
        uint64_t random = 5;

        /* 0, 8 and 16: the switch record itself lies in the second segment, wholly or with its rest. */
        while (wal_at(&w) % MIB < MIB - 2 * 8192 - before_end[i])
            wal_filling(&w, 4000);
        while (wal_page_left(&w) < 200 || MIB - wal_at(&w) % MIB > before_end[i] + 8192)
            wal_filling(&w, 80);
        if (before_end[i] < 8192)
            wal_fill_to(&w, before_end[i]);
        start = wal_switch(&w);
        for (size_t at = (size_t) (start - w.start) + 24 + 40; at < w.bytes.len; at++)
            w.bytes.data[at] = (uint8_t) next_random(&random); /* whatever the filler is */
        ck_assert_uint_eq(wal_at(&w) % MIB, 0);
        wal_commit(&w, 5, EPOCH_2000);
        scan_all(&w, &t);
        ck_assert_uint_eq(t.count, 2);
        ck_assert_int_eq(t.events[0].type, WALEVENT_SWITCH);
        ck_assert_uint_eq(t.events[0].start, start);
        ck_assert_uint_eq(t.events[1].xid, 5);
        ck_assert_int_eq(t.is_ended, false);

        /* Its own end is the end until then. */
        lsn next = t.events[1].start - 40;

        t = (struct told){0};
        scan(&w, w.start, (size_t) (next - w.start), 999, &t);
        ck_assert_uint_eq(t.end, t.events[0].end);
        ck_assert_int_eq(t.is_ended, false);
        wal_clear(&w);
    }
}
END_TEST

/* ---- the end of valid WAL ---- */

static void spoil_crc(uint8_t *record)
{
    record[30] ^= 1;
}

/* Change the header and make the CRC fit again. */
static void record_reseal(uint8_t *record, uint32_t body_bytes)
{
    le32_put(record + 20, crc32c(crc32c(0, record + 24, body_bytes), record, 20));
}

static void spoil_length_zero(uint8_t *record)
{
    le32_put(record, 0);
}

static void spoil_length_short(uint8_t *record)
{
    le32_put(record, 23);
}

static void spoil_length_long(uint8_t *record)
{
    le32_put(record, 0x40000000);
}

static void spoil_prev(uint8_t *record)
{
    le64_put(record + 8, le64_get(record + 8) - 8);
    record_reseal(record, 10);
}

static void spoil_rmid(uint8_t *record)
{
    record[17] = 22;
    record_reseal(record, 10);
}

START_TEST(a_record_that_is_none_is_the_end_for_good)
{
    static const struct {
        void (*spoil)(uint8_t *record);
        const char *why;
    } cases[] = {{spoil_crc, "a CRC that does not fit"},        {spoil_length_zero, "no length"},
                 {spoil_length_short, "shorter than a header"}, {spoil_length_long, "longer than may be"},
                 {spoil_prev, "not linked to the one before"},  {spoil_rmid, "an unknown resource manager"}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct wal w = wal_new();
        struct told t;
        lsn spoilt, last;

        wal_commit(&w, 1, EPOCH_2000);
        last = wal_commit(&w, 2, EPOCH_2000);
        spoilt = wal_commit(&w, 3, EPOCH_2000);
        wal_commit(&w, 4, EPOCH_2000);
        wal_switch(&w);
        wal_commit(&w, 5, EPOCH_2000);
        cases[i].spoil(w.bytes.data + (spoilt - w.start));
        scan_all(&w, &t);
        ck_assert_msg(t.is_ended && t.count == 2 && t.end == spoilt && t.last == last, "%s", cases[i].why);
        wal_clear(&w);
    }
}
END_TEST

START_TEST(a_length_decides_as_soon_as_it_is_there)
{
    static const struct {
        uint32_t length;
        bool is_end;
    } cases[] = {{0, true},   {1, true},           {23, true},         {24, false},
                 {25, false}, {0x3FFFFFFF, false}, {0x40000000, true}, {0xFFFFFFFF, true}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct wal w = wal_new();
        uint8_t length[4];
        struct told t;
        lsn end;

        wal_commit(&w, 1, EPOCH_2000);
        end = wal_at(&w);
        le32_put(length, cases[i].length);
        wal_raw(&w, length, sizeof(length));
        scan_all(&w, &t);
        ck_assert_int_eq(t.is_ended, cases[i].is_end);
        ck_assert_uint_eq(t.end, cases[i].is_end ? end : wal_at(&w));
        wal_clear(&w);
    }
}
END_TEST

START_TEST(a_segment_made_otherwise_is_the_end)
{
    static const struct {
        uint16_t magic;
        uint32_t page_bytes;
        size_t told;
    } cases[] = {{0xD110, 8192, 2}, {0xD113, 8192, 1}, {0xD110, 16384, 1}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct wal w = wal_new();
        struct told t;

        wal_switch(&w);
        w.magic = cases[i].magic;
        w.page_bytes = cases[i].page_bytes;
        wal_commit(&w, 1, EPOCH_2000);
        scan_all(&w, &t);
        ck_assert_uint_eq(t.count, cases[i].told);
        ck_assert_int_eq(t.is_ended, cases[i].told == 1);
        wal_clear(&w);
    }
}
END_TEST

START_TEST(the_first_record_may_name_only_one_before_it)
{
    struct wal w = wal_new();
    struct told t;

    w.prev = w.start + 40;
    wal_commit(&w, 1, EPOCH_2000);
    scan_all(&w, &t);
    ck_assert(t.is_ended && t.count == 0 && t.last == 0 && t.end == w.start);
    wal_clear(&w);
}
END_TEST

/* One field of a page header given another value. bytes: 2, 4 or 8. */
struct page_spoil {
    bool segment_start; /* or the second page */
    size_t offset;
    size_t bytes;
    uint64_t change; /* xor */
    const char *why;
};

static const struct page_spoil page_spoils[] = {
    {false, 0, 2, 0xD110 ^ 0xD113, "another version's magic"},
    {false, 0, 2, 0xD110, "no magic"},
    {false, 2, 2, 0x0001, "no continuation where there should be"},
    {false, 2, 2, 0x0002, "a long header inside a segment"},
    {false, 2, 2, 0x0010, "an unknown flag"},
    {false, 4, 4, 3 ^ 2, "an earlier timeline"},
    {false, 8, 8, MIB, "a recycled page's address"},
    {false, 8, 8, UINT64_C(1) << 32, "the same of another log"},
    {false, 16, 4, 8, "another rest of the record"},
    {true, 0, 2, 0xD110 ^ 0xD118, "a segment of another version"},
    {true, 2, 2, 0x0002, "a segment without a long header"},
    {true, 2, 2, 0x0001, "no continuation into the segment"},
    {true, 4, 4, 3 ^ 1, "a segment of an earlier timeline"},
    {true, 8, 8, UINT64_C(16) << 20, "a recycled segment's address"},
    {true, 16, 4, 1, "another rest of the record in the segment"},
    {true, 24, 8, 1, "another cluster's segment"},
    {true, 32, 4, MIB | (2 * MIB), "another segment size"},
    {true, 36, 4, 8192 | 16384, "another page size"},
};

START_TEST(a_page_that_does_not_follow_is_the_end)
{
    for (size_t i = 0; i < sizeof(page_spoils) / sizeof(page_spoils[0]); i++) {
        const struct page_spoil *c = &page_spoils[i];
        struct wal w = wal_new();
        struct told t;
        lsn end;
        uint8_t *field;

        wal_commit(&w, 1, EPOCH_2000);
        end = wal_at(&w);
        wal_filling(&w, 2 * MIB);
        wal_commit(&w, 2, EPOCH_2000);
        field = w.bytes.data + (c->segment_start ? MIB : w.page_bytes) + c->offset;
        for (size_t k = 0; k < c->bytes; k++)
            field[k] ^= (uint8_t) (c->change >> (8 * k));
        scan_all(&w, &t);
        ck_assert_msg(t.is_ended && t.count == 1 && t.end == end, "%s", c->why);
        wal_clear(&w);
    }
}
END_TEST

START_TEST(a_continuation_where_a_record_should_begin_is_the_end)
{
    struct wal w = wal_new();
    struct told t;
    lsn end;

    wal_fill_to(&w, 0);
    end = wal_at(&w);
    wal_page(&w, PAGE_CONTINUES, 100);
    wal_zeros(&w, 104);
    wal_commit(&w, 2, EPOCH_2000);
    scan_all(&w, &t);
    ck_assert(t.is_ended && t.count == 0 && t.end == end);
    wal_clear(&w);
}
END_TEST

START_TEST(a_later_timeline_goes_on)
{
    struct wal w = wal_new();
    struct told t;

    wal_filling(&w, 20000);
    w.tli = 5;
    wal_filling(&w, 2 * MIB);
    wal_commit(&w, 9, EPOCH_2000);
    scan_all(&w, &t);
    ck_assert(!t.is_ended && t.count == 1 && t.end == wal_at(&w));
    wal_clear(&w);
}
END_TEST

START_TEST(old_content_behind_the_end_is_not_read)
{
    struct wal old = wal_new(), w = wal_new();
    struct told t;
    lsn end;

    old.start -= 16 * MIB;
    while (old.bytes.len < MIB)
        wal_commit(&old, 9, EPOCH_2000);
    for (uint32_t i = 0; i < 200; i++)
        wal_commit(&w, 1 + i, EPOCH_2000);
    end = wal_at(&w);
    wal_raw(&w, old.bytes.data + w.bytes.len,
            MIB - w.bytes.len); /* recycled: the same file, overwritten so far */
    scan_all(&w, &t);
    ck_assert(t.is_ended && t.count == 200 && t.end == end);
    wal_clear(&w);
    wal_clear(&old);
}
END_TEST

START_TEST(what_is_no_wal_is_the_end_at_the_start)
{
    struct wal w = wal_new();
    static struct told t;
    uint64_t random = 11;

    wal_zeros(&w, 100000);
    scan_all(&w, &t);
    ck_assert(t.is_ended && t.count == 0 && t.end == w.start && t.last == 0);
    for (size_t at = 0; at < w.bytes.len; at++)
        w.bytes.data[at] = (uint8_t) next_random(&random);
    scan_all(&w, &t);
    ck_assert(t.is_ended && t.count == 0 && t.end == w.start && t.last == 0);

    t = (struct told){0};
    scan(&w, w.start, 0, 1, &t);
    ck_assert(!t.is_ended && t.count == 0 && t.end == w.start && t.last == 0);
    wal_clear(&w);
}
END_TEST

/* ---- bytes that lie ---- */

/* Are the events of t a run of those of whole? A spoilt first page may make the scan begin later. */
static bool is_run_of(const struct told *t, const struct told *whole)
{
    size_t first = 0;

    if (t->count == 0)
        return true;
    while (first < whole->count && whole->events[first].start != t->events[0].start)
        first++;
    if (first + t->count > whole->count)
        return false;
    for (size_t i = 0; i < t->count; i++)
        if (!event_is(&t->events[i], &whole->events[first + i]))
            return false;
    return true;
}

START_TEST(a_changed_byte_never_tells_what_was_not_there)
{
    struct wal w = wal_with_all();
    static struct told whole, t;
    uint64_t random = 4242;

    scan_all(&w, &whole);
    for (size_t i = 0; i < 600; i++) {
        /* Half of them where pages begin. */
        size_t at = (size_t) (next_random(&random) % w.bytes.len);
        uint8_t was;

        if (i % 2 == 0)
            at = at / w.page_bytes * w.page_bytes + at % 40;
        at = at < w.bytes.len ? at : w.bytes.len - 1;
        was = w.bytes.data[at];
        w.bytes.data[at] ^= (uint8_t) (1 + next_random(&random) % 255);
        scan_all(&w, &t);
        ck_assert_msg(is_run_of(&t, &whole), "byte %zu changed", at);
        w.bytes.data[at] = was;
    }
    wal_clear(&w);
}
END_TEST

static lsn put_record(struct wal *w, enum walevent_type type)
{
    struct wal_body main = {.len = 0}, body;

    if (type == WALEVENT_CHECKPOINT)
        return wal_filling(w, 100);
    body_u64(&main, 77);
    body = body_of_main(&main);
    return wal_record(w, 1, type == WALEVENT_ABORT ? 0x20 : 0x00, 9, body.bytes, body.len);
}

/* What crosses the end is told by its start when it may end a transaction: to who reads further on it is nobody's. */
START_TEST(an_end_of_a_transaction_that_goes_on_behind_the_last_byte_is_open)
{
    static const struct {
        enum walevent_type type; /* CHECKPOINT: neither */
        unsigned bytes;          /* of the record before the cut: less than a header may become anything */
        bool is_open;
    } cuts[] = {
        {WALEVENT_COMMIT, 8, true},      {WALEVENT_COMMIT, 23, true},     {WALEVENT_COMMIT, 24, true},
        {WALEVENT_COMMIT, 33, true},     {WALEVENT_COMMIT, 34, false},    {WALEVENT_ABORT, 8, true},
        {WALEVENT_ABORT, 24, true},      {WALEVENT_ABORT, 33, true},      {WALEVENT_ABORT, 34, false},
        {WALEVENT_CHECKPOINT, 8, true},  {WALEVENT_CHECKPOINT, 23, true}, {WALEVENT_CHECKPOINT, 24, false},
        {WALEVENT_CHECKPOINT, 40, false}};
    static struct told t;

    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        struct wal w = wal_new();
        struct err e = ERR_NONE;
        struct walscan_opens opens;
        struct walscan *s;
        struct walcut begun;
        lsn start;

        t = (struct told){.fail_at = 0};
        wal_filling(&w, 100);
        start = put_record(&w, cuts[i].type);
        s = scan_new(&w, w.start, &t);
        ck_assert_int_eq(walscan_push(s, w.bytes.data, (size_t) (start - w.start), &e), ERR_OK);
        ck_assert_uint_eq(walscan_open(s), 0);
        ck_assert_int_eq(walscan_push(s, w.bytes.data + (start - w.start), cuts[i].bytes, &e), ERR_OK);
        ck_assert_msg(walscan_open(s) == (cuts[i].is_open ? start : 0), "cut %zu: %lx", i,
                      (unsigned long) walscan_open(s));
        walscan_opens(s, &opens);
        ck_assert_uint_eq(opens.told, walscan_open(s));
        ck_assert_uint_eq(opens.loss,
                          cuts[i].bytes < 24 ? start : 0); /* a commit without xinfo lets nothing go */
        ck_assert_uint_eq(opens.point, cuts[i].bytes < 24 ? start : 0);
        walscan_begun(s, &begun);
        ck_assert_msg(begun.len == (cuts[i].is_open ? cuts[i].bytes : 0) &&
                          memcmp(begun.bytes, w.bytes.data + (start - w.start), begun.len) == 0,
                      "cut %zu: %u bytes", i, begun.len);
        walscan_free(s);
        wal_clear(&w);
    }
}
END_TEST

/* Its two pieces, from two scans, are the record. */
START_TEST(what_was_cut_by_a_border_can_be_put_together)
{
    static struct told t;

    for (uint32_t left = 8; left < 40; left += 8) {
        struct wal w = wal_new();
        struct err e = ERR_NONE;
        struct walscan *before, *behind;
        struct walcut begun, rest, none;
        int64_t us = 0;

        t = (struct told){.fail_at = 0};
        while (wal_at(&w) % MIB < MIB - 2 * 8192)
            wal_filling(&w, 4000);
        while (wal_page_left(&w) < 200 || MIB - wal_at(&w) % MIB > left + 8192)
            wal_filling(&w, 80);
        wal_fill_to(&w, left);
        (void) put_record(&w, WALEVENT_ABORT);
        wal_filling(&w, 100);
        before = scan_new(&w, w.start, &t);
        behind = scan_new(&w, w.start + MIB, &t);
        ck_assert_int_eq(walscan_push(before, w.bytes.data, MIB, &e), ERR_OK);
        ck_assert_int_eq(walscan_push(behind, w.bytes.data + MIB, w.bytes.len - MIB, &e), ERR_OK);
        walscan_begun(before, &begun);
        walscan_rest(before, &none);
        walscan_rest(behind, &rest);
        ck_assert(!walscan_is_rest(before) && !walscan_is_rest(behind));
        ck_assert_uint_eq(begun.len, left);
        ck_assert_uint_eq(none.len, 0);
        walcut_add(&begun, rest.bytes, rest.len);
        ck_assert(walcut_time(&begun, 15, &us));
        ck_assert_int_eq(us, EPOCH_2000 + 77);
        walscan_free(before);
        walscan_free(behind);
        wal_clear(&w);
    }
}
END_TEST

/* ---- use ---- */

START_TEST(a_visitor_that_fails_ends_the_scan)
{
    struct wal w = wal_with_all();
    static struct told t;
    struct walscan *s;
    struct err e = ERR_NONE;

    t = (struct told){.fail_at = 3};
    s = scan_new(&w, w.start, &t);
    ck_assert_int_eq(walscan_push(s, w.bytes.data, w.bytes.len, &e), ERR_IO);
    ck_assert_str_eq(e.text, "the visitor has had enough");
    ck_assert_int_eq(walscan_push(s, w.bytes.data, w.bytes.len, &e), ERR_OK);
    ck_assert_uint_eq(t.count, 3);
    ck_assert_uint_eq(walscan_end(s), t.events[2].end);
    ck_assert_int_eq(walscan_is_ended(s), false);
    walscan_freep(&s);
    ck_assert_ptr_null(s);
    walscan_free(NULL);
    wal_clear(&w);
}
END_TEST

START_TEST(without_a_visitor_the_end_is_found)
{
    struct wal w = wal_with_all();
    static struct told whole;
    struct walscan *s = NULL;
    struct err e = ERR_NONE;

    scan_all(&w, &whole);
    ck_assert_int_eq(walscan_new(MIB, w.start, NULL, NULL, &s, &e), ERR_OK);
    ck_assert_int_eq(walscan_push(s, w.bytes.data, w.bytes.len, &e), ERR_OK);
    ck_assert_uint_eq(walscan_end(s), whole.end);
    ck_assert_uint_eq(walscan_last(s), whole.last);
    walscan_free(s);
    wal_clear(&w);
}
END_TEST

START_TEST(a_scan_begins_only_where_a_segment_does)
{
    static const struct {
        uint32_t segment_bytes;
        lsn start;
    } refused[] = {{MIB, MIB + 8192}, {16 * MIB, MIB}, {MIB / 2, MIB}, {3 * MIB, 3 * MIB}, {0, 0}};
    struct walscan *s = NULL;

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct err e = ERR_NONE;

        ck_assert_int_eq(walscan_new(refused[i].segment_bytes, refused[i].start, NULL, NULL, &s, &e),
                         ERR_USAGE);
        ck_assert_ptr_null(s);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_record_may_begin_anywhere_on_a_page,
        pieces_of_any_size_tell_the_same,
        every_cut_tells_what_was_whole_before_it,
        inside_a_record_the_end_is_the_position_pushed_to,
        a_scan_begins_behind_what_began_before,
        a_record_given_up_is_passed_over,
        behind_a_switch_the_next_segment_goes_on,
        a_record_that_is_none_is_the_end_for_good,
        a_length_decides_as_soon_as_it_is_there,
        a_segment_made_otherwise_is_the_end,
        the_first_record_may_name_only_one_before_it,
        a_page_that_does_not_follow_is_the_end,
        a_continuation_where_a_record_should_begin_is_the_end,
        a_later_timeline_goes_on,
        old_content_behind_the_end_is_not_read,
        what_is_no_wal_is_the_end_at_the_start,
        a_changed_byte_never_tells_what_was_not_there,
        an_end_of_a_transaction_that_goes_on_behind_the_last_byte_is_open,
        what_was_cut_by_a_border_can_be_put_together,
        a_visitor_that_fails_ends_the_scan,
        without_a_visitor_the_end_is_found,
        a_scan_begins_only_where_a_segment_does,
    };

    return check_main(suite_of("pg/walscan", tests, sizeof(tests) / sizeof(tests[0])));
}
