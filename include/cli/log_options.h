/*
 * cli/log_options.h - the options of `pitr log` as what is asked of the log.
 */
#pragma once
#include "base/err.h"
#include "cli/setting.h"
#include "ops/wal_log.h"

/* A moment is an LSN when it reads as one, else a time. Strings are borrowed from s. ERR_USAGE names the option. */
enum err_code log_options_from_settings(const struct settings *s, struct log_options *out, struct err *e);
