/*
 * plan_stored.h - what plans are made of, stored in the two repositories of pgdata.h: segments, histories, backups.
 *
 * Segments hold their header and nothing else that is valid, so targets are LSNs and the end of WAL; what is looked for
 * in records is test_wal_search's.
 */
#pragma once
#include "ops/archive.h"
#include "ops/plan_gather.h"

#include "pgdata.h"

#include <stdio.h>

#define NOON     INT64_C(1795176000000000)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define AT(seg)  ((lsn) (seg) *MIB + 40)

static struct planned planned;

static inline void stored_set_up(void)
{
    pgdata_set_up();
    planned = (struct planned){.repo = NULL};
}

static inline void stored_tear_down(void)
{
    planned_clear(&planned);
    pgdata_tear_down();
}

static inline void archive_range(int repo, uint32_t tli, unsigned first, unsigned last)
{
    struct repo *one[] = {&pgdata_repo[repo]};
    struct cluster c = cluster;
    char name[WALFILE_NAME_MAX], path[128];

    c.repos = one;
    c.repo_count = 1;
    for (unsigned number = first; number <= last; number++) {
        walseg_name(tli, number, MIB, name);
        (void) snprintf(path, sizeof(path), "pg_wal/%s", name);
        write_file(path, segment_bytes(name, 0), MIB);
        ck_assert_msg(ops_archive(&c, &(struct archive_options){.jobs = 0}, path, &e) == ERR_OK, "%s",
                      e.text);
    }
}

static inline void add_backup(int repo, const struct layout *l, const char *id, uint32_t tli, lsn start,
                              lsn stop)
{
    char label[] = "test", origin[] = "host db1";
    struct backup_info b = {.label = label,
                            .timeline = tli,
                            .start_lsn = start,
                            .stop_lsn = stop,
                            .start_us = NOON - 1000000,
                            .stop_us = NOON,
                            .server_version = 150018,
                            .segment_bytes = MIB,
                            .origin = origin};
    struct line_info ignored;
    bool created;

    (void) snprintf(b.id, sizeof(b.id), "%s", id);
    ck_assert_int_eq(line_parse(l->line, &b.system_identifier, &e), ERR_OK);
    if (line_read(&pgdata_repo[repo], l, &ignored, &(struct err){.code = ERR_OK}) != ERR_OK)
        ck_assert_int_eq(line_create(&pgdata_repo[repo], l, 15, &created, &e), ERR_OK);
    ck_assert_msg(backup_info_write(&pgdata_repo[repo], l, &b, &e) == ERR_OK, "%s", e.text);
}

static inline void set_history(int repo)
{
    struct repo *one[] = {&pgdata_repo[repo]};
    struct cluster c = cluster;

    c.repos = one;
    c.repo_count = 1;
    write_file("pg_wal/00000002.history", "1\t0/700200\tx\n", 13);
    ck_assert_int_eq(ops_archive(&c, &(struct archive_options){.jobs = 0}, "pg_wal/00000002.history", &e),
                     ERR_OK);
}

static inline enum err_code plan(const struct target *t, const char *repo)
{
    enum err_code code;

    planned_clear(&planned);
    e = ERR_STALE;
    code = ops_plan(&cluster, repo, t, &planned, &e);
    if (code == ERR_OK)
        ck_assert_str_eq(e.text, ERR_STALE.text);
    return code;
}

#define EARLY "20261120T100000Z-0001"
#define LATE  "20261120T110000Z-0002"

static const struct target latest = {.kind = TARGET_LATEST};
