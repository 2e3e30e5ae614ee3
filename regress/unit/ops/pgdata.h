/*
 * pgdata.h - a data directory as the commands that PostgreSQL runs see it, and a cluster of two repositories in memory.
 *
 * The directory is the working directory; it has pg_control (a captured one of PostgreSQL 15, with 1 MiB segments) and
 * pg_wal. Both stores can be made to fail.
 */
#pragma once
#include "codec/crc32c.h"
#include "codec/le.h"
#include "pg/control.h"
#include "pg/walseg.h"
#include "repo/cluster.h"
#include "repo/line.h"
#include "storage/faulty.h"
#include "storage/memory.h"
#include "stream/buf_sink.h"

#include "../pg/pg_data.h"
#include "../pg/wal_builder.h"
#include "../scratch.h"

#include <dirent.h>
#include <string.h>

#define MIB (1u << 20)

/*
 * An error some earlier call left behind: a success after it must be one all the same. Absent is the costliest to
 * repeat.
 */
#define ERR_STALE ((struct err){.code = ERR_ABSENT, .text = "left by an earlier call"})

static char pgdata[SCRATCH_MAX];
static struct repo pgdata_repo[2];
static struct repo *pgdata_repos[] = {&pgdata_repo[0], &pgdata_repo[1]};
static struct cluster cluster;
static struct layout layout;
static struct control control;
static struct err e;

static inline void write_file(const char *path, const void *bytes, size_t len)
{
    FILE *f = fopen(path, "w");

    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
    ck_assert_int_eq(fclose(f), 0);
}

/* The captured control file says 16 MiB. */
static inline void write_control(void)
{
    CLEANUP(buf_clear) struct buf head = BUF_INIT(CONTROL_FILE_BYTES);
    uint8_t file[CONTROL_FILE_BYTES] = {0};
    size_t crc_at = 0;

    data_read("pg_control-15.head", &head);
    memcpy(file, head.data, head.len);
    for (size_t at = 200; at < head.len && crc_at == 0; at += 4)
        if (le32_get(file + at) == crc32c(0, file, at))
            crc_at = at;
    ck_assert_uint_ne(crc_at, 0);
    for (size_t at = 0; at < crc_at; at += 4)
        if (le32_get(file + at) == 16 * MIB)
            le32_put(file + at, MIB);
    le32_put(file + crc_at, crc32c(0, file, crc_at));
    ck_assert_int_eq(mkdir("global", 0700), 0);
    write_file("global/pg_control", file, sizeof(file));
    ck_assert_msg(control_read(".", &control, &e) == ERR_OK, "%s", e.text);
    ck_assert_uint_eq(control.segment_bytes, MIB);
}

static inline void pgdata_set_up(void)
{
    struct store *inner;

    e = ERR_NONE;
    scratch_make(pgdata);
    ck_assert(chdir(pgdata) == 0 && mkdir("pg_wal", 0700) == 0);
    write_control();
    cluster = (struct cluster){.name = strdup("main"), .repos = pgdata_repos, .repo_count = 2};
    for (int i = 0; i < 2; i++) {
        pgdata_repo[i] =
            (struct repo){.name = strdup(i == 0 ? "near" : "far"), .place = strdup(i == 0 ? "a" : "b")};
        ck_assert(memory_store_new(&inner, &e) == ERR_OK &&
                  faulty_store_new(inner, &pgdata_repo[i].store, &e) == ERR_OK);
    }
    ck_assert_int_eq(spool_open(scratch_path(pgdata, "spool"), "main", &cluster.spool, &e), ERR_OK);
    ck_assert_int_eq(layout_init(&layout, "main", control.system_identifier, &e), ERR_OK);
}

static inline void pgdata_tear_down(void)
{
    for (int i = 0; i < 2; i++) {
        store_free(pgdata_repo[i].store);
        free(pgdata_repo[i].name);
        free(pgdata_repo[i].place);
    }
    spool_free(cluster.spool);
    free(cluster.name);
    ck_assert_int_eq(chdir("/"), 0);
    scratch_remove(pgdata);
}

/* A segment in a static buffer of 1 MiB: a record with some content, a switch, and the content again for filler. */
static inline uint8_t *segment_bytes(const char *name, uint8_t content)
{
    static uint8_t bytes[MIB];
    const uint8_t body[] = {255, 6, content, content, content, content, content, content};
    struct wal w = {
        .bytes = BUF_INIT(2 * MIB), .segment_bytes = MIB, .page_bytes = 8192, .magic = 0xD110, .tli = 1};
    struct walfile file;
    uint64_t number;

    ck_assert_int_eq(walfile_parse(name, &file, &e), ERR_OK);
    ck_assert_int_eq(walseg_of_file(&file, MIB, &number, &e), ERR_OK);
    w.start = walseg_start(number, MIB);
    w.tli = file.tli;
    (void) wal_record(&w, 0, 0x20, 0, body, sizeof(body));
    (void) wal_switch(&w);
    memcpy(bytes, w.bytes.data, MIB);
    memset(bytes + 96, content, MIB - 96);
    le64_put(bytes + 24, control.system_identifier);
    buf_clear(&w.bytes);
    return bytes;
}

static inline unsigned files_in(const char *path)
{
    DIR *dir = opendir(path);
    unsigned count = 0;

    ck_assert_ptr_nonnull(dir);
    for (struct dirent *d = readdir(dir); d != NULL; d = readdir(dir))
        count += d->d_name[0] != '.' || strlen(d->d_name) > 2;
    (void) closedir(dir);
    return count;
}

static inline void key_of(const char *name, char key[STORE_KEY_MAX + 1])
{
    struct walfile file;

    ck_assert_int_eq(walfile_parse(name, &file, &e), ERR_OK);
    layout_wal_file(&layout, &file, key);
}

/* Is anything stored under the file's key? */
static inline bool is_stored(struct repo *r, const char *name)
{
    CLEANUP(buf_clear) struct buf object = BUF_INIT(2 * MIB);
    struct err why = ERR_NONE;
    struct sink *to;
    char key[STORE_KEY_MAX + 1];

    key_of(name, key);
    ck_assert_int_eq(buf_sink_new(&object, &to, &e), ERR_OK);
    (void) store_get(r->store, key, NULL, to, NULL, &why);
    sink_free(to);
    return why.code == ERR_OK;
}
