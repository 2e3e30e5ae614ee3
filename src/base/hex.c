/*
 * base/hex.c - see base/hex.h. Reads twice: the output must stay as it was when a later digit is bad.
 */
#include "base/hex.h"

static const char digits[] = "0123456789abcdef";

void hex_format(const void *bytes, size_t len, char *out)
{
    const uint8_t *in = bytes;

    for (size_t i = 0; i < len; i++) {
        *out++ = digits[in[i] >> 4];
        *out++ = digits[in[i] & 15];
    }
    *out = '\0';
}

/* The digit's value, or 16. */
static unsigned digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned) (c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned) (c - 'a') + 10;
    if (c >= 'A' && c <= 'F')
        return (unsigned) (c - 'A') + 10;
    return 16;
}

enum err_code hex_parse(const char *text, void *bytes, size_t len, struct err *e)
{
    uint8_t *out = bytes;
    size_t count = 0;

    while (count < len * 2 && digit_value(text[count]) < 16)
        count++;
    if (count != len * 2 || text[count] != '\0')
        return err_set(e, ERR_CORRUPT, "expected exactly %zu hexadecimal digits", len * 2);
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t) (digit_value(text[2 * i]) << 4 | digit_value(text[2 * i + 1]));
    return ERR_OK;
}
