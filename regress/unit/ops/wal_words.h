/*
 * wal_words.h - WAL written as words, archived as a server's would be into a repository in memory.
 *
 * Segments (1 MiB, from number 4 on) end at a bar:
 *   c7@30  transaction 7 commits at second 30          a7@30  and aborts
 *   q7@30  prepared transaction 7 is committed         nTEXT  a restore point
 *   d7@30  transaction 7 drops a table                t7@30  and empties one; m7 is the file made for that
 *   w7     xids from 7 on are not given out yet
 *   ~      filler: the next record begins in this segment and ends in the next
 *   z      zeros to the segment's end: not valid WAL   ?      this segment is stored without facts of its records
 */
#pragma once
#include "ops/archive.h"

#include "../pg/wal_builder.h"
#include "../scratch.h"
#include "check_main.h"
#include "repo/object.h"
#include "repo/wal_facts.h"
#include "storage/faulty.h"
#include "storage/memory.h"

#include <stdio.h>
#include <string.h>

#define MIB      (1u << 20)
#define FIRST    4u
#define SECOND   INT64_C(1000000)
#define NOON     (INT64_C(1795176000) * SECOND)
#define YEARS    (INT64_C(946684800) * SECOND) /* 1970 to 2000 */
#define XIDS     100
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static char scratch[SCRATCH_MAX];
static struct repo repo;
static struct repo *repos[] = {&repo};
static struct cluster cluster;
static struct layout layout;
static struct timeline_path path;
static struct wal wal;
static lsn begins[XIDS]; /* of the record that ends a transaction, by xid; of the first restore point, by 0 */
static struct err e;

static void set_up(void)
{
    struct store *inner;

    e = ERR_NONE;
    memset(begins, 0, sizeof(begins));
    scratch_make(scratch);
    ck_assert_int_eq(mkdir(scratch_path(scratch, "pg_wal"), 0700), 0);
    repo = (struct repo){.name = strdup("local")};
    cluster = (struct cluster){.name = strdup("main"), .repos = repos, .repo_count = 1};
    ck_assert(memory_store_new(&inner, &e) == ERR_OK && faulty_store_new(inner, &repo.store, &e) == ERR_OK);
    ck_assert(spool_open(scratch_path(scratch, "spool"), "main", &cluster.spool, &e) == ERR_OK);
    ck_assert(layout_init(&layout, "main", WAL_BUILDER_SYSTEM, &e) == ERR_OK);
    ck_assert(timeline_single(1, &path, &e) == ERR_OK);
    wal = (struct wal){.bytes = BUF_INIT(WAL_BUILDER_MAX * 4),
                       .start = (lsn) FIRST * MIB,
                       .segment_bytes = MIB,
                       .page_bytes = 8192,
                       .magic = 0xD110,
                       .tli = 1,
                       .prev = FIRST * MIB - 64};
}

static void tear_down(void)
{
    buf_clear(&wal.bytes);
    timeline_clear(&path);
    recipients_clear(&repo.recipients);
    identities_clear(&repo.identities);
    spool_free(cluster.spool);
    store_free(repo.store);
    free(repo.name);
    free(cluster.name);
    scratch_remove(scratch);
}

/* ---- building ---- */

static lsn put_main(uint8_t rmid, uint8_t info, uint32_t xid, const struct wal_body *main)
{
    struct wal_body body = body_of_main(main);

    return wal_record(&wal, rmid, info, xid, body.bytes, body.len);
}

static void put_end(uint8_t info, uint32_t xid, int64_t time_us)
{
    struct wal_body main = {.len = 0};

    body_u64(&main, (uint64_t) (time_us - YEARS));
    begins[xid] = put_main(1, info, xid, &main);
}

static void put_prepared(uint32_t xid, int64_t time_us)
{
    struct wal_body main = {.len = 0};

    body_u64(&main, (uint64_t) (time_us - YEARS));
    body_u32(&main, 0x10); /* xinfo: two-phase */
    body_u32(&main, xid);
    begins[xid] = put_main(1, 0x30 | 0x80, 0, &main);
}

static void body_relation(struct wal_body *main, uint32_t relfilenode)
{
    body_u32(main, 1663);
    body_u32(main, 5);
    body_u32(main, relfilenode);
}

/* Lets the file of table 1000 + xid go, and with a DROP its statistics too. */
static void put_loss(uint32_t xid, int64_t time_us, bool is_drop)
{
    struct wal_body main = {.len = 0};

    body_u64(&main, (uint64_t) (time_us - YEARS));
    body_u32(&main, is_drop ? 0x104 : 0x4); /* xinfo: relations, statistics */
    body_u32(&main, 1);
    body_relation(&main, 1000 + xid);
    if (is_drop) {
        body_u32(&main, 1);
        body_u32(&main, 2);
        body_u32(&main, 5);
        body_u32(&main, 1000 + xid);
    }
    begins[xid] = put_main(1, 0x80, xid, &main);
}

static void put_create(uint32_t xid)
{
    struct wal_body main = {.len = 0};

    body_relation(&main, 2000 + xid);
    body_u32(&main, 0);
    (void) put_main(2, 0x10, xid, &main);
}

static void put_running(uint32_t next_xid)
{
    struct wal_body main = {.len = 0};

    body_u32(&main, 0);
    body_u32(&main, 0);
    body_u32(&main, 0);
    body_u32(&main, next_xid);
    body_u32(&main, next_xid);
    body_u32(&main, next_xid - 1);
    (void) put_main(8, 0x10, 0, &main);
}

static void put_point(const char *name)
{
    struct wal_body main = {.len = 0};
    char field[64] = {0};
    lsn at;

    (void) snprintf(field, sizeof(field), "%s", name);
    body_u64(&main, (uint64_t) (NOON - YEARS));
    body_bytes(&main, field, sizeof(field));
    at = put_main(0, 0x70, 0, &main);
    if (begins[0] == 0)
        begins[0] = at;
}

/* A record of this many bytes in all, its header included. */
static void put_filling(size_t bytes)
{
    static uint8_t body[8192];

    body[0] = 254;
    le32_put(body + 1, (uint32_t) (bytes - 29));
    (void) wal_record(&wal, 0, 0x20, 0, body, bytes - 24);
}

static uint32_t segment_left(void)
{
    return (uint32_t) (-wal_at(&wal) & (MIB - 1));
}

static void put_filler(void)
{
    if (segment_left() == 0)
        put_filling(4096);
    while (segment_left() > 8192 + 4096)
        put_filling(4096);
    while (segment_left() > 8192)
        put_filling(64);
    put_filling(segment_left() - 32);
    ck_assert_uint_eq(segment_left(), 32);
}

static void put_word(const char *word, bool *is_bare)
{
    unsigned xid = 0, second = 0;

    (void) sscanf(word + 1, "%u@%u", &xid, &second);
    ck_assert_uint_lt(xid, XIDS);
    if (word[0] == 'c')
        put_end(0x00, xid, NOON + second * SECOND);
    else if (word[0] == 'a')
        put_end(0x20, xid, NOON + second * SECOND);
    else if (word[0] == 'q')
        put_prepared(xid, NOON + second * SECOND);
    else if (word[0] == 'd' || word[0] == 't')
        put_loss(xid, NOON + second * SECOND, word[0] == 'd');
    else if (word[0] == 'm')
        put_create(xid);
    else if (word[0] == 'w')
        put_running(xid);
    else if (word[0] == 'n')
        put_point(word + 1);
    else if (word[0] == '~')
        put_filler();
    else if (word[0] == 'z')
        wal_zeros(&wal, segment_left());
    else
        is_bare[(wal_at(&wal) - wal.start) / MIB] = true;
}

/* A switch, unless a record has just crossed into the new segment and the last one is full. */
static void put_bar(bool has_crossed)
{
    if (!has_crossed)
        (void) wal_switch(&wal);
}

static void store_segment(uint64_t number, bool is_bare)
{
    struct walfile file = walseg_file(1, number, MIB);
    const uint8_t *bytes = wal.bytes.data + (number - FIRST) * MIB;
    CLEANUP(descriptor_clear) struct descriptor d = {.size = 0};
    const struct wal_facts facts = {.system_identifier = WAL_BUILDER_SYSTEM,
                                    .major = 15,
                                    .timeline = 1,
                                    .segment_bytes = MIB,
                                    .first_lsn = number * MIB,
                                    .run_from = number * MIB,
                                    .run_to = number * MIB,
                                    .end_lsn = (number + 1) * MIB};
    enum object_outcome outcome;
    char name[WALFILE_NAME_MAX], key[STORE_KEY_MAX + 1], file_path[SCRATCH_MAX * 3];
    FILE *f;

    walfile_format(&file, name);
    if (is_bare) {
        layout_wal_file(&layout, &file, key);
        ck_assert(object_describe_new(&repo, "wal", name, &d, &e) == ERR_OK &&
                  wal_facts_write(&facts, &d, &e) == ERR_OK &&
                  object_put_bytes(&repo, key, &d, bytes, MIB, &outcome, &e) == ERR_OK);
        return;
    }
    (void) snprintf(file_path, sizeof(file_path), "%s/pg_wal/%s", scratch, name);
    f = fopen(file_path, "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, MIB, f), MIB);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_msg(ops_archive(&cluster, &(struct archive_options){.jobs = 0}, file_path, &e) == ERR_OK, "%s",
                  e.text);
}

/* Build the WAL and archive it; the last segment's number. */
static uint64_t archive_wal(const char *words)
{
    char copy[512], *rest = copy;
    bool is_bare[64] = {false}, crosses = false, has_crossed = false;
    uint64_t count;

    (void) snprintf(copy, sizeof(copy), "%s", words);
    for (char *word = strsep(&rest, " "); word != NULL; word = strsep(&rest, " ")) {
        if (word[0] == '\0')
            continue;
        if (word[0] == '|') {
            put_bar(has_crossed);
            has_crossed = false;
            continue;
        }
        put_word(word, is_bare);
        has_crossed = crosses || (has_crossed && wal_at(&wal) % MIB < 4096) || word[0] == 'z';
        crosses = word[0] == '~';
    }
    if (wal_at(&wal) % MIB != 0)
        (void) wal_switch(&wal);
    count = wal.bytes.len / MIB;
    for (uint64_t i = 0; i < count; i++)
        store_segment(FIRST + i, is_bare[i]);
    return FIRST + count - 1;
}
