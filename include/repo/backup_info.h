/*
 * repo/backup_info.h - what is known of a backup as a whole: its backup.json, which makes it exist. Clear, written
 * last, once.
 *
 * The text is repo/backup_json.h's affair, all backups of a line are repo/backup_list.h's.
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

struct backup_catalog_counts { /* of the databases and relations in the backup's catalog */
    uint64_t databases;
    uint64_t unread; /* databases that were not read to their end */
    uint64_t relations;
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
    char *preload_libraries; /* shared_preload_libraries of the server; NULL = it did not say */
    bool has_catalog; /* a catalog was stored */
    struct backup_catalog_counts catalog;
    struct backup_tablespace *tablespaces;
    size_t tablespace_count;
    struct backup_source *sources;
    size_t source_count;
    char *origin;
};

void backup_info_clear(struct backup_info *b);

/* ERR_ABSENT: no such backup, or not finished. ERR_CORRUPT also when it is the summary of another backup or line. */
enum err_code backup_info_read(struct repo *r, const struct layout *l, const char *id, struct backup_info *b,
                               struct err *e);

/*
 * The two halves of it, for who must tell a store that fails from a text that can't be believed. text: initialised
 * here.
 */
enum err_code backup_info_get(struct repo *r, const struct layout *l, const char *id, struct buf *text,
                              struct err *e);
enum err_code backup_info_take(struct buf *text, const struct layout *l, const char *id, struct backup_info *b,
                               struct err *e);

/* The commit point: afterwards the backup exists. ERR_CONFLICT when another summary is there; our own, after an answer
 * lost on the way, is ERR_OK. */
enum err_code backup_info_write(struct repo *r, const struct layout *l, const struct backup_info *b, struct err *e);
