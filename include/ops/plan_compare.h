/*
 * ops/plan_compare.h - a plan to the end of the archive, and another repository: does that one go further?
 */
#pragma once
#include "ops/plan_line.h"
#include "repo/cluster.h"

/* What is told of the other repositories. */
struct plan_notes {
    char text[PLAN_WARNINGS_MAX][PLAN_WARNING_MAX];
    size_t count;
};

/*
 * Replace *p by a plan on repository r where that ends further, and note it; note too where r may go further and can't
 * be planned with or asked.
 *   failed    why a plan on r could not be made before; ERR_OK: none was tried yet
 */
void plan_compare(struct cluster *c, struct repo *r, const struct target *t, const struct err *failed,
                  struct planned *p, struct plan_notes *n);

/* Put the notes before the plan's own warnings; where there is no room, the last of those go. */
void plan_notes_add(struct plan *p, const struct plan_notes *n);
