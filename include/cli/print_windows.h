/*
 * cli/print_windows.h - what can be restored, a block for each timeline: the windows and the holes in order, as text or
 * JSON.
 */
#pragma once
#include "ops/windows.h"
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* indent: spaces in front of each line. now_us: what the age of the newest moment is reckoned from. */
void print_windows(const struct windows *w, int indent, int64_t now_us, FILE *out);
/* An array; NULL when out of memory. */
json_t *windows_to_json(const struct windows *w, int64_t now_us);
