/*
 * repo/backup_json.h - backup.json as text. PURE.
 *
 * {"format": 1, "id", "label", "timeline", "start_lsn", "stop_lsn", "start_time", "stop_time", "system_identifier",
 *  "postgresql" (server version number), "segment_bytes", "from_standby", "checksums", "data_bytes", "stored_bytes",
 *  "files", "chunks", "new_chunks", "packs", "index_sha256" (plain), "settings" {max_connections …},
 *  "catalog" {databases, unread, relations}, "tablespaces" [{oid, path, bytes}], "sources" [{id, packs}], "origin"}
 * catalog is absent when the backup has none.
 * LSNs in PostgreSQL's text form, times as "2026-11-20 14:29:00.123456+00", system identifier as 16 hex digits.
 * Members of a later program are passed over.
 */
#pragma once
#include "base/buf.h"
#include "base/err.h"
#include "repo/backup_info.h"
#include <stddef.h>

#define BACKUP_JSON_MAX ((size_t) 16 << 20)

/* Append the text. ERR_IO when there is no memory, or a text in the record is not UTF-8. */
enum err_code backup_json_format(const struct backup_info *b, struct buf *out, struct err *e);

/* Read the text strictly. b is filled only on success; clear it afterwards. ERR_CORRUPT; ERR_IO only for memory. */
enum err_code backup_json_parse(const char *text, size_t len, struct backup_info *b, struct err *e);
