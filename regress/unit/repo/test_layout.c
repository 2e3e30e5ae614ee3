/*
 * test_layout.c - keys are what the page says, in the order it says, and nothing else passes for one.
 */
#include "repo/layout.h"

#include "check_main.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct layout main_layout(void)
{
    struct layout l;
    struct err e = ERR_NONE;

    ck_assert_int_eq(layout_init(&l, "main", UINT64_C(0x6789abcdef012345), &e), ERR_OK);
    return l;
}

START_TEST(every_key_lies_below_cluster_and_line)
{
    static const struct {
        const char *name;
        const char *key;
    } files[] = {
        {"00000001000000020000000A", "main/6789abcdef012345/wal/00000001/00000002/00000001000000020000000A"},
        {"0000000A000000020000000A.partial",
         "main/6789abcdef012345/wal/0000000A/00000002/0000000A000000020000000A.partial"},
        {"000000010000000200000003.00000028.backup",
         "main/6789abcdef012345/wal/00000001/00000002/000000010000000200000003.00000028.backup"},
        {"0000000B.history", "main/6789abcdef012345/wal/0000000B.history"},
    };
    static const char id[] = "20261120T021500Z-1a2b";
    struct layout l = main_layout();
    struct err e = ERR_NONE;
    char key[STORE_KEY_MAX + 1];
    struct walfile f;

    for (size_t i = 0; i < COUNT(files); i++) {
        ck_assert_int_eq(walfile_parse(files[i].name, &f, &e), ERR_OK);
        layout_wal_file(&l, &f, key);
        ck_assert_str_eq(key, files[i].key);
        ck_assert_str_eq(layout_base_name(key), files[i].name);
    }
    layout_line_json(&l, key);
    ck_assert_str_eq(key, "main/6789abcdef012345/line.json");
    layout_wal_dir(&l, key);
    ck_assert_str_eq(key, "main/6789abcdef012345/wal/");
    layout_wal_timeline(&l, 0xAB, key);
    ck_assert_str_eq(key, "main/6789abcdef012345/wal/000000AB/");
    layout_backup_dir(&l, key);
    ck_assert_str_eq(key, "main/6789abcdef012345/backup/");
    layout_backup_pack(&l, id, 42, key);
    ck_assert_str_eq(key, "main/6789abcdef012345/backup/20261120T021500Z-1a2b/pack-000042");
    layout_backup_index(&l, id, key);
    ck_assert_str_eq(key, "main/6789abcdef012345/backup/20261120T021500Z-1a2b/index");
    layout_backup_catalog(&l, id, key);
    ck_assert_str_eq(key, "main/6789abcdef012345/backup/20261120T021500Z-1a2b/catalog");
    layout_backup_json(&l, id, key);
    ck_assert_str_eq(key, "main/6789abcdef012345/backup/20261120T021500Z-1a2b/backup.json");
    layout_probe(&l, "x", key);
    ck_assert_str_eq(key, "main/6789abcdef012345/probe/x");
}
END_TEST

START_TEST(the_longest_key_is_one_a_store_takes)
{
    char name[CLUSTER_NAME_MAX], key[STORE_KEY_MAX + 1];
    struct layout l;
    struct err e = ERR_NONE;
    struct walfile f = {WALFILE_BACKUP_HISTORY, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};

    memset(name, 'z', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    ck_assert_int_eq(layout_init(&l, name, UINT64_MAX, &e), ERR_OK);
    layout_wal_file(&l, &f, key);
    ck_assert_int_eq(store_key_check(key, &e), ERR_OK);
    layout_backup_pack(&l, "20261120T021500Z-1a2b", UINT32_MAX, key);
    ck_assert_int_eq(store_key_check(key, &e), ERR_OK);
}
END_TEST

START_TEST(byte_order_of_keys_is_wal_order_with_any_segment_size)
{
    static const uint32_t sizes[] = {WALSEG_MIN_BYTES, 16u << 20, 64u << 20, WALSEG_MAX_BYTES};
    struct layout l = main_layout();

    for (size_t i = 0; i < COUNT(sizes); i++) {
        uint64_t per_log = (UINT64_C(1) << 32) / sizes[i];
        const uint64_t begins[] = {0, per_log - 3, 16 * per_log - 2, 255 * per_log - 1, 65535 * per_log - 2};
        char last[STORE_KEY_MAX + 1] = "";

        for (size_t b = 0; b < COUNT(begins); b++)
            for (uint64_t n = begins[b]; n < begins[b] + 5 && (b + 1 == COUNT(begins) || n < begins[b + 1]);
                 n++) {
                static const enum walfile_kind kinds[] = {WALFILE_SEGMENT, WALFILE_BACKUP_HISTORY,
                                                          WALFILE_PARTIAL};

                for (size_t k = 0; k < COUNT(kinds); k++) {
                    struct walfile f = walseg_file(1, n, sizes[i]);
                    char key[STORE_KEY_MAX + 1];

                    f.kind = kinds[k];
                    f.offset = UINT32_MAX;
                    layout_wal_file(&l, &f, key);
                    if (strcmp(last, key) >= 0)
                        ck_abort_msg("\"%s\" is not before \"%s\"", last, key);
                    memcpy(last, key, sizeof(last));
                }
            }
    }
}
END_TEST

START_TEST(a_cluster_name_is_of_small_letters_digits_and_dashes)
{
    static const struct {
        const char *name;
        enum err_code code;
    } table[] = {
        {"main", ERR_OK},
        {"0", ERR_OK},
        {"a-b_c9", ERR_OK},
        {"", ERR_USAGE},
        {"-a", ERR_USAGE},
        {"_a", ERR_USAGE},
        {"Main", ERR_USAGE},
        {"a/b", ERR_USAGE},
        {"..", ERR_USAGE},
        {"a b", ERR_USAGE},
        {"a.b", ERR_USAGE},
        {"a\n", ERR_USAGE},
        {"\xC3\xA4", ERR_USAGE},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", ERR_OK},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", ERR_USAGE},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct err e = ERR_NONE;
        struct layout l;

        ck_assert_int_eq(layout_init(&l, table[i].name, 1, &e), table[i].code);
        ck_assert_int_eq(e.hint[0] != '\0', table[i].code != ERR_OK);
    }
}
END_TEST

START_TEST(a_line_is_sixteen_small_hex_digits)
{
    static const char *const refused[] = {"",
                                          "6789abcdef01234",
                                          "6789abcdef0123456",
                                          "6789ABCDEF012345",
                                          "+789abcdef012345",
                                          "0x89abcdef012345",
                                          " 789abcdef012345"};
    uint64_t identifier = 7;
    struct err e = ERR_NONE;
    char text[LINE_TEXT_MAX];

    line_format(UINT64_C(0x0789abcdef012345), text);
    ck_assert_str_eq(text, "0789abcdef012345");
    ck_assert_int_eq(line_parse(text, &identifier, &e), ERR_OK);
    ck_assert_uint_eq(identifier, UINT64_C(0x0789abcdef012345));
    for (size_t i = 0; i < COUNT(refused); i++) {
        ck_assert_int_eq(line_parse(refused[i], &identifier, &e), ERR_USAGE);
        ck_assert_uint_eq(identifier, UINT64_C(0x0789abcdef012345));
    }
}
END_TEST

START_TEST(a_backup_id_has_one_form)
{
    static const struct {
        const char *id;
        bool valid;
    } table[] = {
        {"20261120T021500Z-1a2b", true},
        {"20261120T021500Z-1A2b", false},
        {"20261120T021500Z-1a2", false},
        {"20261120T021500Z-1a2bb", false},
        {"20261120T0215/0Z-1a2b", false},
        {"20261120 021500Z-1a2b", false},
        {"20261120T021500Z_1a2b", false},
        {"", false},
        {"latest", false},
        {"2026112aT021500Z-1a2b", false},
    };

    for (size_t i = 0; i < COUNT(table); i++)
        ck_assert_msg(backup_id_is_valid(table[i].id) == table[i].valid, "%s", table[i].id);
}
END_TEST

START_TEST(a_directory_name_is_the_last_component_of_a_prefix)
{
    static const struct {
        const char *key;
        bool is_prefix;
        const char *name; /* NULL: refused */
    } table[] = {
        {"main/6789abcdef012345/", true, "6789abcdef012345"},
        {"6789abcdef012345/", true, "6789abcdef012345"},
        {"main/x6789abcdef012345/", true, NULL}, /* too long, and no line by its last 16 characters */
        {"main/6789abcdef012345", false, NULL},
        {"", true, NULL},
        {"/", true, ""},
        {"a/b/", true, "b"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct store_object entry = {.is_prefix = table[i].is_prefix};
        char name[LINE_TEXT_MAX] = "";

        (void) snprintf(entry.key, sizeof(entry.key), "%s", table[i].key);
        ck_assert_msg(layout_dir_name(&entry, name, sizeof(name)) == (table[i].name != NULL), "%s",
                      table[i].key);
        if (table[i].name != NULL)
            ck_assert_str_eq(name, table[i].name);
    }
}
END_TEST

START_TEST(every_sort_of_wal_file_has_its_kind)
{
    static const struct {
        const char *name, *kind;
    } table[] = {
        {"000000010000000000000001", "wal"},
        {"000000010000000000000001.partial", "partial"},
        {"000000010000000000000001.00000028.backup", "backup-history"},
        {"00000002.history", "history"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct walfile file;
        struct err e = ERR_NONE;

        ck_assert_int_eq(walfile_parse(table[i].name, &file, &e), ERR_OK);
        ck_assert_str_eq(layout_kind(file.kind), table[i].kind);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_key_lies_below_cluster_and_line,
        the_longest_key_is_one_a_store_takes,
        byte_order_of_keys_is_wal_order_with_any_segment_size,
        a_cluster_name_is_of_small_letters_digits_and_dashes,
        a_line_is_sixteen_small_hex_digits,
        a_backup_id_has_one_form,
        a_directory_name_is_the_last_component_of_a_prefix,
        every_sort_of_wal_file_has_its_kind,
    };

    return check_main(suite_of("repo/layout", tests, COUNT(tests)));
}
