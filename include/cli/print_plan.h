/*
 * cli/print_plan.h - a restore plan as a page for a person, or as JSON.
 */
#pragma once
#include "base/err.h"
#include "ops/plan_gather.h"
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* now_us: what the age of the backup is reckoned from. */
void print_plan(const struct planned *p, int64_t now_us, FILE *out);
/* NULL when out of memory. */
json_t *plan_to_json(const struct planned *p, int64_t now_us);
