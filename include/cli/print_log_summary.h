/*
 * cli/print_log_summary.h - a log's summary: a line for each bucket, or a JSON object a line.
 *
 * The members of the objects are listed in docs/CONTRACT.md.
 */
#pragma once
#include "ops/log_summary.h"
#include <stdbool.h>
#include <stdio.h>

/*
 * bars: draw one for the commits of each line. Fails for want of memory alone; what can't be written shows in ferror.
 */
enum err_code print_log_summary(const struct log_summary *s, bool is_json, bool bars, FILE *out,
                                struct err *e);
