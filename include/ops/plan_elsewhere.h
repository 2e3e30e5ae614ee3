/*
 * ops/plan_elsewhere.h - a time that is not passed behind a backup: may it be before it, by a clock that was set back?
 */
#pragma once
#include "ops/target.h"
#include "pg/timeline.h"
#include "repo/wal_object.h"

/*
 * Do descriptors prove that up to the end of segment `last` no transaction on the path is past the time? A request for
 * each of the archiver's runs, and one or two to see that there is nothing before them; *proven is false when they are
 * many.
 */
enum err_code plan_was_never_past(const struct wal_place *w, const struct timeline_path *path,
                                  const struct target *t, uint64_t last, bool *proven, struct err *e);
