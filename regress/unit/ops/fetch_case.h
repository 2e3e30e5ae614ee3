/*
 * fetch_case.h - segments in repositories, whole and spoilt, for the tests of fetch and of what it is made of.
 */
#pragma once
#include "ops/archive.h"

#include "pgdata.h"

#include <unistd.h>

static inline const char *segment_name(uint32_t tli, uint64_t number)
{
    static char name[WALFILE_NAME_MAX];

    walseg_name(tli, number, MIB, name);
    return name;
}

/* A file of this name in pg_wal, archived into one repository alone, and gone again. */
static inline void archive_into(int repo, const char *name, const void *bytes, size_t len)
{
    struct repo *one[] = {&pgdata_repo[repo]};
    struct cluster c = cluster;
    char path[128];

    c.repos = one;
    c.repo_count = 1;
    (void) snprintf(path, sizeof(path), "pg_wal/%s", name);
    write_file(path, bytes, len);
    ck_assert_msg(ops_archive(&c, &(struct archive_options){.jobs = 0}, path, &e) == ERR_OK, "%s", e.text);
    ck_assert_int_eq(unlink(path), 0);
}

static inline void make_line(int repo)
{
    bool created;

    ck_assert_msg(line_create(&pgdata_repo[repo], &layout, 15, &created, &e) == ERR_OK, "%s", e.text);
}

/* What lies there is not what was stored: one bit, or the end is missing. */
static inline void spoil(int repo, const char *name, bool cut)
{
    CLEANUP(buf_clear) struct buf object = BUF_INIT(2 * MIB);
    struct store *store = pgdata_repo[repo].store;
    struct sink *to;
    char key[STORE_KEY_MAX + 1];

    key_of(name, key);
    ck_assert(buf_sink_new(&object, &to, &e) == ERR_OK &&
              store_get(store, key, NULL, to, NULL, &e) == ERR_OK);
    sink_free(to);
    if (cut)
        object.len -= 9;
    else
        object.data[object.len - object.len / 5] ^= 4;
    ck_assert(store_remove(store, key, &e) == ERR_OK &&
              store_put(store, key, object.data, object.len, &e) == ERR_OK);
}
