/*
 * cli/print_log_json.h - the events of a log as JSON objects, one a line.
 */
#pragma once
#include "ops/wal_log.h"
#include <jansson.h>
#include <stdio.h>

/* NULL when out of memory. */
json_t *log_entry_to_json(const struct log_entry *entry);
json_t *log_timeline_to_json(uint32_t timeline, lsn begin);
json_t *log_hole_to_json(const struct log_hole *hole);

/* Write an object as one line, and release it. NULL is out of memory; what can't be written shows in ferror. */
enum err_code log_json_line(json_t *object, FILE *out, struct err *e);
