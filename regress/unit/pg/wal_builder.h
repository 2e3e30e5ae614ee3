/*
 * wal_builder.h - write-ahead log made by hand, for tests of its readers.
 *
 * Records are laid out as the server does it: cut by page headers, linked to the one before, with their CRC. A test
 * spoils what it likes afterwards. All bytes lie in memory from `start` on. What can't be made aborts: there is no
 * check around a fuzz target.
 */
#pragma once
#include "base/buf.h"
#include "codec/crc32c.h"
#include "codec/le.h"
#include "pg/lsn.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define WAL_BUILDER_MAX    (16u << 20)
#define WAL_BUILDER_SYSTEM UINT64_C(0x6B01020304050607)

enum { PAGE_CONTINUES = 1, PAGE_LONG = 2, PAGE_OVERWRITES = 8 };

struct wal {
    struct buf bytes;
    lsn start;
    uint32_t segment_bytes;
    uint32_t page_bytes;
    uint16_t magic;
    uint32_t tli;
    lsn prev;                /* start of the last record */
    uint16_t next_page_info; /* flags for the next page, once */
};

static inline void wal_must(bool is_so)
{
    if (!is_so)
        abort();
}

static inline lsn wal_at(const struct wal *w)
{
    return w->start + w->bytes.len;
}

static inline void wal_raw(struct wal *w, const void *bytes, size_t len)
{
    struct err e = ERR_NONE;

    wal_must(buf_append(&w->bytes, bytes, len, &e) == ERR_OK);
}

static inline void wal_zeros(struct wal *w, size_t len)
{
    static const uint8_t zeros[4096];

    for (size_t n; len > 0; len -= n) {
        n = len < sizeof(zeros) ? len : sizeof(zeros);
        wal_raw(w, zeros, n);
    }
}

/* The header of the page that begins here. */
static inline void wal_page(struct wal *w, uint16_t info, uint32_t rem_len)
{
    uint8_t header[40] = {0};
    bool is_long = wal_at(w) % w->segment_bytes == 0;

    le16_put(header, w->magic);
    le16_put(header + 2, (uint16_t) (info | w->next_page_info | (is_long ? PAGE_LONG : 0)));
    le32_put(header + 4, w->tli);
    le64_put(header + 8, wal_at(w));
    le32_put(header + 16, rem_len);
    le64_put(header + 24, WAL_BUILDER_SYSTEM);
    le32_put(header + 32, w->segment_bytes);
    le32_put(header + 36, w->page_bytes);
    w->next_page_info = 0;
    wal_raw(w, header, is_long ? 40 : 24);
}

static inline uint32_t wal_page_left(const struct wal *w)
{
    return (uint32_t) (w->page_bytes - wal_at(w) % w->page_bytes);
}

/* Bytes of a record, with the headers of the pages they go on to. goes_on: they are the rest of an earlier record. */
static inline void wal_spread(struct wal *w, const uint8_t *bytes, size_t len, bool goes_on)
{
    while (len > 0) {
        size_t n;

        if (wal_at(w) % w->page_bytes == 0)
            wal_page(w, goes_on ? PAGE_CONTINUES : 0, goes_on ? (uint32_t) len : 0);
        n = len < wal_page_left(w) ? len : wal_page_left(w);
        wal_raw(w, bytes, n);
        bytes += n;
        len -= n;
        goes_on = true;
    }
    wal_zeros(w, (size_t) (-wal_at(w) & 7));
}

/* A record's 24 bytes of header in front of its body, in out. */
static inline void wal_record_bytes(const struct wal *w, uint8_t rmid, uint8_t info, uint32_t xid,
                                    const void *body, size_t len, uint8_t *out)
{
    memset(out, 0, 24);
    le32_put(out, (uint32_t) (24 + len));
    le32_put(out + 4, xid);
    le64_put(out + 8, w->prev);
    out[16] = info;
    out[17] = rmid;
    if (len > 0)
        memcpy(out + 24, body, len);
    le32_put(out + 20, crc32c(crc32c(0, out + 24, len), out, 20));
}

/* Where the next record will begin: behind the page header when a page begins here. */
static inline lsn wal_next(const struct wal *w)
{
    lsn at = wal_at(w);

    if (at % w->segment_bytes == 0)
        return at + 40;
    return at % w->page_bytes == 0 ? at + 24 : at;
}

/* Append a record; its start. */
static inline lsn wal_record(struct wal *w, uint8_t rmid, uint8_t info, uint32_t xid, const void *body,
                             size_t len)
{
    uint8_t *record = malloc(24 + len);
    lsn start = wal_next(w);

    wal_must(record != NULL);
    wal_record_bytes(w, rmid, info, xid, body, len, record);
    wal_spread(w, record, 24 + len, false);
    free(record);
    w->prev = start;
    return start;
}

/* XLOG_SWITCH and its filler. */
static inline lsn wal_switch(struct wal *w)
{
    lsn start = wal_record(w, 0, 0x40, 0, NULL, 0);

    wal_zeros(w, (size_t) (-wal_at(w) & (w->segment_bytes - 1)));
    return start;
}

/* A body with nothing but main data. */
struct wal_body {
    uint8_t bytes[8192];
    size_t len;
};

static inline void body_bytes(struct wal_body *b, const void *bytes, size_t len)
{
    wal_must(b->len + len <= sizeof(b->bytes));
    memcpy(b->bytes + b->len, bytes, len);
    b->len += len;
}

static inline void body_u8(struct wal_body *b, uint8_t v)
{
    body_bytes(b, &v, 1);
}

static inline void body_u32(struct wal_body *b, uint32_t v)
{
    uint8_t bytes[4];

    le32_put(bytes, v);
    body_bytes(b, bytes, 4);
}

static inline void body_u64(struct wal_body *b, uint64_t v)
{
    uint8_t bytes[8];

    le64_put(bytes, v);
    body_bytes(b, bytes, 8);
}

/* A list as xinfo's items are: its count, then that many entries of anything. */
static inline void body_list(struct wal_body *b, uint32_t count, size_t entry_bytes)
{
    body_u32(b, count);
    for (size_t i = 0; i < count * entry_bytes; i++)
        body_u8(b, (uint8_t) (i * 37 + 11));
}

/* Main data as a whole body, with the short or the long header. */
static inline struct wal_body body_of_main(const struct wal_body *main)
{
    struct wal_body body = {.len = 0};

    if (main->len < 256) {
        body_u8(&body, 255);
        body_u8(&body, (uint8_t) main->len);
    } else {
        body_u8(&body, 254);
        body_u32(&body, (uint32_t) main->len);
    }
    body_bytes(&body, main->bytes, main->len);
    return body;
}
