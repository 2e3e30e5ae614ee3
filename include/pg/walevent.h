/*
 * pg/walevent.h - what a WAL record tells of transactions, read from its bytes as they pass.
 *
 * The reader keeps the few fields that are wanted and skips the lists between them, so a commit record that drops a
 * million relations costs no memory. It may be fed bytes whose checksum is not yet known: it stays inside the record's
 * own length, whatever the counts in it claim.
 * PURE. Source: PostgreSQL src/include/access/{xact.h,xlog_internal.h,xlogrecord.h},
 * src/include/catalog/pg_control.h, src/include/commands/dbcommands_xlog.h,
 * src/backend/access/rmgrdesc/xactdesc.c; tried on 13 to 18.
 */
#pragma once
#include "pg/lsn.h"
#include "pg/walrecord.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum walevent_type {
    WALEVENT_COMMIT, /* also COMMIT PREPARED: xid is that of the prepared transaction */
    WALEVENT_ABORT,  /* also ROLLBACK PREPARED                                         */
    WALEVENT_PREPARE,
    WALEVENT_RESTORE_POINT,
    WALEVENT_BACKUP_END,
    WALEVENT_END_OF_RECOVERY,
    WALEVENT_DROP_DATABASE,
    WALEVENT_SWITCH
};

#define WALEVENT_NAME_MAX 64

struct walevent {
    enum walevent_type type;
    lsn start;       /* of the record: what recovery_target_lsn compares with */
    lsn end;         /* first byte behind it (MAXALIGNed)                     */
    uint32_t xid;    /* of commits, aborts, prepares; else 0                  */
    int64_t time_us; /* since 1970 UTC; of commits, aborts, restore points, end of recovery; else 0 */
    char name[WALEVENT_NAME_MAX]; /* of a restore point, NUL-terminated             */
    uint32_t database;            /* of DROP DATABASE, and of commits that carry it; else 0 */
};

/* Embedded by value; owns nothing. */
struct walevent_reader {
    struct walevent event;
    unsigned major;
    uint32_t xinfo; /* which items of a commit or abort are still wanted            */
    uint32_t left;  /* bytes of the record not yet asked for                        */
    uint32_t skip;  /* to pass by before the field                                  */
    uint8_t need;   /* length of the field                                          */
    uint8_t have;
    uint8_t item; /* the item of xinfo that the field belongs to                  */
    uint8_t step;
    bool has_xinfo;
    bool is_told; /* all that the event must tell is there                        */
    uint8_t field[8 + WALEVENT_NAME_MAX];
};

/* Does this record tell an event? Then r is ready for the bytes behind its header. */
bool walevent_begin(struct walevent_reader *r, unsigned major, const struct walrecord *record);

/* The next of those bytes, in pieces of any size. */
void walevent_push(struct walevent_reader *r, const uint8_t *bytes, size_t len);

/*
 * The record is whole: the event, but for start and end, which are 0. False when the record is not of the form its
 * header says. An xinfo item that does not fit into the record only leaves its own member 0.
 */
bool walevent_finish(const struct walevent_reader *r, struct walevent *out);
