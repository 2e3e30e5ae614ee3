/*
 * cli/show_restorable.h - what can be restored, for who plans without saying what to restore to.
 */
#pragma once
#include "base/err.h"
#include "ops/plan_gather.h"
#include <stdbool.h>
#include <stdio.h>

/*
 * The windows of the line planned on, and behind them, has_plan, the plan; as JSON the plan has them as a member. Of a
 * refused plan the repository, the line and its timelines must be known. Reads all backups of the line.
 */
enum err_code show_restorable(const struct planned *p, bool has_plan, bool as_json, FILE *out, struct err *e);
