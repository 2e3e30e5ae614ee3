/*
 * cli/print_estimate.h - how long a recovery will take, as lines of a plan's page, or as JSON.
 */
#pragma once
#include "ops/plan_estimate.h"
#include <jansson.h>
#include <stdio.h>

#define ESTIMATE_TEXT_MAX 48

/*
 * A time that was reckoned, as exactly as such a thing is known: "less than 10 s", "40 s", "14 min", "1 h 25 min",
 * "5 h 30 min", "2 d 3 h".
 */
void estimate_span(int64_t us, char out[ESTIMATE_TEXT_MAX]);

void print_estimate(const struct plan *p, const struct plan_estimate *e, FILE *out);
/* null stands for what is not known. NULL when out of memory. */
json_t *estimate_to_json(const struct plan *p, const struct plan_estimate *e);
