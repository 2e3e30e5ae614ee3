/*
 * ops/setup_server.h - what a server says about itself, and whether it can be archived and backed up like that.
 *
 * Asking and judging are apart: the judging is PURE, and tried by table.
 */
#pragma once
#include "base/err.h"
#include "ops/findings.h"
#include "pg/lsn.h"
#include "pg/walseg.h"
#include <stdbool.h>
#include <stdint.h>

#define SERVER_MIN_MAJOR 13
#define SERVER_MAX_MAJOR 18 /* the newest this was tried with */

/* pg_stat_archiver and pg_wal/archive_status. */
struct server_archiver {
    uint64_t archived;
    uint64_t failed;
    char last_archived[WALFILE_NAME_MAX]; /* "" = none yet */
    char last_failed[WALFILE_NAME_MAX];
    int64_t archived_us; /* 0 = never */
    int64_t failed_us;
    bool knows_waiting; /* the role may look */
    uint64_t waiting;   /* files ready to be archived */
};

struct server_facts {
    uint64_t system_identifier;
    uint64_t version; /* 150018 */
    uint64_t tli;
    uint64_t segment_bytes;
    bool is_standby;
    bool has_checksums;
    struct err refused; /* why it takes no replication client of this role; code ERR_OK when it does */
    struct err no_sql;  /* why it takes no SQL; code ERR_OK when it does, and only then the rest is known */
    char wal_level[16];
    char archive_mode[16];
    char archive_command[2048]; /* cut when longer; never shown, it may hold secrets */
    char archive_library[128];
    bool full_page_writes;
    uint64_t max_wal_senders;
    uint64_t wal_senders; /* in use by others */
    bool may_replicate;   /* REPLICATION or superuser */
    lsn current;          /* end of WAL; 0 on a standby */
    uint64_t last_tli;    /* the timeline that the last full segment lies on */
    int64_t now_us;
    struct server_archiver archiver;
};

/*
 * Ask the server. A role that may not replicate, or a way in that takes no SQL, is told in the facts.
 * Fails as replproto_connect does when there is no way in at all.
 */
enum err_code server_facts_read(const char *conninfo, struct server_facts *out, struct err *e);

/* The number of the last segment that is full; false when there is none, or it is not known. */
bool server_last_full(const struct server_facts *s, uint64_t *number);

/* Version, system identifier, role in replication. PURE, as the next two. */
void server_judge_identity(const struct server_facts *s, struct findings *f);
/* wal_level, archive_mode, archive_command, the archiver's book, full_page_writes, checksums. */
void server_judge_archiving(const struct server_facts *s, struct findings *f);
/* May this role take a base backup, and is there room for it? */
void server_judge_backup(const struct server_facts *s, struct findings *f);
