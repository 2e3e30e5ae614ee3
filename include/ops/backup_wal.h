/*
 * ops/backup_wal.h - wait until the WAL that a backup needs has arrived in the repository.
 */
#pragma once
#include "base/err.h"
#include "pg/manifest.h"
#include "repo/layout.h"
#include "repo/repo.h"
#include <stddef.h>
#include <stdint.h>

/*
 * Wait for every segment of the ranges (newest timeline first, as a manifest has them), looking again and again up to
 * timeout_ms. ERR_REFUSED afterwards, naming the first segment that is missing.
 */
enum err_code backup_wal_wait(struct repo *r, const struct layout *l, const struct manifest_range *ranges,
                              size_t count, uint32_t segment_bytes, int64_t timeout_ms, struct err *e);
