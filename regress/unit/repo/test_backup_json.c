/*
 * test_backup_json.c - the text of backup.json: whole or refused.
 */
#include "repo/backup_json.h"

#include "backup_sample.h"
#include "short_memory.h"

#include <errno.h>
#include <jansson.h>

START_TEST(a_summary_without_tablespaces_sources_and_texts_comes_back)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(RAW_MAX);
    struct backup_info b = sample(ID), back = {0};
    struct err e = ERR_STALE;

    b.tablespace_count = b.source_count = 0;
    b.label = b.origin = NULL;
    b.has_catalog = false;
    b.preload_libraries = NULL;
    OK(backup_json_format(&b, &text, &e));
    OK(backup_json_parse(buf_cstr(&text), text.len, &back, &e));
    ck_assert_str_eq(back.label, "");
    ck_assert_uint_eq(back.tablespace_count + back.source_count, 0);
    ck_assert(!back.has_catalog);
    ck_assert_ptr_null(strstr(buf_cstr(&text), "catalog"));
    ck_assert_ptr_null(back.preload_libraries);
    ck_assert_ptr_null(strstr(buf_cstr(&text), "preload"));
    backup_info_clear(&back);
}
END_TEST

/* The sample's JSON, to be edited. */
static json_t *sample_json(void)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(RAW_MAX);
    struct backup_info b = sample(ID);
    struct err e = ERR_NONE;
    json_t *root;

    OK(backup_json_format(&b, &text, &e));
    root = json_loadb((const char *) text.data, text.len, 0, NULL);
    ck_assert_ptr_nonnull(root);
    return root;
}

static enum err_code parse_json(json_t *root, struct err *e)
{
    char *text = json_dumps(root, 0);
    struct backup_info back = {.files = 77};
    enum err_code code;

    ck_assert_ptr_nonnull(text);
    code = backup_json_parse(text, strlen(text), &back, e);
    free(text);
    if (code == ERR_OK)
        backup_info_clear(&back);
    else
        ck_assert(back.files == 77 && back.label == NULL);
    return code;
}

/* Each member of `of` in turn: missing, and of another type. */
static void every_member_is_needed(json_t *root, json_t *of)
{
    json_t *copy = json_deep_copy(of), *value;
    const char *name;

    ck_assert_ptr_nonnull(copy);
    json_object_foreach(copy, name, value)
    {
        json_t *const others[] = {NULL,
                                  json_null(),
                                  json_real(1.5),
                                  json_array(),
                                  json_object(),
                                  json_is_string(value) ? json_integer(1) : json_string("1"),
                                  json_is_boolean(value) ? json_integer(1) : json_true()};

        for (size_t i = 0; i < COUNT(others); i++) {
            struct err e = ERR_NONE;
            bool list = json_is_array(value) && json_is_array(others[i]);
            bool optional =
                others[i] == NULL && (strcmp(name, "catalog") == 0 || /* older backups have none */
                                      strcmp(name, "shared_preload_libraries") == 0);

            if (others[i] == NULL)
                ck_assert_int_eq(json_object_del(of, name), 0);
            else
                ck_assert_int_eq(json_object_set_new(of, name, others[i]), 0);
            ck_assert_msg(parse_json(root, &e) == (list || optional ? ERR_OK : ERR_CORRUPT), "%s, case %zu",
                          name, i);
            ck_assert_int_eq(json_object_set(of, name, value), 0);
        }
    }
    json_decref(copy);
}

START_TEST(every_member_missing_or_of_another_type_is_refused)
{
    json_t *root = sample_json();
    struct err e = ERR_NONE;

    OK(parse_json(root, &e));
    every_member_is_needed(root, root);
    every_member_is_needed(root, json_object_get(root, "settings"));
    every_member_is_needed(root, json_object_get(root, "catalog"));
    every_member_is_needed(root, json_array_get(json_object_get(root, "tablespaces"), 0));
    every_member_is_needed(root, json_array_get(json_object_get(root, "sources"), 1));
    json_decref(root);
}
END_TEST

START_TEST(impossible_values_are_refused)
{
    static const struct {
        const char *member, *json;
    } table[] = {
        {"id", "\"latest\""},
        {"id", "\"../../x\""},
        {"timeline", "0"},
        {"timeline", "-1"},
        {"timeline", "4294967296"},
        {"start_lsn", "\"0/0\""},
        {"start_lsn", "\"here\""},
        {"start_lsn", "\"16/1001\""}, /* behind the stop */
        {"start_time", "\"2026-11-20 14:29:00\""},
        {"start_time", "\"2026-11-20 14:29:00 Europe/Berlin\""}, /* would set TZ under other threads */
        {"system_identifier", "\"6789ABCDEF012345\""},
        {"segment_bytes", "0"},
        {"segment_bytes", "16777217"},
        {"data_bytes", "-1"},
        {"packs", "4294967296"},
        {"index_sha256", "\"abcd\""},
        {"tablespaces", "[1]"},
        {"sources", "[{\"id\": \"latest\", \"packs\": 1}]"},
        {"settings", "[]"},
        {"format", "0"},
        {"format", "2"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        json_t *root = sample_json();
        struct err e = ERR_NONE;

        ck_assert_int_eq(
            json_object_set_new(root, table[i].member, json_loads(table[i].json, JSON_DECODE_ANY, NULL)), 0);
        ck_assert_msg(parse_json(root, &e) == ERR_CORRUPT, "%s: %s", table[i].member, table[i].json);
        json_decref(root);
    }
}
END_TEST

START_TEST(no_memory_is_not_taken_for_damage)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(RAW_MAX);
    struct backup_info b = sample(ID), back = {0};
    struct err e = ERR_NONE;
    int texts = 0;

    OK(backup_json_format(&b, &text, &e));
    for (strdups_left = 0; backup_json_parse(buf_cstr(&text), text.len, &back, &e) != ERR_OK; texts++) {
        strdups_left = -1;
        ck_assert_msg(e.code == ERR_IO && e.sys_errno == ENOMEM, "after %d texts: %s", texts, e.text);
        strdups_left = texts + 1;
    }
    ck_assert_int_eq(texts, 4); /* label, origin, libraries, a tablespace's path */
    backup_info_clear(&back);
}
END_TEST

START_TEST(a_newer_format_is_called_so_whatever_else_it_has)
{
    static const char text[] = "{\"format\": 2, \"new\": []}";
    struct backup_info b = {0};
    struct err e = ERR_NONE;

    ck_assert_int_eq(backup_json_parse(text, strlen(text), &b, &e), ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(e.text, "format version 2"));
}
END_TEST

START_TEST(members_of_a_later_program_are_passed_over)
{
    json_t *root = sample_json();
    struct err e = ERR_NONE;

    ck_assert_int_eq(json_object_set_new(root, "later", json_array()), 0);
    OK(parse_json(root, &e));
    json_decref(root);
}
END_TEST

START_TEST(every_cut_is_refused)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(RAW_MAX);
    struct backup_info b = sample(ID), back = {0};
    struct err e = ERR_NONE;

    OK(backup_json_format(&b, &text, &e));
    for (size_t len = 0; len < text.len; len++)
        if (backup_json_parse((const char *) text.data, len, &back, &e) != ERR_CORRUPT)
            ck_abort_msg("cut at %zu", len);
}
END_TEST

START_TEST(a_text_that_is_no_utf8_can_not_be_written)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(RAW_MAX);
    struct backup_info b = sample(ID);
    struct err e = ERR_NONE;

    b.label = (char *) (uintptr_t) "\xFF";
    ck_assert_int_eq(backup_json_format(&b, &text, &e), ERR_IO);
    ck_assert_uint_eq(text.len, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_summary_without_tablespaces_sources_and_texts_comes_back,
        every_member_missing_or_of_another_type_is_refused,
        impossible_values_are_refused,
        no_memory_is_not_taken_for_damage,
        a_newer_format_is_called_so_whatever_else_it_has,
        members_of_a_later_program_are_passed_over,
        every_cut_is_refused,
        a_text_that_is_no_utf8_can_not_be_written,
    };

    return check_main(suite_in_memory("repo/backup_json", tests, COUNT(tests)));
}
