/*
 * pg/walcut.c - see pg/walcut.h.
 *
 * In front of the time: 24 bytes of header, 3 of an origin, 5 of a top-level xid, 5 of the length of the main data.
 */
#include "pg/walcut.h"

#include "pg/walevent.h"

#include <string.h>

void walcut_add(struct walcut *c, const uint8_t *bytes, size_t len)
{
    const size_t room = WALCUT_MAX - c->len, n = len < room ? len : room;

    memcpy(c->bytes + c->len, bytes, n);
    c->len = (uint8_t) (c->len + n);
}

bool walcut_time(const struct walcut *c, unsigned major, int64_t *us)
{
    struct walevent_reader reader;
    struct walrecord record;
    const struct walevent *v;

    if (c->len < WALRECORD_HEADER)
        return false;
    walrecord_parse(c->bytes, &record);
    if (!walrecord_length_is_valid(record.total_bytes) || !walevent_begin(&reader, major, &record) ||
        (reader.event.type != WALEVENT_COMMIT && reader.event.type != WALEVENT_ABORT))
        return false;
    walevent_push(&reader, c->bytes + WALRECORD_HEADER, c->len - WALRECORD_HEADER);
    v = walevent_finish(&reader);
    if (v == NULL)
        return false;
    *us = v->time_us;
    return true;
}
