/*
 * ops/plan_rivals.h - the timelines beside a path on which the target lies too, or that went on where the path left
 * them.
 */
#pragma once
#include "ops/plan.h"
#include "repo/wal_object.h"

/*
 * Look at each timeline that has WAL of its own beside the path: a listing each, and for a time the descriptors of its
 * first and last segments. What a descriptor does not tell (damaged, not read when it was stored) makes no rival of it.
 */
enum err_code plan_rivals_read(const struct wal_place *w, const struct wal_timelines *timelines,
                               const struct timeline_path *path, const struct target *t,
                               struct plan_rivals *out, struct err *e);
void plan_rivals_clear(struct plan_rivals *r);
