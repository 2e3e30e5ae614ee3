/* Tests of src/pg/walevent.c, through scans of WAL made by hand: what records tell, and what they claim. */
#include "check_main.h"
#include "walscan_told.h"

static const struct version {
    unsigned major;
    uint16_t magic;
    uint8_t drop_database;
    bool has_stats;
} versions[] = {{13, 0xD106, 0x10, false}, {14, 0xD10D, 0x10, false}, {15, 0xD110, 0x20, true},
                {16, 0xD113, 0x20, true},  {17, 0xD116, 0x20, true},  {18, 0xD118, 0x20, true}};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define VERSIONS     (sizeof(versions) / sizeof(versions[0]))

/* The record just appended tells this; its end is where the WAL now ends. */
static void expect(struct told *wanted, const struct wal *w, struct walevent v)
{
    v.end = wal_at(w);
    wanted->events[wanted->count++] = v;
    wanted->last = v.start;
    wanted->end = v.end;
}

/* The n-th u32 of what body_list writes. */
static uint32_t of_list(size_t n)
{
    uint8_t bytes[4];

    for (size_t i = 0; i < 4; i++)
        bytes[i] = (uint8_t) ((4 * n + i) * 37 + 11);
    return le32_get(bytes);
}

/* What a commit or abort made by xact_main must tell. */
static struct walevent ended(const struct xact *x, unsigned major, enum walevent_type type, int64_t time_us)
{
    struct walevent v = {.type = type, .xid = x->prepared_xid, .time_us = time_us, .database = x->database};
    size_t words = major >= 18 ? 4 : 3;

    v.is_prepared = x->prepared_xid != 0;
    v.subxact_count = x->subxacts == NO_LIST ? 0 : x->subxacts;
    v.relation_count = x->relations == NO_LIST ? 0 : x->relations;
    v.stats_count = x->stats == NO_LIST ? 0 : x->stats;
    for (size_t i = 0; i < WALEVENT_LIST_MAX; i++) {
        v.subxacts[i] = of_list(i);
        v.relations[i] = (struct walevent_relation){of_list(3 * i), of_list(3 * i + 1), of_list(3 * i + 2)};
        v.stats[i] = (struct walevent_stats){of_list(words * i), of_list(words * i + 2)};
    }
    return v;
}

static void append_end(struct wal *w, const struct version *v, struct told *wanted, const struct xact *x,
                       enum walevent_type type, uint8_t info, int64_t time_us)
{
    struct wal_body main = xact_main(x, v->major, time_us);
    struct walevent event = ended(x, v->major, type, time_us);
    bool is_prepared = x->prepared_xid != 0;

    event.start = wal_main(w, 1, info, is_prepared ? 0 : 4700, &main);
    event.xid = is_prepared ? x->prepared_xid : 4700;
    expect(wanted, w, event);
}

static void append_transactions(struct wal *w, const struct version *v, struct told *wanted)
{
    struct xact plain = {16390, 3, 2, v->has_stats ? 2 : NO_LIST, 5, 0, 0};
    struct xact all_kept = {16390, 64, 64, v->has_stats ? 64 : NO_LIST, 5, 0, 0};
    struct xact prepared = {16391, 300, 65, v->has_stats ? 65 : NO_LIST, 9, 4711, 0x80 | 0x20 | 0x40};
    struct xact rolled_back = {0, NO_LIST, 1, v->has_stats ? 1 : NO_LIST, NO_LIST, 4712, 0x80};
    struct wal_body main = xact_main(&plain, v->major, EPOCH_2000 + 10);

    expect(
        wanted, w,
        (struct walevent){.type = WALEVENT_PREPARE, .start = wal_main(w, 1, 0x10, 4711, &main), .xid = 4711});
    append_end(w, v, wanted, &plain, WALEVENT_COMMIT, 0x80, EPOCH_2000 + 10);
    append_end(w, v, wanted, &all_kept, WALEVENT_COMMIT, 0x80, EPOCH_2000 + 15);
    append_end(w, v, wanted, &prepared, WALEVENT_COMMIT, 0xB0, EPOCH_2000 + 20);
    append_end(w, v, wanted, &plain, WALEVENT_ABORT, 0xA0, EPOCH_2000 + 25);
    append_end(w, v, wanted, &rolled_back, WALEVENT_ABORT, 0xC0, EPOCH_2000 - 30);
}

static void append_databases(struct wal *w, const struct version *v, struct told *wanted)
{
    struct wal_body created = {.len = 0}, dropped = {.len = 0}, space = {.len = 0};
    struct walevent create = {
        .type = WALEVENT_CREATE_DATABASE, .xid = 4712, .database = 16399, .tablespace = 1663};

    body_u32(&created, 16399);
    body_u32(&created, 1663);
    if (v->major >= 15) {
        create.start = wal_main(w, 4, 0x10, 4712, &created);
        expect(wanted, w, create);
    }
    body_u32(&created, 4);
    body_u32(&created, 1664);
    create.source_database = 4;
    create.start = wal_main(w, 4, 0x00, 4712, &created);
    expect(wanted, w, create);
    body_u32(&dropped, 16400);
    body_list(&dropped, 2, 4);
    expect(wanted, w,
           (struct walevent){.type = WALEVENT_DROP_DATABASE,
                             .start = wal_main(w, 4, v->drop_database, 4713, &dropped),
                             .xid = 4713,
                             .database = 16400});
    body_u32(&space, 16500);
    expect(wanted, w,
           (struct walevent){.type = WALEVENT_DROP_TABLESPACE,
                             .start = wal_main(w, 5, 0x10, 4714, &space),
                             .xid = 4714,
                             .tablespace = 16500});
}

static void append_files(struct wal *w, struct told *wanted)
{
    struct walevent create = {.type = WALEVENT_RELATION_CREATE, .xid = 4715, .relation = {1663, 5, 16600}};

    for (create.fork = WALEVENT_FORK_MAIN; create.fork <= WALEVENT_FORK_INIT; create.fork++) {
        struct wal_body main = {.len = 0};

        body_u32(&main, 1663);
        body_u32(&main, 5);
        body_u32(&main, 16600);
        body_u32(&main, create.fork);
        create.start = wal_main(w, 2, 0x10 | 0x01, 4715, &main);
        expect(wanted, w, create);
    }
}

/* An update in place, with and without an image of the page. */
static void append_update(struct wal *w, struct told *wanted, uint8_t image, uint32_t database)
{
    struct walevent update = {.type = WALEVENT_IN_PLACE, .relation = {1664, database, 1262}};
    struct wal_body body = {.len = 0};

    body_u8(&body, 0);
    body_u8(&body, image != 0 ? 0x10 : 0x20);
    body_bytes(&body, "\4", 2);
    if (image != 0) {
        body_bytes(&body, "\6\0\30\0", 4);
        body_u8(&body, image);
    }
    if (image > 1)
        body_bytes(&body, "\x66\x66", 2); /* the hole's length, where the page is compressed besides */
    body_u32(&body, 1664);
    body_u32(&body, database);
    body_u32(&body, 1262);
    body_u32(&body, 0); /* block */
    body_u8(&body, 255);
    body_u8(&body, 2);
    body_bytes(&body, "data", 4);
    body_bytes(&body, "\7", 2);
    update.start = wal_record(w, 10, 0x70, 0, body.bytes, body.len);
    expect(wanted, w, update);
}

static void append_updates(struct wal *w, const struct version *v, struct told *wanted)
{
    append_update(w, wanted, 0, 0);
    append_update(w, wanted, 0x01, 0);
    append_update(w, wanted, v->major >= 15 ? 0x01 | 0x08 : 0x01 | 0x02, 0);
    append_update(w, wanted, 0, 5);
}

static void append_checkpoints(struct wal *w, struct told *wanted)
{
    struct walevent checkpoint = {
        .type = WALEVENT_CHECKPOINT, .redo = 0x1234567890, .next_xid = 4716, .is_shutdown = true};
    struct wal_body main = {.len = 0};

    body_u64(&main, checkpoint.redo);
    body_u64(&main, UINT64_C(3) << 32 | 3); /* timelines */
    body_u64(&main, 1);                     /* full page writes, and the WAL level in 17 */
    body_u64(&main, UINT64_C(1) << 32 | 4716);
    body_bytes(&main, "what else a checkpoint says", 27);
    checkpoint.start = wal_main(w, 0, 0x00, 0, &main);
    expect(wanted, w, checkpoint);
    checkpoint.is_shutdown = false;
    checkpoint.start = wal_main(w, 0, 0x10, 0, &main);
    expect(wanted, w, checkpoint);
}

/*
 * As a server writes it by itself, and within a transaction, as one without other processes does; with a list behind.
 */
static void append_running(struct wal *w, struct told *wanted)
{
    for (uint32_t count = 0; count < 3; count++) {
        struct walevent running = {.type = WALEVENT_RUNNING, .next_xid = 4717 + count, .xid = count};
        struct wal_body main = {.len = 0};

        body_u32(&main, count);          /* transactions */
        body_u32(&main, 0);              /* subtransactions */
        body_u32(&main, 0xFEFEFE00 | 1); /* there are more, and padding of anything */
        body_u32(&main, running.next_xid);
        body_u32(&main, 4700); /* the oldest one under way */
        body_u32(&main, 4716); /* the last one that is over */
        for (uint32_t i = 0; i < count; i++)
            body_u32(&main, 4700 + i);
        running.start = wal_main(w, 8, 0x10, running.xid, &main);
        expect(wanted, w, running);
    }
}

static void append_others(struct wal *w, struct told *wanted)
{
    static const char name[64] = "the longest name that there may be is of sixty-three characters";
    struct wal_body recovered = {.len = 0}, backup = {.len = 0};
    struct walevent point = {.type = WALEVENT_RESTORE_POINT, .time_us = EPOCH_2000 + 50};

    body_u64(&recovered, 40);
    body_u64(&recovered, 2);
    body_u64(&backup, 0x1000028);
    expect(wanted, w,
           (struct walevent){.type = WALEVENT_END_OF_RECOVERY,
                             .start = wal_main(w, 0, 0x90, 0, &recovered),
                             .time_us = EPOCH_2000 + 40});
    expect(wanted, w,
           (struct walevent){.type = WALEVENT_BACKUP_END, .start = wal_main(w, 0, 0x50, 0, &backup)});
    memcpy(point.name, name, sizeof(name));
    point.start = wal_restore_point(w, name, point.time_us);
    expect(wanted, w, point);
    point = (struct walevent){.type = WALEVENT_SWITCH, .start = wal_record(w, 0, 0x40, 0, NULL, 0)};
    expect(wanted, w, point);
}

START_TEST(every_event_of_every_version_is_told)
{
    for (size_t i = 0; i < VERSIONS; i++) {
        struct told wanted = {0}, t;
        struct wal w = wal_new();

        w.magic = versions[i].magic;
        append_transactions(&w, &versions[i], &wanted);
        append_databases(&w, &versions[i], &wanted);
        append_files(&w, &wanted);
        append_updates(&w, &versions[i], &wanted);
        append_checkpoints(&w, &wanted);
        append_running(&w, &wanted);
        append_others(&w, &wanted);
        scan_all(&w, &t);
        assert_same(&wanted, &t);
        wal_clear(&w);
    }
}
END_TEST

START_TEST(what_is_no_event_is_passed_over)
{
    static const struct {
        uint16_t magic;
        uint8_t rmid, info;
        const char *why;
    } silent[] = {
        {0xD118, 0, 0xE0, "the redo point of a checkpoint"},
        {0xD110, 1, 0x50, "the assignment of subtransactions"},
        {0xD110, 1, 0x60, "invalidations"},
        {0xD10D, 4, 0x20, "of databases, 14 knows no such record"},
        {0xD110, 5, 0x00, "creating a tablespace"},
        {0xD110, 2, 0x20, "a relation cut short"},
        {0xD110, 8, 0x00, "locks that a standby must take"},
        {0xD110, 8, 0x20, "invalidations of a transaction without an xid"},
        {0xD110, 200, 0x00, "a custom resource manager"},
    };

    for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++) {
        struct wal w = wal_new();
        struct told t;

        w.magic = silent[i].magic;
        wal_record(&w, silent[i].rmid, silent[i].info, 5, "some body", 9);
        scan_all(&w, &t);
        ck_assert_msg(t.count == 0 && !t.is_ended && t.end == wal_at(&w), "%s", silent[i].why);
        wal_clear(&w);
    }
}
END_TEST

START_TEST(headers_of_origin_and_top_level_xid_lie_before_the_data)
{
    struct wal w = wal_new();
    struct wal_body body = {.len = 0};
    struct told t;

    body_bytes(&body, "\xfd\x07\x00\xfc\x01\x02\x03\x04\xff\x08", 10);
    body_u64(&body, 123);
    wal_record(&w, 1, 0x00, 700, body.bytes, body.len);
    scan_all(&w, &t);
    ck_assert_uint_eq(t.count, 1);
    ck_assert_uint_eq(t.events[0].xid, 700);
    ck_assert_int_eq(t.events[0].time_us, EPOCH_2000 + 123);
    wal_clear(&w);
}
END_TEST

START_TEST(statistics_are_looked_for_only_where_there_are_some)
{
    for (size_t i = 0; i < VERSIONS; i++) {
        struct xact x = {16384, NO_LIST, NO_LIST, NO_LIST, NO_LIST, 99, 0x100};
        struct wal_body main = xact_main(&x, versions[i].major, EPOCH_2000);
        struct wal w = wal_new();
        struct told t;

        w.magic = versions[i].magic;
        wal_main(&w, 1, 0xB0, 0, &main);
        scan_all(&w, &t);
        ck_assert_uint_eq(t.count, 1);
        ck_assert_int_eq(t.events[0].xid == 99, !versions[i].has_stats);
        wal_clear(&w);
    }
}
END_TEST

START_TEST(an_item_that_does_not_fit_leaves_the_commit_told)
{
    static const struct {
        uint32_t count;
        const char *why;
    } lies[] = {{1000, "more than the record has"},
                {0xFFFFFFFF, "a negative count"},
                {0x80000000, "times the entry's size a multiple of 2^32"},
                {0x40000001, "times the entry's size 4"}};

    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct xact x = {16384, 4, NO_LIST, NO_LIST, NO_LIST, 99, 0};
        struct wal_body main = xact_main(&x, 15, EPOCH_2000 + 5);
        struct wal w = wal_new();
        struct told t;

        le32_put(main.bytes + 8 + 4 + 8, lies[i].count);
        wal_main(&w, 1, 0xB0, 0, &main);
        scan_all(&w, &t);
        ck_assert_msg(t.count == 1 && t.events[0].time_us == EPOCH_2000 + 5 && t.events[0].xid == 0 &&
                          t.events[0].database == 16384,
                      "%s", lies[i].why);
        wal_clear(&w);
    }
}
END_TEST

START_TEST(a_list_that_does_not_fit_leaves_the_lists_before_it)
{
    struct xact x = {16384, 4, 70, 3, NO_LIST, 99, 0};
    struct wal_body main = xact_main(&x, 15, EPOCH_2000 + 5);
    struct wal w = wal_new();
    struct told t;

    le32_put(main.bytes + 8 + 4 + 8 + 4 + 4 * 4 + 4 + 70 * 12, 1000); /* of the statistics */
    wal_main(&w, 1, 0xB0, 0, &main);
    scan_all(&w, &t);
    ck_assert_uint_eq(t.count, 1);
    ck_assert_uint_eq(t.events[0].subxact_count, 4);
    ck_assert_uint_eq(t.events[0].relation_count, 70);
    ck_assert_uint_eq(t.events[0].relations[63].relfilenode, of_list(3 * 63 + 2));
    ck_assert_uint_eq(t.events[0].stats_count, 0);
    ck_assert_uint_eq(t.events[0].xid, 0);
    wal_clear(&w);
}
END_TEST

START_TEST(an_event_has_nothing_of_the_one_before)
{
    struct xact all = {16384, 70, 70, 70, 3, 99, 0}, none = {0, NO_LIST, NO_LIST, NO_LIST, NO_LIST, 0, 0};
    struct wal_body main = xact_main(&all, 15, EPOCH_2000 + 5);
    struct wal w = wal_new();
    struct walevent wanted = ended(&none, 15, WALEVENT_COMMIT, EPOCH_2000 + 6);
    struct told t;

    wal_main(&w, 1, 0xB0, 0, &main);
    main = xact_main(&none, 15, EPOCH_2000 + 6);
    wanted.xid = 5;
    wanted.start = wal_main(&w, 1, 0x80, 5, &main);
    wanted.end = wal_at(&w);
    scan_all(&w, &t);
    ck_assert_uint_eq(t.count, 2);
    ck_assert(event_is(&t.events[1], &wanted));
    wal_clear(&w);
}
END_TEST

START_TEST(a_record_not_of_its_form_is_the_end)
{
    static const struct {
        uint8_t rmid, info;
        const char *body;
        size_t len;
        const char *why;
    } malformed[] = {
        {1, 0x00, "", 0, "a commit without a body"},
        {1, 0x00, "\xff", 1, "no length"},
        {1, 0x00,
         "\xff\x08"
         "1234567",
         9, "shorter than it says"},
        {1, 0x00,
         "\xff\x08"
         "123456789",
         11, "longer than it says"},
        {1, 0x20,
         "\xff\x07"
         "1234567",
         9, "no whole time"},
        {1, 0x00,
         "\xfe\x08\x00\x00\x01"
         "12345678",
         13, "a long length that lies"},
        {1, 0x00,
         "\x07\x08"
         "12345678",
         10, "a block reference"},
        {0, 0x70,
         "\xff\x08"
         "12345678",
         10, "a restore point without a name"},
        {4, 0x20,
         "\xff\x03"
         "123",
         5, "a drop of no database"},
        {5, 0x10,
         "\xff\x03"
         "123",
         5, "a drop of no tablespace"},
        {4, 0x10,
         "\xff\x07"
         "1234567",
         9, "a database made nowhere"},
        {2, 0x10,
         "\xff\x0f"
         "123456789012345",
         17, "a file without a fork"},
        {0, 0x10,
         "\xff\x1b"
         "123456789012345678901234567",
         29, "a checkpoint without a next xid"},
        {8, 0x10,
         "\xff\x0f"
         "123456789012345",
         17, "running transactions without a next xid"},
    };

    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        struct wal w = wal_new();
        struct told t;
        lsn end;

        wal_commit(&w, 1, EPOCH_2000);
        end = wal_at(&w);
        wal_record(&w, malformed[i].rmid, malformed[i].info, 2, malformed[i].body, malformed[i].len);
        scan_all(&w, &t);
        ck_assert_msg(t.is_ended && t.count == 1 && t.end == end, "%s", malformed[i].why);
        wal_clear(&w);
    }
}
END_TEST

START_TEST(a_time_beyond_all_is_the_last_there_is)
{
    struct wal w = wal_new();
    struct told t;
    struct wal_body main = {.len = 0};

    body_u64(&main, INT64_MAX);
    wal_main(&w, 1, 0, 3, &main);
    main.len = 0;
    body_u64(&main, (uint64_t) INT64_MIN);
    wal_main(&w, 1, 0, 4, &main);
    scan_all(&w, &t);
    ck_assert_uint_eq(t.count, 2);
    ck_assert_int_eq(t.events[0].time_us, INT64_MAX);
    ck_assert_int_eq(t.events[1].time_us, INT64_MIN + EPOCH_2000);
    wal_clear(&w);
}
END_TEST

START_TEST(any_body_with_a_fitting_crc_is_survived)
{
    static const uint8_t kinds[][2] = {{1, 0x80}, {1, 0xA0}, {1, 0xB0}, {1, 0xC0}, {0, 0x70}, {0, 0x90},
                                       {4, 0x20}, {0, 0x00}, {2, 0x10}, {4, 0x00}, {5, 0x10}, {8, 0x10}};
    uint64_t random = 77;

    for (size_t i = 0; i < 5000; i++) {
        struct xact x = {16384, 5, 3, 2, 4, 4711, 0x80};
        struct wal_body main = xact_main(&x, 15, EPOCH_2000 + 5), body = body_of_main(&main);
        const uint8_t *kind = kinds[next_random(&random) % COUNT(kinds)];
        struct wal w = wal_new();
        struct told t;

        w.magic = versions[next_random(&random) % VERSIONS].magic;
        for (uint64_t n = next_random(&random) % 4; n > 0; n--)
            body.bytes[next_random(&random) % body.len] = (uint8_t) next_random(&random);
        if (next_random(&random) % 4 == 0)
            body.len = (size_t) (next_random(&random) % body.len);
        wal_record(&w, kind[0], kind[1], 3, body.bytes, body.len);
        t = (struct told){0};
        scan(&w, w.start, w.bytes.len, 1 + (size_t) (next_random(&random) % 300), &t);
        ck_assert(t.count == (t.is_ended || (w.magic < 0xD110 && kind[0] == 4 && kind[1] == 0x20) ? 0 : 1));
        wal_clear(&w);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_event_of_every_version_is_told,
        what_is_no_event_is_passed_over,
        headers_of_origin_and_top_level_xid_lie_before_the_data,
        statistics_are_looked_for_only_where_there_are_some,
        an_item_that_does_not_fit_leaves_the_commit_told,
        a_list_that_does_not_fit_leaves_the_lists_before_it,
        an_event_has_nothing_of_the_one_before,
        a_record_not_of_its_form_is_the_end,
        a_time_beyond_all_is_the_last_there_is,
        any_body_with_a_fitting_crc_is_survived,
    };

    return check_main(suite_of("pg/walevent", tests, sizeof(tests) / sizeof(tests[0])));
}
