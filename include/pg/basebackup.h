/*
 * pg/basebackup.h - BASE_BACKUP: a physical copy of a running cluster, as the replication protocol streams it.
 *
 * The order of calls is the order of the stream:
 *   basebackup_begin                       start LSN, timeline, tablespaces
 *   basebackup_next_archive, basebackup_pull … until there is no more: a tar archive a tablespace, PGDATA's last
 *   basebackup_manifest                    the server's account of what it sent
 *   basebackup_finish                      stop LSN; only now is it a backup: the server may fail after the last byte
 * Tablespace links come as symbolic links in the data directory's archive (there is no tablespace_map); no WAL is in
 * it, and the server does not wait for archiving: whoever calls this proves the WAL from start to stop LSN.
 * Servers 13 and 14 take another command (basebackup_command.h) and frame the data otherwise (basebackup_data.h), and
 * without the tar's end mark; callers see no difference.
 * Source    PostgreSQL manual, "Streaming Replication Protocol"; src/backend/backup/basebackup*.c.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "codec/tar_read.h"
#include "pg/basebackup_command.h"
#include "pg/lsn.h"
#include "pg/replproto.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct basebackup_tablespace {
    uint32_t oid; /* 0: the data directory    */
    char *path;   /* NULL: the data directory */
    uint64_t estimate_kb;
};

struct basebackup_start {
    lsn position;
    uint32_t tli;
    struct basebackup_tablespace *tablespaces; /* the data directory last */
    size_t tablespace_count;
};

struct basebackup_end {
    lsn position;
    uint32_t tli;
};

struct basebackup;

/*
 * Start a backup and wait for its checkpoint. The connection is borrowed, and busy until basebackup_finish succeeds;
 * after a failure, or when the backup is given up, it can only be closed.
 * Fails as replproto_error says, or ERR_CORRUPT when the answer is not of the protocol.
 */
enum err_code basebackup_begin(struct replproto *c, const struct basebackup_options *o,
                               struct basebackup **out, struct err *e);
/* Give back the memory; the connection stays the caller's. basebackup_freep is for CLEANUP. */
void basebackup_free(struct basebackup *bb);
void basebackup_freep(struct basebackup **bb);

/* Borrowed for the life of bb. */
const struct basebackup_start *basebackup_start(const struct basebackup *bb);

/*
 * The next archive; *more false: there is none. The archive before must have been read to its end. Borrowed from bb.
 * ERR_CORRUPT also when the server leaves a tablespace out or sends one twice.
 */
enum err_code basebackup_next_archive(struct basebackup *bb, const struct basebackup_tablespace **archive,
                                      bool *more, struct err *e);

/* The bytes of the archive that basebackup_next_archive told of; arg is the struct basebackup. A tar_pull. */
tar_pull basebackup_pull;

/* Append the manifest to out (its ceiling: ERR_CORRUPT). After the last archive. */
enum err_code basebackup_manifest(struct basebackup *bb, struct buf *out, struct err *e);

/*
 * The end. ERR_OK is the server's word that the backup is whole; without it there is none. ERR_CORRUPT when it found
 * page checksums that don't match (each was a WARNING to replproto_on_notice).
 */
enum err_code basebackup_finish(struct basebackup *bb, struct basebackup_end *out, struct err *e);
