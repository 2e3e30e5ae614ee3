/*
 * ops/plan_gather.h - a plan on whichever of the repositories and lines of a cluster can carry it out.
 */
#pragma once
#include "ops/plan_line.h"
#include "repo/cluster.h"

/*
 * Plan a restore from repository `repo` (NULL = the first that can do it, in order of configuration; where that is a
 * plan to the end of the archive, the one that goes furthest, and what another one has or could not be asked is among
 * the plan's warnings). The cluster's newest line that has a backup is taken, or that of the backup asked for. A
 * refusal is ERR_REFUSED with the reason in the text and the nearest reachable moments in the hint; `lines` is then
 * known too. planned is to be cleared in any case.
 */
enum err_code ops_plan(struct cluster *c, const char *repo, const struct target *t, struct planned *out,
                       struct err *e);
