/*
 * cli/print_list.c - see cli/print_list.h.
 */
#include "cli/print_list.h"

#include "base/timestamp.h"
#include "cli/output.h"
#include "cli/print_backup.h"
#include "cli/print_windows.h"

#include <inttypes.h>

/* ---- text ------------------------------------------------------------------------------------------------------ */

static void print_backups(const struct listed_line *line, FILE *out)
{
    if (line->backups.count == 0)
        fprintf(out, "    no backup\n");
    else
        fprintf(out, "    %-21s  %-22s  %-14s  %8s  %-17s  %-17s  %10s  %10s\n", "Backup", "Ended", "Took",
                "Timeline", "Start LSN", "Stop LSN", "Data", "Stored");
    for (size_t i = 0; i < line->backups.count; i++) {
        const struct backup_info *b = &line->backups.list[i];
        char ended[TIMESTAMP_TEXT_MAX], took[OUTPUT_TEXT_MAX], start[LSN_TEXT_MAX], stop[LSN_TEXT_MAX];
        char data[OUTPUT_TEXT_MAX], stored[OUTPUT_TEXT_MAX];

        timestamp_format(b->stop_us / 1000000 * 1000000, ended);
        output_span(b->stop_us - b->start_us, took);
        lsn_format(b->start_lsn, start);
        lsn_format(b->stop_lsn, stop);
        output_bytes(b->data_bytes, data);
        output_bytes(b->stored_bytes, stored);
        fprintf(out, "    %-21s  %-22s  %-14s  %8" PRIu32 "  %-17s  %-17s  %10s  %10s%s\n", b->id, ended,
                took, b->timeline, start, stop, data, stored, b->from_standby ? "  from a standby" : "");
    }
    for (size_t i = 0; i < line->backups.damaged_count; i++)
        fprintf(out, "    %-21s  DAMAGED: %s\n", line->backups.damaged[i].id, line->backups.damaged[i].why);
    if (line->unfinished > 0)
        fprintf(out, "    %zu unfinished backup%s\n", line->unfinished, line->unfinished == 1 ? "" : "s");
}

static void print_hole(const struct wal_run *before, const struct wal_run *after, uint32_t segment_bytes,
                       FILE *out)
{
    char first[WALFILE_NAME_MAX], last[WALFILE_NAME_MAX];
    uint64_t missing = after->first - before->last - 1;

    walseg_name(before->tli, before->last + 1, segment_bytes, first);
    walseg_name(before->tli, after->first - 1, segment_bytes, last);
    fprintf(out, "              %s  %s  HOLE: %" PRIu64 " segment%s missing\n", first, last, missing,
            missing == 1 ? "" : "s");
}

static void print_run(const struct wal_run *run, uint32_t segment_bytes, FILE *out)
{
    char first[WALFILE_NAME_MAX], last[WALFILE_NAME_MAX], stored[OUTPUT_TEXT_MAX], when[TIMESTAMP_TEXT_MAX];

    walseg_name(run->tli, run->first, segment_bytes, first);
    walseg_name(run->tli, run->last, segment_bytes, last);
    output_bytes(run->stored_bytes, stored);
    timestamp_format(run->modified_us / 1000000 * 1000000, when);
    fprintf(out, "    %8" PRIu32 "  %s  %s  %8" PRIu64 "  %10s  %s\n", run->tli, first, last,
            run->last - run->first + 1, stored, when);
}

static void print_origins(const struct listed_line *line, FILE *out)
{
    char position[LSN_TEXT_MAX];

    for (size_t i = 0; i < line->timelines.count; i++) {
        const struct timeline_path *path = &line->timelines.list[i].path;

        if (path->count < 2)
            continue;
        lsn_format(path->entries[path->count - 1].begin, position);
        fprintf(out, "    timeline %" PRIu32 " left timeline %" PRIu32 " at %s\n",
                line->timelines.list[i].tli, path->entries[path->count - 2].tli, position);
    }
}

static void print_wal(const struct listed_line *line, FILE *out)
{
    if (line->runs.count == 0)
        fprintf(out, "    no WAL\n");
    else
        fprintf(out, "    %8s  %-24s  %-24s  %8s  %10s  %s\n", "Timeline", "First segment", "Last segment",
                "Segments", "Stored", "Last stored");
    for (size_t i = 0; i < line->runs.count; i++) {
        const struct wal_run *run = &line->runs.list[i];

        if (i > 0 && run[-1].tli == run->tli)
            print_hole(run - 1, run, line->segment_bytes, out);
        print_run(run, line->segment_bytes, out);
    }
    print_origins(line, out);
}

static void print_line(const struct listed_line *line, int64_t now_us, FILE *out)
{
    char created[TIMESTAMP_TEXT_MAX];

    timestamp_format(line->info.created_us, created);
    fprintf(out, "  Line %s: PostgreSQL %u, system identifier %" PRIu64 ", here since %s\n\n",
            line->layout.line, line->info.major, line->info.system_identifier, created);
    print_backups(line, out);
    fprintf(out, "\n");
    if (line->windows.count > 0) {
        print_windows(&line->windows, 4, now_us, out);
        fprintf(out, "\n");
    }
    print_wal(line, out);
}

void print_list(const char *cluster, const struct listed *l, int64_t now_us, FILE *out)
{
    fprintf(out, "Cluster \"%s\"\n", cluster);
    for (size_t i = 0; i < l->repo_count; i++) {
        const struct listed_repo *repo = &l->repos[i];

        fprintf(out, "\nRepository \"%s\"\n", repo->repo->name);
        if (repo->line_count == 0)
            fprintf(out, "  nothing of this cluster\n");
        for (size_t k = 0; k < repo->line_count; k++) {
            if (k > 0)
                fprintf(out, "\n");
            print_line(&repo->lines[k], now_us, out);
        }
    }
}

/* ---- JSON ------------------------------------------------------------------------------------------------------ */

static json_t *run_to_json(const struct wal_run *run, uint32_t segment_bytes)
{
    char first[WALFILE_NAME_MAX], last[WALFILE_NAME_MAX];
    json_t *o;

    walseg_name(run->tli, run->first, segment_bytes, first);
    walseg_name(run->tli, run->last, segment_bytes, last);
    o = json_pack("{s:I, s:s, s:s}", "timeline", (json_int_t) run->tli, "first", first, "last", last);
    json_set_lsn(o, "start_lsn", walseg_start(run->first, segment_bytes));
    json_set_lsn(o, "end_lsn", walseg_start(run->last + 1, segment_bytes));
    json_set_bytes(o, "segments", run->last - run->first + 1);
    json_set_bytes(o, "stored_bytes", run->stored_bytes);
    json_set_moment(o, "stored", run->modified_us);
    return o;
}

/* The stretches between two runs of a timeline. */
static json_t *holes_to_json(const struct listed_line *line)
{
    json_t *list = json_array();

    for (size_t i = 1; i < line->runs.count; i++) {
        const struct wal_run *run = &line->runs.list[i];
        char first[WALFILE_NAME_MAX], last[WALFILE_NAME_MAX];

        if (run[-1].tli != run->tli)
            continue;
        walseg_name(run->tli, run[-1].last + 1, line->segment_bytes, first);
        walseg_name(run->tli, run->first - 1, line->segment_bytes, last);
        (void) json_array_append_new(
            list, json_pack("{s:I, s:s, s:s, s:I}", "timeline", (json_int_t) run->tli, "first", first, "last",
                            last, "segments", (json_int_t) (run->first - run[-1].last - 1)));
    }
    return list;
}

static json_t *timelines_to_json(const struct wal_timelines *timelines)
{
    json_t *list = json_array();

    for (size_t i = 0; i < timelines->count; i++) {
        const struct timeline_path *path = &timelines->list[i].path;
        json_t *o = json_pack("{s:I}", "timeline", (json_int_t) timelines->list[i].tli);

        if (path->count > 1) {
            (void) json_object_set_new(o, "parent", json_integer(path->entries[path->count - 2].tli));
            json_set_lsn(o, "begin_lsn", path->entries[path->count - 1].begin);
        }
        (void) json_array_append_new(list, o);
    }
    return list;
}

static json_t *line_to_json(const struct listed_line *line, int64_t now_us)
{
    char identifier[32];
    json_t *backups = json_array(), *damaged = json_array(), *runs = json_array();
    json_t *o;

    (void) snprintf(identifier, sizeof(identifier), "%" PRIu64, line->info.system_identifier);
    for (size_t i = 0; i < line->backups.count; i++)
        (void) json_array_append_new(backups, backup_to_json(&line->backups.list[i]));
    for (size_t i = 0; i < line->runs.count; i++)
        (void) json_array_append_new(runs, run_to_json(&line->runs.list[i], line->segment_bytes));
    o = json_pack("{s:s, s:s, s:i, s:o, s:I, s:o, s:o, s:o}", "line", line->layout.line, "system_identifier",
                  identifier, "postgresql", (int) line->info.major, "backups", backups, "unfinished_backups",
                  (json_int_t) line->unfinished, "timelines", timelines_to_json(&line->timelines), "wal",
                  runs, "holes", holes_to_json(line));
    for (size_t i = 0; i < line->backups.damaged_count; i++)
        (void) json_array_append_new(damaged, json_pack("{s:s, s:s}", "id", line->backups.damaged[i].id,
                                                        "why", line->backups.damaged[i].why));
    (void) json_object_set_new(o, "damaged_backups", damaged);
    (void) json_object_set_new(o, "restorable", windows_to_json(&line->windows, now_us));
    json_set_moment(o, "created", line->info.created_us);
    json_set_bytes(o, "segment_bytes", line->segment_bytes);
    return o;
}

json_t *list_to_json(const char *cluster, const struct listed *l, int64_t now_us)
{
    json_t *repos = json_array();

    for (size_t i = 0; i < l->repo_count; i++) {
        json_t *lines = json_array();

        for (size_t k = 0; k < l->repos[i].line_count; k++)
            (void) json_array_append_new(lines, line_to_json(&l->repos[i].lines[k], now_us));
        (void) json_array_append_new(repos,
                                     json_pack("{s:s, s:o}", "name", l->repos[i].repo->name, "lines", lines));
    }
    return json_pack("{s:s, s:o}", "cluster", cluster, "repositories", repos);
}
