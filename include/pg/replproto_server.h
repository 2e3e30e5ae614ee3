/*
 * pg/replproto_server.h - what a server says of itself: who it is, how it is set, its clock, its histories.
 *
 * Asked over a connection of replproto.h, by replication commands, and by SQL where the connection has it.
 * Source    PostgreSQL manual, "Streaming Replication Protocol": IDENTIFY_SYSTEM, SHOW, TIMELINE_HISTORY.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "pg/lsn.h"
#include "pg/replproto.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct replproto_server {
    uint64_t system_identifier;
    uint32_t tli;
    lsn flush;      /* of a standby: what it has received or replayed */
    unsigned major; /* 13 … */
    int version;    /* as libpq counts: 150004 */
    uint32_t segment_bytes;
    mode_t directory_mode; /* of the data directory: 0700 or 0750 */
    bool has_checksums;
    bool has_sql;
    bool knows_standby; /* false on 13 without SQL: backup_label tells (label.h) */
    bool is_standby;
};

/*
 * Ask the server who it is and how it is set. Fails as replproto_error says; ERR_CORRUPT when an answer is not
 * understood. *out is filled whole or left alone.
 */
enum err_code replproto_identify(struct replproto *c, struct replproto_server *out, struct err *e);

/* The server's clock, µs since 1970. ERR_REFUSED without SQL. */
enum err_code replproto_clock(struct replproto *c, int64_t *us, struct err *e);

/* Append the history file of a timeline. ERR_ABSENT when the server has none (timeline 1 never has). */
enum err_code replproto_timeline_history(struct replproto *c, uint32_t tli, struct buf *out, struct err *e);
