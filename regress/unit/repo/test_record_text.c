/*
 * test_record_text.c - fields have one spelling, lines an end. What texts of records are made of is seen at work in
 * test_backup_index.c and test_backup_catalog.c.
 */
#include "repo/record_text.h"

#include "check_main.h"
#include "stream/buf_sink.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

START_TEST(a_number_has_one_spelling)
{
    static const struct {
        const char *field;
        int base;
        uint64_t max;
        bool good;
        uint64_t value;
    } table[] = {
        {"0", 10, 9, true, 0},
        {"9", 10, 9, true, 9},
        {"10", 10, 9, false, 0},
        {"00", 10, 9, false, 0},
        {"07", 10, 9, false, 0},
        {"", 10, 9, false, 0},
        {"+1", 10, 9, false, 0},
        {"-1", 10, UINT64_MAX, false, 0},
        {" 1", 10, 9, false, 0},
        {"1 ", 10, 9, false, 0},
        {"0x1", 10, 9, false, 0},
        {"8", 8, 9, false, 0},
        {"755", 8, 07777, true, 0755},
        {"18446744073709551615", 10, UINT64_MAX, true, UINT64_MAX},
        {"18446744073709551616", 10, UINT64_MAX, false, 0},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        uint64_t value = 0;

        ck_assert_msg(record_number(table[i].field, table[i].base, table[i].max, &value) == table[i].good,
                      "\"%s\"", table[i].field);
        if (table[i].good)
            ck_assert_uint_eq(value, table[i].value);
    }
}
END_TEST

START_TEST(a_text_has_one_spelling)
{
    static const struct {
        const char *field, *plain; /* NULL: refused */
    } table[] = {
        {"", ""},           {"a", "a"},       {"a%20b", "a b"}, {"%25", "%"},   {"caf%C3%A9", "caf\xC3\xA9"},
        {"%09%0A", "\t\n"}, {"\"';", "\"';"}, {"a b", NULL},    {"%", NULL},    {"%4", NULL},
        {"%41", NULL},      {"%c3", NULL},    {"%00", NULL},    {"\xC3", NULL}, {"%G0", NULL},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        char field[64];

        (void) snprintf(field, sizeof(field), "%s", table[i].field);
        ck_assert_msg(record_decode(field) == (table[i].plain != NULL), "\"%s\"", table[i].field);
        if (table[i].plain != NULL)
            ck_assert_str_eq(field, table[i].plain);
    }
}
END_TEST

/* So many texts of so many bytes that need three each. */
static enum err_code write_texts(size_t count, size_t len, struct buf *out, struct err *e)
{
    CLEANUP(sink_freep) struct sink *to = NULL;
    static char text[RECORD_TEXT_MAX + 2];
    const char *texts[8];

    memset(text, '\xFF', len);
    text[len] = '\0';
    for (size_t i = 0; i < count; i++)
        texts[i] = text;
    return buf_sink_new(out, &to, e) == ERR_OK ? record_write(to, "P\t1", texts, count, e) : e->code;
}

START_TEST(no_line_is_written_that_would_not_be_read)
{
    static const struct {
        size_t count, len;
        enum err_code code;
    } table[] = {
        {1, RECORD_TEXT_MAX, ERR_OK},
        {1, RECORD_TEXT_MAX + 1, ERR_CORRUPT},
        {2, RECORD_TEXT_MAX, ERR_OK},
        {3, RECORD_TEXT_MAX, ERR_CORRUPT},
        {8, 1364, ERR_OK},
        {8, 1365, ERR_CORRUPT},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        CLEANUP(buf_clear) struct buf out = BUF_INIT((size_t) 1 << 20);
        struct err e = ERR_NONE;

        ck_assert_int_eq(write_texts(table[i].count, table[i].len, &out, &e), table[i].code);
        if (table[i].code == ERR_OK)
            ck_assert_uint_eq(out.len, strlen("P\t1\n") + table[i].count * (3 * table[i].len + 1));
        else
            ck_assert_uint_eq(out.len, 0);
        ck_assert_uint_le(out.len, RECORD_LINE_MAX);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_number_has_one_spelling, a_text_has_one_spelling,
                                  no_line_is_written_that_would_not_be_read};

    return check_main(suite_of("repo/record_text", tests, COUNT(tests)));
}
