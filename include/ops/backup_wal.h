/*
 * ops/backup_wal.h - wait until the WAL that a backup needs has arrived in the repository.
 */
#pragma once
#include "base/clock.h"
#include "base/err.h"
#include "pg/manifest.h"
#include "repo/layout.h"
#include "repo/repo.h"
#include <stddef.h>
#include <stdint.h>

/* What is waited for; all borrowed. */
struct backup_wal {
    struct repo *repo;
    const struct layout *layout;
    const struct manifest_range *ranges; /* newest timeline first, as a manifest has them */
    size_t range_count;
    uint32_t segment_bytes;
    int64_t timeout_ms;
    const struct clock *clock;
};

/*
 * Wait for every segment of the ranges, looking again and again up to the timeout, and once more then. ERR_REFUSED afterwards,
 * naming the first segment that is missing. Where a timeline forked off, its fork's segment is wanted of the newer one only.
 */
enum err_code backup_wal_wait(const struct backup_wal *w, struct err *e);
