/*
 * repo/wal_run.c - see repo/wal_run.h.
 */
#include "repo/wal_run.h"

#include "base/durable.h"
#include "base/log.h"
#include "codec/crc32c.h"
#include "pg/walseg.h"
#include "repo/wal_crossing.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATE_MAX 384

/* The one spelling of a run; false when it does not fit. */
static bool format(const struct wal_run_state *run, const char *place, const char *line, char out[STATE_MAX])
{
    char from[LSN_TEXT_MAX], next[LSN_TEXT_MAX], commit[LSN_TEXT_MAX], max[24] = "-";
    char loss[LSN_TEXT_MAX], point[LSN_TEXT_MAX];
    char begun[WALCUT_TEXT_MAX];
    uint32_t crc;
    int len, tail;

    lsn_format(run->from, from);
    lsn_format(run->next, next);
    lsn_format(run->commit, commit);
    lsn_format(run->loss, loss);
    lsn_format(run->point, point);
    if (run->has_max)
        (void) snprintf(max, sizeof(max), "%" PRId64, run->max_us);
    wal_crossing_format_cut(&run->begun, begun);
    len = snprintf(out, STATE_MAX, "%s %08" PRIX32 " %" PRIu32 " %s %s %s %s %s %s %s ", line, run->timeline,
                   run->segment_bytes, from, next, max, commit, loss, point, begun);
    if (len < 0 || len >= STATE_MAX)
        return false;
    crc = crc32c(crc32c(0, place, strlen(place) + 1), out, (size_t) len);
    tail = snprintf(out + len, (size_t) (STATE_MAX - len), "%08" PRIx32 "\n", crc);
    return tail > 0 && tail < STATE_MAX - len;
}

static bool lies_inside(const struct wal_run_state *run, lsn at)
{
    return at == 0 || (run->from <= at && at < run->next);
}

static bool is_possible(const struct wal_run_state *run)
{
    return run->timeline > 0 && walseg_size_is_valid(run->segment_bytes) && run->from < run->next &&
           run->from % run->segment_bytes == 0 && run->next % run->segment_bytes == 0 &&
           lies_inside(run, run->commit) && lies_inside(run, run->loss) && lies_inside(run, run->point);
}

/* Only what this program would have written for this very place and line is a run. */
static bool parse(struct buf *text, const char *place, const char *line, struct wal_run_state *out)
{
    struct wal_run_state run;
    char from[LSN_TEXT_MAX], next[LSN_TEXT_MAX], commit[LSN_TEXT_MAX], max[24], begun[WALCUT_TEXT_MAX];
    char loss[LSN_TEXT_MAX], point[LSN_TEXT_MAX], again[STATE_MAX];
    struct err ignored = ERR_NONE;

    if (sscanf(buf_cstr(text),
               "%*16[0-9a-f] %8" SCNx32 " %" SCNu32
               " %17[0-9A-F/] %17[0-9A-F/] %21[0-9-] %17[0-9A-F/] %17[0-9A-F/] %17[0-9A-F/] %96[0-9a-f-]",
               &run.timeline, &run.segment_bytes, from, next, max, commit, loss, point, begun) != 9)
        return false;
    run.has_max = strcmp(max, "-") != 0;
    run.max_us = run.has_max ? strtoll(max, NULL, 10) : 0;
    if (lsn_parse(from, &run.from, &ignored) != ERR_OK || lsn_parse(next, &run.next, &ignored) != ERR_OK ||
        lsn_parse(commit, &run.commit, &ignored) != ERR_OK ||
        lsn_parse(loss, &run.loss, &ignored) != ERR_OK || lsn_parse(point, &run.point, &ignored) != ERR_OK ||
        !wal_crossing_parse_cut(begun, &run.begun) || !is_possible(&run) ||
        !format(&run, place, line, again) || strlen(again) != text->len ||
        memcmp(again, text->data, text->len) != 0)
        return false;
    *out = run;
    return true;
}

bool wal_run_read(const struct spool *s, const char *place, const char *line, struct wal_run_state *out)
{
    CLEANUP(buf_clear) struct buf path = BUF_INIT(4096);
    CLEANUP(buf_clear) struct buf text = BUF_INIT(STATE_MAX);
    struct err ignored = ERR_NONE;

    return spool_run_path(s, place, &path) && buf_read_file(&text, buf_cstr(&path), &ignored) == ERR_OK &&
           parse(&text, place, line, out);
}

/* Not synced: after a crash the old state is as true as the new one, and a torn one is none. */
static enum err_code write_state(const char *path, const char *text, struct err *e)
{
    CLEANUP(durable_discard) struct durable file = DURABLE_NONE;

    if (durable_open(&file, path, 0600, e) != ERR_OK ||
        durable_write_all(file.fd, text, strlen(text), path, e) != ERR_OK)
        return e->code;
    return durable_commit_quick(&file, e);
}

void wal_run_write(const struct spool *s, const char *place, const char *line,
                   const struct wal_run_state *run)
{
    CLEANUP(buf_clear) struct buf path = BUF_INIT(4096);
    char text[STATE_MAX];
    struct err why = ERR_NONE;

    if (spool_run_path(s, place, &path) && format(run, place, line, text) &&
        write_state(buf_cstr(&path), text, &why) != ERR_OK)
        log_debug("%s, ignoring", why.text);
}
