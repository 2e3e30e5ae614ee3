/*
 * backup_sample.h - a backup's record with something in every member, for the tests of backup.json.
 */
#pragma once
#include "repo/backup_info.h"

#include "in_memory.h"

#define ID     "20261120T021500Z-1a2b"
#define EARLY  "20261113T021500Z-0000"
#define LATE   "20261127T021500Z-ffff"
#define KEY(i) "main/6789abcdef012345/backup/" i "/backup.json"

static struct backup_tablespace tablespaces[] = {{16384, (char *) (uintptr_t) "/srv/t\xC3\xA4 \"one\"", 123}};
static struct backup_source sources[] = {{EARLY, 3}, {ID, UINT32_MAX}};

static inline struct backup_info sample(const char *id)
{
    struct backup_info b = {.label = (char *) (uintptr_t) "weekly \"full\"\n",
                            .timeline = 3,
                            .start_lsn = UINT64_C(0x1600000028),
                            .stop_lsn = UINT64_C(0x1600001000),
                            .start_us = 1795184940123456,
                            .stop_us = 1795184999000000,
                            .system_identifier = SYSTEM,
                            .server_version = 150018,
                            .segment_bytes = 16u << 20,
                            .from_standby = true,
                            .checksums = false,
                            .data_bytes = INT64_MAX,
                            .stored_bytes = 5,
                            .files = 6,
                            .chunks = 7,
                            .new_chunks = 8,
                            .packs = 9,
                            .index_sha256 = {0xAB, 0xCD},
                            .settings = {100, 8, 10, 0, 64},
                            .preload_libraries = (char *) (uintptr_t) "pg_stat_statements, \"auto_explain\"",
                            .has_catalog = true,
                            .catalog = {4, 1, INT64_MAX},
                            .tablespaces = tablespaces,
                            .tablespace_count = 1,
                            .sources = sources,
                            .source_count = 2,
                            .origin = (char *) (uintptr_t) "host db1, 2026-11-20 14:29:00+00, pitr 0.1.0"};

    memcpy(b.id, id, BACKUP_ID_MAX);
    return b;
}

static inline void same(const struct backup_info *a, const struct backup_info *b)
{
    ck_assert_str_eq(a->id, b->id);
    ck_assert_str_eq(a->label, b->label);
    ck_assert_uint_eq(a->timeline, b->timeline);
    ck_assert_uint_eq(a->start_lsn, b->start_lsn);
    ck_assert_uint_eq(a->stop_lsn, b->stop_lsn);
    ck_assert_int_eq(a->start_us, b->start_us);
    ck_assert_int_eq(a->stop_us, b->stop_us);
    ck_assert_uint_eq(a->system_identifier, b->system_identifier);
    ck_assert_uint_eq(a->server_version, b->server_version);
    ck_assert_uint_eq(a->segment_bytes, b->segment_bytes);
    ck_assert_int_eq(a->from_standby, b->from_standby);
    ck_assert_str_eq(a->preload_libraries, b->preload_libraries);
    ck_assert_int_eq(a->has_catalog, b->has_catalog);
    ck_assert_mem_eq(&a->catalog, &b->catalog, sizeof(a->catalog));
    ck_assert_int_eq(a->checksums, b->checksums);
    ck_assert_uint_eq(a->data_bytes, b->data_bytes);
    ck_assert_uint_eq(a->stored_bytes, b->stored_bytes);
    ck_assert_uint_eq(a->files, b->files);
    ck_assert_uint_eq(a->chunks, b->chunks);
    ck_assert_uint_eq(a->new_chunks, b->new_chunks);
    ck_assert_uint_eq(a->packs, b->packs);
    ck_assert_mem_eq(a->index_sha256, b->index_sha256, SHA256_BYTES);
    ck_assert_mem_eq(&a->settings, &b->settings, sizeof(a->settings));
    ck_assert_uint_eq(a->tablespace_count, b->tablespace_count);
    for (size_t i = 0; i < a->tablespace_count; i++) {
        ck_assert_uint_eq(a->tablespaces[i].oid, b->tablespaces[i].oid);
        ck_assert_uint_eq(a->tablespaces[i].bytes, b->tablespaces[i].bytes);
        ck_assert_str_eq(a->tablespaces[i].path, b->tablespaces[i].path);
    }
    ck_assert_uint_eq(a->source_count, b->source_count);
    for (size_t i = 0; i < a->source_count; i++) {
        ck_assert_str_eq(a->sources[i].id, b->sources[i].id);
        ck_assert_uint_eq(a->sources[i].packs, b->sources[i].packs);
    }
    ck_assert_str_eq(a->origin, b->origin);
}

static inline void write_backup(const char *id)
{
    struct backup_info b = sample(id);
    struct err e = ERR_STALE;

    OK(backup_info_write(&repo, &layout, &b, &e));
    ck_assert_str_eq(e.text, ERR_STALE.text);
}
