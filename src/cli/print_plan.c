/*
 * cli/print_plan.c - see cli/print_plan.h.
 *
 * The page answers in this order: what was asked for, where that ends, from which backup, through which WAL, with
 * which settings, and what to beware of. Labels stand in a column of their own; nothing is left out for being zero
 * where its absence could be taken for an answer.
 */
#include "cli/print_plan.h"

#include "base/timestamp.h"
#include "cli/output.h"
#include "cli/print_backup.h"
#include "cli/print_estimate.h"

#include <inttypes.h>
#include <string.h>

#define LABEL "%-15s"

static const char *const kind_names[] = {"latest", "time", "lsn", "xid", "name", "immediate"};
static const char *const action_names[] = {"pause", "promote", "shutdown"};

/* ---- text ------------------------------------------------------------------------------------------------------ */

static void print_target(const struct target *t, FILE *out)
{
    const char *side = t->exclusive ? ", ending just before it" : "";
    char text[TIMESTAMP_TEXT_MAX];

    fprintf(out, LABEL, "Target");
    switch (t->kind) {
    case TARGET_LATEST:
        fprintf(out, "the end of the archived WAL\n");
        break;
    case TARGET_TIME:
        timestamp_format(t->time_us, text);
        fprintf(out, "time %s%s%s\n", text, side, t->or_latest ? ", or the end of the archived WAL" : "");
        break;
    case TARGET_LSN:
        lsn_format(t->lsn, text);
        fprintf(out, "LSN %s%s\n", text, side);
        break;
    case TARGET_XID:
        fprintf(out, "transaction %" PRIu32 "%s\n", t->xid, side);
        break;
    case TARGET_NAME:
        fprintf(out, "restore point \"%s\"\n", t->name);
        break;
    case TARGET_IMMEDIATE:
        fprintf(out, "as soon as the backup is consistent\n");
        break;
    }
}

/* What it did that somebody may miss, or want undone. */
static void print_drops(const struct plan_commit *c, FILE *out)
{
    if (c->dropped_database != 0)
        fprintf(out, LABEL "drops database %" PRIu32 "\n", "", c->dropped_database);
    if (c->drops != WALDROPS_NONE && c->drops != WALDROPS_REWRITE)
        fprintf(out, LABEL "%s of relations in database %" PRIu32 ", %" PRIu32 " file%s\n", "",
                waldrops_kind_name(c->drops), c->database, c->relation_count,
                c->relation_count == 1 ? "" : "s");
}

static void print_transaction(const char *label, const struct plan_commit *c, FILE *out)
{
    char time[TIMESTAMP_TEXT_MAX], position[LSN_TEXT_MAX];

    timestamp_format(c->us, time);
    lsn_format(c->start, position);
    fprintf(out, LABEL "transaction %" PRIu32 ", committed %s at %s\n", label, c->xid, time, position);
    print_drops(c, out);
}

/* Where recovery ends, and between which transactions. */
static void print_end(const struct plan *p, FILE *out)
{
    const struct plan_moment *m = &p->moment;
    char position[LSN_TEXT_MAX];

    if (p->target_lsn != 0) {
        lsn_format(p->target_lsn, position);
        fprintf(out, LABEL "LSN %s on timeline %" PRIu32 ", then %s\n", "Ends at", position,
                p->path.entries[p->path.count - 1].tli, action_names[p->target.action]);
    } else {
        fprintf(out, LABEL "%s, then %s\n", "Ends at",
                p->target.kind == TARGET_LATEST ? "the end of the archived WAL"
                                                : "where PostgreSQL finds the target",
                action_names[p->target.action]);
    }
    if (m->has_kept)
        print_transaction("  last kept", &m->kept, out);
    if (m->has_discarded)
        print_transaction("  first lost", &m->discarded, out);
    if (!m->known && p->target.kind != TARGET_LATEST && p->target.kind != TARGET_IMMEDIATE)
        fprintf(out, LABEL "not looked up: PostgreSQL decides while it replays\n", "  last kept");
}

static void print_backup(const struct backup_info *b, int64_t now_us, FILE *out)
{
    char started[TIMESTAMP_TEXT_MAX], stopped[TIMESTAMP_TEXT_MAX], age[OUTPUT_TEXT_MAX],
        size[OUTPUT_TEXT_MAX];
    char start_lsn[LSN_TEXT_MAX], stop_lsn[LSN_TEXT_MAX], version[OUTPUT_TEXT_MAX];

    timestamp_format(b->start_us, started);
    timestamp_format(b->stop_us, stopped);
    output_span(now_us - b->stop_us, age);
    output_bytes(b->data_bytes, size);
    lsn_format(b->start_lsn, start_lsn);
    lsn_format(b->stop_lsn, stop_lsn);
    output_server_version(b->server_version, version);
    fprintf(out, LABEL "%s, %s old, %s in %" PRIu64 " files\n", "Backup", b->id, age, size, b->files);
    fprintf(out, LABEL "taken %s to %s, PostgreSQL %s%s\n", "", started, stopped, version,
            b->from_standby ? ", from a standby" : "");
    fprintf(out, LABEL "LSN %s to %s on timeline %" PRIu32 "\n", "", start_lsn, stop_lsn, b->timeline);
    for (size_t i = 0; i < b->tablespace_count; i++) {
        output_bytes(b->tablespaces[i].bytes, size);
        fprintf(out, LABEL "tablespace %" PRIu32 " at \"%s\", %s\n", "", b->tablespaces[i].oid,
                b->tablespaces[i].path, size);
    }
}

/* What the server that is started on the restored directory must have, or it refuses to. */
static void print_needs(const struct backup_info *b, FILE *out)
{
    const struct backup_settings *s = &b->settings;

    fprintf(out,
            LABEL "PostgreSQL %" PRIu32 " with at least max_connections = %d, max_worker_processes = %d,\n",
            "Server", b->server_version / 10000, s->max_connections, s->max_worker_processes);
    fprintf(out,
            LABEL "max_wal_senders = %d, max_prepared_transactions = %d, max_locks_per_transaction = %d\n",
            "", s->max_wal_senders, s->max_prepared_xacts, s->max_locks_per_xact);
    if (b->preload_libraries == NULL)
        fprintf(out, LABEL "and what shared_preload_libraries names, which is not known\n", "");
    else if (b->preload_libraries[0] != '\0')
        fprintf(out, LABEL "and the shared_preload_libraries %s\n", "", b->preload_libraries);
}

static void print_path(const struct timeline_path *path, FILE *out)
{
    char position[LSN_TEXT_MAX];

    fprintf(out, LABEL, "Timelines");
    for (size_t i = 0; i < path->count; i++) {
        const struct timeline_entry *entry = &path->entries[i];

        fprintf(out, "%s%" PRIu32, i == 0 ? "" : ", then ", entry->tli);
        if (entry->end != TIMELINE_NOT_ENDED) {
            lsn_format(entry->end, position);
            fprintf(out, " up to %s", position);
        }
    }
    fprintf(out, "\n");
}

static void segment_name(const struct plan *p, uint64_t number, char name[WALFILE_NAME_MAX])
{
    walseg_name(timeline_of_segment(&p->path, number, p->segment_bytes), number, p->segment_bytes, name);
}

static void print_wal(const struct plan *p, FILE *out)
{
    char first[WALFILE_NAME_MAX], last[WALFILE_NAME_MAX], position[LSN_TEXT_MAX];
    char stored[OUTPUT_TEXT_MAX], replayed[OUTPUT_TEXT_MAX];
    char newest[TIMESTAMP_TEXT_MAX];

    segment_name(p, p->first_segment, first);
    segment_name(p, p->last_segment, last);
    output_bytes(p->wal_stored_bytes, stored);
    output_bytes(p->wal_segments * p->segment_bytes, replayed);
    lsn_format(p->end_of_archive, position);
    fprintf(out, LABEL "%s to %s\n", "WAL", first, last);
    fprintf(out, LABEL "%" PRIu64 " segment%s, %s to replay, %s stored\n", "", p->wal_segments,
            p->wal_segments == 1 ? "" : "s", replayed, stored);
    fprintf(out, LABEL "whole up to %s", "", position);
    if (p->moment.last_us != 0) {
        timestamp_format(p->moment.last_us, newest);
        fprintf(out, ", last commit in the archive %s", newest);
    }
    fprintf(out, "\n");
}

static void print_settings(const struct plan *p, FILE *out)
{
    if (p->setting_count > 0)
        fprintf(out, "\nRecovery settings\n");
    for (size_t i = 0; i < p->setting_count; i++) {
        fprintf(out, "  %s = '", p->settings[i].name);
        for (const char *c = p->settings[i].value; *c != '\0'; c++) /* as in postgresql.conf */
            fprintf(out, *c == '\'' || *c == '\\' ? "%c%c" : "%c", *c, *c);
        fprintf(out, "'\n");
    }
}

static void print_warnings(const struct plan *p, FILE *out)
{
    if (p->warning_count > 0)
        fprintf(out, "\nWarnings\n");
    for (size_t i = 0; i < p->warning_count; i++)
        fprintf(out, "  - %s\n", p->warnings[i]);
}

/* A person may mean the cluster as it was before an upgrade. */
static void print_other_lines(const struct planned *p, FILE *out)
{
    const char *between = "not looked at:";

    if (p->lines.count < 2)
        return;
    fprintf(out, LABEL, "");
    for (size_t i = 0; i < p->lines.count; i++)
        if (strcmp(p->lines.lines[i], p->layout.line) != 0) {
            fprintf(out, "%s line %s", between, p->lines.lines[i]);
            between = ",";
        }
    fprintf(out, "\n" LABEL "(--backup ID plans on that backup's line)\n", "");
}

void print_plan(const struct planned *p, int64_t now_us, FILE *out)
{
    fprintf(out, "Restore plan for cluster \"%s\"\n\n", p->layout.cluster);
    print_target(&p->plan.target, out);
    print_end(&p->plan, out);
    print_backup(p->plan.backup, now_us, out);
    print_needs(p->plan.backup, out);
    print_path(&p->plan.path, out);
    print_wal(&p->plan, out);
    print_estimate(&p->plan, &p->estimate, out);
    fprintf(out, LABEL "\"%s\", line %s; %" PRIu64 " request%s to plan\n", "Repository", p->repo->name,
            p->layout.line, p->requests, p->requests == 1 ? "" : "s");
    print_other_lines(p, out);
    print_settings(&p->plan, out);
    print_warnings(&p->plan, out);
}

/* ---- JSON ------------------------------------------------------------------------------------------------------ */

static json_t *target_to_json(const struct target *t)
{
    json_t *o = json_pack("{s:s, s:b, s:b, s:s}", "kind", kind_names[t->kind], "exclusive", t->exclusive,
                          "or_latest", t->or_latest, "action", action_names[t->action]);

    if (t->kind == TARGET_TIME)
        json_set_moment(o, "target", t->time_us);
    if (t->kind == TARGET_LSN)
        json_set_lsn(o, "lsn", t->lsn);
    if (t->kind == TARGET_XID)
        (void) json_object_set_new(o, "xid", json_integer(t->xid));
    if (t->kind == TARGET_NAME)
        (void) json_object_set_new(o, "name", json_text(t->name));
    return o;
}

static json_t *transaction_to_json(const struct plan_commit *c)
{
    json_t *o =
        json_pack("{s:I, s:I, s:s, s:I}", "xid", (json_int_t) c->xid, "database", (json_int_t) c->database,
                  "drops", waldrops_kind_name(c->drops), "relation_files", (json_int_t) c->relation_count);

    json_set_moment(o, "commit", c->us);
    json_set_lsn(o, "lsn", c->start);
    if (c->dropped_database != 0)
        (void) json_object_set_new(o, "dropped_database", json_integer(c->dropped_database));
    return o;
}

static json_t *end_to_json(const struct plan *p)
{
    const struct plan_moment *m = &p->moment;
    json_t *o = json_pack("{s:b}", "known", m->known);

    if (p->target_lsn != 0)
        json_set_lsn(o, "lsn", p->target_lsn);
    (void) json_object_set_new(o, "last_kept", m->has_kept ? transaction_to_json(&m->kept) : json_null());
    (void) json_object_set_new(o, "first_discarded",
                               m->has_discarded ? transaction_to_json(&m->discarded) : json_null());
    return o;
}

static json_t *path_to_json(const struct timeline_path *path)
{
    json_t *list = json_array();

    for (size_t i = 0; i < path->count; i++) {
        json_t *entry = json_pack("{s:I}", "timeline", (json_int_t) path->entries[i].tli);

        if (path->entries[i].begin != 0)
            json_set_lsn(entry, "begin_lsn", path->entries[i].begin);
        if (path->entries[i].end != TIMELINE_NOT_ENDED)
            json_set_lsn(entry, "end_lsn", path->entries[i].end);
        (void) json_array_append_new(list, entry);
    }
    return list;
}

static json_t *wal_to_json(const struct plan *p)
{
    char first[WALFILE_NAME_MAX], last[WALFILE_NAME_MAX];
    json_t *o;

    segment_name(p, p->first_segment, first);
    segment_name(p, p->last_segment, last);
    o = json_pack("{s:s, s:s}", "first", first, "last", last);
    json_set_bytes(o, "segments", p->wal_segments);
    json_set_bytes(o, "segment_bytes", p->segment_bytes);
    json_set_bytes(o, "stored_bytes", p->wal_stored_bytes);
    json_set_lsn(o, "start_lsn", p->start_lsn);
    json_set_lsn(o, "end_of_archive_lsn", p->end_of_archive);
    if (p->damaged_at != 0)
        json_set_lsn(o, "damaged_lsn", p->damaged_at);
    if (p->moment.last_us != 0)
        json_set_moment(o, "last_commit", p->moment.last_us);
    return o;
}

static json_t *needs_to_json(const struct backup_info *b)
{
    json_t *o = json_pack("{s:i, s:i, s:i, s:i, s:i, s:i}", "postgresql", (int) (b->server_version / 10000),
                          "max_connections", b->settings.max_connections, "max_worker_processes",
                          b->settings.max_worker_processes, "max_wal_senders", b->settings.max_wal_senders,
                          "max_prepared_transactions", b->settings.max_prepared_xacts,
                          "max_locks_per_transaction", b->settings.max_locks_per_xact);

    if (b->preload_libraries != NULL)
        (void) json_object_set_new(o, "shared_preload_libraries", json_text(b->preload_libraries));
    return o;
}

static json_t *settings_to_json(const struct plan *p)
{
    json_t *o = json_object();

    for (size_t i = 0; i < p->setting_count; i++)
        (void) json_object_set_new(o, p->settings[i].name, json_text(p->settings[i].value));
    return o;
}

static json_t *warnings_to_json(const struct plan *p)
{
    json_t *list = json_array();

    for (size_t i = 0; i < p->warning_count; i++)
        (void) json_array_append_new(list, json_text(p->warnings[i]));
    return list;
}

static json_t *other_lines_to_json(const struct planned *p)
{
    json_t *list = json_array();

    for (size_t i = 0; i < p->lines.count; i++)
        if (strcmp(p->lines.lines[i], p->layout.line) != 0)
            (void) json_array_append_new(list, json_string(p->lines.lines[i]));
    return list;
}

json_t *plan_to_json(const struct planned *p, int64_t now_us)
{
    json_t *o = json_pack("{s:s, s:s, s:s}", "cluster", p->layout.cluster, "line", p->layout.line,
                          "repository", p->repo->name);

    (void) json_object_set_new(o, "other_lines", other_lines_to_json(p));
    (void) json_object_set_new(o, "target", target_to_json(&p->plan.target));
    (void) json_object_set_new(o, "end", end_to_json(&p->plan));
    (void) json_object_set_new(o, "backup", backup_to_json(p->plan.backup));
    (void) json_object_set_new(o, "backup_age_us", json_integer(now_us - p->plan.backup->stop_us));
    (void) json_object_set_new(o, "server", needs_to_json(p->plan.backup));
    (void) json_object_set_new(o, "timelines", path_to_json(&p->plan.path));
    (void) json_object_set_new(o, "wal", wal_to_json(&p->plan));
    (void) json_object_set_new(o, "estimate", estimate_to_json(&p->plan, &p->estimate));
    (void) json_object_set_new(o, "settings", settings_to_json(&p->plan));
    (void) json_object_set_new(o, "warnings", warnings_to_json(&p->plan));
    json_set_bytes(o, "requests", p->requests);
    return o;
}
