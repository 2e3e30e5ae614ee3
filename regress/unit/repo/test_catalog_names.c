/*
 * test_catalog_names.c - a relation is found by its numbers, and by nothing else.
 */
#include "repo/catalog_names.h"

#include "in_memory.h"
#include "repo/object.h"

#include <stdio.h>

#define ID   "20261120T021500Z-1a2b"
#define MANY 50000

static struct buf text;
static struct sink *to;
static struct catalog_writer w;

static void begin(void)
{
    struct err e = ERR_NONE;

    text = BUF_INIT(RAW_MAX);
    OK(buf_sink_new(&text, &to, &e));
    OK(catalog_write_begin(&w, to, ID, &e));
}

static void database(uint32_t oid, const char *name)
{
    struct err e = ERR_NONE;

    OK(catalog_write_database(&w, &(struct catalog_database){oid, oid == 0 ? 1664 : 1663, name}, &e));
}

static void relation(struct catalog_relation r)
{
    struct err e = ERR_NONE;

    OK(catalog_write_relation(&w, &r, &e));
}

/* Store what was written as the catalog of a backup. */
static void store_as(const char *kind)
{
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    enum object_outcome outcome;
    char key[STORE_KEY_MAX + 1];
    struct err e = ERR_NONE;

    OK(catalog_write_end(&w, &e));
    layout_backup_catalog(&layout, ID, key);
    OK(object_describe_new(&repo, kind, ID, &d, &e));
    OK(object_put_bytes(&repo, key, &d, text.data, text.len, &outcome, &e));
    sink_free(to);
    buf_clear(&text);
}

static struct catalog_names *read_back(void)
{
    struct catalog_names *c = NULL;
    struct err e = ERR_STALE;

    OK(catalog_names_read(&repo, &layout, ID, &c, &e));
    return c;
}

START_TEST(a_relation_is_found_by_tablespace_database_and_relfilenode)
{
    CLEANUP(catalog_names_freep) struct catalog_names *c = NULL;
    struct catalog_relation r;

    begin();
    database(0, "");
    relation((struct catalog_relation){1262, 1664, 'r', "pg_catalog", "pg_database", NULL, NULL});
    database(1, "template1");
    database(5, "shop");
    relation((struct catalog_relation){16384, 1663, 'r', "public", "accounts", NULL, NULL});
    relation((struct catalog_relation){16384, 16999, 'm', "public", "totals", NULL, NULL});
    relation((struct catalog_relation){16390, 1663, 'i', "public", "accounts_pkey", "public", "accounts"});
    database(6, "other");
    relation((struct catalog_relation){16384, 1663, 'S', "x", "y", NULL, NULL});
    store_as("catalog");
    c = read_back();

    ck_assert(catalog_names_relation(c, 1663, 5, 16384, &r));
    ck_assert_str_eq(r.name, "accounts");
    ck_assert_str_eq(r.schema, "public");
    ck_assert_ptr_null(r.table);
    ck_assert_int_eq(r.kind, 'r');
    ck_assert(catalog_names_relation(c, 16999, 5, 16384, &r));
    ck_assert_str_eq(r.name, "totals");
    ck_assert(catalog_names_relation(c, 1663, 5, 16390, &r));
    ck_assert_str_eq(r.table, "accounts");
    ck_assert_str_eq(r.table_schema, "public");
    ck_assert(catalog_names_relation(c, 1663, 6, 16384, &r));
    ck_assert_str_eq(r.name, "y");
    ck_assert(catalog_names_relation(c, 1664, 0, 1262, &r));
    ck_assert_str_eq(r.name, "pg_database");

    ck_assert(!catalog_names_relation(c, 1663, 1, 16384, &r)); /* a database without relations */
    ck_assert(!catalog_names_relation(c, 1663, 7, 16384, &r)); /* no database */
    ck_assert(!catalog_names_relation(c, 1664, 5, 16384, &r)); /* another tablespace */
    ck_assert(!catalog_names_relation(c, 1663, 5, 16385, &r)); /* another number */
    ck_assert(!catalog_names_relation(c, 1663, 6, 16390, &r)); /* the neighbour's */
    ck_assert(!catalog_names_relation(c, 1663, 0, 16384, &r));
}
END_TEST

START_TEST(a_database_is_found_and_says_why_it_was_not_read)
{
    CLEANUP(catalog_names_freep) struct catalog_names *c = NULL;
    struct catalog_database d;
    const char *unread = "left";
    struct err e = ERR_NONE;

    begin();
    database(4, "template0");
    OK(catalog_write_unread(&w, "it allows no connections", &e));
    database(5, "shop");
    store_as("catalog");
    c = read_back();

    ck_assert(catalog_names_database(c, 4, &d, &unread));
    ck_assert_str_eq(d.name, "template0");
    ck_assert_str_eq(unread, "it allows no connections");
    ck_assert(catalog_names_database(c, 5, &d, &unread));
    ck_assert_str_eq(d.name, "shop");
    ck_assert_uint_eq(d.tablespace, 1663);
    ck_assert_ptr_null(unread);
    ck_assert(catalog_names_database(c, 5, &d, NULL));
    ck_assert(!catalog_names_database(c, 6, &d, NULL));
}
END_TEST

START_TEST(every_one_of_many_is_found_in_an_empty_one_none)
{
    CLEANUP(catalog_names_freep) struct catalog_names *c = NULL;
    struct catalog_relation r;
    char name[32];

    begin();
    database(5, "shop");
    for (uint32_t i = 1; i <= MANY; i++) {
        (void) snprintf(name, sizeof(name), "t%u", i);
        relation((struct catalog_relation){3 * i, 1663, 'r', "public", name, NULL, NULL});
    }
    store_as("catalog");
    c = read_back();
    for (uint32_t i = 1; i <= MANY; i++) {
        (void) snprintf(name, sizeof(name), "t%u", i);
        ck_assert(catalog_names_relation(c, 1663, 5, 3 * i, &r));
        ck_assert_str_eq(r.name, name);
        ck_assert(!catalog_names_relation(c, 1663, 5, 3 * i - 1, &r));
    }
}
END_TEST

START_TEST(a_catalog_without_databases_has_nothing)
{
    CLEANUP(catalog_names_freep) struct catalog_names *c = NULL;
    struct catalog_relation r;
    struct catalog_database d;

    begin();
    store_as("catalog");
    c = read_back();
    ck_assert(!catalog_names_relation(c, 1663, 5, 16384, &r));
    ck_assert(!catalog_names_database(c, 5, &d, NULL));
}
END_TEST

START_TEST(only_a_catalog_passes_for_one)
{
    struct catalog_names *c = NULL;
    struct err e = ERR_NONE;

    ck_assert_int_eq(catalog_names_read(&repo, &layout, ID, &c, &e), ERR_ABSENT);
    begin();
    store_as("index");
    ck_assert_int_eq(catalog_names_read(&repo, &layout, ID, &c, &e), ERR_CORRUPT);
    ck_assert_ptr_null(c);
}
END_TEST

START_TEST(without_the_identity_no_name_is_read)
{
    CLEANUP(buf_clear) struct buf raw = BUF_INIT(RAW_MAX);
    struct catalog_names *c = NULL;
    char key[STORE_KEY_MAX + 1];
    struct err e = ERR_NONE;

    repo.codec = CODEC_NONE;
    use_new_key(false);
    begin();
    database(5, "shop");
    relation((struct catalog_relation){16384, 1663, 'r', "public", "accounts", NULL, NULL});
    store_as("catalog");
    ck_assert_int_eq(catalog_names_read(&repo, &layout, ID, &c, &e), ERR_DENIED);
    layout_backup_catalog(&layout, ID, key);
    raw_get(key, &raw);
    ck_assert_ptr_null(memmem(raw.data, raw.len, "accounts", 8));
    ck_assert_ptr_null(memmem(raw.data, raw.len, "shop", 4));
    ck_assert_ptr_null(memmem(raw.data, raw.len, "16384", 5));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_relation_is_found_by_tablespace_database_and_relfilenode,
                                  a_database_is_found_and_says_why_it_was_not_read,
                                  every_one_of_many_is_found_in_an_empty_one_none,
                                  a_catalog_without_databases_has_nothing,
                                  only_a_catalog_passes_for_one,
                                  without_the_identity_no_name_is_read};

    return check_main(suite_in_memory("repo/catalog_names", tests, COUNT(tests)));
}
