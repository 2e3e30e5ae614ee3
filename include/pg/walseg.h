/*
 * pg/walseg.h - names of files in pg_wal, and segment arithmetic.
 *
 * Names     segment         TTTTTTTTLLLLLLLLSSSSSSSS           timeline, log, segment within the log, 8 hex each
 *           partial         segment ".partial"
 *           backup history  segment "." OOOOOOOO ".backup"      offset of the backup's start LSN in the segment
 *           history         TTTTTTTT ".history"
 * A segment number counts segments from the start of WAL; a log holds 0x100000000 / segment size of them.
 * Hex digits are upper case; lower case is refused, as PostgreSQL does, and so is timeline 0.
 * Segment size: a power of two, 1 MiB to 1 GiB.
 * Source    PostgreSQL src/include/access/xlog_internal.h.
 */
#pragma once
#include "base/err.h"
#include "pg/lsn.h"
#include <stdbool.h>
#include <stdint.h>

#define WALSEG_NAME_LEN  24
#define WALFILE_NAME_MAX 64 /* any name PostgreSQL may pass, with its NUL */
#define WALSEG_MIN_BYTES (1u << 20)
#define WALSEG_MAX_BYTES (1u << 30)

enum walfile_kind { WALFILE_SEGMENT, WALFILE_PARTIAL, WALFILE_BACKUP_HISTORY, WALFILE_HISTORY };

struct walfile {
    enum walfile_kind kind;
    uint32_t tli;
    uint32_t log;    /* 0 for a history file */
    uint32_t seg;    /* 0 for a history file */
    uint32_t offset; /* of a backup history file only */
};

/* A file's name as PostgreSQL passes it in %f. ERR_USAGE with the name when it is none of the four kinds. */
enum err_code walfile_parse(const char *name, struct walfile *out, struct err *e);
void walfile_format(const struct walfile *f, char out[WALFILE_NAME_MAX]);

bool walseg_size_is_valid(uint64_t segment_bytes);
/* Segment number of a position, of a name's (log, seg), and back. segment_bytes must be valid. */
uint64_t walseg_number(lsn position, uint32_t segment_bytes);
/* f is no history file. ERR_CORRUPT when seg is too large for this segment size. */
enum err_code walseg_of_file(const struct walfile *f, uint32_t segment_bytes, uint64_t *number, struct err *e);
struct walfile walseg_file(uint32_t tli, uint64_t number, uint32_t segment_bytes);
lsn walseg_start(uint64_t number, uint32_t segment_bytes);
/* The segment's 24 characters and a NUL. */
void walseg_name(uint32_t tli, uint64_t number, uint32_t segment_bytes, char out[WALFILE_NAME_MAX]);
