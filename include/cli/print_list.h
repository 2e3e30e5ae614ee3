/*
 * cli/print_list.h - what is stored, as text or as JSON: backups, and the stretches of WAL with the holes between.
 */
#pragma once
#include "ops/list.h"
#include <jansson.h>
#include <stdio.h>

void print_list(const char *cluster, const struct listed *l, FILE *out);
/* NULL when out of memory. */
json_t *list_to_json(const char *cluster, const struct listed *l);
