/*
 * cli/print_backup.h - one backup as JSON, the same in a list and in a plan.
 */
#pragma once
#include "repo/backup_info.h"
#include <jansson.h>

/* NULL when out of memory. */
json_t *backup_to_json(const struct backup_info *b);
