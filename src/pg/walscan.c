/*
 * pg/walscan.c - see pg/walscan.h.
 *
 * The bytes are cut twice. Into pages: every page_bytes a header is collected and must fit (walpages); what is behind
 * it is payload. The payload into records: header, body, padding to a multiple of 8, again; a page header between two
 * pieces of a record says how much of it is left, and that must agree. The CRC runs along over the body and is compared
 * when the last byte has passed; walevent reads along where the record tells an event, but is believed only then.
 *
 * Behind a switch record the segment's remaining bytes are passed over unseen, page headers too.
 *
 * Limit: of the record that began before the first segment only the lengths are checked, for its CRC is not there.
 */
#include "pg/walscan.h"

#include "codec/crc32c.h"
#include "codec/le.h"
#include "pg/walpages.h"

#include <stdlib.h>
#include <string.h>

enum place {
    IN_HEADER,       /* of a record; have bytes of it were seen, perhaps none */
    IN_BODY,         /* of a record; left bytes of it are to come             */
    IN_CONTINUATION, /* of a record that began before the start; left bytes   */
    IN_PADDING,      /* left bytes                                            */
    IN_FILLER        /* behind a switch record; left bytes                    */
};

struct walscan {
    struct walpages pages;
    walscan_visit *visit;
    void *arg;
    lsn start;
    lsn at;        /* of the next byte pushed */
    lsn whole_end; /* walscan_end, but for a record under way */
    lsn last;
    bool is_ended;
    bool is_stopped; /* the visitor failed */

    uint32_t page_left; /* payload to come on this page; 0 = its header is to come */
    uint8_t page_have;
    uint8_t page_header[WALPAGE_LONG_HEADER];

    enum place place;
    uint8_t have;
    uint32_t left;
    uint8_t header[WALRECORD_HEADER];
    lsn record_start;
    struct walrecord record;
    struct walcut begun; /* of the record under way */
    struct walcut rest;  /* of the one that began before the start */
    uint32_t crc;        /* of the body so far */
    bool is_event;
    struct walevent_reader reader;
};

enum err_code walscan_new(uint32_t segment_bytes, lsn start, walscan_visit *visit, void *arg,
                          struct walscan **out, struct err *e)
{
    struct walscan *s;

    if (!walseg_size_is_valid(segment_bytes) || start % segment_bytes != 0)
        return err_set(e, ERR_USAGE, "WAL can only be read from the start of a segment");
    s = calloc(1, sizeof(*s));
    if (s == NULL)
        return err_nomem(e, "a reader of WAL");
    s->pages.segment_bytes = segment_bytes;
    s->visit = visit;
    s->arg = arg;
    s->start = s->at = s->whole_end = start;
    *out = s;
    return ERR_OK;
}

void walscan_free(struct walscan *s)
{
    free(s);
}

void walscan_freep(struct walscan **s)
{
    walscan_free(*s);
    *s = NULL;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static lsn aligned(lsn position)
{
    return (position + (WALRECORD_ALIGN - 1)) & ~(lsn) (WALRECORD_ALIGN - 1);
}

static void pass(struct walscan *s, size_t bytes)
{
    s->at += bytes;
    s->page_left -= (uint32_t) bytes;
}

/* What an unfinished record must still have on the next page; 0 between records. The length is on its first page. */
static uint32_t expected_on_next_page(const struct walscan *s)
{
    if (s->place == IN_HEADER)
        return s->have > 0 ? le32_get(s->header) - s->have : 0;
    return s->left; /* padding never crosses a page: pages are multiples of 8 */
}

/* ---- pages ---- */

/* Does what the page begins with fit what the page before ended with? */
static bool page_goes_on(struct walscan *s, const struct walpages_header *page, bool is_first)
{
    uint32_t expected = expected_on_next_page(s);

    if (expected > 0 && (page->info & WALPAGES_OVERWRITES) != 0) {
        s->place = IN_HEADER;
        s->have = 0;
        expected = 0;
    }
    if ((page->info & WALPAGES_CONTINUES) == 0)
        return expected == 0;
    if (!is_first)
        return expected > 0 && page->rem_len == expected;
    s->place = IN_CONTINUATION;
    s->left = page->rem_len;
    return page->rem_len > 0 && page->rem_len <= WALRECORD_MAX_BYTES;
}

static size_t take_page_header(struct walscan *s, const uint8_t *bytes, size_t len)
{
    lsn address = s->at - s->page_have;
    uint32_t header_bytes = walpages_header_bytes(&s->pages, address);
    size_t n = least(len, header_bytes - s->page_have);
    struct walpages_header page;

    memcpy(s->page_header + s->page_have, bytes, n);
    s->page_have = (uint8_t) (s->page_have + n);
    s->at += n;
    if (s->page_have < header_bytes)
        return n;
    s->page_have = 0;
    if (!walpages_accept(&s->pages, address, s->page_header, &page) ||
        !page_goes_on(s, &page, address == s->start)) {
        s->is_ended = true;
        return n;
    }
    s->page_left = s->pages.page_bytes - header_bytes;
    return n;
}

/* ---- records ---- */

/* The end of a record or a continuation was passed. */
static void whole(struct walscan *s)
{
    s->whole_end = aligned(s->at);
    s->left = (uint32_t) (s->whole_end - s->at);
    s->place = s->left > 0 ? IN_PADDING : IN_HEADER;
    s->have = 0;
}

static void begin_filler(struct walscan *s)
{
    s->left = (uint32_t) (-s->at & (s->pages.segment_bytes - 1));
    s->place = s->left > 0 ? IN_FILLER : IN_HEADER;
}

/* The record's last byte was passed. */
static enum err_code record_finish(struct walscan *s, struct err *e)
{
    struct walevent *event = s->is_event ? walevent_finish(&s->reader) : NULL;

    if (walrecord_crc(s->crc, s->header) != s->record.crc || (s->is_event && event == NULL)) {
        s->is_ended = true;
        return ERR_OK;
    }
    s->last = s->record_start;
    whole(s);
    if (walrecord_is_switch(&s->record))
        begin_filler(s);
    if (event == NULL || s->visit == NULL)
        return ERR_OK;
    event->prev = s->record.prev;
    event->start = s->record_start;
    event->end = s->whole_end;
    if (s->visit(event, s->arg, e) == ERR_OK)
        return ERR_OK;
    s->is_stopped = true;
    return e->code;
}

/* The first record read may name any before it as its predecessor; the next ones only the one read. */
static bool is_next_record(const struct walscan *s)
{
    return walrecord_rmid_is_valid(s->pages.major, s->record.rmid) &&
           (s->last == 0 ? s->record.prev < s->record_start : s->record.prev == s->last);
}

static enum err_code take_header(struct walscan *s, const uint8_t *bytes, size_t len, struct err *e)
{
    if (s->have == 0) {
        s->record_start = s->at;
        s->begun.len = 0;
    }
    walcut_add(&s->begun, bytes, len);
    memcpy(s->header + s->have, bytes, len);
    s->have = (uint8_t) (s->have + len);
    pass(s, len);
    if (s->have >= sizeof(uint32_t) && !walrecord_length_is_valid(le32_get(s->header)))
        s->is_ended = true;
    if (s->have < WALRECORD_HEADER || s->is_ended)
        return ERR_OK;
    walrecord_parse(s->header, &s->record);
    if (!is_next_record(s)) {
        s->is_ended = true;
        return ERR_OK;
    }
    s->is_event = walevent_begin(&s->reader, s->pages.major, &s->record);
    s->crc = 0;
    s->left = s->record.total_bytes - WALRECORD_HEADER;
    s->place = IN_BODY;
    return s->left > 0 ? ERR_OK : record_finish(s, e);
}

static enum err_code take_body(struct walscan *s, const uint8_t *bytes, size_t len, struct err *e)
{
    s->crc = crc32c(s->crc, bytes, len);
    walcut_add(&s->begun, bytes, len);
    if (s->is_event)
        walevent_push(&s->reader, bytes, len);
    s->left -= (uint32_t) len;
    pass(s, len);
    return s->left > 0 ? ERR_OK : record_finish(s, e);
}

/* Padding, or what is left of a record that began before the start. */
static void take_nothing(struct walscan *s, const uint8_t *bytes, size_t len)
{
    if (s->place == IN_CONTINUATION)
        walcut_add(&s->rest, bytes, len);
    s->left -= (uint32_t) len;
    pass(s, len);
    if (s->left > 0)
        return;
    if (s->place == IN_CONTINUATION)
        whole(s);
    else
        s->place = IN_HEADER;
}

/* Page headers do not count in the filler; it ends where a page begins. */
static size_t take_filler(struct walscan *s, size_t len)
{
    size_t n = least(len, s->left);

    s->left -= (uint32_t) n;
    s->at += n;
    if (s->left == 0) {
        s->page_left = 0;
        s->place = IN_HEADER;
    }
    return n;
}

static enum err_code take_payload(struct walscan *s, const uint8_t *bytes, size_t len, size_t *taken,
                                  struct err *e)
{
    *taken = least(len, s->page_left);
    *taken = least(*taken, s->place == IN_HEADER ? (size_t) (WALRECORD_HEADER - s->have) : s->left);
    if (s->place == IN_HEADER)
        return take_header(s, bytes, *taken, e);
    if (s->place == IN_BODY)
        return take_body(s, bytes, *taken, e);
    take_nothing(s, bytes, *taken);
    return ERR_OK;
}

enum err_code walscan_push(struct walscan *s, const void *bytes, size_t len, struct err *e)
{
    const uint8_t *from = bytes;

    while (len > 0 && !s->is_ended && !s->is_stopped) {
        size_t n = 0;

        if (s->place == IN_FILLER)
            n = take_filler(s, len);
        else if (s->page_left == 0)
            n = take_page_header(s, from, len);
        else if (take_payload(s, from, len, &n, e) != ERR_OK)
            return e->code;
        from += n;
        len -= n;
    }
    return ERR_OK;
}

/* ---- what was found ---- */

static bool is_inside_record(const struct walscan *s)
{
    if (s->place == IN_HEADER)
        return s->have >= sizeof(uint32_t); /* before, it may as well be the end */
    return s->place == IN_BODY || s->place == IN_CONTINUATION;
}

lsn walscan_end(const struct walscan *s)
{
    return !s->is_ended && is_inside_record(s) ? s->at : s->whole_end;
}

lsn walscan_whole_end(const struct walscan *s)
{
    return s->whole_end;
}

lsn walscan_last(const struct walscan *s)
{
    return s->last;
}

/* Does it end a transaction? What a header that is not whole will say, nobody knows. */
static bool may_be_end(const struct walscan *s)
{
    if (s->place == IN_HEADER)
        return s->have > 0;
    return s->place == IN_BODY && s->is_event &&
           (s->reader.event.type == WALEVENT_COMMIT || s->reader.event.type == WALEVENT_ABORT);
}

lsn walscan_open(const struct walscan *s)
{
    return !s->is_ended && may_be_end(s) ? s->record_start : 0;
}

bool walscan_is_rest(const struct walscan *s)
{
    return !s->is_ended && s->place == IN_CONTINUATION;
}

void walscan_begun(const struct walscan *s, struct walcut *out)
{
    *out = walscan_open(s) != 0 ? s->begun : (struct walcut){.len = 0};
}

void walscan_rest(const struct walscan *s, struct walcut *out)
{
    *out = s->rest;
}

static bool is_told(enum walevent_type type)
{
    return type == WALEVENT_COMMIT || type == WALEVENT_ABORT || type == WALEVENT_RESTORE_POINT ||
           type == WALEVENT_DROP_DATABASE || type == WALEVENT_DROP_TABLESPACE;
}

void walscan_opens(const struct walscan *s, struct walscan_opens *out)
{
    const bool is_unknown = s->place == IN_HEADER && s->have > 0;
    const bool is_event = s->place == IN_BODY && s->is_event;

    *out = (struct walscan_opens){0};
    if (s->is_ended)
        return;
    if (is_unknown || (is_event && is_told(s->reader.event.type)))
        out->told = s->record_start;
    if (is_unknown || (is_event && walevent_may_lose(&s->reader)))
        out->loss = s->record_start;
    if (is_unknown || (is_event && s->reader.event.type == WALEVENT_RESTORE_POINT))
        out->point = s->record_start;
}

bool walscan_is_ended(const struct walscan *s)
{
    return s->is_ended;
}
