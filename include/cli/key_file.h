/*
 * cli/key_file.h - `pitr key`: identities made and shown.
 */
#pragma once
#include "base/err.h"
#include <stdint.h>
#include <stdio.h>

/*
 * Make an identity. path: the file to write it to (0600, durable, never replacing one: ERR_REFUSED); its
 * recipient is then printed. NULL: the text of the identity file itself is printed.
 */
enum err_code key_file_generate(const char *path, int64_t now_us, FILE *out, struct err *e);

/* Print the recipients of the identities in a file that nobody else may read. */
enum err_code key_file_show(const char *path, FILE *out, struct err *e);
