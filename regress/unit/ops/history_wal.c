/*
 * history_wal.c - see history_wal.h.
 *
 * Pages carry the timeline that wrote them: in a child's first segment those up to the one it begins in are its
 * parent's. wal_builder.h lays the bytes, and each record must come to lie where the model has it.
 */
#include "history_wal.h"

#include "../pg/wal_builder.h"

#include <stdio.h>

#define MAGIC_15  0xD110
#define YEARS     INT64_C(946684800000000) /* 1970 to 2000 */
#define TWO_PHASE 0x10                     /* in xinfo */

const char *history_name(unsigned name)
{
    static const char *const names[HISTORY_NAMES] = {"p0", "p1", "p2", "p3", "p4"};

    return names[name];
}

static lsn put_main(struct wal *w, uint8_t rmid, uint8_t info, uint32_t xid, const struct wal_body *main)
{
    struct wal_body body = body_of_main(main);

    return wal_record(w, rmid, info, xid, body.bytes, body.len);
}

static lsn put_end(struct wal *w, const struct history_record *r)
{
    struct wal_body main = {.len = 0};
    bool is_prepared = r->kind == HISTORY_COMMIT_PREPARED;

    body_u64(&main, (uint64_t) (r->time_us - YEARS));
    if (!is_prepared)
        return put_main(w, 1, r->kind == HISTORY_ABORT ? 0x20 : 0x00, r->xid, &main);
    body_u32(&main, TWO_PHASE);
    body_u32(&main, r->xid);
    return put_main(w, 1, 0x30 | 0x80, 0, &main);
}

static lsn put_point(struct wal *w, const struct history_record *r)
{
    struct wal_body main = {.len = 0};
    char field[64] = {0};

    (void) snprintf(field, sizeof(field), "%s", history_name(r->name));
    body_u64(&main, (uint64_t) (r->time_us - YEARS));
    body_bytes(&main, field, sizeof(field));
    return put_main(w, 0, 0x70, 0, &main);
}

/* XLOG_NOOP with so much main data that the record has its length. */
static lsn put_noise(struct wal *w, const struct history_record *r)
{
    const size_t len = (size_t) r->bytes - 24;
    uint8_t *body = calloc(1, len);
    lsn at;

    history_must(body != NULL, "no memory");
    body[0] = len < 2 + 256 ? 255 : 254;
    if (body[0] == 255)
        body[1] = (uint8_t) (len - 2);
    else
        le32_put(body + 1, (uint32_t) (len - 5));
    at = wal_record(w, 0, 0x20, 0, body, len);
    free(body);
    return at;
}

static lsn put_record(struct wal *w, const struct history_record *r)
{
    switch (r->kind) {
    case HISTORY_COMMIT:
    case HISTORY_COMMIT_PREPARED:
    case HISTORY_ABORT:
        return put_end(w, r);
    case HISTORY_POINT:
        return put_point(w, r);
    case HISTORY_SWITCH:
        return wal_switch(w);
    default:
        return put_noise(w, r);
    }
}

/* What is left of the record that crosses from the segment before: written whole, then its front is cut off. */
static void put_rest(struct wal *w, const struct history_segment *before)
{
    const struct history_record *r = &before->records[before->count - 1];
    const lsn segment = w->start;
    const size_t front = (size_t) (segment - r->start);

    w->start = r->start;
    w->prev = r[-1].start;
    w->tli = r->tli;
    (void) put_record(w, r);
    w->start = segment;
    w->bytes.len -= front;
    memmove(w->bytes.data, w->bytes.data + front, w->bytes.len);
}

void history_bytes(const struct history *h, uint32_t tli, uint64_t number, struct buf *out)
{
    struct wal w = {.bytes = BUF_INIT((size_t) h->segment_bytes + HISTORY_PAGE),
                    .start = walseg_start(number, h->segment_bytes),
                    .segment_bytes = h->segment_bytes,
                    .page_bytes = HISTORY_PAGE,
                    .magic = MAGIC_15};
    struct history_segment s;
    struct err e = ERR_NONE;

    history_must(buf_reserve(&w.bytes, h->segment_bytes, &e) == ERR_OK, e.text);
    if (history_crosses(h, history_before(h, tli, number, &s), number - 1))
        put_rest(&w, &s);
    w.prev = s.records[s.count - 1].start;
    history_records(h, tli, number, &s);
    for (size_t i = 0; i < s.count; i++) {
        w.tli = s.records[i].tli;
        history_must(put_record(&w, &s.records[i]) == s.records[i].start, "a record lies elsewhere");
    }
    history_must(w.bytes.len >= h->segment_bytes, "a segment is not filled");
    history_must(buf_append(out, w.bytes.data, h->segment_bytes, &e) == ERR_OK, e.text);
    buf_clear(&w.bytes);
}
