/*
 * cli/target_options.h - the --target-… options as a target.
 */
#pragma once
#include "base/err.h"
#include "cli/setting.h"
#include "ops/target.h"

/*
 * At most one target may be given; none means all there is. --exclusive goes with a time, an LSN or a transaction
 * only, since PostgreSQL knows recovery_target_inclusive for those. Strings are borrowed from s. ERR_USAGE otherwise.
 */
enum err_code target_from_settings(const struct settings *s, struct target *out, struct err *e);
