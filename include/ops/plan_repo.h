/*
 * ops/plan_repo.h - a plan on one repository: which of the cluster's lines there it is made on.
 */
#pragma once
#include "ops/plan_line.h"
#include "repo/cluster.h"

/*
 * The newest line that has the backup asked for (NULL: any); else the oldest, where planning finds that there is none.
 * Fills p's lines and backups. ERR_REFUSED: the repository has nothing of the cluster; p's lines are none then.
 */
enum err_code plan_repo_choose_line(struct cluster *c, struct repo *r, const char *backup_id,
                                    struct planned *p, struct layout *out, struct err *e);

/* Plan on that line. A refusal says when there are others. */
enum err_code plan_repo(struct cluster *c, struct repo *r, const struct target *t, struct planned *out,
                        struct err *e);
