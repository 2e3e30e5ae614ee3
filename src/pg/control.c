/*
 * pg/control.c - see pg/control.h. Offsets in bytes of the fields read, the same for 1300, 1700 and 1800:
 *
 *     0 u64 system identifier        8 u32 control version       12 u32 catalog version    16 u32 state
 *    32 u64 checkpoint              40 u64 redo                  48 u32 timeline (copy of the checkpoint record)
 *   172 i32 wal_level              180 i32 max_connections      184 i32 max_worker_processes
 *   188 i32 max_wal_senders        192 i32 max_prepared_transactions
 *   196 i32 max_locks_per_transaction
 *   216 u32 block size             224 u32 WAL page size        228 u32 WAL segment size
 *   252 u32 data checksum version  288 u32 CRC (292 in 1800, which puts a flag behind the checksum version)
 *
 * Zeros follow to the end of the file. PostgreSQL writes the file in place: read while the server runs, it
 * may be torn, which the CRC shows; control_read then reads again, as PostgreSQL's own programs do.
 */
#include "pg/control.h"

#include "base/buf.h"
#include "base/clock.h"
#include "codec/crc32c.h"
#include "codec/le.h"
#include "pg/walseg.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define VERSION_AT     8
#define VERSION_END    12
#define TORN_TRIES     10
#define TORN_WAIT_US   10000
#define BLOCK_MIN      1024
#define BLOCK_MAX      65536
#define PATH_MAX_BYTES 4096

/* Where the CRC lies, by control version. */
static const struct {
    uint32_t version;
    size_t crc_at;
} layouts[] = {{1300, 288}, {1700, 288}, {1800, 292}};

/* The catalog version that a major release keeps for life. */
static const struct {
    uint32_t control_version;
    uint32_t catalog_version;
    unsigned major;
} releases[] = {
    {1300, 202007201, 13}, {1300, 202107181, 14}, {1300, 202209061, 15},
    {1300, 202307071, 16}, {1700, 202406281, 17}, {1800, 202506291, 18},
};

/* 0 when the version is unknown. */
static size_t crc_place(uint32_t version)
{
    for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
        if (layouts[i].version == version)
            return layouts[i].crc_at;
    return 0;
}

static unsigned major_of(uint32_t control_version, uint32_t catalog_version)
{
    for (size_t i = 0; i < sizeof(releases) / sizeof(releases[0]); i++)
        if (releases[i].control_version == control_version && releases[i].catalog_version == catalog_version)
            return releases[i].major;
    return 0;
}

static struct control fields_read(const uint8_t *bytes)
{
    struct control c = {.system_identifier = le64_get(bytes),
                        .control_version = le32_get(bytes + VERSION_AT),
                        .catalog_version = le32_get(bytes + 12),
                        .state = le32_get(bytes + 16),
                        .checkpoint = le64_get(bytes + 32),
                        .redo = le64_get(bytes + 40),
                        .tli = le32_get(bytes + 48),
                        .wal_level = (int) le32_get(bytes + 172),
                        .max_connections = (int) le32_get(bytes + 180),
                        .max_worker_processes = (int) le32_get(bytes + 184),
                        .max_wal_senders = (int) le32_get(bytes + 188),
                        .max_prepared_xacts = (int) le32_get(bytes + 192),
                        .max_locks_per_xact = (int) le32_get(bytes + 196),
                        .block_bytes = le32_get(bytes + 216),
                        .wal_page_bytes = le32_get(bytes + 224),
                        .segment_bytes = le32_get(bytes + 228),
                        .data_checksum_version = le32_get(bytes + 252)};

    c.major = major_of(c.control_version, c.catalog_version);
    return c;
}

static bool block_size_is_valid(uint32_t bytes)
{
    return bytes >= BLOCK_MIN && bytes <= BLOCK_MAX && (bytes & (bytes - 1)) == 0;
}

enum err_code control_parse(const uint8_t *bytes, size_t len, struct control *out, struct err *e)
{
    struct control c;
    uint32_t version;
    size_t crc_at;

    if (len < VERSION_END)
        return err_set(e, ERR_CORRUPT, "control file ends after %zu bytes", len);
    version = le32_get(bytes + VERSION_AT);
    crc_at = crc_place(version);
    if (crc_at == 0) {
        (void) err_set(e, ERR_CORRUPT, "control file has version %" PRIu32 ", which is not known", version);
        return err_hint(e, "The versions known are those of PostgreSQL 13 to 18 on little-endian machines.");
    }
    if (len < crc_at + sizeof(uint32_t))
        return err_set(e, ERR_CORRUPT, "control file ends after %zu bytes", len);
    if (crc32c(0, bytes, crc_at) != le32_get(bytes + crc_at))
        return err_set(e, ERR_CORRUPT, "control file has an incorrect checksum");
    c = fields_read(bytes);
    if (!walseg_size_is_valid(c.segment_bytes) || !block_size_is_valid(c.block_bytes) ||
        !block_size_is_valid(c.wal_page_bytes))
        return err_set(e, ERR_CORRUPT,
                       "control file tells impossible sizes: blocks of %" PRIu32 ", WAL pages of %" PRIu32
                       " and WAL segments of %" PRIu32 " bytes",
                       c.block_bytes, c.wal_page_bytes, c.segment_bytes);
    *out = c;
    return ERR_OK;
}

/* Is what was read now the same as what was read before? Then it is damaged, not torn. */
static bool is_same(const struct buf *now, const struct buf *before)
{
    return now->len == before->len && (now->len == 0 || memcmp(now->data, before->data, now->len) == 0);
}

enum err_code control_read(const char *pgdata, struct control *out, struct err *e)
{
    CLEANUP(buf_clear) struct buf now = BUF_INIT(CONTROL_FILE_BYTES);
    CLEANUP(buf_clear) struct buf before = BUF_INIT(CONTROL_FILE_BYTES);
    char path[PATH_MAX_BYTES];

    if (snprintf(path, sizeof(path), "%s/global/pg_control", pgdata) >= (int) sizeof(path))
        return err_set(e, ERR_USAGE, "data directory name \"%.100s…\" is too long", pgdata);
    for (int tries = 1;; tries++) {
        struct err failure = ERR_NONE;
        struct buf swap;

        buf_reset(&now);
        if (buf_read_file(&now, path, e) != ERR_OK)
            return e->code;
        if (control_parse(now.data, now.len, out, &failure) == ERR_OK)
            return ERR_OK;
        if (tries == TORN_TRIES || is_same(&now, &before)) {
            *e = failure;
            return err_while(e, "reading \"%s\"", path);
        }
        swap = before;
        before = now;
        now = swap;
        clock_sleep_us(&clock_system, TORN_WAIT_US);
    }
}
