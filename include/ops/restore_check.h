/*
 * ops/restore_check.h - a restored backup against what its server said of it.
 */
#pragma once
#include "base/err.h"
#include "ops/restore_files.h"
#include "repo/backup_info.h"

/*
 * Is what the index named exactly what the server's own backup_manifest names, in size and checksum, and is the
 * backup's summary that of this manifest? The manifest is the restored one. ERR_CORRUPT.
 */
enum err_code restore_check(const struct restore_files *f, const struct backup_info *backup, struct err *e);
