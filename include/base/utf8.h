/*
 * base/utf8.h - is a text UTF-8? PURE.
 *
 * Source    The Unicode Standard, table 3-7: no byte sequence longer than needed, no surrogates, nothing above
 *           U+10FFFF.
 */
#pragma once
#include <stdbool.h>

bool utf8_is_valid(const char *text);
