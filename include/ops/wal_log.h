/*
 * ops/wal_log.h - what happened in a stretch of archived WAL: one entry after the other, as its segments are read.
 *
 * Constant memory, whatever the range. Segments in the order of the path; what the shared past of a parent timeline
 * holds belongs to it. Reading begins some segments before the range, so that what a commit did to relations is known.
 * Of drops and restore points alone only those segments are read that hold any (log_pick.h), and as many before each as
 * it takes. Segments that are missing or damaged are told, and reading goes on behind them; then the end is an error
 * all the same.
 */
#pragma once
#include "ops/log_names.h"
#include "ops/log_read.h"
#include "ops/log_undo.h"
#include "pg/waldrops.h"
#include "pg/walevent.h"
#include "repo/cluster.h"

struct log_options {
    const char *repo;       /* NULL = the first that answers */
    uint32_t timeline;      /* 0 = the one that a plan calls latest */
    struct log_bound since; /* open: see log_range.h */
    struct log_bound until; /* open: to the end */
    uint32_t xid;           /* 0 = of every transaction; a subtransaction's finds the transaction around it */
    bool drops; /* with restore_points: both; with neither: everything but checkpoints and switches */
    bool restore_points;
    bool all;         /* those too */
    bool summary;     /* ops_log_summary is meant; the three above are not with it */
    int64_t every_us; /* its buckets; 0 = as long as fits the range */
};

struct log_entry {
    const struct walevent *event;
    uint32_t timeline;
    int64_t time_us; /* the event's own, or, without one, that of the last before it that has one; 0 = none */
    bool has_own_time;
    enum waldrops_kind did; /* of a commit */
    bool is_remnant;        /* this DROP DATABASE dropped none: a database moved, or was never made */
    bool is_index_only;     /* what went were indexes, all of it: no data is lost */
    bool can_undo;          /* restoring to `undo`, exclusive, brings back what was lost */
    lsn undo;
    const struct log_named *named;
};

/* Each may fail, which ends the log. Pointers are borrowed for the call. */
struct log_visitor {
    enum err_code (*begin)(void *arg, const struct log_source *s, const struct log_range *r, struct err *e);
    enum err_code (*entry)(void *arg, const struct log_entry *entry, struct err *e);
    enum err_code (*timeline)(void *arg, uint32_t timeline, lsn begin,
                              struct err *e); /* goes on as this one */
    enum err_code (*hole)(void *arg, const struct log_hole *hole, struct err *e);
    enum err_code (*pause)(void *arg, struct err *e); /* a segment is through */
    void *arg;
};

/* What a commit let go were indexes, all of it? Known as far as files have names. */
bool wal_log_is_index_only(const struct log_named *named, const struct walevent *v);

/*
 * ERR_REFUSED when segments were missing, ERR_CORRUPT when any was damaged, although all the others were told;
 * ERR_DENIED when no identity reads them.
 */
enum err_code ops_wal_log(struct cluster *c, const struct log_options *o, const struct log_visitor *v,
                          struct err *e);
