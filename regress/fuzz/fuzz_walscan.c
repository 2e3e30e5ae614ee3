/*
 * fuzz_walscan.c - walscan and waldrops on any bytes.
 *
 * Input     0 u8 which: the low 3 bits a version, 0x80 records; 1 u8 how large the pieces are that are pushed; then
 *           bytes as they lie in a segment, or records, each: resource manager, info, xid (u8), u8 form, u16 length, the body
 *           of at most so many bytes. form 0: the body as it is; else: it is the main data, behind its header. These are
 *           laid out as WAL with fitting page headers and CRCs, which no mutation would hit.
 * Nothing may crash; and what is told must not depend on the pieces, and lie where it was pushed.
 */
#include "pg/waldrops.h"
#include "pg/walpage.h"
#include "pg/walscan.h"

#include "../unit/pg/wal_builder.h"

#include <stdlib.h>

#define MIB       (1u << 20)
#define BYTES_MAX (3u * MIB)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint16_t magics[] = {0xD106, 0xD10D, 0xD110, 0xD113, 0xD116, 0xD118, 0xD110, 0xD118};

/* What a scan told, so that two can be compared. */
struct summary {
    lsn pushed, last_start, end, last;
    uint64_t digest;
    bool is_ended;
    struct waldrops drops;
};

static void digest(struct summary *s, const void *bytes, size_t len)
{
    s->digest = s->digest * 1000003 + crc32c((uint32_t) s->digest, bytes, len);
}

static enum err_code take(const struct walevent *v, void *arg, struct err *e)
{
    struct summary *s = arg;
    enum waldrops_kind kind = waldrops_meet(&s->drops, v);

    (void) e;
    wal_must(v->start > s->last_start && v->end > v->start && v->end <= s->pushed + WALRECORD_ALIGN);
    wal_must(waldrops_kind_name(kind) != NULL && s->drops.count <= WALDROPS_CREATES_MAX);
    wal_must(kind == WALDROPS_NONE || (v->type == WALEVENT_COMMIT && v->relation_count > 0));
    wal_must(memchr(v->name, 0, sizeof(v->name)) != NULL);
    s->last_start = v->start;
    digest(s, &v->start, sizeof(v->start));
    digest(s, &v->xid, sizeof(v->xid));
    digest(s, &v->time_us, sizeof(v->time_us));
    digest(s, &kind, sizeof(kind));
    digest(s, v->subxacts, walevent_kept(v->subxact_count) * sizeof(v->subxacts[0]));
    digest(s, v->relations, walevent_kept(v->relation_count) * sizeof(v->relations[0]));
    digest(s, v->stats, walevent_kept(v->stats_count) * sizeof(v->stats[0]));
    return ERR_OK;
}

/* Each piece is copied to the end of a buffer of its size, so that a sanitizer sees any read beyond it. */
static void scan(const struct wal *w, unsigned major, size_t piece, struct summary *s)
{
    struct walscan *scan = NULL;
    struct err e = ERR_NONE;
    uint8_t *copy = malloc(piece);

    *s = (struct summary){.pushed = w->start};
    waldrops_init(&s->drops, major, w->start);
    wal_must(copy != NULL && walscan_new(w->segment_bytes, w->start, take, s, &scan, &e) == ERR_OK);
    for (size_t at = 0, n; at < w->bytes.len; at += n) {
        n = w->bytes.len - at < piece ? w->bytes.len - at : piece;
        memcpy(copy + piece - n, w->bytes.data + at, n);
        s->pushed += n;
        wal_must(walscan_push(scan, copy + piece - n, n, &e) == ERR_OK);
        wal_must(walscan_end(scan) >= w->start && walscan_end(scan) < s->pushed + WALRECORD_ALIGN);
    }
    s->end = walscan_end(scan);
    s->last = walscan_last(scan);
    s->is_ended = walscan_is_ended(scan);
    walscan_free(scan);
    free(copy);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* One record from the input; how many bytes of it that took. */
static size_t lay_record(struct wal *w, const uint8_t *data, size_t size)
{
    uint8_t body[5 + UINT16_MAX] = {0};
    size_t len = least(le16_get(data + 4), size - 6), head = 0;

    if (data[3] != 0 && len < 256) {
        body[0] = 255;
        body[1] = (uint8_t) len;
        head = 2;
    } else if (data[3] != 0) {
        body[0] = 254;
        le32_put(body + 1, (uint32_t) len);
        head = 5;
    }
    memcpy(body + head, data + 6, len);
    wal_record(w, data[0], data[1], data[2], body, head + len);
    if (data[0] == 0 && (data[1] & 0xF0) == 0x40)
        wal_zeros(w, (size_t) (-wal_at(w) & (w->segment_bytes - 1)));
    return 6 + len;
}

static void lay(struct wal *w, bool are_records, const uint8_t *data, size_t size)
{
    if (!are_records) {
        wal_raw(w, data, least(size, BYTES_MAX));
        if (size >= WALPAGE_LONG_HEADER && w->bytes.len >= WALPAGE_LONG_HEADER)
            w->start = le64_get(data + 8) / MIB * MIB;
        return;
    }
    while (size >= 6 && w->bytes.len < BYTES_MAX) {
        size_t n = lay_record(w, data, size);

        data += n;
        size -= n;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct summary whole, pieces;
    struct wal w = {.bytes = BUF_INIT(WAL_BUILDER_MAX),
                    .start = 16 * MIB,
                    .segment_bytes = MIB,
                    .page_bytes = 8192,
                    .tli = 1};
    unsigned which;

    if (size < 2)
        return 0;
    which = data[0] & 7;
    w.magic = magics[which];
    lay(&w, (data[0] & 0x80) != 0, data + 2, size - 2);
    scan(&w, 13 + which % 6, least(w.bytes.len, MIB) + 1, &whole);
    scan(&w, 13 + which % 6, 1 + (size_t) data[1] * 7, &pieces);
    wal_must(whole.digest == pieces.digest && whole.end == pieces.end && whole.last == pieces.last &&
             whole.is_ended == pieces.is_ended);
    buf_clear(&w.bytes);
    return 0;
}
