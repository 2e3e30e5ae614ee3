/*
 * pg/walevent.c - see pg/walevent.h.
 *
 * Body      headers, each with an id in front, then the data: 253 origin (u16), 252 top-level xid (u32, from 14),
 *           255 main data of u8 bytes, 254 of u32 bytes, always the last header. Most records read here refer to no
 *           blocks, so the main data is all that is left behind it.
 * Block     its header comes first: u8 number, u8 flags, u16 length; if flags has 0x10, of an image: u16 length, u16
 *           hole, u8 how, and, if that says that it has a hole and is compressed, u16 length of the hole; then the
 *           relation.
 * Commit,   i64 time in microseconds since 2000-01-01 UTC; u32 xinfo if info has 0x80; then, each if xinfo has its bit
 * abort     and in this order: 0x001 u32 database, u32 tablespace; 0x002 list of subtransactions (u32); 0x004 of
 *           dropped relations (u32 tablespace, u32 database, u32 relfilenode); 0x100 of dropped statistics (from 15;
 *           u32 kind, u32 database, object of u32, from 18 on of u64); 0x008 of invalidations (16 bytes); 0x010 u32 xid
 *           of the prepared transaction; … A list is i32 count, entries.
 * Others    walevent_form says how much of their main data is read; take_other says where what lies.
 *
 * A machine of steps: each names the field it has collected and asks for the next.
 */
#include "pg/walevent.h"

#include "codec/le.h"
#include "pg/walevent_form.h"

#include <string.h>

#define XACT_HAS_INFO 0x80

#define ID_TOPLEVEL_XID 252
#define ID_ORIGIN       253
#define ID_MAIN_LONG    254
#define ID_MAIN_SHORT   255

#define BLOCK_HAS_IMAGE     0x10
#define IMAGE_HAS_HOLE      0x01
#define IMAGE_COMPRESSED    0x1C /* by pglz, lz4, zstd */
#define IMAGE_COMPRESSED_14 0x02
#define RELATION_BYTES      12

#define HAS_DATABASE  0x001
#define HAS_SUBXACTS  0x002
#define HAS_RELATIONS 0x004
#define HAS_INVALS    0x008
#define HAS_TWOPHASE  0x010
#define HAS_STATS     0x100

/* From 2000-01-01 back to 1970-01-01. */
#define EPOCH_DISTANCE_US INT64_C(946684800000000)

enum step {
    STEP_BLOCK,
    STEP_IMAGE,
    STEP_RELATION,
    STEP_ID,
    STEP_MAIN_SHORT,
    STEP_MAIN_LONG,
    STEP_MAIN, /* as much of the main data as the form wants */
    STEP_XINFO,
    STEP_ITEM,  /* of xinfo: what it is, or the count of a list */
    STEP_ENTRY, /* of that list */
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
    {HAS_DATABASE, 8, 0, 0, 13}, {HAS_SUBXACTS, 4, 4, 4, 13}, {HAS_RELATIONS, 4, 12, 12, 13},
    {HAS_STATS, 4, 12, 16, 15},  {HAS_INVALS, 4, 16, 16, 13}, {HAS_TWOPHASE, 4, 0, 0, 13},
};
#define ITEMS (sizeof(items) / sizeof(items[0]))

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

/* What changed in place is said by the block that the record refers to. */
static bool is_of_block(const struct walevent_form *form)
{
    return form->type == WALEVENT_IN_PLACE;
}

bool walevent_begin(struct walevent_reader *r, unsigned major, const struct walrecord *record)
{
    const struct walevent_form *form = walevent_form_of(major, record);

    if (form == NULL)
        return false;
    memset(&r->event, 0,
           offsetof(struct walevent, subxacts)); /* the lists are long; their counts say it all */
    r->event.type = form->type;
    r->event.xid = record->xid;
    r->event.is_prepared = form->is_prepared;
    r->event.is_shutdown = form->is_shutdown;
    r->form = form;
    r->major = major;
    r->left = record->total_bytes - WALRECORD_HEADER;
    r->skip = 0;
    r->have = 0;
    r->item = 0;
    r->has_xinfo = (record->info & XACT_HAS_INFO) != 0;
    r->xinfo = HAS_DATABASE | HAS_SUBXACTS | HAS_RELATIONS | HAS_STATS;
    if (form->is_prepared)
        r->xinfo |= HAS_INVALS | HAS_TWOPHASE; /* the xid lies behind the longest list */
    r->is_told = form->bytes == 0 && !is_of_block(form);
    if (r->is_told)
        r->step = STEP_DONE;
    else if (is_of_block(form))
        want(r, STEP_BLOCK, 4);
    else
        want(r, STEP_ID, 1);
    return true;
}

/* ---- a block's header ---- */

static void take_block(struct walevent_reader *r)
{
    bool has_image = (r->field[1] & BLOCK_HAS_IMAGE) != 0;

    if (r->field[0] != 0)
        r->step = STEP_DONE;
    else
        want(r, has_image ? STEP_IMAGE : STEP_RELATION, has_image ? 5 : RELATION_BYTES);
}

static void take_image(struct walevent_reader *r)
{
    uint8_t how = r->field[4];
    bool is_compressed = (how & (r->major >= 15 ? IMAGE_COMPRESSED : IMAGE_COMPRESSED_14)) != 0;

    if (pass_by(r, is_compressed && (how & IMAGE_HAS_HOLE) != 0 ? 2 : 0))
        want(r, STEP_RELATION, RELATION_BYTES);
}

static struct walevent_relation relation_of(const uint8_t *bytes)
{
    return (struct walevent_relation){le32_get(bytes), le32_get(bytes + 4), le32_get(bytes + 8)};
}

static void take_relation(struct walevent_reader *r)
{
    r->event.relation = relation_of(r->field);
    r->is_told = true;
    r->step = STEP_DONE;
}

/* ---- main data ---- */

static void begin_main(struct walevent_reader *r, uint32_t main_bytes)
{
    if (main_bytes == r->left)
        want(r, STEP_MAIN, r->form->bytes);
    else
        r->step = STEP_DONE;
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

/* What the main data of a record that is of no transaction begins with. */
static void take_other(struct walevent *v, const uint8_t *field, uint8_t bytes)
{
    switch (v->type) {
    case WALEVENT_CHECKPOINT: /* u64 redo, u32 timeline, u32 the one before, 8 that differ by version, u64 next xid */
        v->redo = le64_get(field);
        v->next_xid = le32_get(field + 24);
        return;
    case WALEVENT_RUNNING: /* i32 and i32 counts, u8, 3 of padding, u32 next xid */
        v->next_xid = le32_get(field + 12);
        return;
    case WALEVENT_RELATION_CREATE:
        v->relation = relation_of(field);
        v->fork = le32_get(field + 12);
        return;
    case WALEVENT_CREATE_DATABASE:
        v->database = le32_get(field);
        v->tablespace = le32_get(field + 4);
        v->source_database = bytes == WALEVENT_FILE_COPY_BYTES ? le32_get(field + 8) : 0;
        return;
    case WALEVENT_DROP_DATABASE:
        v->database = le32_get(field);
        return;
    case WALEVENT_DROP_TABLESPACE:
        v->tablespace = le32_get(field);
        return;
    case WALEVENT_RESTORE_POINT:
        memcpy(v->name, field + 8, WALEVENT_NAME_MAX - 1); /* the last one stays NUL */
        v->time_us = time_of(field);
        return;
    default: /* END_OF_RECOVERY */
        v->time_us = time_of(field);
    }
}

static void take_main(struct walevent_reader *r)
{
    struct walevent *v = &r->event;

    r->is_told = true;
    r->step = STEP_DONE;
    if (v->type != WALEVENT_COMMIT && v->type != WALEVENT_ABORT) {
        take_other(v, r->field, r->form->bytes);
        return;
    }
    v->time_us = time_of(r->field);
    if (r->has_xinfo)
        want(r, STEP_XINFO, 4);
}

/* ---- the items of a commit or abort ---- */

static void next_item(struct walevent_reader *r)
{
    for (; r->item < ITEMS; r->item++)
        if ((r->xinfo & items[r->item].flag) != 0 && r->major >= items[r->item].since) {
            want(r, STEP_ITEM, items[r->item].bytes);
            return;
        }
    r->step = STEP_DONE;
}

static uint8_t entry_bytes(const struct walevent_reader *r)
{
    return r->major >= 18 ? items[r->item].entry_18 : items[r->item].entry;
}

static void next_entry(struct walevent_reader *r)
{
    if (r->entry < r->entries) {
        want(r, STEP_ENTRY, entry_bytes(r));
    } else if (pass_by(r, r->rest)) {
        r->item++;
        next_item(r);
    }
}

/* Of invalidations nothing is kept. */
static uint32_t *count_of(struct walevent *v, uint32_t flag)
{
    if (flag == HAS_SUBXACTS)
        return &v->subxact_count;
    if (flag == HAS_RELATIONS)
        return &v->relation_count;
    return flag == HAS_STATS ? &v->stats_count : NULL;
}

static void begin_list(struct walevent_reader *r, uint32_t count)
{
    uint64_t bytes = (uint64_t) count * entry_bytes(r);
    uint32_t *told = count_of(&r->event, items[r->item].flag);

    if (bytes > r->left) { /* a negative count is larger than any record */
        r->step = STEP_DONE;
        return;
    }
    r->entry = 0;
    r->entries = told == NULL ? 0 : (uint8_t) walevent_kept(count);
    r->rest = (uint32_t) bytes - (uint32_t) r->entries * entry_bytes(r);
    if (told != NULL)
        *told = count;
    next_entry(r);
}

static void take_entry(struct walevent_reader *r)
{
    uint8_t i = r->entry++;

    switch (items[r->item].flag) {
    case HAS_SUBXACTS:
        r->event.subxacts[i] = le32_get(r->field);
        break;
    case HAS_RELATIONS:
        r->event.relations[i] = relation_of(r->field);
        break;
    default: /* HAS_STATS; the upper half of 18's object is 0 for a relation */
        r->event.stats[i] = (struct walevent_stats){le32_get(r->field), le32_get(r->field + 8)};
    }
    next_entry(r);
}

static void take_item(struct walevent_reader *r)
{
    uint32_t value = le32_get(r->field);

    switch (items[r->item].flag) {
    case HAS_DATABASE:
        r->event.database = value;
        break;
    case HAS_TWOPHASE:
        r->event.xid = value;
        break;
    default:
        begin_list(r, value);
        return;
    }
    r->item++;
    next_item(r);
}

static void take_field(struct walevent_reader *r)
{
    switch (r->step) {
    case STEP_BLOCK:
        take_block(r);
        return;
    case STEP_IMAGE:
        take_image(r);
        return;
    case STEP_RELATION:
        take_relation(r);
        return;
    case STEP_ID:
        take_id(r);
        return;
    case STEP_MAIN_SHORT:
        begin_main(r, r->field[0]);
        return;
    case STEP_MAIN_LONG:
        begin_main(r, le32_get(r->field));
        return;
    case STEP_MAIN:
        take_main(r);
        return;
    case STEP_XINFO:
        r->xinfo &= le32_get(r->field);
        next_item(r);
        return;
    case STEP_ITEM:
        take_item(r);
        return;
    default: /* STEP_ENTRY */
        take_entry(r);
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

struct walevent *walevent_finish(struct walevent_reader *r)
{
    return r->is_told ? &r->event : NULL;
}

bool walevent_may_lose(const struct walevent_reader *r)
{
    if (r->event.type == WALEVENT_COMMIT)
        return r->has_xinfo &&
               (r->xinfo & HAS_RELATIONS) != 0; /* as long as it was not read, xinfo is what is wanted */
    return r->event.type == WALEVENT_DROP_DATABASE || r->event.type == WALEVENT_DROP_TABLESPACE;
}
