/*
 * ops/log_pick.h - the few segments of a range in which data went, or restore points lie, by descriptors alone.
 *
 * A descriptor tells where the newest such record of the archiver's run lies (repo/wal_facts.h), so the number of
 * requests grows with what there is to find and with the runs, not with the segments. Descriptors that don't tell, of
 * segments stored by programs before that or without their records read, lead to a look into the segment itself.
 */
#pragma once
#include "ops/log_range.h"

/* What is looked for. */
struct log_wish {
    bool losses;
    bool points;
};

/* Segments to read, ascending; the first one of each hole is among them. */
struct log_picks {
    uint64_t *list; /* owned */
    size_t count;
    size_t room;
};

/*
 * A range of up to PLAN_LIST_MAX segments is listed, so that each hole is found; of more the archiver's word is taken
 * for segments that need not be read, but for those that it says were on their way: they are listed. out is to be
 * cleared in any case.
 */
enum err_code log_pick_find(const struct log_source *s, const struct log_range *r,
                            const struct log_wish *wish, struct log_picks *out, struct err *e);
void log_picks_clear(struct log_picks *p);
