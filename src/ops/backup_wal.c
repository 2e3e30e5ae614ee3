/*
 * ops/backup_wal.c - see ops/backup_wal.h.
 */
#include "ops/backup_wal.h"

#include "base/clock.h"
#include "base/log.h"
#include "repo/wal_index.h"

#include <inttypes.h>

#define LOOK_AGAIN_FIRST_US ((int64_t) 200000)
#define LOOK_AGAIN_MAX_US   ((int64_t) 5000000)

/* The first segment of one range that is not there; found false when all are. The next newer timeline has its fork's. */
static enum err_code look(struct repo *r, const struct layout *l, const struct manifest_range *range,
                          const struct manifest_range *newer, uint32_t segment_bytes,
                          char missing[WALFILE_NAME_MAX], struct err *e)
{
    CLEANUP(wal_runs_clear) struct wal_runs runs = {0};
    uint64_t first = walseg_number(range->start, segment_bytes);
    uint64_t last = walseg_number(range->end - 1, segment_bytes);

    missing[0] = '\0';
    if (newer != NULL && walseg_number(newer->start, segment_bytes) == last) {
        if (last == first)
            return ERR_OK;
        last--;
    }
    if (wal_runs_read(r, l, range->tli, first, last, segment_bytes, &runs, e) != ERR_OK)
        return e->code;
    if (runs.count > 0 && runs.list[0].first == first) {
        if (runs.list[0].last >= last)
            return ERR_OK;
        first = runs.list[0].last + 1;
    }
    walseg_name(range->tli, first, segment_bytes, missing);
    return ERR_OK;
}

static enum err_code look_at_all(struct repo *r, const struct layout *l, const struct manifest_range *ranges,
                                 size_t count, uint32_t segment_bytes, char missing[WALFILE_NAME_MAX],
                                 struct err *e)
{
    enum err_code code = ERR_OK;

    missing[0] = '\0';
    for (size_t i = count; i-- > 0 && code == ERR_OK && missing[0] == '\0';)
        code = look(r, l, &ranges[i], i > 0 ? &ranges[i - 1] : NULL, segment_bytes, missing, e);
    return code;
}

enum err_code backup_wal_wait(struct repo *r, const struct layout *l, const struct manifest_range *ranges,
                              size_t count, uint32_t segment_bytes, int64_t timeout_ms, struct err *e)
{
    int64_t deadline_us = clock_mono_us(&clock_system) + timeout_ms * 1000;
    int64_t pause_us = LOOK_AGAIN_FIRST_US;
    char missing[WALFILE_NAME_MAX], told[WALFILE_NAME_MAX] = "";

    for (;;) {
        if (look_at_all(r, l, ranges, count, segment_bytes, missing, e) != ERR_OK)
            return err_while(e, "looking for the backup's WAL");
        if (missing[0] == '\0')
            return ERR_OK;
        if (clock_mono_us(&clock_system) + pause_us > deadline_us)
            break;
        if (told[0] == '\0') {
            log_info("waiting for segment \"%s\" to be archived", missing);
            told[0] = missing[0];
        }
        clock_sleep_us(&clock_system, pause_us);
        pause_us = pause_us * 2 < LOOK_AGAIN_MAX_US ? pause_us * 2 : LOOK_AGAIN_MAX_US;
    }
    err_set(e, ERR_REFUSED,
            "segment \"%s\", which the backup needs, did not arrive in repository \"%s\" within %" PRId64
            " s",
            missing, r->name, timeout_ms / 1000);
    return err_hint(e, "Is archive_mode on and archive_command this program? See pg_stat_archiver and the "
                       "server's log. On a "
                       "standby, the primary must switch to the next segment (pg_switch_wal()). "
                       "--wal-timeout waits longer.");
}
