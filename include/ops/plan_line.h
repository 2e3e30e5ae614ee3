/*
 * ops/plan_line.h - the facts a plan needs, fetched from one line of one repository, and the plan made of them.
 */
#pragma once
#include "ops/plan.h"
#include "ops/plan_estimate.h"
#include "repo/line.h"

struct planned {
    struct repo *repo;      /* borrowed: the repository planned on */
    struct layout layout;   /* of the line planned on                     */
    struct line_list lines; /* all the cluster has there; owned, as all below */
    struct wal_timelines timelines;
    struct backup_list backups;
    struct plan plan;
    struct plan_estimate
        estimate;      /* by what this host remembers of that repository; nothing by ops_plan_line */
    uint64_t requests; /* what it took */
};

void planned_clear(struct planned *p);

/*
 * Plan on this line. `backups` may have been opened already. A refusal is ERR_REFUSED with the reason in the text and
 * the nearest reachable moments in the hint. `requests` is not counted, and `lines` stays as it is. out is to be
 * cleared in any case.
 */
enum err_code ops_plan_line(struct repo *r, const struct layout *l, const struct target *t,
                            struct planned *out, struct err *e);

/*
 * A plan over very much WAL believes the archiver that it is whole (plan.is_recorded); before anything is restored by
 * it, every segment is listed. ERR_REFUSED names the one that is missing.
 */
enum err_code ops_plan_prove(const struct planned *p, struct err *e);
