#include "codec/keys.h"

#include "sealing.h"

enum line_kind { PUBLIC, SECRET };

static void a_line_of(enum line_kind kind, const struct identity *id, char out[KEY_TEXT_MAX])
{
    struct recipient r;

    memcpy(r.public_key, id->public_key, KEY_BYTES);
    if (kind == PUBLIC)
        recipient_format(&r, out);
    else
        identity_format(id, out);
}

START_TEST(key_files_are_read_with_comments_blanks_and_any_line_end)
{
    struct key_set k;
    struct recipients to = {0};
    struct identities with = {0};
    struct err e = ERR_NONE;
    char a[KEY_TEXT_MAX], b[KEY_TEXT_MAX], text[1024];

    key_set_init(&k, 2);
    a_line_of(PUBLIC, &k.ids[0], a);
    a_line_of(PUBLIC, &k.ids[1], b);
    ck_assert_uint_eq(strlen(a), KEY_TEXT_MAX - 1);
    (void) snprintf(text, sizeof(text), "# keys\n\n  %s  # alice\r\n\t\n%s\n%s", a, b, a);
    OK(recipients_parse(text, "file \"r\"", &to, &e));
    ck_assert_uint_eq(to.count, 2); /* given twice counts once */
    ck_assert_mem_eq(to.list[0].public_key, k.ids[0].public_key, KEY_BYTES);
    ck_assert_mem_eq(to.list[1].public_key, k.ids[1].public_key, KEY_BYTES);
    a_line_of(SECRET, &k.ids[0], a);
    a_line_of(SECRET, &k.ids[1], b);
    (void) snprintf(text, sizeof(text), "%s\n# old\n%s\n%s\n", a, b, b);
    OK(identities_parse(text, "file \"i\"", &with, &e));
    ck_assert_uint_eq(with.count, 2);
    ck_assert_mem_eq(with.list, k.ids, 2 * sizeof(*k.ids));
    recipients_clear(&to);
    identities_clear(&with);
    ck_assert_ptr_null(with.list);
}
END_TEST

/* The message names source and line, and nothing of the key. */
static void ck_bad(const char *text, const char *expected)
{
    struct recipients to = {0};
    struct identities with = {0};
    struct err er = ERR_NONE, ei = ERR_NONE;

    ck_assert_int_eq(recipients_parse(text, "file \"k\"", &to, &er), ERR_USAGE);
    ck_assert_int_eq(identities_parse(text, "file \"k\"", &with, &ei), ERR_USAGE);
    ck_assert_msg(strstr(er.text, expected) != NULL, "\"%s\" not in \"%s\"", expected, er.text);
    ck_assert_msg(strstr(ei.text, expected) != NULL, "\"%s\" not in \"%s\"", expected, ei.text);
    ck_assert_ptr_null(to.list);
    ck_assert_ptr_null(with.list);
}

START_TEST(files_without_a_good_key_are_refused)
{
    ck_bad("", "file \"k\" has no");
    ck_bad("# nothing\n\n", "file \"k\" has no");
    ck_bad("\npitr-pk2-00\n", "file \"k\", line 2: not a key");
    ck_bad("pitr-sk1", "file \"k\", line 1: not a key");
}
END_TEST

START_TEST(every_mistyped_digit_is_noticed_and_no_secret_is_shown)
{
    struct key_set k;
    char line[KEY_TEXT_MAX], wrong[KEY_TEXT_MAX];

    key_set_init(&k, 1);
    a_line_of(SECRET, &k.ids[0], line);
    for (size_t at = 9; at < KEY_TEXT_MAX - 1; at++) {
        static const char other[] = "01g";

        for (size_t i = 0; i < 3; i++) {
            struct identities with = {0};
            struct err e = ERR_NONE;

            if (line[at] == other[i])
                continue;
            memcpy(wrong, line, sizeof(wrong));
            wrong[at] = other[i];
            ck_assert_int_eq(identities_parse(wrong, "file \"k\"", &with, &e), ERR_USAGE);
            wrong[30] = '\0'; /* a part of the secret tells enough */
            ck_assert_ptr_null(strstr(e.text, wrong + 12));
            ck_assert_ptr_null(strstr(e.hint, wrong + 12));
        }
    }
}
END_TEST

START_TEST(a_key_of_the_other_kind_is_refused_with_a_hint)
{
    struct key_set k;
    struct recipients to = {0};
    struct identities with = {0};
    struct err e = ERR_NONE;
    char line[KEY_TEXT_MAX];

    key_set_init(&k, 1);
    a_line_of(SECRET, &k.ids[0], line);
    ck_assert_int_eq(recipients_parse(line, "file \"r\"", &to, &e), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(e.text, "file \"r\", line 1: secret key where a public key belongs"));
    ck_assert_ptr_nonnull(strstr(e.hint, "pitr-pk1-"));
    ck_assert_ptr_null(strstr(e.text, line + 9));
    a_line_of(PUBLIC, &k.ids[0], line);
    ck_assert_int_eq(identities_parse(line, "file \"i\"", &with, &e), ERR_USAGE);
    ck_assert_ptr_nonnull(strstr(e.text, "file \"i\", line 1: public key where a secret key belongs"));
}
END_TEST

START_TEST(more_recipients_than_an_object_can_name_are_refused)
{
    CLEANUP(buf_clear) struct buf text = BUF_INIT(100000);
    struct recipients to = {0};
    struct err e = ERR_NONE;
    char line[KEY_TEXT_MAX];

    for (int i = 0; i <= WRAPPED_KEYS_MAX; i++) {
        struct identity id;

        if (i == WRAPPED_KEYS_MAX) {
            OK(recipients_parse(buf_cstr(&text), "text", &to, &e));
            ck_assert_uint_eq(to.count, WRAPPED_KEYS_MAX);
            recipients_clear(&to);
        }
        OK(identity_generate(&id, &e));
        a_line_of(PUBLIC, &id, line);
        OK(buf_printf(&text, &e, "%s\n", line));
    }
    ck_assert_int_eq(recipients_parse(buf_cstr(&text), "text", &to, &e), ERR_USAGE);
    ck_assert_ptr_null(to.list);
}
END_TEST

START_TEST(every_recipient_unwraps_also_with_an_old_identity_among_several)
{
    struct key_set k, strangers;
    uint8_t data_key[KEY_BYTES] = "thirty-two bytes of data key ..", got[KEY_BYTES];
    struct wrapped_key wrapped[KEYS_MAX];
    struct err e = ERR_NONE;

    key_set_init(&k, 3);
    key_set_init(&strangers, 2);
    OK(key_wrap(data_key, &k.to, wrapped, &e));
    for (size_t i = 0; i < 3; i++) {
        struct identity list[3] = {strangers.ids[0], strangers.ids[1], k.ids[i]};
        struct identities with = {list, 3};

        memset(got, 0, sizeof(got));
        OK(key_unwrap(wrapped, 3, &with, got, &e));
        ck_assert_mem_eq(got, data_key, KEY_BYTES);
    }
}
END_TEST

START_TEST(a_wrong_identity_is_denied_and_told_whose_the_object_is)
{
    struct key_set k, strangers;
    uint8_t data_key[KEY_BYTES] = {0}, got[KEY_BYTES] = {1}, print[KEY_FINGERPRINT_BYTES];
    struct wrapped_key wrapped[KEYS_MAX];
    struct identities none = {0};
    struct err e = ERR_NONE;

    key_set_init(&k, 3);
    key_set_init(&strangers, 2);
    OK(key_wrap(data_key, &k.to, wrapped, &e));
    ck_assert_int_eq(key_unwrap(wrapped, 3, &strangers.with, got, &e), ERR_DENIED);
    for (size_t i = 0; i < 3; i++) {
        char text[2 * KEY_FINGERPRINT_BYTES + 1];

        key_fingerprint(k.ids[i].public_key, print);
        (void) snprintf(text, sizeof(text), "%02x%02x%02x%02x%02x%02x%02x%02x", print[0], print[1], print[2],
                        print[3], print[4], print[5], print[6], print[7]);
        ck_assert_msg(strstr(e.hint, text) != NULL, "%s not in: %s", text, e.hint);
    }
    ck_assert_int_eq(key_unwrap(wrapped, 3, &none, got, &e), ERR_DENIED);
    ck_assert_uint_eq(got[0], 1); /* untouched */
}
END_TEST

START_TEST(a_hint_names_all_of_sixteen_recipients)
{
    struct wrapped_key wrapped[WRAPPED_KEYS_MAX] = {0};
    struct identities none = {0};
    struct err e = ERR_NONE;
    uint8_t got[KEY_BYTES];

    memset(wrapped[WRAPPED_KEYS_MAX - 1].fingerprint, 0xee, KEY_FINGERPRINT_BYTES);
    ck_assert_int_eq(key_unwrap(wrapped, WRAPPED_KEYS_MAX, &none, got, &e), ERR_DENIED);
    ck_assert_ptr_nonnull(strstr(e.hint, "eeeeeeeeeeeeeeee"));
    ck_assert_ptr_null(strstr(e.hint, "..."));
}
END_TEST

START_TEST(every_flipped_byte_of_a_wrapped_key_is_refused)
{
    struct key_set k;
    uint8_t data_key[KEY_BYTES] = {7}, got[KEY_BYTES];
    struct wrapped_key one;
    struct err e = ERR_NONE;

    key_set_init(&k, 1);
    OK(key_wrap(data_key, &k.to, &one, &e));
    for (size_t at = 0; at < sizeof(one); at++) {
        uint8_t *byte = (uint8_t *) &one + at;

        *byte ^= 1;
        ck_assert_int_eq(key_unwrap(&one, 1, &k.with, got, &e),
                         at < KEY_FINGERPRINT_BYTES ? ERR_DENIED : ERR_CORRUPT);
        *byte ^= 1;
    }
    memset(one.ephemeral, 0, KEY_BYTES);
    ck_assert_int_eq(key_unwrap(&one, 1, &k.with, got, &e), ERR_CORRUPT);
}
END_TEST

START_TEST(an_unusable_recipient_is_refused_before_anything_is_stored)
{
    struct recipient zero = {{0}};
    struct recipients to = {&zero, 1};
    uint8_t data_key[KEY_BYTES] = {7};
    struct wrapped_key one;
    struct err e = ERR_NONE;

    ck_assert_int_eq(key_wrap(data_key, &to, &one, &e), ERR_USAGE);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {key_files_are_read_with_comments_blanks_and_any_line_end,
                                  files_without_a_good_key_are_refused,
                                  every_mistyped_digit_is_noticed_and_no_secret_is_shown,
                                  a_key_of_the_other_kind_is_refused_with_a_hint,
                                  more_recipients_than_an_object_can_name_are_refused,
                                  every_recipient_unwraps_also_with_an_old_identity_among_several,
                                  a_wrong_identity_is_denied_and_told_whose_the_object_is,
                                  a_hint_names_all_of_sixteen_recipients,
                                  every_flipped_byte_of_a_wrapped_key_is_refused,
                                  an_unusable_recipient_is_refused_before_anything_is_stored};

    return check_main(suite_of("codec/keys", tests, COUNT(tests)));
}
