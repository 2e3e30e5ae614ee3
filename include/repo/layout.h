/*
 * repo/layout.h - where things lie in a repository: every object's key, in one page.
 *
 *   <cluster>/<LINE>/line.json                                    identity of one initdb
 *   <cluster>/<LINE>/wal/<TLI>.history
 *   <cluster>/<LINE>/wal/<TLI>/<LOG>/<file name>                  segment, .partial, .OFFSET.backup
 *   <cluster>/<LINE>/backup/<ID>/pack-<n>                         n: 6 decimal digits
 *   <cluster>/<LINE>/backup/<ID>/index
 *   <cluster>/<LINE>/backup/<ID>/catalog
 *   <cluster>/<LINE>/backup/<ID>/backup.json
 *   <cluster>/<LINE>/probe/<time>-<random>                        check's own, removed again
 * LINE: system identifier, 16 hex digits, lower case. TLI, LOG: 8 hex digits, upper case as in file names. ID:
 * "20261120T021500Z-1a2b", UTC start time and 4 hex digits. Byte order of keys is WAL order within a timeline, and
 * time order of backups. The repository's own prefix (in its URL) is the store's affair.
 */
#pragma once
#include "base/err.h"
#include "pg/walseg.h"
#include "storage/store.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_TEXT_MAX     17
#define BACKUP_ID_MAX     22 /* "20261120T021500Z-1a2b" and NUL */
#define CLUSTER_NAME_MAX  64 /* [a-z0-9][a-z0-9_-]*, with NUL */
#define LAYOUT_VERSION    1

/* The part of a key before everything of one cluster and line: what every function below needs. */
struct layout {
    char cluster[CLUSTER_NAME_MAX];
    char line[LINE_TEXT_MAX];
};

/* ERR_USAGE when the cluster's name is not of the allowed form. */
enum err_code layout_init(struct layout *l, const char *cluster, uint64_t system_identifier, struct err *e);
enum err_code layout_check_cluster(const char *cluster, struct err *e);
void line_format(uint64_t system_identifier, char out[LINE_TEXT_MAX]);
enum err_code line_parse(const char *text, uint64_t *system_identifier, struct err *e);
bool backup_id_is_valid(const char *id);

/* Keys; out has STORE_KEY_MAX + 1 bytes. They always fit. */
void layout_line_json(const struct layout *l, char *out);
void layout_wal_file(const struct layout *l, const struct walfile *f, char *out);
void layout_wal_dir(const struct layout *l, char *out);                              /* ends at a slash */
void layout_wal_timeline(const struct layout *l, uint32_t tli, char *out);           /* ends at a slash */
void layout_backup_dir(const struct layout *l, char *out);                           /* ends at a slash */
#define LAYOUT_PACK_MAX 999999
void layout_backup_pack(const struct layout *l, const char *id, uint32_t n, char *out);
void layout_backup_index(const struct layout *l, const char *id, char *out);
void layout_backup_catalog(const struct layout *l, const char *id, char *out);
void layout_backup_json(const struct layout *l, const char *id, char *out);
void layout_probe(const struct layout *l, const char *name, char *out);

/*
 * What a WAL file's object is called in its descriptor: "wal", "partial", "backup-history", "history". Static memory.
 */
const char *layout_kind(enum walfile_kind kind);

/* The last component of a key. */
const char *layout_base_name(const char *key);

/* The last component of a common prefix, without its slash: false for an object, or when out is too small. */
bool layout_dir_name(const struct store_object *entry, char *out, size_t size);
