/*
 * base/hex.h - bytes as hexadecimal text, lower case out, either case in.
 */
#pragma once
#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

/* Write 2*len digits and a NUL to out (2*len+1 bytes). */
void hex_format(const void *bytes, size_t len, char *out);

/*
 * Read exactly 2*len digits, then the end of text. ERR_CORRUPT otherwise, naming neither text nor bytes (may be a key).
 */
enum err_code hex_parse(const char *text, void *bytes, size_t len, struct err *e);
