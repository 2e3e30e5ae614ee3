/*
 * ops/backup_stream.h - what the server sends of a base backup, into the store: files, tablespaces, the manifest; and
 * the two small files that tell what kind of backup it is.
 *
 * Use       begin, take, finish; only then is it the server's word that it was a backup.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "ops/backup_store.h"
#include "ops/progress.h"
#include "pg/basebackup.h"
#include "pg/manifest.h"
#include "repo/backup_info.h"
#include <stdbool.h>
#include <stdint.h>

/* A small file of the stream that is read as well as stored. */
struct backup_caught {
    const char *path;
    struct buf bytes;
};

struct backup_stream {
    struct basebackup *stream;  /* owned, as all below but for info and store */
    struct backup_info *info;   /* borrowed; start and end, timeline and tablespaces are filled in */
    struct backup_store *store; /* borrowed from take on */
    struct progress progress;
    bool in_file;        /* the member being read is a file */
    uint32_t tablespace; /* oid of the archive being read, 0 = the data directory */
    struct backup_caught label, control;
    struct backup_caught *catching;
    struct manifest manifest; /* known from take on */
};

void backup_stream_init(struct backup_stream *s, struct backup_info *info);
void backup_stream_clear(struct backup_stream *s);

/* Start the backup on the server, waiting for its checkpoint. */
enum err_code backup_stream_begin(struct backup_stream *s, struct replproto *conn,
                                  const struct basebackup_options *o, struct err *e);

/*
 * Everything into the store, held against the manifest, which proves what arrived and is stored as the file it would
 * be, so that pg_verifybackup finds it.
 */
enum err_code backup_stream_take(struct backup_stream *s, struct backup_store *store, struct err *e);

/* The server's last word. */
enum err_code backup_stream_finish(struct backup_stream *s, struct err *e);
