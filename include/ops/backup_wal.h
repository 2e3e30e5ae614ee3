/*
 * ops/backup_wal.h - wait until the WAL that a backup needs has arrived in the repository.
 */
#pragma once
#include "base/clock.h"
#include "base/err.h"
#include "pg/manifest.h"
#include "pg/walseg.h"
#include "repo/layout.h"
#include "repo/repo.h"
#include <stddef.h>
#include <stdint.h>

/*
 * What the server says of its archiver: that segments of the needed names are in the repository does not make them its
 * own. A machine that was set back to a snapshot, or a second copy of the cluster, meets those of another life.
 */
struct backup_archiver {
    char archived[WALFILE_NAME_MAX]; /* the last file that it archived; "" = it does not say       */
    char failed[WALFILE_NAME_MAX];   /* the file that it has failed at since; "" = none             */
};

typedef enum err_code backup_archiver_ask(void *arg, struct backup_archiver *out, struct err *e);

/* What is waited for; all borrowed. */
struct backup_wal {
    struct repo *repo;
    const struct layout *layout;
    const struct manifest_range *ranges; /* newest timeline first, as a manifest has them */
    size_t range_count;
    uint32_t segment_bytes;
    int64_t timeout_ms;
    const struct clock *clock;
    backup_archiver_ask *ask; /* NULL where there is nobody to ask: a standby's WAL is archived by its primary */
    void *arg;
};

/*
 * Wait for every segment of the ranges, looking again and again up to the timeout, and once more then. ERR_REFUSED
 * afterwards, naming the first segment that is missing, or that the server's own archiver fails at or has not come to.
 * Where a timeline forked off, its fork's segment is wanted of the newer one only.
 */
enum err_code backup_wal_wait(const struct backup_wal *w, struct err *e);
