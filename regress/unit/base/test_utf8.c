/*
 * test_utf8.c - what is UTF-8 and what is not, at the edges of every form.
 */
#include "base/utf8.h"

#include "check_main.h"

#include <stdint.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* As the standard's figure writes it; 1 to 4 bytes and a NUL. */
static void encode(uint32_t c, char out[5])
{
    size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0x00, 0xC0, 0xE0, 0xF0};

    memset(out, 0, 5);
    for (size_t i = len; i-- > 1; c >>= 6)
        out[i] = (char) (0x80 | (c & 0x3F));
    out[0] = (char) (lead[len] | c);
}

START_TEST(every_character_but_surrogates_is_valid)
{
    char text[5];

    for (uint32_t c = 1; c <= 0x10FFFF; c++) {
        encode(c, text);
        if (utf8_is_valid(text) != (c < 0xD800 || c > 0xDFFF))
            ck_abort_msg("U+%04X", c);
    }
}
END_TEST

START_TEST(what_is_no_character_is_refused_wherever_it_stands)
{
    static const char *const table[] = {
        "\x80", /* none begins so */
        "\xBF",
        "\xC0\xAF", /* longer than needed */
        "\xC1\xBF",
        "\xE0\x80\xAF",
        "\xE0\x9F\xBF",
        "\xF0\x80\x80\xAF",
        "\xF0\x8F\xBF\xBF",
        "\xED\xA0\x80", /* a surrogate */
        "\xED\xBF\xBF",
        "\xF4\x90\x80\x80", /* above U+10FFFF */
        "\xF5\x80\x80\x80",
        "\xFE",
        "\xFF",
        "\xC3", /* cut */
        "\xE2\x82",
        "\xF0\x9F\x98",
        "\xC3(", /* not continued */
        "\xE2(\x82",
        "\xE2\x82(",
        "\xF0\x9F\x98(",
        "\xC3\xC3\xA4",
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        char text[16] = "a\xC3\xA4";

        ck_assert_msg(!utf8_is_valid(table[i]), "row %zu", i);
        ck_assert(utf8_is_valid(text));
        strcat(text, table[i]);
        ck_assert_msg(!utf8_is_valid(text), "row %zu", i);
        strcat(text, "b");
        ck_assert_msg(!utf8_is_valid(text), "row %zu", i);
    }
    ck_assert(utf8_is_valid(""));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        every_character_but_surrogates_is_valid,
        what_is_no_character_is_refused_wherever_it_stands,
    };

    return check_main(suite_of("base/utf8", tests, COUNT(tests)));
}
