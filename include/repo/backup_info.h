/*
 * repo/backup_info.h - backup.json: the summary that makes a backup exist. Clear JSON, written last, once.
 *
 * {"format": 1, "id", "label", "timeline", "start_lsn", "stop_lsn", "start_time", "stop_time", "system_identifier",
 *  "postgresql" (server version number), "segment_bytes", "from_standby", "checksums", "data_bytes", "stored_bytes",
 *  "files", "chunks", "new_chunks", "packs", "index_sha256" (plain), "settings" {max_connections …},
 *  "tablespaces" [{oid, path, bytes}], "sources" [{id, packs}], "origin"}
 * LSNs in PostgreSQL's text form, times as "2026-11-20 14:29:00.123456+00", system identifier as 16 hex digits.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "codec/sha256.h"
#include "pg/lsn.h"
#include "repo/layout.h"
#include "repo/repo.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct backup_tablespace {
    uint32_t oid;
    char *path; /* where it lay on the source */
    uint64_t bytes;
};

struct backup_source {
    char id[BACKUP_ID_MAX]; /* an earlier backup whose packs this one uses */
    uint64_t packs;         /* how many of them */
};

struct backup_settings { /* of pg_control at the time: what a restored server must have at least */
    int max_connections;
    int max_worker_processes;
    int max_wal_senders;
    int max_prepared_xacts;
    int max_locks_per_xact;
};

struct backup_info {
    char id[BACKUP_ID_MAX];
    char *label;
    uint32_t timeline;
    lsn start_lsn;
    lsn stop_lsn;
    int64_t start_us;
    int64_t stop_us; /* not before the stop LSN was written, by the server's clock */
    uint64_t system_identifier;
    uint32_t server_version; /* 150018 */
    uint32_t segment_bytes;
    bool from_standby;
    bool checksums;
    uint64_t data_bytes;   /* plain, all files */
    uint64_t stored_bytes; /* of the packs this backup added */
    uint64_t files;
    uint64_t chunks;
    uint64_t new_chunks;
    uint32_t packs;
    uint8_t index_sha256[SHA256_BYTES];
    struct backup_settings settings;
    struct backup_tablespace *tablespaces;
    size_t tablespace_count;
    struct backup_source *sources;
    size_t source_count;
    char *origin;
};

void backup_info_clear(struct backup_info *b);
enum err_code backup_info_format(const struct backup_info *b, struct buf *out, struct err *e);
enum err_code backup_info_parse(const char *text, size_t len, struct backup_info *b, struct err *e);

/* ERR_ABSENT: no such backup, or not finished. ERR_CORRUPT also when it is the summary of another backup or line. */
enum err_code backup_info_read(struct repo *r, const struct layout *l, const char *id, struct backup_info *b,
                               struct err *e);
/* The commit point: afterwards the backup exists. ERR_CONFLICT when another summary is there; our own, after an answer
 * lost on the way, is ERR_OK. */
enum err_code backup_info_write(struct repo *r, const struct layout *l, const struct backup_info *b, struct err *e);

/* A backup.json that is there and can't be believed: damaged, another backup's, or of a newer format. */
struct backup_damage {
    char id[BACKUP_ID_MAX];
    char why[ERR_TEXT_MAX];
};

/*
 * A damaged summary does not hide the other backups: a restore from another one must remain possible. Who shows the
 * list shows the damaged ones too; who would delete must delete nothing while there is one, since it does not say any
 * more which packs of earlier backups it needs.
 */
struct backup_list {
    struct backup_info *list; /* ascending by id: by start time; owned */
    size_t count;
    struct backup_damage *damaged; /* ascending by id; owned */
    size_t damaged_count;
};

/*
 * All backups of a line: one delimited listing and one GET each. A directory without backup.json is an unfinished or
 * dead attempt and is left out; *unfinished (NULL allowed) counts them. A summary that can't be had (unreachable,
 * denied, a broken answer) fails the whole: what may be there again in a minute must not vanish from the list.
 */
enum err_code backup_list_read(struct repo *r, const struct layout *l, struct backup_list *out, size_t *unfinished,
                               struct err *e);
void backup_list_clear(struct backup_list *b);
