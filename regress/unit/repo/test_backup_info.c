/*
 * test_backup_info.c - the summary that makes a backup exist: whole or refused, and one damaged hides no other.
 */
#include "repo/backup_info.h"

#include "in_memory.h"

#include <jansson.h>

#define ID     "20261120T021500Z-1a2b"
#define EARLY  "20261113T021500Z-0000"
#define LATE   "20261127T021500Z-ffff"
#define KEY(i) "main/6789abcdef012345/backup/" i "/backup.json"

static struct backup_tablespace tablespaces[] = {{16384, (char *) (uintptr_t) "/srv/t\xC3\xA4 \"one\"", 123}};
static struct backup_source sources[] = {{EARLY, 3}, {ID, UINT32_MAX}};

static struct backup_info sample(const char *id)
{
    struct backup_info b = {.label = (char *) (uintptr_t) "weekly \"full\"\n",
                            .timeline = 3,
                            .start_lsn = UINT64_C(0x1600000028),
                            .stop_lsn = UINT64_C(0x1600001000),
                            .start_us = 1795184940123456,
                            .stop_us = 1795184999000000,
                            .system_identifier = SYSTEM,
                            .server_version = 150018,
                            .segment_bytes = 16u << 20,
                            .from_standby = true,
                            .checksums = false,
                            .data_bytes = INT64_MAX,
                            .stored_bytes = 5,
                            .files = 6,
                            .chunks = 7,
                            .new_chunks = 8,
                            .packs = 9,
                            .index_sha256 = {0xAB, 0xCD},
                            .settings = {100, 8, 10, 0, 64},
                            .tablespaces = tablespaces,
                            .tablespace_count = 1,
                            .sources = sources,
                            .source_count = 2,
                            .origin = (char *) (uintptr_t) "host db1, 2026-11-20 14:29:00+00, pitr 0.1.0"};

    memcpy(b.id, id, BACKUP_ID_MAX);
    return b;
}

static void same(const struct backup_info *a, const struct backup_info *b)
{
    ck_assert_str_eq(a->id, b->id);
    ck_assert_str_eq(a->label, b->label);
    ck_assert_uint_eq(a->timeline, b->timeline);
    ck_assert_uint_eq(a->start_lsn, b->start_lsn);
    ck_assert_uint_eq(a->stop_lsn, b->stop_lsn);
    ck_assert_int_eq(a->start_us, b->start_us);
    ck_assert_int_eq(a->stop_us, b->stop_us);
    ck_assert_uint_eq(a->system_identifier, b->system_identifier);
    ck_assert_uint_eq(a->server_version, b->server_version);
    ck_assert_uint_eq(a->segment_bytes, b->segment_bytes);
    ck_assert_int_eq(a->from_standby, b->from_standby);
    ck_assert_int_eq(a->checksums, b->checksums);
    ck_assert_uint_eq(a->data_bytes, b->data_bytes);
    ck_assert_uint_eq(a->stored_bytes, b->stored_bytes);
    ck_assert_uint_eq(a->files, b->files);
    ck_assert_uint_eq(a->chunks, b->chunks);
    ck_assert_uint_eq(a->new_chunks, b->new_chunks);
    ck_assert_uint_eq(a->packs, b->packs);
    ck_assert_mem_eq(a->index_sha256, b->index_sha256, SHA256_BYTES);
    ck_assert_mem_eq(&a->settings, &b->settings, sizeof(a->settings));
    ck_assert_uint_eq(a->tablespace_count, b->tablespace_count);
    for (size_t i = 0; i < a->tablespace_count; i++) {
        ck_assert_uint_eq(a->tablespaces[i].oid, b->tablespaces[i].oid);
        ck_assert_uint_eq(a->tablespaces[i].bytes, b->tablespaces[i].bytes);
        ck_assert_str_eq(a->tablespaces[i].path, b->tablespaces[i].path);
    }
    ck_assert_uint_eq(a->source_count, b->source_count);
    for (size_t i = 0; i < a->source_count; i++) {
        ck_assert_str_eq(a->sources[i].id, b->sources[i].id);
        ck_assert_uint_eq(a->sources[i].packs, b->sources[i].packs);
    }
    ck_assert_str_eq(a->origin, b->origin);
}

static void write_backup(const char *id)
{
    struct backup_info b = sample(id);
    struct err e = ERR_STALE;

    OK(backup_info_write(&repo, &layout, &b, &e));
    ck_assert_str_eq(e.text, ERR_STALE.text);
}

START_TEST(a_summary_comes_back_as_written)
{
    struct backup_info b = sample(ID), back = {0};
    struct err e = ERR_STALE;

    write_backup(ID);
    OK(backup_info_read(&repo, &layout, ID, &back, &e));
    same(&back, &b);
    backup_info_clear(&back);
    ck_assert_int_eq(backup_info_read(&repo, &layout, EARLY, &back, &e), ERR_ABSENT);
}
END_TEST

START_TEST(a_summary_without_tablespaces_sources_and_texts_comes_back)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(RAW_MAX);
    struct backup_info b = sample(ID), back = {0};
    struct err e = ERR_STALE;

    b.tablespace_count = b.source_count = 0;
    b.label = b.origin = NULL;
    OK(backup_info_format(&b, &text, &e));
    OK(backup_info_parse(buf_cstr(&text), text.len, &back, &e));
    ck_assert_str_eq(back.label, "");
    ck_assert_uint_eq(back.tablespace_count + back.source_count, 0);
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

    OK(backup_info_format(&b, &text, &e));
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
    code = backup_info_parse(text, strlen(text), &back, e);
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

            if (others[i] == NULL)
                ck_assert_int_eq(json_object_del(of, name), 0);
            else
                ck_assert_int_eq(json_object_set_new(of, name, others[i]), 0);
            ck_assert_msg(parse_json(root, &e) == (list ? ERR_OK : ERR_CORRUPT), "%s, case %zu", name, i);
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

START_TEST(a_newer_format_is_called_so_whatever_else_it_has)
{
    static const char text[] = "{\"format\": 2, \"new\": []}";
    struct backup_info b = {0};
    struct err e = ERR_NONE;

    ck_assert_int_eq(backup_info_parse(text, strlen(text), &b, &e), ERR_CORRUPT);
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

    OK(backup_info_format(&b, &text, &e));
    for (size_t len = 0; len < text.len; len++)
        if (backup_info_parse((const char *) text.data, len, &back, &e) != ERR_CORRUPT)
            ck_abort_msg("cut at %zu", len);
}
END_TEST

START_TEST(a_text_that_is_no_utf8_can_not_be_written)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(RAW_MAX);
    struct backup_info b = sample(ID);
    struct err e = ERR_NONE;

    b.label = (char *) (uintptr_t) "\xFF";
    ck_assert_int_eq(backup_info_format(&b, &text, &e), ERR_IO);
    ck_assert_uint_eq(text.len, 0);
}
END_TEST

START_TEST(a_summary_copied_to_another_place_is_refused)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(RAW_MAX);
    struct backup_info back = {0};
    struct layout other;
    struct err e = ERR_NONE;

    write_backup(ID);
    raw_get(KEY(ID), &text);
    raw_put(KEY(LATE), text.data, text.len);
    ck_assert_int_eq(backup_info_read(&repo, &layout, LATE, &back, &e), ERR_CORRUPT);
    OK(layout_init(&other, "main", OTHER_SYSTEM, &e));
    raw_put("main/7000000000000001/backup/" ID "/backup.json", text.data, text.len);
    ck_assert_int_eq(backup_info_read(&repo, &other, ID, &back, &e), ERR_CORRUPT);
}
END_TEST

START_TEST(a_summary_is_written_once)
{
    struct backup_info b = sample(ID), back = {0};
    struct err e = ERR_STALE;

    write_backup(ID);
    OK(backup_info_write(&repo, &layout, &b, &e)); /* an answer was lost: the same again */
    ck_assert_str_eq(e.text, ERR_STALE.text);
    b.files++;
    ck_assert_int_eq(backup_info_write(&repo, &layout, &b, &e), ERR_CONFLICT);
    OK(backup_info_read(&repo, &layout, ID, &back, &e));
    ck_assert_uint_eq(back.files, 6);
    backup_info_clear(&back);
    fail_next(FAULTY_GET, ERR_UNREACHABLE);
    ck_assert_int_eq(backup_info_write(&repo, &layout, &b, &e), ERR_UNREACHABLE);
    fail_next(FAULTY_FINISH, ERR_DENIED);
    ck_assert_int_eq(backup_info_write(&repo, &layout, &b, &e), ERR_DENIED);
}
END_TEST

START_TEST(the_list_is_in_order_and_leaves_out_what_is_unfinished)
{
    struct backup_list list = {0};
    struct err e = ERR_STALE;
    size_t unfinished = 77;
    uint64_t before;

    OK(backup_list_read(&repo, &layout, &list, &unfinished, &e));
    ck_assert_uint_eq(list.count + list.damaged_count + unfinished, 0);
    backup_list_clear(&list);
    write_backup(LATE);
    write_backup(EARLY);
    raw_text("main/6789abcdef012345/backup/" ID "/pack-000000", "x");
    raw_text("main/6789abcdef012345/backup/x" ID "/pack-000000", "x");
    raw_text("main/6789abcdef012345/backup/notes/x", "x");
    raw_text("main/6789abcdef012345/backup/20261201T021500Z-1a2b", "an object, no directory");
    before = requests();
    OK(backup_list_read(&repo, &layout, &list, &unfinished, &e));
    ck_assert_uint_eq(requests() - before, 4);
    ck_assert_uint_eq(list.count, 2);
    ck_assert_str_eq(list.list[0].id, EARLY);
    ck_assert_str_eq(list.list[1].id, LATE);
    ck_assert_uint_eq(unfinished, 1);
    ck_assert_uint_eq(list.damaged_count, 0);
    backup_list_clear(&list);
    OK(backup_list_read(&repo, &layout, &list, NULL, &e));
    backup_list_clear(&list);
}
END_TEST

START_TEST(a_damaged_summary_is_named_and_hides_no_other)
{
    CLEANUP(buf_clear) struct buf good = BUF_INIT(RAW_MAX);
    struct backup_list list = {0};
    struct err e = ERR_NONE;
    size_t big = (size_t) 17 << 20;
    char *blanks = malloc(big);

    ck_assert_ptr_nonnull(blanks);
    memset(blanks, ' ', big);
    write_backup(EARLY);
    write_backup(LATE);
    raw_get(KEY(LATE), &good);
    for (int i = 0; i < 6; i++) {
        size_t unfinished = 77;

        switch (i) {
        case 0:
            raw_text(KEY(ID), "");
            break;
        case 1:
            raw_put(KEY(ID), good.data, good.len / 2);
            break;
        case 2:
            raw_put(KEY(ID), good.data, good.len); /* another backup's */
            break;
        case 3:
            raw_text(KEY(ID), "{\"format\": 2}");
            break;
        case 4:
            raw_text(KEY(ID), "{\"format\": 1}");
            break;
        default:
            raw_put(KEY(ID), blanks, big);
            break;
        }
        OK(backup_list_read(&repo, &layout, &list, &unfinished, &e));
        ck_assert_uint_eq(list.count, 2);
        ck_assert_str_eq(list.list[0].id, EARLY);
        ck_assert_str_eq(list.list[1].id, LATE);
        ck_assert_uint_eq(unfinished, 0);
        ck_assert_uint_eq(list.damaged_count, 1);
        ck_assert_str_eq(list.damaged[0].id, ID);
        ck_assert_str_ne(list.damaged[0].why, "");
        backup_list_clear(&list);
    }
    free(blanks);
}
END_TEST

START_TEST(a_summary_that_can_not_be_had_fails_the_list)
{
    static const enum err_code kinds[] = {ERR_UNREACHABLE, ERR_DENIED, ERR_CORRUPT, ERR_IO};
    struct backup_list list = {0};
    struct err e = ERR_NONE;

    write_backup(EARLY);
    write_backup(ID);
    for (size_t i = 0; i < COUNT(kinds); i++) {
        size_t unfinished = 77;

        faulty_fail(repo.store, &(struct faulty_plan){.at = FAULTY_GET, .nth = 2, .kind = kinds[i]});
        ck_assert_int_eq(backup_list_read(&repo, &layout, &list, &unfinished, &e), kinds[i]);
        fail_next(FAULTY_LIST, kinds[i]);
        ck_assert_int_eq(backup_list_read(&repo, &layout, &list, &unfinished, &e), kinds[i]);
        ck_assert_uint_eq(unfinished, 77);
        ck_assert_ptr_null(list.list);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_summary_comes_back_as_written,
        a_summary_without_tablespaces_sources_and_texts_comes_back,
        every_member_missing_or_of_another_type_is_refused,
        impossible_values_are_refused,
        a_newer_format_is_called_so_whatever_else_it_has,
        members_of_a_later_program_are_passed_over,
        every_cut_is_refused,
        a_text_that_is_no_utf8_can_not_be_written,
        a_summary_copied_to_another_place_is_refused,
        a_summary_is_written_once,
        the_list_is_in_order_and_leaves_out_what_is_unfinished,
        a_damaged_summary_is_named_and_hides_no_other,
        a_summary_that_can_not_be_had_fails_the_list,
    };

    return check_main(suite_in_memory("repo/backup_info", tests, COUNT(tests)));
}
