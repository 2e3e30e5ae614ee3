/*
 * cli/print_list.h - what is stored, as text or as JSON: backups, what can be restored, and the stretches of WAL.
 */
#pragma once
#include "ops/list.h"
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* now_us: what the age of the newest restorable moment is reckoned from. */
void print_list(const char *cluster, const struct listed *l, int64_t now_us, FILE *out);
/* NULL when out of memory. */
json_t *list_to_json(const char *cluster, const struct listed *l, int64_t now_us);
