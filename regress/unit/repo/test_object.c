/*
 * test_object.c - an object is stored once, compared by its descriptor, and read back verified or not at all.
 */
#include "repo/object.h"

#include "codec/seal.h"
#include "in_memory.h"

#define KEY  "main/6789abcdef012345/wal/00000002.history"
#define NAME "00000002.history"

static const char content[] = "1\t0/3000000\tno recovery target specified\n";

static enum err_code put_as(const char *key, const char *kind, const char *name, const char *bytes,
                            size_t len, enum object_outcome *outcome, struct err *e)
{
    CLEANUP(descriptor_clear) struct descriptor d = {0};

    ck_assert_int_eq(object_describe_new(&repo, kind, name, &d, e), ERR_OK);
    return object_put_bytes(&repo, key, &d, bytes, len, outcome, e);
}

static void put(void)
{
    enum object_outcome outcome;
    struct err e = ERR_NONE;

    OK(put_as(KEY, "history", NAME, content, sizeof(content) - 1, &outcome, &e));
    ck_assert_int_eq(outcome, OBJECT_STORED);
}

static enum err_code get(struct err *e)
{
    CLEANUP(buf_clear) struct buf out = BUF_INIT(1 << 20);
    enum err_code code = object_get_bytes(&repo, KEY, "history", NAME, &out, e);

    if (code != ERR_OK)
        ck_assert_uint_eq(out.len, 0);
    else if (out.len != sizeof(content) - 1 || memcmp(out.data, content, out.len) != 0)
        ck_abort_msg("other bytes came back");
    return code;
}

START_TEST(an_object_comes_back_with_one_request_each_way)
{
    struct err e = ERR_STALE;
    uint64_t before = requests();

    put();
    ck_assert_uint_eq(requests(), before + 1);
    OK(get(&e));
    ck_assert_uint_eq(requests(), before + 2);
    ck_assert_str_eq(e.text, ERR_STALE.text);
}
END_TEST

START_TEST(a_sealed_object_needs_its_identity_and_keeps_the_denial)
{
    struct err e = ERR_NONE;

    use_new_key(true);
    put();
    OK(get(&e));
    identities_clear(&repo.identities);
    ck_assert_int_eq(get(&e), ERR_DENIED);
    use_new_key(true);
    ck_assert_int_eq(get(&e), ERR_DENIED);
    ck_assert_ptr_nonnull(strstr(e.text, KEY));
}
END_TEST

START_TEST(an_unencrypted_object_does_not_pass_where_an_identity_is_configured)
{
    struct err e = ERR_NONE;

    put();
    use_new_key(true);
    ck_assert_int_eq(get(&e), ERR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(e.text, "is not encrypted"));
    repo.accept_unencrypted = true;
    e = ERR_NONE;
    OK(get(&e));
    repo.accept_unencrypted = false;
}
END_TEST

START_TEST(an_empty_object_is_an_object)
{
    CLEANUP(buf_clear) struct buf out = BUF_INIT(16);
    enum object_outcome outcome;
    struct err e = ERR_NONE;

    OK(put_as(KEY, "history", NAME, NULL, 0, &outcome, &e));
    OK(object_get_bytes(&repo, KEY, NULL, NULL, &out, &e));
    ck_assert_uint_eq(out.len, 0);
}
END_TEST

START_TEST(a_taken_key_is_decided_by_the_stored_descriptor)
{
    static const struct {
        const char *kind, *name, *content;
        enum err_code code;
        const char *why;
    } table[] = {
        {"history", NAME, content, ERR_OK, "the same once more"},
        {"history", NAME, "1\t0/3000001\tno recovery target specified\n", ERR_CONFLICT,
         "other bytes, same length"},
        {"history", NAME, "1", ERR_CONFLICT, "other length"},
        {"wal", NAME, content, ERR_CONFLICT, "other kind"},
        {"history", "00000003.history", content, ERR_CONFLICT, "fetch would refuse it under this name"},
    };

    put();
    for (size_t i = 0; i < COUNT(table); i++) {
        enum object_outcome outcome = OBJECT_STORED;
        struct err e = ERR_NONE;
        enum err_code code = put_as(KEY, table[i].kind, table[i].name, table[i].content,
                                    strlen(table[i].content), &outcome, &e);

        ck_assert_msg(code == table[i].code, "%s: %s", table[i].why, e.text);
        ck_assert_int_eq(e.code, code); /* the conflict met on the way is no error any more */
        ck_assert_int_eq(outcome, code == ERR_OK ? OBJECT_ALREADY_THERE : OBJECT_STORED);
        if (code != ERR_OK) {
            const char *there = strstr(e.text, "there from host ");

            ck_assert_ptr_nonnull(there);
            ck_assert_ptr_nonnull(strstr(there, "here from host "));
            ck_assert_str_ne(e.hint, "");
        }
    }
}
END_TEST

START_TEST(an_origin_tells_the_directory_and_can_always_be_stored)
{
    static const struct {
        const char *directory, *expected;
    } table[] = {
        {NULL, ", 20"},
        {"/srv/pgdata", ", /srv/pgdata, 20"},
        {"/srv/M\xc3\xbcnchen\n\xff", ", /srv/M??nchen??, 20"},
    };
    char origin[DESCRIPTOR_TEXT_MAX], path[4096];

    for (size_t i = 0; i < COUNT(table); i++) {
        object_origin(table[i].directory, origin, sizeof(origin));
        ck_assert_msg(strncmp(strchr(origin, ','), table[i].expected, strlen(table[i].expected)) == 0, "%s",
                      origin);
    }
    memset(path, 'x', sizeof(path));
    memcpy(path + sizeof(path) - 9, "/pg/data", 9);
    object_origin(path, origin, sizeof(origin));
    ck_assert_ptr_nonnull(strstr(origin, ", ...xxx"));
    ck_assert_ptr_nonnull(strstr(origin, "xxx/pg/data, 20"));
    ck_assert_ptr_nonnull(strstr(origin, ", pitr "));
}
END_TEST

START_TEST(content_stored_for_other_recipients_is_there_all_the_same)
{
    enum object_outcome outcome = OBJECT_STORED;
    struct err e = ERR_NONE;

    use_new_key(false);
    put();
    use_new_key(false);
    OK(put_as(KEY, "history", NAME, content, sizeof(content) - 1, &outcome, &e));
    ck_assert_int_eq(outcome, OBJECT_ALREADY_THERE);
}
END_TEST

START_TEST(what_can_not_be_compared_is_never_success)
{
    CLEANUP(buf_clear) struct buf good = BUF_INIT(RAW_MAX);

    put();
    raw_get(KEY, &good);
    for (int i = 0; i < 6; i++) {
        enum object_outcome outcome;
        struct err e = ERR_NONE;
        CLEANUP(buf_clear) struct buf bad = BUF_INIT(RAW_MAX);

        OK(buf_append(&bad, good.data, good.len, &e));
        switch (i) {
        case 0:
            bad.len = 0;
            break;
        case 1:
            bad.len = DESCRIPTOR_HEAD - 1;
            break;
        case 2:
            bad.len = DESCRIPTOR_HEAD + 5;
            break;
        case 3: /* newer format */
            bad.data[8] = 2;
            break;
        case 4: /* in the JSON text: its CRC-32C does not fit any more */
            bad.data[DESCRIPTOR_HEAD + 9] ^= 1;
            break;
        default: /* not sealed at all */
            memset(bad.data, 'x', bad.len);
            break;
        }
        raw_put(KEY, bad.data, bad.len);
        ck_assert_msg(put_as(KEY, "history", NAME, content, sizeof(content) - 1, &outcome, &e) == ERR_CORRUPT,
                      "case %d: %s", i, e.text);
    }
}
END_TEST

START_TEST(an_object_without_size_is_neither_equal_nor_put)
{
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    CLEANUP(buf_clear) struct buf object = BUF_INIT(1 << 20);
    struct frame_seal seal;
    enum object_outcome outcome;
    struct err e = ERR_NONE;

    OK(object_describe_new(&repo, "history", NAME, &d, &e));
    ck_assert_int_eq(object_put(&repo, KEY, &d, NULL, NULL, &outcome, &e), ERR_USAGE);
    OK(seal_begin(&d, NULL, &seal, &object, &e));
    raw_put(KEY, object.data, object.len);
    ck_assert_int_eq(put_as(KEY, "history", NAME, content, sizeof(content) - 1, &outcome, &e), ERR_CONFLICT);
}
END_TEST

START_TEST(an_answer_lost_after_the_put_makes_the_next_try_find_it_there)
{
    enum object_outcome outcome = OBJECT_STORED;
    struct err e = ERR_NONE;

    use_new_key(true);
    fail_next(FAULTY_FINISH_LATE, ERR_UNREACHABLE);
    ck_assert_int_eq(put_as(KEY, "history", NAME, content, sizeof(content) - 1, &outcome, &e),
                     ERR_UNREACHABLE);
    OK(put_as(KEY, "history", NAME, content, sizeof(content) - 1, &outcome, &e));
    ck_assert_int_eq(outcome, OBJECT_ALREADY_THERE);
    OK(get(&e));
}
END_TEST

START_TEST(a_conflict_is_compared_whenever_the_store_tells_of_it)
{
    static const enum faulty_point points[] = {FAULTY_PUT_OPEN, FAULTY_WRITE, FAULTY_FINISH};

    put();
    for (size_t i = 0; i < COUNT(points); i++) {
        enum object_outcome outcome = OBJECT_STORED;
        struct err e = ERR_NONE;

        fail_next(points[i], ERR_CONFLICT);
        OK(put_as(KEY, "history", NAME, content, sizeof(content) - 1, &outcome, &e));
        ck_assert_int_eq(outcome, OBJECT_ALREADY_THERE);
    }
}
END_TEST

START_TEST(an_object_removed_before_it_could_be_compared_is_a_try_to_repeat)
{
    enum object_outcome outcome;
    struct err e = ERR_NONE;

    fail_next(FAULTY_FINISH, ERR_CONFLICT);
    ck_assert_int_eq(put_as(KEY, "history", NAME, content, sizeof(content) - 1, &outcome, &e),
                     ERR_UNREACHABLE);
    OK(put_as(KEY, "history", NAME, content, sizeof(content) - 1, &outcome, &e));
    ck_assert_int_eq(outcome, OBJECT_STORED);
}
END_TEST

/* What a put of "mine" meets, and how that ends. */
START_TEST(bytes_under_a_key_of_our_own_are_ours_or_a_conflict)
{
    static const struct {
        const char *there;
        enum faulty_point at;
        enum err_code kind, code;
        const char *why;
    } table[] = {
        {NULL, FAULTY_NEVER, ERR_OK, ERR_OK, "the key is free"},
        {NULL, FAULTY_FINISH_LATE, ERR_CONFLICT, ERR_OK, "the store's second try met its first"},
        {NULL, FAULTY_FINISH, ERR_UNREACHABLE, ERR_UNREACHABLE, "nothing was stored"},
        {"mine", FAULTY_NEVER, ERR_OK, ERR_OK, "an answer was lost, and this is the next try"},
        {"mine, longer", FAULTY_NEVER, ERR_OK, ERR_CONFLICT, "begins like ours"},
        {"min", FAULTY_NEVER, ERR_OK, ERR_CONFLICT, "ends early"},
        {"yours", FAULTY_NEVER, ERR_OK, ERR_CONFLICT, "another's"},
        {"mine", FAULTY_GET, ERR_DENIED, ERR_DENIED, "can't be compared"},
        {"mine", FAULTY_GET, ERR_ABSENT, ERR_UNREACHABLE, "removed in between"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct err e = ERR_STALE;
        enum err_code code;

        OK(store_remove(repo.store, KEY, &e));
        if (table[i].there != NULL)
            raw_text(KEY, table[i].there);
        faulty_fail(repo.store, &(struct faulty_plan){.at = table[i].at, .kind = table[i].kind});
        code = object_put_own(&repo, KEY, "mine", 4, &e);
        ck_assert_msg(code == table[i].code, "%s: %s", table[i].why, e.text);
        ck_assert_str_eq(code == ERR_OK ? e.text : ERR_STALE.text, ERR_STALE.text);
        faulty_fail(repo.store, NULL);
    }
}
END_TEST

START_TEST(a_store_that_fails_while_comparing_fails_the_put)
{
    enum object_outcome outcome;
    struct err e = ERR_NONE;

    put();
    fail_next(FAULTY_GET, ERR_UNREACHABLE);
    ck_assert_int_eq(put_as(KEY, "history", NAME, content, sizeof(content) - 1, &outcome, &e),
                     ERR_UNREACHABLE);
}
END_TEST

START_TEST(absence_is_the_stores_own_word)
{
    struct err e = ERR_NONE;
    static const enum err_code kinds[] = {ERR_UNREACHABLE, ERR_DENIED, ERR_CORRUPT, ERR_IO};

    ck_assert_int_eq(get(&e), ERR_ABSENT);
    put();
    for (size_t i = 0; i < COUNT(kinds); i++) {
        fail_next(FAULTY_GET, kinds[i]);
        ck_assert_int_eq(get(&e), kinds[i]);
    }
}
END_TEST

START_TEST(an_object_of_another_kind_or_name_is_refused)
{
    CLEANUP(buf_clear) struct buf out = BUF_INIT(1 << 20);
    static const struct {
        const char *kind, *name;
        enum err_code code;
    } table[] = {
        {"history", NAME, ERR_OK},
        {NULL, NAME, ERR_OK},
        {"history", NULL, ERR_OK},
        {"wal", NAME, ERR_CORRUPT},
        {"history", "00000003.history", ERR_CORRUPT},
        {"histor", NULL, ERR_CORRUPT},
    };

    put();
    for (size_t i = 0; i < COUNT(table); i++) {
        struct err e = ERR_NONE;
        size_t before = out.len;

        ck_assert_int_eq(object_get_bytes(&repo, KEY, table[i].kind, table[i].name, &out, &e), table[i].code);
        if (table[i].code != ERR_OK)
            ck_assert_uint_eq(out.len, before);
    }
}
END_TEST

static void every_damage_is_refused(bool sealed)
{
    CLEANUP(buf_clear) struct buf object = BUF_INIT(RAW_MAX);

    if (sealed)
        use_new_key(true);
    put();
    raw_get(KEY, &object);
    for (size_t i = 0; i < object.len; i++) {
        struct err e = ERR_NONE;

        object.data[i] ^= 0x20;
        raw_put(KEY, object.data, object.len);
        object.data[i] ^= 0x20;
        if (get(&e) == ERR_OK)
            ck_abort_msg("byte %zu", i);
        raw_put(KEY, object.data, i);
        if (get(&e) != ERR_CORRUPT)
            ck_abort_msg("cut at %zu: %s", i, e.text);
    }
}

START_TEST(every_damaged_byte_and_every_cut_is_refused)
{
    every_damage_is_refused(false);
}
END_TEST

START_TEST(every_damaged_byte_and_every_cut_of_a_sealed_object_is_refused)
{
    every_damage_is_refused(true);
}
END_TEST

static enum err_code get_with(struct descriptor *info, struct err *e)
{
    CLEANUP(buf_clear) struct buf out = BUF_INIT(1 << 20);
    struct sink *to;

    return buf_sink_new(&out, &to, e) != ERR_OK ? e->code : object_get(&repo, KEY, NULL, NULL, to, info, e);
}

START_TEST(the_descriptor_is_handed_out_on_success_only)
{
    CLEANUP(buf_clear) struct buf object = BUF_INIT(RAW_MAX);
    CLEANUP(descriptor_clear) struct descriptor d = {0};
    struct descriptor info = {.level = 77};
    enum object_outcome outcome;
    struct err e = ERR_NONE;

    OK(object_describe_new(&repo, "history", NAME, &d, &e));
    d.facts = json_pack("{s:s}", "more", "facts");
    OK(object_put_bytes(&repo, KEY, &d, content, sizeof(content) - 1, &outcome, &e));
    raw_get(KEY, &object);
    raw_put(KEY, object.data, object.len - 1);
    ck_assert_int_eq(get_with(&info, &e), ERR_CORRUPT);
    ck_assert_int_eq(info.level, 77);
    ck_assert_ptr_null(info.facts);
    raw_put(KEY, object.data, object.len);
    OK(get_with(&info, &e));
    ck_assert_str_eq(info.name, NAME);
    ck_assert_str_eq(json_string_value(json_object_get(info.facts, "more")), "facts");
    descriptor_clear(&info);
}
END_TEST

START_TEST(a_long_descriptor_takes_a_second_request)
{
    static const size_t lengths[] = {10, 3000, 9000, 60000};

    for (size_t i = 0; i < COUNT(lengths); i++) {
        CLEANUP(descriptor_clear) struct descriptor d = {0}, found = {0};
        char *padding = calloc(1, lengths[i] + 1);
        enum object_outcome outcome;
        struct err e = ERR_NONE;
        uint64_t before;

        ck_assert_ptr_nonnull(padding);
        memset(padding, 'p', lengths[i]);
        OK(store_remove(repo.store, KEY, &e));
        OK(object_describe_new(&repo, "history", NAME, &d, &e));
        d.facts = json_pack("{s:s}", "padding", padding);
        OK(object_put_bytes(&repo, KEY, &d, content, sizeof(content) - 1, &outcome, &e));
        before = requests();
        OK(object_descriptor(&repo, KEY, &found, &e));
        ck_assert_uint_eq(requests() - before, lengths[i] > 4000 ? 2 : 1);
        ck_assert_uint_eq(json_string_length(json_object_get(found.facts, "padding")), lengths[i]);
        free(padding);
    }
}
END_TEST

START_TEST(an_object_beyond_the_callers_ceiling_is_refused)
{
    CLEANUP(buf_clear) struct buf out = BUF_INIT(8);
    struct err e = ERR_NONE;

    put();
    OK(buf_puts(&out, "before", &e));
    ck_assert_int_eq(object_get_bytes(&repo, KEY, NULL, NULL, &out, &e), ERR_CORRUPT);
    ck_assert_uint_eq(out.len, 6);
}
END_TEST

START_TEST(a_name_that_does_not_fit_is_refused)
{
    char name[DESCRIPTOR_TEXT_MAX + 1];
    struct descriptor d;
    struct err e = ERR_NONE;

    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    ck_assert_int_eq(object_describe_new(&repo, "history", name, &d, &e), ERR_USAGE);
    ck_assert_int_eq(object_describe_new(&repo, name, "x", &d, &e), ERR_USAGE);
    OK(object_describe_new(&repo, "history", name + 1, &d, &e));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        an_object_comes_back_with_one_request_each_way,
        a_sealed_object_needs_its_identity_and_keeps_the_denial,
        an_unencrypted_object_does_not_pass_where_an_identity_is_configured,
        an_empty_object_is_an_object,
        a_taken_key_is_decided_by_the_stored_descriptor,
        an_origin_tells_the_directory_and_can_always_be_stored,
        content_stored_for_other_recipients_is_there_all_the_same,
        what_can_not_be_compared_is_never_success,
        an_object_without_size_is_neither_equal_nor_put,
        an_answer_lost_after_the_put_makes_the_next_try_find_it_there,
        a_conflict_is_compared_whenever_the_store_tells_of_it,
        an_object_removed_before_it_could_be_compared_is_a_try_to_repeat,
        bytes_under_a_key_of_our_own_are_ours_or_a_conflict,
        a_store_that_fails_while_comparing_fails_the_put,
        absence_is_the_stores_own_word,
        an_object_of_another_kind_or_name_is_refused,
        every_damaged_byte_and_every_cut_is_refused,
        every_damaged_byte_and_every_cut_of_a_sealed_object_is_refused,
        the_descriptor_is_handed_out_on_success_only,
        a_long_descriptor_takes_a_second_request,
        an_object_beyond_the_callers_ceiling_is_refused,
        a_name_that_does_not_fit_is_refused,
    };

    return check_main(suite_in_memory("repo/object", tests, COUNT(tests)));
}
