/*
 * test_wal_crossing.c - what crosses a segment's borders comes back from its text.
 */
#include "repo/wal_crossing.h"

#include "check_main.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct walcut cut_of(uint8_t len)
{
    struct walcut c = {.len = len};

    for (uint8_t i = 0; i < len; i++)
        c.bytes[i] = (uint8_t) (i * 37 + len);
    return c;
}

static bool same_cut(const struct walcut *a, const struct walcut *b)
{
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}

START_TEST(any_crossing_comes_back_as_it_was)
{
    for (uint8_t rest = 0; rest <= WALCUT_MAX; rest++)
        for (uint8_t begun = 0; begun <= WALCUT_MAX; begun++) {
            const struct wal_crossing c = {cut_of(rest), cut_of(begun), rest > begun};
            struct wal_crossing back;
            char text[WAL_CROSSING_TEXT_MAX];

            wal_crossing_format(&c, text);
            ck_assert_uint_lt(strlen(text), WAL_CROSSING_TEXT_MAX);
            ck_assert_msg(wal_crossing_parse(text, &back), "%s", text);
            ck_assert(same_cut(&back.rest, &c.rest) && same_cut(&back.begun, &c.begun) &&
                      back.is_rest == c.is_rest);
        }
}
END_TEST

START_TEST(a_segment_that_nothing_crosses_is_told_shortly)
{
    const struct wal_crossing none = {.is_rest = false};
    char text[WAL_CROSSING_TEXT_MAX];

    wal_crossing_format(&none, text);
    ck_assert_str_eq(text, "- - 0");
}
END_TEST

#define ONE_BYTE_TOO_MANY \
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f30"

START_TEST(a_text_of_any_other_form_is_none)
{
    static const char *const bad[] = {"",
                                      "-",
                                      "- -",
                                      "- - ",
                                      "- - 2",
                                      "- - 00",
                                      "- - 0 ",
                                      "-  - 0",
                                      " - - 0",
                                      "-- - 0",
                                      "-a - 0",
                                      "a - 0",
                                      "aB - 0",
                                      "ab -- 0",
                                      "abc - 0",
                                      "- ab- 1",
                                      "- - 0\n",
                                      "ab,cd - 0",
                                      ONE_BYTE_TOO_MANY " - 0"};

    for (size_t i = 0; i < COUNT(bad); i++) {
        struct wal_crossing out = {.is_rest = true};

        ck_assert_msg(!wal_crossing_parse(bad[i], &out), "%s", bad[i]);
        ck_assert(out.is_rest);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        any_crossing_comes_back_as_it_was,
        a_segment_that_nothing_crosses_is_told_shortly,
        a_text_of_any_other_form_is_none,
    };

    return check_main(suite_of("repo/wal_crossing", tests, COUNT(tests)));
}
