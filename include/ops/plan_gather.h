/*
 * ops/plan_gather.h - the facts a plan needs, fetched from a repository, and the plan made of them.
 */
#pragma once
#include "ops/plan.h"
#include "ops/plan_estimate.h"
#include "repo/cluster.h"
#include "repo/line.h"

struct planned {
    struct repo *repo;      /* borrowed: the repository planned on */
    struct layout layout;   /* of the line planned on                     */
    struct line_list lines; /* all the cluster has there; owned, as all below */
    struct wal_timelines timelines;
    struct backup_list backups;
    struct plan plan;
    struct plan_estimate estimate; /* by what this host remembers of that repository; nothing by ops_plan_line */
    uint64_t requests; /* what it took */
};

/*
 * Plan a restore from repository `repo` (NULL = the first that can do it, in order of configuration; where that is a plan to
 * the end of the archive, the one that goes furthest, and what another one has or could not be asked is among the plan's
 * warnings). The cluster's newest line that has a backup is taken, or that of the backup asked for. A refusal is ERR_REFUSED with the reason in
 * the text and the nearest reachable moments in the hint; `lines` is then known too. planned is to be cleared in any
 * case.
 */
enum err_code ops_plan(struct cluster *c, const char *repo, const struct target *t, struct planned *out,
                       struct err *e);
void planned_clear(struct planned *p);

/*
 * A plan over very much WAL believes the archiver that it is whole (plan.is_recorded); before anything is restored by it,
 * every segment is listed. ERR_REFUSED names the one that is missing.
 */
enum err_code ops_plan_prove(const struct planned *p, struct err *e);

/* The same within one line of one repository; `requests` is not counted, and `lines` stays empty. */
enum err_code ops_plan_line(struct repo *r, const struct layout *l, const struct target *t,
                            struct planned *out, struct err *e);
