/*
 * test_store.c - what the front checks before any store is asked.
 */
#include "storage/memory.h"
#include "storage/store.h"

#include "check_main.h"

#include <string.h>

static const struct {
    const char *key;
    enum err_code expected;
    const char *why;
} keys[] = {
    {"a", ERR_OK, "one letter"},
    {"0123456789/ABCXYZ/abcxyz/._-", ERR_OK, "every allowed kind"},
    {"...", ERR_OK, "three dots are a name"},
    {".a/..b/c.", ERR_OK, "dots in names"},
    {"main/67e5a1/wal/00000001.history", ERR_OK, "a real one"},
    {"", ERR_USAGE, "empty"},
    {"/a", ERR_USAGE, "leading slash"},
    {"a/", ERR_USAGE, "trailing slash"},
    {"a//b", ERR_USAGE, "empty component"},
    {".", ERR_USAGE, "this directory"},
    {"..", ERR_USAGE, "the one above"},
    {"a/..", ERR_USAGE, "the one above, at the end"},
    {"../a", ERR_USAGE, "the one above, at the beginning"},
    {"a/./b", ERR_USAGE, "this directory, inside"},
    {"a b", ERR_USAGE, "blank"},
    {"a+b", ERR_USAGE, "plus means blank in some URLs"},
    {"a\tb", ERR_USAGE, "control character"},
    {"a\x7f", ERR_USAGE, "delete"},
    {"\xff", ERR_USAGE, "not ASCII"},
    {"a\\b", ERR_USAGE, "backslash"},
};

START_TEST(a_key_is_checked)
{
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct err e = ERR_NONE;

        ck_assert_msg(store_key_check(keys[i].key, &e) == keys[i].expected, "%s", keys[i].why);
        ck_assert_msg(e.code == keys[i].expected, "%s", keys[i].why);
    }
}
END_TEST

START_TEST(a_key_has_a_longest_length)
{
    char key[STORE_KEY_MAX + 2];
    struct err e = ERR_NONE;

    memset(key, 'a', sizeof(key));
    key[STORE_KEY_MAX + 1] = '\0';
    ck_assert_int_eq(store_key_check(key, &e), ERR_USAGE);
    key[STORE_KEY_MAX] = '\0';
    ck_assert_int_eq(store_key_check(key, &e), ERR_OK);
}
END_TEST

START_TEST(an_error_never_repeats_unprintable_bytes)
{
    struct err e = ERR_NONE;

    ck_assert_int_eq(store_key_check("abc\x1b[31m", &e), ERR_USAGE);
    ck_assert_str_eq(e.text, "invalid object key: character 0x1b at position 3 is not allowed");
}
END_TEST

static const struct {
    const char *prefix;
    enum err_code expected;
} prefixes[] = {
    {NULL, ERR_OK},     {"", ERR_OK},          {"a", ERR_OK},        {"a/", ERR_OK},      {"a/b", ERR_OK},
    {"a/.", ERR_OK},    {"a/..", ERR_OK},      {"..", ERR_OK},       {"../", ERR_USAGE},  {"/", ERR_USAGE},
    {"a//", ERR_USAGE}, {"a/../b", ERR_USAGE}, {"a/../", ERR_USAGE}, {"/etc", ERR_USAGE}, {"a b", ERR_USAGE},
};

static bool never(const struct store_object *obj, void *arg)
{
    (void) arg;
    ck_abort_msg("visited \"%s\"", obj->key);
    return false;
}

START_TEST(a_prefix_that_could_leave_the_store_is_refused)
{
    struct store *store;
    struct err e = ERR_NONE;

    ck_assert_int_eq(memory_store_new(&store, &e), ERR_OK);
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
        ck_assert_msg(store_list(store, &(struct store_listing){.prefix = prefixes[i].prefix}, never, NULL,
                                 &e) == prefixes[i].expected,
                      "\"%s\"", prefixes[i].prefix == NULL ? "NULL" : prefixes[i].prefix);
    store_free(store);
}
END_TEST

START_TEST(freeing_no_store_is_fine)
{
    struct store *store = NULL;

    store_free(NULL);
    store_freep(&store);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_key_is_checked, a_key_has_a_longest_length,
                                  an_error_never_repeats_unprintable_bytes,
                                  a_prefix_that_could_leave_the_store_is_refused, freeing_no_store_is_fine};

    return check_main(suite_of("storage/store", tests, sizeof(tests) / sizeof(tests[0])));
}
