/*
 * ops/backup.c - see ops/backup.h.
 *
 * The order makes the promise: data, the server's last word, the WAL, the index, the catalog, and only then backup.json.
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
#include "ops/backup_wal.h"
#include "ops/progress.h"
#include "pg/basebackup.h"
#include "pg/control.h"
#include "pg/label.h"
#include "pg/manifest.h"
#include "pg/replproto.h"
#include "pg/replproto_server.h"
#include "pg/timeline.h"
#include "repo/line.h"
#include "repo/object.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANIFEST_MAX  ((size_t) 1 << 30)
#define MANIFEST_NAME "backup_manifest"

/* A small file of the stream that is read as well as stored. */
struct caught {
    const char *path;
    struct buf bytes;
};

struct backup_run {
    struct cluster *cluster;
    const struct backup_options *options;
    struct repo *repo;
    struct layout layout;
    struct replproto *conn;
    struct replproto_server server;
    struct basebackup *stream;
    struct backup_previous *previous;
    struct backup_store *store;
    struct backup_info info;
    struct progress progress;
    bool in_file;        /* the member being read is a file */
    uint32_t tablespace; /* oid of the archive being read, 0 = the data directory */
    struct caught label, control;
    struct caught *catching;
    struct buf manifest_text;
    struct manifest manifest;
    struct backup_catalog catalog;
};

static void run_clear(struct backup_run *b)
{
    progress_end(&b->progress);
    backup_store_free(b->store);
    backup_previous_free(b->previous);
    basebackup_free(b->stream);
    replproto_close(b->conn);
    backup_info_clear(&b->info);
    buf_clear(&b->label.bytes);
    buf_clear(&b->control.bytes);
    buf_clear(&b->manifest_text);
    manifest_clear(&b->manifest);
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
    struct basebackup_options bb = {.label = b->info.label,
                                    .fast_checkpoint = o->fast_checkpoint,
                                    .max_rate_kb = (unsigned) (o->max_rate_bytes / 1024)};
    const struct basebackup_start *start;
    uint64_t total = 0;

    b->info.start_us = server_now_us(b);
    log_info("backup %s: waiting for the server's checkpoint", b->info.id);
    if (basebackup_begin(b->conn, &bb, &b->stream, e) != ERR_OK)
        return e->code;
    start = basebackup_start(b->stream);
    b->info.timeline = start->tli;
    b->info.start_lsn = start->position;
    for (size_t i = 0; i < start->tablespace_count; i++)
        total += start->tablespaces[i].estimate_kb * 1024;
    progress_begin(&b->progress, "backup", total);
    return ERR_OK;
}

/* ---- what the tar brings ---- */

static enum err_code full_path(const struct backup_run *b, const char *path, char out[4096], struct err *e)
{
    int len = b->tablespace == 0 ? snprintf(out, 4096, "%s", path)
                                 : snprintf(out, 4096, "pg_tblspc/%" PRIu32 "/%s", b->tablespace, path);

    return len < 4096 ? ERR_OK : err_set(e, ERR_CORRUPT, "path \"%.64s…\" is too long", path);
}

static enum err_code member_begin(void *arg, const struct tar_member *m, struct err *e)
{
    struct backup_run *b = arg;
    char path[4096];

    if (full_path(b, m->path, path, e) != ERR_OK)
        return e->code;
    b->in_file = m->type == TAR_FILE;
    if (m->type == TAR_DIRECTORY)
        return backup_store_directory(b->store, path, m->mode, e);
    if (m->type == TAR_SYMLINK)
        return backup_store_link(b->store, path, m->target, e);
    b->catching = strcmp(path, b->label.path) == 0     ? &b->label
                  : strcmp(path, b->control.path) == 0 ? &b->control
                                                       : NULL;
    return backup_store_file(b->store, path, m->mode, m->size, m->mtime, e);
}

static enum err_code member_data(void *arg, const void *bytes, size_t len, struct err *e)
{
    struct backup_run *b = arg;

    progress_add(&b->progress, len);
    if (b->catching != NULL && buf_append(&b->catching->bytes, bytes, len, e) != ERR_OK)
        return err_while(e, "file \"%s\"", b->catching->path);
    return backup_store_data(b->store, bytes, len, e);
}

/* Directories and links have an end as well; only a file was begun in the store. */
static enum err_code member_end(void *arg, struct err *e)
{
    struct backup_run *b = arg;

    b->catching = NULL;
    return b->in_file ? backup_store_file_end(b->store, e) : ERR_OK;
}

static enum err_code add_tablespace(struct backup_run *b, const struct basebackup_tablespace *t,
                                    struct err *e)
{
    struct backup_tablespace *grown;

    if (!utf8_is_valid(t->path)) /* as the label */
        return err_set(e, ERR_REFUSED, "the directory of tablespace %" PRIu32 " has a name that is not UTF-8",
                       t->oid);
    grown = reallocarray(b->info.tablespaces, b->info.tablespace_count + 1, sizeof(*grown));
    if (grown == NULL)
        return err_nomem(e, "a list of tablespaces");
    b->info.tablespaces = grown;
    grown += b->info.tablespace_count;
    *grown =
        (struct backup_tablespace){.oid = t->oid, .path = strdup(t->path), .bytes = t->estimate_kb * 1024};
    if (grown->path == NULL)
        return err_nomem(e, "a path");
    b->info.tablespace_count++;
    return backup_store_tablespace(b->store, t->oid, t->path, e);
}

static enum err_code read_archives(struct backup_run *b, struct err *e)
{
    struct tar_events events = {member_begin, member_data, member_end, b};
    const struct basebackup_tablespace *archive;
    bool more;

    for (;;) {
        if (basebackup_next_archive(b->stream, &archive, &more, e) != ERR_OK)
            return e->code;
        if (!more)
            return ERR_OK;
        b->tablespace = archive->oid;
        if ((archive->oid != 0 && add_tablespace(b, archive, e) != ERR_OK) ||
            tar_read(basebackup_pull, b->stream, &events, e) != ERR_OK)
            return e->code;
    }
}

/* The manifest proves what arrived, and is stored as the file it would be, so that pg_verifybackup finds it. */
static enum err_code take_manifest(struct backup_run *b, struct err *e)
{
    struct buf *text = &b->manifest_text;

    buf_init(text, MANIFEST_MAX);
    if (basebackup_manifest(b->stream, text, e) != ERR_OK ||
        manifest_parse(text->data, text->len, &b->manifest, e) != ERR_OK ||
        backup_store_check(b->store, &b->manifest, e) != ERR_OK ||
        backup_store_file(b->store, MANIFEST_NAME, 0600, text->len, b->info.start_us / 1000000, e) !=
            ERR_OK ||
        backup_store_data(b->store, text->data, text->len, e) != ERR_OK)
        return e->code;
    return backup_store_file_end(b->store, e);
}

static enum err_code finish_stream(struct backup_run *b, struct err *e)
{
    struct basebackup_end end;

    if (basebackup_finish(b->stream, &end, e) != ERR_OK)
        return e->code;
    b->info.stop_lsn = end.position;
    b->info.timeline = end.tli;
    b->info.stop_us = server_now_us(b);
    progress_end(&b->progress);
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
                                 .ranges = b->manifest.ranges,
                                 .range_count = b->manifest.range_count,
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

    if (control_parse(b->control.bytes.data, b->control.bytes.len, &control, e) != ERR_OK ||
        label_parse(b->label.bytes.data, b->label.bytes.len, &label, e) != ERR_OK)
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
    struct backup_run b = {.cluster = c,
                           .options = o,
                           .label = {.path = "backup_label"},
                           .control = {.path = "global/pg_control"},
                           .catalog = BACKUP_CATALOG_NONE};

    buf_init(&b.label.bytes, LABEL_FILE_MAX);
    buf_init(&b.control.bytes, CONTROL_FILE_BYTES);
    make_id(&b, id);
    if (choose_repo(&b, e) != ERR_OK || settle_label(&b, e) != ERR_OK || connect_server(&b, e) != ERR_OK ||
        check_archiving(&b, e) != ERR_OK || ask_preload(&b, e) != ERR_OK || open_store(&b, e) != ERR_OK ||
        begin(&b, e) != ERR_OK || read_archives(&b, e) != ERR_OK || take_manifest(&b, e) != ERR_OK ||
        finish_stream(&b, e) != ERR_OK || take_catalog(&b, e) != ERR_OK ||
        backup_store_flush(b.store, e) != ERR_OK || store_history(&b, e) != ERR_OK ||
        wait_for_wal(&b, e) != ERR_OK || fill_info(&b, e) != ERR_OK ||
        backup_store_index(b.store, &b.info, e) != ERR_OK || store_catalog(&b, e) != ERR_OK ||
        backup_info_write(b.repo, &b.layout, &b.info, e) != ERR_OK)
        return err_while(e, "backup %s", b.info.id);
    keep_index(&b);
    tell(&b);
    return ERR_OK;
}
