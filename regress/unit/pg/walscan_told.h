/*
 * walscan_told.h - scans of WAL made by hand, and what they told; and the records that most of these tests need.
 */
#pragma once
#include "pg/walscan.h"
#include "pg_data.h"
#include "wal_builder.h"

#define MIB        (1u << 20)
#define EPOCH_2000 INT64_C(946684800000000)
#define NO_LIST    UINT32_MAX

#define EVENTS_MAX 256

struct told {
    struct walevent events[EVENTS_MAX];
    size_t count;
    size_t fail_at; /* the visit that fails, from 1; 0 = none */
    lsn end, last;
    bool is_ended;
};

static inline enum err_code keep(const struct walevent *event, void *arg, struct err *e)
{
    struct told *t = arg;

    if (t->count == EVENTS_MAX)
        return err_set(e, ERR_CORRUPT, "more events than any test has");
    t->events[t->count++] = *event;
    if (t->count == t->fail_at)
        return err_set(e, ERR_IO, "the visitor has had enough");
    return ERR_OK;
}

static inline void told_finish(struct told *t, const struct walscan *s)
{
    t->end = walscan_end(s);
    t->last = walscan_last(s);
    t->is_ended = walscan_is_ended(s);
}

static inline struct walscan *scan_new(const struct wal *w, lsn start, struct told *t)
{
    struct walscan *s = NULL;
    struct err e = ERR_NONE;

    ck_assert_msg(walscan_new(w->segment_bytes, start, keep, t, &s, &e) == ERR_OK, "%s", e.text);
    return s;
}

/*
 * Scan len bytes from the segment at start on, in pieces. Each is copied to the end of a buffer of the piece's size, so
 * that a sanitizer sees any read beyond it.
 */
static inline void scan(const struct wal *w, lsn start, size_t len, size_t piece, struct told *t)
{
    const uint8_t *bytes = w->bytes.data + (start - w->start);
    struct walscan *s = scan_new(w, start, t);
    uint8_t *copy = malloc(piece);
    struct err e = ERR_NONE;

    ck_assert_ptr_nonnull(copy);
    for (size_t at = 0, n; at < len; at += n) {
        n = len - at < piece ? len - at : piece;
        memcpy(copy + piece - n, bytes + at, n);
        if (walscan_push(s, copy + piece - n, n, &e) != ERR_OK) /* check's assertions cost a write(2) each */
            ck_abort_msg("%s", e.text);
    }
    free(copy);
    told_finish(t, s);
    walscan_free(s);
}

static inline void scan_all(const struct wal *w, struct told *t)
{
    *t = (struct told){0};
    scan(w, w->start, w->bytes.len, MIB, t);
}

static inline bool event_has_lists_of(const struct walevent *a, const struct walevent *b)
{
    return a->subxact_count == b->subxact_count && a->relation_count == b->relation_count &&
           a->stats_count == b->stats_count &&
           memcmp(a->subxacts, b->subxacts, walevent_kept(a->subxact_count) * sizeof(a->subxacts[0])) == 0 &&
           memcmp(a->relations, b->relations, walevent_kept(a->relation_count) * sizeof(a->relations[0])) ==
               0 &&
           memcmp(a->stats, b->stats, walevent_kept(a->stats_count) * sizeof(a->stats[0])) == 0;
}

static inline bool event_is(const struct walevent *a, const struct walevent *b)
{
    return a->type == b->type && a->start == b->start && a->end == b->end && a->xid == b->xid &&
           a->time_us == b->time_us && strcmp(a->name, b->name) == 0 && a->database == b->database &&
           a->source_database == b->source_database && a->tablespace == b->tablespace &&
           memcmp(&a->relation, &b->relation, sizeof(a->relation)) == 0 && a->fork == b->fork &&
           a->redo == b->redo && a->next_xid == b->next_xid && a->is_shutdown == b->is_shutdown &&
           a->is_prepared == b->is_prepared && event_has_lists_of(a, b);
}

static inline void assert_same(const struct told *a, const struct told *b)
{
    ck_assert_uint_eq(a->count, b->count);
    for (size_t i = 0; i < a->count; i++)
        ck_assert_msg(event_is(&a->events[i], &b->events[i]), "event %zu differs", i);
    ck_assert_uint_eq(a->end, b->end);
    ck_assert_uint_eq(a->last, b->last);
    ck_assert_int_eq(a->is_ended, b->is_ended);
}

static inline struct wal wal_new(void)
{
    return (struct wal){.bytes = BUF_INIT(WAL_BUILDER_MAX),
                        .start = UINT64_C(0x500000000) - MIB, /* so that the high half changes on the way */
                        .segment_bytes = MIB,
                        .page_bytes = 8192,
                        .magic = 0xD110,
                        .tli = 3};
}

static inline void wal_clear(struct wal *w)
{
    buf_clear(&w->bytes);
}

/* A record that tells nothing: len bytes of body that look like anything. */
static inline lsn wal_filling(struct wal *w, size_t len)
{
    uint8_t *body = malloc(len + 1);
    uint64_t random = len + 1;
    lsn start;

    ck_assert_ptr_nonnull(body);
    for (size_t i = 0; i < len; i++)
        body[i] = (uint8_t) next_random(&random);
    start = wal_record(w, 10, 0, 77, body, len);
    free(body);
    return start;
}

static inline lsn wal_main(struct wal *w, uint8_t rmid, uint8_t info, uint32_t xid,
                           const struct wal_body *main)
{
    struct wal_body body = body_of_main(main);

    return wal_record(w, rmid, info, xid, body.bytes, body.len);
}

static inline lsn wal_commit(struct wal *w, uint32_t xid, int64_t time_us)
{
    struct wal_body main = {.len = 0};

    body_u64(&main, (uint64_t) (time_us - EPOCH_2000));
    return wal_main(w, 1, 0x00, xid, &main);
}

static inline lsn wal_restore_point(struct wal *w, const char *name, int64_t time_us)
{
    struct wal_body main = {.len = 0};
    char field[64] = {0};

    (void) snprintf(field, sizeof(field), "%s", name);
    body_u64(&main, (uint64_t) (time_us - EPOCH_2000));
    body_bytes(&main, field, sizeof(field));
    return wal_main(w, 0, 0x70, 0, &main);
}

/* All a commit or abort may carry, in the order of the servers. */
struct xact {
    uint32_t database;                           /* 0 = no database item */
    uint32_t subxacts, relations, stats, invals; /* counts; NO_LIST = no such item */
    uint32_t prepared_xid;
    uint32_t more_xinfo;
};

static inline void body_item(struct wal_body *b, uint32_t count, size_t entry_bytes)
{
    if (count != NO_LIST)
        body_list(b, count, entry_bytes);
}

static inline struct wal_body xact_main(const struct xact *x, unsigned major, int64_t time_us)
{
    struct wal_body b = {.len = 0};

    body_u64(&b, (uint64_t) (time_us - EPOCH_2000));
    body_u32(&b, (x->database ? 0x001u : 0) | (x->subxacts != NO_LIST ? 0x002u : 0) |
                     (x->relations != NO_LIST ? 0x004u : 0) | (x->stats != NO_LIST ? 0x100u : 0) |
                     (x->invals != NO_LIST ? 0x008u : 0) | (x->prepared_xid ? 0x010u : 0) | x->more_xinfo);
    if (x->database) {
        body_u32(&b, x->database);
        body_u32(&b, 1663);
    }
    body_item(&b, x->subxacts, 4);
    body_item(&b, x->relations, 12);
    body_item(&b, x->stats, major >= 18 ? 16 : 12);
    body_item(&b, x->invals, 16);
    if (x->prepared_xid) {
        body_u32(&b, x->prepared_xid);
        body_bytes(&b, "gid of it", 10);
    }
    body_bytes(&b, "origin: 16 bytes", 16);
    return b;
}
