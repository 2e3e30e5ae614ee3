/*
 * ops/backup.c - see ops/backup.h.
 *
 * The order makes the promise: data, the server's last word, the WAL, the index, the catalog, and only then
 * backup.json.
 */
#include "ops/backup.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/timestamp.h"
#include "base/utf8.h"
#include "ops/backup_catalog.h"
#include "ops/backup_previous.h"
#include "ops/backup_store.h"
#include "ops/backup_stream.h"
#include "ops/backup_wal.h"
#include "ops/progress.h"
#include "pg/control.h"
#include "pg/label.h"
#include "pg/replproto.h"
#include "pg/replproto_server.h"
#include "pg/timeline.h"
#include "repo/line.h"
#include "repo/object.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct backup_run {
    struct cluster *cluster;
    const struct backup_options *options;
    struct repo *repo;
    struct layout layout;
    struct replproto *conn;
    struct replproto_server server;
    struct backup_previous *previous;
    struct backup_store *store;
    struct backup_info info;
    struct backup_stream stream;
    struct backup_catalog catalog;
};

static void run_clear(struct backup_run *b)
{
    backup_store_free(b->store);
    backup_previous_free(b->previous);
    backup_stream_clear(&b->stream);
    replproto_close(b->conn);
    backup_info_clear(&b->info);
    backup_catalog_close(&b->catalog);
}

static enum err_code choose_repo(struct backup_run *b, struct err *e)
{
    if (b->options->repo != NULL)
        return cluster_repo(b->cluster, b->options->repo, &b->repo, e);
    b->repo = b->cluster->repos[0];
    return ERR_OK;
}

/* backup.json can hold no other text: better said now than after all the data. */
static enum err_code settle_label(struct backup_run *b, struct err *e)
{
    const char *label = b->options->label;

    if (label != NULL && !utf8_is_valid(label))
        return err_set(e, ERR_USAGE, "the backup's label is not UTF-8");
    if (label != NULL)
        b->info.label = strdup(label);
    else if (asprintf(&b->info.label, "pitr %s", b->info.id) < 0)
        b->info.label = NULL;
    return b->info.label != NULL ? ERR_OK : err_nomem(e, "a label");
}

static void tell_notice(void *arg, const char *severity, const char *text, const char *detail)
{
    (void) arg;
    if (strcmp(severity, "WARNING") != 0)
        return;
    log_warning("server: %s", text);
    if (detail[0] != '\0')
        log_detail("%s", detail);
}

static enum err_code connect_server(struct backup_run *b, struct err *e)
{
    if (replproto_connect(b->cluster->conninfo, &b->conn, e) != ERR_OK ||
        replproto_identify(b->conn, &b->server, e) != ERR_OK)
        return e->code;
    replproto_on_notice(b->conn, tell_notice, b);
    if (layout_init(&b->layout, b->cluster->name, b->server.system_identifier, e) != ERR_OK)
        return e->code;
    return line_admit(b->repo, &b->layout, b->server.major, b->cluster->spool, e);
}

/* What a restored server must load, if we may know: who may not read all settings does not see it in the view. */
static enum err_code ask_preload(struct backup_run *b, struct err *e)
{
    struct err why = ERR_NONE;
    PGresult *answer;

    if (!b->server.has_sql)
        return ERR_OK;
    if (replproto_query(
            b->conn,
            "SELECT (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'shared_preload_libraries')", 1,
            &answer, &why) != ERR_OK) {
        log_debug("%s, ignoring", why.text);
        return ERR_OK;
    }
    if (!libpq.getisnull(answer, 0, 0) && utf8_is_valid(libpq.getvalue(answer, 0, 0)) &&
        (b->info.preload_libraries = strdup(libpq.getvalue(answer, 0, 0))) == NULL)
        err_nomem(&why, "a string");
    libpq.clear(answer);
    if (why.code != ERR_OK)
        *e = why;
    return why.code;
}

/* Without archiving the backup's own WAL would never come: better said now than after all the data and a long wait. */
static enum err_code check_archiving(struct backup_run *b, struct err *e)
{
    PGresult *answer;
    bool is_off;

    if (!b->server.knows_standby || b->server.is_standby) /* the primary archives a standby's WAL */
        return ERR_OK;
    if (replproto_query(b->conn, "SHOW archive_mode", 1, &answer, e) != ERR_OK)
        return e->code;
    is_off = strcmp(libpq.getvalue(answer, 0, 0), "off") == 0;
    libpq.clear(answer);
    if (!is_off)
        return ERR_OK;
    err_set(e, ERR_REFUSED,
            "archive_mode is off on the server, so the WAL that the backup needs would not be archived");
    return err_hint(
        e, "A restored copy has it off until you say otherwise: ALTER SYSTEM RESET archive_mode, set "
           "archive_command, and start the server again.");
}

static void make_id(struct backup_run *b, char id[BACKUP_ID_MAX])
{
    char when[TIMESTAMP_COMPACT_MAX];

    b->info.start_us = clock_now_us(&clock_system);
    timestamp_format_compact(b->info.start_us, when);
    (void) snprintf(b->info.id, sizeof(b->info.id), "%s-%04x", when, (unsigned) rng_below(65536));
    memcpy(id, b->info.id, BACKUP_ID_MAX);
}

/* The clock that commits are stamped with, where the server tells it; else this machine's. */
static int64_t server_now_us(struct backup_run *b)
{
    struct err ignored = ERR_NONE;
    int64_t us;

    return b->server.has_sql && replproto_clock(b->conn, &us, &ignored) == ERR_OK
               ? us
               : clock_now_us(&clock_system);
}

/* Where temporary files go. */
static const char *draft_dir(const struct backup_run *b)
{
    const char *dir = spool_dir(b->cluster->spool);

    return dir != NULL ? dir : "/var/tmp";
}

static enum err_code open_store(struct backup_run *b, struct err *e)
{
    const struct backup_options *o = b->options;
    struct backup_store_options s = {.repo = b->repo,
                                     .layout = &b->layout,
                                     .id = b->info.id,
                                     .draft_dir = draft_dir(b),
                                     .chunk_bytes = o->chunk_bytes,
                                     .pack_bytes = o->pack_bytes,
                                     .memory_bytes = o->memory_bytes,
                                     .jobs = o->jobs};

    if (backup_previous_load(b->repo, &b->layout, b->cluster->spool, &b->previous, e) != ERR_OK)
        return e->code;
    if (backup_previous_id(b->previous)[0] != '\0')
        log_info("storing what changed since backup %s", backup_previous_id(b->previous));
    s.previous = b->previous;
    return backup_store_new(&s, &b->store, e);
}

static enum err_code begin(struct backup_run *b, struct err *e)
{
    const struct backup_options *o = b->options;
    const struct basebackup_options bb = {.label = b->info.label,
                                          .fast_checkpoint = o->fast_checkpoint,
                                          .max_rate_kb = (unsigned) (o->max_rate_bytes / 1024)};

    b->info.start_us = server_now_us(b);
    log_info("backup %s: waiting for the server's checkpoint", b->info.id);
    return backup_stream_begin(&b->stream, b->conn, &bb, e);
}

static enum err_code take(struct backup_run *b, struct err *e)
{
    if (backup_stream_take(&b->stream, b->store, e) != ERR_OK ||
        backup_stream_finish(&b->stream, e) != ERR_OK)
        return e->code;
    b->info.stop_us = server_now_us(b);
    return ERR_OK;
}

/* ---- what makes it usable ---- */

static enum err_code take_catalog(struct backup_run *b, struct err *e)
{
    return backup_catalog_take(&b->catalog, b->conn, b->cluster->conninfo, draft_dir(b), b->info.id, e);
}

static enum err_code store_catalog(struct backup_run *b, struct err *e)
{
    return backup_catalog_store(&b->catalog, b->repo, &b->layout, &b->info, e);
}

/* Recovery to a timeline needs its history; one that began before archiving did may not be stored yet. */
static enum err_code store_history(struct backup_run *b, struct err *e)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(TIMELINE_HISTORY_MAX);
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    struct walfile file = {.kind = WALFILE_HISTORY, .tli = b->info.timeline};
    char key[STORE_KEY_MAX + 1], name[WALFILE_NAME_MAX];
    enum object_outcome outcome;

    if (b->info.timeline == 1)
        return ERR_OK;
    walfile_format(&file, name);
    layout_wal_file(&b->layout, &file, key);
    if (replproto_timeline_history(b->conn, b->info.timeline, &text, e) != ERR_OK ||
        object_describe_new(b->repo, layout_kind(file.kind), name, &d, e) != ERR_OK)
        return e->code;
    return object_put_bytes(b->repo, key, &d, text.data, text.len, &outcome, e);
}

static enum err_code ask_archiver(void *arg, struct backup_archiver *out, struct err *e)
{
    struct backup_run *b = arg;
    PGresult *answer;

    if (replproto_query(b->conn,
                        "SELECT coalesce(last_archived_wal, ''), CASE WHEN last_failed_time > "
                        "coalesce(last_archived_time, '-infinity') THEN last_failed_wal ELSE '' END "
                        "FROM pg_catalog.pg_stat_archiver",
                        2, &answer, e) != ERR_OK)
        return e->code;
    (void) snprintf(out->archived, sizeof(out->archived), "%s", libpq.getvalue(answer, 0, 0));
    (void) snprintf(out->failed, sizeof(out->failed), "%s", libpq.getvalue(answer, 0, 1));
    libpq.clear(answer);
    return ERR_OK;
}

static enum err_code wait_for_wal(struct backup_run *b, struct err *e)
{
    const bool can_ask = b->server.has_sql && b->server.knows_standby && !b->server.is_standby;
    const struct backup_wal w = {.repo = b->repo,
                                 .layout = &b->layout,
                                 .ranges = b->stream.manifest.ranges,
                                 .range_count = b->stream.manifest.range_count,
                                 .segment_bytes = b->server.segment_bytes,
                                 .timeout_ms = b->options->wal_timeout_ms,
                                 .clock = &clock_system,
                                 .ask = can_ask ? ask_archiver : NULL,
                                 .arg = b};

    return backup_wal_wait(&w, e);
}

static enum err_code fill_info(struct backup_run *b, struct err *e)
{
    struct backup_info *i = &b->info;
    struct control control;
    struct label label;
    char origin[DESCRIPTOR_TEXT_MAX];

    if (control_parse(b->stream.control.bytes.data, b->stream.control.bytes.len, &control, e) != ERR_OK ||
        label_parse(b->stream.label.bytes.data, b->stream.label.bytes.len, &label, e) != ERR_OK)
        return err_while(e, "the server's backup");
    i->system_identifier = b->server.system_identifier;
    i->server_version = (uint32_t) b->server.version;
    i->segment_bytes = b->server.segment_bytes;
    i->from_standby = label.is_from_standby;
    i->checksums = control.data_checksum_version != 0;
    i->settings = (struct backup_settings){control.max_connections, control.max_worker_processes,
                                           control.max_wal_senders, control.max_prepared_xacts,
                                           control.max_locks_per_xact};
    object_origin(NULL, origin, sizeof(origin));
    i->origin = strdup(origin);
    return i->origin == NULL ? err_nomem(e, "a string") : ERR_OK;
}

/* The index for the next backup's comparison: a convenience, so its failure is only told. */
static void keep_index(struct backup_run *b)
{
    CLEANUP(buf_clear) struct buf path = BUF_INIT(8192);
    struct err why = ERR_NONE;

    if (spool_index_path(b->cluster->spool, repo_place(b->repo), &path) &&
        backup_store_keep(b->store, buf_cstr(&path), &why) != ERR_OK)
        log_warning("%s, ignoring", why.text);
}

static void tell(const struct backup_run *b)
{
    char plain[PROGRESS_SIZE_MAX], stored[PROGRESS_SIZE_MAX];

    progress_size(b->info.data_bytes, plain);
    progress_size(b->info.stored_bytes, stored);
    log_info("backup %s: %s in %" PRIu64 " files, %s stored, %" PRIu64 " of %" PRIu64 " chunks new",
             b->info.id, plain, b->info.files, stored, b->info.new_chunks, b->info.chunks);
}

enum err_code ops_backup(struct cluster *c, const struct backup_options *o, char id[BACKUP_ID_MAX],
                         struct err *e)
{
    CLEANUP(run_clear)
    struct backup_run b = {.cluster = c, .options = o, .catalog = BACKUP_CATALOG_NONE};

    backup_stream_init(&b.stream, &b.info);
    make_id(&b, id);
    if (choose_repo(&b, e) != ERR_OK || settle_label(&b, e) != ERR_OK || connect_server(&b, e) != ERR_OK ||
        check_archiving(&b, e) != ERR_OK || ask_preload(&b, e) != ERR_OK || open_store(&b, e) != ERR_OK ||
        begin(&b, e) != ERR_OK || take(&b, e) != ERR_OK || take_catalog(&b, e) != ERR_OK ||
        backup_store_flush(b.store, e) != ERR_OK || store_history(&b, e) != ERR_OK ||
        wait_for_wal(&b, e) != ERR_OK || fill_info(&b, e) != ERR_OK ||
        backup_store_index(b.store, &b.info, e) != ERR_OK || store_catalog(&b, e) != ERR_OK ||
        backup_info_write(b.repo, &b.layout, &b.info, e) != ERR_OK)
        return err_while(e, "backup %s", b.info.id);
    keep_index(&b);
    tell(&b);
    return ERR_OK;
}
