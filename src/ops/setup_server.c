/*
 * ops/setup_server.c - see ops/setup_server.h.
 *
 * Ways in    a replication client that takes SQL answers everything. Where the server lets no such client in, an
 *            ordinary one still reads the settings, so that the reason (wal_level, max_wal_senders, the role) is found.
 * Reading    one row, put together from the table below: a member, its kind, the SQL for it.
 */
#include "ops/setup_server.h"

#include "base/buf.h"
#include "pg/replproto.h"
#include "pg/replproto_server.h"
#include "pg/timeline.h"
#include "repo/layout.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVER  "server"
#define ARCHIVE "archiving"
#define BACKUP  "base backup"

/* ---- asking ---- */

enum kind { K_TEXT, K_NUMBER, K_FLAG, K_LSN, K_MOMENT };

#define MEMBER(m, k, sql)                                                                       \
    {                                                                                           \
        offsetof(struct server_facts, m), sizeof(((struct server_facts *) NULL)->m), (k), (sql) \
    }
#define SETTING(name)    "current_setting('" name "')"
#define ARCHIVER(column) "(SELECT " column " FROM pg_stat_archiver)"
#define EPOCH_US(moment) "(extract(epoch FROM " moment ") * 1000000)::int8"

static const struct member {
    size_t at;
    size_t size;
    enum kind kind;
    const char *sql;
} members[] = {
    MEMBER(system_identifier, K_NUMBER, "(SELECT system_identifier FROM pg_control_system())"),
    MEMBER(version, K_NUMBER, SETTING("server_version_num")),
    MEMBER(tli, K_NUMBER,
           "CASE WHEN pg_is_in_recovery() THEN (SELECT timeline_id FROM pg_control_checkpoint())"
           " ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int8 END"),
    MEMBER(segment_bytes, K_NUMBER, "(SELECT setting FROM pg_settings WHERE name = 'wal_segment_size')"),
    MEMBER(is_standby, K_FLAG, "pg_is_in_recovery()"),
    MEMBER(has_checksums, K_FLAG, SETTING("data_checksums")),
    MEMBER(wal_level, K_TEXT, SETTING("wal_level")),
    MEMBER(archive_mode, K_TEXT, SETTING("archive_mode")),
    MEMBER(archive_command, K_TEXT, SETTING("archive_command")),
    MEMBER(archive_library, K_TEXT, "coalesce(current_setting('archive_library', true), '')"),
    MEMBER(full_page_writes, K_FLAG, SETTING("full_page_writes")),
    MEMBER(max_wal_senders, K_NUMBER, SETTING("max_wal_senders")),
    MEMBER(wal_senders, K_NUMBER, "(SELECT count(*) FROM pg_stat_replication WHERE pid <> pg_backend_pid())"),
    MEMBER(may_replicate, K_FLAG,
           "(SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user)"),
    MEMBER(current, K_LSN, "CASE WHEN pg_is_in_recovery() THEN '0/0' ELSE pg_current_wal_lsn() END"),
    MEMBER(now_us, K_MOMENT, EPOCH_US("clock_timestamp()")),
    MEMBER(archiver.archived, K_NUMBER, ARCHIVER("archived_count")),
    MEMBER(archiver.failed, K_NUMBER, ARCHIVER("failed_count")),
    MEMBER(archiver.last_archived, K_TEXT, ARCHIVER("coalesce(last_archived_wal, '')")),
    MEMBER(archiver.last_failed, K_TEXT, ARCHIVER("coalesce(last_failed_wal, '')")),
    MEMBER(archiver.archived_us, K_MOMENT, ARCHIVER("coalesce(" EPOCH_US("last_archived_time") ", 0)")),
    MEMBER(archiver.failed_us, K_MOMENT, ARCHIVER("coalesce(" EPOCH_US("last_failed_time") ", 0)")),
    MEMBER(archiver.knows_waiting, K_FLAG, "has_function_privilege('pg_ls_archive_statusdir()', 'execute')"),
};

#define MEMBERS (sizeof(members) / sizeof(members[0]))

static enum err_code take(const struct member *m, const char *text, struct server_facts *out, struct err *e)
{
    char *into = (char *) out + m->at, *end = NULL;

    switch (m->kind) {
    case K_TEXT:
        (void) snprintf(into, m->size, "%.*s", (int) m->size - 1, text);
        return ERR_OK;
    case K_FLAG:
        *(bool *) (void *) into = strcmp(text, "t") == 0 || strcmp(text, "on") == 0;
        return ERR_OK;
    case K_LSN:
        return lsn_parse(text, (lsn *) (void *) into, e);
    case K_MOMENT:
        *(int64_t *) (void *) into = strtoll(text, &end, 10);
        break;
    case K_NUMBER:
        *(uint64_t *) (void *) into = strtoull(text, &end, 10);
        break;
    }
    if (end == text || *end != '\0')
        return err_set(e, ERR_CORRUPT, "server answers \"%s\" to \"%s\"", text, m->sql);
    return ERR_OK;
}

static enum err_code ask_row(struct replproto *c, struct server_facts *out, struct err *e)
{
    CLEANUP(buf_clear) struct buf sql = BUF_INIT(16384);
    PGresult *row;
    enum err_code code = ERR_OK;

    for (size_t i = 0; i < MEMBERS; i++)
        if (buf_printf(&sql, e, "%s%s", i == 0 ? "SELECT " : ", ", members[i].sql) != ERR_OK)
            return e->code;
    if (replproto_query(c, buf_cstr(&sql), (int) MEMBERS, &row, e) != ERR_OK)
        return err_while(e, "asking for settings");
    if (libpq.ntuples(row) != 1)
        code = err_set(e, ERR_CORRUPT, "server answered with other than one row");
    for (size_t i = 0; i < MEMBERS && code == ERR_OK; i++)
        code = take(&members[i], libpq.getvalue(row, 0, (int) i), out, e);
    libpq.clear(row);
    if (code == ERR_OK && !walseg_size_is_valid(out->segment_bytes))
        return err_set(e, ERR_CORRUPT, "server reports segments of %" PRIu64 " bytes", out->segment_bytes);
    return code;
}

/* Apart, since a function we may not call fails the whole query, used or not. */
static enum err_code ask_waiting(struct replproto *c, struct server_archiver *a, struct err *e)
{
    PGresult *row;

    if (!a->knows_waiting)
        return ERR_OK;
    if (replproto_query(c, "SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'", 1,
                        &row, e) != ERR_OK)
        return err_while(e, "counting files that wait to be archived");
    a->waiting = libpq.ntuples(row) == 1 ? strtoull(libpq.getvalue(row, 0, 0), NULL, 10) : 0;
    libpq.clear(row);
    return ERR_OK;
}

/* After a promotion the last full segment may still be the parent's. Best effort: else it is taken for our own. */
static void find_last_tli(struct replproto *c, struct server_facts *s)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(TIMELINE_HISTORY_MAX);
    struct timeline_path path = {.count = 0};
    struct err ignored = ERR_NONE;
    uint64_t number;

    s->last_tli = s->tli;
    if (s->tli < 2 || s->refused.code != ERR_OK || !server_last_full(s, &number))
        return;
    if (replproto_timeline_history(c, (uint32_t) s->tli, &text, &ignored) != ERR_OK ||
        timeline_parse((uint32_t) s->tli, buf_cstr(&text), &path, &ignored) != ERR_OK)
        return;
    s->last_tli = timeline_of_segment(&path, number, (uint32_t) s->segment_bytes);
    timeline_clear(&path);
}

static enum err_code ask_sql(struct replproto *c, struct server_facts *s, struct err *e)
{
    if (ask_row(c, s, e) != ERR_OK || ask_waiting(c, &s->archiver, e) != ERR_OK)
        return e->code;
    find_last_tli(c, s);
    return ERR_OK;
}

static enum err_code ask_identity(struct replproto *c, struct server_facts *s, struct err *e)
{
    struct replproto_server who;

    if (replproto_identify(c, &who, e) != ERR_OK)
        return e->code;
    s->system_identifier = who.system_identifier;
    s->version = (uint64_t) who.version;
    s->tli = who.tli;
    s->segment_bytes = who.segment_bytes;
    s->is_standby = who.knows_standby && who.is_standby;
    s->has_checksums = who.has_checksums;
    return ERR_OK;
}

/* Through the front door: no replication involved. */
static enum err_code ask_as_client(const char *conninfo, struct server_facts *s, struct err *e)
{
    CLEANUP(replproto_closep) struct replproto *c = NULL;

    return replproto_connect_sql(conninfo, NULL, &c, e) == ERR_OK ? ask_sql(c, s, e) : e->code;
}

enum err_code server_facts_read(const char *conninfo, struct server_facts *out, struct err *e)
{
    CLEANUP(replproto_closep) struct replproto *c = NULL;
    struct server_facts s = {.refused = ERR_NONE, .no_sql = ERR_NONE};
    struct err second = ERR_NONE;

    if (replproto_connect(conninfo, &c, &s.refused) == ERR_OK) {
        if (ask_identity(c, &s, e) != ERR_OK)
            return e->code;
        if (replproto_has_sql(c))
            (void) ask_sql(c, &s, &s.no_sql);
        else
            (void) ask_as_client(conninfo, &s, &s.no_sql);
    } else if (s.refused.code == ERR_USAGE || ask_as_client(conninfo, &s, &second) != ERR_OK) {
        *e = s.refused;
        return e->code;
    }
    *out = s;
    return ERR_OK;
}

/* ---- judging ---- */

bool server_last_full(const struct server_facts *s, uint64_t *number)
{
    uint64_t current;

    if (s->no_sql.code != ERR_OK || s->is_standby || s->current == 0)
        return false;
    current = walseg_number(s->current, (uint32_t) s->segment_bytes);
    if (current < 2) /* a cluster's first segment is number 1 */
        return false;
    *number = current - 1;
    return true;
}

void server_judge_identity(const struct server_facts *s, struct findings *f)
{
    char line[LINE_TEXT_MAX];
    uint64_t major = s->version / 10000;

    line_format(s->system_identifier, line);
    if (major < SERVER_MIN_MAJOR) {
        finding_failed(f, ERR_REFUSED, SERVER, "PostgreSQL %" PRIu64 " is not supported, %d is the oldest",
                       major, SERVER_MIN_MAJOR);
        return;
    }
    finding_ok(f, SERVER,
               "PostgreSQL %" PRIu64 ".%" PRIu64 ", %s, system identifier %" PRIu64
               " (line %s), timeline %" PRIu64,
               major, s->version % 10000, s->is_standby ? "a standby" : "a primary", s->system_identifier,
               line, s->tli);
    if (major > SERVER_MAX_MAJOR)
        finding_warning(f, SERVER, "PostgreSQL %" PRIu64 " is newer than what this pitr was tried with (%d)",
                        major, SERVER_MAX_MAJOR);
    if (s->no_sql.code != ERR_OK) {
        finding_warning(f, SERVER, "settings and archiver could not be looked at: %s", s->no_sql.text);
        finding_hint(
            f,
            "Give the role a line in pg_hba.conf for the database in conninfo (postgres if none is named).");
    }
}

static bool is_active(const struct server_facts *s)
{
    return strcmp(s->archive_mode, "always") == 0 || strcmp(s->archive_mode, "on") == 0;
}

/* Commands that say yes and do nothing: the docs' own trick to switch archiving off. */
static bool is_no_op(const char *command)
{
    static const char *const no_ops[] = {"true", "/bin/true", "/usr/bin/true", ":", "exit 0",
                                         "exit", "echo",      "cd .",          ""};
    const char *begin = command + strspn(command, " \t");
    size_t len = strlen(begin);

    while (len > 0 && strchr(" \t;", begin[len - 1]) != NULL)
        len--;
    for (size_t i = 0; i < sizeof(no_ops) / sizeof(no_ops[0]); i++)
        if (strlen(no_ops[i]) == len && strncmp(begin, no_ops[i], len) == 0)
            return true;
    return false;
}

static void judge_wal_level(const struct server_facts *s, struct findings *f)
{
    if (strcmp(s->wal_level, "minimal") == 0) {
        finding_failed(f, ERR_USAGE, ARCHIVE, "wal_level is minimal: its WAL can't restore anything");
        finding_hint(f, "Set wal_level = replica and restart the server.");
    } else {
        finding_ok(f, ARCHIVE, "wal_level is %s", s->wal_level);
    }
}

static void judge_mode(const struct server_facts *s, struct findings *f)
{
    if (!is_active(s)) {
        finding_failed(f, ERR_USAGE, ARCHIVE, "archive_mode is %s: nothing is archived", s->archive_mode);
        finding_hint(f, "Set archive_mode = on and restart the server.");
    } else if (s->is_standby && strcmp(s->archive_mode, "on") == 0) {
        finding_warning(
            f, ARCHIVE,
            "archive_mode is on, and this is a standby: it archives nothing until it is promoted");
        finding_hint(
            f, "That is right when the primary archives; archive_mode = always makes a standby archive too.");
    } else {
        finding_ok(f, ARCHIVE, "archive_mode is %s", s->archive_mode);
    }
}

static void judge_command(const struct server_facts *s, struct findings *f)
{
    const char *hint =
        "Set archive_command = 'pitr archive %p', with --config FILE if need be, and reload the server.";

    if (s->archive_library[0] != '\0') {
        finding_failed(f, ERR_USAGE, ARCHIVE, "archive_library is \"%s\", so archive_command is not used",
                       s->archive_library);
        finding_hint(f, "Set archive_library = '' and reload the server.");
    } else if (s->archive_command[0] == '\0') {
        finding_failed(f, ERR_USAGE, ARCHIVE, "archive_command is empty: WAL piles up on the server");
        finding_hint(f, "%s", hint);
    } else if (is_no_op(s->archive_command)) {
        finding_failed(f, ERR_USAGE, ARCHIVE,
                       "archive_command does nothing and reports success: all WAL is thrown away");
        finding_hint(f, "%s", hint);
    } else if (strstr(s->archive_command, "pitr") == NULL || strstr(s->archive_command, "archive") == NULL) {
        finding_warning(f, ARCHIVE, "archive_command does not name \"pitr archive\"");
        finding_hint(f, "This is fine if it is a script that calls it; otherwise set archive_command = 'pitr "
                        "archive %%p'.");
    } else if (strstr(s->archive_command, "%p") == NULL) {
        finding_failed(f, ERR_USAGE, ARCHIVE, "archive_command does not hand over the file: it has no %%p");
        finding_hint(f, "%s", hint);
    } else {
        finding_ok(f, ARCHIVE, "archive_command is this program's");
    }
}

/* "3 min", for people. */
static void format_age(int64_t us, char *out, size_t size)
{
    static const struct {
        int64_t seconds;
        const char *unit;
    } units[] = {{86400, "days"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    int64_t seconds = us > 0 ? us / 1000000 : 0;
    size_t i = 0;

    while (i < 3 && seconds < 2 * units[i].seconds)
        i++;
    (void) snprintf(out, size, "%" PRId64 " %s", seconds / units[i].seconds, units[i].unit);
}

static void judge_archiver(const struct server_facts *s, struct findings *f)
{
    const struct server_archiver *a = &s->archiver;
    char since[32], waiting[64] = "";

    if (a->knows_waiting)
        (void) snprintf(waiting, sizeof(waiting), ", %" PRIu64 " file%s waiting", a->waiting,
                        a->waiting == 1 ? "" : "s");
    if (a->failed_us > a->archived_us) {
        format_age(s->now_us - a->failed_us, since, sizeof(since));
        finding_failed(f, ERR_UNREACHABLE, ARCHIVE,
                       "archiving fails: \"%s\", last tried %s ago; %" PRIu64
                       " failures so far, last success \"%s\"%s",
                       a->last_failed, since, a->failed,
                       a->last_archived[0] != '\0' ? a->last_archived : "none", waiting);
        finding_hint(f, "The server's log has what archive_command said.");
    } else if (a->archived_us == 0) {
        finding_warning(f, ARCHIVE, "nothing was archived yet%s", waiting);
        finding_hint(f, "A segment is archived when it is full, or after archive_timeout; \"SELECT "
                        "pg_switch_wal()\" ends "
                        "one at once.");
    } else {
        format_age(s->now_us - a->archived_us, since, sizeof(since));
        finding_ok(f, ARCHIVE, "last archived \"%s\" %s ago, %" PRIu64 " failures before%s", a->last_archived,
                   since, a->failed, waiting);
    }
}

static void judge_pages(const struct server_facts *s, struct findings *f)
{
    if (s->no_sql.code == ERR_OK && !s->full_page_writes) {
        finding_warning(f, SERVER,
                        "full_page_writes is off: a standby can't be backed up, and a crash may tear pages");
        finding_hint(f, "Set full_page_writes = on and reload the server.");
    }
    if (s->has_checksums) {
        finding_ok(f, SERVER, "data checksums are on");
    } else {
        finding_warning(f, SERVER,
                        "data checksums are off: a backup can't tell a damaged page from a good one");
        finding_hint(f, "pg_checksums --enable switches them on while the server is stopped.");
    }
}

void server_judge_archiving(const struct server_facts *s, struct findings *f)
{
    if (s->no_sql.code == ERR_OK) {
        judge_wal_level(s, f);
        judge_mode(s, f);
        if (is_active(s))
            judge_command(s, f);
        if (is_active(s) && (!s->is_standby || strcmp(s->archive_mode, "always") == 0))
            judge_archiver(s, f);
    }
    judge_pages(s, f);
}

static void judge_room(const struct server_facts *s, struct findings *f)
{
    if (s->wal_senders >= s->max_wal_senders) {
        finding_failed(f, ERR_USAGE, BACKUP,
                       "no room for a backup: %" PRIu64 " of max_wal_senders = %" PRIu64 " in use",
                       s->wal_senders, s->max_wal_senders);
        finding_hint(f, "Raise max_wal_senders and restart the server.");
    } else {
        finding_ok(f, BACKUP, "%" PRIu64 " of %" PRIu64 " WAL senders are free",
                   s->max_wal_senders - s->wal_senders, s->max_wal_senders);
    }
}

void server_judge_backup(const struct server_facts *s, struct findings *f)
{
    if (s->no_sql.code == ERR_OK && !s->may_replicate) {
        finding_failed(f, ERR_DENIED, BACKUP, "the role in conninfo lacks REPLICATION");
        finding_hint(f, "ALTER ROLE … REPLICATION, as a superuser.");
    } else if (s->refused.code != ERR_OK) {
        finding_error(f, BACKUP, &s->refused);
    } else {
        finding_ok(f, BACKUP, "the role may take base backups");
    }
    if (s->no_sql.code == ERR_OK)
        judge_room(s, f);
}
