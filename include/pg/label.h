/*
 * pg/label.h - backup_label, and the backup history file that repeats it: where a base backup's recovery begins.
 *
 * Lines     START WAL LOCATION: 0/4000028 (file 000000010000000000000004)
 *           CHECKPOINT LOCATION: 0/4000060
 *           BACKUP METHOD: streamed
 *           BACKUP FROM: primary                     "master" up to PostgreSQL 13, "standby"
 *           START TIME: 2026-11-20 14:29:00 UTC      in the server's log_timezone: for people
 *           LABEL: text
 *           START TIMELINE: 1
 *           INCREMENTAL FROM LSN: 0/2000028          17 and later, of incremental backups only,
 *           INCREMENTAL FROM TLI: 1                  together
 *           STOP WAL LOCATION: …, STOP TIME: …, STOP TIMELINE: …   in the history file only
 * Other lines are passed over, as the server does. PURE. The file itself is kept byte for byte: the server reads it.
 * Source    PostgreSQL src/backend/access/transam/xlogbackup.c, xlogrecovery.c (read_backup_label).
 */
#pragma once
#include "base/err.h"
#include "pg/lsn.h"
#include "pg/walseg.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LABEL_FILE_MAX 8192 /* bytes of a label we are willing to read    */
#define LABEL_NAME_MAX 1025 /* the server's MAXPGPATH, with our NUL       */
#define LABEL_TIME_MAX 64

struct label {
    lsn start;
    char start_segment[WALFILE_NAME_MAX];
    lsn checkpoint;
    uint32_t start_tli;
    bool is_from_standby;
    bool is_incremental;
    lsn incremental_from; /* 0 unless is_incremental */
    uint32_t incremental_tli;
    bool has_stop; /* a backup history file       */
    lsn stop;
    uint32_t stop_tli;
    char start_time[LABEL_TIME_MAX]; /* as written */
    char stop_time[LABEL_TIME_MAX];
    char name[LABEL_NAME_MAX];
};

/*
 * Read a backup_label or a backup history file.
 * Fails with ERR_CORRUPT and the line's number or the line that is missing; out is untouched then.
 */
enum err_code label_parse(const void *bytes, size_t len, struct label *out, struct err *e);
