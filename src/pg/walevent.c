/*
 * pg/walevent.c - see pg/walevent.h.
 *
 * Body      headers, each with an id in front, then the data: 253 origin (u16), 252 top-level xid (u32, from 14),
 *           255 main data of u8 bytes, 254 of u32 bytes, always the last header. The records read here refer to no
 *           blocks, so the main data is all that is left behind it.
 * Commit,   i64 time in microseconds since 2000-01-01 UTC; u32 xinfo if info has 0x80; then, each if xinfo has its bit
 * abort     and in this order: 0x001 u32 database, u32 tablespace; 0x002 list of subtransactions (u32); 0x004 of
 *           dropped relations (12 bytes); 0x100 of dropped statistics (from 15; 12 bytes, from 18 on 16); 0x008 of
 *           invalidations (16 bytes); 0x010 u32 xid of the prepared transaction; … A list is i32 count, entries.
 * Others    restore point: i64 time, 64 bytes name; end of recovery: i64 time, …; drop database: u32 database, …
 *
 * A machine of steps: each names the field it has collected and asks for the next.
 */
#include "pg/walevent.h"

#include "codec/le.h"

#include <string.h>

#define XLOG_SWITCH          0x40
#define XLOG_BACKUP_END      0x50
#define XLOG_RESTORE_POINT   0x70
#define XLOG_END_OF_RECOVERY 0x90

#define XACT_OP_MASK         0x70
#define XACT_HAS_INFO        0x80
#define XACT_COMMIT          0x00
#define XACT_PREPARE         0x10
#define XACT_ABORT           0x20
#define XACT_COMMIT_PREPARED 0x30
#define XACT_ABORT_PREPARED  0x40

#define ID_TOPLEVEL_XID 252
#define ID_ORIGIN       253
#define ID_MAIN_LONG    254
#define ID_MAIN_SHORT   255

#define HAS_DATABASE 0x001
#define HAS_TWOPHASE 0x010

/* From 2000-01-01 back to 1970-01-01. */
#define EPOCH_DISTANCE_US INT64_C(946684800000000)

enum step {
    STEP_ID,
    STEP_MAIN_SHORT,
    STEP_MAIN_LONG,
    STEP_TIME, /* of a commit or abort, or of the end of recovery */
    STEP_XINFO,
    STEP_ITEM,
    STEP_RESTORE_POINT,
    STEP_DATABASE, /* of DROP DATABASE */
    STEP_DONE
};

/* In the order of their places in the record. entry: bytes of a list's entry; 0 for what is no list. */
static const struct item {
    uint32_t flag;
    uint8_t bytes;
    uint8_t entry;
    uint8_t entry_18;
    unsigned since;
} items[] = {
    {HAS_DATABASE, 8, 0, 0, 13}, {0x002, 4, 4, 4, 13}, /* subtransactions */
    {0x004, 4, 12, 12, 13},                            /* dropped relations */
    {0x100, 4, 12, 16, 15},                            /* dropped statistics */
    {0x008, 4, 16, 16, 13},                            /* invalidations */
    {HAS_TWOPHASE, 4, 0, 0, 13},
};
#define ITEMS (sizeof(items) / sizeof(items[0]))

static bool xact_type(uint8_t info, enum walevent_type *type)
{
    switch (info & XACT_OP_MASK) {
    case XACT_COMMIT:
    case XACT_COMMIT_PREPARED:
        *type = WALEVENT_COMMIT;
        return true;
    case XACT_ABORT:
    case XACT_ABORT_PREPARED:
        *type = WALEVENT_ABORT;
        return true;
    case XACT_PREPARE:
        *type = WALEVENT_PREPARE;
        return true;
    default:
        return false;
    }
}

static bool xlog_type(uint8_t info, enum walevent_type *type)
{
    switch (info & WALRECORD_INFO_MASK) {
    case XLOG_SWITCH:
        *type = WALEVENT_SWITCH;
        return true;
    case XLOG_BACKUP_END:
        *type = WALEVENT_BACKUP_END;
        return true;
    case XLOG_RESTORE_POINT:
        *type = WALEVENT_RESTORE_POINT;
        return true;
    case XLOG_END_OF_RECOVERY:
        *type = WALEVENT_END_OF_RECOVERY;
        return true;
    default:
        return false;
    }
}

static bool event_type(unsigned major, const struct walrecord *record, enum walevent_type *type)
{
    if (record->rmid == WALRECORD_RM_XACT)
        return xact_type(record->info, type);
    if (record->rmid == WALRECORD_RM_XLOG)
        return xlog_type(record->info, type);
    *type = WALEVENT_DROP_DATABASE; /* 15 put another way of CREATE DATABASE in its place */
    return record->rmid == WALRECORD_RM_DBASE &&
           (record->info & WALRECORD_INFO_MASK) == (major >= 15 ? 0x20 : 0x10);
}

static bool is_of_transaction(enum walevent_type type)
{
    return type == WALEVENT_COMMIT || type == WALEVENT_ABORT || type == WALEVENT_PREPARE;
}

/* Ask for the next field, or end when the record has not so much left. */
static void want(struct walevent_reader *r, enum step step, uint8_t bytes)
{
    if (bytes > r->left) {
        r->step = STEP_DONE;
        return;
    }
    r->left -= bytes;
    r->need = bytes;
    r->step = (uint8_t) step;
}

/* Pass by that many bytes before the field asked for next; end when the record has not so many. */
static bool pass_by(struct walevent_reader *r, uint64_t bytes)
{
    if (bytes > r->left) {
        r->step = STEP_DONE;
        return false;
    }
    r->left -= (uint32_t) bytes;
    r->skip = (uint32_t) bytes;
    return true;
}

bool walevent_begin(struct walevent_reader *r, unsigned major, const struct walrecord *record)
{
    enum walevent_type type;

    if (!event_type(major, record, &type))
        return false;
    r->event = (struct walevent){.type = type, .xid = is_of_transaction(type) ? record->xid : 0};
    r->major = major;
    r->left = record->total_bytes - WALRECORD_HEADER;
    r->skip = 0;
    r->have = 0;
    r->item = 0;
    r->has_xinfo = (record->info & XACT_HAS_INFO) != 0;
    r->xinfo = HAS_DATABASE;
    if ((record->info & XACT_OP_MASK) == XACT_COMMIT_PREPARED ||
        (record->info & XACT_OP_MASK) == XACT_ABORT_PREPARED)
        r->xinfo = UINT32_MAX; /* what is wanted lies behind the lists */
    r->is_told = type == WALEVENT_SWITCH || type == WALEVENT_BACKUP_END || type == WALEVENT_PREPARE;
    if (r->is_told)
        r->step = STEP_DONE;
    else
        want(r, STEP_ID, 1);
    return true;
}

static void begin_main(struct walevent_reader *r, uint32_t main_bytes)
{
    if (main_bytes != r->left)
        r->step = STEP_DONE;
    else if (r->event.type == WALEVENT_RESTORE_POINT)
        want(r, STEP_RESTORE_POINT, 8 + WALEVENT_NAME_MAX);
    else if (r->event.type == WALEVENT_DROP_DATABASE)
        want(r, STEP_DATABASE, 4);
    else
        want(r, STEP_TIME, 8);
}

static void take_id(struct walevent_reader *r)
{
    switch (r->field[0]) {
    case ID_MAIN_SHORT:
        want(r, STEP_MAIN_SHORT, 1);
        return;
    case ID_MAIN_LONG:
        want(r, STEP_MAIN_LONG, 4);
        return;
    case ID_ORIGIN:
        if (pass_by(r, 2))
            want(r, STEP_ID, 1);
        return;
    case ID_TOPLEVEL_XID:
        if (pass_by(r, 4))
            want(r, STEP_ID, 1);
        return;
    default:
        r->step = STEP_DONE;
    }
}

static int64_t time_of(const uint8_t *bytes)
{
    int64_t since_2000 = (int64_t) le64_get(bytes), since_1970;

    if (__builtin_add_overflow(since_2000, EPOCH_DISTANCE_US, &since_1970))
        return INT64_MAX;
    return since_1970;
}

static void next_item(struct walevent_reader *r)
{
    for (; r->item < ITEMS; r->item++)
        if ((r->xinfo & items[r->item].flag) != 0 && r->major >= items[r->item].since) {
            want(r, STEP_ITEM, items[r->item].bytes);
            return;
        }
    r->step = STEP_DONE;
}

static void take_item(struct walevent_reader *r)
{
    const struct item *item = &items[r->item++];
    uint32_t value = le32_get(r->field);

    if (item->flag == HAS_DATABASE)
        r->event.database = value;
    else if (item->flag == HAS_TWOPHASE)
        r->event.xid = value;
    else if (!pass_by(r, (uint64_t) value * (r->major >= 18 ? item->entry_18 : item->entry)))
        return; /* a negative count is larger than any record */
    next_item(r);
}

static void take_time(struct walevent_reader *r)
{
    r->event.time_us = time_of(r->field);
    r->is_told = true;
    if (r->event.type != WALEVENT_END_OF_RECOVERY && r->has_xinfo)
        want(r, STEP_XINFO, 4);
    else
        r->step = STEP_DONE;
}

static void take_restore_point(struct walevent_reader *r)
{
    r->event.time_us = time_of(r->field);
    memcpy(r->event.name, r->field + 8, WALEVENT_NAME_MAX - 1); /* the last one stays NUL */
    r->is_told = true;
    r->step = STEP_DONE;
}

static void take_field(struct walevent_reader *r)
{
    switch (r->step) {
    case STEP_ID:
        take_id(r);
        return;
    case STEP_MAIN_SHORT:
        begin_main(r, r->field[0]);
        return;
    case STEP_MAIN_LONG:
        begin_main(r, le32_get(r->field));
        return;
    case STEP_TIME:
        take_time(r);
        return;
    case STEP_XINFO:
        r->xinfo &= le32_get(r->field);
        next_item(r);
        return;
    case STEP_ITEM:
        take_item(r);
        return;
    case STEP_RESTORE_POINT:
        take_restore_point(r);
        return;
    default: /* STEP_DATABASE */
        r->event.database = le32_get(r->field);
        r->is_told = true;
        r->step = STEP_DONE;
    }
}

void walevent_push(struct walevent_reader *r, const uint8_t *bytes, size_t len)
{
    while (len > 0 && r->step != STEP_DONE) {
        size_t wanted = r->skip > 0 ? r->skip : (size_t) (r->need - r->have);
        size_t n = wanted < len ? wanted : len;

        if (r->skip > 0) {
            r->skip -= (uint32_t) n;
        } else {
            memcpy(r->field + r->have, bytes, n);
            r->have = (uint8_t) (r->have + n);
            if (r->have == r->need) {
                r->have = 0;
                take_field(r);
            }
        }
        bytes += n;
        len -= n;
    }
}

bool walevent_finish(const struct walevent_reader *r, struct walevent *out)
{
    if (!r->is_told)
        return false;
    *out = r->event;
    return true;
}
