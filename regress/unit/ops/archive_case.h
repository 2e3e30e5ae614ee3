/*
 * archive_case.h - segments that wait in a pg_wal, and what became of them.
 */
#pragma once
#include "ops/archive.h"

#include "pgdata.h"
#include "repo/object.h"
#include "repo/wal_facts.h"

#include <unistd.h>

/* Of one call, in a buffer that the fourth next one reuses. */
static inline const char *segment_name(unsigned number)
{
    static char names[4][WALFILE_NAME_MAX];
    static unsigned turn;

    turn = (turn + 1) % 4;
    walseg_name(1, number, MIB, names[turn]);
    return names[turn];
}

static inline void pg_wal_path(const char *name, char path[128])
{
    (void) snprintf(path, 128, "pg_wal/%s", name);
}

static inline void make_ready(const char *name)
{
    char path[160];

    (void) mkdir("pg_wal/archive_status", 0700);
    (void) snprintf(path, sizeof(path), "pg_wal/archive_status/%s.ready", name);
    write_file(path, "", 0);
}

static inline void make_done(const char *name)
{
    char ready[160], done[160];

    (void) snprintf(ready, sizeof(ready), "pg_wal/archive_status/%s.ready", name);
    (void) snprintf(done, sizeof(done), "pg_wal/archive_status/%s.done", name);
    ck_assert_int_eq(rename(ready, done), 0);
}

/* Segments [from, to) wait. */
static inline void let_wait(unsigned from, unsigned to)
{
    for (unsigned n = from; n < to; n++) {
        char path[128];

        pg_wal_path(segment_name(n), path);
        write_file(path, segment_bytes(segment_name(n), 7), MIB);
        make_ready(segment_name(n));
    }
}

/* As the archiver calls; a success is done. */
static inline enum err_code ask(const struct archive_options *o, unsigned number)
{
    char path[128];

    e = ERR_STALE;
    pg_wal_path(segment_name(number), path);
    if (ops_archive(&cluster, o, path, &e) != ERR_OK)
        return e.code;
    make_done(segment_name(number));
    return ERR_OK;
}

static inline bool is_noted(const char *name)
{
    char relative[128];

    (void) snprintf(relative, sizeof(relative), "spool/main/ahead/%s", name);
    return access(scratch_path(pgdata, relative), F_OK) == 0;
}

static inline bool is_everywhere(unsigned number)
{
    return is_stored(&pgdata_repo[0], segment_name(number)) &&
           is_stored(&pgdata_repo[1], segment_name(number));
}

static inline struct wal_facts told_of(struct repo *r, unsigned number)
{
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    struct wal_facts f;
    char key[STORE_KEY_MAX + 1];

    key_of(segment_name(number), key);
    ck_assert_msg(object_descriptor(r, key, &d, &e) == ERR_OK, "%s", e.text);
    ck_assert_int_eq(wal_facts_read(&d, &f, &e), ERR_OK);
    return f;
}

static inline void fail_puts(struct repo *r, uint64_t nth, bool forever)
{
    faulty_fail(r->store, &(struct faulty_plan){
                              .at = FAULTY_FINISH, .nth = nth, .kind = ERR_UNREACHABLE, .forever = forever});
}
