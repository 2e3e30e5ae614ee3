/*
 * pg/control.h - global/pg_control: the cluster's identity and the settings a restored server must match.
 *
 * Little-endian, by PG_CONTROL_VERSION (1300: PostgreSQL 13 to 16, 1700, 1800); CRC-32C over all fields before it.
 * Source    PostgreSQL src/include/catalog/pg_control.h.
 */
#pragma once
#include "base/err.h"
#include "pg/lsn.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONTROL_FILE_BYTES 8192

struct control {
    uint64_t system_identifier;
    uint32_t control_version;
    uint32_t catalog_version;
    unsigned major;              /* by the two versions; 0 when the catalog version is not a release's */
    uint32_t state;              /* DBState */
    lsn checkpoint;              /* last checkpoint record */
    lsn redo;                    /* its redo point         */
    uint32_t tli;                /* its timeline           */
    int wal_level;
    int max_connections;
    int max_worker_processes;
    int max_wal_senders;
    int max_prepared_xacts;
    int max_locks_per_xact;
    uint32_t block_bytes;
    uint32_t wal_page_bytes;
    uint32_t segment_bytes;
    uint32_t data_checksum_version; /* 0 = off */
};

/*
 * Read the bytes of pg_control. ERR_CORRUPT: too short, unknown version (shown), CRC, block or segment sizes that can't
 * be.
 */
enum err_code control_parse(const uint8_t *bytes, size_t len, struct control *out, struct err *e);

/*
 * Read <pgdata>/global/pg_control; again, for up to 0.1 s, when a running server was just writing it. ERR_IO: no file.
 */
enum err_code control_read(const char *pgdata, struct control *out, struct err *e);
