/*
 * ops/backup_wal.c - see ops/backup_wal.h.
 */
#include "ops/backup_wal.h"

#include "base/log.h"
#include "repo/wal_index.h"

#include <inttypes.h>
#include <stdbool.h>

#define LOOK_AGAIN_FIRST_US ((int64_t) 200000)
#define LOOK_AGAIN_MAX_US   ((int64_t) 5000000)

/* The first segment of one range that is not there; "" when all are. The next newer timeline has its fork's. */
static enum err_code look(const struct backup_wal *w, const struct manifest_range *range,
                          const struct manifest_range *newer, char missing[WALFILE_NAME_MAX], struct err *e)
{
    CLEANUP(wal_runs_clear) struct wal_runs runs = {0};
    uint64_t first = walseg_number(range->start, w->segment_bytes);
    uint64_t last = walseg_number(range->end - 1, w->segment_bytes);

    missing[0] = '\0';
    if (newer != NULL && walseg_number(newer->start, w->segment_bytes) == last)
        last--;
    if (last < first)
        return ERR_OK;
    if (wal_runs_read(w->repo, w->layout, range->tli, first, last, w->segment_bytes, &runs, e) != ERR_OK)
        return e->code;
    if (runs.count > 0 && runs.list[0].first == first) {
        if (runs.list[0].last >= last)
            return ERR_OK;
        first = runs.list[0].last + 1;
    }
    walseg_name(range->tli, first, w->segment_bytes, missing);
    return ERR_OK;
}

static enum err_code look_at_all(const struct backup_wal *w, char missing[WALFILE_NAME_MAX], struct err *e)
{
    enum err_code code = ERR_OK;

    missing[0] = '\0';
    for (size_t i = w->range_count; i-- > 0 && code == ERR_OK && missing[0] == '\0';)
        code = look(w, &w->ranges[i], i > 0 ? &w->ranges[i - 1] : NULL, missing, e);
    return code;
}

static enum err_code refuse(const struct backup_wal *w, const char *missing, struct err *e)
{
    err_set(e, ERR_REFUSED,
            "segment \"%s\", which the backup needs, did not arrive in repository \"%s\" within %" PRId64
            " s",
            missing, w->repo->name, w->timeout_ms / 1000);
    return err_hint(e, "Is archive_mode on and archive_command this program? See pg_stat_archiver and the "
                       "server's log. On a standby, the primary must switch to the next segment "
                       "(pg_switch_wal()). --wal-timeout waits longer.");
}

enum err_code backup_wal_wait(const struct backup_wal *w, struct err *e)
{
    int64_t deadline_us = clock_mono_us(w->clock) + w->timeout_ms * 1000;
    int64_t pause_us = LOOK_AGAIN_FIRST_US;
    char missing[WALFILE_NAME_MAX];
    bool is_told = false;

    for (;;) {
        int64_t left_us;

        if (look_at_all(w, missing, e) != ERR_OK)
            return err_while(e, "looking for the backup's WAL");
        if (missing[0] == '\0')
            return ERR_OK;
        left_us = deadline_us - clock_mono_us(w->clock);
        if (left_us <= 0)
            return refuse(w, missing, e);
        if (!is_told)
            log_info("waiting for segment \"%s\" to be archived", missing);
        is_told = true;
        clock_sleep_us(w->clock, pause_us < left_us ? pause_us : left_us);
        pause_us = pause_us * 2 < LOOK_AGAIN_MAX_US ? pause_us * 2 : LOOK_AGAIN_MAX_US;
    }
}
