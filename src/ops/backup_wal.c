/*
 * ops/backup_wal.c - see ops/backup_wal.h.
 */
#include "ops/backup_wal.h"

#include "base/log.h"
#include "repo/wal_breaks.h"
#include "repo/wal_index.h"

#include <inttypes.h>
#include <stdbool.h>

#define LOOK_AGAIN_FIRST_US ((int64_t) 200000)
#define LOOK_AGAIN_MAX_US   ((int64_t) 5000000)
#define UNTOLD_ACCEPTED_US  ((int64_t) 5000000)
#define RUNS_MAX            256                  /* of the archiver, that are followed in search of damage */
#define FAILING_REFUSED_US  ((int64_t) 30000000) /* a store that is away for a moment heals */

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

/* ---- is it this server's? ---- */

enum verdict {
    VERDICT_OWN,
    VERDICT_UNTOLD, /* the last file was no segment, or the statistics are gone */
    VERDICT_BEHIND, /* the archiver has not come to it */
    VERDICT_FAILING /* it fails at it or before it */
};

static bool is_at_or_behind(const struct walfile *f, const struct walfile *needed)
{
    if (f->tli != needed->tli)
        return f->tli > needed->tli;
    return f->log != needed->log ? f->log > needed->log : f->seg >= needed->seg;
}

static bool is_same_place(const struct walfile *f, const struct walfile *needed)
{
    return is_at_or_behind(f, needed) && is_at_or_behind(needed, f);
}

static enum verdict judge(const struct backup_archiver *a, const struct walfile *needed)
{
    struct err ignored = ERR_NONE;
    struct walfile f;

    if (walfile_parse(a->failed, &f, &ignored) == ERR_OK &&
        (!is_at_or_behind(&f, needed) || is_same_place(&f, needed)))
        return VERDICT_FAILING;
    if (walfile_parse(a->archived, &f, &ignored) != ERR_OK || f.kind == WALFILE_HISTORY)
        return VERDICT_UNTOLD;
    if (is_at_or_behind(
            &f, needed)) /* a backup history file is archived behind the segment that it is named after */
        return VERDICT_OWN;
    return f.kind == WALFILE_SEGMENT ? VERDICT_BEHIND : VERDICT_UNTOLD;
}

/* What the archiver has said, and since when it says so. */
struct asking {
    struct walfile needed;
    struct backup_archiver said;
    enum verdict verdict;
    int64_t since_us;
};

static void ask(const struct backup_wal *w, struct asking *q)
{
    struct backup_archiver said = {.archived = ""};
    struct err why = ERR_NONE;
    enum verdict verdict = VERDICT_UNTOLD;

    if (w->ask(w->arg, &said, &why) != ERR_OK)
        log_debug("%s, ignoring", why.text);
    else
        verdict = judge(&said, &q->needed);
    if (verdict != q->verdict || q->since_us == 0)
        q->since_us = clock_mono_us(w->clock);
    q->said = said;
    q->verdict = verdict;
}

/* May the backup rest on it? What can't be told is accepted after a while: a file of another kind came last then. */
static bool is_settled(const struct backup_wal *w, struct asking *q)
{
    if (w->ask == NULL)
        return true;
    ask(w, q);
    return q->verdict == VERDICT_OWN ||
           (q->verdict == VERDICT_UNTOLD && clock_mono_us(w->clock) - q->since_us >= UNTOLD_ACCEPTED_US);
}

static bool is_hopeless(const struct backup_wal *w, const struct asking *q)
{
    return q->verdict == VERDICT_FAILING && clock_mono_us(w->clock) - q->since_us >= FAILING_REFUSED_US;
}

static enum err_code refuse_foreign(const struct backup_wal *w, const struct asking *q, struct err *e)
{
    char needed[WALFILE_NAME_MAX];

    walfile_format(&q->needed, needed);
    if (q->verdict == VERDICT_FAILING) {
        err_set(e, ERR_REFUSED,
                "segment \"%s\" is in repository \"%s\", but the server's own archiver fails at \"%s\": what "
                "is there may be "
                "another server's",
                needed, w->repo->name, q->said.failed);
        return err_hint(e, "Was this server set back to an earlier state, or is it a copy? The server's log "
                           "says why it fails; "
                           "\"pitr check\" looks at the rest.");
    }
    err_set(e, ERR_REFUSED,
            "segment \"%s\" is in repository \"%s\", but the server itself has archived no further than "
            "\"%s\" within "
            "%" PRId64 " s",
            needed, w->repo->name, q->said.archived, w->timeout_ms / 1000);
    return err_hint(e, "What is there may be another server's. --wal-timeout waits longer.");
}

/* ---- is it whole? ---- */

static enum err_code refuse_damaged(const struct backup_wal *w, const struct wal_break *at, struct err *e)
{
    char name[WALFILE_NAME_MAX], position[LSN_TEXT_MAX];

    walseg_name(at->tli, at->number, w->segment_bytes, name);
    lsn_format(at->end, position);
    err_set(e, ERR_REFUSED,
            "WAL is damaged at LSN %s in segment \"%s\", as it was archived, and the backup needs what lies "
            "behind",
            position, name);
    return err_hint(e, "Look for the cause, and take another backup: it does not need this segment.");
}

/* What archive found damaged between start and end; what its descriptors don't tell is taken for whole. */
static enum err_code check_whole(const struct backup_wal *w, struct err *e)
{
    const struct wal_place place = {w->repo, w->layout, w->segment_bytes, NULL};
    CLEANUP(wal_breaks_clear) struct wal_breaks breaks = {.count = 0};
    unsigned most = RUNS_MAX;

    for (size_t i = 0; i < w->range_count; i++) {
        const struct manifest_range *range = &w->ranges[i];
        const size_t before = breaks.count;

        if (wal_breaks_add(&place, range->tli, walseg_number(range->start, w->segment_bytes),
                           walseg_number(range->end - 1, w->segment_bytes), &most, &breaks, e) != ERR_OK)
            return err_while(e, "looking for damage in the backup's WAL");
        if (breaks.count > before && breaks.list[before].end < range->end)
            return refuse_damaged(w, &breaks.list[before], e);
    }
    return ERR_OK;
}

enum err_code backup_wal_wait(const struct backup_wal *w, struct err *e)
{
    int64_t deadline_us = clock_mono_us(w->clock) + w->timeout_ms * 1000;
    int64_t pause_us = LOOK_AGAIN_FIRST_US;
    char missing[WALFILE_NAME_MAX];
    struct asking q = {.needed = walseg_file(w->ranges[0].tli,
                                             walseg_number(w->ranges[0].end - 1, w->segment_bytes),
                                             w->segment_bytes)};
    bool is_told = false;

    for (;;) {
        int64_t left_us;

        if (look_at_all(w, missing, e) != ERR_OK)
            return err_while(e, "looking for the backup's WAL");
        if (missing[0] == '\0' && is_settled(w, &q))
            return check_whole(w, e);
        left_us = deadline_us - clock_mono_us(w->clock);
        if (missing[0] == '\0' && left_us <= 0 && q.verdict == VERDICT_UNTOLD)
            return check_whole(w, e);
        if (missing[0] == '\0' && (left_us <= 0 || is_hopeless(w, &q)))
            return refuse_foreign(w, &q, e);
        if (left_us <= 0)
            return refuse(w, missing, e);
        if (!is_told && missing[0] != '\0')
            log_info("waiting for segment \"%s\" to be archived", missing);
        is_told = is_told || missing[0] != '\0';
        clock_sleep_us(w->clock, pause_us < left_us ? pause_us : left_us);
        pause_us = pause_us * 2 < LOOK_AGAIN_MAX_US ? pause_us * 2 : LOOK_AGAIN_MAX_US;
    }
}
