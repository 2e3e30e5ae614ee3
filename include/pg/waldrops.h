/*
 * pg/waldrops.h - what a commit did to relations: were they dropped, emptied or only written anew?
 *
 * A commit record lists the files that go, whatever made them go: DROP, TRUNCATE, VACUUM FULL, CLUSTER, REINDEX,
 * REFRESH, an ALTER TABLE that rewrites. What tells them apart is whether the same transaction made files
 * (RELATION_CREATE events), and whose statistics went, from 15 on. So events are fed in WAL order, and the files made
 * by open transactions are remembered, WALDROPS_CREATES_MAX of them; of more the older are forgotten.
 *
 * Limits    REINDEX and ALTER SEQUENCE are TRUNCATE here: a file in place of another. What relation the file was of,
 *           only the catalog tells. TRUNCATE and DROP VIEW together are DROP.
 *           A DROP is not seen beside a rewrite of another table in one transaction if that makes as many new files
 *           besides; nor, in 13 and 14, beside any new files that are as many as went.
 * PURE. Source: PostgreSQL src/backend/catalog/{storage.c,heap.c}, src/backend/utils/activity/pgstat_xact.c,
 * src/backend/commands/{cluster.c,tablecmds.c}; tried on 13 to 18.
 */
#pragma once
#include "pg/walevent.h"

#define WALDROPS_CREATES_MAX 1024

enum waldrops_kind {
    WALDROPS_NONE, /* nothing went that was there before the transaction */
    WALDROPS_DROP,
    WALDROPS_TRUNCATE,
    WALDROPS_REWRITE,             /* the content is still there, in other files; or the relation moved */
    WALDROPS_TRUNCATE_OR_REWRITE, /* in 13 and 14, which do not tell                                 */
    /*
     * Perhaps a DROP: the files made lie before the start of reading, were forgotten or are of too many
     * subtransactions; or fewer were made than went.
     */
    WALDROPS_UNCLEAR
};

struct waldrops_create {
    uint32_t xid;
    struct walevent_relation relation;
};

/*
 * Transactions from this xid on began behind a position: known from the next checkpoint, or list of running ones, on.
 */
struct waldrops_horizon {
    lsn position;
    bool is_known;
    uint32_t xid;
};

/* Embedded by value; owns nothing. */
struct waldrops {
    unsigned major;
    struct waldrops_horizon known;    /* what transactions behind it made is remembered */
    struct waldrops_horizon nameless; /* of the last file made that carried no xid; position 0 = none */
    uint32_t count;
    struct waldrops_create creates[WALDROPS_CREATES_MAX]; /* in WAL order */
};

/* start: where reading begins. Transactions that began before may have made files before. */
void waldrops_init(struct waldrops *w, unsigned major, lsn start);

/* Can it be said of this transaction that all it did lies behind the start? Asked behind its end. */
bool waldrops_is_behind_start(const struct waldrops *w, uint32_t xid);

/* The next event. The answer is about commits; for all others WALDROPS_NONE. */
enum waldrops_kind waldrops_meet(struct waldrops *w, const struct walevent *v);

/* "drop", "truncate", "rewrite", "truncate_or_rewrite", "unclear", "none" */
const char *waldrops_kind_name(enum waldrops_kind kind);
