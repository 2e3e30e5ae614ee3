/*
 * cli/print_check.h - findings of check and init, one a line, as text or as JSON.
 */
#pragma once
#include "ops/setup.h"
#include <jansson.h>
#include <stdio.h>

void print_findings(const struct findings *f, FILE *out);
/* NULL when out of memory. */
json_t *findings_to_json(const struct findings *f);
