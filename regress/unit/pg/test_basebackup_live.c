/*
 * replproto and basebackup against a real server; basebackup_live.sh makes it and says where (PITR_TEST_PGDIR:
 * data/, socket/, space/). A backup is compared file by file with the server's own manifest.
 */
#include "check_main.h"
#include "codec/crc32c.h"
#include "pg/basebackup.h"
#include "pg/control.h"
#include "pg/label.h"
#include "pg/manifest.h"
#include "pg/replproto.h"
#include "pg/replproto_server.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MANIFEST_MAX (64u << 20)

static char dir[512];
static char conninfo[1024];

/* ---- small help ---- */

static const char *conninfo_of(const char *more)
{
    static char text[2048];

    (void) snprintf(text, sizeof(text), "%s %s", conninfo, more);
    return text;
}

static struct replproto *connect_as(const char *more)
{
    struct err e = ERR_NONE;
    struct replproto *c = NULL;

    ck_assert_msg(replproto_connect(conninfo_of(more), &c, &e) == ERR_OK, "%s", e.text);
    return c;
}

/* SQL on a connection of its own; the first value, if there is one. */
static void run_sql(const char *sql, char *value, size_t size)
{
    PGconn *pg = PQconnectdb(conninfo_of("dbname=postgres"));
    PGresult *r = PQexec(pg, sql);

    ck_assert_msg(PQresultStatus(r) == PGRES_COMMAND_OK || PQresultStatus(r) == PGRES_TUPLES_OK, "%s: %s",
                  sql, PQerrorMessage(pg));
    if (value != NULL)
        (void) snprintf(value, size, "%s", PQgetvalue(r, 0, 0));
    PQclear(r);
    PQfinish(pg);
}

/* Closed connections take the server a moment to notice. */
static void wait_until_no_walsender(void)
{
    char count[32] = "";

    for (int i = 0; i < 200 && strcmp(count, "0") != 0; i++)
        run_sql("SELECT count(*) FROM pg_stat_replication, pg_sleep(0.05)", count, sizeof(count));
    ck_assert_str_eq(count, "0");
}

/* ---- what is taken out of the archives ---- */

struct taken_file {
    char path[256];
    uint64_t size;
    uint32_t crc;
};

struct taking {
    struct basebackup *bb;
    uint32_t oid; /* of the archive being read, 0 the data directory */
    struct taken_file *files;
    size_t count;
    size_t room;
    bool in_file;
    bool is_label;
    char label[LABEL_FILE_MAX];
    size_t label_len;
    char first[256], last[256], link[256];
    unsigned long fail_after; /* files */
};

static void put_path(const struct taking *t, const struct tar_member *m, char *out, size_t size)
{
    if (t->oid == 0)
        (void) snprintf(out, size, "%s", m->path);
    else
        (void) snprintf(out, size, "pg_tblspc/%u/%s", t->oid, m->path);
}

static enum err_code take_begin(void *arg, const struct tar_member *m, struct err *e)
{
    struct taking *t = arg;
    struct taken_file *f;

    t->in_file = m->type == TAR_FILE;
    if (m->type == TAR_SYMLINK)
        (void) snprintf(t->link, sizeof(t->link), "%s > %s", m->path, m->target);
    if (!t->in_file)
        return ERR_OK;
    if (t->fail_after > 0 && t->count == t->fail_after)
        return err_set(e, ERR_IO, "enough");
    if (t->count == t->room) {
        t->room = t->room ? t->room * 2 : 1024;
        t->files = realloc(t->files, t->room * sizeof(*t->files));
    }
    f = &t->files[t->count++];
    *f = (struct taken_file){.size = m->size};
    put_path(t, m, f->path, sizeof(f->path));
    t->is_label = strcmp(f->path, "backup_label") == 0;
    if (t->oid == 0 && t->first[0] == '\0')
        (void) snprintf(t->first, sizeof(t->first), "%s", m->path);
    if (t->oid == 0)
        (void) snprintf(t->last, sizeof(t->last), "%s", m->path);
    return ERR_OK;
}

static enum err_code take_data(void *arg, const void *bytes, size_t len, struct err *e)
{
    struct taking *t = arg;

    (void) e;
    ck_assert(t->in_file);
    t->files[t->count - 1].crc = crc32c(t->files[t->count - 1].crc, bytes, len);
    if (t->is_label) {
        ck_assert(t->label_len + len <= sizeof(t->label));
        memcpy(t->label + t->label_len, bytes, len);
        t->label_len += len;
    }
    return ERR_OK;
}

static enum err_code take_end(void *arg, struct err *e)
{
    (void) arg;
    (void) e;
    return ERR_OK;
}

static enum err_code take_archives(struct taking *t, size_t *archives, struct err *e)
{
    const struct tar_events events = {take_begin, take_data, take_end, t};

    for (*archives = 0;; ++*archives) {
        const struct basebackup_tablespace *space;
        bool more;

        if (basebackup_next_archive(t->bb, &space, &more, e) != ERR_OK)
            return e->code;
        if (!more)
            return ERR_OK;
        t->oid = space->oid;
        if (tar_read(basebackup_pull, t->bb, &events, e) != ERR_OK)
            return e->code;
    }
}

static void compare_with_manifest(const struct taking *t, const struct manifest *m)
{
    ck_assert_uint_eq(t->count, m->file_count);
    for (size_t i = 0; i < t->count; i++) {
        const struct manifest_file *f = manifest_find(m, t->files[i].path);

        ck_assert_msg(f != NULL, "%s is not in the manifest", t->files[i].path);
        ck_assert_msg(f->size == t->files[i].size, "%s: size", f->path);
        ck_assert_msg(manifest_has_crc32c(f, t->files[i].crc), "%s: checksum", f->path);
    }
}

/* A whole backup, every promise of the page looked at. */
static void back_up(struct replproto *c, const struct basebackup_options *o, size_t want_archives)
{
    CLEANUP(basebackup_freep) struct basebackup *bb = NULL;
    CLEANUP(buf_clear) struct buf text = BUF_INIT(MANIFEST_MAX);
    CLEANUP(manifest_clear) struct manifest m = MANIFEST_EMPTY;
    struct err e = ERR_NONE;
    struct taking t = {0};
    struct basebackup_end end;
    struct replproto_server s;
    struct label l;
    size_t archives;

    ck_assert_msg(replproto_identify(c, &s, &e) == ERR_OK, "%s", e.text);
    ck_assert_msg(basebackup_begin(c, o, &bb, &e) == ERR_OK, "%s", e.text);
    t.bb = bb;
    ck_assert_msg(take_archives(&t, &archives, &e) == ERR_OK, "%s", e.text);
    ck_assert_uint_eq(archives, want_archives);
    ck_assert_msg(basebackup_manifest(bb, &text, &e) == ERR_OK, "%s", e.text);
    ck_assert_msg(basebackup_finish(bb, &end, &e) == ERR_OK, "%s", e.text);
    ck_assert_msg(manifest_parse(text.data, text.len, &m, &e) == ERR_OK, "%s", e.text);
    compare_with_manifest(&t, &m);
    ck_assert_uint_eq(m.version, s.major >= 17 ? 2 : 1);
    ck_assert(m.version == 1 || m.system_identifier == s.system_identifier);
    ck_assert_uint_eq(m.ranges[0].start, basebackup_start(bb)->position);
    ck_assert_uint_eq(m.ranges[0].end, end.position);
    ck_assert_str_eq(t.first, "backup_label");
    ck_assert_str_eq(t.last, "global/pg_control");
    ck_assert_msg(label_parse(t.label, t.label_len, &l, &e) == ERR_OK, "%s", e.text);
    ck_assert_uint_eq(l.start, basebackup_start(bb)->position);
    ck_assert_uint_eq(l.start_tli, basebackup_start(bb)->tli);
    ck_assert_str_eq(l.name, o->label ? o->label : "pitr");
    ck_assert(!l.is_from_standby);
    if (want_archives > 1) {
        ck_assert_msg(strstr(t.link, "pg_tblspc/") == t.link && strstr(t.link, "/space") != NULL, "%s",
                      t.link);
    }
    ck_assert_uint_gt(basebackup_start(bb)->tablespaces[archives - 1].estimate_kb, 10u << 10);
    free(t.files);
}

/* ---- tests ---- */

START_TEST(the_server_is_identified_with_sql_and_without)
{
    static const char *const users[] = {"user=postgres", "user=physical"};
    char pgdata[1024];
    struct control k;
    struct err e = ERR_NONE;

    (void) snprintf(pgdata, sizeof(pgdata), "%s/data", dir);
    ck_assert_msg(control_read(pgdata, &k, &e) == ERR_OK, "%s", e.text);
    for (size_t i = 0; i < 2; i++) {
        CLEANUP(replproto_closep) struct replproto *c = connect_as(users[i]);
        struct replproto_server s;
        int64_t us = 0;

        ck_assert_msg(replproto_identify(c, &s, &e) == ERR_OK, "%s", e.text);
        ck_assert_uint_eq(s.system_identifier, k.system_identifier);
        ck_assert_uint_eq(s.tli, k.tli);
        ck_assert_uint_ge(s.flush, k.checkpoint);
        ck_assert_uint_eq(s.segment_bytes, k.segment_bytes);
        ck_assert_uint_eq(s.major, k.major);
        ck_assert_uint_eq(s.directory_mode, 0700);
        ck_assert(s.has_checksums);
        ck_assert_int_eq(s.has_sql, i == 0);
        ck_assert_int_eq(s.knows_standby, i == 0 || s.major >= 14);
        ck_assert(!s.is_standby);
        ck_assert_int_eq(replproto_clock(c, &us, &e), i == 0 ? ERR_OK : ERR_REFUSED);
        ck_assert(i == 1 || (us > 1600000000000000 && us < 9000000000000000));
    }
}
END_TEST

START_TEST(a_timeline_without_history_is_absent)
{
    CLEANUP(replproto_closep) struct replproto *c = connect_as("user=physical");
    CLEANUP(buf_clear) struct buf text = BUF_INIT(1024);
    struct err e = ERR_NONE;
    struct replproto_server s;

    ck_assert_int_eq(replproto_timeline_history(c, 7, &text, &e), ERR_ABSENT);
    e = ERR_NONE;
    ck_assert_int_eq(replproto_identify(c, &s, &e), ERR_OK); /* the connection lives on */
}
END_TEST

START_TEST(an_existing_history_comes_as_its_bytes)
{
    static const char history[] = "1\t0/3000000\tno recovery target specified\n";
    CLEANUP(replproto_closep) struct replproto *c = connect_as("user=postgres");
    CLEANUP(buf_clear) struct buf text = BUF_INIT(1024);
    struct err e = ERR_NONE;
    char path[1024];
    FILE *f;

    (void) snprintf(path, sizeof(path), "%s/data/pg_wal/0000002A.history", dir);
    f = fopen(path, "w");
    ck_assert_ptr_ne(f, NULL);
    ck_assert_int_ge(fputs(history, f), 0);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_msg(replproto_timeline_history(c, 42, &text, &e) == ERR_OK, "%s", e.text);
    ck_assert_str_eq(buf_cstr(&text), history);
    ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(a_password_is_never_shown)
{
    static const struct {
        const char *more;
        enum err_code code;
    } rows[] = {
        {"user=secretive password=hunter2x", ERR_DENIED},
        {"user=secretive password=hunter2x options", ERR_USAGE},
        {"user=secretive password='hunter2x", ERR_USAGE},
        {"user=secretive password=a hunter2x=1", ERR_USAGE},
        {"user=nobody password=hunter2x", ERR_DENIED},
        {"port=1 password=hunter2x", ERR_UNREACHABLE},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err e = ERR_NONE;
        struct replproto *c = NULL;

        ck_assert_msg(replproto_connect(conninfo_of(rows[i].more), &c, &e) == rows[i].code, "%s: %s %s",
                      rows[i].more, err_kind(e.code), e.text);
        ck_assert_msg(strstr(e.text, "hunter2x") == NULL && strstr(e.hint, "hunter2x") == NULL, "%s", e.text);
        ck_assert_ptr_eq(c, NULL);
    }
}
END_TEST

START_TEST(a_role_without_replication_is_denied)
{
    struct err e = ERR_NONE;
    struct replproto *c = NULL;

    ck_assert_int_eq(replproto_connect(conninfo_of("user=plain"), &c, &e), ERR_DENIED);
    ck_assert_msg(strstr(e.hint, "REPLICATION") != NULL, "%s", e.hint);
}
END_TEST

START_TEST(a_full_server_may_heal)
{
    struct replproto *held[8] = {NULL};
    struct err e = ERR_NONE;
    size_t count = 0;

    while (count < 8 && replproto_connect(conninfo_of("user=postgres"), &held[count], &e) == ERR_OK)
        count++;
    ck_assert_uint_le(count, 4);
    ck_assert_msg(e.code == ERR_UNREACHABLE, "%s", e.text);
    while (count > 0)
        replproto_close(held[--count]);
    wait_until_no_walsender();
}
END_TEST

START_TEST(a_backup_agrees_with_its_manifest)
{
    CLEANUP(replproto_closep) struct replproto *c = connect_as("user=postgres");

    back_up(c, &(struct basebackup_options){.fast_checkpoint = true, .label = "it's \\ a label"}, 2);
    back_up(c, &(struct basebackup_options){.fast_checkpoint = true, .max_rate_kb = 1048576}, 2);
}
END_TEST

START_TEST(a_backup_needs_no_sql)
{
    CLEANUP(replproto_closep) struct replproto *c = connect_as("user=physical");

    back_up(c, &(struct basebackup_options){.fast_checkpoint = true}, 2);
}
END_TEST

struct notices {
    char text[4096];
};

static void note(void *arg, const char *severity, const char *text, const char *detail)
{
    struct notices *n = arg;
    size_t len = strlen(n->text);

    (void) snprintf(n->text + len, sizeof(n->text) - len, "%s: %s %s\n", severity, text, detail);
}

static void flip_byte(const char *path, off_t at)
{
    char full[1024];
    uint8_t byte;
    int fd;

    (void) snprintf(full, sizeof(full), "%s/data/%s", dir, path);
    fd = open(full, O_RDWR);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
    byte ^= 0xff;
    ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
    ck_assert_int_eq(close(fd), 0);
}

START_TEST(a_damaged_page_fails_the_backup_at_its_very_end)
{
    CLEANUP(replproto_closep) struct replproto *c = connect_as("user=postgres");
    CLEANUP(basebackup_freep) struct basebackup *bb = NULL;
    CLEANUP(buf_clear) struct buf text = BUF_INIT(MANIFEST_MAX);
    struct err e = ERR_NONE;
    struct taking t = {0};
    struct notices n = {0};
    struct basebackup_end end = {0};
    char path[256];
    size_t archives;

    run_sql("SELECT pg_relation_filepath('rows')", path, sizeof(path));
    flip_byte(path, 8192 * 2 + 4000);
    replproto_on_notice(c, note, &n);
    ck_assert_int_eq(basebackup_begin(c, &(struct basebackup_options){.fast_checkpoint = true}, &bb, &e),
                     ERR_OK);
    t.bb = bb;
    ck_assert_msg(take_archives(&t, &archives, &e) == ERR_OK, "%s", e.text);
    ck_assert_int_eq(basebackup_manifest(bb, &text, &e), ERR_OK);
    ck_assert_int_eq(basebackup_finish(bb, &end, &e), ERR_CORRUPT);
    flip_byte(path, 8192 * 2 + 4000);
    ck_assert_msg(strstr(e.text, "checksum verification failure") != NULL, "%s", e.text);
    ck_assert_msg(strstr(n.text, "WARNING: checksum verification failed") != NULL &&
                      strstr(n.text, path) != NULL,
                  "%s", n.text);
    ck_assert_uint_eq(end.position, 0);
    free(t.files);
}
END_TEST

START_TEST(a_backup_whose_server_process_ends_is_unreachable)
{
    CLEANUP(replproto_closep) struct replproto *c = connect_as("user=postgres");
    CLEANUP(basebackup_freep) struct basebackup *bb = NULL;
    struct err e = ERR_NONE;
    struct taking t = {0};
    size_t archives;

    ck_assert_int_eq(
        basebackup_begin(c, &(struct basebackup_options){.fast_checkpoint = true, .max_rate_kb = 32}, &bb,
                         &e),
        ERR_OK);
    run_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_replication", NULL, 0);
    t.bb = bb;
    ck_assert_msg(take_archives(&t, &archives, &e) == ERR_UNREACHABLE, "%s", e.text);
    free(t.files);
}
END_TEST

START_TEST(a_backup_may_be_given_up_by_closing)
{
    struct replproto *c = connect_as("user=postgres");
    struct basebackup *bb = NULL;
    struct err e = ERR_NONE;
    struct taking t = {.fail_after = 10};
    size_t archives;

    ck_assert_int_eq(basebackup_begin(c, &(struct basebackup_options){.fast_checkpoint = true}, &bb, &e),
                     ERR_OK);
    t.bb = bb;
    ck_assert_int_eq(take_archives(&t, &archives, &e), ERR_IO);
    ck_assert_str_eq(e.text, "enough");
    basebackup_free(bb);
    replproto_close(c);
    wait_until_no_walsender();
    free(t.files);
}
END_TEST

START_TEST(the_server_says_no_before_the_first_result)
{
    CLEANUP(replproto_closep) struct replproto *c = connect_as("user=postgres");
    struct basebackup *bb = NULL;
    struct err e = ERR_NONE;

    ck_assert_int_eq(basebackup_begin(c, &(struct basebackup_options){.max_rate_kb = 31}, &bb, &e),
                     ERR_USAGE);
    ck_assert_ptr_eq(bb, NULL);
}
END_TEST

/* Once, before all tests: roles, a table to damage, a tablespace with something in it. */
static void prepare(void)
{
    char sql[1024];

    run_sql("CREATE ROLE physical LOGIN REPLICATION", NULL, 0);
    run_sql("CREATE ROLE secretive LOGIN REPLICATION PASSWORD 'other'", NULL, 0);
    run_sql("CREATE ROLE plain LOGIN", NULL, 0);
    run_sql("CREATE TABLE rows AS SELECT i, repeat('x', 500) FROM generate_series(1, 5000) i", NULL, 0);
    (void) snprintf(sql, sizeof(sql), "CREATE TABLESPACE space LOCATION '%s/space'", dir);
    run_sql(sql, NULL, 0);
    run_sql("CREATE TABLE there TABLESPACE space AS SELECT i FROM generate_series(1, 5000) i", NULL, 0);
    run_sql("CHECKPOINT", NULL, 0);
}

int main(void)
{
    const TTest *const tests[] = {
        the_server_is_identified_with_sql_and_without,
        a_timeline_without_history_is_absent,
        an_existing_history_comes_as_its_bytes,
        a_password_is_never_shown,
        a_role_without_replication_is_denied,
        a_full_server_may_heal,
        a_backup_agrees_with_its_manifest,
        a_backup_needs_no_sql,
        a_damaged_page_fails_the_backup_at_its_very_end,
        a_backup_whose_server_process_ends_is_unreachable,
        a_backup_may_be_given_up_by_closing,
        the_server_says_no_before_the_first_result,
    };

    Suite *suite = suite_create("pg/basebackup_live");
    TCase *tcase = tcase_create("server");

    if (getenv("PITR_TEST_PGDIR") == NULL) {
        (void) puts("1..0 # SKIP no server: run by basebackup_live.sh");
        return 77;
    }
    (void) snprintf(dir, sizeof(dir), "%s", getenv("PITR_TEST_PGDIR"));
    (void) snprintf(conninfo, sizeof(conninfo), "host=%s/socket port=5432 user=postgres", dir);
    tcase_set_timeout(tcase, 120);
    tcase_add_unchecked_fixture(tcase, prepare, NULL);
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return check_main(suite);
}
