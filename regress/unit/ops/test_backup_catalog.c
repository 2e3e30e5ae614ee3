/*
 * test_backup_catalog.c - trouble with SQL is noted, trouble with storing is an error. What a real server says of real
 * relations is in regress/t/055_catalog.sh.
 */
#include "ops/backup_catalog.h"

#include "fake_server.h"
#include "in_memory.h"
#include "repo/catalog_names.h"

#define ID      "20261120T021500Z-1a2b"
#define NOWHERE "host=/nonexistent" /* no database can be connected to */
#define SHOP    "(5|1663|shop|t)Z"
#define SHARED  "(1262|1664|r|pg_catalog|pg_database|pg_catalog|other)Z"

/* Take the catalog of a server that answers so to the list of databases, and to the relations they share. */
static enum err_code take(const char *databases, const char *shared, const char *dir,
                          struct backup_catalog *c, struct err *e)
{
    const struct fake_answer answers[] = {{"SELECT oid", databases}, {"SELECT f.node", shared}, {NULL, NULL}};
    CLEANUP(replproto_closep) struct replproto *conn = NULL;
    struct fake_server s;
    enum err_code code;

    fake_server_start(&s, "15.4", answers);
    ck_assert_int_eq(replproto_connect(s.conninfo, &conn, e), ERR_OK);
    code = backup_catalog_take(c, conn, NOWHERE, dir, ID, e);
    replproto_closep(&conn);
    fake_server_stop(&s);
    return code;
}

static void store(struct backup_catalog *c, struct backup_info *info)
{
    struct err e = ERR_NONE;

    memcpy(info->id, ID, BACKUP_ID_MAX);
    OK(backup_catalog_store(c, &repo, &layout, info, &e));
}

START_TEST(what_was_read_is_stored_and_what_was_not_says_why)
{
    CLEANUP(backup_catalog_close) struct backup_catalog c = BACKUP_CATALOG_NONE;
    CLEANUP(catalog_names_freep) struct catalog_names *names = NULL;
    struct backup_info info = {0};
    struct catalog_relation r;
    struct catalog_database d;
    const char *unread;
    struct err e = ERR_NONE;

    OK(take(SHOP, SHARED, "/tmp", &c, &e));
    store(&c, &info);
    ck_assert(info.has_catalog);
    ck_assert_uint_eq(info.catalog.databases, 1);
    ck_assert_uint_eq(info.catalog.unread, 1);
    ck_assert_uint_eq(info.catalog.relations, 1);
    OK(catalog_names_read(&repo, &layout, ID, &names, &e));
    ck_assert(catalog_names_relation(names, 1664, CATALOG_SHARED, 1262, &r));
    ck_assert_str_eq(r.name, "pg_database");
    ck_assert_str_eq(r.table, "other");
    ck_assert(catalog_names_database(names, 5, &d, &unread));
    ck_assert_str_eq(d.name, "shop");
    ck_assert_ptr_nonnull(unread);
    ck_assert_msg(strstr(unread, "/nonexistent") != NULL, "%s", unread);
}
END_TEST

START_TEST(without_a_list_of_databases_there_is_no_catalog_and_no_error)
{
    CLEANUP(backup_catalog_close) struct backup_catalog c = BACKUP_CATALOG_NONE;
    struct backup_info info = {0};
    struct err e = ERR_STALE;

    OK(take("{42501|permission denied}Z", SHARED, "/tmp", &c, &e));
    ck_assert(!c.is_taken);
    store(&c, &info);
    ck_assert(!info.has_catalog);
    ck_assert_uint_eq(requests(), 0);
}
END_TEST

START_TEST(an_answer_that_cannot_be_believed_is_noted_and_the_rest_is_readable)
{
    static const char *const answers[] = {
        "{57014|canceling statement due to statement timeout}Z",
        "(0|1664|r|pg_catalog|t|s|t)Z",
        "(x|1664|r|pg_catalog|t|s|t)Z",
        "(4294967296|1664|r|pg_catalog|t|s|t)Z",
        "(5|0|r|pg_catalog|t|s|t)Z",
        "(5|1664||pg_catalog|t|s|t)Z",
        "(5|1664|r||t|s|t)Z",
        "(5|1664|r|pg_catalog||s|t)Z",
        "(5|1664|r|pg_catalog|t||t)Z",
        "(5|1664|r)Z",
    };

    for (size_t i = 0; i < COUNT(answers); i++) {
        CLEANUP(backup_catalog_close) struct backup_catalog c = BACKUP_CATALOG_NONE;
        CLEANUP(catalog_names_freep) struct catalog_names *names = NULL;
        struct backup_info info = {0};
        struct catalog_database d;
        const char *unread = NULL;
        char key[STORE_KEY_MAX + 1];
        struct err e = ERR_NONE;

        OK(take(SHOP, answers[i], "/tmp", &c, &e));
        store(&c, &info);
        OK(catalog_names_read(&repo, &layout, ID, &names, &e));
        ck_assert(catalog_names_database(names, CATALOG_SHARED, &d, &unread));
        ck_assert_msg(unread != NULL, "%s", answers[i]);
        ck_assert(catalog_names_database(names, 5, &d, NULL));
        layout_backup_catalog(&layout, ID, key);
        OK(store_remove(repo.store, key, &e));
    }
}
END_TEST

START_TEST(a_put_that_fails_is_an_error)
{
    static const enum faulty_point points[] = {FAULTY_PUT_OPEN, FAULTY_WRITE, FAULTY_FINISH};

    for (size_t i = 0; i < COUNT(points); i++) {
        CLEANUP(backup_catalog_close) struct backup_catalog c = BACKUP_CATALOG_NONE;
        struct backup_info info = {.id = ID};
        struct err e = ERR_NONE;

        OK(take(SHOP, SHARED, "/tmp", &c, &e));
        fail_next(points[i], ERR_UNREACHABLE);
        ck_assert_int_eq(backup_catalog_store(&c, &repo, &layout, &info, &e), ERR_UNREACHABLE);
        ck_assert(!info.has_catalog);
        e = ERR_STALE;
        OK(backup_catalog_store(&c, &repo, &layout, &info, &e)); /* as a retry would */
    }
}
END_TEST

START_TEST(no_place_for_the_text_is_an_error)
{
    CLEANUP(backup_catalog_close) struct backup_catalog c = BACKUP_CATALOG_NONE;
    struct err e = ERR_NONE;

    ck_assert_int_eq(take(SHOP, SHARED, "/nonexistent", &c, &e), ERR_IO);
    ck_assert(!c.is_taken);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {what_was_read_is_stored_and_what_was_not_says_why,
                                  without_a_list_of_databases_there_is_no_catalog_and_no_error,
                                  an_answer_that_cannot_be_believed_is_noted_and_the_rest_is_readable,
                                  a_put_that_fails_is_an_error, no_place_for_the_text_is_an_error};

    return check_main(suite_in_memory("ops/backup_catalog", tests, COUNT(tests)));
}
