/*
 * pg/manifest.h - backup_manifest: what a base backup holds, by PostgreSQL's own account.
 *
 * JSON of version 1 (PostgreSQL 13 to 16) or 2 (17 and later, with the system identifier): "Files", each a "Path" or,
 * for names that are not UTF-8, an "Encoded-Path" (hex), its "Size" and mostly a checksum; "WAL-Ranges"; and as its
 * last line "Manifest-Checksum", the SHA-256 of all bytes before that line.
 * CRC-32C is written as the four bytes of the value in little-endian order: CRC 0x05024464 reads "64440205".
 * Directories, links, WAL and the manifest itself are not listed; backup_label and pg_control are.
 * Paths are relative to the data directory; a tablespace's lie below pg_tblspc/<oid>/.
 * PURE. Memory: a small record a file; the JSON is never held as a tree.
 * Source    PostgreSQL manual, "Backup Manifest Format"; src/common/parse_manifest.c.
 */
#pragma once
#include "base/err.h"
#include "pg/lsn.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum manifest_algorithm {
    MANIFEST_NONE, /* this file has no checksum */
    MANIFEST_CRC32C,
    MANIFEST_SHA224,
    MANIFEST_SHA256,
    MANIFEST_SHA384,
    MANIFEST_SHA512
};

struct manifest_file {
    char *path; /* raw bytes, NUL-terminated; owned by the manifest */
    uint64_t size;
    enum manifest_algorithm algorithm;
    uint8_t *digest; /* as many bytes as the algorithm has, in the order they are written; owned */
};

struct manifest_range {
    uint32_t tli;
    lsn start;
    lsn end;
};

struct manifest {
    unsigned version;
    uint64_t system_identifier;  /* 0 in version 1 */
    struct manifest_file *files; /* by path, in strcmp order */
    size_t file_count;
    struct manifest_range *ranges; /* as written: the newest timeline first; at least one */
    size_t range_count;
};

#define MANIFEST_EMPTY ((struct manifest){0})

/*
 * Read a manifest whole, its own checksum first.
 * Fails with ERR_CORRUPT: the checksum differs, no manifest, an unknown version, a path twice; out is untouched then.
 */
enum err_code manifest_parse(const void *bytes, size_t len, struct manifest *out, struct err *e);
/* Free it; an empty one is fine (CLEANUP(manifest_clear)). */
void manifest_clear(struct manifest *m);

/* The entry of a path; NULL when there is none. */
const struct manifest_file *manifest_find(const struct manifest *m, const char *path);
/* Is this finished CRC-32C (codec/crc32c.h) the one the entry, of algorithm MANIFEST_CRC32C, promises? */
bool manifest_has_crc32c(const struct manifest_file *file, uint32_t crc);
