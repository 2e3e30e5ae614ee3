/*
 * pg/walevent.h - what a WAL record tells of transactions and of what comes and goes, read from its bytes as they pass.
 *
 * The reader keeps the few fields that are wanted and of a list its first entries; the rest is skipped, so a commit
 * record that drops a million relations costs no memory. It may be fed bytes whose checksum is not yet known: it stays
 * inside the record's own length, whatever the counts in it claim.
 * Not told: XLOG_SMGR_TRUNCATE. It is VACUUM cutting an empty tail off, or TRUNCATE of what the same transaction made.
 * PURE. Source: PostgreSQL src/include/access/{heapam_xlog.h,xact.h,xlog_internal.h,xlogrecord.h},
 * src/include/catalog/{pg_control.h,storage_xlog.h}, src/include/commands/{dbcommands_xlog.h,tablespace.h},
 * src/include/storage/standbydefs.h, src/backend/access/rmgrdesc/{xactdesc.c,dbasedesc.c}; tried on 13 to 18.
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
    WALEVENT_DROP_DATABASE, /* also what ALTER DATABASE SET TABLESPACE leaves behind */
    WALEVENT_SWITCH,
    WALEVENT_CHECKPOINT,
    WALEVENT_RELATION_CREATE, /* a fork of a file of a relation came to be             */
    WALEVENT_CREATE_DATABASE,
    WALEVENT_DROP_TABLESPACE,
    WALEVENT_IN_PLACE, /* a row changed that no abort takes back: of pg_class, or pg_database (its database is 0) */
    /*
     * The transactions under way, told some times a minute and with each checkpoint: xids from next_xid on are not
     * given out yet. It has an xid itself where a server without other processes (initdb's) makes it within a
     * transaction.
     */
    WALEVENT_RUNNING
};

#define WALEVENT_NAME_MAX 64
#define WALEVENT_LIST_MAX 64 /* entries kept of a list; its count is true beyond them */

/* A relation's file. An unlogged relation's first file in WAL is of its init fork, for its main fork is in none. */
struct walevent_relation {
    uint32_t tablespace;
    uint32_t database; /* 0 = shared */
    uint32_t relfilenode;
};
enum { WALEVENT_FORK_MAIN = 0, WALEVENT_FORK_INIT = 3 };

/* Statistics of an object that is gone: a relation's, by its OID, or those of something else. */
struct walevent_stats {
    uint32_t kind;
    uint32_t object;
};
enum { WALEVENT_STATS_RELATION = 2 };

/* Members that a type does not have are 0; those of lists hold for commits and aborts alone. */
struct walevent {
    enum walevent_type type;
    lsn prev;                     /* start of the record before */
    lsn start;                    /* of the record: what recovery_target_lsn compares with */
    lsn end;                      /* first byte behind it (MAXALIGNed) */
    uint32_t xid;                 /* the transaction's or subtransaction's; 0 = it has none, or not yet */
    int64_t time_us;              /* since 1970 UTC; of commits, aborts, restore points, end of recovery */
    char name[WALEVENT_NAME_MAX]; /* of a restore point, NUL-terminated */
    uint32_t database;            /* of CREATE and DROP DATABASE, and of commits that carry it */
    uint32_t source_database;     /* what CREATE DATABASE copied; its own when it moved; 0 = not told */
    uint32_t tablespace;          /* of CREATE DATABASE and DROP TABLESPACE */
    struct walevent_relation relation; /* that was created, or changed in place */
    uint32_t fork;                     /* of that relation */
    lsn redo;                          /* where recovery from this checkpoint begins */
    uint32_t next_xid;                 /* at the checkpoint, not before its redo; of RUNNING, at the record */
    bool is_shutdown;                  /* the checkpoint of a server that stops */
    bool is_prepared;                  /* this commit or abort ends a prepared transaction */
    uint32_t subxact_count;            /* of subtransactions */
    uint32_t relation_count;           /* of relations whose files go */
    uint32_t stats_count;              /* of objects whose statistics go, from 15 on */
    uint32_t subxacts[WALEVENT_LIST_MAX]; /* of each list the first ones: see walevent_kept */
    struct walevent_relation relations[WALEVENT_LIST_MAX];
    struct walevent_stats stats[WALEVENT_LIST_MAX];
};

/* How many entries of a list with this count are there to be read. */
static inline uint32_t walevent_kept(uint32_t count)
{
    return count < WALEVENT_LIST_MAX ? count : WALEVENT_LIST_MAX;
}

struct walevent_form;

/* Embedded by value; owns nothing. */
struct walevent_reader {
    struct walevent event;
    const struct walevent_form *form;
    unsigned major;
    uint32_t xinfo; /* which items of a commit or abort are still wanted */
    uint32_t left;  /* bytes of the record not yet asked for */
    uint32_t skip;  /* to pass by before the field */
    uint32_t rest;  /* bytes of a list behind the entries that are kept */
    uint8_t need;   /* length of the field */
    uint8_t have;
    uint8_t item;    /* the item of xinfo that the field belongs to */
    uint8_t entry;   /* the entry of that item's list */
    uint8_t entries; /* to be kept of it */
    uint8_t step;
    bool has_xinfo;
    bool is_told; /* all that the event must tell is there */
    uint8_t field[8 + WALEVENT_NAME_MAX];
};

/* Does this record tell an event? Then r is ready for the bytes behind its header. */
bool walevent_begin(struct walevent_reader *r, unsigned major, const struct walrecord *record);

/* The next of those bytes, in pieces of any size. */
void walevent_push(struct walevent_reader *r, const uint8_t *bytes, size_t len);

/*
 * The record is whole: the event, which stays the reader's and lasts until the next walevent_begin; start and end are
 * the caller's to fill in. NULL when the record is not of the form its header says. An xinfo item that does not fit
 * into the record only leaves its own member, and those of items behind it, 0.
 */
struct walevent *walevent_finish(struct walevent_reader *r);

/*
 * Of a record of which only the first bytes were pushed: may it let data go? A commit may unless its first bytes say
 * that no file goes; a DROP of a database or tablespace does.
 */
bool walevent_may_lose(const struct walevent_reader *r);
