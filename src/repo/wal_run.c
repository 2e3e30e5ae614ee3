/*
 * repo/wal_run.c - see repo/wal_run.h.
 *
 *   the segment             outcome              the run becomes
 *   begins at next          any                  longer by it
 *   lies in [from, next)    was there already    as it was: pushed again, by another try or another archiver
 *   lies in [from, next)    stored               it alone: what had been acknowledged was gone
 *   anywhere else           any                  it alone
 *   is older than the run   any                  it alone: the clock was set back
 *
 * A segment whose records were not read ends the run: what the next one would tell of commits would not be true. So does
 * one whose WAL is damaged: who follows runs backwards meets it as the last of its run, where its descriptor is read.
 *
 * Limit: what was removed from the repository later, by whomever, was acknowledged all the same.
 */
#include "repo/wal_run.h"

#include "base/durable.h"
#include "base/hex.h"
#include "base/log.h"
#include "codec/crc32c.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATE_MAX 384
#define BEGUN_MAX (2 * WALCUT_MAX + 1)

/* The one spelling of a run; false when it does not fit. */
static bool format(const struct wal_run_state *run, const char *place, const char *line, char out[STATE_MAX])
{
    char from[LSN_TEXT_MAX], next[LSN_TEXT_MAX], commit[LSN_TEXT_MAX], max[24] = "-";
    char loss[LSN_TEXT_MAX], point[LSN_TEXT_MAX];
    char begun[BEGUN_MAX] = "-";
    uint32_t crc;
    int len, tail;

    lsn_format(run->from, from);
    lsn_format(run->next, next);
    lsn_format(run->commit, commit);
    lsn_format(run->loss, loss);
    lsn_format(run->point, point);
    if (run->has_max)
        (void) snprintf(max, sizeof(max), "%" PRId64, run->max_us);
    if (run->begun.len > 0)
        hex_format(run->begun.bytes, run->begun.len, begun);
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

/* "-" is no record. */
static bool parse_begun(const char *text, struct walcut *out)
{
    struct err ignored = ERR_NONE;

    out->len = strcmp(text, "-") == 0 ? 0 : (uint8_t) (strlen(text) / 2);
    return out->len == 0 ? strcmp(text, "-") == 0 : hex_parse(text, out->bytes, out->len, &ignored) == ERR_OK;
}

/* Only what this program would have written for this very place and line is a run. */
static bool parse(struct buf *text, const char *place, const char *line, struct wal_run_state *out)
{
    struct wal_run_state run;
    char from[LSN_TEXT_MAX], next[LSN_TEXT_MAX], commit[LSN_TEXT_MAX], max[24], begun[BEGUN_MAX];
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
        !parse_begun(begun, &run.begun) ||
        !is_possible(&run) || !format(&run, place, line, again) || strlen(again) != text->len ||
        memcmp(again, text->data, text->len) != 0)
        return false;
    *out = run;
    return true;
}

static bool read_state(const struct spool *s, const char *place, const char *line, struct wal_run_state *out)
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

static bool is_same_wal(const struct wal_run_state *run, const struct wal_facts *f)
{
    return run->timeline == f->timeline && run->segment_bytes == f->segment_bytes;
}

static bool is_next(const struct wal_run_state *run, const struct wal_facts *f)
{
    return is_same_wal(run, f) && run->next == f->first_lsn;
}

/* Does the repository still show the segment before? */
static bool sees_one_before(struct repo *r, const struct layout *l, const struct wal_facts *f)
{
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    uint64_t number = walseg_number(f->first_lsn, f->segment_bytes);
    struct walfile before = walseg_file(f->timeline, number - 1, f->segment_bytes);
    char key[STORE_KEY_MAX + 1];
    struct err ignored = ERR_NONE;

    layout_wal_file(l, &before, key);
    return object_descriptor(r, key, &d, &ignored) == ERR_OK;
}

/* Is all that the segment holds older than what was there before? */
static bool was_set_back(const struct wal_run_state *known, const struct wal_facts *f)
{
    return known->has_max && f->commits + f->aborts > 0 && f->max_us < known->max_us - WAL_RUN_STEP_US;
}

/* The record that the segment before ended inside: where it ends here, and is a commit or abort, its time is known now. */
static void join_crossing(const struct wal_run_state *known, struct wal_facts *f)
{
    struct walcut whole = known->begun;

    if (known->begun.len == 0 || f->rest.len == 0)
        return;
    walcut_add(&whole, f->rest.bytes, f->rest.len);
    if (f->is_rest)
        f->begun = whole;
    else
        f->has_crossing = walcut_time(&whole, f->major, &f->crossing_us);
    if (f->has_crossing && (!f->run_has_max || f->run_max_us < f->crossing_us)) {
        f->run_has_max = true;
        f->run_max_us = f->crossing_us;
    }
}

static void go_on_with(const struct wal_run_state *known, struct wal_facts *f)
{
    f->run_from = known->from;
    if (known->has_max && (!f->run_has_max || f->run_max_us < known->max_us))
        f->run_max_us = known->max_us;
    f->run_has_max = f->run_has_max || known->has_max;
    if (f->run_commit == 0)
        f->run_commit = known->commit;
    if (f->run_loss == 0)
        f->run_loss = known->loss;
    if (f->run_point == 0)
        f->run_point = known->point;
    join_crossing(known, f);
}

void wal_run_recall(const struct spool *s, struct repo *r, const struct layout *l, struct wal_facts *f,
                    struct wal_run_state *known)
{
    *known = (struct wal_run_state){0};
    wal_facts_begin_run(f);
    if (!read_state(s, repo_place(r), l->line, known) || !is_next(known, f))
        return;
    if (was_set_back(known, f) || (r->store->is_local && !sees_one_before(r, l, f)))
        *known = (struct wal_run_state){0};
    else
        go_on_with(known, f);
}

void wal_run_acknowledged(const struct spool *s, const struct repo *r, const struct layout *l,
                          const struct wal_facts *f, enum object_outcome outcome,
                          const struct wal_run_state *known)
{
    CLEANUP(buf_clear) struct buf path = BUF_INIT(4096);
    const struct wal_run_state run = {.timeline = f->timeline,
                                      .segment_bytes = f->segment_bytes,
                                      .from = f->run_from,
                                      .next = f->first_lsn + f->segment_bytes,
                                      .has_max = f->run_has_max,
                                      .max_us = f->run_max_us,
                                      .commit = f->run_commit,
                                      .loss = f->run_loss,
                                      .point = f->run_point,
                                      .begun = f->begun};
    char text[STATE_MAX];
    struct err why = ERR_NONE;

    if (outcome != OBJECT_STORED && is_same_wal(known, f) && f->first_lsn >= known->from &&
        f->first_lsn < known->next)
        return;
    if (f->has_records && !f->is_damaged && spool_run_path(s, repo_place(r), &path) &&
        format(&run, repo_place(r), l->line, text) && write_state(buf_cstr(&path), text, &why) != ERR_OK)
        log_debug("%s, ignoring", why.text);
}
