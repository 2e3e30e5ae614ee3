/*
 * repo/wal_facts.h - what a WAL object's descriptor says about its content: the member "wal".
 *
 * {"system_identifier": 16 hex, "postgresql": 15, "timeline": 1, "segment_bytes": 16777216, "first_lsn", "end_lsn",
 *  and, where the records were read: "commits", "aborts", "restore_points", "last_lsn", "first_commit", "last_commit",
 *  "min_commit", "max_commit", "commit_lsn", "drops", "truncates", "database_drops", "prepares", "prepared_ends",
 *  "open_lsn", "loss_lsn", "point_lsn"; where only filler lies behind end_lsn: "valid_sha256"; where damage ends it:
 *  "damaged"; and, where such a run is known: "run_from", "run_to", "run_max", "run_commit", "run_loss", "run_point",
 *  "crossing"}
 * Times are those of commit and abort records alike, as recovery targets see them, in microseconds since 1970 UTC.
 */
#pragma once
#include "base/err.h"
#include "codec/descriptor.h"
#include "pg/lsn.h"
#include "pg/walpage.h"
#include "repo/wal_crossing.h"
#include <stdbool.h>
#include <stdint.h>

struct wal_facts {
    uint64_t system_identifier;
    unsigned major;
    uint32_t timeline; /* the file name's */
    uint32_t segment_bytes;
    lsn first_lsn;  /* of the segment                                     */
    lsn end_lsn;    /* end of valid WAL in it; the segment's end if full or not read */
    lsn last_lsn;   /* start of the last whole record; 0 = none or not read */
    bool has_valid; /* behind end_lsn lies what replay never reads; before it: */
    uint8_t valid_sha256[SHA256_BYTES];
    bool is_damaged; /* behind end_lsn lies what replay would have to read and can't: recovery ends there */
    lsn run_from;    /* everything of the timeline in [run_from, first_lsn) was read by this archiver, in order and
                        without a break: run_max, crossing, run_commit, run_loss and run_point tell of it. first_lsn:
                        no run is known                                                                         */
    lsn run_to;      /* every segment that begins in [run_from, run_to) had been acknowledged by this repository when
                        this one was sealed; those in [run_to, first_lsn) were on their way. Never outside the two */
    bool run_has_max; /* there is any commit or abort in the run or in this segment, crossing ones included */
    int64_t run_max_us; /* the newest of their times                         */
    bool
        has_crossing; /* a commit or abort goes on from the run's last segment into this one and ends here; it is in */
    int64_t crossing_us; /* none of the counts and times below. Its time */
    lsn run_commit; /* the newest commit_lsn of the run and this segment; 0 = none. Without a run: this segment's */
    bool has_records; /* the members below are known                        */
    lsn commit_lsn; /* start of the last commit record, or of one behind it that is or may be a commit or abort and goes
                          on in the next segment; 0 = none */
    uint64_t commits;
    uint64_t aborts;
    uint64_t restore_points;
    int64_t first_us; /* of the first and last commit or abort; meaningful when there is any */
    int64_t last_us;
    int64_t min_us;
    int64_t max_us;
    bool has_drops; /* the members below are known; they say where to look, and may be less than there is */
    uint64_t drops; /* commits that let relations go and are not known to be a truncate or rewrite */
    uint64_t truncates;      /* commits that are, or may be a rewrite in 13 and 14           */
    uint64_t database_drops; /* of databases and tablespaces                                 */
    uint64_t prepares;       /* of transactions                                              */
    uint64_t prepared_ends;  /* commits and aborts of prepared transactions                  */
    bool has_marks; /* the members below are known; they are exact: nothing is where they do not lead to */
    /*
     * Start of a record that goes on in the next segment, is in nobody's counts, and ends a transaction, is a restore
     * point or drops a database or tablespace, or may; 0 = none.
     */
    lsn open_lsn;
    lsn loss_lsn; /* start of the last record that let data go, or may have: also of one that goes on; 0 = none */
    lsn point_lsn; /* the same of restore points */
    lsn run_loss; /* the newest loss_lsn of the run and this segment; 0 = none. Without a run: this segment's */
    lsn run_point;

    struct wal_crossing crossing; /* not told by the descriptor, but handed on along the run */
};

/* Put the facts into a descriptor that has none yet. */
enum err_code wal_facts_write(const struct wal_facts *f, struct descriptor *d, struct err *e);
/* ERR_CORRUPT when the member is missing or not of its form. */
enum err_code wal_facts_read(const struct descriptor *d, struct wal_facts *f, struct err *e);
/* No run is known: what it would tell is what the segment itself tells. */
void wal_facts_begin_run(struct wal_facts *f);
/* The number of the first segment whose content these facts tell of: the segment's own where they tell of no run. */
uint64_t wal_facts_run_first(const struct wal_facts *f);
/* The number of the segment at run_to: those of the run before it were there, of those behind it nothing is told. */
uint64_t wal_facts_run_limit(const struct wal_facts *f);
/*
 * Does valid WAL end inside the segment where more should follow? What lies behind is not in its counts. Only for one
 * that is not the last of its timeline.
 */
bool wal_facts_ends_early(const struct wal_facts *f);
/* From a segment's first page and name: everything but the records. */
void wal_facts_of_page(const struct walpage *p, uint32_t timeline, struct wal_facts *f);
