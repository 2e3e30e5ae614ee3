/*
 * repo/backup_index.h - the index of a backup: every file, every chunk, where each chunk lies.
 *
 * Text of the form of repo/record_text.h, stored as a sealed object of kind "index".
 *   pitr-index 1 <backup ID>
 *   S  n  <backup ID>                       source n of chunks, counted from 0, before its first use; 0 is this backup
 *   T  oid  path                            tablespace and where it lay
 *   D  mode  path                           directory (octal mode)
 *   L  path  target                         symbolic link
 *   F  mode  size  mtime  path              file; its chunks follow, in order
 *   C  length  sha256  source  pack  frame  offset  stored     chunk: plain bytes, hash, place (offset and whole stored
 *                                           length of its frame in the pack object)
 *   Z  length                               a stretch of zero bytes, not stored
 *   X  crc32c                               end of the file: CRC-32C of its content, 8 hex digits
 *   E  files  chunks  bytes                 end; a text without it is cut
 * Paths are relative to the data directory; files of a tablespace are pg_tblspc/<oid>/…, as in PostgreSQL's manifest.
 * A time before 1970 begins with "-".
 */
#pragma once
#include "base/err.h"
#include "codec/sha256.h"
#include "repo/layout.h"
#include "stream/sink.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct index_chunk {
    uint32_t length;  /* plain bytes */
    uint8_t sha256[SHA256_BYTES];
    uint32_t source;  /* which backup's packs */
    uint32_t pack;
    uint32_t frame;
    uint64_t offset;  /* of the frame in the pack object */
    uint32_t stored;  /* whole length of the frame       */
};

enum index_type {
    INDEX_SOURCE, INDEX_TABLESPACE, INDEX_DIRECTORY, INDEX_LINK, INDEX_FILE, INDEX_CHUNK, INDEX_ZEROS, INDEX_FILE_END,
    INDEX_END
};

/* One record; only the members its type has are set. Strings are decoded, NUL-terminated and borrowed for the call. */
struct index_record {
    enum index_type type;
    const char *path;   /* T, D, L, F                                        */
    const char *target; /* L                                                 */
    const char *id;     /* S                                                 */
    uint32_t number;    /* S: n, T: oid                                      */
    mode_t mode;        /* D, F                                              */
    uint64_t size;      /* F: bytes, Z: length, E: bytes                     */
    int64_t mtime;      /* F, seconds since 1970                             */
    struct index_chunk chunk;
    uint32_t crc32c;    /* X                                                 */
    uint64_t files;     /* E                                                 */
    uint64_t chunks;    /* E                                                 */
};

/* Append one record's line, or the first line, to a sink. */
enum err_code index_write_begin(struct sink *to, const char *backup_id, struct err *e);
enum err_code index_write(struct sink *to, const struct index_record *record, struct err *e);

/*
 * A sink that reads index text and hands out records. It is strict: order (between F and X only C and Z, and these only
 * there; sizes add up to the file's; nothing behind E), numbers, paths (relative, no "..", no empty component), known
 * sources, sorts of record.
 * ERR_CORRUPT with the line's number. visit's failure ends it. backup_id: what the first line must say, NULL = any.
 */
typedef enum err_code index_visit(const struct index_record *record, void *arg, struct err *e);
enum err_code index_read_sink_new(const char *backup_id, index_visit *visit, void *arg, struct sink **out,
                                  struct err *e);
